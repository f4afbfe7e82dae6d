package import Proto

/// What opening the log found. Recovery decides nothing and overwrites nothing: the caller compares ends, cuts, clears.
package struct Recovery: Sendable {
  /// By shard, only those that the directory knows.
  package var shards: [ShardRecovery]
  /// What could not be read, in the log's order.
  package var unreadable: [UnreadableStretch]
  package var frameCount: Int
  package var recordCount: Int
  package var byteCount: Int
}

/// A part of the log that could not be read.
package struct UnreadableStretch: Equatable, Sendable {
  package enum Kind: Sendable {
    /// In the last group write: it may never have been acknowledged.
    case tear
    /// A later group began, so this was synced, and is lost.
    case damage
  }
  package var kind: Kind
  /// Positions in the log.
  package var range: Range<UInt64>
  /// Of a tear: a later start of the node named it in its next segment's header, and went on behind it. Of damage:
  /// every shard that the directory knows goes on behind it, so that nothing in it is needed any more.
  package var isSettled = false
}

/// One shard as the log and its snapshots give it.
package struct ShardRecovery: Sendable {
  package enum State: Equatable, Sendable {
    /// Everything up to `end` is known, and nothing can be missing behind it.
    case clean
    /// A tear may have held frames behind `end`.
    case suspectByTear
    /// Damage may have held frames behind `end`, or did: the shard halts until its peer clears or repairs it.
    case suspectByDamage(Reason)
  }
  package enum Reason: Equatable, Sendable {
    /// An unreadable stretch with nothing of the shard behind it.
    case stretch
    /// A later frame does not chain to `end`: frames between are lost.
    case gap
    /// A snapshot at `index` existed, and its index cannot be reached.
    case unreachable(index: UInt64)
  }
  package var shard: ShardID
  package var state: State
  package var end: LogEnd
  /// The committed index that the last frame carries: a lower bound.
  package var committed: UInt64
  /// The snapshot to load before replaying; nil: replay from index 1.
  package var snapshot: SnapshotHeader?
  /// What is unreadable before this position did not lose anything that the shard needs, unless its state says so.
  package var evidence: UInt64 = 0
}

/// How far opening has come, about every 64 MiB.
package struct RecoveryProgress: Sendable {
  package var bytesDone: Int
  package var bytesTotal: Int
  package var recordsDone: Int
}
