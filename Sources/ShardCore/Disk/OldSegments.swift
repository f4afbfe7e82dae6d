package import Journal
package import Proto
import Threads
package import Time

/// Sees to it that the old segments of a node's log go. After each segment's worth of log, the shard that keeps the
/// oldest one takes a snapshot: not before the log takes twice what all snapshots take, which it does when each shard
/// is snapshotted in its time.
package final class OldSegments: Sendable {
  private let journal: Log
  private let state = Lock(State())

  private struct State {
    /// What each shard's newest snapshot takes.
    var snapshotBytes: [ShardID: Int] = [:]
    /// Where the log stood when a shard was last asked for a snapshot because it keeps the oldest segment.
    var pinnedAt: UInt64 = 0
    var lookedAt: MonotonicTime?
  }

  /// Time between two looks.
  private static let every: Milliseconds = 500

  package init(_ journal: Log) { self.journal = journal }

  /// A shard's snapshot has its name.
  func published(_ shard: ShardID, byteCount: Int) { state.withLock { $0.snapshotBytes[shard] = byteCount } }

  /// The shard that should be told to take a snapshot now, even if it has nothing new. Call it with each tick.
  package func shardToSnapshot(now: MonotonicTime) -> ShardID? {
    let mustLook = state.withLock { state in
      if let last = state.lookedAt, now - last < Self.every { return false }
      state.lookedAt = now
      return true
    }
    guard mustLook else { return nil }
    let written = journal.size.bytes
    let isDue = state.withLock { state in
      if written < state.pinnedAt { state.pinnedAt = written }
      guard written - state.pinnedAt >= UInt64(journal.options.segmentBytes),
        written >= 2 * UInt64(state.snapshotBytes.values.reduce(0, +))
      else { return false }
      state.pinnedAt = written
      return true
    }
    return isDue ? journal.pinningShard : nil
  }
}
