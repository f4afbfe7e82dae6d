package import Inventory
package import Journal
package import Proto
import Replication

/// What a shard's machine asks of its node's disk. `DiskDriver` carries it out, in a node and in the simulator.
package enum DiskJob: Sendable {
  // Of the thread that reads.

  case lookUpChain(index: UInt64, token: UInt64)
  case readFrames(token: UInt64, first: UInt64, bytes: Int)
  /// Load the newest snapshot and the log. Asked for once the cut's marker is durable.
  case load
  /// Replay apart from the shard's memory.
  case replay(index: UInt64, token: UInt64)
  /// Open a published snapshot for a joiner.
  case openStream(session: UInt64, SnapshotHeader)
  /// Read parts of the open stream from `offset` on.
  case readStream(session: UInt64, epoch: UInt64, offset: UInt64, bytes: UInt64, to: ReplicaID)
  case closeStream(session: UInt64)
  /// Keep a part of a peer's snapshot; offset 0 begins anew.
  case storeChunk(session: UInt64, offset: UInt64, [UInt8])
  /// The peer's snapshot is complete: verify it.
  case verifyStored
  /// The `rebuilt` marker is durable: give the stored snapshot its name.
  case publishStored
  /// Make beforehand what a large record costs. No disk is needed for it, only time.
  case prepareRecord(token: UInt64, ArraySlice<UInt8>)
  /// The same for a peer's large frame.
  case unpackFrame(token: UInt64, ArraySlice<UInt8>)

  // Of the thread that writes snapshots.

  /// Encode into a temporary file.
  case encodeSnapshot(SnapshotHeader, Inventory)
  /// The index is committed: complete the file and give it its name.
  case publishSnapshot(SnapshotHeader)
  /// Throw the temporary file away.
  case abandonSnapshot(SnapshotHeader)

  /// Whether it is the affair of the thread that writes snapshots.
  package var writesSnapshot: Bool {
    switch self {
    case .encodeSnapshot, .publishSnapshot, .abandonSnapshot: true
    case .lookUpChain, .readFrames, .load, .replay, .openStream, .readStream, .closeStream, .storeChunk, .verifyStored,
      .publishStored, .prepareRecord, .unpackFrame:
      false
    }
  }

  /// What is told of a job that nobody has time for: as if it had failed. nil: nobody waits for it.
  package var refusal: DiskResult? {
    switch self {
    case .lookUpChain(_, let token): .chainFound(nil, token: token)
    case .readFrames(let token, _, _): .framesRead([], token: token)
    case .load: .loaded(nil)
    case .replay(_, let token): .replayed(nil, token: token)
    case .openStream(let session, _): .streamOpened(session: session, nil)
    case .readStream(let session, let epoch, _, _, let peer):
      .streamRead(session: session, epoch: epoch, nil, to: peer)
    case .closeStream, .abandonSnapshot: nil
    // The gap spoils the whole, which is asked for anew when it has come.
    case .storeChunk(let session, let offset, let bytes):
      .chunkStored(session: session, through: offset + UInt64(bytes.count))
    case .verifyStored: .snapshotVerified(nil)
    case .publishStored: .storedPublished(nil)
    case .prepareRecord(let token, _): .recordPrepared(nil, token: token)
    case .unpackFrame(let token, _): .frameUnpacked(nil, token: token)
    case .encodeSnapshot(let header, _): .snapshotEncoded(header, byteCount: nil)
    case .publishSnapshot(let header): .snapshotPublished(header, byteCount: nil)
    }
  }
}

/// What came of a `DiskJob`.
package enum DiskResult: Sendable {
  /// nil: no frame ends there, or the log no longer reaches back.
  case chainFound(UInt64?, token: UInt64)
  /// nil: the log no longer reaches back.
  case framesRead([StreamFrame]?, token: UInt64)
  case loaded(LoadedShard?)
  /// The digest found there.
  case replayed(UInt64?, token: UInt64)
  case streamOpened(session: UInt64, SnapshotHeader?)
  case streamRead(session: UInt64, epoch: UInt64, [StreamPart]?, to: ReplicaID)
  case chunkStored(session: UInt64, through: UInt64)
  case snapshotVerified((header: SnapshotHeader, inventory: Inventory)?)
  case storedPublished(SnapshotHeader?)
  /// nil: the loop has to do it.
  case recordPrepared(LargeRecord?, token: UInt64)
  /// nil: the loop has to do it, or to find out what is wrong with the frame.
  case frameUnpacked(UnpackedFrame?, token: UInt64)
  /// nil: it could not be written.
  case snapshotEncoded(SnapshotHeader, byteCount: Int?)
  /// The file's bytes; nil: it has no name.
  case snapshotPublished(SnapshotHeader, byteCount: Int?)
}

extension ShardMachine {
  /// A job of the disk is done.
  mutating func done(_ result: DiskResult, _ time: TurnTime, _ tools: inout ShardTools) {
    switch result {
    case .chainFound(let chain, let token):
      tell(time, &tools) { $0.chainFound(chain, token: token, now: time.now, into: &$1) }
    case .framesRead(let frames, let token): framesRead(frames, token: token, time, &tools)
    case .loaded(let shard): loaded(shard, time, &tools)
    case .replayed(let digest, let token):
      tell(time, &tools) { $0.replayed(digest, token: token, now: time.now, into: &$1) }
    case .streamOpened(let session, let header): streamOpened(session: session, header, time, &tools)
    case .streamRead(let session, let epoch, let parts, let peer):
      streamRead(session: session, epoch: epoch, parts, to: peer, time, &tools)
    case .chunkStored(let session, let through):
      tell(time, &tools) { $0.chunkStored(session: session, through: through, now: time.now, into: &$1) }
    case .snapshotVerified(let stored): snapshotVerified(stored?.header, stored?.inventory, time, &tools)
    case .storedPublished(let header): storedPublished(header, time, &tools)
    case .recordPrepared(let record, let token): recordPrepared(record, token: token)
    case .frameUnpacked(let frame, let token): frameUnpacked(frame, token: token)
    case .snapshotEncoded(let header, let byteCount): snapshotEncoded(header, byteCount: byteCount, time, &tools)
    case .snapshotPublished(let header, let byteCount):
      snapshotPublished(header, done: byteCount != nil, time, &tools)
    }
  }
}
