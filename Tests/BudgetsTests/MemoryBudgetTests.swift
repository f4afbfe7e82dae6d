import Budgets
import Testing
import Threads

@Suite struct MemoryBudgetTests {
  static let much = 64 << 10

  @Test func itCountsWhatIsKept() {
    let budget = MemoryBudget(limit: 1_000)
    let (a, b) = (Member("a"), Member("b"))
    budget.set(a.share, byteCount: 300, isPinned: false)
    budget.set(b.share, byteCount: 400, isPinned: false)
    budget.set(a.share, byteCount: 100, isPinned: false)
    #expect(budget.counts.used == 500)
    #expect(!budget.isCrowded)
    budget.add(1)
    #expect(budget.isCrowded)
    budget.add(-1)
    #expect(budget.takePeak() == 700)
    #expect(budget.counts.peak == 500, "the peak begins anew with what is kept")
    budget.set(a.share, byteCount: 0, isPinned: false)
    budget.set(b.share, byteCount: 0, isPinned: false)
    #expect(budget.counts == counts(used: 0, peak: 500))
    #expect(a.timesTold == 0 && b.timesTold == 0)
  }

  /// Exactly the limit fits; one byte more closes the oldest, and what that kept counts no more.
  @Test func overTheLimitTheOldestGoes() {
    let budget = MemoryBudget(limit: 1_000)
    let (a, b, c) = (Member("a"), Member("b"), Member("c"))
    budget.set(a.share, byteCount: 100, isPinned: false)
    budget.set(b.share, byteCount: 500, isPinned: false)
    budget.set(c.share, byteCount: 400, isPinned: false)
    #expect(a.timesTold == 0)
    budget.set(c.share, byteCount: 401, isPinned: false)
    #expect([a, b, c].map(\.timesTold) == [1, 0, 0])
    #expect(budget.counts == counts(used: 901, peak: 1_001, closed: 1))
    // It was given up: what its connection still says does not count.
    budget.set(a.share, byteCount: 900, isPinned: false)
    #expect(budget.counts.used == 901)
    #expect(a.timesTold == 1)
  }

  /// As many go as it takes.
  @Test func oneLargeAnswerMayCostSeveral() {
    let budget = MemoryBudget(limit: 1_000)
    let small = (0..<5).map { Member("\($0)") }
    for member in small { budget.set(member.share, byteCount: 200, isPinned: false) }
    let large = Member("large")
    budget.set(large.share, byteCount: 550, isPinned: false)
    #expect(small.map(\.timesTold) == [1, 1, 1, 0, 0])
    #expect(large.timesTold == 0)
    #expect(budget.counts.used == 950)
  }

  /// Age counts from when something was kept last without a break.
  @Test func whoKeptNothingInBetweenIsYoung() {
    let budget = MemoryBudget(limit: 1_000)
    let (a, b) = (Member("a"), Member("b"))
    budget.set(a.share, byteCount: 10, isPinned: false)
    budget.set(b.share, byteCount: 10, isPinned: false)
    budget.set(a.share, byteCount: 0, isPinned: false)
    budget.set(a.share, byteCount: 10, isPinned: false)
    budget.closeOldest()
    #expect([a, b].map(\.timesTold) == [0, 1])
    budget.closeOldest()
    #expect([a, b].map(\.timesTold) == [1, 1])
    // Nobody is left.
    budget.closeOldest()
    #expect(budget.counts.closed == 2)
    #expect(budget.counts.used == 0)
  }

  @Test func whoKeepsMuchGoesFirst() {
    let budget = MemoryBudget(limit: 3 * Self.much)
    let (old, large) = (Member("old"), Member("large"))
    budget.set(old.share, byteCount: Self.much / 2, isPinned: false)
    budget.set(large.share, byteCount: 3 * Self.much, isPinned: false)
    #expect([old, large].map(\.timesTold) == [0, 1])
    #expect(budget.counts.used == Self.much / 2)
  }

  /// Those with much go first only as long as they keep half of the limit: else the flood is of small ones.
  @Test func aFloodOfLittleIsClosedItself() {
    let budget = MemoryBudget(limit: 4 * Self.much)
    let large = Member("large")
    budget.set(large.share, byteCount: Self.much, isPinned: false)
    let small = (0..<8).map { Member("\($0)") }
    for member in small { budget.set(member.share, byteCount: Self.much - 1, isPinned: false) }
    #expect(large.timesTold == 0)
    #expect(small.map(\.timesTold) == [1, 1, 1, 1, 1, 0, 0, 0])
    #expect(budget.counts.used <= budget.limit)
  }

  @Test func whatIsPinnedCountsAndStays() {
    let budget = MemoryBudget(limit: 1_000)
    let (pinned, other) = (Member("pinned"), Member("other"))
    budget.set(pinned.share, byteCount: 900, isPinned: true)
    budget.set(other.share, byteCount: 200, isPinned: false)
    #expect([pinned, other].map(\.timesTold) == [0, 1])
    // Nobody can be closed: the sum is over the limit until the pin is let go.
    budget.add(300)
    #expect(budget.counts == counts(used: 1_200, peak: 1_200, closed: 1))
    #expect(pinned.timesTold == 0)
    budget.set(pinned.share, byteCount: 900, isPinned: false)
    #expect(pinned.timesTold == 1)
    #expect(budget.counts.used == 300)
  }

  /// Bytes that are no connection's close one connection at a time.
  @Test func bytesOfNobodyCountToo() {
    let budget = MemoryBudget(limit: 1_000)
    let (a, b) = (Member("a"), Member("b"))
    budget.set(a.share, byteCount: 100, isPinned: false)
    budget.set(b.share, byteCount: 100, isPinned: false)
    budget.add(5_000)
    #expect([a, b].map(\.timesTold) == [1, 0])
    budget.add(-5_000)
    #expect(budget.counts.used == 100)
    #expect(b.timesTold == 0)
  }

  @Test func admissionReservesNothing() {
    let budget = MemoryBudget(limit: 1_000)
    budget.add(600)
    #expect(budget.admits(400))
    #expect(budget.admits(400))
    #expect(!budget.admits(401))
    #expect(!budget.admits(.max), "a sum that overflows does not fit")
    #expect(budget.counts == counts(used: 600, peak: 600, refused: 2))
    budget.add(-600)
    #expect(budget.admits(1_000))
  }

  @Test func withoutALimitToSpeakOfNothingIsKept() {
    let budget = MemoryBudget(limit: -5)
    #expect(budget.limit == 0)
    #expect(budget.admits(0))
    #expect(!budget.admits(1))
    let member = Member("a")
    budget.set(member.share, byteCount: 1, isPinned: false)
    #expect(member.timesTold == 1)
    #expect(budget.counts.used == 0)
  }

  /// A connection that went away without a word is forgotten like the others.
  @Test func aKeeperThatIsGoneIsNotTold() {
    let budget = MemoryBudget(limit: 100)
    var member: Member? = Member("a")
    let share = member!.share
    budget.set(share, byteCount: 100, isPinned: false)
    member = nil
    budget.add(1)
    #expect(budget.counts == counts(used: 1, peak: 101, closed: 1))
  }
}

/// A connection's part in a budget, which counts how often it was told to end.
final class Member: MemoryKeeper, CustomStringConvertible {
  private let state = Lock<(share: MemoryShare?, timesTold: Int)>((nil, 0))
  let description: String

  init(_ description: String) {
    self.description = description
    let share = MemoryShare(self, isOutput: false)
    state.withLock { $0.share = share }
  }

  var share: MemoryShare { state.withLock { $0.share! } }
  var timesTold: Int { state.withLock { $0.timesTold } }

  func memoryIsShort(_ share: MemoryShare) {
    state.withLock { if $0.share === share { $0.timesTold += 1 } }
  }
}

func counts(used: Int, peak: Int, closed: UInt64 = 0, refused: UInt64 = 0) -> MemoryBudget.Counts {
  var counts = MemoryBudget.Counts()
  (counts.used, counts.peak, counts.closed, counts.refused) = (used, peak, closed, refused)
  return counts
}
