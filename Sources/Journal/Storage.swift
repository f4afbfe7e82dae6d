internal import Glibc

/// What a disk said no with. Paths are relative to the node's directory.
package enum StorageError: Error, Equatable, Sendable, CustomStringConvertible {
  /// No space is left; nothing of the file may be relied upon.
  case full(path: String)
  case missing(path: String)
  /// Another process holds the directory.
  case locked(path: String)
  /// `code`: Linux's `errno`.
  case failed(operation: String, path: String, code: Int32)

  package var description: String {
    switch self {
    case .full(let path): "\(path): no space left on the disk"
    case .missing(let path): "\(path): no such file"
    case .locked(let path): "\(path): another process holds this directory"
    case .failed(let operation, let path, let code): "\(path): \(operation) failed: \(errorText(code))"
    }
  }
}

/// The system's words for an errno, with its number.
private func errorText(_ code: Int32) -> String {
  var buffer = [CChar](repeating: 0, count: 256)
  // Safe: the POSIX form writes at most the count given, NUL-terminated.
  let text = unsafe buffer.withUnsafeMutableBufferPointer { text in
    _ = unsafe strerror_r(code, text.baseAddress!, text.count)
    return unsafe String(cString: text.baseAddress!)
  }
  return "\(text) (errno \(code))"
}

/// A node's directory, as the journal sees it: a real one, or one in memory whose faults a test or the simulator
/// chooses. Synchronous. Different files may be used from different threads at once; one file is written by one thread
/// at a time.
package protocol Storage: Sendable {
  /// Takes the exclusive lock that one process holds while it uses the directory.
  func lock() throws(StorageError)
  func unlock()
  /// Makes a directory unless it is there. Durable once `syncDirectory("")` returned.
  func makeDirectory(_ path: String) throws(StorageError)
  /// Names in a directory, in no order. A directory that is missing is empty.
  func list(_ directory: String) throws(StorageError) -> [String]
  /// Opens a file that is there, for reading and writing.
  func open(_ path: String) throws(StorageError) -> any StorageFile
  /// Makes an empty file; what was there under the name is emptied.
  func create(_ path: String) throws(StorageError) -> any StorageFile
  /// Makes a file of `byteCount` zeros that are allocated and on the disk when this returns (its name is not).
  func createZeroed(_ path: String, byteCount: Int) throws(StorageError) -> any StorageFile
  func rename(_ path: String, to newPath: String) throws(StorageError)
  func remove(_ path: String) throws(StorageError)
  /// Makes creations, renames and removals in a directory durable. `""` is the node's own.
  func syncDirectory(_ directory: String) throws(StorageError)
  /// A number that stays the same as long as this file is there, and that no copy of it has; 0: cannot be told.
  func place(of path: String) throws(StorageError) -> UInt64
}

/// An open file. It stays readable while someone holds it, also after its name was removed.
package protocol StorageFile: AnyObject, Sendable {
  var path: String { get }
  func byteCount() throws(StorageError) -> Int
  /// Writes all of `bytes` at `offset`, or throws: then any part of them may have been written.
  func write(_ bytes: RawSpan, at offset: Int) throws(StorageError)
  /// Has the disk take a part of what was written before this returns, which does not make it durable: so that syncs of
  /// other files do not wait behind a large file's. A failure is final.
  func writeBack(_ range: Range<Int>) throws(StorageError)
  /// Makes the data durable. A failure is final: what the file then holds is not known.
  func syncData() throws(StorageError)
  /// Makes data and size durable (files that grow).
  func syncAll() throws(StorageError)
  /// Makes sure that what is read next is what the disk has: syncs, then drops what the kernel keeps of the file.
  func settle() throws(StorageError)
  /// Appends up to `count` bytes from `offset` to `out`; fewer only at the file's end. Returns how many.
  func read(_ count: Int, at offset: Int, into out: inout [UInt8]) throws(StorageError) -> Int
}
