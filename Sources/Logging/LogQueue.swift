internal import Glibc
internal import Threads

/// The lines that wait for the writer thread.
final class LogQueue: Sendable {
  private let descriptor: Int32
  /// nil: the descriptor is somebody else's, and there is nothing to open anew.
  private let file: LogFile?
  private let bytesMax: Int
  private let state = Monitor(State())

  private struct State {
    var waiting: [UInt8] = []
    var isWriting = false
    /// To be told what came of opening the file anew, which has not begun.
    var reopening: (@Sendable (LogSink.OpenError?) -> Void)?
    var droppedTotal: UInt64 = 0
    var droppedUnsaid: UInt64 = 0
    /// Lines in `waiting` that only say how many were dropped, and how many those are.
    var notices = Notices()
  }

  private typealias Work = ([UInt8], Notices, reopening: (@Sendable (LogSink.OpenError?) -> Void)?)

  private struct Notices {
    var lines: UInt64 = 0
    var dropped: UInt64 = 0
  }

  init(descriptor: Int32, bytesMax: Int) { (self.descriptor, file, self.bytesMax) = (descriptor, nil, bytesMax) }

  init(_ file: LogFile, bytesMax: Int) { (descriptor, self.file, self.bytesMax) = (file.descriptor, file, bytesMax) }

  /// Starts the writer thread. A descriptor below 0 has none: its lines are dropped.
  func start() {
    guard descriptor >= 0 else { return }
    // A reader that went away is an error of `write`, not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    Thread.needed(name: "log") { self.writeForever() }.detach()
  }

  func add(_ line: [UInt8]) {
    guard descriptor >= 0 else { return }
    let isTaken = state.withLock { state in
      guard state.waiting.count + line.count <= bytesMax else {
        state.droppedTotal += 1
        state.droppedUnsaid += 1
        return false
      }
      if state.droppedUnsaid > 0 {
        state.waiting.append(
          contentsOf: #"{"level":"warning","message":"log lines dropped","count":\#(state.droppedUnsaid)}"#.utf8)
        state.waiting.append(UInt8(ascii: "\n"))
        state.notices.lines += 1
        state.notices.dropped += state.droppedUnsaid
        state.droppedUnsaid = 0
      }
      state.waiting.append(contentsOf: line)
      return true
    }
    if isTaken { state.wake(.first) }
  }

  /// Opens the file anew, on the writer's thread: lines that wait go into the new one. Several requests at a time are
  /// one.
  ///
  /// - Parameter done: not called if there is no file.
  /// - Returns: whether there is one.
  func reopen(_ done: @escaping @Sendable (LogSink.OpenError?) -> Void) -> Bool {
    guard file != nil else { return false }
    state.withLock { $0.reopening = done }
    state.wake(.first)
    return true
  }

  /// - Returns: false: the time was over before all was written.
  func flush(milliseconds: Int) -> Bool {
    guard descriptor >= 0 else { return true }
    let end = ContinuousClock.now + .milliseconds(milliseconds)
    return state.wait(as: .second, everyMilliseconds: 10) { state in
      if state.waiting.isEmpty, !state.isWriting, state.reopening == nil { return true }
      return ContinuousClock.now >= end ? false : nil
    }
  }

  var dropped: UInt64 { state.withLock { $0.droppedTotal } }

  private func writeForever() {
    var endsInsideLine = false
    while true {
      let (batch, notices, reopening) = state.wait { state in
        guard !state.waiting.isEmpty || state.reopening != nil else { return nil as Work? }
        defer { (state.waiting, state.notices, state.reopening, state.isWriting) = ([], Notices(), nil, true) }
        return (state.waiting, state.notices, state.reopening)
      }
      if let reopening { reopen(reopening, &endsInsideLine) }
      write(batch, notices, &endsInsideLine)
      state.withLock { $0.isWriting = false }
      state.wake(.second)
    }
  }

  private func reopen(_ done: (LogSink.OpenError?) -> Void, _ endsInsideLine: inout Bool) {
    do throws(LogSink.OpenError) {
      try file?.reopen()
      endsInsideLine = false
      done(nil)
    } catch {
      done(error)
    }
  }

  private func lost(_ rest: ArraySlice<UInt8>, _ notices: Notices) {
    let lines = rest.reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) } - notices.lines
    state.withLock { state in
      state.droppedTotal += lines
      state.droppedUnsaid += lines + notices.dropped
    }
  }

  /// Writes all of it, or gives up: a log that cannot be written must not stop a process.
  ///
  /// - Parameter endsInsideLine: whether the last line that was written is not whole.
  private func write(_ batch: [UInt8], _ notices: Notices, _ endsInsideLine: inout Bool) {
    var offset = 0
    if endsInsideLine {
      var lineEnd = UInt8(ascii: "\n")
      // Safe: one byte, for the call only.
      if unsafe Glibc.write(descriptor, &lineEnd, 1) == 1 { endsInsideLine = false }
    }
    while offset < batch.count {
      // Safe: the pointer is used only inside the closure, with the count that is left.
      let written = unsafe batch.withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress! + offset, batch.count - offset)
      }
      if written > 0 {
        offset += written
      } else if errno == EAGAIN {
        // Whoever gave us this pipe wants it not to block; this thread has nothing else to do.
        var watched = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        // Safe: one structure, for the call only.
        _ = unsafe poll(&watched, 1, -1)
      } else if errno != EINTR {
        if offset > 0 { endsInsideLine = batch[offset - 1] != UInt8(ascii: "\n") }
        // Of a batch that was begun the notices stand in front, as good as always.
        return lost(batch[offset...], offset == 0 ? notices : Notices())
      }
    }
  }
}
