import Budgets
import Glibc
import Seeded
import Testing
import Threads

@Suite struct BudgetModelTests {
  /// What the budget should say, from a plain list that is searched each time.
  struct Model {
    struct Entry {
      var member: Int
      var byteCount: Int
      /// Pinned ones are never closed.
      var isPinned: Bool
      /// When it began to keep something as one of its size, without a break.
      var since: Int
    }

    let limit: Int
    var entries: [Entry] = []
    var ofNobody = 0
    var ended: Set<Int> = []
    var time = 0
    var used: Int { ofNobody + entries.reduce(0) { $0 + $1.byteCount } }

    static func isLarge(_ byteCount: Int) -> Bool { byteCount >= 64 << 10 }

    /// Also the word of one that was ended makes room, if there is too much.
    mutating func set(_ member: Int, _ byteCount: Int, isPinned: Bool) {
      if !ended.contains(member) { change(member, byteCount, isPinned: isPinned) }
      while used > limit, closeOldest() {}
    }

    private mutating func change(_ member: Int, _ byteCount: Int, isPinned: Bool) {
      time += 1
      let before = entries.first { $0.member == member }
      entries.removeAll { $0.member == member }
      var entry = Entry(member: member, byteCount: byteCount, isPinned: isPinned, since: time)
      if let before, !before.isPinned, before.byteCount > 0, Self.isLarge(before.byteCount) == Self.isLarge(byteCount) {
        entry.since = before.since
      }
      entries.append(entry)
    }

    mutating func add(_ byteCount: Int) {
      ofNobody += byteCount
      if used > limit { _ = closeOldest() }
    }

    mutating func closeOldest() -> Bool {
      let candidates = entries.filter { !$0.isPinned && $0.byteCount > 0 }.sorted { $0.since < $1.since }
      let large = candidates.filter { Self.isLarge($0.byteCount) }
      let small = candidates.filter { !Self.isLarge($0.byteCount) }
      let largeFirst = large.reduce(0) { $0 + $1.byteCount } * 2 > limit || small.isEmpty
      guard let victim = (largeFirst ? large.first : nil) ?? small.first else { return false }
      ended.insert(victim.member)
      entries.removeAll { $0.member == victim.member }
      return true
    }
  }

  /// Goal: the budget closes exactly those that its rule names, and its sum is right, after every step.
  /// Method: random steps from a seed, compared with the model.
  @Test(arguments: [UInt64](1...20)) func theBudgetIsItsModel(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let limit = Int.random(in: 1...8, using: &random) * (64 << 10)
    let budget = MemoryBudget(limit: limit)
    var model = Model(limit: limit)
    let members = (0..<140).map { Member("\($0)") }
    var endedCount = 0
    for step in 0..<1_500 {
      // Members are used up in the course of the steps, so the window moves on.
      let member = min(members.count - 1, step / 12 + Int.random(in: 0..<20, using: &random))
      switch Int.random(in: 0..<20, using: &random) {
      case 0:
        budget.closeOldest()
        _ = model.closeOldest()
      case 1:
        let byteCount = Int.random(in: -model.ofNobody...(32 << 10), using: &random)
        budget.add(byteCount)
        model.add(byteCount)
      default:
        let sizes = [0, 1, 5_000, (64 << 10) - 1, 64 << 10, 100_000]
        let byteCount = sizes.randomElement(using: &random)!
        let isPinned = random.chance(10)
        budget.set(members[member].share, byteCount: byteCount, isPinned: isPinned)
        model.set(member, byteCount, isPinned: isPinned)
      }
      let counts = budget.counts
      // Whom it was is looked at when there is a new one.
      if counts.used == model.used, counts.closed == endedCount, model.ended.count == endedCount { continue }
      endedCount = model.ended.count
      let ended = Set(members.indices.filter { members[$0].timesTold > 0 })
      guard counts.used == model.used, ended == model.ended else {
        let difference = ended.symmetricDifference(model.ended).sorted()
        Issue.record("seed \(seed), step \(step): \(counts.used) for \(model.used) bytes, ended \(difference)")
        return
      }
    }
    #expect(members.allSatisfy { $0.timesTold <= 1 }, "seed \(seed)")
    #expect(budget.counts.closed == UInt64(model.ended.count), "seed \(seed)")
  }

  /// Threads with connections of their own: the sum is right when all have let go, and who was closed was told once.
  @Test(arguments: [UInt64](1...4)) func manyThreadsShareABudget(seed: UInt64) {
    let budget = MemoryBudget(limit: 200_000)
    let members = (0..<4).map { thread in (0..<60).map { Member("\(thread).\($0)") } }
    let threads = members.indices.map { place in
      Thread.needed(name: "keeper-\(place)") {
        var random = SeededRandom(seed: seed &* 17 &+ UInt64(place))
        for step in 0..<3_000 {
          let member = members[place][step / 50]
          budget.set(
            member.share, byteCount: Int.random(in: 0...70_000, using: &random), isPinned: random.chance(5))
          if random.chance(10) { budget.add(100) }
          if random.chance(10) { sched_yield() }
        }
      }
    }
    for thread in threads { thread.join() }
    let all = members.flatMap { $0 }
    let told = all.map(\.timesTold)
    #expect(told.allSatisfy { $0 <= 1 }, "seed \(seed)")
    #expect(budget.counts.closed == UInt64(told.reduce(0, +)), "seed \(seed)")
    #expect(budget.counts.closed > 0, "seed \(seed): nothing was closed")
    for member in all { budget.set(member.share, byteCount: 0, isPinned: false) }
    let ofNobody = budget.counts.used
    #expect(ofNobody > 0 && ofNobody.isMultiple(of: 100), "seed \(seed): \(ofNobody) bytes are left")
    budget.add(-ofNobody)
    #expect(budget.counts.used == 0, "seed \(seed)")
  }
}
