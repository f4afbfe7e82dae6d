public import Time

/// A place in a shard's log: the end of a frame. Index 0 with chain 0 is the empty log.
public struct LogPosition: Hashable, Sendable {
  /// The epoch of the frame that ends here; 0 for the empty log.
  public var epoch: UInt64
  /// The last record's index; a shard's first record ever has index 1.
  public var index: UInt64
  /// The chain hash of the frame that ends here.
  public var chain: UInt64
  @inlinable public init(epoch: UInt64, index: UInt64, chain: UInt64) {
    (self.epoch, self.index, self.chain) = (epoch, index, chain)
  }

  /// The end of a log that holds nothing.
  public static let start = LogPosition(epoch: 0, index: 0, chain: 0)

  /// Whether this end is further than another: by epoch first, then by index.
  @inlinable public func isFurther(than other: LogPosition) -> Bool {
    (epoch, index) > (other.epoch, other.index)
  }
}

/// One epoch's frames in a replica's log.
public struct EpochEntry: Hashable, Sendable {
  public var epoch: UInt64
  public var firstIndex: UInt64
  public var lastIndex: UInt64
  /// The chain hash of the epoch's last frame.
  public var lastChain: UInt64
  public init(epoch: UInt64, firstIndex: UInt64, lastIndex: UInt64, lastChain: UInt64) {
    (self.epoch, self.firstIndex, self.lastIndex, self.lastChain) = (epoch, firstIndex, lastIndex, lastChain)
  }

  /// Entries that a replica keeps and shows; older epochs are forgotten, oldest first.
  public static let countMax = 256
}

/// What recovery found out about a shard's log besides its frames.
public enum Suspicion: UInt8, Sendable, CaseIterable {
  case none = 0
  /// The last group write is unreadable, and may have held a frame of this shard.
  case tear = 1
  /// Something before the last group write is unreadable, and may have held a frame of this shard.
  case damage = 2
  /// The log lacks the opening record of the epoch in which the map names this replica, or holds an epoch that the map
  /// no longer has: either the log or the map may be older than what was answered.
  case unproven = 3
  /// The directory is known to be older than what this replica once had, or to be a copy: what was acknowledged may be
  /// missing.
  case stale = 4

  /// Whether such an end counts less than any sound one, however far it is, and never goes on beside another suspect
  /// one.
  @inlinable public var isGrave: Bool {
    switch self {
    case .none, .tear, .unproven: false
    case .damage, .stale: true
    }
  }

  /// Whether a replica may believe such an end by itself if the map names no other copy: what a torn write held was
  /// never answered.
  @inlinable public var mayGoOnAlone: Bool {
    switch self {
    case .none, .tear: true
    case .unproven, .damage, .stale: false
    }
  }

  /// The graver of two.
  @inlinable public func worse(_ other: Suspicion) -> Suspicion {
    func rank(_ suspicion: Suspicion) -> Int {
      switch suspicion {
      case .none: 0
      case .tear: 1
      case .unproven: 2
      case .damage: 3
      case .stale: 4
      }
    }
    return rank(self) >= rank(other) ? self : other
  }
}

/// What the primary sends its follower (or the replica that joins): every one has a new number. A frame may follow as
/// payload.
public struct Envelope: Hashable, Sendable {
  public var epoch: UInt64
  /// Grows with each envelope of a primary's process, resends included.
  public var number: UInt64
  /// The primary's running stamp when this was sent.
  public var stamp: Stamp
  public var committed: UInt64
  /// The index through which frames were sent before this envelope: a receiver that has less missed some.
  public var previous: UInt64
  /// The primary's digest after some record, now and then.
  public var checkpoint: Checkpoint?
  public init(
    epoch: UInt64, number: UInt64, stamp: Stamp, committed: UInt64, previous: UInt64,
    checkpoint: Checkpoint? = nil
  ) {
    (self.epoch, self.number, self.stamp) = (epoch, number, stamp)
    (self.committed, self.previous, self.checkpoint) = (committed, previous, checkpoint)
  }
}

/// A state's digest right after a record was applied.
public struct Checkpoint: Hashable, Sendable {
  public var index: UInt64
  public var digest: UInt64
  public init(index: UInt64, digest: UInt64) { (self.index, self.digest) = (index, digest) }
}

/// What a follower (or the replica that joins) says of its log.
public struct Acknowledgement: Hashable, Sendable {
  public var epoch: UInt64
  /// Everything up to here is on stable storage.
  public var durable: UInt64
  /// The highest number among the epoch's envelopes that came.
  public var number: UInt64
  /// The last record that was appended, durable or not.
  public var end: UInt64
  /// An envelope showed that frames behind `end` were missed: send them again.
  public var missing: Bool
  /// The disk has no room.
  public var full: Bool
  /// The sender's own digest at the last checkpoint that it reached.
  public var checkpoint: Checkpoint?
  public init(
    epoch: UInt64, durable: UInt64, number: UInt64, end: UInt64, missing: Bool = false, full: Bool = false,
    checkpoint: Checkpoint? = nil
  ) {
    (self.epoch, self.durable, self.number, self.end) = (epoch, durable, number, end)
    (self.missing, self.full, self.checkpoint) = (missing, full, checkpoint)
  }
}

/// One replica's end, told to another that compares it with its own.
public struct ReplicaEnd: Hashable, Sendable {
  /// The map's epoch, as the sender knows it.
  public var epoch: UInt64
  public var end: LogPosition
  public var suspicion: Suspicion
  public init(epoch: UInt64, end: LogPosition, suspicion: Suspicion) {
    (self.epoch, self.end, self.suspicion) = (epoch, end, suspicion)
  }
}

/// What a replica that the map does not name shows the primary to be taken in again.
public struct JoinRequest: Hashable, Sendable {
  /// The map's epoch, as the sender knows it.
  public var epoch: UInt64
  /// Ascending by epoch, at most `EpochEntry.countMax`.
  public var table: [EpochEntry]
  /// The log is of no use: a snapshot is wanted.
  public var wantsSnapshot: Bool
  public init(epoch: UInt64, table: [EpochEntry], wantsSnapshot: Bool) {
    (self.epoch, self.table, self.wantsSnapshot) = (epoch, table, wantsSnapshot)
  }
}

/// The primary's answer to a `JoinRequest`.
public struct JoinAnswer: Hashable, Sendable {
  public enum Way: Hashable, Sendable {
    /// Cut the log back to here (which may be its end); frames follow from the next record on.
    case cut(LogPosition)
    /// A snapshot follows as chunks, then frames.
    case snapshot
  }
  public var epoch: UInt64
  /// The send number that names this attempt to join: the receiver's first acknowledgement echoes it.
  public var number: UInt64
  public var way: Way
  public init(epoch: UInt64, number: UInt64, way: Way) {
    (self.epoch, self.number, self.way) = (epoch, number, way)
  }
}

/// A part of a snapshot; its bytes follow as payload.
public struct SnapshotChunk: Hashable, Sendable {
  public var epoch: UInt64
  /// The `JoinAnswer`'s number.
  public var session: UInt64
  /// Bytes of the snapshot before this part.
  public var offset: UInt64
  /// Bytes of this part: of the payload.
  public var byteCount: UInt32
  public var isLast: Bool
  public init(epoch: UInt64, session: UInt64, offset: UInt64, byteCount: UInt32, isLast: Bool) {
    (self.epoch, self.session, self.offset) = (epoch, session, offset)
    (self.byteCount, self.isLast) = (byteCount, isLast)
  }
  /// Bytes in one chunk.
  public static let bytesMax = 64 << 10
}

/// How much of a snapshot has come.
public struct SnapshotProgress: Hashable, Sendable {
  public var epoch: UInt64
  public var session: UInt64
  public var received: UInt64
  public init(epoch: UInt64, session: UInt64, received: UInt64) {
    (self.epoch, self.session, self.received) = (epoch, session, received)
  }
}

/// What two replicas of one shard say to each other. The nodes' connection says which replica speaks (node and disk
/// id).
public enum ReplicaMessage: Equatable, Sendable {
  /// Payload: nothing, or one frame of the log (header and block).
  case envelope(Envelope)
  case acknowledgement(Acknowledgement)
  /// A register that the sender read: tells the receiver of an epoch that it has missed.
  case map(MapRegister)
  /// A restarted or suspect replica shows its end and asks for the other's.
  case compare(ReplicaEnd)
  case ends(ReplicaEnd)
  /// The primary found a suspect follower's log complete.
  case cleared(epoch: UInt64)
  case join(JoinRequest)
  case joinAnswer(JoinAnswer)
  /// A follower asks its primary to go on without it.
  case goAlone(epoch: UInt64, reason: AloneReason)
  /// A replica that can do nothing more counts as one that is silent.
  case resign(epoch: UInt64)
  /// A follower replayed its own log and still has another digest than the primary.
  case dispute(epoch: UInt64, Checkpoint)
  /// Payload: the chunk's bytes.
  case snapshotChunk(SnapshotChunk)
  case snapshotProgress(SnapshotProgress)
  /// A follower's process is about to end: it must not be named primary any more. The primary's answer says that it
  /// will not be, and was not: without it, the follower waits for the map.
  case ending(epoch: UInt64, isAnswer: Bool)

  public enum AloneReason: UInt8, Sendable, CaseIterable {
    case diskFull = 1
    case damaged = 2
    case digest = 3
  }
}
