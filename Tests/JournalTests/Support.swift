import Journal
import JournalTestKit
import Octets
import Proto

let node = NodeName("n1")!
let small = LogOptions(segmentBytes: 16 << 10)
let shards = (0..<4).map { ShardID($0) }

extension Log {
  static func open(_ storage: MemoryStorage, options: LogOptions = small) throws -> Log {
    try open(storage, node: node, newDisk: 0xD15C, options: options)
  }

  /// Appends and syncs a group.
  @discardableResult func write(_ frames: [EncodedFrame]) throws -> DurableGroup {
    try append(frames.map { .frame($0) })
    return try sync()
  }

  func cut(_ shard: ShardID, keeping end: LogEnd) throws {
    try append([.cut(shard: shard, keeping: end.index, chain: end.chain)])
    _ = try sync()
  }

  /// Everything that a replay from the beginning, or from the newest snapshot, gives of a shard.
  func replayed(_ shard: ShardID, after start: LogEnd = LogEnd()) throws -> [Replayed] {
    var all: [Replayed] = []
    try replay([shard: start]) { frame, records in
      all.append(Replayed(header: frame, records: Bytes(records)))
    }
    return all
  }
}

struct Replayed: Equatable {
  var header: LogFrame
  var records: Bytes
}

extension Replayed {
  init(_ frame: EncodedFrame) throws {
    var decoder = FrameDecoder()
    var reader = ByteReader(frame.bytes.rawSpan)
    header = try decoder.decode(&reader)
    records = Bytes(decoder.records)
  }
}

extension SnapshotHeader {
  init(_ shard: ShardID, _ end: LogEnd, isFromPeer: Bool = false) {
    self.init(
      shard: shard, end: end, epochs: [EpochStart(epoch: 1, firstIndex: 1, chainBefore: 0)], digest: end.index,
      isFromPeer: isFromPeer)
  }
}

/// Writes and publishes a snapshot whose one chunk is its index.
@discardableResult func takeSnapshot(_ log: Log, _ header: SnapshotHeader) throws -> SnapshotHeader {
  let writer = try log.writeSnapshot(header)
  try writer.add(Array("state at \(header.end.index)".utf8))
  try writer.seal()
  try writer.publish()
  return writer.header
}
