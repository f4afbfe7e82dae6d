internal import CHoldfast
internal import Glibc

/// A failed system call, for a message: `fsync var/coordinator/map: Input/output error`.
struct FileError: Error, CustomStringConvertible {
  let call: String
  let path: String
  let code: Int32
  var description: String {
    if call == "link", Self.meansNoLinks(code) {
      let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
      return "\(directory) is on a file system with neither hard links nor renames that replace nothing: give "
        + "--coordinator file:DIR a directory on another one (ext4, XFS, Btrfs, tmpfs), or use etcd"
    }
    // Safe: the text is copied at once; only this process's messages are at stake if another thread asks for one too.
    return "\(call) \(path): " + (unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)")
  }

  /// What `link` says where a file has one name only.
  static func meansNoLinks(_ code: Int32) -> Bool { [EPERM, EOPNOTSUPP, ENOSYS, EMLINK].contains(code) }
}

/// The few file operations of the file coordinator, with what each must be followed by.
///
/// `unsafe` before a call with a path: Swift lends the text as a pointer for that call only.
enum Files {
  /// Makes a directory and its missing parents.
  static func makeDirectory(_ path: String) throws(FileError) {
    if unsafe mkdir(path, 0o755) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.dropLast().lastIndex(of: "/"), slash > path.startIndex else {
      throw FileError(call: "mkdir", path: path, code: errno)
    }
    try makeDirectory(String(path[..<slash]))
    guard unsafe mkdir(path, 0o755) == 0 || errno == EEXIST else {
      throw FileError(call: "mkdir", path: path, code: errno)
    }
  }

  /// A whole small file; nil if there is none of that name.
  static func read(_ path: String) throws(FileError) -> [UInt8]? {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      if errno == ENOENT { return nil }
      throw FileError(call: "open", path: path, code: errno)
    }
    defer { close(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while bytes.count <= 1 << 20 {
      // Safe: the pointer is the buffer's own, with its own length, for this call only.
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(file, $0.baseAddress, $0.count) }
      if count == 0 { return bytes }
      guard count > 0 else {
        if errno == EINTR { continue }
        throw FileError(call: "read", path: path, code: errno)
      }
      bytes += buffer[..<count]
    }
    throw FileError(call: "read", path: path, code: EFBIG)
  }

  /// 0: there is nothing of that name.
  static func inode(_ path: String) -> UInt64 {
    var status = stat()
    // Safe: the structure is a local one, and the path is lent for this call only.
    return unsafe stat(path, &status) == 0 ? UInt64(status.st_ino) : 0
  }

  static func exists(_ path: String) throws(FileError) -> Bool {
    if unsafe access(path, F_OK) == 0 { return true }
    guard errno == ENOENT else { throw FileError(call: "access", path: path, code: errno) }
    return false
  }

  /// Makes an empty file.
  static func create(_ path: String) throws(FileError) {
    let file = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw FileError(call: "create", path: path, code: errno) }
    close(file)
  }

  /// Makes a new file with these bytes and syncs it. Its name is not safe until its directory is synced.
  static func write(_ path: String, _ text: String, mode: mode_t = 0o644) throws(FileError) {
    let file = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard file >= 0 else { throw FileError(call: "create", path: path, code: errno) }
    defer { close(file) }
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      // Safe: the pointer is the slice's own, with its own length, for this call only.
      let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
      guard count > 0 else {
        if count < 0, errno == EINTR { continue }
        throw FileError(call: "write", path: path, code: count < 0 ? errno : ENOSPC)
      }
      rest = rest.dropFirst(count)
    }
    guard fsync(file) == 0 else { throw FileError(call: "fsync", path: path, code: errno) }
  }

  /// Gives a file a name unless that is taken: then false, even if this process took it. The file may keep the name
  /// that it had.
  static func link(_ path: String, as name: String) throws(FileError) -> Bool {
    if unsafe Glibc.link(path, name) == 0 { return true }
    let code = errno
    if code == EEXIST { return false }
    // Without hard links (FAT, some shared folders): a rename that replaces nothing chooses one winner as well.
    guard FileError.meansNoLinks(code) else { throw FileError(call: "link", path: name, code: code) }
    let renamed = unsafe chf_rename_new(path, name)
    guard renamed == 0 || renamed == EEXIST else { throw FileError(call: "link", path: name, code: code) }
    return renamed == 0
  }

  static func rename(_ path: String, to name: String) throws(FileError) {
    guard unsafe Glibc.rename(path, name) == 0 else { throw FileError(call: "rename", path: name, code: errno) }
  }

  static func remove(_ path: String) throws(FileError) {
    guard unsafe unlink(path) == 0 || errno == ENOENT else { throw FileError(call: "unlink", path: path, code: errno) }
  }

  /// Makes the names in a directory safe.
  static func sync(directory path: String) throws(FileError) {
    let file = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard file >= 0 else { throw FileError(call: "open", path: path, code: errno) }
    defer { close(file) }
    guard fsync(file) == 0 else { throw FileError(call: "fsync", path: path, code: errno) }
  }

  /// The names in a directory but for hidden ones, ascending.
  static func names(in path: String) throws(FileError) -> [String] {
    guard let directory = unsafe opendir(path) else { throw FileError(call: "opendir", path: path, code: errno) }
    defer { unsafe _ = closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
      // Safe: `d_name` ends with a zero and is copied before the next call of `readdir`.
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }
}
