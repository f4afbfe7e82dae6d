internal import Glibc
import Proto

/// The lines that wait for the writer thread.
///
/// Sendable because every mutable property is touched only while `mutex` is locked; mutex and condition live at fixed
/// addresses from `init` on, for as long as the process (the writer thread never ends and holds the queue).
@safe final class LogQueue: @unchecked Sendable {
  private let descriptor: Int32
  private let bytesMax: Int
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>
  // All below: protected by `mutex`.
  private var waiting: [UInt8] = []
  private var isWriting = false
  private var droppedTotal: UInt64 = 0
  private var droppedUnsaid: UInt64 = 0
  /// Lines in `waiting` that only say how many were dropped, and how many those are.
  private var notices = Notices()
  // The writer thread's own.
  /// The last line that was written is not whole.
  private var endsInsideLine = false

  private struct Notices {
    var lines: UInt64 = 0
    var dropped: UInt64 = 0
  }

  init(descriptor: Int32, bytesMax: Int) {
    (self.descriptor, self.bytesMax) = (descriptor, bytesMax)
    // Safe: both are initialised before anyone else can see them, and never freed.
    unsafe mutex = .allocate(capacity: 1)
    unsafe condition = .allocate(capacity: 1)
    unsafe pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    unsafe pthread_condattr_init(&attributes)
    // `flush` waits for a time; the wall clock may be set while it does.
    unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    unsafe pthread_cond_init(condition, &attributes)
    unsafe pthread_condattr_destroy(&attributes)
  }

  /// Starts the writer thread. A descriptor below 0 has none: its lines are dropped.
  func start() {
    guard descriptor >= 0 else { return }
    // A reader that went away is an error of `write`, not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    var thread = pthread_t()
    // Safe: the thread takes the one reference that is passed here, and gives it back when it begins.
    let me = unsafe Unmanaged.passRetained(self).toOpaque()
    let failed = unsafe pthread_create(
      &thread, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        unsafe Unmanaged<LogQueue>.fromOpaque(argument).takeRetainedValue().writeForever()
      }, me)
    precondition(failed == 0, "a process that cannot start a thread cannot run")
    pthread_detach(thread)
  }

  func add(_ line: [UInt8]) {
    guard descriptor >= 0 else { return }
    lock()
    defer { unlock() }
    guard waiting.count + line.count <= bytesMax else {
      droppedTotal += 1
      droppedUnsaid += 1
      return
    }
    if droppedUnsaid > 0 {
      waiting.append(
        contentsOf: #"{"level":"warning","message":"log lines dropped","count":\#(droppedUnsaid)}"#.utf8)
      waiting.append(UInt8(ascii: "\n"))
      notices.lines += 1
      notices.dropped += droppedUnsaid
      droppedUnsaid = 0
    }
    waiting.append(contentsOf: line)
    wakeAll()
  }

  /// - Returns: false: the time was over before all was written.
  func flush(milliseconds: Int) -> Bool {
    guard descriptor >= 0 else { return true }
    var until = timespec()
    // Safe: the pointer is to a local value and is used only inside the call.
    unsafe clock_gettime(CLOCK_MONOTONIC, &until)
    let nanoseconds = until.tv_nsec + milliseconds * 1_000_000
    until.tv_sec += nanoseconds / 1_000_000_000
    until.tv_nsec = nanoseconds % 1_000_000_000
    lock()
    defer { unlock() }
    while !waiting.isEmpty || isWriting {
      // Safe: both pointers are valid from `init` on; the mutex is locked.
      if unsafe pthread_cond_timedwait(condition, mutex, &until) == ETIMEDOUT { break }
    }
    return waiting.isEmpty && !isWriting
  }

  var dropped: UInt64 {
    lock()
    defer { unlock() }
    return droppedTotal
  }

  private func writeForever() -> Never {
    var batch: [UInt8] = []
    while true {
      lock()
      isWriting = false
      wakeAll()
      while waiting.isEmpty { wait() }
      swap(&batch, &waiting)
      let noticesInBatch = notices
      notices = Notices()
      isWriting = true
      unlock()
      write(batch, noticesInBatch)
      batch.removeAll(keepingCapacity: batch.capacity <= 1 << 20)
    }
  }

  private func lost(_ rest: ArraySlice<UInt8>, _ notices: Notices) {
    let lines = rest.reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) } - notices.lines
    lock()
    defer { unlock() }
    droppedTotal += lines
    droppedUnsaid += lines + notices.dropped
  }

  /// Writes all of it, or gives up: a log that cannot be written must not stop a process.
  private func write(_ batch: [UInt8], _ notices: Notices) {
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

  // Safe: both pointers are valid from `init` on.
  private func lock() { unsafe pthread_mutex_lock(mutex) }
  private func unlock() { unsafe pthread_mutex_unlock(mutex) }
  private func wait() { unsafe pthread_cond_wait(condition, mutex) }
  private func wakeAll() { unsafe pthread_cond_broadcast(condition) }
}
