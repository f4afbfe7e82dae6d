import Time

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
    let time = CivilTime(Stamp(seconds * 1_000))
    let weekdays: [StaticString] = ["Sun, ", "Mon, ", "Tue, ", "Wed, ", "Thu, ", "Fri, ", "Sat, "]
    let months: [StaticString] = [
      " Jan ", " Feb ", " Mar ", " Apr ", " May ", " Jun ", " Jul ", " Aug ", " Sep ", " Oct ", " Nov ", " Dec ",
    ]
    out.add(weekdays[time.date.weekday])
    out.addTwo(time.date.day)
    out.add(months[Int(time.date.month) - 1])
    out.addTwo(time.date.year / 100)
    out.addTwo(time.date.year % 100)
    out.append(0x20)
    out.addTwo(time.hour)
    out.append(0x3A)
    out.addTwo(time.minute)
    out.append(0x3A)
    out.addTwo(time.second)
    out.add(" GMT")
  }
}

extension [UInt8] {
  fileprivate mutating func addTwo(_ value: Int64) {
    append(UInt8(truncatingIfNeeded: 0x30 + value / 10))
    append(UInt8(truncatingIfNeeded: 0x30 + value % 10))
  }
}
