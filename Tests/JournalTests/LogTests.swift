import Journal
import JournalTestKit
import Proto
import TestKit
import Testing

@Suite struct LogTests {
  @Test func aNewDirectoryHasNothing() throws {
    let log = try Log.open(MemoryStorage())
    #expect(log.replica == ReplicaID(node: node, disk: 0xD15C))
    #expect(log.recovery.shards.isEmpty && log.recovery.unreadable.isEmpty)
    #expect(log.end(of: ShardID(0)) == LogEnd())
    #expect(log.recovery.shard(ShardID(9)).state == .clean)
  }

  @Test func theIdentityStays() throws {
    let storage = MemoryStorage()
    try Log.open(storage).close()
    let again = try Log.open(storage, node: node, newDisk: 999, options: small)
    #expect(again.replica.disk == 0xD15C)
    again.close()
    #expect(throws: JournalError.otherNode(found: node, expected: NodeName("n2")!)) {
      _ = try Log.open(storage, node: NodeName("n2")!, newDisk: 1, options: small)
    }
  }

  @Test func oneProcessAtATime() throws {
    let storage = MemoryStorage()
    let log = try Log.open(storage)
    #expect(throws: JournalError.storage(.locked(path: ""))) { _ = try Log.open(storage) }
    log.close()
    try Log.open(storage).close()
  }

  /// A log without its identity is not a new disk: taking it for one would let it be named in sync with nothing.
  @Test func aLogWithoutIdentityIsRefused() throws {
    let storage = MemoryStorage()
    let log = try Log.open(storage)
    var maker = FrameMaker(seed: 1)
    try log.write([maker.frame(ShardID(0))])
    log.close()
    storage.lose("identity")
    #expect(throws: JournalError.noIdentity) { _ = try Log.open(storage) }
  }

  /// Goal: what was written comes back, byte for byte, over many segments, shards and restarts.
  @Test(arguments: [UInt64](1...10)) func whatWasWrittenComesBack(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var maker = FrameMaker(seed: seed)
    var storage = MemoryStorage(seed: seed)
    var log = try Log.open(storage)
    var written: [ShardID: [EncodedFrame]] = [:]
    for step in 0..<200 {
      var group: [EncodedFrame] = []
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let shard = shards.randomElement(using: &random)!
        let frame = maker.frame(shard, records: Int.random(in: 1...12, using: &random), epoch: UInt64(step / 50) + 1)
        group.append(frame)
        written[shard, default: []].append(frame)
      }
      let durable = try log.write(group)
      for (shard, end) in durable.ends { #expect(end == maker.end(shard)) }
      if random.chance(5) {
        log.close()
        storage = storage.afterProcessEnd()
        log = try Log.open(storage)
        #expect(log.recovery.unreadable.isEmpty, "seed \(seed) step \(step)")
      }
      if random.chance(10) { try log.prepareSegment() }
    }
    for shard in shards {
      #expect(log.end(of: shard) == maker.end(shard))
      #expect(log.firstIndex(of: shard) == 1)
      #expect(try log.replayed(shard) == written[shard]!.map { try Replayed($0) }, "seed \(seed)")
      // Streaming, from any index, in pieces of any size.
      for _ in 0..<20 {
        var index = UInt64.random(in: 1...maker.end(shard).index, using: &random)
        let expected = written[shard]!.filter { $0.header.lastIndex >= index }
        var streamed: [UInt8] = []
        while true {
          let run = try log.frames(of: shard, from: index, maxBytes: Int.random(in: 1...9_000, using: &random))
          guard let last = run.headers.last else { break }
          streamed += run.bytes
          index = last.lastIndex + 1
        }
        #expect(streamed == expected.flatMap(\.bytes))
      }
      for frame in written[shard]! {
        #expect(try log.chain(of: shard, at: frame.header.lastIndex) == frame.header.chain)
        if frame.header.count > 1 { #expect(try log.chain(of: shard, at: frame.header.firstIndex) == nil) }
      }
      var epochs: [EpochStart] = []
      for frame in written[shard]! where frame.header.epoch != epochs.last?.epoch {
        epochs.append(
          EpochStart(
            epoch: frame.header.epoch, firstIndex: frame.header.firstIndex, chainBefore: frame.header.previousChain))
      }
      #expect(log.epochs(of: shard) == epochs)
    }
    #expect(log.recovery.shards.allSatisfy { $0.state == .clean })
  }

  @Test func aFrameThatDoesNotFollowIsRefused() throws {
    let log = try Log.open(MemoryStorage())
    var maker = FrameMaker(seed: 1)
    let first = maker.frame(ShardID(0))
    let second = maker.frame(ShardID(0))
    #expect(throws: JournalError.self) { try log.append([.frame(second)]) }
    try log.write([first])
    #expect(throws: JournalError.self) { try log.append([.frame(first)]) }
    try log.write([second])
    #expect(log.end(of: ShardID(0)) == maker.end(ShardID(0)))
  }

  @Test func aFailedSyncIsFinal() throws {
    let storage = MemoryStorage()
    let log = try Log.open(storage)
    var maker = FrameMaker(seed: 1)
    try log.write([maker.frame(ShardID(0))])
    storage.plan(.error, at: 1)
    try log.append([.frame(maker.frame(ShardID(0)))])
    #expect(throws: JournalError.self) { _ = try log.sync() }
    let count = storage.operationCount
    #expect(throws: JournalError.stopped) { _ = try log.sync() }
    #expect(throws: JournalError.stopped) { try log.append([.frame(maker.frame(ShardID(0)))]) }
    #expect(storage.operationCount == count, "nothing is tried again")
    // The process that starts next sees what the disk has, not what the kernel remembers.
    let restarted = try Log.open(storage.afterProcessEnd())
    #expect(restarted.end(of: ShardID(0)).index == 1)
  }

  @Test func aFullDiskIsMetBeforeAnythingIsWritten() throws {
    let storage = MemoryStorage()
    let log = try Log.open(storage)
    var maker = FrameMaker(seed: 1)
    try log.write([maker.frame(ShardID(0))])
    storage.limit(20 << 10)
    #expect(throws: JournalError.full) { try log.prepareSegment() }
    while log.bytesLeft > 2_000 { try log.write([maker.frame(ShardID(0), records: 10)]) }
    let large = maker.frame(ShardID(0), records: 60)
    #expect(throws: JournalError.full) { try log.append([.frame(large)]) }
    storage.limit(nil)
    try log.prepareSegment()
    try log.write([large])
    #expect(log.end(of: ShardID(0)) == maker.end(ShardID(0)))
    #expect(try log.replayed(ShardID(0)).last == Replayed(large))
  }

  @Test func cutsTakeBack() throws {
    let storage = MemoryStorage()
    var log = try Log.open(storage)
    var maker = FrameMaker(seed: 1)
    let (cut, other) = (ShardID(0), ShardID(1))
    var kept: [EncodedFrame] = []
    for _ in 0..<10 {
      kept.append(maker.frame(cut))
      try log.write([kept.last!, maker.frame(other)])
    }
    let end = maker.end(cut)
    for _ in 0..<10 { try log.write([maker.frame(cut), maker.frame(other)]) }
    #expect(throws: JournalError.self, "a wrong hash") {
      try log.append([.cut(shard: cut, keeping: end.index, chain: end.chain ^ 1)])
    }
    try log.cut(cut, keeping: end)
    #expect(log.end(of: cut) == end)
    maker.set(cut, end)
    // The other history begins with frames that have the same indexes.
    for _ in 0..<5 {
      kept.append(maker.frame(cut, records: 2, epoch: 2))
      try log.write([kept.last!])
    }
    for _ in 0..<2 {
      #expect(log.end(of: cut) == maker.end(cut))
      #expect(log.end(of: other).index == 20)
      #expect(try log.replayed(cut) == kept.map { try Replayed($0) })
      #expect(try log.frames(of: cut, from: 1, maxBytes: .max).bytes == kept.flatMap(\.bytes))
      #expect(try log.frames(of: cut, from: 10, maxBytes: 1).bytes == kept[9].bytes)
      #expect(try log.frames(of: cut, from: 11, maxBytes: 1).bytes == kept[10].bytes)
      #expect(log.epochs(of: cut).map(\.epoch) == [1, 2])
      #expect(log.epochs(of: cut)[1].chainBefore == end.chain)
      log.close()
      log = try Log.open(storage)
      #expect(log.recovery.shard(cut).state == .clean)
    }
    // Down to nothing.
    try log.cut(cut, keeping: LogEnd())
    #expect(log.end(of: cut) == LogEnd())
    log.close()
    log = try Log.open(storage)
    #expect(log.end(of: cut) == LogEnd() && log.recovery.shard(cut).state == .clean)
    maker.set(cut, LogEnd())
    try log.write([maker.frame(cut)])
    #expect(log.end(of: cut).index == 1)
  }
}
