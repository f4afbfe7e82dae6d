import Load
import Testing

@Suite struct HistogramTests {
  /// Every quantile is within one per cent of the true one, and never below it.
  @Test(arguments: [UInt64(1), 7, 1_000, 123_456_789]) func quantilesAreClose(scale: UInt64) {
    var histogram = Histogram()
    let values = (1...10_000).map { UInt64($0) * scale }
    for value in values { histogram.record(value) }
    for share in [0.001, 0.5, 0.9, 0.99, 0.999, 1] {
      let truth = values[max(0, Int((share * 10_000).rounded(.up)) - 1)]
      let found = histogram.quantile(share)
      #expect(found >= truth, "share \(share)")
      #expect(Double(found) <= Double(truth) * 1.01 + 1, "share \(share)")
    }
    #expect(histogram.max == 10_000 * scale)
  }

  @Test func addingIsRecordingBoth() {
    var (a, b, both) = (Histogram(), Histogram(), Histogram())
    for value in UInt64(0)..<500 {
      a.record(value)
      b.record(value * value)
      both.record(value)
      both.record(value * value)
    }
    a.add(b)
    #expect(a.count == 1_000)
    #expect(a.quantile(0.5) == both.quantile(0.5))
    #expect(a.max == both.max)
  }

  @Test func extremesDoNotTrap() {
    var histogram = Histogram()
    for value in [0, 1, 127, 128, UInt64.max / 2, UInt64.max] { histogram.record(value) }
    #expect(histogram.quantile(1) == UInt64.max)
    #expect(histogram.quantile(0) == 0)
  }
}
