package import Proto

extension LogImage {
  /// Decides, for each shard, which history counts, where it ends and what may be missing. Leaves one run in each
  /// index.
  mutating func resolve() throws(JournalError) -> Recovery {
    for snapshot in snapshots {
      while shards.count <= Int(snapshot.shard.rawValue) { shards.append(ShardIndex()) }
    }
    var recovered: [ShardRecovery] = []
    for place in shards.indices {
      let shard = ShardID(UInt16(place))
      let found = snapshots.filter { $0.shard == shard }
      guard !shards[place].runs.isEmpty || !found.isEmpty else { continue }
      recovered.append(try resolve(shard, found))
    }
    for place in unreadable.indices where unreadable[place].kind == .damage {
      unreadable[place].isSettled = recovered.allSatisfy { $0.isWhole(behind: unreadable[place].range) }
    }
    return Recovery(
      shards: recovered, unreadable: unreadable, frameCount: segments.reduce(0) { $0 + $1.frameCount },
      recordCount: segments.reduce(0) { $0 + $1.recordCount }, byteCount: segments.reduce(0) { $0 + $1.range.count })
  }

  private mutating func resolve(_ shard: ShardID, _ found: [SnapshotFound]) throws(JournalError) -> ShardRecovery {
    var index = shards[Int(shard.rawValue)]
    let usable = found.compactMap(\.header).filter { !index.isVoid($0) }
    // One that cannot be read is not known to be void.
    let highestNamed = found.filter { $0.header == nil }.map(\.index).max() ?? 0
    let highest = max(highestNamed, usable.first?.end.index ?? 0)

    var hasGap = index.orphans.contains { orphan in !tornRegions.contains { $0.contains(orphan) } }
    var unreachable: UInt64?
    var droppedAt: UInt64 = 0
    // The newest history whose beginning is known; a run that lies in a torn group and chains to nothing never counted.
    while let run = index.runs.last {
      var bridges: [SnapshotHeader] = []
      for snapshot in usable where try stands(snapshot, in: run) { bridges.append(snapshot) }
      if run.origin == .birth || !bridges.isEmpty {
        index.snapshots = usable.filter { $0.end.index > run.end.index } + bridges
        break
      }
      index.runs.removeLast()
      if !tornRegions.contains(where: { $0.contains(run.start..<(run.evidence + 1)) }) {
        hasGap = hasGap || !index.runs.isEmpty
        unreachable = max(unreachable ?? 0, run.base.index)
        droppedAt = max(droppedAt, run.evidence)
      }
    }
    index.runs.removeFirst(max(0, index.runs.count - 1))
    if index.runs.isEmpty { index.snapshots = usable }
    // A snapshot past the end of what the log has: go on from there. It makes up for what lies before it.
    if let newest = index.snapshots.first, index.runs.isEmpty || newest.end.index > index.end.index {
      index.adopt(newest)
      if newest.replayPosition > droppedAt { (unreachable, hasGap) = (nil, false) }
    }
    shards[Int(shard.rawValue)] = index

    var state = suspicion(index)
    if highest > index.end.index { state = .suspectByDamage(.unreachable(index: highest)) }
    if let unreachable { state = .suspectByDamage(.unreachable(index: unreachable)) }
    if hasGap { state = .suspectByDamage(.gap) }
    return ShardRecovery(
      shard: shard, state: state, end: index.end, committed: index.run?.committed ?? 0,
      snapshot: index.snapshots.first, evidence: index.evidence)
  }

  /// What unreadable stretches make of a shard that has nothing behind them.
  private func suspicion(_ index: ShardIndex) -> ShardRecovery.State {
    let behind = unreadable.filter { $0.range.upperBound > index.evidence }
    if behind.contains(where: { $0.kind == .damage }) { return .suspectByDamage(.stretch) }
    return behind.isEmpty ? .clean : .suspectByTear
  }

  /// Whether the run passes through exactly the state that the snapshot stands for.
  private func stands(_ snapshot: SnapshotHeader, in run: ShardRun) throws(JournalError) -> Bool {
    let end = snapshot.end
    if end.index == run.end.index { return end.chain == run.end.chain }
    if end.index == run.base.index { return end.chain == run.base.chain }
    guard end.index > run.base.index, end.index < run.end.index, let place = run.place(of: end.index + 1) else {
      return false
    }
    var cursor = LogCursor(view, from: place.position)
    while let frame = try cursor.next() {
      guard frame.shard == snapshot.shard, frame.kind == .records, frame.firstIndex > end.index else { continue }
      if frame.firstIndex == end.index + 1 && frame.previousChain == end.chain { return true }
      if frame.firstIndex > end.index + 1 { return false }
    }
    return false
  }
}

extension ShardRecovery {
  /// Whether nothing that the shard needs can have stood there.
  fileprivate func isWhole(behind range: Range<UInt64>) -> Bool {
    switch state {
    case .clean, .suspectByTear, .suspectByDamage(.stretch): range.upperBound <= evidence
    case .suspectByDamage(.gap), .suspectByDamage(.unreachable): false
    }
  }
}

extension ShardIndex {
  fileprivate var evidence: UInt64 { max(run?.evidence ?? 0, snapshots.first?.replayPosition ?? 0) }
}

extension Recovery {
  /// What was found of a shard. One that the directory does not know is new, or all of it was lost in what cannot be
  /// read.
  package func shard(_ shard: ShardID) -> ShardRecovery {
    if let found = shards.first(where: { $0.shard == shard }) { return found }
    var state = ShardRecovery.State.clean
    if unreadable.contains(where: { $0.kind == .tear }) { state = .suspectByTear }
    if unreadable.contains(where: { $0.kind == .damage }) { state = .suspectByDamage(.stretch) }
    return ShardRecovery(shard: shard, state: state, end: LogEnd(), committed: 0, snapshot: nil)
  }
}

extension Range where Bound == UInt64 {
  func contains(_ other: Range<UInt64>) -> Bool { lowerBound <= other.lowerBound && other.upperBound <= upperBound }
}
