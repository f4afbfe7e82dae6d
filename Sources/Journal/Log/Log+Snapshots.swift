internal import Proto
import Threads

extension Log {
  /// Begins a snapshot in a temporary file. One from a peer (`isFromPeer`) becomes this replica's own with a `rebuilt`
  /// marker: seal it, append the marker, publish it when the marker is durable.
  package func writeSnapshot(_ header: SnapshotHeader) throws(JournalError) -> SnapshotWriter {
    try SnapshotWriter(header, log: self)
  }

  /// Opens a snapshot; every chunk is verified as it is read.
  package func readSnapshot(_ header: SnapshotHeader) throws(JournalError) -> SnapshotReader {
    try SnapshotReader(SnapshotFile.path(header.shard, index: header.end.index), in: storage)
  }

  /// Where the replay behind a snapshot starts: a position that is durable once the snapshot's index is, with none of
  /// the shard's later frames before it, and as far on as can be.
  func replayPosition(of snapshot: SnapshotHeader) throws(JournalError) -> UInt64 {
    let end = snapshot.end
    let (known, view, durable) = state.withLock { ($0.shard(snapshot.shard), $0.view, $0.durable) }
    if snapshot.isFromPeer { return durable }
    let voided = JournalError.voided(shard: snapshot.shard, index: end.index)
    guard end.index <= known.end.index else { throw voided }
    if end.index == known.end.index {
      guard end.chain == known.end.chain else { throw voided }
      guard let run = known.run else { return durable }
      return max(durable, run.evidenceEnd)
    }
    guard let place = known.run?.place(of: end.index + 1) else { throw voided }
    var reader = ShardReader(snapshot.shard, known, view, from: place)
    while let frame = try reader.next() {
      guard frame.firstIndex > end.index else { continue }
      guard frame.firstIndex == end.index + 1, frame.previousChain == end.chain else { throw voided }
      return reader.cursor.framePosition
    }
    throw voided
  }

  /// Names a sealed snapshot and forgets all older ones but one. If it takes the place of one at the same index, it
  /// forgets all others: nothing happened since, and the log that leads from an older one to it can go.
  func publish(_ header: SnapshotHeader) throws(JournalError) {
    let (shard, index) = (header.shard, header.end.index)
    let isVoid = state.withLock { $0.shard(shard).isVoid(header) }
    do {
      guard !isVoid else {
        try storage.remove(SnapshotFile.temporary(shard, index: index))
        throw JournalError.voided(shard: shard, index: index)
      }
      try storage.rename(SnapshotFile.temporary(shard, index: index), to: SnapshotFile.path(shard, index: index))
      try storage.syncDirectory(SnapshotFile.directory)
      let old = state.withLock { state in
        state.with(shard) { known -> [UInt64] in
          // A marker may have come meanwhile.
          guard !known.isVoid(header) else { return [index] }
          known.isRewritten = known.snapshots.first?.end.index == index
          known.snapshots.removeAll { $0.end.index == index }
          known.snapshots.append(header)
          known.snapshots.sort { $0.end.index > $1.end.index }
          let old = known.snapshots.dropFirst(known.isRewritten ? 1 : 2).map(\.end.index)
          known.snapshots.removeLast(old.count)
          return old
        }
      }
      for index in old { try storage.remove(SnapshotFile.path(shard, index: index)) }
    } catch let error as StorageError {
      throw .storage(error)
    } catch {
      throw .voided(shard: shard, index: index)
    }
  }
}
