internal import CHoldfast
internal import Glibc
import Threads

/// The file of a listening UNIX socket. The kernel makes it when a socket is bound and never removes it: it stays when
/// its process is killed, and bars its name to the next one. So a file that nobody listens on is replaced, and a
/// listener removes its own when it ends.
struct SocketFile: Equatable, Sendable {
  private let path: String
  /// Which file it is: another process may have put its own there meanwhile.
  private let device: UInt64
  private let inode: UInt64

  /// All that this process has to remove.
  private static let open = Lock<[SocketFile]>([])

  /// Listens at `path`, with exactly these permissions.
  ///
  /// - Throws: what stands there is no socket, or another process listens on it; then nothing was changed.
  static func listen(
    at path: String, mode: UInt32, backlog: Int
  ) throws(SocketError) -> (fd: Int32, file: SocketFile) {
    let address = Endpoint.unix(path: path).description
    guard path.utf8.count <= Int(chf_unix_path_max), !path.utf8.contains(0) else {
      throw .pathTooLong(address: address, limit: Int(chf_unix_path_max))
    }
    // Until the socket listens it looks like one that nobody listens on.
    let turn = try lockDirectory(of: path)
    defer { _ = Glibc.close(turn) }
    // Safe: Swift lends the path for the call only, here and below.
    var opened = unsafe chf_listen_unix(path, Int32(clamping: backlog), mode)
    if opened == -EADDRINUSE {
      try removeStale(path)
      opened = unsafe chf_listen_unix(path, Int32(clamping: backlog), mode)
    }
    guard opened >= 0 else { throw SocketError(call: "listen", errno: -opened, address: address) }
    let fd = FileDescriptor(owning: opened)
    guard unsafe chmod(path, mode) == 0, let status = status(of: path) else {
      let code = errno
      _ = unsafe unlink(path)
      throw SocketError(call: "chmod", errno: code, address: address)
    }
    let file = SocketFile(path: path, device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    open.withLock { $0.append(file) }
    return (fd.take(), file)
  }

  /// Removes the file, unless another has its name now. Once is enough.
  func remove() {
    let wasOpen = Self.open.withLock { open in
      guard let place = open.firstIndex(of: self) else { return false }
      open.remove(at: place)
      return true
    }
    guard wasOpen, let status = Self.status(of: path), UInt64(status.st_dev) == device, UInt64(status.st_ino) == inode
    else { return }
    // Safe: Swift lends the path for the call only.
    _ = unsafe unlink(path)
  }

  /// For a process that ends without stopping its listeners.
  static func removeAll() { for file in open.withLock({ $0 }) { file.remove() } }

  /// One process at a time looks at the sockets of a directory and replaces them. The lock is on the directory itself,
  /// so that no file is left of it.
  private static func lockDirectory(of path: String) throws(SocketError) -> Int32 {
    let address = Endpoint.unix(path: path).description
    let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    // Safe: Swift lends the path for the call only.
    let fd = unsafe Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard fd >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { throw .noDirectory(address: address, directory: directory) }
      throw SocketError(call: "open", errno: errno, address: directory)
    }
    for _ in 0..<200 {
      if flock(fd, LOCK_EX | LOCK_NB) == 0 { return fd }
      guard errno == EWOULDBLOCK || errno == EINTR else { break }
      usleep(10_000)
    }
    let code = errno
    _ = Glibc.close(fd)
    throw .system(call: "flock", errno: code, address: directory)
  }

  /// Removes a socket that nobody listens on.
  private static func removeStale(_ path: String) throws(SocketError) {
    let address = Endpoint.unix(path: path).description
    guard let found = status(of: path) else { return }
    guard found.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(address: address) }
    // Safe: Swift lends the path for the call only, here and below.
    let connected = unsafe chf_connect_unix(path)
    if connected >= 0 {
      defer { _ = Glibc.close(connected) }
      throw .socketInUse(address: address, process: Int(chf_peer_process(connected)))
    }
    switch -connected {
    case ENOENT: return
    case ECONNREFUSED: break
    // It listens, but its queue is full; or it is a socket of another kind.
    case EAGAIN, EPROTOTYPE: throw .socketInUse(address: address, process: 0)
    default: throw SocketError(call: "connect", errno: -connected, address: address)
    }
    guard unsafe unlink(path) == 0 || errno == ENOENT else {
      throw SocketError(call: "unlink", errno: errno, address: address)
    }
  }

  /// Of the file itself, not of what a link names; nil: there is none.
  private static func status(of path: String) -> stat? {
    var status = stat()
    // Safe: the structure is this function's own, and Swift lends the path for the call only.
    return unsafe lstat(path, &status) == 0 ? status : nil
  }
}
