extension JSONReader {
  /// The next value, an integer as JSON Schema has it: `2.0` and `1e3` are integers too, `1.5` is none.
  public mutating func int64() throws(JSONError) -> Int64 {
    let first = try start()
    guard first == 0x2D || first &- 0x30 < 10 else { throw wrongType("an integer") }
    let begin = offset
    var place = offset
    let isNegative = first == 0x2D
    if isNegative { place &+= 1 }
    let digits = place
    var value: UInt64 = 0
    var isOver = false
    while place < input.byteCount {
      let digit = input.fast(place) &- 0x30
      guard digit < 10 else { break }
      let (product, over1) = value.multipliedReportingOverflow(by: 10)
      let (sum, over2) = product.addingReportingOverflow(UInt64(digit))
      if over1 || over2 { isOver = true }
      value = sum
      place &+= 1
    }
    guard place > digits else {
      throw JSONError(place < input.byteCount ? .badNumber : .unexpectedEnd, at: place)
    }
    if place &- digits > 1, input.fast(digits) == 0x30 { throw JSONError(.badNumber, at: begin) }
    if place < input.byteCount {
      let byte = input.fast(place)
      if byte == 0x2E || byte | 0x20 == 0x65 {
        return try integerWithScale(from: begin)
      }
    }
    let limit = isNegative ? UInt64(Int64.max) + 1 : UInt64(Int64.max)
    guard !isOver, value <= limit else { throw JSONError(.outOfRange, at: begin) }
    offset = place
    return isNegative ? Int64(truncatingIfNeeded: 0 &- value) : Int64(value)
  }

  /// An integer that is written with a point or an exponent.
  private mutating func integerWithScale(from begin: Int) throws(JSONError) -> Int64 {
    // Is it a number at all?
    _ = try double()
    var digits: [UInt8] = []
    var (scale, exponent) = (0, 0)
    var (isFraction, isExponent, isNegativeExponent) = (false, false, false)
    for place in begin..<offset {
      let byte = input.fast(place)
      switch byte {
      case 0x2E: isFraction = true
      case 0x45, 0x65: isExponent = true
      case 0x2D: isNegativeExponent = isExponent
      case 0x30...0x39 where isExponent: exponent = min(exponent * 10 + Int(byte - 0x30), 1_000_000)
      case 0x30...0x39:
        if isFraction { scale -= 1 }
        if byte != 0x30 || !digits.isEmpty { digits.append(byte - 0x30) }
      default: break
      }
    }
    scale += isNegativeExponent ? -exponent : exponent
    while digits.last == 0 {
      digits.removeLast()
      scale += 1
    }
    if digits.isEmpty { return 0 }
    guard scale >= 0 else { throw JSONError(.notAnInteger, at: begin) }
    let isNegative = input.fast(begin) == 0x2D
    var value: Int64 = 0
    for place in 0..<(digits.count + min(scale, 20)) {
      let digit = Int64(place < digits.count ? digits[place] : 0)
      let (product, over1) = value.multipliedReportingOverflow(by: 10)
      let (sum, over2) = product.addingReportingOverflow(isNegative ? -digit : digit)
      guard !over1, !over2 else { throw JSONError(.outOfRange, at: begin) }
      value = sum
    }
    return value
  }

  /// The next value, an integer within `range`.
  public mutating func integer(in range: ClosedRange<Int64>) throws(JSONError) -> Int64 {
    let value = try int64()
    guard range.contains(value) else {
      throw JSONError(
        .outOfRange, at: valueStart, message: "the number must be from \(range.lowerBound) to \(range.upperBound)",
        limit: value < range.lowerBound ? range.lowerBound : range.upperBound)
    }
    return value
  }

  /// The next value, a number of any form, as the nearest `Double`; over its range is refused.
  public mutating func double() throws(JSONError) -> Double {
    let first = try start()
    guard first == 0x2D || first &- 0x30 < 10 else { throw wrongType("a number") }
    let begin = offset
    var place = offset
    if first == 0x2D { place &+= 1 }
    var mantissa: UInt64 = 0
    var digits = 0
    var scale = 0
    let whole = place
    try takeDigits(&place, &mantissa, &digits)
    if place &- whole > 1, input.fast(whole) == 0x30 { throw JSONError(.badNumber, at: begin) }
    if place < input.byteCount, input.fast(place) == 0x2E {
      place &+= 1
      let fraction = place
      try takeDigits(&place, &mantissa, &digits)
      scale = fraction &- place
    }
    if place < input.byteCount, input.fast(place) | 0x20 == 0x65 {
      place &+= 1
      var isNegative = false
      if place < input.byteCount, input.fast(place) == 0x2B || input.fast(place) == 0x2D {
        isNegative = input.fast(place) == 0x2D
        place &+= 1
      }
      var exponent: UInt64 = 0
      var count = 0
      try takeDigits(&place, &exponent, &count)
      if count > 6 { exponent = 1_000_000 }
      scale &+= isNegative ? -Int(exponent) : Int(exponent)
    }
    offset = place
    // Both factors are exact, so that one rounding makes the nearest number (Clinger 1990).
    if digits <= 19, mantissa < 1 << 53, scale >= -22, scale <= 22 {
      let power = powersOfTen[Int(scale.magnitude)]
      let value = scale < 0 ? Double(mantissa) / power : Double(mantissa) * power
      return first == 0x2D ? -value : value
    }
    var text: [UInt8] = []
    text.add(input.extracting(begin..<place))
    guard let value = Double(String(decoding: text, as: UTF8.self)), value.isFinite else {
      throw JSONError(.outOfRange, at: begin)
    }
    return value
  }

  /// One digit or more; `mantissa` holds them as long as `digits` (leading zeros not counted) is at most 19.
  @inline(__always) private func takeDigits(
    _ place: inout Int, _ mantissa: inout UInt64, _ digits: inout Int
  ) throws(JSONError) {
    let start = place
    while place < input.byteCount {
      let digit = input.fast(place) &- 0x30
      guard digit < 10 else { break }
      mantissa = mantissa &* 10 &+ UInt64(digit)
      if mantissa != 0 || digits > 0 { digits &+= 1 }
      place &+= 1
    }
    guard place > start else {
      throw JSONError(place < input.byteCount ? .badNumber : .unexpectedEnd, at: place)
    }
  }
}

private let powersOfTen: [Double] = [
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
  1e21, 1e22,
]
