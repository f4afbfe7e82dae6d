import JSON
import Octets
import TestKit
import Testing
import Time

@Suite struct TimestampTests {
  private func text(_ time: Int64) -> String {
    var out: [UInt8] = []
    Timestamp.write(Stamp(time), into: &out)
    return String(decoding: out, as: UTF8.self)
  }

  private func parse(_ text: String) -> Int64? {
    let text = bytes(text)
    return Timestamp.parse(text.rawSpan)?.rawValue
  }

  /// Against a calendar that only counts days, from year 0 to 2500, both ways.
  @Test func everyDayByCounting() {
    let months = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    var day = -719_528
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    for year in 0..<2_500 {
      let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
      let digits = String(repeating: "0", count: 4 - "\(year)".utf8.count) + "\(year)"
      for month in 1...12 {
        let last = months[month - 1] + (month == 2 && leap ? 1 : 0)
        for dayOfMonth in [1, 2, 15, last] {
          let time = Int64(day + dayOfMonth - 1) * 86_400_000 + 45_296_789
          let expected = "\(digits)-\(two(month))-\(two(dayOfMonth))T12:34:56.789Z"
          #expect(text(time) == expected)
          #expect(parse(expected) == time)
        }
        #expect(parse("\(digits)-\(two(month))-\(two(last + 1))T00:00:00Z") == nil)
        day += last
      }
    }
  }

  @Test func randomTimesComeBack() {
    var random = SeededRandom(seed: 23)
    let range = Timestamp.range.lowerBound.rawValue...Timestamp.range.upperBound.rawValue
    for _ in 0..<50_000 {
      let time = Int64.random(in: range, using: &random)
      #expect(parse(text(time)) == time)
    }
    #expect(text(range.lowerBound) == "0000-01-01T00:00:00.000Z")
    #expect(text(range.upperBound) == "9999-12-31T23:59:59.999Z")
    #expect(text(.max) == "9999-12-31T23:59:59.999Z" && text(.min) == "0000-01-01T00:00:00.000Z")
    #expect(text(-1) == "1969-12-31T23:59:59.999Z")
  }

  @Test(
    arguments: [
      ("2026-07-01T18:30:00Z", 1_782_930_600_000), ("2026-07-01t18:30:00z", 1_782_930_600_000),
      ("2026-07-01T20:30:00+02:00", 1_782_930_600_000), ("2026-07-01T13:00:00.5-05:30", 1_782_930_600_500),
      ("2026-07-01T18:30:00.1239999Z", 1_782_930_600_123), ("2026-07-01T18:30:00-00:00", 1_782_930_600_000),
      ("1970-01-01T00:00:00.001+00:00", 1), ("2024-02-29T00:00:00Z", 1_709_164_800_000),
    ] as [(String, Int64)]) func accepts(_ text: String, _ time: Int64)
  { #expect(parse(text) == time) }

  @Test(arguments: [
    "", "2026-07-01", "2026-07-01T18:30:00", "2026-07-01 18:30:00Z", "2026-07-01T18:30Z", "2026-7-01T18:30:00Z",
    "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-07-00T00:00:00Z", "2026-07-01T24:00:00Z", "2026-07-01T18:60:00Z", "2026-07-01T18:30:60Z",
    "2026-07-01T18:30:00.Z",
    "2026-07-01T18:30:00+2:00", "2026-07-01T18:30:00+0200", "2026-07-01T18:30:00+24:00", "2026-07-01T18:30:00+02:60",
    "2026-07-01T18:30:00Zx", "2026-07-01T18:30:00ZZ", "+026-07-01T18:30:00Z", "-026-07-01T18:30:00Z",
    "20260-07-01T18:30:00Z",
    "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "2026-07-01T18:30:00,5Z", "2026-07-01T18:30:00\u{662}Z",
    "2026/07/01T18:30:00Z", "2026-07-01T18.30.00Z", "T18:30:00Z2026-07-01",
  ]) func refuses(_ text: String) { #expect(parse(text) == nil) }

  /// A time that is refused is told what it lacks, and how it would be right.
  @Test(arguments: [
    ("2026-07-01T18:30:00", "the time zone is missing; write 2026-07-01T18:30:00Z for UTC"),
    ("2026-07-01T18:30:00.5", "the time zone is missing; write 2026-07-01T18:30:00.5Z for UTC"),
    ("2026-07-01", "the time of day is missing, and the time zone is missing; write 2026-07-01T00:00:00Z"),
    ("2026-07-01 18:30:00Z", "with a T between them; write 2026-07-01T18:30:00Z"),
    ("2026-07-01T18:30Z", "the seconds are missing; write 2026-07-01T18:30:00Z"),
    ("2026-07-01T18:30", "the seconds are missing, and the time zone is missing"),
    ("2026-07-01T18:30:00+0200", "a zone is written as +hh:mm; write 2026-07-01T18:30:00+02:00"),
    ("2026-07-01T18:30:00+02", "a zone is written as +hh:mm; write 2026-07-01T18:30:00+02:00"),
    ("2026-02-30T18:30:00", "must be a time with its zone as in RFC 3339"), ("tomorrow", "as in RFC 3339, such as"),
    ("", "as in RFC 3339, such as"), ("2026-07-01T18:30:00 Europe/Berlin", "as in RFC 3339, such as"),
    ("ÄÄÄÄÄÄÄÄÄÄ", "as in RFC 3339, such as"),
  ]) func aRefusedTimeSaysWhatIsMissing(text: String, sentence: String) {
    let json = Array("\"\(text)\"".utf8)
    var reader = JSONReader(json.rawSpan)
    do throws(JSONError) {
      _ = try reader.time()
      Issue.record("\(text) was taken")
    } catch {
      #expect(error.reason == .badTime && error.detail.contains(sentence), "\(error.detail)")
    }
  }
}
