package import Proto

package struct LogOptions: Sendable {
  /// Bytes of a segment; at least a largest frame and 8 KiB.
  package var segmentBytes: Int
  package init(segmentBytes: Int = 64 << 20) { self.segmentBytes = segmentBytes }
}

/// A node's one log: the frames of all its shards, as primary and as follower, in segments, with their snapshots beside it.
///
/// One thread writes (`append`, `sync`): a `LogWriter`'s, or the simulator's only one. Everything else may be called from any
/// thread; what reads the disk says so, and does not belong on a loop.
package final class Log: Sendable {
  /// Takes the directory's lock, makes the directory's identity if it is new, reads and verifies the whole log.
  ///
  /// `newDisk`: random bits that name the disk if it is new.
  package static func open(
    _ storage: any Storage, node: NodeName, newDisk: UInt64, options: LogOptions = LogOptions(),
    progress: ((RecoveryProgress) -> Void)? = nil
  ) throws(JournalError) -> Log { preconditionFailure("being built") }

  /// This node and its disk.
  package let replica: ReplicaID
  /// What opening found.
  package let recovery: Recovery

  init(replica: ReplicaID, recovery: Recovery) { (self.replica, self.recovery) = (replica, recovery) }

  /// Gives the lock back. Nothing may be written afterwards.
  package func close() {}

  // Memory only: these never read the disk.

  /// The shard's last frame written (durable or not yet).
  package func end(of shard: ShardID) -> LogEnd { preconditionFailure("being built") }
  /// The lowest index that `frames` can still give; one past the end if none.
  package func firstIndex(of shard: ShardID) -> UInt64 { preconditionFailure("being built") }
  /// Where the shard's epochs begin, oldest first.
  package func epochs(of shard: ShardID) -> [EpochStart] { preconditionFailure("being built") }
  /// The shard's snapshots that can be used, newest first.
  package func snapshots(of shard: ShardID) -> [SnapshotHeader] { preconditionFailure("being built") }

  // Reading from the disk.

  /// The chain hash at the end of the frame that ends at `index`; nil if no such frame is there any more (or none ends there).
  package func chain(of shard: ShardID, at index: UInt64) throws(JournalError) -> UInt64? {
    preconditionFailure("being built")
  }
  /// Frames from the one that holds `index`: as many as fit `maxBytes`, at least one; none if `index` is past the end.
  ///
  /// - Throws: `notAvailable` if the log no longer reaches back.
  package func frames(of shard: ShardID, from index: UInt64, maxBytes: Int) throws(JournalError) -> FrameRun {
    preconditionFailure("being built")
  }
  /// Gives the shard's frames after `index` up to its end, decompressed, to `apply`.
  package func replay(
    _ shard: ShardID, after index: UInt64, _ apply: (LogFrame, RawSpan) throws(JournalError) -> Void
  ) throws(JournalError) { preconditionFailure("being built") }

  // Writing, by one thread.

  /// Writes one group. It is durable when the `sync` that must follow returns.
  package func append(_ entries: [LogEntry]) throws(JournalError) { preconditionFailure("being built") }
  /// Makes the group durable. A failure is final.
  package func sync() throws(JournalError) -> DurableGroup { preconditionFailure("being built") }
  /// Makes the next segment, unless it is there. `full`: try again when there is space.
  package func prepareSegment() throws(JournalError) { preconditionFailure("being built") }

  // Keeping and throwing away.

  /// A follower still needs the shard's frames from `index`; nil: no follower needs any.
  package func keep(_ shard: ShardID, from index: UInt64?) { preconditionFailure("being built") }
  /// The shard that keeps the oldest segment: snapshot it next. nil if only one segment is left.
  package var pinningShard: ShardID? { preconditionFailure("being built") }
  /// Removes the oldest segments that nobody needs. Returns how many.
  package func removeSegments() throws(JournalError) -> Int { preconditionFailure("being built") }

  // Snapshots.

  /// Begins a snapshot in a temporary file. `rebuilding`: it comes from a peer, and a `rebuilt` marker will make it this
  /// replica's own.
  package func writeSnapshot(_ header: SnapshotHeader, rebuilding: Bool = false) throws(JournalError) -> SnapshotWriter
  {
    preconditionFailure("being built")
  }
  /// Opens a snapshot; every chunk is verified as it is read.
  package func readSnapshot(_ header: SnapshotHeader) throws(JournalError) -> SnapshotReader {
    preconditionFailure("being built")
  }
}

/// A snapshot on its way to the disk. Use from one thread at a time, not a loop's.
package final class SnapshotWriter: Sendable {
  package let header: SnapshotHeader
  init(header: SnapshotHeader) { self.header = header }
  /// At most 64 KiB.
  package func add(_ chunk: RawSpan) throws(JournalError) { preconditionFailure("being built") }
  /// Completes and syncs the temporary file. The shard's log must have been written up to its index.
  package func seal() throws(JournalError) { preconditionFailure("being built") }
  /// Gives it its name, once its index is committed (or its `rebuilt` marker durable); removes older ones but one.
  package func publish() throws(JournalError) { preconditionFailure("being built") }
  /// Removes the temporary file.
  package func abandon() {}
}

package final class SnapshotReader: Sendable {
  package let header: SnapshotHeader
  init(header: SnapshotHeader) { self.header = header }
  /// The next chunk, at most 64 KiB; nil after the last, when the whole was verified.
  package func nextChunk() throws(JournalError) -> [UInt8]? { preconditionFailure("being built") }
}
