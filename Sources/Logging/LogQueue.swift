internal import Glibc
import Proto

/// The lines that wait for the writer thread.
///
/// Sendable because every mutable property is touched only while `mutex` is locked; mutex and condition live at fixed addresses
/// from `init` on, for as long as the process (the writer thread never ends and holds the queue).
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

  init(descriptor: Int32, bytesMax: Int) {
    (self.descriptor, self.bytesMax) = (descriptor, bytesMax)
    // Safe: both are initialised before anyone else can see them, and never freed.
    unsafe mutex = .allocate(capacity: 1)
    unsafe condition = .allocate(capacity: 1)
    unsafe pthread_mutex_init(mutex, nil)
    unsafe pthread_cond_init(condition, nil)
  }

  /// Starts the writer thread. A descriptor below 0 has none: its lines are dropped.
  func start() {
    guard descriptor >= 0 else { return }
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
      droppedUnsaid = 0
    }
    waiting.append(contentsOf: line)
    signal()
  }

  func flush() {
    guard descriptor >= 0 else { return }
    lock()
    while !waiting.isEmpty || isWriting { wait() }
    unlock()
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
      signal()
      while waiting.isEmpty { wait() }
      swap(&batch, &waiting)
      isWriting = true
      unlock()
      write(batch)
      batch.removeAll(keepingCapacity: batch.capacity <= 1 << 20)
    }
  }

  /// Writes all of it, or gives up: a log that cannot be written must not stop a process.
  private func write(_ batch: [UInt8]) {
    var offset = 0
    while offset < batch.count {
      // Safe: the pointer is used only inside the closure, with the count that is left.
      let written = unsafe batch.withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress! + offset, batch.count - offset)
      }
      if written > 0 {
        offset += written
      } else if errno != EINTR {
        return
      }
    }
  }

  // Safe: both pointers are valid from `init` on.
  private func lock() { unsafe pthread_mutex_lock(mutex) }
  private func unlock() { unsafe pthread_mutex_unlock(mutex) }
  private func wait() { unsafe pthread_cond_wait(condition, mutex) }
  private func signal() { unsafe pthread_cond_broadcast(condition) }
}
