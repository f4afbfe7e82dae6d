package import Inventory
package import Journal
package import Proto
import Threads

/// Carries out what shards' machines ask of one log's disk: in a node on its threads, in the simulator as events, so
/// that the one cannot drift from the other.
///
/// Jobs of one shard and one thread come one after the other; those of the thread that writes snapshots may run beside
/// those of the one that reads.
package final class DiskDriver: Sendable {
  private let journal: Log
  private let keyLimits: KeyLimits
  private let oldSegments: OldSegments
  private let state = Lock(State())

  /// By shard, what is under way.
  private struct State {
    var writers: [ShardID: SnapshotWriter] = [:]
    var streams: [ShardID: SnapshotStream] = [:]
    var intakes: [ShardID: SnapshotIntake] = [:]
  }

  /// - Parameter oldSegments: the log's; is told what snapshots take.
  package init(_ journal: Log, _ oldSegments: OldSegments, keyLimits: KeyLimits = KeyLimits()) {
    (self.journal, self.oldSegments, self.keyLimits) = (journal, oldSegments, keyLimits)
  }

  /// - Parameters:
  ///   - salt: random bits for tables that are loaded.
  ///   - complain: is told in words what could not be done.
  /// - Returns: what the machine is to be told; nil: nothing.
  package func perform(
    _ job: DiskJob, of shard: ShardID, salt: () -> UInt64, complain: (StaticString, JournalError) -> Void
  ) -> DiskResult? {
    switch job {
    case .lookUpChain(let index, let token):
      return .chainFound((try? journal.chain(of: shard, at: index)) ?? nil, token: token)
    case .readFrames(let token, let first, let bytes):
      return .framesRead(readFrames(of: shard, from: first, bytes: bytes, complain), token: token)
    case .load: return .loaded(load(shard, salt(), complain))
    case .replay(let index, let token):
      let loaded = try? loadShard(shard, from: journal, upTo: index, keyLimits: keyLimits, salt: salt())
      return .replayed(loaded?.inventory.digest, token: token)
    case .openStream(let session, let header):
      let stream = try? SnapshotStream(journal, header)
      state.withLock { $0.streams[shard] = stream }
      return .streamOpened(session: session, stream == nil ? nil : header)
    case .readStream(let session, let epoch, let offset, let bytes, let peer):
      let parts = try? state.withLock { $0.streams[shard] }?.read(from: offset, byteCount: bytes)
      return .streamRead(session: session, epoch: epoch, parts, to: peer)
    case .closeStream:
      state.withLock { $0.streams[shard] = nil }
      return nil
    case .storeChunk(let session, let offset, let bytes):
      intake(of: shard, isNew: offset == 0, salt)?.add(bytes, at: offset)
      return .chunkStored(session: session, through: offset + UInt64(bytes.count))
    case .verifyStored: return .snapshotVerified(state.withLock { $0.intakes[shard] }?.finish())
    case .publishStored:
      return .storedPublished(state.withLock { $0.intakes.removeValue(forKey: shard) }?.publish())
    case .prepareRecord(let token, let bytes): return .recordPrepared(LargeRecord(bytes), token: token)
    case .unpackFrame(let token, let bytes): return .frameUnpacked(UnpackedFrame(bytes), token: token)
    case .encodeSnapshot(let header, let inventory):
      return .snapshotEncoded(header, byteCount: encode(inventory, header, complain))
    case .publishSnapshot(let header): return .snapshotPublished(header, byteCount: publish(shard, complain))
    case .abandonSnapshot:
      abandon(shard)
      return nil
    }
  }

  private func load(
    _ shard: ShardID, _ salt: UInt64, _ complain: (StaticString, JournalError) -> Void
  ) -> LoadedShard? {
    do throws(JournalError) {
      return try loadShard(shard, from: journal, keyLimits: keyLimits, salt: salt)
    } catch {
      complain("a shard cannot be loaded", error)
      return nil
    }
  }

  private func readFrames(
    of shard: ShardID, from first: UInt64, bytes: Int, _ complain: (StaticString, JournalError) -> Void
  ) -> [StreamFrame]? {
    do throws(JournalError) {
      return try journal.frames(of: shard, from: first, maxBytes: bytes, countingAtLeast: StreamFrame.leastBytes)
        .streamFrames
    } catch {
      if case .notAvailable = error { return nil }
      complain("old frames cannot be read", error)
      return nil
    }
  }

  private func intake(of shard: ShardID, isNew: Bool, _ salt: () -> UInt64) -> SnapshotIntake? {
    guard isNew else { return state.withLock { $0.intakes[shard] } }
    let intake = SnapshotIntake(journal, shard: shard, keyLimits: keyLimits, salt: salt())
    state.withLock { state in
      state.intakes[shard]?.abandon()
      state.intakes[shard] = intake
    }
    return intake
  }

  // MARK: Snapshots of one's own

  /// Encodes an inventory, 64 KiB at a time. Returns the file's bytes.
  private func encode(
    _ inventory: Inventory, _ header: SnapshotHeader, _ complain: (StaticString, JournalError) -> Void
  ) -> Int? {
    do {
      let writer = try journal.writeSnapshot(header)
      state.withLock { $0.writers[header.shard] = writer }
      try inventory.encodeSnapshot { chunk in try writer.add(chunk) }
      return writer.byteCount
    } catch let error as JournalError {
      complain("a snapshot cannot be written", error)
    } catch {
      preconditionFailure("a snapshot's writer throws its own errors only")
    }
    abandon(header.shard)
    return nil
  }

  private func publish(_ shard: ShardID, _ complain: (StaticString, JournalError) -> Void) -> Int? {
    guard let writer = state.withLock({ $0.writers[shard] }) else { return nil }
    do throws(JournalError) {
      try writer.seal()
      try writer.publish()
    } catch {
      complain("a snapshot cannot be completed", error)
      abandon(shard)
      return nil
    }
    state.withLock { $0.writers[shard] = nil }
    oldSegments.published(shard, byteCount: writer.byteCount)
    do throws(JournalError) {
      _ = try journal.removeSegments()
    } catch {
      complain("old segments cannot be removed", error)
    }
    return writer.byteCount
  }

  private func abandon(_ shard: ShardID) {
    state.withLock { $0.writers.removeValue(forKey: shard) }?.abandon()
  }
}
