/// A day of the proleptic Gregorian calendar. (Howard Hinnant's algorithms: years begin in March, so that the leap day
/// comes last.)
public struct CivilDate: Equatable, Sendable {
  public let year, month, day: Int64

  /// - Returns: nil if the calendar has no such day. Years are 0 to 9999.
  public init?(year: Int64, month: Int64, day: Int64) {
    guard (0...9_999).contains(year), (1...12).contains(month), day >= 1, day <= Self.days(inMonth: month, of: year)
    else { return nil }
    (self.year, self.month, self.day) = (year, month, day)
  }

  /// - Parameter days: since 1970-01-01, in years 0 to 9999.
  public init(days: Int64) {
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
    month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  /// Since 1970-01-01.
  public var days: Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  /// 0 is Sunday.
  public var weekday: Int { Int(((days % 7) + 11) % 7) }

  static func days(inMonth month: Int64, of year: Int64) -> Int64 {
    switch month {
    case 4, 6, 9, 11: 30
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    default: 31
    }
  }
}

/// What a clock on the wall of Greenwich shows.
public struct CivilTime: Equatable, Sendable {
  public let date: CivilDate
  public let hour, minute, second, millisecond: Int64

  public init(_ stamp: Stamp) {
    var days = stamp.rawValue / 86_400_000
    var rest = stamp.rawValue % 86_400_000
    if rest < 0 {
      rest += 86_400_000
      days -= 1
    }
    date = CivilDate(days: days)
    hour = rest / 3_600_000
    minute = rest / 60_000 % 60
    second = rest / 1_000 % 60
    millisecond = rest % 1_000
  }
}
