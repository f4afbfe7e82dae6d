internal import Proto

/// Consecutive frames of one shard, each chained to the one before.
struct ShardRun: Sendable {
  /// What makes the state before the run's first frame known.
  enum Origin: Sendable {
    /// The shard's beginning.
    case birth
    /// A snapshot is needed that stands somewhere in the run.
    case snapshot
  }

  /// Some frame's place. Kept for one frame in 64 KiB of log, and for the first in each segment: the rest is found by
  /// reading.
  struct Place: Sendable {
    var firstIndex: UInt64
    var position: UInt64
  }

  var origin: Origin
  /// Where the run's frames begin to count: earlier ones are other history.
  var start: UInt64
  /// What the run continues.
  var base: LogEnd
  var end: LogEnd
  /// Position of the last frame or marker: what lies before it did not lose anything of the shard.
  var evidence: UInt64
  /// The position behind it.
  var evidenceEnd: UInt64
  var committed: UInt64 = 0
  /// Epochs that began in the run; the first may have begun before it.
  var epochs: [EpochStart] = []
  var places: [Place] = []

  init(origin: Origin, start: UInt64, base: LogEnd) {
    (self.origin, self.start, self.base, end) = (origin, start, base, base)
    (evidence, evidenceEnd) = (start, start)
  }

  func isFollowed(by frame: LogFrame) -> Bool {
    frame.firstIndex == end.index &+ 1 && frame.previousChain == end.chain
  }

  mutating func append(_ frame: LogFrame, at position: UInt64, segment first: UInt64) {
    if frame.epoch != end.epoch || epochs.isEmpty {
      epochs.append(EpochStart(epoch: frame.epoch, firstIndex: frame.firstIndex, chainBefore: frame.previousChain))
    }
    if let last = places.last, position &- last.position < 64 << 10, last.position >= first {
      // Near enough.
    } else {
      places.append(Place(firstIndex: frame.firstIndex, position: position))
    }
    end = frame.end
    evidence = position
    evidenceEnd = position + UInt64(frame.frameBytes)
    committed = max(committed, frame.committed)
  }

  mutating func cut(keeping: LogEnd, markerAt position: UInt64) {
    end = keeping
    evidence = position
    evidenceEnd = position + UInt64(LogFrame.headerBytes)
    committed = min(committed, keeping.index)
    epochs.removeAll { $0.firstIndex > keeping.index }
    places.removeAll { $0.firstIndex > keeping.index }
  }

  /// Where to begin to read for the frame that holds `index`.
  func place(of index: UInt64) -> Place? {
    var low = 0
    var high = places.count
    while low < high {
      let middle = (low + high) / 2
      if places[middle].firstIndex <= index { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? places[low - 1] : nil
  }
}

/// What the log knows of one shard.
struct ShardIndex: Sendable {
  /// A marker at `position` voids the shard's earlier frames from `firstIndex` on.
  struct Cut: Sendable {
    var position: UInt64
    var firstIndex: UInt64
    /// A rebuild's: the snapshot that it began with, and which it does not void.
    var rebuiltAt: LogEnd?
  }

  /// While a log is scanned there may be several: where a frame does not chain, a new one begins. Afterwards at most
  /// one.
  var runs: [ShardRun] = []
  var cuts: [Cut] = []
  /// Positions of frames that chained to nothing and were overtaken by others.
  var orphans: [Range<UInt64>] = []
  /// Those that can be used, newest first.
  var snapshots: [SnapshotHeader] = []
  /// The only snapshot was written a second time, because nothing happened since: the log before it is not needed.
  var isRewritten = false
  /// The lowest index that a follower needs.
  var keptFrom: UInt64?

  var run: ShardRun? { runs.last }
  var end: LogEnd { runs.last?.end ?? LogEnd() }
  var firstIndex: UInt64 { runs.last?.places.first?.firstIndex ?? end.index &+ 1 }

  /// Epochs from the newest snapshot that the run continues, and the run's own.
  var epochs: [EpochStart] {
    guard let run else { return snapshots.first?.epochs ?? [] }
    guard run.origin == .snapshot, let snapshot = snapshots.first(where: { $0.end.index <= run.end.index }) else {
      return run.epochs
    }
    return snapshot.epochs + run.epochs.filter { $0.epoch > snapshot.end.epoch }
  }

  mutating func note(_ frame: LogFrame, at position: UInt64, segment first: UInt64) {
    switch frame.kind {
    case .batch: break
    case .records: append(frame, at: position, segment: first)
    case .cut: cut(keeping: markedEnd(frame), markerAt: position)
    case .rebuilt: rebuild(at: markedEnd(frame), markerAt: position)
    }
  }

  private func markedEnd(_ marker: LogFrame) -> LogEnd {
    LogEnd(index: marker.firstIndex &- 1, epoch: marker.epoch, chain: marker.previousChain, stamp: marker.stamp)
  }

  private mutating func append(_ frame: LogFrame, at position: UInt64, segment first: UInt64) {
    if let place = runs.lastIndex(where: { $0.isFollowed(by: frame) }) {
      if place < runs.count - 1 {
        orphans.append(runs[place + 1].start..<(runs[runs.count - 1].evidence + 1))
        runs.removeLast(runs.count - 1 - place)
      }
      runs[place].append(frame, at: position, segment: first)
      return
    }
    let atBirth = frame.firstIndex == 1 && frame.previousChain == 0
    let base = LogEnd(index: frame.firstIndex &- 1, chain: frame.previousChain)
    var run = ShardRun(origin: atBirth ? .birth : .snapshot, start: position, base: base)
    run.append(frame, at: position, segment: first)
    runs.append(run)
  }

  private mutating func cut(keeping: LogEnd, markerAt position: UInt64) {
    cuts.append(Cut(position: position, firstIndex: keeping.index + 1))
    snapshots = snapshots.filter { !isVoid($0) }
    while let last = runs.last, !(last.base.index...last.end.index).contains(keeping.index) { runs.removeLast() }
    if runs.isEmpty {
      runs = [ShardRun(origin: keeping.index == 0 ? .birth : .snapshot, start: position, base: keeping)]
    } else {
      runs[runs.count - 1].cut(keeping: keeping, markerAt: position)
    }
  }

  private mutating func rebuild(at base: LogEnd, markerAt position: UInt64) {
    cuts.append(Cut(position: position, firstIndex: 0, rebuiltAt: base))
    snapshots = snapshots.filter { !isVoid($0) }
    orphans = []
    runs = [ShardRun(origin: .snapshot, start: position, base: base)]
    runs[0].committed = base.index
  }

  /// Whether a marker took back what the snapshot stands for.
  func isVoid(_ snapshot: SnapshotHeader) -> Bool {
    cuts.contains {
      guard $0.position > snapshot.replayPosition && $0.firstIndex <= snapshot.end.index else { return false }
      return !($0.rebuiltAt == snapshot.end && snapshot.isFromPeer)
    }
  }

  /// Whether a marker took back a frame.
  func isVoid(_ frame: LogFrame, at position: UInt64) -> Bool {
    if let run, position < run.start { return true }
    return cuts.contains { $0.position > position && $0.firstIndex <= frame.firstIndex }
  }

  /// Continues from a snapshot that stands past everything the log has.
  mutating func adopt(_ snapshot: SnapshotHeader) {
    runs = [ShardRun(origin: .snapshot, start: snapshot.replayPosition, base: snapshot.end)]
    runs[0].committed = snapshot.end.index
  }

  /// Forgets what lay before the oldest segment.
  mutating func forget(before position: UInt64) {
    cuts.removeAll { $0.position < position }
    for place in runs.indices {
      let kept = runs[place].places.drop { $0.position < position }
      if kept.count < runs[place].places.count {
        runs[place].places = Array(kept)
        runs[place].origin = .snapshot
      }
    }
  }

  /// The position from which the shard's part of the log is needed; nil: none of it.
  ///
  /// Two snapshots are kept, and the log from the older on; with only one, what lies before it is the other way to its
  /// state. A shard on which nothing happens would keep its part of the log for ever: see `isRewritten`.
  var neededFrom: UInt64? {
    var needed: UInt64?
    if isRewritten, let only = snapshots.first {
      needed = only.replayPosition
    } else if snapshots.count >= 2 {
      needed = snapshots[1].replayPosition
    } else if let run {
      needed = run.places.first?.position ?? snapshots.first?.replayPosition
    }
    if let keptFrom, keptFrom <= end.index, let place = run?.place(of: max(keptFrom, firstIndex)) {
      needed = min(needed ?? .max, place.position)
    }
    return needed
  }
}
