import Journal
import JournalTestKit
import Octets
import Proto
import TestKit
import Testing

@Suite struct SnapshotTests {
  private let shard = ShardID(7)

  /// A log with a snapshot each `every` frames. Returns the snapshots, oldest first.
  private func fill(
    _ log: Log, _ maker: inout FrameMaker, frames: Int, every: Int
  ) throws -> [SnapshotHeader] {
    var taken: [SnapshotHeader] = []
    for place in 1...frames {
      try log.write([maker.frame(shard, records: 3), maker.frame(ShardID(1))])
      if place % every == 0 { taken.append(try takeSnapshot(log, SnapshotHeader(shard, maker.end(shard)))) }
    }
    return taken
  }

  @Test(arguments: [0, 1, 100, 65_536]) func chunksComeBack(bytes: Int) throws {
    let storage = MemoryStorage()
    let log = try Log.open(storage)
    var maker = FrameMaker(seed: 1)
    try log.write([maker.frame(shard)])
    var random = SeededRandom(seed: UInt64(bytes))
    let chunks = (0..<40).map { _ in (0..<bytes).map { _ in UInt8.random(in: 0...3, using: &random) } }
    let writer = try log.writeSnapshot(SnapshotHeader(shard, maker.end(shard)))
    for chunk in chunks { try writer.add(chunk) }
    try writer.seal()
    #expect(log.snapshots(of: shard).isEmpty, "it has no name yet")
    try writer.publish()
    #expect(log.snapshots(of: shard) == [writer.header])
    #expect(storage.paths.contains("snapshots/shard-007-1.snap"))
    let reader = try log.readSnapshot(writer.header)
    #expect(reader.header == writer.header)
    for chunk in chunks where !chunk.isEmpty { #expect(try reader.nextChunk() == chunk) }
    #expect(try reader.nextChunk() == nil)
    #expect(try reader.nextChunk() == nil)
  }

  /// Every truncation, and every flipped bit of it, is seen.
  @Test func aSnapshotThatChangedIsNotBelieved() throws {
    let storage = MemoryStorage()
    let log = try Log.open(storage)
    var maker = FrameMaker(seed: 1)
    let header = try fill(log, &maker, frames: 4, every: 4)[0]
    let path = "snapshots/shard-007-12.snap"
    let bytes = storage.content(path)!
    func isRead() -> Bool {
      guard let reader = try? log.readSnapshot(header), reader.header == header else { return false }
      do {
        var chunks: [[UInt8]] = []
        while let chunk = try reader.nextChunk() { chunks.append(chunk) }
        #expect(
          chunks == [Array("state at 12".utf8)], "what passes is what was written: LZ4 has bits that mean nothing")
        return true
      } catch {
        return false
      }
    }
    var ignored = 0
    #expect(isRead())
    for count in 0..<bytes.count {
      storage.change(path) { $0 = Array(bytes.prefix(count)) }
      #expect(!isRead(), "\(count) bytes")
    }
    for bit in 0..<(bytes.count * 8) {
      storage.change(path) { $0 = bytes }
      storage.flipBit(path, offset: bit / 8, bit: bit % 8)
      if isRead() { ignored += 1 }
    }
    #expect(ignored <= 4)
    storage.change(path) { $0 = bytes + [0] }
    #expect(!isRead(), "something follows")
  }

  @Test func theOneBeforeIsKept() throws {
    let storage = MemoryStorage()
    let log = try Log.open(storage)
    var maker = FrameMaker(seed: 2)
    let taken = try fill(log, &maker, frames: 40, every: 10)
    #expect(log.snapshots(of: shard) == [taken[3], taken[2]])
    #expect(storage.paths.filter { $0.hasSuffix(".snap") }.count == 2)
    log.close()
    // With the newest unreadable, the one before and the log give the same end.
    storage.flipBit("snapshots/shard-007-120.snap", offset: 90, bit: 3)
    let again = try Log.open(storage)
    let found = again.recovery.shard(shard)
    #expect(found.snapshot == taken[2] && found.state == .clean && found.end == maker.end(shard))
    #expect(try again.replayed(shard, after: taken[2].end).count == 10)
  }

  @Test func segmentsGoFromTheOldestEndWhenNobodyNeedsThem() throws {
    let storage = MemoryStorage()
    var log = try Log.open(storage)
    var maker = FrameMaker(seed: 3)
    _ = try fill(log, &maker, frames: 200, every: 20)
    #expect(log.pinningShard == ShardID(1), "it has no snapshot")
    #expect(try log.removeSegments() == 0)
    for _ in 0..<2 {
      try takeSnapshot(log, SnapshotHeader(ShardID(1), maker.end(ShardID(1))))
      try log.write([maker.frame(ShardID(1))])
    }
    #expect(log.pinningShard != ShardID(1))
    // A follower that is far behind keeps its frames.
    let behind = log.firstIndex(of: ShardID(1)) + 3
    log.keep(ShardID(1), from: behind)
    #expect(try log.removeSegments() == 0 && log.pinningShard == ShardID(1))
    log.keep(ShardID(1), from: nil)
    let before = log.size.segments
    let removed = try log.removeSegments()
    #expect(removed > 0 && log.size.segments == before - removed)
    #expect(throws: JournalError.notAvailable(shard: shard, firstIndex: log.firstIndex(of: shard))) {
      _ = try log.frames(of: shard, from: 1, maxBytes: 1)
    }
    let oldest = log.firstIndex(of: shard)
    #expect(try log.frames(of: shard, from: oldest, maxBytes: 1).headers[0].firstIndex == oldest)
    for _ in 0..<2 {
      for header in log.snapshots(of: shard) {
        #expect(try log.replayed(shard, after: header.end).last?.header.end ?? header.end == maker.end(shard))
      }
      #expect(log.epochs(of: shard) == [EpochStart(epoch: 1, firstIndex: 1, chainBefore: 0)])
      log.close()
      log = try Log.open(storage)
      #expect(log.recovery.shards.allSatisfy { $0.state == .clean })
      #expect(log.firstIndex(of: shard) == oldest)
      #expect(log.end(of: shard) == maker.end(shard))
    }
  }

  /// A shard on which nothing happens must not keep the whole log.
  @Test func anIdleShardLetsSegmentsGoWhenItsSnapshotIsRewritten() throws {
    let storage = MemoryStorage()
    var log = try Log.open(storage)
    var maker = FrameMaker(seed: 3)
    try log.write([maker.frame(ShardID(1), records: 5)])
    _ = try fill(log, &maker, frames: 200, every: 20)
    let idle = ShardID(2)
    try log.write([maker.frame(idle)])
    for _ in 0..<2 {
      try takeSnapshot(log, SnapshotHeader(ShardID(1), maker.end(ShardID(1))))
      try takeSnapshot(log, SnapshotHeader(idle, maker.end(idle)))
      for _ in 0..<150 { try log.write([maker.frame(shard, records: 3), maker.frame(ShardID(1))]) }
      try takeSnapshot(log, SnapshotHeader(shard, maker.end(shard)))
      try takeSnapshot(log, SnapshotHeader(ShardID(1), maker.end(ShardID(1))))
    }
    _ = try log.removeSegments()
    let position = log.size.bytes
    try takeSnapshot(log, SnapshotHeader(idle, maker.end(idle)))
    #expect(log.pinningShard != idle && log.snapshots(of: idle).count == 1)
    _ = try log.removeSegments()
    #expect(log.size.bytes <= position)
    try log.write([maker.frame(idle)])
    log.close()
    log = try Log.open(storage)
    #expect(log.recovery.shards.allSatisfy { $0.state == .clean })
    #expect(log.end(of: idle) == maker.end(idle))
    #expect(try log.replayed(idle, after: log.snapshots(of: idle)[0].end).count == 1)
  }

  @Test func aLostRenameLosesNothing() throws {
    for seed in 0..<20 {
      let storage = MemoryStorage(seed: UInt64(seed))
      let log = try Log.open(storage)
      var maker = FrameMaker(seed: 4)
      let taken = try fill(log, &maker, frames: 30, every: 10)
      try log.write([maker.frame(shard)])
      let writer = try log.writeSnapshot(SnapshotHeader(shard, maker.end(shard)))
      try writer.add([1])
      try writer.seal()
      // The rename, then the directory's sync.
      storage.plan(.crash, at: seed % 2)
      #expect(throws: JournalError.self) { try writer.publish() }
      let again = try Log.open(storage.afterPowerLoss(seed: UInt64(seed)))
      let found = again.recovery.shard(shard)
      #expect(found.state == .clean && found.end == maker.end(shard))
      #expect(found.snapshot?.end == taken[2].end || found.snapshot?.end == maker.end(shard))
    }
  }

  /// A snapshot's name says how far the replica once was: short of that, something is lost.
  @Test func anIndexThatCannotBeReachedIsDamage() throws {
    let storage = MemoryStorage()
    let log = try Log.open(storage)
    var maker = FrameMaker(seed: 5)
    _ = try fill(log, &maker, frames: 20, every: 20)
    log.close()
    // Log and snapshot are damaged both: the log's end is zeros, as if it had never been written.
    let segments = storage.paths.filter { $0.hasSuffix(".seg") }
    for path in segments.dropFirst() { storage.lose(path) }
    storage.change(segments[0]) { bytes in
      for offset in 6_000..<bytes.count { bytes[offset] = 0 }
    }
    storage.flipBit("snapshots/shard-007-60.snap", offset: 20, bit: 1)
    let again = try Log.open(storage)
    #expect(again.recovery.shard(shard).state == .suspectByDamage(.unreachable(index: 60)))
    again.close()
    // With the snapshot whole, its state is there, and it shows that the other shard's log was longer.
    storage.flipBit("snapshots/shard-007-60.snap", offset: 20, bit: 1)
    let third = try Log.open(storage)
    #expect(third.end(of: shard).index == 60)
    #expect(third.recovery.shard(ShardID(1)).state == .suspectByDamage(.stretch))
  }

  @Test func aCutVoidsSnapshotsAboveIt() throws {
    let storage = MemoryStorage()
    var log = try Log.open(storage)
    var maker = FrameMaker(seed: 6)
    let taken = try fill(log, &maker, frames: 20, every: 10)
    #expect(log.snapshots(of: shard).map(\.end.index) == [60, 30])
    let kept = try #require(try log.end(of: shard, at: 45))
    try log.cut(shard, keeping: kept)
    #expect(log.snapshots(of: shard) == [taken[0]])
    #expect(storage.paths.filter { $0.hasSuffix(".snap") } == ["snapshots/shard-007-30.snap"])
    maker.set(shard, kept)
    for _ in 0..<10 { try log.write([maker.frame(shard, epoch: 2)]) }
    log.close()
    log = try Log.open(storage)
    let found = log.recovery.shard(shard)
    #expect(found.state == .clean && found.snapshot == taken[0] && found.end == maker.end(shard))
    #expect(try log.replayed(shard, after: taken[0].end).count == 15)
  }

  /// The file may still be there: the machine stopped between the marker and the removal.
  @Test func aVoidSnapshotIsNotUsedThoughItsFileIsThere() throws {
    let storage = MemoryStorage()
    let log = try Log.open(storage)
    var maker = FrameMaker(seed: 7)
    _ = try fill(log, &maker, frames: 20, every: 10)
    let file = storage.content("snapshots/shard-007-60.snap")!
    let kept = try #require(try log.end(of: shard, at: 45))
    try log.cut(shard, keeping: kept)
    log.close()
    let made = try storage.create("snapshots/shard-007-60.snap")
    try made.write(file.rawSpan, at: 0)
    let again = try Log.open(storage)
    #expect(again.recovery.shard(shard).state == .clean)
    #expect(again.recovery.shard(shard).end == kept)
    #expect(again.snapshots(of: shard).map(\.end.index) == [30])
  }

  @Test func aSnapshotOfWhatWasCutIsNotPublished() throws {
    let storage = MemoryStorage()
    let log = try Log.open(storage)
    var maker = FrameMaker(seed: 8)
    _ = try fill(log, &maker, frames: 5, every: 10)
    let early = try log.writeSnapshot(SnapshotHeader(shard, maker.end(shard)))
    try early.seal()
    let late = try log.writeSnapshot(SnapshotHeader(shard, maker.end(shard)))
    let kept = try #require(try log.end(of: shard, at: 9))
    try log.cut(shard, keeping: kept)
    #expect(throws: JournalError.voided(shard: shard, index: 15)) { try early.publish() }
    #expect(throws: JournalError.voided(shard: shard, index: 15)) { try late.seal() }
    #expect(log.snapshots(of: shard).isEmpty)
  }

  @Test func aRebuiltReplicaStartsFromItsPeersSnapshot() throws {
    let storage = MemoryStorage()
    var log = try Log.open(storage)
    var maker = FrameMaker(seed: 9)
    _ = try fill(log, &maker, frames: 20, every: 10)
    // The peer stands at 1000, on a history of its own.
    let end = LogEnd(index: 1_000, epoch: 5, chain: 0xABCD, stamp: 77)
    var header = SnapshotHeader(shard, end, isFromPeer: true)
    header.epochs.append(EpochStart(epoch: 5, firstIndex: 900, chainBefore: 3))
    let writer = try log.writeSnapshot(header)
    try writer.add(Array("theirs".utf8))
    try writer.seal()
    try log.append([.rebuilt(writer.header)])
    let durable = try log.sync()
    #expect(durable.markers.first?.kind == .rebuilt)
    // Stopped here, the replica has neither the old history nor the new one.
    let halfway = try Log.open(storage.copy())
    #expect(halfway.recovery.shard(shard).state == .suspectByDamage(.unreachable(index: 1_000)))
    try writer.publish()
    maker.set(shard, end)
    try log.write([maker.frame(shard, epoch: 5)])
    try log.write([maker.frame(shard, epoch: 6)])
    for _ in 0..<2 {
      #expect(log.end(of: shard) == maker.end(shard))
      #expect(log.snapshots(of: shard) == [writer.header])
      #expect(log.epochs(of: shard).map(\.epoch) == [1, 5, 6])
      #expect(log.firstIndex(of: shard) == 1_001)
      #expect(try log.chain(of: shard, at: 1_000) == 0xABCD)
      #expect(try log.replayed(shard, after: end).count == 2)
      log.close()
      log = try Log.open(storage)
      #expect(log.recovery.shard(shard).state == .clean)
      #expect(log.recovery.shard(shard).snapshot == writer.header)
    }
  }
}
