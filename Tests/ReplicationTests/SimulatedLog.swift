import Octets
import Proto
import Replication
import Time

/// A frame with what it holds: numbers that stand for records.
struct SimulatedFrame: Equatable {
  var header: LogFrame
  var records: [UInt64]
  /// The state's digest after it.
  var digest: UInt64

  init(
    shard: ShardID, epoch: UInt64, after end: LogPosition, records: [UInt64], stamp: Stamp, committed: UInt64,
    digestBefore: UInt64
  ) {
    self.records = records
    var hash: UInt64 = 0
    var digest = digestBefore
    for (offset, record) in records.enumerated() {
      hash = mix64(hash ^ record)
      digest &+= mix64(record ^ mix64(end.index &+ 1 &+ UInt64(offset)))
    }
    self.digest = digest
    header = LogFrame(
      kind: .records, shard: shard, epoch: epoch, firstIndex: end.index + 1, count: UInt32(records.count),
      rawBytes: UInt32(records.count * 8), blockBytes: UInt32(records.count * 8),
      recordsCRC: UInt32(truncatingIfNeeded: hash), stamp: stamp, committed: committed, previousChain: end.chain)
  }

  var end: LogPosition { LogPosition(epoch: header.epoch, index: header.lastIndex, chain: header.chain) }
}

/// One replica's log, of which a crash may lose what is not durable.
struct SimulatedLog {
  var frames: [SimulatedFrame] = []
  /// Frames on stable storage.
  var durableCount = 0
  /// Frames that only a snapshot remembers: they cannot be read or looked up.
  var base = 0

  var end: LogPosition { frames.last?.end ?? .start }
  var digest: UInt64 { frames.last?.digest ?? 0 }

  /// How many frames end at or before `index`.
  func count(through index: UInt64) -> Int {
    var (low, high) = (0, frames.count)
    while low < high {
      let middle = (low + high) / 2
      if frames[middle].header.lastIndex <= index { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The frame that ends exactly at `index`.
  func frame(endingAt index: UInt64) -> SimulatedFrame? {
    let count = count(through: index)
    guard count > 0, frames[count - 1].header.lastIndex == index else { return nil }
    return frames[count - 1]
  }

  /// The chain hash at `index`; nil if no frame ends there. The empty log's is 0.
  func chain(at index: UInt64) -> UInt64? { index == 0 ? 0 : frame(endingAt: index)?.header.chain }

  func isDurable(_ index: UInt64, chain: UInt64) -> Bool {
    let count = count(through: index)
    return count <= durableCount && self.chain(at: index) == chain
  }

  /// What recovery would say.
  func state(suspicion: Suspicion = .none) -> LogState {
    var table: [EpochEntry] = []
    for frame in frames {
      if table.last?.epoch == frame.header.epoch {
        table[table.count - 1].lastIndex = frame.header.lastIndex
        table[table.count - 1].lastChain = frame.header.chain
      } else {
        table.append(
          EpochEntry(
            epoch: frame.header.epoch, firstIndex: frame.header.firstIndex, lastIndex: frame.header.lastIndex,
            lastChain: frame.header.chain))
      }
    }
    return LogState(
      end: end, table: table.suffix(EpochEntry.countMax), suspicion: suspicion,
      lastStamp: frames.last?.header.stamp ?? 0, committed: frames.last?.header.committed ?? 0, digest: digest)
  }

  mutating func truncate(to index: UInt64) {
    frames.removeLast(frames.count - count(through: index))
    durableCount = min(durableCount, frames.count)
    base = min(base, frames.count)
  }
}
