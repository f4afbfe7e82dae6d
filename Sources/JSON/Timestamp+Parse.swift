public import Time

extension Timestamp {
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
      let date = CivilDate(year: year, month: month, day: day), hour < 24, minute < 60, second < 60
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
    let seconds = date.days * 86_400 + hour * 3_600 + (minute - offsetMinutes) * 60 + second
    let time = Stamp(seconds * 1_000 + thousandths)
    return range.contains(time) ? time : nil
  }
}

extension JSONReader {
  /// The next value, a string with a time (RFC 3339).
  public mutating func time() throws(JSONError) -> Stamp {
    var text: [UInt8] = []
    try string(into: &text)
    guard let time = Timestamp.parse(text.span8) else {
      throw JSONError(.badTime, at: valueStart, message: TimeMistake.sentence(text))
    }
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
