import MemoryDisk
import Journal
import Node
import Proto
import ShardCore

/// The log's writer thread and the one that makes segments, as events: all that came while the last group was on its
/// way becomes the next; one write, one sync.
final class SimulatedWriter {
  private let log: Log
  private unowned let node: SimulatedNode
  private var queue = LogQueue()
  /// Taken from the queue and not written yet.
  private var taken: ArraySlice<LogEntry> = []
  private var isBusy = false
  private var isMaking = false

  init(_ log: Log, _ node: SimulatedNode) { (self.log, self.node) = (log, node) }

  /// False: nothing was taken.
  func submit(_ entries: [LogEntry]) -> Bool {
    guard queue.add(entries, byteCount: entries.reduce(0) { $0 + $1.frameBytes }, log) else { return false }
    kick()
    return true
  }

  func room(for byteCount: Int, ofRequests: Bool) -> LogRoom {
    queue.room(for: byteCount, ofRequests: ofRequests, log)
  }

  /// Nothing waits, and nothing is being written.
  var isIdle: Bool { !isBusy && queue.isEmpty && taken.isEmpty }

  private func kick() {
    guard !isBusy else { return }
    if taken.isEmpty {
      if let isFull = queue.newFullness(log) { report(full: isFull) }
      taken = queue.takeAll()[...]
    }
    guard !taken.isEmpty else { return }
    isBusy = true
    node.later(node.world.draw(5...80)) { [self] _ in write() }
  }

  /// Makes the next segment, a little later; tries again while there is no space.
  func makeSegment() {
    guard !isMaking, !log.hasPreparedSegment else { return }
    isMaking = true
    node.later(node.world.draw(100...3_000)) { [self] _ in
      isMaking = false
      do throws(JournalError) {
        try log.prepareSegment()
        queue.lacksSpace = false
      } catch .full {
        queue.lacksSpace = true
        node.later(LogWriter.retryMilliseconds * 1_000) { [self] _ in makeSegment() }
      } catch {
        return failed(error)
      }
      kick()
    }
  }

  private func report(full: Bool) {
    node.world.say("\(node.name): \(full ? "no room" : "room again")")
    node.takeAll(.diskFull(full))
  }

  private func write() {
    let (count, byteCount) = LogQueue.group(of: taken, log)
    do throws(JournalError) {
      try log.append(Array(taken.prefix(count)))
    } catch .full {
      queue.lacksSpace = true
      if queue.isStuck() { report(full: true) }
      makeSegment()
      return node.later(50_000) { [self] _ in write() }
    } catch {
      return failed(error)
    }
    taken = taken.dropFirst(count)
    sync(byteCount)
  }

  private func sync(_ byteCount: Int) {
    let world = node.world
    var wait = world.draw(50...300)
    if world.chance(world.faults.slowSync) {
      world.count(.slowSync)
      wait = world.draw(1_000...world.faults.slowSyncMax)
    }
    node.later(wait) { [self] _ in
      do throws(JournalError) {
        let group = try log.sync()
        node.later(node.world.draw(5...100)) { [self] _ in tell(group.ends, group.markers) }
        queue.written(byteCount: byteCount)
        isBusy = false
        makeSegment()
        kick()
      } catch {
        failed(error)
      }
    }
  }

  private func tell(
    _ ends: [(shard: ShardID, end: LogEnd)], _ markers: [(shard: ShardID, kind: LogFrame.Kind)]
  ) {
    for (shard, end) in ends.sorted(by: { $0.shard < $1.shard }) {
      node.take(.durable(through: end.index), for: shard)
    }
    for (shard, kind) in markers { node.take(.markerDurable(kind), for: shard) }
  }

  private func failed(_ error: JournalError) {
    switch error {
    case .storage, .stopped: break
    case .otherNode, .noIdentity, .otherFormat, .outOfOrder, .full, .notAvailable, .damaged, .voided, .decode:
      if !node.storage.hasCrashed { node.world.fail("journal", "\(node.name): \(error)") }
    }
    node.fail()
  }
}
