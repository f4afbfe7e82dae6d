package import Journal
package import Proto
package import Replication

/// What goes into a shard's machine, as `ShardAction` is what comes out: every way in that changes it, except for the
/// two that borrow bytes (`ShardRequests`, `ShardMessage`). A value can be handed to another thread, kept, counted,
/// written to a file and replayed.
package enum ShardInput: Sendable {
  // Life.

  /// Recovery read the log. Once, first.
  indirect case start(ShardStart)
  /// The process is about to end: see `Ending`.
  case endBegins
  /// It takes no more commands.
  case endCloses
  case halt(HaltReason)

  // Time.

  /// Time passed: at least every 25 ms. The room is for the backlog's `pendingBytes`.
  case tick(LogRoom)
  /// The loop's turn ends: what it collected becomes a frame, and replies leave that wait for nothing more. Each turn
  /// has exactly one of these, its last input.
  case turnEnds

  // The coordinator.

  /// The shard's register was read, or the watch brought it (`token` 0).
  case mapRead(MapRegister?, token: UInt64)
  case mapUnreachable(token: UInt64)
  case assignFirstRoles(FirstRoles)

  // The log and the disk.

  /// The own log is on stable storage up to the frame that ends at this index.
  case durable(through: UInt64)
  /// A marker of this shard is durable.
  case markerDurable(LogFrame.Kind)
  case diskFull(Bool)
  /// A job is done.
  indirect case disk(DiskResult)
  /// Take a snapshot unless one is under way or there is nothing new. `again`: also if there is nothing new. A shard on
  /// which nothing happens keeps old segments until its snapshot is rewritten.
  case takeSnapshot(again: Bool)
  /// Let go of the newest frames' memory.
  case forgetRecent

  // Others.

  /// A connection to this peer's node is open.
  case connected(ReplicaID)
  /// A router's connection is gone.
  case closed(ConnectionID)
  /// An operator's; `take` returns what it came to.
  case directive(Directive)
}

/// What recovery knows of a shard when its process starts.
package struct ShardStart: Sendable {
  package var loaded: LoadedShard
  package var suspicion: Suspicion
  /// The highest committed index that any frame carried.
  package var committed: UInt64
  /// The id of the last proposal that was noted on the disk.
  package var noted: UInt64?
  /// The newest entry that named this replica, as the disk notes it.
  package var entered: EpochNote?
  package init(
    _ loaded: LoadedShard, suspicion: Suspicion, committed: UInt64, noted: UInt64? = nil, entered: EpochNote? = nil
  ) {
    (self.loaded, self.suspicion, self.committed) = (loaded, suspicion, committed)
    (self.noted, self.entered) = (noted, entered)
  }
}

// The two inputs of the hot path borrow the bytes where a connection received them. As cases of the enum they would
// make all of it impossible to store, so that no other input could cross from one thread to another; with bytes of
// their own they would cost a copy. So each is a value of its own, which `take` is called with like the others.

/// One frame of requests from a router's connection.
package struct ShardRequests: ~Escapable {
  package let body: RawSpan
  /// The body as an array, if it stands in one that nobody changes.
  package let kept: ArraySlice<UInt8>?
  package let connection: ConnectionID
  /// For the body and the backlog's `pendingBytes`.
  package let room: LogRoom

  @_lifetime(copy body)
  package init(_ body: RawSpan, kept: ArraySlice<UInt8>? = nil, from connection: ConnectionID, room: LogRoom) {
    (self.body, self.kept, self.connection, self.room) = (body, kept, connection, room)
  }
}

/// What a peer's replica of the shard said.
package struct ShardMessage: ~Escapable {
  package let message: ReplicaMessage
  /// What came behind the message.
  package let payload: RawSpan
  /// The payload as an array, if it stands in one that nobody changes.
  package let kept: ArraySlice<UInt8>?
  package let sender: ReplicaID
  /// For the payload and the backlog's `pendingBytes`.
  package let room: LogRoom

  @_lifetime(copy payload)
  package init(
    _ message: ReplicaMessage, payload: RawSpan, kept: ArraySlice<UInt8>? = nil, from sender: ReplicaID, room: LogRoom
  ) {
    (self.message, self.payload, self.kept, self.sender, self.room) = (message, payload, kept, sender, room)
  }
}
