package import Time

/// Times as people and programs read them: RFC 3339 in UTC with milliseconds (`2026-07-01T19:30:00.000Z`).
package enum LogTime {
  /// The largest time that has a four-digit year: 9999-12-31T23:59:59.999Z.
  package static let max = Stamp(253_402_300_799_999)
  /// 0000-01-01T00:00:00.000Z.
  package static let min = Stamp(-62_167_219_200_000)

  /// Appends 24 characters. Times outside `min...max` are clamped.
  package static func write(_ time: Stamp, into out: inout [UInt8]) {
    let clamped = Swift.min(Swift.max(time, min), max).rawValue
    let days = floorDivide(clamped, 86_400_000)
    let rest = clamped - days * 86_400_000
    let (year, month, day) = civil(fromDays: days)
    put(year, digits: 4, into: &out)
    out.append(UInt8(ascii: "-"))
    put(month, digits: 2, into: &out)
    out.append(UInt8(ascii: "-"))
    put(day, digits: 2, into: &out)
    out.append(UInt8(ascii: "T"))
    put(rest / 3_600_000, digits: 2, into: &out)
    out.append(UInt8(ascii: ":"))
    put(rest / 60_000 % 60, digits: 2, into: &out)
    out.append(UInt8(ascii: ":"))
    put(rest / 1_000 % 60, digits: 2, into: &out)
    out.append(UInt8(ascii: "."))
    put(rest % 1_000, digits: 3, into: &out)
    out.append(UInt8(ascii: "Z"))
  }

  package static func text(_ time: Stamp) -> String {
    var out: [UInt8] = []
    write(time, into: &out)
    return String(decoding: out, as: UTF8.self)
  }

  private static func put(_ value: Int64, digits: Int, into out: inout [UInt8]) {
    var divisor: Int64 = 1
    for _ in 1..<digits { divisor *= 10 }
    while divisor > 0 {
      out.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / divisor % 10))
      divisor /= 10
    }
  }

  private static func floorDivide(_ value: Int64, _ by: Int64) -> Int64 {
    let quotient = value / by
    return value % by < 0 ? quotient - 1 : quotient
  }

  /// Days since 1970-01-01 to year, month, day of the proleptic Gregorian calendar (Howard Hinnant's
  /// `civil_from_days`).
  private static func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let era = floorDivide(shifted, 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }
}
