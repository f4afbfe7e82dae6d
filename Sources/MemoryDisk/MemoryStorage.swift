package import Journal
import Seeded
import Threads

/// A node's directory in memory, with the disk's bad habits at the caller's choice: what was not synced may be lost or
/// torn when the machine stops, names that were not synced may be lost, operations fail, bits flip.
///
/// Two versions of everything are kept: what a process sees, and what is on the disk.
package final class MemoryStorage: Storage {
  package enum Fault: Sendable {
    /// The machine stops in the middle of the operation; every later one fails.
    case crash
    /// The operation fails with an I/O error. A write may have been done in part; a failed sync drops what it should
    /// have written, and the process still sees it (as Linux does).
    case error
    case full
  }

  package enum Operation: Sendable {
    case create, write, sync, rename, remove, syncDirectory
  }

  /// Unchecked: only ever touched with the lock held.
  struct State: @unchecked Sendable {
    var names: [String: Inode] = [:]
    var durableNames: [String: Inode] = [:]
    var pendingNames: [NameChange] = []
    var directories: Set<String> = [""]
    var isLocked = false
    var hasCrashed = false
    var operationCount = 0
    var operations: [Operation] = []
    var faults: [Int: Fault] = [:]
    var capacity: Int?
    var random: SeededRandom
    /// What `place` says.
    var place: UInt64
  }

  /// A file's content, whatever its name is.
  final class Inode {
    var content: [UInt8]
    var durable: [UInt8]
    /// Written since the last sync, in order.
    var pending: [(offset: Int, bytes: [UInt8])] = []
    init(_ content: [UInt8], durable: [UInt8]) { (self.content, self.durable) = (content, durable) }
  }

  /// A change of a directory that is not durable yet.
  struct NameChange {
    var directory: String
    var path: String
    /// nil: the name is removed.
    var inode: Inode?
    var removing: String?
  }

  let state: Monitor<State>

  package init(seed: UInt64 = 0) { state = Monitor(State(random: SeededRandom(seed: seed), place: seed | 1)) }

  private init(_ state: State) { self.state = Monitor(state) }

  // What a test chooses.

  /// What happens at the n-th operation from now (0: the next), instead of it.
  package func plan(_ fault: Fault, at operation: Int) {
    state.withLock { $0.faults[$0.operationCount + operation] = fault }
  }

  /// Nothing that was planned happens any more.
  package func clearFaults() { state.withLock { $0.faults = [:] } }

  /// Operations so far that change something.
  package var operationCount: Int { state.withLock { $0.operationCount } }
  /// What the operations were, in order.
  package var operations: [Operation] { state.withLock { $0.operations } }

  /// A planned crash struck: every operation fails from now on.
  package var hasCrashed: Bool { state.withLock { $0.hasCrashed } }

  /// Bytes that all files together may have; nil: any.
  package func limit(_ bytes: Int?) { state.withLock { $0.capacity = bytes } }

  /// The disk after the machine lost its power: of what was not synced, the seed decides what is there. Whole sectors
  /// of 512 bytes are there or not.
  package func afterPowerLoss(seed: UInt64) -> MemoryStorage {
    state.withLock { old in
      var random = SeededRandom(seed: seed)
      var copies: [ObjectIdentifier: Inode] = [:]
      var new = State(random: SeededRandom(seed: random.next()), place: old.place)
      (new.directories, new.capacity) = (old.directories, old.capacity)
      func copy(_ inode: Inode) -> Inode {
        if let made = copies[ObjectIdentifier(inode)] { return made }
        var content = inode.durable
        for write in inode.pending { Self.lose(write, from: &content, &random) }
        let made = Inode(content, durable: content)
        copies[ObjectIdentifier(inode)] = made
        return made
      }
      var names = old.durableNames
      // A directory's changes reach the disk in order: some first ones did.
      for directory in old.directories.sorted() {
        let changes = old.pendingNames.filter { $0.directory == directory }
        for change in changes.prefix(Int.random(in: 0...changes.count, using: &random)) {
          change.apply(to: &names)
        }
      }
      for (path, inode) in names.sorted(by: { $0.key < $1.key }) { new.names[path] = copy(inode) }
      new.durableNames = new.names
      return MemoryStorage(new)
    }
  }

  private static func lose(
    _ write: (offset: Int, bytes: [UInt8]), from content: inout [UInt8], _ random: inout SeededRandom
  ) {
    // None of it, all of it, a beginning, or any sectors.
    let way = Int.random(in: 0..<4, using: &random)
    let kept = Int.random(in: 0...write.bytes.count, using: &random)
    var offset = 0
    while offset < write.bytes.count {
      let sectorEnd = min(write.bytes.count, ((write.offset + offset) / 512 + 1) * 512 - write.offset)
      let isKept =
        switch way {
        case 0: false
        case 1: true
        case 2: offset < kept
        default: random.chance(50)
        }
      if isKept { put(Array(write.bytes[offset..<sectorEnd]), at: write.offset + offset, in: &content) }
      offset = sectorEnd
    }
  }

  /// The same directory for a process that starts anew: the machine ran on, so nothing is lost.
  package func afterProcessEnd() -> MemoryStorage {
    state.withLock { old in
      var new = State(random: old.random, place: old.place)
      (new.names, new.durableNames, new.pendingNames) = (old.names, old.durableNames, old.pendingNames)
      (new.directories, new.capacity) = (old.directories, old.capacity)
      return MemoryStorage(new)
    }
  }

  /// An independent copy of what the process sees, all of it durable.
  ///
  /// - Parameter place: What tells it from the original; nil: nothing, as an image of a whole disk.
  package func copy(place: UInt64? = nil) -> MemoryStorage {
    state.withLock { old in
      var new = State(random: old.random, place: place ?? old.place)
      (new.directories, new.capacity) = (old.directories, old.capacity)
      for (path, inode) in old.names { new.names[path] = Inode(inode.content, durable: inode.content) }
      new.durableNames = new.names
      return MemoryStorage(new)
    }
  }

  package var paths: [String] { state.withLock { $0.names.keys.sorted() } }
  package func content(_ path: String) -> [UInt8]? { state.withLock { $0.names[path]?.content } }

  /// Changes a file at rest: as a disk that rots.
  package func change(_ path: String, _ body: (inout [UInt8]) -> Void) {
    state.withLock { state in
      guard let inode = state.names[path] else { preconditionFailure("no file \(path)") }
      body(&inode.content)
      (inode.durable, inode.pending) = (inode.content, [])
    }
  }

  package func flipBit(_ path: String, offset: Int, bit: Int) { change(path) { $0[offset] ^= 1 << UInt8(bit) } }

  /// Removes a file at rest.
  package func lose(_ path: String) {
    state.withLock { state in
      state.names[path] = nil
      state.durableNames[path] = nil
    }
  }

  // The storage.

  package func lock() throws(StorageError) {
    try state.withLock { state throws(StorageError) in
      guard !state.isLocked else { throw StorageError.locked(path: "") }
      state.isLocked = true
    }
  }

  package func unlock() { state.withLock { $0.isLocked = false } }

  package func makeDirectory(_ path: String) throws(StorageError) {
    state.withLock { _ = $0.directories.insert(path) }
  }

  package func list(_ directory: String) throws(StorageError) -> [String] {
    state.withLock { state in
      state.names.keys.filter { Self.directory(of: $0) == directory }.map { path in
        directory.isEmpty ? path : String(path.dropFirst(directory.count + 1))
      }.sorted()
    }
  }

  package func open(_ path: String) throws(StorageError) -> any StorageFile {
    try state.withLock { state throws(StorageError) in
      guard let inode = state.names[path] else { throw StorageError.missing(path: path) }
      return MemoryFile(path, inode, self)
    }
  }

  package func create(_ path: String) throws(StorageError) -> any StorageFile { try make(path, []) }

  package func createZeroed(_ path: String, byteCount: Int) throws(StorageError) -> any StorageFile {
    try make(path, [UInt8](repeating: 0, count: byteCount))
  }

  private func make(_ path: String, _ content: [UInt8]) throws(StorageError) -> any StorageFile {
    try state.withLock { state throws(StorageError) in
      try Self.begin(.create, path, &state)
      try Self.checkSpace(content.count - (state.names[path]?.content.count ?? 0), path, state)
      let inode = Inode(content, durable: content)
      state.names[path] = inode
      state.pendingNames.append(
        NameChange(directory: Self.directory(of: path), path: path, inode: inode, removing: nil))
      return MemoryFile(path, inode, self)
    }
  }

  package func rename(_ path: String, to newPath: String) throws(StorageError) {
    try state.withLock { state throws(StorageError) in
      try Self.begin(.rename, path, &state)
      guard let inode = state.names[path] else { throw StorageError.missing(path: path) }
      let change = NameChange(directory: Self.directory(of: newPath), path: newPath, inode: inode, removing: path)
      change.apply(to: &state.names)
      state.pendingNames.append(change)
    }
  }

  package func remove(_ path: String) throws(StorageError) {
    try state.withLock { state throws(StorageError) in
      try Self.begin(.remove, path, &state)
      guard state.names[path] != nil else { return }
      let change = NameChange(directory: Self.directory(of: path), path: path, inode: nil, removing: nil)
      change.apply(to: &state.names)
      state.pendingNames.append(change)
    }
  }

  package func place(of path: String) throws(StorageError) -> UInt64 {
    try state.withLock { state throws(StorageError) in
      guard state.names[path] != nil else { throw StorageError.missing(path: path) }
      return state.place
    }
  }

  package func syncDirectory(_ directory: String) throws(StorageError) {
    try state.withLock { state throws(StorageError) in
      try Self.begin(.syncDirectory, directory, &state)
      for change in state.pendingNames where change.directory == directory { change.apply(to: &state.durableNames) }
      state.pendingNames.removeAll { $0.directory == directory }
    }
  }

  static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "" }
    return String(path[..<slash])
  }

  static func put(_ bytes: [UInt8], at offset: Int, in content: inout [UInt8]) {
    if content.count < offset + bytes.count {
      content += [UInt8](repeating: 0, count: offset + bytes.count - content.count)
    }
    content.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
  }

  static func checkSpace(_ bytes: Int, _ path: String, _ state: State) throws(StorageError) {
    guard let capacity = state.capacity else { return }
    let used = state.names.values.reduce(0) { $0 + $1.content.count }
    guard used + bytes <= capacity else { throw .full(path: path) }
  }

  /// Counts an operation and throws what was planned for it.
  static func begin(_ operation: Operation, _ path: String, _ state: inout State) throws(StorageError) {
    guard !state.hasCrashed else { throw .failed(operation: "anything after the crash", path: path, code: 5) }
    let fault = state.faults[state.operationCount]
    state.operationCount += 1
    state.operations.append(operation)
    switch fault {
    case nil: return
    case .crash:
      state.hasCrashed = true
      throw .failed(operation: "crash", path: path, code: 5)
    case .error: throw .failed(operation: "\(operation)", path: path, code: 5)
    case .full: throw .full(path: path)
    }
  }
}

extension MemoryStorage.NameChange {
  func apply(to names: inout [String: MemoryStorage.Inode]) {
    if let removing { names[removing] = nil }
    names[path] = inode
  }
}
