import Testing
import Time

@Suite struct TimestampTests {
  @Test(
    arguments: [
      (Stamp(0), "1970-01-01T00:00:00.000Z"), (Stamp(1), "1970-01-01T00:00:00.001Z"),
      (Stamp(-1), "1969-12-31T23:59:59.999Z"),
      (Stamp(951_782_400_000), "2000-02-29T00:00:00.000Z"), (Stamp(1_709_164_800_123), "2024-02-29T00:00:00.123Z"),
      (Stamp(4_102_444_799_999), "2099-12-31T23:59:59.999Z"), (Stamp(4_107_542_400_000), "2100-03-01T00:00:00.000Z"),
      (Timestamp.range.upperBound, "9999-12-31T23:59:59.999Z"),
      (Timestamp.range.lowerBound, "0000-01-01T00:00:00.000Z"),
      (Stamp.distantFuture, "9999-12-31T23:59:59.999Z"), (Stamp.distantPast, "0000-01-01T00:00:00.000Z"),
    ] as [(Stamp, String)])
  func writesUTC(_ time: Stamp, _ text: String) {
    #expect(Timestamp.text(time) == text)
  }
}
