internal import Glibc

/// One `up` or `down` at a time in a data directory: two would start the same processes, and each keep the other's
/// number. The kernel lets go of it when this process ends, however it ends.
final class DirectoryLock {
  private let file: Int32

  /// Waits for the one that works there now, and says so.
  init(_ path: String, _ console: Console) throws(AdminError) {
    // Safe: Swift lends the path for this call only.
    file = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw .refused("\(path): \(errorText(errno))") }
    // Longer than `up` waits for its processes.
    let deadline = ContinuousClock.now + .seconds(330)
    var isSaid = false
    while flock(file, LOCK_EX | LOCK_NB) != 0 {
      let error = errno
      guard error == EWOULDBLOCK || error == EINTR, ContinuousClock.now < deadline else {
        close(file)
        throw .refused("\(path): \(error == EWOULDBLOCK ? "another up or down does not end" : errorText(error))")
      }
      if !isSaid { console.note("Another up or down works in this directory: waiting for it.") }
      isSaid = true
      sleepBriefly()
    }
  }

  func release() { close(file) }
}
