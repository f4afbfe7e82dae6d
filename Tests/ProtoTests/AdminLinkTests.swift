import Octets
import Proto
import Testing

private let requests: [AdminRequest] = [
  .status(digests: []),
  .status(digests: [.init(shard: ShardID(3), index: 812), .init(shard: ShardID(0), index: .max)]),
  .drain(shards: [], deadline: 5_000),
  .drain(shards: [ShardID(1), ShardID(1_023)], deadline: 0),
  .takeOver(dead: NodeName("n1")!, shards: [ShardID(7)], deadline: 100),
  .acceptLoss(shards: [ShardID(7)], deadline: 100),
]

private let replies: [AdminReply] = [
  .refused("not now"),
  .shards([
    .init(shard: ShardID(2), result: .done, epoch: 4),
    .init(shard: ShardID(3), result: .refused, epoch: 9, text: "no follower"),
  ]),
  .status(
    NodeStatus(
      node: NodeName("n2")!, cluster: 0xC1, disk: 0xFEED, pid: 77, state: .halted, reason: "sync failed",
      replicas: [
        ReplicaStatus(
          shard: ShardID(0), role: .primary, epoch: 3, durableIndex: 9, committedIndex: 8, appliedIndex: 10,
          digest: .init(index: 8, value: 0xABCD)),
        ReplicaStatus(
          shard: ShardID(1), role: .halted, epoch: 3, durableIndex: 0, committedIndex: 0, appliedIndex: 0,
          reason: "damage"),
      ])),
]

@Test(arguments: requests) func adminRequestsComeBackAndEveryTruncationIsRefused(request: AdminRequest) throws {
  var bytes: [UInt8] = []
  request.encode(into: &bytes)
  var reader = ByteReader(bytes.rawSpan)
  #expect(try AdminRequest(decoding: &reader) == request)
  for length in 0..<bytes.count {
    #expect(throws: DecodeError.self, "cut at \(length)") {
      var cut = ByteReader(bytes.rawSpan.extracting(0..<length))
      _ = try AdminRequest(decoding: &cut)
    }
  }
}

@Test(arguments: replies) func adminRepliesComeBackAndEveryTruncationIsRefused(reply: AdminReply) throws {
  var bytes: [UInt8] = []
  reply.encode(into: &bytes)
  var reader = ByteReader(bytes.rawSpan)
  #expect(try AdminReply(decoding: &reader) == reply)
  for length in 0..<bytes.count {
    #expect(throws: DecodeError.self, "cut at \(length)") {
      var cut = ByteReader(bytes.rawSpan.extracting(0..<length))
      _ = try AdminReply(decoding: &cut)
    }
  }
}

@Test func longAdminTextsAreCut() throws {
  var bytes: [UInt8] = []
  AdminReply.refused(Bytes([UInt8](repeating: 0x61, count: 400))).encode(into: &bytes)
  var reader = ByteReader(bytes.rawSpan)
  #expect(try AdminReply(decoding: &reader) == .refused(Bytes([UInt8](repeating: 0x61, count: 255))))
}
