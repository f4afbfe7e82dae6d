import Journal
import JournalTestKit
import Proto
import TestKit
import Testing

/// A log of some groups, and where each frame lies in its only segment.
private struct SmallLog {
  var storage = MemoryStorage()
  var path = "log/00000000000000000000.seg"
  var groups: [[EncodedFrame]] = []
  /// Where each group begins, and behind the last.
  var offsets: [Int] = [4_096]

  init(seed: UInt64, groups count: Int, shards: [ShardID] = shards) throws {
    var random = SeededRandom(seed: seed)
    var maker = FrameMaker(seed: seed)
    let log = try Log.open(storage)
    for _ in 0..<count {
      var group: [EncodedFrame] = []
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        group.append(maker.frame(shards.randomElement(using: &random)!, records: Int.random(in: 1...3, using: &random)))
      }
      try log.write(group)
      groups.append(group)
      offsets.append(offsets.last! + LogFrame.headerBytes + group.reduce(0) { $0 + $1.bytes.count })
    }
    log.close()
  }

  /// The end of a shard that only frames before `offset` give.
  func end(_ shard: ShardID, before offset: Int) -> LogEnd {
    var end = LogEnd()
    for (group, start) in zip(groups, offsets) {
      var position = start + LogFrame.headerBytes
      for frame in group {
        position += frame.bytes.count
        if frame.header.shard == shard, position <= offset { end = frame.header.end }
      }
    }
    return end
  }

  var bytes: [UInt8] { storage.content(path)! }

  func isLast(_ group: Int) -> Bool { group == groups.count - 1 }
}

@Suite struct DamageTests {
  /// Goal: a log that lost its end says so, for every place where it can end, and gives all that is left.
  @Test func everyTruncation() throws {
    let small = try SmallLog(seed: 11, groups: 6)
    let last = small.offsets.last!
    for length in 4_096...last {
      let storage = small.storage.copy()
      storage.change(small.path) { $0.removeLast($0.count - length) }
      let log = try Log.open(storage)
      for shard in shards {
        let found = log.recovery.shard(shard)
        #expect(found.end == small.end(shard, before: length), "cut to \(length)")
        #expect(found.state == .suspectByTear, "cut to \(length)")
      }
      log.close()
    }
    // Not even the header is left: it was durable before the segment had its name.
    for length in [0, 1, 30, 59] {
      let storage = small.storage.copy()
      storage.change(small.path) { $0.removeLast($0.count - length) }
      let log = try Log.open(storage)
      #expect(log.recovery.shard(ShardID(0)).state == .suspectByDamage(.stretch))
      log.close()
    }
  }

  /// The same with zeros behind the cut, as in a segment that was zeroed ahead: a tear anywhere but between two groups.
  @Test func everyLengthOfTheLastGroup() throws {
    let small = try SmallLog(seed: 12, groups: 5)
    let lastStart = small.offsets[small.offsets.count - 2]
    let bytes = small.bytes
    for length in lastStart..<small.offsets.last! {
      let storage = small.storage.copy()
      storage.change(small.path) { bytes in
        for offset in length..<bytes.count { bytes[offset] = 0 }
      }
      let log = try Log.open(storage)
      // What ends with zeros anyway has lost nothing.
      let kept: Int = bytes[length...].firstIndex { $0 != 0 } ?? small.offsets.last!
      let isWhole = small.offsets.contains(kept)
      for shard in shards {
        let found = log.recovery.shard(shard)
        #expect(found.end == small.end(shard, before: kept), "zeros from \(length)")
        #expect(found.state == (isWhole ? .clean : .suspectByTear), "zeros from \(length)")
      }
      log.close()
    }
  }

  /// Goal: a flipped bit is damage if a later group began, else a tear; a shard that chains across it goes on, every
  /// other is suspect, and nothing is ever given that was not written.
  @Test(arguments: [UInt64](1...300)) func aFlippedBit(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let small = try SmallLog(seed: seed, groups: 8)
    let storage = small.storage.copy()
    let offset = Int.random(in: 4_096..<small.offsets.last!, using: &random)
    storage.flipBit(small.path, offset: offset, bit: Int.random(in: 0..<8, using: &random))
    let group = small.offsets.lastIndex { $0 <= offset }!
    let log = try Log.open(storage)
    let recovery = log.recovery
    guard !recovery.unreadable.isEmpty else {
      // A flip that LZ4 does not care for.
      for shard in shards { #expect(log.end(of: shard) == small.end(shard, before: .max)) }
      return
    }
    // Without its batch frame it is not known how long the last group was.
    let isLengthLost = small.isLast(group) && offset < small.offsets[group] + LogFrame.headerBytes
    #expect(recovery.unreadable.count == (isLengthLost ? 2 : 1), "seed \(seed)")
    #expect(recovery.unreadable[0].kind == (small.isLast(group) ? .tear : .damage), "seed \(seed)")

    // Which frame it hit, and what each shard has before and behind.
    var position = 0
    var lost: EncodedFrame?
    var behind: Set<ShardID> = []
    for (frames, start) in zip(small.groups, small.offsets) {
      position = start + LogFrame.headerBytes
      for frame in frames {
        if (position..<(position + frame.bytes.count)).contains(offset) { lost = frame }
        if position > offset { behind.insert(frame.header.shard) }
        position += frame.bytes.count
      }
    }
    for shard in shards {
      let found = recovery.shard(shard)
      let isTorn = small.isLast(group)
      if let lost, lost.header.shard == shard {
        #expect(found.end.index == lost.header.firstIndex - 1, "seed \(seed)")
        // With its very first frame lost, the shard's beginning is what is missing.
        let reason: ShardRecovery.Reason =
          !behind.contains(shard) ? .stretch : found.end.index > 0 ? .gap : .unreachable(index: lost.header.lastIndex)
        #expect(found.state == (isTorn ? .suspectByTear : .suspectByDamage(reason)), "seed \(seed)")
      } else {
        #expect(found.end == small.end(shard, before: .max), "seed \(seed)")
        let suspect: ShardRecovery.State = isTorn ? .suspectByTear : .suspectByDamage(.stretch)
        #expect(found.state == (behind.contains(shard) && !isLengthLost ? .clean : suspect), "seed \(seed)")
      }
      var expected: [Replayed] = []
      for frame in small.groups.joined() where frame.header.shard == shard && frame.header.lastIndex <= found.end.index
      {
        expected.append(try Replayed(frame))
      }
      #expect(try log.replayed(shard) == expected, "seed \(seed)")
    }
    log.close()

    // Found again, the same is said; nothing was overwritten.
    let again = try Log.open(storage)
    for shard in shards {
      #expect(again.recovery.shard(shard).state == recovery.shard(shard).state, "seed \(seed)")
      #expect(again.recovery.shard(shard).end == recovery.shard(shard).end)
    }
    // A marker, or frames that chain across, end the suspicion; the torn stretch stays where it is.
    let bytes = storage.content(small.path)!
    var maker = FrameMaker(seed: seed)
    for (place, shard) in shards.enumerated() {
      let end = again.end(of: shard)
      maker.set(shard, end)
      if again.recovery.shard(shard).state == .clean { continue }
      let state = again.recovery.shard(shard).state
      let isGap = state != .suspectByDamage(.stretch) && state != .suspectByTear
      if place % 2 == 0 || isGap { try again.cut(shard, keeping: end) } else { try again.write([maker.frame(shard)]) }
    }
    let ends = shards.map { again.end(of: $0) }
    again.close()
    if small.isLast(group) { #expect(storage.content(small.path)! == bytes, "nothing is overwritten") }
    let last = try Log.open(storage)
    for (shard, end) in zip(shards, ends) {
      #expect(last.end(of: shard) == end)
      #expect(last.recovery.shard(shard).state == .clean, "seed \(seed)")
    }
  }

  /// Bits at rest in an older segment, whose zeros nobody needs any more, say nothing.
  @Test func aSegmentThatIsGoneIsDamage() throws {
    let storage = MemoryStorage()
    let log = try Log.open(storage)
    var maker = FrameMaker(seed: 5)
    while log.size.segments < 4 { try log.write([maker.frame(ShardID(0), records: 20), maker.frame(ShardID(1))]) }
    log.close()
    let paths = storage.paths.filter { $0.hasSuffix(".seg") }
    storage.lose(paths[1])
    let again = try Log.open(storage)
    #expect(again.recovery.shard(ShardID(0)).state == .suspectByDamage(.gap))
    #expect(again.recovery.shard(ShardID(2)).state == .suspectByDamage(.stretch))
    #expect(!again.recovery.unreadable.isEmpty && again.recovery.unreadable.allSatisfy { $0.kind == .damage })
  }

  /// An unknown beginning is damage too: without a snapshot the state is not known.
  @Test func aLogWithoutItsBeginningNeedsASnapshot() throws {
    let storage = MemoryStorage()
    let log = try Log.open(storage)
    var maker = FrameMaker(seed: 6)
    while log.size.segments < 3 { try log.write([maker.frame(ShardID(0), records: 20)]) }
    let first = try log.frames(of: ShardID(0), from: 1, maxBytes: 1).headers[0]
    log.close()
    storage.lose(storage.paths.first { $0.hasSuffix(".seg") }!)
    let again = try Log.open(storage)
    guard case .suspectByDamage(.unreachable(let index)) = again.recovery.shard(ShardID(0)).state else {
      Issue.record("\(again.recovery.shard(ShardID(0)).state)")
      return
    }
    #expect(index > first.lastIndex)
    #expect(again.end(of: ShardID(0)) == LogEnd())
  }
}
