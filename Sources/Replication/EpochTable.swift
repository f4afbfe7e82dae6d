import Proto

/// Which epochs a log holds, where each begins, and where and with which chain hash it ends.
struct EpochTable: Equatable, Sendable {
  private(set) var entries: [EpochEntry]

  init(_ entries: [EpochEntry] = []) { self.entries = Array(entries.suffix(EpochEntry.countMax)) }

  mutating func append(_ frame: LogFrame) {
    if let last = entries.last, last.epoch == frame.epoch {
      entries[entries.count - 1].lastIndex = frame.lastIndex
      entries[entries.count - 1].lastChain = frame.chain
      return
    }
    if entries.count == EpochEntry.countMax { entries.removeFirst() }
    entries.append(
      EpochEntry(
        epoch: frame.epoch, firstIndex: frame.firstIndex, lastIndex: frame.lastIndex, lastChain: frame.chain))
  }

  /// The newest epoch that both logs hold.
  func lastCommon(with other: [EpochEntry]) -> (mine: EpochEntry, theirs: EpochEntry)? {
    var (i, j) = (entries.count - 1, other.count - 1)
    while i >= 0, j >= 0 {
      if entries[i].epoch == other[j].epoch { return (entries[i], other[j]) }
      if entries[i].epoch > other[j].epoch { i -= 1 } else { j -= 1 }
    }
    return nil
  }

  /// The chain hash at `index`, if an epoch ends there.
  func chain(at index: UInt64) -> UInt64? { entries.last { $0.lastIndex == index }?.lastChain }
}
