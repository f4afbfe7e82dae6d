internal import Glibc

/// A log's file. Whoever rotates logs gives it another name, makes a new one and asks for that to be used: the new file
/// then takes the old one's descriptor.
struct LogFile {
  let path: String
  let descriptor: Int32

  init(_ path: String) throws(LogSink.OpenError) {
    self.path = path
    descriptor = try Self.open(path)
  }

  private static func open(_ path: String) throws(LogSink.OpenError) -> Int32 {
    // Safe: the path is passed as a C string for the call only.
    let descriptor = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      // Safe: `strerror` returns a string of the C library's, which is copied at once.
      throw LogSink.OpenError(path: path, reason: unsafe String(cString: strerror(errno)))
    }
    return descriptor
  }

  /// Opens the path anew. Whoever started this process may have sent its stdout and stderr to the same file, for what
  /// the runtime says when it crashes: then they move, too. If it fails, everything stays as it was.
  func reopen() throws(LogSink.OpenError) {
    let new = try Self.open(path)
    defer { close(new) }
    let old = Self.identity(of: descriptor)
    for standard in [STDOUT_FILENO, STDERR_FILENO] where old != nil && Self.identity(of: standard) == old {
      dup2(new, standard)
    }
    dup2(new, descriptor)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  }

  /// Which file it is, by device and number. nil: there is no such descriptor.
  private static func identity(of descriptor: Int32) -> [UInt64]? {
    var status = stat()
    // Safe: the structure is this function's own.
    return unsafe fstat(descriptor, &status) == 0 ? [UInt64(status.st_dev), UInt64(status.st_ino)] : nil
  }
}
