import Journal
import JournalTestKit
import MemoryDisk
import Proto
import Testing
import Threads

/// A disk that stops at the first rename of a segment, and makes no second segment, until it is told to go on.
private final class SlowNames: Storage {
  struct State {
    var isRenaming = false
    var goesOn = false
    var segmentsMade = 0
  }
  let state = Monitor(State())
  private let disk = MemoryStorage()

  func goOn() {
    state.withLock { $0.goesOn = true }
    state.wakeAll()
  }

  func waitUntilRenaming() { state.wait { $0.isRenaming ? () : nil } }

  func rename(_ path: String, to newPath: String) throws(StorageError) {
    if newPath.hasSuffix(".seg") {
      state.withLock { $0.isRenaming = true }
      state.wakeAll()
      state.wait { $0.goesOn ? () : nil }
    }
    try disk.rename(path, to: newPath)
  }

  func createZeroed(_ path: String, byteCount: Int) throws(StorageError) -> any StorageFile {
    state.wait { state -> Void? in
      guard state.segmentsMade == 0 || state.goesOn else { return nil }
      state.segmentsMade += 1
      return ()
    }
    return try disk.createZeroed(path, byteCount: byteCount)
  }

  func lock() throws(StorageError) { try disk.lock() }
  func unlock() { disk.unlock() }
  func makeDirectory(_ path: String) throws(StorageError) { try disk.makeDirectory(path) }
  func list(_ directory: String) throws(StorageError) -> [String] { try disk.list(directory) }
  func open(_ path: String) throws(StorageError) -> any StorageFile { try disk.open(path) }
  func create(_ path: String) throws(StorageError) -> any StorageFile { try disk.create(path) }
  func remove(_ path: String) throws(StorageError) { try disk.remove(path) }
  func place(of path: String) throws(StorageError) -> UInt64 { try disk.place(of: path) }
  func syncDirectory(_ directory: String) throws(StorageError) { try disk.syncDirectory(directory) }
}

@Suite struct RollTests {
  /// While the writer gives the next segment its name, which takes some syncs, commands are accepted as before: after a
  /// start this is the very first thing it does, and the first buyers were told to try again.
  @Test func nobodyIsRefusedWhileASegmentGetsItsName() throws {
    let storage = SlowNames()
    let log = try Log.open(storage, node: node, newDisk: 5, options: small)
    try log.prepareSegment()
    let reports = Reports()
    let writer = LogWriter(log) { reports.note($0) }
    var maker = FrameMaker(seed: 1)
    #expect(writer.canAccept(1_000))
    #expect(writer.submit([.frame(maker.frame(ShardID(0)))]))
    storage.waitUntilRenaming()
    #expect(writer.canAccept(1_000))
    let second = maker.frame(ShardID(0))
    #expect(writer.submit([.frame(second)]))
    storage.goOn()
    _ = reports.wait { $0.durable[ShardID(0)] == second.header.end }
    writer.stop()
    #expect(reports.state.withLock { $0.failure } == nil)
  }
}
