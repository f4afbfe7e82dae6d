public import Proto
public import Time

/// What the edge must do next. Effects are carried out in order, before the replica's next call; none of them may wait.
public enum Effect: Equatable, Sendable {
  /// Send a message without payload. A connection that is down loses it: everything is asked or said again.
  case send(ReplicaMessage, to: ReplicaID)
  /// Send an envelope with a frame as its payload: the one that `appended` or `streamed` was just called with.
  case sendFrame(Envelope, to: ReplicaID)
  /// Follower and joiner: verify the frame that came with the envelope just received, apply it, hand it to the log,
  /// then call `appended`. If it cannot be had (no room), call `diskFull(true)`; if it does not verify, drop it and its
  /// connection.
  case appendFrame
  /// Primary: write a frame of this epoch that holds one `openEpoch` record, then call `appended`. `leads` is true when
  /// this replica was not the primary of the epoch before: start the clock (`clock.lead`) first, if `clock.isLeading`
  /// is false. Repeated until `appended` was called.
  case openEpoch(UInt64)
  /// Read the shard's register, not from a cache, then call `mapRead` or `mapUnreachable` with the token.
  case readMap(token: UInt64)
  /// Write the register if its revision is still `revision` (0: absent). Then call `mapRead` (token 0) with what it
  /// holds now if that is known, won or lost; if it is not, nothing: the same proposal comes again until it is settled.
  /// `noted`: first write the proposal's id to the own disk, durably; the next process finds it in `LogState.noted`.
  case propose(MapEntry, revision: UInt64, noted: Bool)
  /// Note on the own disk, some time soon, that this entry names this replica; see `LogState.entered`.
  case noteEntry(MapEntry)
  /// Find the chain hash of the frame that ends exactly at `index` in the own log, then call `chainFound` (nil: none
  /// ends there or the log no longer reaches back).
  case lookUpChain(index: UInt64, token: UInt64)
  /// Primary: read frames from `first` on, at most about `bytes` of them but at least one; call `streamed` for each,
  /// then `streamEnded`. What is still in memory should be served at once (synchronously), or a joiner never quite
  /// catches up.
  case readFrames(token: UInt64, first: UInt64, bytes: Int)
  /// Write a marker that cuts the shard's log behind `position`, forget the shard's memory, load snapshot and log up to
  /// `position`; when the marker is durable and all is loaded, call `reloaded`. `position` may be the log's end: then
  /// the marker says that a suspect end is believed, and memory is loaded again.
  case cut(to: LogPosition)
  /// Primary: prepare a snapshot for a joiner, at a durable position; call `snapshotReady` then, or `snapshotFailed`.
  case openSnapshot(session: UInt64, for: ReplicaID)
  /// Primary: send chunks (`ReplicaMessage.snapshotChunk`, payload at most `SnapshotChunk.bytesMax`) from `offset` on,
  /// not beyond `offset + bytes`; then call `snapshotSent`.
  case sendSnapshot(session: UInt64, epoch: UInt64, offset: UInt64, bytes: UInt64, to: ReplicaID)
  case closeSnapshot(session: UInt64)
  /// Joiner: keep the payload of the chunk just received; `offset` 0 begins a new snapshot and throws a half one away.
  /// Call `chunkStored` then: the primary sends the next ones when it hears of it.
  case storeChunk(SnapshotChunk)
  /// Joiner: the snapshot is complete. Verify it, make it durable with its marker (the log before it is void), load it,
  /// call `reloaded`; or `snapshotFailed` if it does not verify.
  case installSnapshot
  /// Replay the own log, apart from the shard's memory, up to `index`; call `replayed` with the digest found there
  /// (nil: the log no longer reaches back).
  case replay(index: UInt64, token: UInt64)
  /// The role or what it may do changed: see `role`, `acceptsCommands`, `answerable`. Queued replies of a primary that
  /// is none any more end: commands in a frame as unknown, others as not primary.
  case roleChanged
  /// For the log and the metrics.
  case note(Note)
}

/// What an operator should be able to read in a node's log.
public enum Note: Equatable, Sendable {
  case proposed(MapEntry)
  case proposalLost(epoch: UInt64)
  case becamePrimary(epoch: UInt64, follower: ReplicaID?)
  case becameFollower(epoch: UInt64, primary: ReplicaID)
  case joining(epoch: UInt64, primary: ReplicaID)
  case epochOpened(UInt64)
  case peerSilent(ReplicaID, milliseconds: Milliseconds)
  /// The other replica said that it cannot go on; nil: that it can do nothing more.
  case peerGaveUp(ReplicaID, ReplicaMessage.AloneReason?)
  /// The other replica's process ended on purpose.
  case peerEnded(ReplicaID)
  case peerDeclaredDead(ReplicaID)
  case ownDiskSlow(milliseconds: Milliseconds)
  case ownDiskFull
  case tailCut(from: UInt64, to: UInt64)
  case suspectCleared
  case suspectWaits(Suspicion)
  case lossAccepted(behind: LogPosition)
  /// The coordinator holds an older register than this replica knows, another of the same epoch, or none (`found` nil).
  case mapIsOlder(found: UInt64?, known: UInt64)
  case digestDiffers(index: UInt64, mine: UInt64, theirs: UInt64)
  case otherDisk(ReplicaID)
  case lostAcknowledged(ReplicaID, acknowledged: UInt64, end: UInt64)
  case drainStarted
  case drainGivenUp
  case halted(HaltReason)
}

/// Why a replica can do nothing more until its process starts again, or it is rebuilt.
public enum HaltReason: UInt8, Equatable, Sendable, CaseIterable {
  /// A write or sync failed.
  case diskFailed = 1
  // 2 and 3 were a map older than the log, and a lost one: both are settled now.
  /// A fresh replay showed that the memory of this primary was wrong.
  case wrongMemory = 4
  /// An invariant of the edge broke.
  case edge = 5
  /// Another process goes on as this node.
  case replaced = 6
  /// The process was told to end, and does.
  case ended = 7
}
