import Inventory
import Proto
import TestKit
import Testing
import Time

@Suite struct TimeRules {
  /// A crowd of deadlines is met in steps of at most a thousand, each at the stamp of its last.
  @Test func aCrowdIsCaughtUpWithInSteps() throws {
    let box = Box(hall(rows: 100, seats: 100, maxHoldTTL: 900))
    var random = SeededRandom(seed: 5)
    var deadlines: [Stamp] = []
    let start = box.inventory.now
    for seat in UInt32(0)..<5_500 {
      box.wait(Milliseconds(Int64(random.next() % 3)))
      let ttl = UInt32(1 + random.next() % 900)
      guard case .held(let held) = box.hold(seats(seat), ttl: ttl).outcome else {
        // Ended while the others were being made.
        return #expect(Bool(false))
      }
      deadlines.append(held.expiresAt)
    }
    deadlines.removeAll { $0 <= box.inventory.now }
    deadlines.sort()
    #expect(box.inventory.stats.holds == deadlines.count)
    let target = start + 2_000_000
    var steps = 0
    while true {
      let before = box.inventory.stats.holds
      let stamp = box.inventory.catchUpStamp(to: target)
      if before >= 1_000 {
        #expect(stamp == deadlines[deadlines.count - before + 999])
      } else {
        #expect(stamp == target)
      }
      #expect(box.advance(to: stamp))
      let left = deadlines.filter { $0 > stamp }.count
      #expect(box.inventory.stats.holds == left)
      steps += 1
      if stamp == target { break }
    }
    #expect(steps >= 5)
    #expect(box.inventory.stats.holds == 0)
    #expect(box.inventory.nextDeadline == nil)
    #expect(box.availability?.categories == [Counts(free: 10_000)])
  }

  @Test func equalDeadlinesEndTogether() throws {
    let box = Box(hall(rows: 100, seats: 100))
    for seat in UInt32(0)..<3_000 { _ = try box.held(seat) }
    let deadline = try #require(box.inventory.nextDeadline)
    #expect(box.inventory.catchUpStamp(to: deadline - 1) == deadline - 1)
    #expect(box.inventory.catchUpStamp(to: deadline + 50) == deadline)
    #expect(box.advance(to: deadline))
    #expect(box.inventory.stats.holds == 0)
  }

  @Test func timeNeverGoesBackAndHasAnEnd() throws {
    let box = Box(hall(maxHoldTTL: 86_400))
    let now = box.inventory.now
    #expect(!box.advance(to: now - 5))
    #expect(box.inventory.now == now)
    #expect(!box.advance(to: .distantPast))
    #expect(!box.advance(to: .distantFuture))
    let id = try box.held(0, ttl: 86_400)
    #expect(box.advance(to: .distantFuture) == false)
    _ = try box.checkedOut(id)
  }

  /// Deadlines that move about, against a sorted list.
  @Test(arguments: [UInt64](1...10)) func deadlinesEndInOrder(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let box = Box(hall(rows: 20, seats: 20))
    var living: [UInt32: (id: HoldID, deadline: Stamp)] = [:]
    for _ in 0..<3_000 {
      let seat = UInt32(random.next() % 400)
      if let hold = living[seat] {
        guard case .extended(let info) = box.outcome(.extend(hold.id, ttl: 1 + UInt32(random.next() % 50))) else {
          continue
        }
        living[seat]?.deadline = info.expiresAt
      } else {
        let id = try box.held(seat, ttl: 20 + UInt32(random.next() % 50))
        guard case .hold(let info) = box.inventory.answer(.hold(id)) else { return #expect(Bool(false)) }
        living[seat] = (id, info.expiresAt)
      }
      #expect(box.inventory.nextDeadline == living.values.map(\.deadline).min(), "seed \(seed)")
      if random.next() % 4 == 0 {
        box.wait(Milliseconds(Int64(random.next() % 4_000)))
        living = living.filter { $0.value.deadline > box.inventory.now }
        #expect(box.inventory.stats.holds == living.count, "seed \(seed)")
      }
    }
  }

  /// A primary that looked at a later time and then repeats another's log says what a follower of that log says.
  @Test func whoRepeatsALogGoesBackToItsTime() throws {
    let leader = Box()
    let follower = Box(copying: leader)
    let somethingEnded = leader.inventory.advance(to: 1_005_000)
    #expect(!somethingEnded)
    for box in [leader, follower] {
      box.inventory.repeatTime(of: 1_002_000)
      _ = box.inventory.apply(.openEpoch(2))
      #expect(box.inventory.now == 1_002_000)
    }
    #expect(leader.inventory.snapshot() == follower.inventory.snapshot())
    leader.inventory.repeatTime(of: 1_001_000)
    #expect(leader.inventory.now == 1_002_000, "never behind what the log holds")
  }
}
