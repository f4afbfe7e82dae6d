import MemoryDisk
import Journal
import Node
import Proto
import ShardCore

/// The log's writer thread, as events: all that came while the last group was on its way becomes the next; one write,
/// one sync.
final class SimulatedWriter {
  private let log: Log
  private unowned let node: SimulatedNode
  private var queue: [LogEntry] = []
  private var isBusy = false
  private var isMaking = false
  private var isReportedFull = false

  init(_ log: Log, _ node: SimulatedNode) { (self.log, self.node) = (log, node) }

  func submit(_ entries: [LogEntry]) {
    queue += entries
    kick()
  }

  func room(for byteCount: Int) -> LogRoom {
    if isReportedFull { return .full }
    let waiting = queue.reduce(0) { $0 + $1.frameBytes }
    return hasRoom(waiting + byteCount + 1_024) ? .open : .busy
  }

  private func hasRoom(_ byteCount: Int) -> Bool {
    let margin = log.options.segmentBytes / 4
    return byteCount + margin <= log.bytesLeft
      || (log.hasPreparedSegment && byteCount + margin <= log.options.segmentBytes)
  }

  private func kick() {
    guard !isBusy, !queue.isEmpty else { return }
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
        report(full: false)
      } catch .full {
        if !hasRoom(queue.reduce(0) { $0 + $1.frameBytes } + log.options.segmentBytes / 8) { report(full: true) }
        node.later(100_000) { [self] _ in makeSegment() }
      } catch {
        failed(error)
      }
    }
  }

  private func report(full: Bool) {
    guard full != isReportedFull else { return }
    isReportedFull = full
    node.world.say("\(node.name): \(full ? "no room" : "room again")")
    for shard in node.world.shardIDs {
      node.turn(shard) { machine, tools, time in machine.diskFull(full, time: time, tools: &tools) }
    }
  }

  private func write() {
    do throws(JournalError) {
      var bytes = 0
      let group = Array(
        queue.prefix { entry in
          defer { bytes += entry.frameBytes }
          return bytes == 0 || bytes + entry.frameBytes <= log.options.segmentBytes / 2
        })
      try log.append(group)
      queue.removeFirst(group.count)
      sync()
    } catch .full {
      report(full: true)
      node.later(50_000) { [self] _ in write() }
    } catch {
      failed(error)
    }
  }

  private func sync() {
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
      node.turn(shard) { machine, tools, time in machine.durable(through: end.index, time: time, tools: &tools) }
    }
    for (shard, kind) in markers {
      node.turn(shard) { machine, _, _ in machine.markerDurable(kind) }
    }
  }

  private func failed(_ error: JournalError) {
    switch error {
    case .storage, .stopped: break
    default: if !node.storage.hasCrashed { node.world.fail("journal", "\(node.name): \(error)") }
    }
    node.fail()
  }
}
