package import Proto
import Threads

package struct LogOptions: Sendable {
  /// Bytes of a segment: the largest frame and 8 KiB must fit.
  package var segmentBytes: Int
  package init(segmentBytes: Int = 64 << 20) { self.segmentBytes = segmentBytes }
}

/// A node's one log: the frames of all its shards, as primary and as follower, in segments, with their snapshots beside
/// it.
///
/// One thread writes (`append`, `sync`): a `LogWriter`'s, or the simulator's only one. Everything else may be called
/// from any thread; what reads the disk says so, and does not belong on a loop.
package final class Log: Sendable {
  let storage: any Storage
  package let options: LogOptions
  /// This node and its disk.
  package let replica: ReplicaID
  /// What opening found.
  package let recovery: Recovery
  let state: Monitor<State>

  /// What the lock protects. Files are read and written without it.
  struct State {
    var segments: [Segment]
    var unreadable: [UnreadableStretch]
    var shards: [ShardIndex]
    /// Behind the last group that was written; where the next goes.
    var written: UInt64
    /// Behind the last group that was synced.
    var durable: UInt64
    var nextGroup: UInt64
    /// Written and not yet synced.
    var openGroup: DurableGroup?
    /// Snapshot files that a marker in the open group made void.
    var voided: [SnapshotHeader] = []
    /// A segment of zeros that waits for its name.
    var prepared: (any StorageFile)?
    /// Segments made so far, for their temporary names.
    var preparedCount = 0
    /// What the next segment's header must say.
    var torn: Range<UInt64>?
    /// Nothing more goes to the last segment.
    var isLastClosed: Bool
    /// A write or sync failed, or the log was closed: nothing is ever written again.
    var isStopped = false

    var view: LogView { LogView(segments: segments, unreadable: unreadable, end: written) }

    /// What the last segment still has room for.
    func bytesLeft(_ options: LogOptions) -> Int {
      guard !isLastClosed, let last = segments.last else { return 0 }
      return max(0, options.segmentBytes - Int(written - last.first))
    }

    func shard(_ shard: ShardID) -> ShardIndex {
      Int(shard.rawValue) < shards.count ? shards[Int(shard.rawValue)] : ShardIndex()
    }

    mutating func with<Result>(_ shard: ShardID, _ body: (inout ShardIndex) -> Result) -> Result {
      while shards.count <= Int(shard.rawValue) { shards.append(ShardIndex()) }
      return body(&shards[Int(shard.rawValue)])
    }
  }

  private init(
    _ storage: any Storage, _ options: LogOptions, _ replica: ReplicaID, _ recovery: Recovery, _ image: LogImage
  ) {
    (self.storage, self.options, self.replica, self.recovery) = (storage, options, replica, recovery)
    state = Monitor(
      State(
        segments: image.segments.map(\.segment), unreadable: image.unreadable, shards: image.shards, written: image.end,
        durable: image.end, nextGroup: image.nextGroup, torn: image.torn, isLastClosed: image.isLastClosed))
  }

  /// Takes the directory's lock, makes the directory's identity if it is new, reads and verifies the whole log.
  ///
  /// `newDisk`: random bits that name the disk if it is new. `progress` is called after each segment.
  package static func open(
    _ storage: any Storage, node: NodeName, newDisk: UInt64, options: LogOptions = LogOptions(),
    progress: ((RecoveryProgress) -> Void)? = nil
  ) throws(JournalError) -> Log {
    do {
      try storage.lock()
    } catch {
      throw .storage(error)
    }
    do {
      let replica = try identity(storage, node: node, newDisk: newDisk)
      var image = try prepare(storage, disk: replica.disk, progress)
      let recovery = try image.resolve()
      return Log(storage, options, replica, recovery, image)
    } catch {
      storage.unlock()
      throw error
    }
  }

  private static func prepare(
    _ storage: any Storage, disk: UInt64, _ progress: ((RecoveryProgress) -> Void)?
  ) throws(JournalError) -> LogImage {
    do {
      try storage.makeDirectory(Segment.directory)
      try storage.makeDirectory(SnapshotFile.directory)
      try storage.syncDirectory("")
      // What was begun and never got its name.
      for name in try storage.list(Segment.directory) where name.hasSuffix(".tmp") {
        try storage.remove(Segment.directory + "/" + name)
      }
      for name in try storage.list(SnapshotFile.directory) where name.hasSuffix(".tmp") {
        try storage.remove(SnapshotFile.directory + "/" + name)
      }
      // A name that this process sees and acts upon must not be lost afterwards.
      try storage.syncDirectory(Segment.directory)
      try storage.syncDirectory(SnapshotFile.directory)
      return try LogImage(storage, disk: disk, settling: true, progress: progress)
    } catch {
      throw .storage(error)
    }
  }

  private static func identity(
    _ storage: any Storage, node: NodeName, newDisk: UInt64
  ) throws(JournalError) -> ReplicaID {
    if let found = try Identity.read(storage) {
      guard found.node == node else { throw .otherNode(found: found.node, expected: node) }
      return found
    }
    do {
      let log = try storage.list(Segment.directory)
      let snapshots = try storage.list(SnapshotFile.directory)
      guard log.isEmpty, snapshots.isEmpty else { throw JournalError.noIdentity }
      let replica = ReplicaID(node: node, disk: newDisk)
      try Identity.create(replica, in: storage)
      return replica
    } catch let error as StorageError {
      throw .storage(error)
    } catch {
      throw .noIdentity
    }
  }

  /// Gives the lock back. Nothing is written afterwards.
  package func close() {
    state.withLock { $0.isStopped = true }
    storage.unlock()
  }

  // What is in memory: these never read the disk.

  /// The shard's last frame written, durable or not yet.
  package func end(of shard: ShardID) -> LogEnd { state.withLock { $0.shard(shard).end } }

  /// The lowest index that `frames` can still give; one past the end if none.
  package func firstIndex(of shard: ShardID) -> UInt64 { state.withLock { $0.shard(shard).firstIndex } }

  /// Where the shard's epochs begin, oldest first, up to its end.
  package func epochs(of shard: ShardID) -> [EpochStart] { state.withLock { $0.shard(shard).epochs } }

  /// The shard's snapshots that can be used, newest first.
  package func snapshots(of shard: ShardID) -> [SnapshotHeader] { state.withLock { $0.shard(shard).snapshots } }

  /// Behind the last byte that was written, and the last that was synced.
  package var positions: (written: UInt64, durable: UInt64) { state.withLock { ($0.written, $0.durable) } }

  /// Bytes and number of the log's segments as they count, without what is prepared ahead.
  package var size: (bytes: UInt64, segments: Int) {
    state.withLock { state in
      (state.written - (state.segments.first?.first ?? state.written), state.segments.count)
    }
  }
}
