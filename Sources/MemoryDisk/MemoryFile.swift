import Journal
import Octets
import Threads

/// A file of `MemoryStorage`. Unchecked: the inode is touched only with the storage's lock held.
final class MemoryFile: StorageFile, @unchecked Sendable {
  let path: String
  private let inode: MemoryStorage.Inode
  private let storage: MemoryStorage

  init(_ path: String, _ inode: MemoryStorage.Inode, _ storage: MemoryStorage) {
    (self.path, self.inode, self.storage) = (path, inode, storage)
  }

  func byteCount() throws(StorageError) -> Int { storage.state.withLock { _ in inode.content.count } }

  func write(_ bytes: RawSpan, at offset: Int) throws(StorageError) {
    let bytes = Bytes(bytes).array
    try storage.state.withLock { state throws(StorageError) in
      do throws(StorageError) {
        try MemoryStorage.begin(.write, path, &state)
        try MemoryStorage.checkSpace(max(0, offset + bytes.count - inode.content.count), path, state)
      } catch {
        // A part may have got there.
        let part = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &state.random)))
        put(part, at: offset)
        throw error
      }
      put(bytes, at: offset)
    }
  }

  private func put(_ bytes: [UInt8], at offset: Int) {
    guard !bytes.isEmpty else { return }
    MemoryStorage.put(bytes, at: offset, in: &inode.content)
    inode.pending.append((offset, bytes))
  }

  /// What a crash keeps is decided by syncs alone.
  func writeBack(_ range: Range<Int>) throws(StorageError) {}

  func syncData() throws(StorageError) { try sync() }
  func syncAll() throws(StorageError) { try sync() }

  private func sync() throws(StorageError) {
    try storage.state.withLock { state throws(StorageError) in
      do throws(StorageError) {
        try MemoryStorage.begin(.sync, path, &state)
      } catch {
        // The kernel calls the pages clean though they never got to the disk.
        if !state.hasCrashed { inode.pending = [] }
        throw error
      }
      flush()
    }
  }

  private func flush() {
    for write in inode.pending { MemoryStorage.put(write.bytes, at: write.offset, in: &inode.durable) }
    inode.pending = []
  }

  func settle() throws(StorageError) {
    try sync()
    storage.state.withLock { _ in inode.content = inode.durable }
  }

  func read(_ count: Int, at offset: Int, into out: inout [UInt8]) throws(StorageError) -> Int {
    let part = storage.state.withLock { _ in
      Array(inode.content[min(offset, inode.content.count)..<min(offset + count, inode.content.count)])
    }
    out += part
    return part.count
  }
}
