import Testing
import Time

@Suite struct PointInTimeTests {
  /// They lie in tables of millions of entries, and in arrays whose bytes are copied: nothing but the number.
  @Test func aTimeIsItsNumber() {
    #expect(MemoryLayout<Stamp>.size == 8 && MemoryLayout<Stamp?>.size == 9)
    #expect(MemoryLayout<MonotonicTime>.size == 8 && MemoryLayout<Milliseconds>.size == 8)
    #expect(Stamp(1_700_000_000_000).rawValue == 1_700_000_000_000)
    #expect("\(Stamp(-5)) \(MonotonicTime(7)) \(Milliseconds(9))" == "-5 7 9")
    // Simulated runs compare what enums with lengths in them print.
    #expect("\(Optional(Milliseconds(9)).map { [$0] } ?? [])" == "[9]")
  }

  @Test func sumsAndDifferences() {
    let start = Stamp(1_000)
    #expect(start + .seconds(UInt32(2)) == Stamp(3_000))
    #expect(start - 250 == Stamp(750))
    #expect(Stamp(3_500) - start == 2_500 && (Stamp(3_500) - start).seconds == 2)
    #expect((start - Stamp(3_500)).seconds == -2)
    var time = MonotonicTime.zero
    time += 3 * Milliseconds(4) / 2
    #expect(time == MonotonicTime(6) && max(time, .zero) == time)
    #expect(Stamp.distantPast < .zero && .zero < Stamp.distantFuture && start <= start && start >= start)
    #expect(!(start < start) && !(start > start))
    #expect(Milliseconds.seconds(UInt32.max) == Milliseconds(4_294_967_295_000))
  }

  /// What may come from a disk or a peer is added up without a trap.
  @Test func sumsThatWrap() {
    #expect(Stamp.distantFuture &+ 1 == .distantPast)
    #expect(Stamp.distantPast &- Stamp(1) == Milliseconds(.max))
  }

  @Test func sumsThatTrap() async {
    // Printed, because the optimiser leaves out a sum that nobody reads, trap and all.
    await #expect(processExitsWith: .failure) { print(Stamp.distantFuture + 1) }
    await #expect(processExitsWith: .failure) { print(Stamp.distantPast - Stamp(1)) }
  }
}
