internal import Proto

/// The short form's row names: A … Z, AA, AB, …, which is counting in base 26 without a zero.
enum RowNames {
  /// Appends the name of the 0-based row.
  static func write(_ row: Int, into out: inout [UInt8]) {
    let start = out.count
    var rest = row + 1
    while rest > 0 {
      rest -= 1
      out.append(0x41 + UInt8(truncatingIfNeeded: rest % 26))
      rest /= 26
    }
    out[start...].reverse()
  }

  /// The 0-based row of this name; nil if it is none. Six letters are more rows than an event can have.
  @inline(__always) static func row(_ name: RawSpan, _ start: Int, _ end: Int) -> Int? {
    guard end > start, end - start <= 6 else { return nil }
    var value = 0
    for place in start..<end {
      let letter = name.planByte(place) &- 0x41
      guard letter < 26 else { return nil }
      value = value * 26 + Int(letter) + 1
    }
    return value - 1
  }

  /// Bytes of the 0-based row's name.
  static func length(_ row: Int) -> Int {
    var length = 0
    var rest = row + 1
    while rest > 0 {
      rest = (rest - 1) / 26
      length += 1
    }
    return length
  }
}
