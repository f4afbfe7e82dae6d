internal import Glibc
internal import Synchronization

/// Writes to stderr, unbuffered; what cannot be written within a second is lost.
public func standardError(_ text: String) { StandardStream.error.write(text) }

/// Writes to stdout, as above: for what a process says before it ends.
func standardOutput(_ text: String) { StandardStream.output.write(text) }

/// A stream of this process that may be a pipe which nobody reads: no process may wait for its reader.
private final class StandardStream: Sendable {
  static let error = StandardStream(2)
  static let output = StandardStream(1)

  private let descriptor: Int32
  /// It took nothing for a second: from then on only what it takes at once is written.
  private let isStuck = Atomic(false)
  private static let patience: Int64 = 1_000

  private init(_ descriptor: Int32) { self.descriptor = descriptor }

  func write(_ text: String) {
    let own = openPipe()
    defer { if own >= 0 { close(own) } }
    let target = own >= 0 ? own : descriptor
    let bytes = Array(text.utf8)
    let deadline = Self.now + (isStuck.load(ordering: .relaxed) ? 0 : Self.patience)
    var offset = 0
    while offset < bytes.count {
      var watched = pollfd(fd: target, events: Int16(POLLOUT), revents: 0)
      // Safe: one structure, for the call only.
      let ready = unsafe poll(&watched, 1, Int32(clamping: max(0, deadline - Self.now)))
      if ready < 0, errno == EINTR { continue }
      guard ready > 0 else { return isStuck.store(true, ordering: .relaxed) }
      // A pipe that is ready takes this much without blocking, unless another process was quicker.
      let count = min(bytes.count - offset, Int(PIPE_BUF))
      // Safe: the range lies inside the array, and the pointer is used only inside the closure.
      let written = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(target, $0.baseAddress! + offset, count) }
      if written > 0 {
        offset += written
      } else if errno != EINTR, errno != EAGAIN {
        return
      }
    }
    isStuck.store(false, ordering: .relaxed)
  }

  /// A pipe is opened anew so that writing to it never blocks; to set that on the descriptor itself would set it for
  /// everyone who shares the pipe. -1: it is none.
  private func openPipe() -> Int32 {
    var status = stat()
    // Safe: the structure is this function's own.
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else { return -1 }
    // Safe: the path is passed as a C string for the call only.
    return unsafe open("/proc/self/fd/\(descriptor)", O_WRONLY | O_NONBLOCK | O_CLOEXEC)
  }

  /// Monotonic milliseconds.
  private static var now: Int64 {
    var time = timespec()
    // Safe: the pointer is to a local value and is used only inside the call.
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
  }
}
