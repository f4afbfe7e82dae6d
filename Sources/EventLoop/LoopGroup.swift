internal import Synchronization

/// Some loops, one thread each, and their common end.
public final class LoopGroup: Sendable {
  public let loops: [EventLoop]

  /// Starts `count` loops; default: one for each processor.
  public init(count: Int = processorCount(), name: String = "loop") throws(SocketError) {
    ignoreSIGPIPE()
    var loops: [EventLoop] = []
    for index in 0..<max(1, count) { loops.append(try EventLoop(index: index, name: "\(name)-\(index)")) }
    for loop in loops { try loop.start() }
    self.loops = loops
  }

  public var count: Int { loops.count }
  /// The loop with that number, modulo their count.
  public subscript(number: Int) -> EventLoop { loops[Int(UInt(bitPattern: number) % UInt(loops.count))] }

  /// The gentle end: listeners stop, every connection's handler hears `shuttingDown` and may finish what it was asked
  /// for; what is still open after `grace` is aborted; then the loops stop. Returns at once: `join` waits. From any
  /// thread.
  public func shutdown(grace: Duration = .seconds(5)) {
    let busy = BusyLoops(count: loops.count)
    for loop in loops {
      loop.submit { loop.beginShutdown(grace: grace, busy) }
    }
  }

  /// Waits until all threads have ended. Not from a loop.
  public func join() {
    for loop in loops { loop.join() }
  }

  /// Stops the loops without ceremony and waits for them.
  public func stop() {
    for loop in loops { loop.stop() }
    join()
  }
}

/// How many of a group's loops still have connections: none stops before the others, whose requests may need it.
private final class BusyLoops: Sendable {
  let count: Atomic<Int>
  init(count: Int) { self.count = Atomic(count) }
}

extension EventLoop {
  fileprivate func beginShutdown(grace: Duration, _ busy: BusyLoops) {
    for source in sources.all {
      if let connection = source as? Connection {
        if connection.state == .open {
          connection.handler?.shuttingDown(connection)
        } else {
          connection.close()
        }
      } else {
        source.loopEnds()
      }
    }
    waitForConnections(until: nowNanoseconds &+ grace.nanoseconds, busy, isCounted: true)
  }

  private func waitForConnections(until deadline: UInt64, _ busy: BusyLoops, isCounted: Bool) {
    var isCounted = isCounted
    if isCounted, counters.connections == 0 {
      isCounted = false
      busy.count.subtract(1, ordering: .relaxed)
    }
    if busy.count.load(ordering: .relaxed) == 0 || nowNanoseconds >= deadline {
      stop()
    } else {
      schedule(after: .milliseconds(5)) { self.waitForConnections(until: deadline, busy, isCounted: isCounted) }
    }
  }
}
