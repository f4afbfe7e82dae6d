import MemoryDisk
import Inventory
import Journal
import Node
import Proto

/// The threads of a node that read its disk and write its snapshots, as events: what was asked for is done in order, a
/// little later, and told later still.
final class SimulatedReader {
  private let log: Log
  private unowned let node: SimulatedNode
  private var freeAt = [0, 0]
  private var writers: [ShardID: SnapshotWriter] = [:]
  private var streams: [ShardID: SnapshotStream] = [:]
  private var intakes: [ShardID: SnapshotIntake] = [:]

  init(_ log: Log, _ node: SimulatedNode) { (self.log, self.node) = (log, node) }

  private var world: World { node.world }

  func carryOut(_ action: ShardAction, of shard: ShardID) {
    let thread =
      switch action {
      case .encodeSnapshot, .publishSnapshot, .abandonSnapshot: 1
      default: 0
      }
    freeAt[thread] = max(world.time, freeAt[thread]) + world.draw(20...2_000)
    node.later(freeAt[thread] - world.time) { [self] node in
      work(action, of: shard)
      if node.storage.hasCrashed { node.crash(keepsPower: false) }
    }
  }

  private func post(_ shard: ShardID, _ body: @escaping SimulatedNode.Body) {
    node.later(world.draw(5...200)) { $0.turn(shard, body) }
  }

  private func work(_ action: ShardAction, of shard: ShardID) {
    switch action {
    case .encodeSnapshot(let header, let inventory):
      let byteCount = encode(header, inventory)
      post(shard) { $0.snapshotEncoded(header, byteCount: byteCount, time: $2, tools: &$1) }
    case .publishSnapshot(let header):
      var done = false
      do throws(JournalError) {
        if let writer = writers.removeValue(forKey: shard) {
          try writer.seal()
          try writer.publish()
          done = true
          _ = try log.removeSegments()
        }
      } catch {
        world.say("\(node.name): a snapshot cannot be completed: \(error)")
      }
      let result = done
      post(shard) { $0.snapshotPublished(header, done: result, time: $2, tools: &$1) }
    case .abandonSnapshot: writers.removeValue(forKey: shard)?.abandon()
    case .lookUpChain(let index, let token):
      let chain = (try? log.chain(of: shard, at: index)) ?? nil
      post(shard) { $0.chainFound(chain, token: token, time: $2, tools: &$1) }
    case .readFrames(let token, let first, let bytes):
      let frames = try? log.frames(of: shard, from: first, maxBytes: bytes).streamFrames
      post(shard) { $0.framesRead(frames, token: token, time: $2, tools: &$1) }
    case .load:
      let loaded = try? loadShard(
        shard, from: log, keyLimits: world.machineOptions.keyLimits, salt: world.random.next())
      post(shard) { $0.loaded(loaded, time: $2, tools: &$1) }
    case .replay(let index, let token):
      let digest = try? loadShard(
        shard, from: log, upTo: index, keyLimits: world.machineOptions.keyLimits, salt: world.random.next()
      ).inventory.digest
      post(shard) { $0.replayed(digest, token: token, time: $2, tools: &$1) }
    case .openStream(let session, let header):
      let stream = try? SnapshotStream(log, header)
      streams[shard] = stream
      let opened = stream == nil ? nil : header
      post(shard) { $0.streamOpened(session: session, opened, time: $2, tools: &$1) }
    case .readStream(let session, let epoch, let offset, let bytes, let peer):
      let parts = try? streams[shard]?.read(from: offset, byteCount: bytes)
      post(shard) { $0.streamRead(session: session, epoch: epoch, parts, to: peer, time: $2, tools: &$1) }
    case .closeStream: streams[shard] = nil
    case .storeChunk(let session, let offset, let bytes):
      if offset == 0 {
        intakes[shard]?.abandon()
        intakes[shard] = SnapshotIntake(
          log, shard: shard, keyLimits: world.machineOptions.keyLimits, salt: world.random.next())
      }
      intakes[shard]?.add(bytes, at: offset)
      let through = offset + UInt64(bytes.count)
      post(shard) { $0.chunkStored(session: session, through: through, time: $2, tools: &$1) }
    case .verifyStored:
      let result = intakes[shard]?.finish()
      post(shard) { $0.snapshotVerified(result?.header, result?.inventory, time: $2, tools: &$1) }
    case .publishStored:
      let header = intakes.removeValue(forKey: shard)?.publish()
      post(shard) { $0.storedPublished(header, time: $2, tools: &$1) }
    case .log, .send, .reply, .dropPeer, .readMap, .propose, .noteEntry, .keep, .roleChanged, .note, .clockLeapt:
      preconditionFailure("only what reads the disk is handed to the reader")
    }
  }

  private func encode(_ header: SnapshotHeader, _ inventory: Inventory) -> Int? {
    do {
      let writer = try log.writeSnapshot(header)
      writers[shard(header)] = writer
      var hash: UInt64 = 0
      try inventory.encodeSnapshot { chunk in
        hash = stableHash(chunk.rawSpan, seed: hash)
        try writer.add(chunk)
      }
      world.checks.encoded(header, hash, world)
      return writer.byteCount
    } catch {
      world.say("\(node.name): a snapshot cannot be written: \(error)")
      writers.removeValue(forKey: shard(header))?.abandon()
      return nil
    }
  }

  private func shard(_ header: SnapshotHeader) -> ShardID { header.shard }
}
