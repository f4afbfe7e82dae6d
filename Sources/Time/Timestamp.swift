/// Times as the API and the log lines write them: RFC 3339, in UTC, with milliseconds, by pure arithmetic.
public enum Timestamp {
  /// 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z: what four digits of a year can say.
  public static let range = Stamp(-62_167_219_200_000)...Stamp(253_402_300_799_999)

  /// Appends `2026-07-01T18:30:00.000Z`; a time outside of `range` is written as its nearest end.
  public static func write(_ stamp: Stamp, into out: inout [UInt8]) {
    let time = CivilTime(min(max(stamp, range.lowerBound), range.upperBound))
    out.putDigits(time.date.year, 4)
    out.append(0x2D)
    out.putDigits(time.date.month, 2)
    out.append(0x2D)
    out.putDigits(time.date.day, 2)
    out.append(0x54)
    out.putDigits(time.hour, 2)
    out.append(0x3A)
    out.putDigits(time.minute, 2)
    out.append(0x3A)
    out.putDigits(time.second, 2)
    out.append(0x2E)
    out.putDigits(time.millisecond, 3)
    out.append(0x5A)
  }

  /// The same as a string.
  public static func text(_ stamp: Stamp) -> String {
    var out: [UInt8] = []
    write(stamp, into: &out)
    return String(decoding: out, as: UTF8.self)
  }
}

extension [UInt8] {
  fileprivate mutating func putDigits(_ value: Int64, _ count: Int) {
    var unit: Int64 = 1
    for _ in 1..<count { unit *= 10 }
    while unit > 0 {
      append(UInt8(truncatingIfNeeded: 0x30 + value / unit % 10))
      unit /= 10
    }
  }
}
