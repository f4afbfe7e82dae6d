import Testing
import Threads

@Suite struct LockTests {
  private struct Refused: Error {}

  private struct Account: ~Copyable {
    var balance = 0
    /// Not the balance for a moment, while the lock is held: whoever saw that would have been let in too early.
    var copy = 0
  }

  /// A lock that lets two threads in loses steps, or shows one the other's half step.
  @Test func oneThreadAtATime() {
    let (threadCount, stepCount) = (4, 20_000)
    let account = Lock(Account())
    let halfSteps = Lock(0)
    let threads = (0..<threadCount).map { _ in
      Thread.needed(name: "adder") {
        for _ in 0..<stepCount {
          let isWhole = account.withLock { account in
            let isWhole = account.balance == account.copy
            account.balance += 1
            account.copy += 1
            return isWhole
          }
          if !isWhole { halfSteps.withLock { $0 += 1 } }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(account.withLock { $0.balance } == threadCount * stepCount)
    #expect(halfSteps.withLock { $0 } == 0)
  }

  @Test func anErrorLeavesItOpen() {
    let lock = Lock(1)
    #expect(throws: Refused.self) {
      try lock.withLock { value in
        value = 2
        throw Refused()
      }
    }
    #expect(lock.withLock { $0 } == 2)
  }
}
