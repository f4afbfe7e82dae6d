import Testing
import Threads

@Suite struct MonitorTests {
  private struct Game {
    var ball = 0
    var firstLooks = 0
    var secondLooks = 0
    var isOver = false
  }

  private struct Refused: Error {}

  @Test func whatHoldsAlreadyIsNotWaitedFor() {
    let monitor = Monitor(7)
    #expect(monitor.wait { $0 == 7 ? "seven" : nil } == "seven")
    #expect(monitor.wait(as: .second, everyMilliseconds: 60_000) { $0 == 7 ? $0 : nil } == 7)
  }

  /// Every hand-over wakes the other thread: one that was lost would stop the game for ever.
  @Test func twoThreadsPlayBall() {
    let rounds = 5_000
    let monitor = Monitor(Game())
    let partner = Thread.needed(name: "partner") {
      for round in 0..<rounds {
        monitor.wait(as: .second) { game in
          guard game.ball == 2 * round + 1 else { return nil as Void? }
          game.ball += 1
          return ()
        }
        monitor.wake(.first)
      }
    }
    for round in 0..<rounds {
      monitor.withLock { $0.ball += 1 }
      monitor.wake(.second)
      monitor.wait { $0.ball == 2 * round + 2 ? () : nil }
    }
    partner.join()
    #expect(monitor.withLock { $0.ball } == 2 * rounds)
  }

  /// A waiter of the second kind does not look when the first kind is woken, however often that is.
  @Test func wakingOneKindLeavesTheOtherAsleep() {
    let rounds = 1_000
    let monitor = Monitor(Game())
    let sleeper = Thread.needed(name: "sleeper") {
      monitor.wait(as: .second) { game in
        game.secondLooks += 1
        return game.isOver ? () : nil
      }
    }
    let player = Thread.needed(name: "player") {
      for round in 0..<rounds {
        monitor.wait { game in
          game.firstLooks += 1
          return game.ball > round ? () : nil
        }
      }
    }
    // From here on the sleeper waits: it looks with the lock held, and gives that back by waiting only.
    monitor.wait(everyMilliseconds: 1) { $0.secondLooks > 0 ? () : nil }
    for _ in 0..<rounds {
      monitor.withLock { $0.ball += 1 }
      monitor.wake(.first)
    }
    player.join()
    let looks = monitor.withLock { game in
      game.isOver = true
      return game.secondLooks
    }
    monitor.wake(.second)
    sleeper.join()
    // POSIX lets a condition wake for nothing, which is rare: not once for each of the thousand.
    #expect(looks < 10)
  }

  @Test func allKindsAreWokenTogether() {
    let monitor = Monitor((isOpen: false, arrived: 0, left: 0))
    let threads = (0..<6).map { place in
      Thread.needed(name: "waiter") {
        monitor.withLock { $0.arrived += 1 }
        monitor.wait(as: place.isMultiple(of: 2) ? .first : .second) { state in
          guard state.isOpen else { return nil as Void? }
          state.left += 1
          return ()
        }
      }
    }
    monitor.wait(everyMilliseconds: 1) { $0.arrived == threads.count ? () : nil }
    #expect(monitor.withLock { $0.left } == 0)
    monitor.withLock { $0.isOpen = true }
    monitor.wakeAll()
    for thread in threads { thread.join() }
    #expect(monitor.withLock { $0.left } == threads.count)
  }

  /// Nobody wakes it: with a time it looks by itself.
  @Test func withATimeItLooksAgainUnasked() {
    let monitor = Monitor(0)
    // Also more than a second's worth of nanoseconds must carry over.
    for milliseconds in [0, 1, 999] {
      let looksMax = milliseconds < 10 ? 50 : 2
      monitor.withLock { $0 = 0 }
      let looks = monitor.wait(everyMilliseconds: milliseconds) { looks in
        looks += 1
        return looks == looksMax ? looks : nil
      }
      #expect(looks == looksMax)
    }
  }

  @Test func anErrorLeavesItOpen() {
    let monitor = Monitor(1)
    #expect(throws: Refused.self) {
      try monitor.withLock { value in
        value = 2
        throw Refused()
      }
    }
    #expect(monitor.wait { $0 == 2 ? $0 : nil } == 2)
  }
}
