public import Proto
public import Time

/// What a replica is told once, at its process's start.
public struct ReplicaConfig: Sendable {
  /// Silence after which the other is thought dead. Starts attempts only; no promise rests on it.
  public var failureTimeout: Milliseconds = 500
  /// Most that is added to the time-out, drawn anew for each attempt.
  public var failureJitter: Milliseconds = 100
  /// A primary that sent its follower nothing for so long sends an empty envelope.
  public var heartbeat: Milliseconds = 100
  /// The register is read afresh so often, whatever the role: a coordinator that went back tells nobody.
  public var mapEvery: Milliseconds = 1_000
  /// A proposal that is not settled is sent again after so long.
  public var proposalResend: Milliseconds = 250
  /// A replica that wants to join, or to compare its end, asks again after so long.
  public var askAgain: Milliseconds = 200
  /// A process that is about to end says so for so long before it leaves its peer: the other may have been told to end
  /// at the same time, a little later.
  public var endGrace: Milliseconds = 100
  /// It says so again after so long, and is not believed to end any more after five times that.
  var endAgain: Milliseconds { min(heartbeat, askAgain) }
  /// Records between two digests that the follower compares.
  public var checkpointEvery: UInt64 = 1_024
  /// Bytes of frames in one read for a replica that catches up; at most two reads are unacknowledged. The edge counts a
  /// small frame for more than it has.
  public var catchUpBytes: Int = 1 << 20
  /// A joiner that is further behind than this gets a snapshot even if the log reaches back.
  public var snapshotBehind: UInt64 = 2_000_000
  /// Bytes of a snapshot that may be unacknowledged.
  public var snapshotWindowBytes: UInt64 = 1 << 20
  /// First wait before a replica that was taken in within the last hour is taken in again; doubles each time.
  public var readmissionWait: Milliseconds = 1_000
  public var readmissionWaitMax: Milliseconds = 60_000
  public var readmissionMemory: Milliseconds = 3_600_000
  /// A drain that has not emptied after so long is given up.
  public var drainTimeout: Milliseconds = 3_000
  /// Whether this replica asks to be taken in where the map does not name it.
  public var joins = true
  public init() {}
}

/// What recovery read from the node's log and snapshots about one shard.
public struct LogState: Equatable, Sendable {
  /// The last valid frame's end: all of it is on stable storage.
  public var end: LogPosition
  /// Ascending, contiguous, ends at `end`; at most `EpochEntry.countMax`, the newest ones.
  public var table: [EpochEntry]
  public var suspicion: Suspicion
  /// The last frame's stamp; 0: none.
  public var lastStamp: Stamp
  /// The highest committed index that any frame carried.
  public var committed: UInt64
  /// The inventory's digest at `end`; nil: not known, and not compared until the next frame.
  public var digest: UInt64?
  /// The id of the last proposal that this replica noted on its disk before it sent it; nil: none.
  public var noted: UInt64?
  /// The newest entry that named this replica, as its disk notes it; nil: none, or not known.
  public var entered: EpochNote?
  public init(
    end: LogPosition = .start, table: [EpochEntry] = [], suspicion: Suspicion = .none, lastStamp: Stamp = .zero,
    committed: UInt64 = 0, digest: UInt64? = nil, noted: UInt64? = nil
  ) {
    (self.end, self.table, self.suspicion) = (end, table, suspicion)
    (self.lastStamp, self.committed, self.digest, self.noted) = (lastStamp, committed, digest, noted)
  }
}

/// An epoch and the proposal that won it: numbers alone come again when a coordinator forgets.
public struct EpochNote: Equatable, Sendable {
  public var epoch: UInt64
  public var proposal: UInt64
  public init(epoch: UInt64, proposal: UInt64) { (self.epoch, self.proposal) = (epoch, proposal) }
}

/// Who the cluster's birth says should have a shard whose register was never written.
public struct FirstRoles: Equatable, Sendable {
  public var primary: ReplicaID
  /// Known by its disk id, which is as new as the cluster: its log is empty. nil: it joins later.
  public var follower: ReplicaID?
  public init(primary: ReplicaID, follower: ReplicaID?) { (self.primary, self.follower) = (primary, follower) }
}
