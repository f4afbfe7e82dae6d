internal import CHoldfast
internal import Glibc
internal import Proto
import Threads

/// A node's directory on a real disk.
///
/// The log's own syncs are the only `fdatasync`, so that faults can be injected into them alone; everything else uses
/// `fsync`.
///
/// `unsafe` in this file: Swift lends a path as a pointer for one call only, and handles are closed before they are
/// forgotten.
package final class DirectoryStorage: Storage {
  private let root: String
  private let lockFile = Monitor<Int32?>(nil)

  /// `create`: makes the directory, with its parents, if it is missing.
  package init(_ root: String, create: Bool = true) throws(StorageError) {
    self.root = root
    guard create else { return }
    var path = root.hasPrefix("/") ? "/" : ""
    for part in root.split(separator: "/") {
      path += part
      if unsafe mkdir(path, 0o755) != 0 && errno != EEXIST { throw failure("mkdir", path) }
      path += "/"
    }
  }

  deinit { unlock() }

  private func full(_ path: String) -> String { path.isEmpty ? root : root + "/" + path }

  package func lock() throws(StorageError) {
    let descriptor = unsafe Glibc.open(full("lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure("open", "lock") }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let error = errno == EWOULDBLOCK ? StorageError.locked(path: root) : failure("flock", "lock")
      Glibc.close(descriptor)
      throw error
    }
    lockFile.withLock { $0 = descriptor }
  }

  package func unlock() {
    lockFile.withLock { descriptor in
      if let open = descriptor { Glibc.close(open) }
      descriptor = nil
    }
  }

  package func makeDirectory(_ path: String) throws(StorageError) {
    if unsafe mkdir(full(path), 0o755) != 0 && errno != EEXIST { throw failure("mkdir", path) }
  }

  package func list(_ directory: String) throws(StorageError) -> [String] {
    guard let handle = unsafe opendir(full(directory)) else {
      if errno == ENOENT { return [] }
      throw failure("opendir", directory)
    }
    defer { unsafe closedir(handle) }
    var names: [String] = []
    // Safe: `readdir`'s entry lives until the next call, and its name ends with a zero.
    while let entry = unsafe readdir(handle) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) {
        unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }

  package func open(_ path: String) throws(StorageError) -> any StorageFile {
    let descriptor = unsafe Glibc.open(full(path), O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open", path) }
    return DirectoryFile(path: path, descriptor: descriptor)
  }

  package func create(_ path: String) throws(StorageError) -> any StorageFile { try make(path) }

  private func make(_ path: String) throws(StorageError) -> DirectoryFile {
    let descriptor = unsafe Glibc.open(full(path), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure("open", path) }
    return DirectoryFile(path: path, descriptor: descriptor)
  }

  package func createZeroed(_ path: String, byteCount: Int) throws(StorageError) -> any StorageFile {
    let file = try make(path)
    try file.fillWithZeros(byteCount)
    return file
  }

  package func rename(_ path: String, to newPath: String) throws(StorageError) {
    if unsafe Glibc.rename(full(path), full(newPath)) != 0 { throw failure("rename", path) }
  }

  package func remove(_ path: String) throws(StorageError) {
    if unsafe unlink(full(path)) != 0 && errno != ENOENT { throw failure("unlink", path) }
  }

  /// From the inode's number and the time at which it was made.
  package func place(of path: String) throws(StorageError) -> UInt64 {
    let file = full(path)
    var place: UInt64 = 0
    // Safe: the path is lent as a C string, and the number written, for this call only.
    let code = unsafe chf_file_place(file, &place)
    guard code == 0 else { throw .failed(operation: "statx", path: path, code: code) }
    return place
  }

  package func syncDirectory(_ directory: String) throws(StorageError) {
    let descriptor = unsafe Glibc.open(full(directory), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open", directory) }
    defer { Glibc.close(descriptor) }
    if fsync(descriptor) != 0 { throw failure("fsync", directory) }
  }
}

/// What `errno` means. Read it before anything else can change it.
private func failure(_ operation: String, _ path: String) -> StorageError {
  switch errno {
  case ENOSPC, EDQUOT: .full(path: path)
  case ENOENT: .missing(path: path)
  case let code: .failed(operation: operation, path: path, code: code)
  }
}

/// A file by its descriptor, which is closed with the last reference.
final class DirectoryFile: StorageFile {
  let path: String
  private let descriptor: Int32

  init(path: String, descriptor: Int32) { (self.path, self.descriptor) = (path, descriptor) }
  deinit { close(descriptor) }

  func byteCount() throws(StorageError) -> Int {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw failure("fstat", path) }
    return Int(status.st_size)
  }

  func write(_ bytes: RawSpan, at offset: Int) throws(StorageError) {
    var done = 0
    while done < bytes.byteCount {
      // Safe: the kernel reads inside the span only, during the call only.
      let count = unsafe bytes.extracting(done..<bytes.byteCount).withUnsafeBytes {
        unsafe pwrite(descriptor, $0.baseAddress, $0.count, offset + done)
      }
      if count < 0 && errno == EINTR { continue }
      // A short write is gone on with: the next call gives the reason, if there is one.
      guard count > 0 else { throw failure("pwrite", path) }
      done += count
    }
  }

  /// What a sync of the log may have to wait behind: 0.1 ms of a disk.
  private static let pieceBytes = 128 << 10

  func writeBack(_ range: Range<Int>) throws(StorageError) {
    for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.pieceBytes) {
      let count = min(Self.pieceBytes, range.upperBound - start)
      let code = chf_write_back(descriptor, Int64(start), Int64(count))
      switch code {
      case ENOSPC, EDQUOT: throw .full(path: path)
      case EIO: throw .failed(operation: "sync_file_range", path: path, code: code)
      // Or a file system or a sandbox does not know it: the sync that follows does it all.
      default: break
      }
    }
  }

  func syncData() throws(StorageError) {
    if fdatasync(descriptor) != 0 { throw failure("fdatasync", path) }
  }

  func syncAll() throws(StorageError) {
    if fsync(descriptor) != 0 { throw failure("fsync", path) }
  }

  func settle() throws(StorageError) {
    try syncAll()
    // A failed sync leaves pages that the kernel calls clean though the disk never got them: forget them, read the
    // disk's.
    _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
  }

  func read(_ count: Int, at offset: Int, into out: inout [UInt8]) throws(StorageError) -> Int {
    let start = out.count
    out.append(contentsOf: repeatElement(0, count: count))
    var done = 0
    while done < count {
      // Safe: the kernel writes into the part of the array that was just added, during the call only.
      let got = unsafe out.withUnsafeMutableBytes {
        unsafe pread(descriptor, $0.baseAddress?.advanced(by: start + done), count - done, offset + done)
      }
      if got < 0 && errno == EINTR { continue }
      guard got >= 0 else { throw failure("pread", path) }
      if got == 0 { break }
      done += got
    }
    out.removeLast(count - done)
    return done
  }

  /// Writes zeros and syncs: blocks that are allocated only (`fallocate`) would make each later sync write metadata
  /// too. In pieces, because 64 MiB at once make the log's syncs wait for some 30 ms.
  func fillWithZeros(_ byteCount: Int) throws(StorageError) {
    let zeros = [UInt8](repeating: 0, count: 512 << 10)
    var done = 0
    while done < byteCount {
      // Safe: the kernel reads inside the array only, during the call only.
      let count = unsafe zeros.withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress, min($0.count, byteCount - done))
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw failure("write", path) }
      try writeBack(done..<done + count)
      done += count
    }
    try syncAll()
  }
}
