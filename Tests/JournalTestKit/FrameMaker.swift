package import Journal
import Octets
package import Proto
internal import TestKit
import Time

/// Makes frames that chain, for some shards, as primaries would.
package struct FrameMaker {
  package private(set) var ends: [ShardID: LogEnd] = [:]
  private var random: SeededRandom
  private var clock: Stamp = 1_000

  package init(seed: UInt64) { random = SeededRandom(seed: seed) }

  package func end(_ shard: ShardID) -> LogEnd { ends[shard] ?? LogEnd() }

  /// Goes on from another end: after a cut, or another's.
  package mutating func set(_ shard: ShardID, _ end: LogEnd) { ends[shard] = end }

  /// The shard's next frame.
  package mutating func frame(_ shard: ShardID, records: Int = 1, epoch: UInt64? = nil) -> EncodedFrame {
    let end = self.end(shard)
    var bytes: [UInt8] = []
    for _ in 0..<records {
      let hold = Command.Hold(
        event: EventRef(slot: EventSlot(1), incarnation: 7), ttl: 600, secret: random.next(),
        buyer: Bytes("buyer-\(random.next() % 1_000)"),
        seats: [SeatIndex(UInt32(random.next() % 100_000))])
      Command.hold(hold).encode(key: Bytes("key-\(random.next())"), into: &bytes)
    }
    clock += Milliseconds(Int64(random.next() % 3))
    var encoder = FrameEncoder()
    let frame = encoder.encode(
      bytes.rawSpan, shard: shard, epoch: max(epoch ?? 1, end.epoch), firstIndex: end.index + 1, count: UInt32(records),
      stamp: clock, committed: end.index, previousChain: end.chain)
    ends[shard] = frame.header.end
    return frame
  }
}
