import Inventory
import Journal
import MemoryDisk
import Node
import Octets
import Proto
import ShardCore

/// The threads of a node that read its disk and write its snapshots, as events: what was asked for is done in order, a
/// little later, and told later still.
final class SimulatedReader {
  private let driver: DiskDriver
  private unowned let node: SimulatedNode
  private var freeAt = [0, 0]

  init(_ log: Log, _ oldSegments: OldSegments, _ node: SimulatedNode) {
    driver = DiskDriver(log, oldSegments, keyLimits: node.world.machineOptions.keyLimits)
    self.node = node
  }

  private var world: World { node.world }

  func carryOut(_ job: DiskJob, of shard: ShardID) {
    let thread = job.writesSnapshot ? 1 : 0
    freeAt[thread] = max(world.time, freeAt[thread]) + world.draw(20...2_000)
    node.later(freeAt[thread] - world.time) { [self] node in
      work(job, of: shard)
      if node.storage.hasCrashed { node.crash(keepsPower: false) }
    }
  }

  private func work(_ job: DiskJob, of shard: ShardID) {
    let result = driver.perform(job, of: shard, salt: { world.random.next() }) { what, error in
      world.say("\(node.name): \(what): \(error)")
    }
    if case .encodeSnapshot(let header, let inventory) = job, case .snapshotEncoded(_, .some) = result {
      var hash: UInt64 = 0
      inventory.encodeSnapshot { hash = stableHash($0.rawSpan, seed: hash) }
      world.checks.encoded(header, hash, world)
    }
    guard let result else { return }
    node.later(world.draw(5...200)) { $0.take(.disk(result), for: shard) }
  }
}
