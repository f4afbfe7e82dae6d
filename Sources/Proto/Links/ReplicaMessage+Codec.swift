public import Octets

/// One message of a `peerMessages` frame with the bytes that belong to it, still in place.
///
/// Layout, little-endian: `shard: u16`, `kind: u8`, `flags: u8`, `fieldBytes: u32`, `payloadBytes: u32`, the fields,
/// the payload.
public struct PeerItem: ~Escapable {
  public let shard: ShardID
  public let message: ReplicaMessage
  /// A frame of the log behind an envelope, a chunk's bytes, else empty.
  public let payload: RawSpan

  public static var headerBytes: Int { 12 }
  /// A frame of the log with the largest block.
  public static var payloadBytesMax: Int {
    LogFrame.headerBytes + LogFrame.rawBytesMax + LogFrame.rawBytesMax / 255 + 16
  }
  static var fieldBytesMax: Int { 16 << 10 }

  /// Takes the next message off the reader.
  @_lifetime(copy reader)
  public init(decoding reader: inout ByteReader) throws(DecodeError) {
    shard = ShardID(try reader.u16())
    let kind = try reader.u8()
    let flags = try reader.u8()
    let fieldBytes = try reader.count(limit: Self.fieldBytesMax, field: "peer message fields")
    let payloadBytes = try reader.count(limit: Self.payloadBytesMax, field: "peer message payload")
    var fields = ByteReader(try reader.bytes(fieldBytes))
    payload = try reader.bytes(payloadBytes)
    guard let known = Kind(rawValue: kind) else { throw .invalid(field: "peer message kind") }
    message = try ReplicaMessage(known, flags: flags, decoding: &fields)
    try fields.finish()
    switch message {
    case .envelope: break
    case .snapshotChunk(let chunk):
      guard payloadBytes == chunk.byteCount else { throw .invalid(field: "snapshot chunk") }
    case .acknowledgement, .map, .compare, .ends, .cleared, .join, .joinAnswer, .goAlone, .resign, .dispute,
      .snapshotProgress, .ending:
      guard payloadBytes == 0 else { throw .invalid(field: "peer message payload") }
    }
  }

  /// The names of the kinds, for the test that freezes their bytes.
  package static var kindNames: [String] { Kind.allCases.map { "\($0)" } }

  enum Kind: UInt8, CaseIterable {
    case envelope = 1
    case acknowledgement = 2
    case map = 3
    case compare = 4
    case ends = 5
    case cleared = 6
    case join = 7
    case joinAnswer = 8
    case goAlone = 9
    case resign = 10
    case dispute = 11
    case snapshotChunk = 12
    case snapshotProgress = 13
    case ending = 14
  }
}

extension ReplicaMessage {
  /// Appends a message without payload.
  public func encode(shard: ShardID, into out: inout [UInt8]) {
    let start = begin(shard: shard, into: &out)
    ReplicaMessage.end(start, in: &out)
  }

  /// Appends a message and what `payload` writes behind it: a frame of the log, or a chunk's bytes.
  @inlinable public func encode(shard: ShardID, into out: inout [UInt8], payload: (inout [UInt8]) -> Void) {
    let start = begin(shard: shard, into: &out)
    payload(&out)
    ReplicaMessage.end(start, in: &out)
  }

  /// Appends a message whose payload of so many bytes is sent behind `out`.
  public func encode(shard: ShardID, into out: inout [UInt8], payloadBytes: Int) {
    let start = begin(shard: shard, into: &out)
    out.patch(UInt32(payloadBytes), at: start)
  }

  @usableFromInline func begin(shard: ShardID, into out: inout [UInt8]) -> Int {
    let start = out.count
    out.put(shard.rawValue)
    out.append(0)
    out.append(0)
    out.put(UInt64(0))
    let (kind, flags) = encodeFields(into: &out)
    out[start + 2] = kind.rawValue
    out[start + 3] = flags
    out.patch(UInt32(out.count - start - PeerItem.headerBytes), at: start + 4)
    return start + 8
  }

  /// Fills in the payload's length: what stands behind the fields.
  @usableFromInline static func end(_ lengthAt: Int, in out: inout [UInt8]) {
    var fieldBytes = 0
    for offset in 0..<4 { fieldBytes |= Int(out[lengthAt - 4 + offset]) << (8 * offset) }
    out.patch(UInt32(out.count - lengthAt - 4 - fieldBytes), at: lengthAt)
  }

  private func encodeFields(into out: inout [UInt8]) -> (PeerItem.Kind, flags: UInt8) {
    switch self {
    case .envelope(let envelope):
      out.put(envelope.epoch)
      out.put(envelope.number)
      out.put(envelope.stamp)
      out.put(envelope.committed)
      out.put(envelope.previous)
      envelope.checkpoint?.encode(into: &out)
      return (.envelope, envelope.checkpoint == nil ? 0 : 1)
    case .acknowledgement(let ack):
      out.put(ack.epoch)
      out.put(ack.durable)
      out.put(ack.number)
      out.put(ack.end)
      ack.checkpoint?.encode(into: &out)
      return (.acknowledgement, (ack.checkpoint == nil ? 0 : 1) | (ack.missing ? 2 : 0) | (ack.full ? 4 : 0))
    case .map(let register):
      out.put(register.revision)
      out.put(register.entry.epoch)
      out.put(register.entry.proposal)
      register.entry.primary.encode(into: &out)
      register.entry.follower?.encode(into: &out)
      return (.map, register.entry.follower == nil ? 0 : 1)
    case .compare(let end):
      end.encode(into: &out)
      return (.compare, 0)
    case .ends(let end):
      end.encode(into: &out)
      return (.ends, 0)
    case .cleared(let epoch):
      out.put(epoch)
      return (.cleared, 0)
    case .join(let request):
      out.put(request.epoch)
      out.put(UInt16(truncatingIfNeeded: request.table.count))
      precondition(request.table.count <= EpochEntry.countMax, "the table keeps its bound when an epoch is added")
      for entry in request.table {
        out.put(entry.epoch)
        out.put(entry.firstIndex)
        out.put(entry.lastIndex)
        out.put(entry.lastChain)
      }
      return (.join, request.wantsSnapshot ? 1 : 0)
    case .joinAnswer(let answer):
      out.put(answer.epoch)
      out.put(answer.number)
      guard case .cut(let position) = answer.way else { return (.joinAnswer, 1) }
      position.encode(into: &out)
      return (.joinAnswer, 0)
    case .goAlone(let epoch, let reason):
      out.put(epoch)
      return (.goAlone, reason.rawValue)
    case .resign(let epoch):
      out.put(epoch)
      return (.resign, 0)
    case .dispute(let epoch, let checkpoint):
      out.put(epoch)
      checkpoint.encode(into: &out)
      return (.dispute, 0)
    case .snapshotChunk(let chunk):
      out.put(chunk.epoch)
      out.put(chunk.session)
      out.put(chunk.offset)
      out.put(chunk.byteCount)
      return (.snapshotChunk, chunk.isLast ? 1 : 0)
    case .snapshotProgress(let progress):
      out.put(progress.epoch)
      out.put(progress.session)
      out.put(progress.received)
      return (.snapshotProgress, 0)
    case .ending(let epoch, let isAnswer):
      out.put(epoch)
      return (.ending, isAnswer ? 1 : 0)
    }
  }

  init(_ kind: PeerItem.Kind, flags: UInt8, decoding reader: inout ByteReader) throws(DecodeError) {
    func allow(_ mask: UInt8) throws(DecodeError) {
      guard flags & ~mask == 0 else { throw .invalid(field: "peer message flags") }
    }
    switch kind {
    case .envelope:
      try allow(1)
      let (epoch, number) = (try reader.u64(), try reader.u64())
      let stamp = try reader.stamp()
      let (committed, previous) = (try reader.u64(), try reader.u64())
      let checkpoint = flags & 1 != 0 ? try Checkpoint(decoding: &reader) : nil
      self = .envelope(
        Envelope(
          epoch: epoch, number: number, stamp: stamp, committed: committed, previous: previous, checkpoint: checkpoint))
    case .acknowledgement:
      try allow(7)
      let (epoch, durable) = (try reader.u64(), try reader.u64())
      let (number, end) = (try reader.u64(), try reader.u64())
      let checkpoint = flags & 1 != 0 ? try Checkpoint(decoding: &reader) : nil
      self = .acknowledgement(
        Acknowledgement(
          epoch: epoch, durable: durable, number: number, end: end, missing: flags & 2 != 0, full: flags & 4 != 0,
          checkpoint: checkpoint))
    case .map:
      try allow(1)
      let revision = try reader.u64()
      let (epoch, proposal) = (try reader.u64(), try reader.u64())
      let primary = try ReplicaID(decoding: &reader)
      let follower = flags & 1 != 0 ? try ReplicaID(decoding: &reader) : nil
      self = .map(
        MapRegister(
          revision: revision, entry: MapEntry(epoch: epoch, primary: primary, follower: follower, proposal: proposal)))
    case .compare:
      try allow(0)
      self = .compare(try ReplicaEnd(decoding: &reader))
    case .ends:
      try allow(0)
      self = .ends(try ReplicaEnd(decoding: &reader))
    case .cleared:
      try allow(0)
      self = .cleared(epoch: try reader.u64())
    case .join:
      try allow(1)
      let epoch = try reader.u64()
      let count = Int(try reader.u16())
      guard count <= EpochEntry.countMax else {
        throw .oversize(field: "epoch table", value: UInt64(count), limit: UInt64(EpochEntry.countMax))
      }
      var table: [EpochEntry] = []
      for _ in 0..<count {
        let (epoch, firstIndex) = (try reader.u64(), try reader.u64())
        let (lastIndex, lastChain) = (try reader.u64(), try reader.u64())
        guard firstIndex <= lastIndex, table.last.map({ $0.epoch < epoch && $0.lastIndex < firstIndex }) ?? true else {
          throw .invalid(field: "epoch table")
        }
        table.append(EpochEntry(epoch: epoch, firstIndex: firstIndex, lastIndex: lastIndex, lastChain: lastChain))
      }
      self = .join(JoinRequest(epoch: epoch, table: table, wantsSnapshot: flags & 1 != 0))
    case .joinAnswer:
      try allow(1)
      let (epoch, number) = (try reader.u64(), try reader.u64())
      let way: JoinAnswer.Way = flags & 1 != 0 ? .snapshot : .cut(try LogPosition(decoding: &reader))
      self = .joinAnswer(JoinAnswer(epoch: epoch, number: number, way: way))
    case .goAlone:
      guard let reason = AloneReason(rawValue: flags) else { throw .invalid(field: "reason to go alone") }
      self = .goAlone(epoch: try reader.u64(), reason: reason)
    case .resign:
      try allow(0)
      self = .resign(epoch: try reader.u64())
    case .dispute:
      try allow(0)
      let epoch = try reader.u64()
      self = .dispute(epoch: epoch, try Checkpoint(decoding: &reader))
    case .snapshotChunk:
      try allow(1)
      let (epoch, session) = (try reader.u64(), try reader.u64())
      let offset = try reader.u64()
      let byteCount = UInt32(try reader.count(limit: SnapshotChunk.bytesMax, field: "snapshot chunk"))
      self = .snapshotChunk(
        SnapshotChunk(
          epoch: epoch, session: session, offset: offset, byteCount: byteCount, isLast: flags & 1 != 0))
    case .snapshotProgress:
      try allow(0)
      let (epoch, session) = (try reader.u64(), try reader.u64())
      self = .snapshotProgress(SnapshotProgress(epoch: epoch, session: session, received: try reader.u64()))
    case .ending:
      try allow(1)
      self = .ending(epoch: try reader.u64(), isAnswer: flags & 1 != 0)
    }
  }
}

extension LogPosition {
  func encode(into out: inout [UInt8]) {
    out.put(epoch)
    out.put(index)
    out.put(chain)
  }

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    let (epoch, index) = (try reader.u64(), try reader.u64())
    self.init(epoch: epoch, index: index, chain: try reader.u64())
  }
}

extension ReplicaEnd {
  func encode(into out: inout [UInt8]) {
    out.put(epoch)
    end.encode(into: &out)
    out.append(suspicion.rawValue)
  }

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    let epoch = try reader.u64()
    let end = try LogPosition(decoding: &reader)
    guard let suspicion = Suspicion(rawValue: try reader.u8()) else { throw .invalid(field: "suspicion") }
    self.init(epoch: epoch, end: end, suspicion: suspicion)
  }
}

extension Checkpoint {
  func encode(into out: inout [UInt8]) {
    out.put(index)
    out.put(digest)
  }

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    let index = try reader.u64()
    self.init(index: index, digest: try reader.u64())
  }
}
