import Time

/// What is wrong with a text that should be a time, and what would be right: worked out only when it is refused.
enum TimeMistake {
  static func sentence(_ text: [UInt8]) -> String {
    let sent = String(decoding: text.prefix(40), as: UTF8.self)
    guard let (missing, right) = repair(text) else {
      return "the value must be a time with its zone as in RFC 3339, such as 2026-12-24T20:00:00Z"
    }
    return "`\(sent)` is no time: \(missing.joined(separator: ", and ")); write \(right)"
  }

  /// What is missing, if that is all there is wrong, and how the text would be a time.
  private static func repair(_ text: [UInt8]) -> (missing: [String], right: String)? {
    var fixed = text
    var missing: [String] = []
    if fixed.count == 10 {
      fixed += Array("T00:00:00".utf8)
      missing.append("the time of day is missing")
    } else if fixed.count > 10, fixed[10] == 0x20 {
      fixed[10] = 0x54
      missing.append("date and time stand with a T between them")
    }
    guard fixed.count >= 16 else { return nil }
    if fixed.count == 16 || fixed[16] != 0x3A {
      fixed.insert(contentsOf: Array(":00".utf8), at: 16)
      missing.append("the seconds are missing")
    }
    // Behind the seconds and their decimals stands the zone.
    var zone = 19
    if zone < fixed.count, fixed[zone] == 0x2E {
      zone += 1
      while zone < fixed.count, fixed[zone] &- 0x30 < 10 { zone += 1 }
    }
    guard zone <= fixed.count else { return nil }
    let hasNoZone = zone == fixed.count
    if hasNoZone {
      fixed.append(0x5A)
      missing.append("the time zone is missing")
    } else if fixed[zone] == 0x2B || fixed[zone] == 0x2D, fixed.count - zone == 3 || fixed.count - zone == 5 {
      if fixed.count - zone == 3 { fixed += Array("00".utf8) }
      fixed.insert(0x3A, at: zone + 3)
      missing.append("a zone is written as +hh:mm")
    }
    guard !missing.isEmpty, Timestamp.parse(fixed.span8) != nil else { return nil }
    let right = String(decoding: fixed, as: UTF8.self)
    return (missing, hasNoZone ? "\(right) for UTC, or another zone as \(right.dropLast())+02:00" : right)
  }
}
