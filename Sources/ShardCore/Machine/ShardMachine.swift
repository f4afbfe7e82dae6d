package import Inventory
import Journal
import Octets
package import Proto
package import Replication
package import Time

/// One shard on one node, as a value without I/O, clock, lock or thread: the inventory, the rules of its role, what
/// waits for its commit, its snapshots. A node's loop drives it, and so does the simulator.
///
/// What goes in is a `ShardInput` with the time, and what comes out are `ShardAction`s: take those with `takeActions`
/// and carry them out in order. A turn is any number of inputs, the last of which is `turnEnds`.
package struct ShardMachine: ~Copyable {
  package struct Options: Sendable {
    /// Bytes of frames after which the shard is snapshotted again.
    package var snapshotBytes = 64 << 20
    /// How long a request waits for its commit.
    package var requestDeadline: Milliseconds = 20_000
    /// Answers to queries from so many bytes on are made apart, at the ends of later turns.
    package var largeAnswerBytes = Query.largeAnswerBytes
    /// Seats whose states are copied in one turn, for an answer that has more.
    package var seatsCopiedPerTurn = 1 << 20
    /// A record of so many bytes makes a frame of its own, and what it costs is made beside the loop.
    package var largeRecordBytes = 256 << 10
    /// Bytes of requests that may wait for a later turn: then a router is told that the node is overloaded.
    package var deferredBytesMax = 16 << 20
    /// Time between two `feedFresh`.
    package var feedEvery: Milliseconds = 50
    /// Bytes of the newest frames that stay in memory for a replica that catches up.
    package var recentBytesMax = 4 << 20
    /// Bytes of records after which a frame is closed within a turn.
    package var frameBytesMax = 2 << 20
    /// Records with one stamp: what they hold may come due in one instant, and is then ended in one go.
    package var recordsPerStampMax = 1_000
    /// Ticks in one turn of a primary that has to catch up with time.
    package var ticksMax = 8
    package var keyLimits = KeyLimits()
    /// Random bytes of this process, from which the keys of waiting rooms follow; nil: they follow from the seed, as is
    /// right for a simulation only.
    package var secret: (UInt64, UInt64, UInt64, UInt64)?
    /// Whether the machine says what each record changed: see `takeChanges`.
    package var tellsChanges = false
    package init() {}
  }

  package let shard: ShardID
  package let options: Options
  package internal(set) var replica: Replica
  package internal(set) var inventory: Inventory
  /// Random bits of this process for hash tables.
  let tableSalt: UInt64

  /// Records since the inventory's time last moved, and that time.
  var recordsAtStamp = 0
  var countedStamp: Stamp = .zero

  var actions: [ShardAction] = []
  var works: [Work] = []
  var worksDone = 0
  var isWorking = false
  var scratch: [Effect] = []

  // The log as this shard wrote it.
  /// The stamp of the frame at `replica.end`.
  var endStamp: Stamp = .zero
  var epochs: [EpochStart] = []
  var recent: [StreamFrame] = []
  var recentBytes = 0
  var digests = DigestMemory()
  var kept: UInt64?

  /// What records changed, if that is to be told; nil: memory is not what it was when it was told last.
  var changes: [ChangeRecord]?

  // A turn.
  var turn = Turn()
  var room: LogRoom = .open
  /// What came while the shard catches up with time, and what did not fit a turn.
  var deferred: [DeferredRequests] = []
  var deferredBytes = 0
  /// What a peer said behind a large frame.
  var delayed = DelayedMessages()
  /// Of the last job that prepares something large.
  var lastToken: UInt64 = 0
  var reads = LargeReads()
  /// The read of the most seats, which is being copied.
  var mapCopy: MapCopy?
  /// Bytes of this turn's replies, and what the loop's sum has of this shard's.
  var turnReplyBytes = 0
  var countedReplyBytes = 0
  /// A large read would be answered in another turn.
  var readsWantTurn = false

  /// Whom waiting rooms call, while this replica is primary.
  var desk = QueueDesk()
  let secret: (UInt64, UInt64, UInt64, UInt64)

  // What waits.
  var queue = ReplyQueue()
  /// Feeds' frames that wait for longer than replies may; they stand before all of `queue`.
  var lateFeeds = ReplyQueue()
  var feeds = FeedTable()
  var feedAt: MonotonicTime = .zero

  // Snapshots.
  var bytesSinceSnapshot = 0
  var snapshot: SnapshotState = .none
  /// The newest snapshot that has its name.
  var published: SnapshotHeader?
  /// Bytes of the newest snapshot of one's own, published or not; 0: this process has made none.
  var snapshotBytesTaken = 0
  /// The session of a joiner that waits for a snapshot.
  var joinerSession: UInt64?
  var reload: ReloadState = .none

  /// An effect with the frame that was at hand when it was asked for.
  struct Work {
    var effect: Effect
    var frame: StreamFrame?
  }

  struct DeferredRequests {
    var connection: ConnectionID
    var body: ArraySlice<UInt8>
    /// Bytes of the body that were worked off.
    var done = 0
    var readAt: MonotonicTime
    /// Of the record that is next.
    var preparation = Preparation.none
  }

  enum SnapshotState {
    case none
    /// Being encoded.
    case encoding(SnapshotHeader)
    /// In its temporary file; waits until its index is committed.
    case encoded(SnapshotHeader)
    case publishing(SnapshotHeader)
  }

  enum ReloadState {
    case none
    /// The cut's marker is on its way to the disk.
    case cutting(LogPosition)
    case loading(LogPosition)
    /// A peer's snapshot is verified; its marker is on its way.
    case installing(LoadedShard)
    case publishing(LoadedShard)
  }

  package init(
    shard: ShardID, me: ReplicaID, options: Options = Options(), config: ReplicaConfig = ReplicaConfig(), seed: UInt64
  ) {
    (self.shard, self.options) = (shard, options)
    replica = Replica(me: me, shard: shard, config: config, seed: seed)
    tableSalt = mix64(seed)
    secret = options.secret ?? (mix64(seed ^ 1), mix64(seed ^ 2), mix64(seed ^ 3), mix64(seed ^ 4))
    inventory = Inventory(shard: shard, keyLimits: options.keyLimits, tableSalt: mix64(seed))
  }

  /// What is to be done, in order; empties the list.
  package mutating func takeActions() -> [ShardAction] {
    var taken: [ShardAction] = []
    swap(&taken, &actions)
    return taken
  }

  /// Whether a turn should follow at once: time has not been caught up with, or more was asked for than fits a turn.
  /// Not where only room for answers is missing: that comes with what others do.
  var wantsTurn = false
  /// Requests wait that were read: nothing more should be.
  var isBehind: Bool { !deferred.isEmpty && !isPreparing }

  /// Whether a command or a read that was begun has no reply yet.
  package var owesReplies: Bool { turn.isOpen || !deferred.isEmpty || queue.replyCount > 0 || !reads.isEmpty }

  /// Bytes that may go to the log with the next turns.
  var pendingBytes: Int { turn.records.count + deferredBytes + delayed.nextBytes }

  /// What waits in a machine.
  package struct Backlog: Equatable, Sendable {
    /// A turn should follow at once.
    package var wantsTurn: Bool
    /// Requests wait that were read: nothing more should be.
    package var isBehind: Bool
    /// Bytes that may go to the log with the next turns.
    package var pendingBytes: Int
    package init(wantsTurn: Bool, isBehind: Bool, pendingBytes: Int) {
      (self.wantsTurn, self.isBehind, self.pendingBytes) = (wantsTurn, isBehind, pendingBytes)
    }
  }

  /// `mutating` although it changes nothing: a getter of another module's value that cannot be copied is given a copy
  /// of all its bytes.
  package mutating func backlog() -> Backlog {
    Backlog(wantsTurn: wantsTurn, isBehind: isBehind, pendingBytes: pendingBytes)
  }

  // MARK: Life

  /// Takes over memory that was loaded from the disk.
  mutating func adopt(_ loaded: LoadedShard) {
    inventory = loaded.inventory
    if options.tellsChanges {
      inventory.listen(true)
      changes = nil
    }
    endStamp = loaded.end.stamp
    epochs = loaded.epochs
    recent.removeAll()
    recentBytes = 0
    digests.clear()
    if loaded.end.index > 0 { digests.remember(inventory.digest, at: loaded.end.index) }
    position = LogPosition(epoch: loaded.end.epoch, index: loaded.end.index, chain: loaded.end.chain)
  }

  /// The end of this shard's log as this machine wrote or loaded it.
  package internal(set) var position = LogPosition.start

  func logState(suspicion: Suspicion, committed: UInt64) -> LogState {
    LogState(
      end: position, table: epochTable(epochs, end: position), suspicion: suspicion, lastStamp: endStamp,
      committed: committed)
  }

  // MARK: Changes

  /// What the records since the last call changed, in order. nil: memory was loaded anew; begin with its contents.
  package mutating func takeChanges() -> [ChangeRecord]? {
    defer { changes = options.tellsChanges ? [] : nil }
    return changes
  }

  /// After each record that is logged, whoever logs it.
  @inline(__always) mutating func tellChanges(index: UInt64) {
    if options.tellsChanges { collectChanges(index) }
  }

  private mutating func collectChanges(_ index: UInt64) {
    let made = inventory.takeChanges(index: index)
    changes?.append(contentsOf: made)
  }

  // MARK: Calling the replica

  /// Calls the replica; its effects queue up behind those that wait, with the frame that was at hand.
  mutating func call(
    _ time: TurnTime, frame: StreamFrame? = nil, _ body: (inout Replica, inout [Effect]) -> Void
  ) {
    body(&replica, &scratch)
    for effect in scratch { works.append(Work(effect: effect, frame: frame)) }
    scratch.removeAll(keepingCapacity: true)
  }
}

/// The log's table of epoch starts as the replication rules want it.
package func epochTable(_ epochs: [EpochStart], end: LogPosition) -> [EpochEntry] {
  var table: [EpochEntry] = []
  for (place, start) in epochs.enumerated() where start.firstIndex <= end.index {
    if place + 1 < epochs.count, epochs[place + 1].firstIndex <= end.index {
      let next = epochs[place + 1]
      table.append(
        EpochEntry(
          epoch: start.epoch, firstIndex: start.firstIndex, lastIndex: next.firstIndex - 1, lastChain: next.chainBefore)
      )
    } else {
      table.append(
        EpochEntry(epoch: start.epoch, firstIndex: start.firstIndex, lastIndex: end.index, lastChain: end.chain))
    }
  }
  return Array(table.suffix(EpochEntry.countMax))
}
