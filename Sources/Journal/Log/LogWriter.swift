internal import Proto
import Threads

/// The one thread that writes and syncs a node's log. Loops hand entries over; all that came while the last group was
/// written becomes the next: one write, one sync, for all shards and roles. A second thread makes segments ahead.
package final class LogWriter: Sendable {
  package enum Event: Sendable {
    case durable(DurableGroup)
    /// The disk is full: commands must be refused. / There is space again.
    case full
    case spaceAgain
    /// Final: a write or sync failed. What was not reported durable may be on the disk or not.
    case failed(JournalError)
  }

  /// How long to wait for space before asking for it again.
  package static let retryMilliseconds = 250

  package let log: Log
  private let report: @Sendable (Event) -> Void
  /// The writer waits as the first kind, who makes segments as the second.
  private let state = Monitor(State())
  private let threads = Monitor<[Thread]>([])

  private struct State {
    var queue = LogQueue()
    var isStopping = false
    var hasFailed = false
    /// The writer's thread has ended: no more segments are needed.
    var isDone = false
    /// Why a segment could not be made, other than for lack of space.
    var segmentFailure: JournalError?
    var needsSegment = true
    var times = SyncTimes()
  }

  private enum Work {
    case write([LogEntry])
    case tell(Event)
    case end
  }

  /// `report` is called on the writer's thread, one event after the other; it must only hand over. The threads run
  /// until `stop`.
  package init(_ log: Log, report: @escaping @Sendable (Event) -> Void) {
    (self.log, self.report) = (log, report)
    let writer = Thread.needed(name: "log-writer") { self.write() }
    let maker = Thread.needed(name: "log-segments") { self.makeSegments() }
    threads.withLock { $0 = [writer, maker] }
  }

  /// Hands entries over; each shard's are written in the order in which they came. Never waits. False, and nothing was
  /// taken: too much waits already, an entry is larger than a segment, or the writer stopped.
  package func submit(_ entries: [LogEntry]) -> Bool {
    let bytes = entries.reduce(0) { $0 + $1.frameBytes }
    let isTaken = state.withLock { state in
      !state.isStopping && !state.hasFailed && state.queue.add(entries, byteCount: bytes, log)
    }
    if isTaken { state.wake(.first) }
    return isTaken
  }

  /// The room for a turn that would hand over so many bytes: see `LogQueue.room`.
  package func room(for byteCount: Int, ofRequests: Bool = false) -> LogRoom {
    state.withLock { state in
      state.hasFailed || state.isStopping ? .busy : state.queue.room(for: byteCount, ofRequests: ofRequests, log)
    }
  }

  /// Whether a batch whose frame has up to `byteCount` bytes may be applied now.
  package func canAccept(_ byteCount: Int) -> Bool {
    state.withLock { !$0.hasFailed && !$0.isStopping && $0.queue.canAccept(byteCount, log) }
  }

  /// Commands must be refused: the disk is full.
  package var isFull: Bool { state.withLock { $0.queue.isReportedFull } }

  /// How long its group writes took, waits for room included.
  package var times: SyncTimes { state.withLock { $0.times } }

  /// Writes what was handed over, ends the threads, returns. Not from `report`.
  package func stop() {
    state.withLock { $0.isStopping = true }
    state.wakeAll()
    let running = threads.withLock { threads in
      defer { threads = [] }
      return threads
    }
    for thread in running { thread.join() }
  }

  // The writer's thread.

  private func write() {
    defer {
      state.withLock { $0.isDone = true }
      state.wakeAll()
    }
    while true {
      switch state.wait({ self.work(&$0) }) {
      case .write(let entries):
        guard write(entries) else { return }
      case .tell(.failed(let error)):
        fail(error)
        return
      case .tell(let event): report(event)
      case .end: return
      }
    }
  }

  private func work(_ state: inout State) -> Work? {
    if let failure = state.segmentFailure { return .tell(.failed(failure)) }
    if let isFull = state.queue.newFullness(log) { return .tell(isFull ? .full : .spaceAgain) }
    if !state.queue.isEmpty { return .write(state.queue.takeAll()) }
    return state.isStopping ? .end : nil
  }

  /// Writes entries as one group, or as several if they are large. False: failed.
  private func write(_ entries: [LogEntry]) -> Bool {
    var rest = entries[...]
    while !rest.isEmpty {
      let (count, byteCount) = LogQueue.group(of: rest, log)
      let group = Array(rest.prefix(count))
      rest = rest.dropFirst(count)
      do {
        let began = ContinuousClock.now
        guard try append(group) else { return false }
        let durable = try log.sync()
        let time = ContinuousClock.now - began
        let needsSegment = state.withLock { state in
          state.times.note(time)
          state.queue.written(byteCount: byteCount)
          state.needsSegment = !log.hasPreparedSegment
          return state.needsSegment
        }
        report(.durable(durable))
        // Seldom: the thread that makes segments sleeps through the groups that fit.
        if needsSegment { state.wake(.second) }
      } catch {
        fail(error)
        return false
      }
    }
    return true
  }

  /// Appends a group, waiting for space if there is none. False: stopped while waiting.
  private func append(_ group: [LogEntry]) throws(JournalError) -> Bool {
    while true {
      if !waitForSegment(group) { return false }
      do {
        try log.append(group)
        return true
      } catch .full {
        state.withLock { $0.queue.lacksSpace = true }
      }
    }
  }

  /// A group that does not fit the last segment waits for the other thread to make the next.
  private func waitForSegment(_ group: [LogEntry]) -> Bool {
    let bytes = group.reduce(LogFrame.headerBytes) { $0 + $1.frameBytes }
    while true {
      let canWrite = state.wait { state -> Bool?? in
        // After a failure the append says what is wrong.
        if log.bytesLeft >= bytes || log.hasPreparedSegment || state.segmentFailure != nil { return .some(true) }
        if state.isStopping && state.queue.lacksSpace { return .some(false) }
        if state.queue.isStuck() { return .some(nil) }
        state.needsSegment = true
        self.state.wakeAll()
        return nil
      }
      if let canWrite { return canWrite }
      report(.full)
    }
  }

  private func fail(_ error: JournalError) {
    state.withLock { $0.hasFailed = true }
    state.wakeAll()
    report(.failed(error))
  }

  // The thread that makes segments.

  private func makeSegments() {
    while true {
      let goOn = state.wait(as: .second) { state -> Bool? in
        if state.isDone { return false }
        return state.needsSegment && !log.hasPreparedSegment ? true : nil
      }
      guard goOn else { return }
      do {
        try log.prepareSegment()
        state.withLock { ($0.queue.lacksSpace, $0.needsSegment) = (false, false) }
      } catch .full {
        state.withLock { $0.queue.lacksSpace = true }
        state.wakeAll()
        pause()
      } catch {
        state.withLock { $0.segmentFailure = error }
      }
      state.wakeAll()
    }
  }

  /// Waits for a while, or for the end.
  private func pause() {
    let until = ContinuousClock.now + .milliseconds(Self.retryMilliseconds)
    state.wait(as: .second, everyMilliseconds: Self.retryMilliseconds) { state -> Void? in
      state.isDone || ContinuousClock.now >= until ? () : nil
    }
  }
}
