import Replication
import TestKit
import Testing
import Time

@Suite struct StampClockTests {
  @Test func aTakeoverStartsFromTheLargestOfStampPlusTimeSinceItCame() {
    var clock = StampClock(last: 100)
    clock.hear(5_000, now: 1_000)
    clock.hear(5_100, now: 1_300)
    clock.hear(4_000, now: 2_000)
    #expect(clock.lead(now: 3_000, wall: 99_999_999) == nil, "the wall clock is not looked at")
    #expect(clock.stamp(now: 3_000) == 7_000)
    #expect(clock.stamp(now: 3_500) == 7_500)
  }

  @Test func onlyWhoHeardNobodyLooksAtTheWallClock() {
    var clock = StampClock(last: 1_000_000)
    #expect(clock.lead(now: 50, wall: 1_000_900) == nil)
    #expect(clock.stamp(now: 60) == 1_000_910)
  }

  @Test func aWallClockThatWentBackFreezesNothing() {
    var clock = StampClock(last: 1_000_000)
    #expect(clock.lead(now: 50, wall: 400_000) == -600_000)
    #expect(clock.stamp(now: 50) == 1_000_000)
    #expect(clock.stamp(now: 60) == 1_000_010, "holds end in their time all the same")
  }

  @Test func aLeapOfTheWallClockIsWorthAWarning() {
    var clock = StampClock(last: 1_000_000)
    #expect(clock.lead(now: 0, wall: 1_000_000 + 3_600_001) == 3_600_001)
  }

  @Test func stampsNeverGoBack() {
    var clock = StampClock()
    _ = clock.lead(now: 0, wall: 1_000)
    clock.note(5_000)
    #expect(clock.stamp(now: 100) == 5_000)
    clock.note(4_000)
    #expect(clock.stamp(now: 100) == 5_000)
    #expect(clock.stamp(now: 4_500) == 5_500)
  }

  @Test func numbersOutOfRangeDoNotTrap() {
    var clock = StampClock(last: 10)
    clock.hear(.distantPast, now: 5)
    #expect(clock.stamp(now: 5) == 10)
    clock.hear(.distantFuture, now: 1)
    #expect(clock.stamp(now: .distantFuture) == 10)
  }
}
