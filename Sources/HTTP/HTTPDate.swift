/// The date as HTTP writes it (RFC 9110, section 5.6.7).
public enum HTTPDate {
  /// Appends `Date: Sun, 06 Nov 1994 08:49:37 GMT` and the line end: make it once a second and keep it.
  ///
  /// - Parameter seconds: since 1970-01-01T00:00:00Z, from year 0 to 9999.
  public static func writeHeader(unixSeconds seconds: Int64, into out: inout [UInt8]) {
    out.add("Date: ")
    write(unixSeconds: seconds, into: &out)
    out.add("\r\n")
  }

  /// Appends `Sun, 06 Nov 1994 08:49:37 GMT`.
  public static func write(unixSeconds: Int64, into out: inout [UInt8]) {
    let seconds = min(max(unixSeconds, -62_167_219_200), 253_402_300_799)
    let days = Int((Double(seconds) / 86_400).rounded(.down))
    let second = Int(seconds) - days * 86_400
    // Civil date from days (Howard Hinnant's algorithm): years begin in March, so that leap days come last.
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    let weekday = ((days % 7) + 11) % 7
    let weekdays: [StaticString] = ["Sun, ", "Mon, ", "Tue, ", "Wed, ", "Thu, ", "Fri, ", "Sat, "]
    let months: [StaticString] = [
      " Jan ", " Feb ", " Mar ", " Apr ", " May ", " Jun ", " Jul ", " Aug ", " Sep ", " Oct ", " Nov ", " Dec ",
    ]
    out.add(weekdays[weekday])
    out.addTwo(day)
    out.add(months[month - 1])
    out.addTwo(year / 100)
    out.addTwo(year % 100)
    out.append(0x20)
    out.addTwo(second / 3_600)
    out.append(0x3A)
    out.addTwo(second / 60 % 60)
    out.append(0x3A)
    out.addTwo(second % 60)
    out.add(" GMT")
  }
}

extension [UInt8] {
  fileprivate mutating func addTwo(_ value: Int) {
    append(UInt8(truncatingIfNeeded: 0x30 + value / 10))
    append(UInt8(truncatingIfNeeded: 0x30 + value % 10))
  }
}
