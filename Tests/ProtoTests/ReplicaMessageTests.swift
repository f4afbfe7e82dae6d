import Octets
import Proto
import TestKit
import Testing

@Suite struct ReplicaMessageTests {
  static func samples(_ random: inout SeededRandom) -> [ReplicaMessage] {
    func number() -> UInt64 { .random(in: 0...UInt64.max, using: &random) }
    func position() -> LogPosition { LogPosition(epoch: number(), index: number(), chain: number()) }
    func replica() -> ReplicaID { ReplicaID(node: NodeName("n1.example")!, disk: number()) }
    func register(_ follower: ReplicaID?) -> MapRegister {
      MapRegister(
        revision: number(), entry: MapEntry(epoch: number(), primary: replica(), follower: follower, proposal: number())
      )
    }
    let point = Checkpoint(index: number(), digest: number())
    let table = (1...5).map {
      EpochEntry(epoch: $0 * 2, firstIndex: $0 * 10, lastIndex: $0 * 10 + 9, lastChain: number())
    }
    var messages: [ReplicaMessage] = []
    for checkpoint in [nil, point] {
      messages.append(
        .envelope(
          Envelope(
            epoch: number(), number: number(), stamp: -5, committed: number(), previous: number(),
            checkpoint: checkpoint)))
      for flag in [true, false] {
        messages.append(
          .acknowledgement(
            Acknowledgement(
              epoch: number(), durable: number(), number: number(), end: number(), missing: flag, full: !flag,
              checkpoint: checkpoint)))
      }
    }
    messages.append(.map(register(nil)))
    messages.append(.map(register(replica())))
    for suspicion in Suspicion.allCases {
      messages.append(.compare(ReplicaEnd(epoch: number(), end: position(), suspicion: suspicion)))
      messages.append(.ends(ReplicaEnd(epoch: number(), end: position(), suspicion: suspicion)))
    }
    messages.append(.cleared(epoch: number()))
    messages.append(.join(JoinRequest(epoch: number(), table: table, wantsSnapshot: false)))
    messages.append(.join(JoinRequest(epoch: number(), table: [], wantsSnapshot: true)))
    messages.append(.joinAnswer(JoinAnswer(epoch: number(), number: number(), way: .cut(position()))))
    messages.append(.joinAnswer(JoinAnswer(epoch: number(), number: number(), way: .snapshot)))
    for reason in ReplicaMessage.AloneReason.allCases { messages.append(.goAlone(epoch: number(), reason: reason)) }
    messages.append(.resign(epoch: number()))
    messages.append(.dispute(epoch: number(), point))
    messages.append(
      .snapshotChunk(SnapshotChunk(epoch: number(), session: number(), offset: number(), byteCount: 3, isLast: true)))
    messages.append(
      .snapshotProgress(SnapshotProgress(epoch: number(), session: number(), received: number())))
    for isAnswer in [false, true] { messages.append(.ending(epoch: number(), isAnswer: isAnswer)) }
    return messages
  }

  private static func payload(of message: ReplicaMessage) -> [UInt8] {
    switch message {
    case .envelope(let envelope): envelope.checkpoint == nil ? [] : [1, 2, 3, 4, 5]
    case .snapshotChunk(let chunk): Array(repeating: 7, count: Int(chunk.byteCount))
    default: []
    }
  }

  private func encode(_ message: ReplicaMessage) -> [UInt8] {
    var out: [UInt8] = []
    let payload = Self.payload(of: message)
    if payload.isEmpty {
      message.encode(shard: ShardID(7), into: &out)
    } else {
      message.encode(shard: ShardID(7), into: &out) { $0.append(contentsOf: payload) }
    }
    return out
  }

  private func decode(_ bytes: [UInt8]) throws -> (ShardID, ReplicaMessage, [UInt8], left: Int) {
    var reader = ByteReader(bytes.rawSpan)
    let item = try PeerItem(decoding: &reader)
    return (item.shard, item.message, Bytes(item.payload).array, reader.bytesLeft)
  }

  @Test func comesBackAsItWasSent() throws {
    var random = SeededRandom(seed: 1)
    for message in Self.samples(&random) {
      let (shard, back, payload, left) = try decode(encode(message))
      #expect(shard == ShardID(7) && back == message && payload == Self.payload(of: message) && left == 0)
    }
  }

  @Test func manyInOneFrame() throws {
    var random = SeededRandom(seed: 2)
    let messages = Self.samples(&random)
    var bytes: [UInt8] = []
    for message in messages { bytes += encode(message) }
    var reader = ByteReader(bytes.rawSpan)
    var back: [ReplicaMessage] = []
    while reader.bytesLeft > 0 { back.append(try PeerItem(decoding: &reader).message) }
    #expect(back == messages)
  }

  @Test func everyTruncationIsRefused() {
    var random = SeededRandom(seed: 3)
    for message in Self.samples(&random) {
      let bytes = encode(message)
      for count in 0..<bytes.count {
        #expect(throws: DecodeError.self) { try decode(Array(bytes[..<count])) }
      }
    }
  }

  @Test func noMutationTrapsAndWhatDecodesEncodesAgain() throws {
    var random = SeededRandom(seed: 4)
    for round in 0..<200 {
      for message in Self.samples(&random) {
        var bytes = encode(message)
        for _ in 0...(round % 3) {
          bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        guard let (shard, back, payload, left) = try? decode(bytes) else { continue }
        var again: [UInt8] = []
        back.encode(shard: shard, into: &again) { $0.append(contentsOf: payload) }
        #expect(again == Array(bytes.dropLast(left)), "round \(round): \(message)")
      }
    }
  }

  @Test func lengthsAreBoundedBeforeAnythingIsAllocated() {
    var bytes = encode(.resign(epoch: 1))
    bytes.patch(UInt32.max, at: 8)
    #expect(
      throws: DecodeError.oversize(
        field: "peer message payload", value: UInt64(UInt32.max), limit: UInt64(PeerItem.payloadBytesMax))
    ) { try decode(bytes) }
  }

  @Test func aTableThatDoesNotAscendIsRefused() {
    let table = [
      EpochEntry(epoch: 3, firstIndex: 1, lastIndex: 4, lastChain: 1),
      EpochEntry(epoch: 2, firstIndex: 5, lastIndex: 9, lastChain: 1),
    ]
    #expect(throws: DecodeError.invalid(field: "epoch table")) {
      try decode(encode(.join(JoinRequest(epoch: 1, table: table, wantsSnapshot: false))))
    }
  }
}
