import Glibc
import Journal
import JournalTestKit
import Proto
import TestKit
import Testing
import Threads

/// A directory that is removed with the last reference.
final class TemporaryDirectory: Sendable {
  let path: String
  init() {
    var template = Array("/tmp/holdfast-journal-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
  }
  deinit {
    for directory in ["/log", "/snapshots", ""] {
      guard let handle = opendir(path + directory) else { continue }
      while let entry = readdir(handle) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        unlink(path + directory + "/" + name)
      }
      closedir(handle)
      rmdir(path + directory)
    }
  }
}

/// What a writer reported.
final class Reports: Sendable {
  struct State: Sendable {
    var durable: [ShardID: LogEnd] = [:]
    var groups = 0
    var full = 0
    var spaceAgain = 0
    var failure: JournalError?
  }
  let state = Monitor(State())

  func note(_ event: LogWriter.Event) {
    state.withLock { state in
      switch event {
      case .durable(let group):
        state.groups += 1
        for (shard, end) in group.ends { state.durable[shard] = end }
      case .full: state.full += 1
      case .spaceAgain: state.spaceAgain += 1
      case .failed(let error): state.failure = error
      }
    }
    state.wakeAll()
  }

  func wait(_ condition: (State) -> Bool) -> State { state.wait { condition($0) ? $0 : nil } }
}

@Suite struct LogWriterTests {
  /// Goal: several threads' entries share syncs, each shard's keep their order, and all of it is on the disk.
  @Test func groupCommitOnARealDisk() async throws {
    let directory = TemporaryDirectory()
    let storage = try DirectoryStorage(directory.path)
    let log = try Log.open(storage, node: node, newDisk: 5, options: LogOptions(segmentBytes: 1 << 20))
    let reports = Reports()
    let writer = LogWriter(log) { reports.note($0) }
    let ends = await withTaskGroup(of: (ShardID, LogEnd).self) { group in
      for shard in shards {
        group.addTask {
          var maker = FrameMaker(seed: UInt64(shard.rawValue))
          for _ in 0..<2_000 {
            let frame = maker.frame(shard, records: 4)
            while !writer.canAccept(frame.bytes.count) { sched_yield() }
            #expect(writer.submit([.frame(frame)]))
          }
          return (shard, maker.end(shard))
        }
      }
      var ends: [ShardID: LogEnd] = [:]
      for await (shard, end) in group { ends[shard] = end }
      return ends
    }
    let last = reports.wait { $0.durable == ends || $0.failure != nil }
    #expect(last.failure == nil)
    #expect(last.groups < 8_000, "nothing was shared")
    writer.stop()
    #expect(!writer.submit([]) && !writer.canAccept(1))
    log.close()
    let again = try Log.open(storage, node: node, newDisk: 6, options: LogOptions(segmentBytes: 1 << 20))
    #expect(again.replica.disk == 5)
    #expect(again.recovery.recordCount == 32_000)
    #expect(again.recovery.shards.allSatisfy { $0.state == .clean && ends[$0.shard] == $0.end })
    #expect(throws: JournalError.storage(.locked(path: directory.path))) {
      _ = try Log.open(
        try DirectoryStorage(directory.path), node: node, newDisk: 6, options: LogOptions(segmentBytes: 1 << 20))
    }
    again.close()
  }

  @Test func stopWritesWhatWasHandedOver() throws {
    let log = try Log.open(MemoryStorage())
    let reports = Reports()
    let writer = LogWriter(log) { reports.note($0) }
    var maker = FrameMaker(seed: 1)
    for _ in 0..<100 { #expect(writer.submit([.frame(maker.frame(ShardID(0)))])) }
    writer.stop()
    #expect(reports.state.withLock { $0.durable[ShardID(0)] } == maker.end(ShardID(0)))
  }

  @Test func aFailedSyncStopsTheWriterForGood() throws {
    let storage = MemoryStorage()
    let log = try Log.open(storage)
    let reports = Reports()
    var maker = FrameMaker(seed: 1)
    try log.write([maker.frame(ShardID(0))])
    try log.prepareSegment()
    // The write goes well, the sync does not.
    storage.plan(.error, at: 1)
    let writer = LogWriter(log) { reports.note($0) }
    #expect(writer.submit([.frame(maker.frame(ShardID(0)))]))
    let state = reports.wait { $0.failure != nil }
    #expect(state.groups == 0)
    #expect(!writer.submit([.frame(maker.frame(ShardID(0)))]))
    #expect(!writer.canAccept(1))
    let count = storage.operationCount
    writer.stop()
    #expect(storage.operationCount == count)
  }

  @Test func aFullDiskRefusesAndRecoversByItself() throws {
    let storage = MemoryStorage()
    let log = try Log.open(storage)
    let reports = Reports()
    var maker = FrameMaker(seed: 1)
    try log.write([maker.frame(ShardID(0))])
    storage.limit(20 << 10)
    let writer = LogWriter(log) { reports.note($0) }
    var accepted = 0
    while writer.canAccept(1_000) || !writer.isFull {
      guard writer.canAccept(1_000) else { continue }
      let frame = maker.frame(ShardID(0), records: 5)
      #expect(writer.submit([.frame(frame)]))
      accepted += 1
      _ = reports.wait { $0.durable[ShardID(0)] == frame.header.end }
    }
    #expect(accepted > 0)
    #expect(reports.state.withLock { $0.full } == 1)
    // What has to be written although it is full finds its room.
    let end = maker.end(ShardID(0))
    #expect(writer.submit([.cut(shard: ShardID(0), keeping: end.index, chain: end.chain)]))
    storage.limit(nil)
    _ = reports.wait { $0.spaceAgain == 1 }
    #expect(writer.canAccept(1_000) && !writer.isFull)
    let frame = maker.frame(ShardID(0), records: 100)
    #expect(writer.submit([.frame(frame)]))
    _ = reports.wait { $0.durable[ShardID(0)] == frame.header.end }
    writer.stop()
    #expect(reports.state.withLock { $0.failure } == nil)
  }

  /// An entry that does not follow is a bug of ours: nothing wrong may get into the log, so the writer stops.
  @Test func aFrameOutOfOrderStopsTheWriter() throws {
    let log = try Log.open(MemoryStorage())
    let reports = Reports()
    let writer = LogWriter(log) { reports.note($0) }
    var maker = FrameMaker(seed: 1)
    _ = maker.frame(ShardID(0))
    #expect(writer.submit([.frame(maker.frame(ShardID(0)))]))
    let state = reports.wait { $0.failure != nil }
    #expect(state.failure == .outOfOrder(shard: ShardID(0), end: LogEnd(), firstIndex: 2))
    writer.stop()
    #expect(log.end(of: ShardID(0)) == LogEnd())
  }

  @Test func whatFitsNoSegmentIsNotTaken() throws {
    let log = try Log.open(MemoryStorage())
    let writer = LogWriter(log) { _ in }
    var maker = FrameMaker(seed: 1)
    let huge = maker.frame(ShardID(0), records: 2_000)
    #expect(huge.bytes.count > small.segmentBytes)
    #expect(!writer.submit([.frame(huge)]) && !writer.canAccept(huge.bytes.count))
    writer.stop()
  }

  @Test func aWorkerRunsJobsInOrder() throws {
    let worker = Worker(name: "test-worker")
    let order = Monitor<[Int]>([])
    for job in 0..<100 { #expect(worker.run { order.withLock { $0.append(job) } }) }
    worker.stop()
    #expect(order.withLock { $0 } == Array(0..<100))
    #expect(!worker.run {})
  }
}
