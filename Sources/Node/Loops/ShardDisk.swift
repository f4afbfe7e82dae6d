import EventLoop
import Inventory
import Journal
import Logging
import Proto
import Replication
import ShardCore
import Threads

/// Carries out, on threads that may wait for a disk, what the shards of one loop ask for, and brings the results back
/// to the loop.
///
/// One thread reads for the loop, in the order asked; one encodes the snapshots of the whole node, one after the other.
final class ShardDisk: Sendable {
  private let node: NodeCore
  private let reader: Worker
  private let driver: DiskDriver

  init(node: NodeCore, index: Int) {
    self.node = node
    driver = DiskDriver(node.journal, node.oldSegments)
    reader = Worker(name: "reader-\(index)")
  }

  func carryOut(_ job: DiskJob, of shard: ShardID) {
    let taken =
      job.writesSnapshot
      ? node.snapshots.run { self.work(job, of: shard) } : reader.run { self.work(job, of: shard) }
    if !taken, let refusal = job.refusal { node.post(.disk(refusal), to: shard) }
  }

  private func work(_ job: DiskJob, of shard: ShardID) {
    let result = driver.perform(job, of: shard, salt: node.random) { what, error in
      node.say(NoteLine(.warning, what, [("error", .text("\(error)"))]), of: shard)
    }
    if let result { node.post(.disk(result), to: shard) }
  }

  /// Gives freed memory back to the kernel, beside the loop; then tells how much is resident. False: not now.
  func trim(_ done: @escaping @Sendable (Int) -> Void) -> Bool {
    reader.run {
      giveBackMemory()
      done(residentBytes())
    }
  }

  func stop() { reader.stop() }
}
