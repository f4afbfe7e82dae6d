import EventLoop
import Inventory
import Journal
import Logging
import Proto
import Replication

/// Carries out, on threads that may wait for a disk, what the shards of one loop ask for, and brings the results back
/// to the loop.
///
/// One thread reads for the loop, in the order asked; one encodes the snapshots of the whole node, one after the other.
final class ShardDisk: Sendable {
  private let node: NodeCore
  private let reader: Worker
  /// By shard, what is under way. Used by `reader`'s thread only, and by `snapshots`' for the writers: hence the lock.
  private let state = Lock(State())

  private struct State {
    var writers: [ShardID: SnapshotWriter] = [:]
    var streams: [ShardID: SnapshotStream] = [:]
    var intakes: [ShardID: SnapshotIntake] = [:]
  }

  init(node: NodeCore, index: Int) {
    self.node = node
    reader = Worker(name: "reader-\(index)")
  }

  func carryOut(_ action: ShardAction, of shard: ShardID) {
    switch action {
    case .encodeSnapshot, .publishSnapshot, .abandonSnapshot:
      let taken = node.snapshots.run { self.workOnSnapshot(action, of: shard) }
      if !taken { refuse(action, of: shard) }
    default:
      let taken = reader.run { self.work(action, of: shard) }
      if !taken { refuse(action, of: shard) }
    }
  }

  /// Gives freed memory back to the kernel, beside the loop; then tells how much is resident. False: not now.
  func trim(_ done: @escaping @Sendable (Int) -> Void) -> Bool {
    reader.run {
      giveBackMemory()
      done(residentBytes())
    }
  }

  func stop() { reader.stop() }

  private func post(
    _ shard: ShardID, _ body: @escaping @Sendable (inout ShardMachine, inout ShardTools, TurnTime) -> Void
  ) {
    node.post(shard, body)
  }

  private func complain(_ what: StaticString, _ shard: ShardID, _ error: JournalError) {
    node.log.warning(what) {
      $0.field("shard", shard.rawValue)
      $0.field("error", "\(error)")
    }
  }

  // MARK: Snapshots of one's own

  private func workOnSnapshot(_ action: ShardAction, of shard: ShardID) {
    switch action {
    case .encodeSnapshot(let header, let inventory):
      var byteCount: Int?
      do throws(JournalError) {
        let writer = try node.journal.writeSnapshot(header)
        state.withLock { $0.writers[shard] = writer }
        try encode(inventory, into: writer)
        byteCount = writer.byteCount
      } catch {
        complain("a snapshot cannot be written", shard, error)
        abandon(shard)
      }
      let result = byteCount
      post(shard) { $0.snapshotEncoded(header, byteCount: result, time: $2, tools: &$1) }
    case .publishSnapshot(let header):
      var done = false
      do throws(JournalError) {
        if let writer = state.withLock({ $0.writers[shard] }) {
          try writer.seal()
          try writer.publish()
          done = true
          state.withLock { $0.writers[shard] = nil }
          node.published(shard, byteCount: writer.byteCount)
          _ = try node.journal.removeSegments()
        }
      } catch {
        complain("a snapshot cannot be completed", shard, error)
        abandon(shard)
      }
      let result = done
      post(shard) { $0.snapshotPublished(header, done: result, time: $2, tools: &$1) }
    default: abandon(shard)
    }
  }

  private func abandon(_ shard: ShardID) {
    state.withLock { $0.writers.removeValue(forKey: shard) }?.abandon()
  }

  // MARK: Reading

  private func work(_ action: ShardAction, of shard: ShardID) {
    let journal = node.journal
    switch action {
    case .lookUpChain(let index, let token):
      let chain = try? journal.chain(of: shard, at: index)
      post(shard) { $0.chainFound(chain ?? nil, token: token, time: $2, tools: &$1) }
    case .readFrames(let token, let first, let bytes):
      let frames = readFrames(of: shard, from: first, bytes: bytes)
      post(shard) { $0.framesRead(frames, token: token, time: $2, tools: &$1) }
    case .load:
      let loaded = load(shard)
      post(shard) { $0.loaded(loaded, time: $2, tools: &$1) }
    case .replay(let index, let token):
      let digest = try? loadShard(shard, from: journal, upTo: index, salt: node.random()).inventory.digest
      post(shard) { $0.replayed(digest, token: token, time: $2, tools: &$1) }
    case .openStream(let session, let header):
      let stream = try? SnapshotStream(journal, header)
      state.withLock { $0.streams[shard] = stream }
      let opened = stream == nil ? nil : header
      post(shard) { $0.streamOpened(session: session, opened, time: $2, tools: &$1) }
    case .readStream(let session, let epoch, let offset, let bytes, let peer):
      let stream = state.withLock { $0.streams[shard] }
      let parts = try? stream?.read(from: offset, byteCount: bytes)
      post(shard) { $0.streamRead(session: session, epoch: epoch, parts, to: peer, time: $2, tools: &$1) }
    case .closeStream: state.withLock { $0.streams[shard] = nil }
    case .storeChunk(let session, let offset, let bytes):
      let intake = state.withLock { state in
        if offset == 0 {
          state.intakes[shard]?.abandon()
          state.intakes[shard] = SnapshotIntake(journal, shard: shard, salt: node.random())
        }
        return state.intakes[shard]
      }
      intake?.add(bytes, at: offset)
      let through = offset + UInt64(bytes.count)
      post(shard) { $0.chunkStored(session: session, through: through, time: $2, tools: &$1) }
    case .verifyStored:
      let result = state.withLock { $0.intakes[shard] }?.finish()
      post(shard) { $0.snapshotVerified(result?.header, result?.inventory, time: $2, tools: &$1) }
    case .publishStored:
      let intake = state.withLock { $0.intakes.removeValue(forKey: shard) }
      let header = intake?.publish()
      post(shard) { $0.storedPublished(header, time: $2, tools: &$1) }
    default: preconditionFailure("only what reads the disk is handed to the reader")
    }
  }

  private func load(_ shard: ShardID) -> LoadedShard? {
    do throws(JournalError) {
      return try loadShard(shard, from: node.journal, salt: node.random())
    } catch {
      complain("a shard cannot be loaded", shard, error)
      return nil
    }
  }

  private func readFrames(of shard: ShardID, from first: UInt64, bytes: Int) -> [StreamFrame]? {
    do throws(JournalError) {
      return try node.journal.frames(of: shard, from: first, maxBytes: bytes).streamFrames
    } catch {
      if case .notAvailable = error { return nil }
      complain("old frames cannot be read", shard, error)
      return nil
    }
  }

  /// The thread's queue is full: as if it had failed.
  private func refuse(_ action: ShardAction, of shard: ShardID) {
    switch action {
    case .lookUpChain(_, let token): post(shard) { $0.chainFound(nil, token: token, time: $2, tools: &$1) }
    case .readFrames(let token, _, _): post(shard) { $0.framesRead([], token: token, time: $2, tools: &$1) }
    case .load: post(shard) { $0.loaded(nil, time: $2, tools: &$1) }
    case .replay(_, let token): post(shard) { $0.replayed(nil, token: token, time: $2, tools: &$1) }
    case .encodeSnapshot(let header, _):
      post(shard) { $0.snapshotEncoded(header, byteCount: nil, time: $2, tools: &$1) }
    case .publishSnapshot(let header):
      post(shard) { $0.snapshotPublished(header, done: false, time: $2, tools: &$1) }
    case .openStream(let session, _): post(shard) { $0.streamOpened(session: session, nil, time: $2, tools: &$1) }
    case .readStream(let session, let epoch, _, _, let peer):
      post(shard) { $0.streamRead(session: session, epoch: epoch, nil, to: peer, time: $2, tools: &$1) }
    case .storeChunk(let session, let offset, let bytes):
      // The gap spoils the whole, which is asked for anew when it has come.
      let through = offset + UInt64(bytes.count)
      post(shard) { $0.chunkStored(session: session, through: through, time: $2, tools: &$1) }
    case .verifyStored: post(shard) { $0.snapshotVerified(nil, nil, time: $2, tools: &$1) }
    case .publishStored: post(shard) { $0.storedPublished(nil, time: $2, tools: &$1) }
    default: break
    }
  }
}

/// Encodes an inventory, 64 KiB at a time.
private func encode(_ inventory: Inventory, into writer: SnapshotWriter) throws(JournalError) {
  do {
    try inventory.encodeSnapshot { chunk in try writer.add(chunk) }
  } catch let error as JournalError {
    throw error
  } catch {
    preconditionFailure("a snapshot's writer throws its own errors only")
  }
}
