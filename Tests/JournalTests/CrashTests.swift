import Journal
import JournalTestKit
import Proto
import TestKit
import Testing

/// What was done to a log, and what it may therefore have after a crash.
private struct Model {
  var maker: FrameMaker
  /// What was synced, by shard.
  var synced: [ShardID: [EncodedFrame]] = [:]
  /// What the operation under way may also leave: other histories, the longest last.
  var possible: [ShardID: [[EncodedFrame]]] = [:]

  func histories(_ shard: ShardID) -> [[EncodedFrame]] { [synced[shard] ?? []] + (possible[shard] ?? []) }

  mutating func settle() {
    for (shard, histories) in possible { synced[shard] = histories.last! }
    possible = [:]
  }
}

/// Groups, cuts, snapshots, new segments and removals, from a seed, until something fails.
private func work(on log: Log, _ model: inout Model, _ random: inout SeededRandom, steps: Int) throws {
  for _ in 0..<steps {
    let shard = shards.randomElement(using: &random)!
    switch Int.random(in: 0..<20, using: &random) {
    case 0:
      try log.prepareSegment()
    case 1, 2:
      let end = log.end(of: shard)
      guard end.index > log.snapshots(of: shard).first?.end.index ?? 0 else { continue }
      try takeSnapshot(log, SnapshotHeader(shard, end))
    case 3:
      _ = try log.removeSegments()
    case 4:
      // Cut off up to three frames, but nothing that a snapshot alone has.
      let frames = model.synced[shard] ?? []
      let kept = Array(frames.dropLast(Int.random(in: 0...3, using: &random)))
      let end = kept.last?.header.end ?? LogEnd()
      guard end.index + 1 >= log.firstIndex(of: shard), end.index > 0 else { continue }
      model.possible[shard] = [kept]
      try log.append([.cut(shard: shard, keeping: end.index, chain: end.chain)])
      _ = try log.sync()
      model.maker.set(shard, end)
      model.settle()
    default:
      var group: [EncodedFrame] = []
      for _ in 0..<Int.random(in: 1...5, using: &random) {
        let shard = shards.randomElement(using: &random)!
        let frame = model.maker.frame(shard, records: Int.random(in: 1...10, using: &random))
        group.append(frame)
        model.possible[shard, default: []].append((model.histories(shard).last ?? []) + [frame])
      }
      try log.write(group)
      model.settle()
    }
  }
}

/// The log has what was synced and nothing that was never written; nothing that a crash can do is taken for damage.
private func check(_ log: Log, _ model: Model, _ place: String) throws -> [ShardID: [EncodedFrame]] {
  var recovered: [ShardID: [EncodedFrame]] = [:]
  #expect(log.recovery.unreadable.allSatisfy { $0.kind == .tear }, "\(place)")
  for shard in shards {
    let found = log.recovery.shard(shard)
    let histories = model.histories(shard)
    guard let history = histories.last(where: { ($0.last?.header.end ?? LogEnd()) == found.end }) else {
      Issue.record(
        "\(place): shard \(shard.rawValue) ends at \(found.end), may only at \(histories.map { $0.last?.header.end })")
      continue
    }
    #expect(found.end == log.end(of: shard))
    switch found.state {
    case .clean: break
    case .suspectByTear: #expect(!log.recovery.unreadable.isEmpty)
    case .suspectByDamage(let reason): Issue.record("\(place): shard \(shard.rawValue) damaged: \(reason)")
    }
    // A shard that may have lost something must be suspected.
    if found.state == .clean {
      #expect(history.count >= (model.synced[shard] ?? []).count || model.possible[shard] != nil, "\(place)")
    }
    var start = LogEnd()
    if let snapshot = found.snapshot {
      start = snapshot.end
      let reader = try log.readSnapshot(snapshot)
      #expect(try reader.nextChunk() == Array("state at \(start.index)".utf8))
      #expect(try reader.nextChunk() == nil)
      #expect(history.contains { $0.header.end == start }, "\(place): a snapshot of something else")
    }
    let expected = try history.filter { $0.header.firstIndex > start.index }.map { try Replayed($0) }
    #expect(try log.replayed(shard, after: start) == expected, "\(place)")
    recovered[shard] = history
  }
  return recovered
}

@Suite struct CrashTests {
  /// Goal: whatever operation a crash strikes, what was synced is there afterwards, nothing else is, and the log goes
  /// on. Method: the same seeded work with a crash at each of its operations, and then at one of those of the recovery.
  @Test(arguments: [UInt64](1...6)) func crashAtEveryOperation(seed: UInt64) throws {
    var operations = 0
    var place = 0
    repeat {
      let storage = MemoryStorage(seed: seed &* 1_000 &+ UInt64(place))
      storage.plan(.crash, at: place)
      var model = Model(maker: FrameMaker(seed: seed))
      var random = SeededRandom(seed: seed)
      let name = "seed \(seed), operation \(place)"
      do {
        let log = try Log.open(storage)
        try work(on: log, &model, &random, steps: 60)
        operations = storage.operationCount
        log.close()
      } catch {}
      try recover(storage, model, seed: seed ^ UInt64(place), name)
      place += 1
    } while operations == 0 || place <= operations
    #expect(operations > 100, "the work is too little to mean anything")
  }

  private func recover(_ storage: MemoryStorage, _ model: Model, seed: UInt64, _ name: String) throws {
    var random = SeededRandom(seed: seed)
    var (model, name) = (model, name)
    var disk = random.chance(20) ? storage.afterProcessEnd() : storage.afterPowerLoss(seed: random.next())
    // The machine may stop again while it recovers, or soon after.
    for round in 0..<3 {
      if round < 2 { disk.plan(.crash, at: Int.random(in: 0..<60, using: &random)) }
      do {
        let log = try Log.open(disk)
        let recovered = try check(log, model, name)
        // What was recovered is the truth from here on; a suspect shard is cut, which says so in the log.
        for shard in shards {
          let end = log.end(of: shard)
          // Until the marker is durable, the old end and what may have followed it are all still possible.
          if log.recovery.shard(shard).state != .clean { try log.cut(shard, keeping: end) }
        }
        model.synced = recovered
        model.possible = [:]
        for shard in shards { model.maker.set(shard, log.end(of: shard)) }
        try work(on: log, &model, &random, steps: 20)
        log.close()
        let again = try Log.open(disk)
        _ = try check(again, model, name + ", again")
        for shard in shards { #expect(again.recovery.shard(shard).state == .clean, "\(name): cut, or went on") }
        again.close()
        return
      } catch let error as JournalError {
        guard round < 2 else { throw error }
        name += ", stopped again in round \(round)"
        disk = disk.afterPowerLoss(seed: random.next())
      }
    }
  }
}
