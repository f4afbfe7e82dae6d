public import Time

/// Times as the API writes them (RFC 3339, in UTC, with milliseconds), by pure arithmetic.
public enum Timestamp {
  /// 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z: what four digits of a year can say.
  public static let range = Stamp(-62_167_219_200_000)...Stamp(253_402_300_799_999)

  /// Appends `2026-07-01T18:30:00.000Z`; a time outside of `range` is written as its nearest end.
  public static func write(_ stamp: Stamp, into out: inout [UInt8]) {
    let time = min(max(stamp, range.lowerBound), range.upperBound).rawValue
    var days = time / 86_400_000
    var rest = time % 86_400_000
    if rest < 0 {
      rest += 86_400_000
      days -= 1
    }
    let (year, month, day) = civil(days: days)
    out.putDigits(year, 4)
    out.append(0x2D)
    out.putDigits(month, 2)
    out.append(0x2D)
    out.putDigits(day, 2)
    out.append(0x54)
    out.putDigits(rest / 3_600_000, 2)
    out.append(0x3A)
    out.putDigits(rest / 60_000 % 60, 2)
    out.append(0x3A)
    out.putDigits(rest / 1_000 % 60, 2)
    out.append(0x2E)
    out.putDigits(rest % 1_000, 3)
    out.append(0x5A)
  }

  /// Reads a time with `Z` or an offset, and with any number of decimals of a second, of which three count. A leap
  /// second is refused.
  ///
  /// - Returns: nil if it is no such time.
  public static func parse(_ text: RawSpan) -> Stamp? {
    // 2026-07-01T18:30:00Z is the shortest.
    guard text.byteCount >= 20, text.fast(4) == 0x2D, text.fast(7) == 0x2D, text.fast(10) | 0x20 == 0x74,
      text.fast(13) == 0x3A, text.fast(16) == 0x3A,
      let year = text.digits(0, 4), let month = text.digits(5, 2), let day = text.digits(8, 2),
      let hour = text.digits(11, 2), let minute = text.digits(14, 2), let second = text.digits(17, 2),
      (1...12).contains(month), day >= 1, day <= daysInMonth(year, month), hour < 24, minute < 60, second < 60
    else { return nil }
    var place = 19
    var thousandths: Int64 = 0
    if text.fast(place) == 0x2E {
      place += 1
      let start = place
      var unit: Int64 = 100
      while place < text.byteCount, text.fast(place) &- 0x30 < 10 {
        thousandths += unit * Int64(text.fast(place) - 0x30)
        unit /= 10
        place += 1
      }
      guard place > start, place - start <= 30 else { return nil }
    }
    guard place < text.byteCount else { return nil }
    var offsetMinutes: Int64 = 0
    switch text.fast(place) {
    case 0x5A, 0x7A:
      guard place + 1 == text.byteCount else { return nil }
    case 0x2B, 0x2D:
      guard place + 6 == text.byteCount, text.fast(place + 3) == 0x3A,
        let hours = text.digits(place + 1, 2), let minutes = text.digits(place + 4, 2), hours < 24, minutes < 60
      else { return nil }
      offsetMinutes = (hours * 60 + minutes) * (text.fast(place) == 0x2D ? -1 : 1)
    default: return nil
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + (minute - offsetMinutes) * 60 + second
    let time = Stamp(seconds * 1_000 + thousandths)
    return range.contains(time) ? time : nil
  }

  static func daysInMonth(_ year: Int64, _ month: Int64) -> Int64 {
    switch month {
    case 4, 6, 9, 11: 30
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    default: 31
    }
  }

  /// Days since 1970-01-01 (Howard Hinnant's algorithm: years begin in March, so that the leap day comes last).
  static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  /// The other way round.
  static func civil(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }
}

extension JSONReader {
  /// The next value, a string with a time (RFC 3339).
  public mutating func time() throws(JSONError) -> Stamp {
    var text: [UInt8] = []
    try string(into: &text)
    guard let time = Timestamp.parse(text.span8) else { throw JSONError(.badTime, at: valueStart) }
    return time
  }
}

extension [UInt8] {
  /// A time as a JSON string.
  public mutating func putJSONTime(_ stamp: Stamp) {
    append(0x22)
    Timestamp.write(stamp, into: &self)
    append(0x22)
  }

  fileprivate mutating func putDigits(_ value: Int64, _ count: Int) {
    var unit: Int64 = 1
    for _ in 1..<count { unit *= 10 }
    while unit > 0 {
      append(UInt8(truncatingIfNeeded: 0x30 + value / unit % 10))
      unit /= 10
    }
  }
}

extension RawSpan {
  /// A number of exactly `count` digits.
  fileprivate func digits(_ offset: Int, _ count: Int) -> Int64? {
    var value: Int64 = 0
    for place in offset..<(offset + count) {
      let digit = fast(place) &- 0x30
      guard digit < 10 else { return nil }
      value = value * 10 + Int64(digit)
    }
    return value
  }
}
