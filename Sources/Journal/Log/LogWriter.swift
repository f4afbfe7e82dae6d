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

  /// Bytes that may wait to be written.
  package static let queuedBytesMax = 128 << 20
  /// Bytes after which a group takes no more entries: what one sync should not wait behind.
  private static let groupBytesMax = 8 << 20
  /// How long to wait for space before asking for it again.
  private static let retryMilliseconds = 250

  package let log: Log
  private let report: @Sendable (Event) -> Void
  /// The writer waits as the first kind, who makes segments as the second.
  private let state = Monitor(State())
  private let threads = Monitor<[Thread]>([])

  private struct State {
    var queue: [LogEntry] = []
    /// Handed over and not yet written.
    var queuedBytes = 0
    var isStopping = false
    var hasFailed = false
    /// The writer's thread has ended: no more segments are needed.
    var isDone = false
    /// A segment cannot be made for lack of space.
    var lacksSpace = false
    var isReportedFull = false
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
    guard entries.allSatisfy({ $0.frameBytes <= entryBytesMax }) else { return false }
    let isTaken = state.withLock { state in
      guard !state.isStopping, !state.hasFailed, state.queuedBytes + bytes <= Self.queuedBytesMax else { return false }
      state.queue += entries
      state.queuedBytes += bytes
      return true
    }
    if isTaken { state.wake(.first) }
    return isTaken
  }

  /// Whether a batch whose frame has up to `byteCount` bytes may be applied now: asked before, so that a full disk is
  /// met while nothing has happened.
  package func canAccept(_ byteCount: Int) -> Bool {
    let (waiting, isOpen) = state.withLock { ($0.queuedBytes, !$0.hasFailed && !$0.isStopping) }
    return isOpen && waiting + byteCount <= Self.queuedBytesMax && hasRoom(waiting + byteCount)
  }

  /// Commands must be refused: the disk is full.
  package var isFull: Bool { state.withLock { $0.isReportedFull } }

  /// How long its group writes took, waits for room included.
  package var times: SyncTimes { state.withLock { $0.times } }

  /// The disk has no room for the next segment: what does not fit the last one cannot be written until there is.
  package var lacksSpace: Bool { state.withLock { $0.lacksSpace } }

  /// Room that is left to markers, epochs and what several loops were promised at once.
  private var marginBytes: Int { min(4 << 20, log.options.segmentBytes / 4) }

  /// What a segment can hold.
  private var entryBytesMax: Int { log.options.segmentBytes - SegmentHeader.byteCount - LogFrame.headerBytes }

  private func hasRoom(_ byteCount: Int) -> Bool {
    byteCount + marginBytes <= log.bytesLeft || (log.hasPreparedSegment && byteCount <= entryBytesMax)
  }

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
    // Full is what one cannot write at: a segment ahead may be missing while there is room in the last.
    let isFull = state.lacksSpace && !hasRoom(state.queuedBytes + marginBytes)
    if isFull != state.isReportedFull {
      state.isReportedFull = isFull
      return .tell(isFull ? .full : .spaceAgain)
    }
    if !state.queue.isEmpty {
      defer { state.queue = [] }
      return .write(state.queue)
    }
    return state.isStopping ? .end : nil
  }

  /// Writes entries as one group, or as several if they are large. False: failed.
  private func write(_ entries: [LogEntry]) -> Bool {
    var rest = entries[...]
    while !rest.isEmpty {
      var bytes = 0
      let group = Array(
        rest.prefix { entry in
          defer { bytes += entry.frameBytes }
          return bytes == 0 || bytes + entry.frameBytes <= min(Self.groupBytesMax, log.options.segmentBytes / 2)
        })
      rest = rest.dropFirst(group.count)
      let written = group.reduce(0) { $0 + $1.frameBytes }
      do {
        let began = ContinuousClock.now
        guard try append(group) else { return false }
        let durable = try log.sync()
        let time = ContinuousClock.now - began
        let needsSegment = state.withLock { state in
          state.times.note(time)
          state.queuedBytes -= written
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
        state.withLock { $0.lacksSpace = true }
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
        if state.isStopping && state.lacksSpace { return .some(false) }
        if state.lacksSpace && !state.isReportedFull {
          state.isReportedFull = true
          return .some(nil)
        }
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
        state.withLock { ($0.lacksSpace, $0.needsSegment) = (false, false) }
      } catch .full {
        state.withLock { $0.lacksSpace = true }
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
