import Budgets
import Testing
import Threads

@Suite struct SharedBytesTests {
  /// Nobody else has them: the same object changes.
  @Test func alonePatchedInPlace() {
    var shared = SharedBytes([1, 2, 3])
    let before = ObjectIdentifier(shared)
    let budget = MemoryBudget(limit: 1_000)
    SharedBytes.withUniqueBytes(of: &shared, retireTo: budget) { $0[0] = 9 }
    #expect(ObjectIdentifier(shared) == before)
    #expect(shared.bytes == [9, 2, 3])
    #expect(budget.counts.used == 0)
  }

  /// Who still sends the old bytes sends them unchanged; they count until the last of these lets go.
  @Test func whoSendsKeepsTheOldBytes() {
    let budget = MemoryBudget(limit: 1_000)
    var shared = SharedBytes([1, 2, 3])
    var senders = [shared, shared]
    SharedBytes.withUniqueBytes(of: &shared, retireTo: budget) { $0[0] = 9 }
    #expect(shared.bytes == [9, 2, 3])
    #expect(senders.allSatisfy { $0.bytes == [1, 2, 3] && $0 !== shared })
    #expect(budget.counts.used == 3)
    senders.removeLast()
    #expect(budget.counts.used == 3)
    senders.removeLast()
    #expect(budget.counts.used == 0)
  }

  @Test func theyRetireOnce() {
    let (first, second) = (MemoryBudget(limit: 1_000), MemoryBudget(limit: 1_000))
    var shared: SharedBytes? = SharedBytes([UInt8](repeating: 0, count: 100))
    shared?.retire(to: first)
    shared?.retire(to: second)
    shared?.retire(to: first)
    #expect(first.counts.used == 100)
    #expect(second.counts.used == 0)
    shared = nil
    #expect(first.counts.used == 0)
    #expect(second.counts.used == 0)
  }

  /// The last to let go may be on any thread: the budget ends where it began.
  @Test func manyThreadsLetGo() {
    let budget = MemoryBudget(limit: 1_000_000)
    for round in 0..<50 {
      let queues = Lock<[[SharedBytes]]>([])
      do {
        let pieces = (0..<20).map { SharedBytes([UInt8](repeating: UInt8($0), count: 100)) }
        queues.withLock { $0 = [pieces, pieces, pieces] }
        for piece in pieces { piece.retire(to: budget) }
        #expect(budget.counts.used == 2_000, "round \(round)")
      }
      let threads = (0..<3).map { _ in
        Thread.needed(name: "sender") {
          var mine = queues.withLock { $0.popLast() ?? [] }
          while let piece = mine.popLast() { withExtendedLifetime(piece) {} }
        }
      }
      for thread in threads { thread.join() }
      #expect(budget.counts.used == 0, "round \(round)")
    }
  }
}
