/// A string as it stands in the text, between its quotes.
struct RawString {
  var start: Int
  var end: Int
  /// Without escapes: the bytes are the string.
  var isPlain: Bool
}

extension JSONReader {
  /// The next value, a string, decoded.
  public mutating func string() throws(JSONError) -> [UInt8] {
    var out: [UInt8] = []
    try string(into: &out)
    return out
  }

  /// Appends the next value, a string, decoded.
  public mutating func string(into out: inout [UInt8]) throws(JSONError) {
    guard try start() == 0x22 else { throw wrongType("a string") }
    let raw = try rawString()
    try decode(raw, into: &out)
  }

  /// The next value, a string, in place, if it has no escapes: without a copy. Otherwise nil and nothing was read: use
  /// `string(into:)`.
  public mutating func plainString() throws(JSONError) -> Range<Int>? {
    guard try start() == 0x22 else { throw wrongType("a string") }
    let before = offset
    let raw = try rawString()
    if raw.isPlain { return raw.start..<raw.end }
    offset = before
    return nil
  }

  /// Goes back to the beginning of the value that was read last, which must have been a string or a number.
  public mutating func rewind() { offset = valueStart }

  /// Bytes of the text that is being read, such as `plainString`'s.
  @_lifetime(copy self)
  public func bytes(_ range: Range<Int>) -> RawSpan { input.extracting(range) }

  /// Reads a string from its quote on, checking every byte; escapes are checked when it is decoded.
  @inline(__always) mutating func rawString() throws(JSONError) -> RawString {
    let start = offset &+ 1
    var place = start
    var isPlain = true
    let end = input.byteCount
    while true {
      // Eight at a time while there is nothing special: quote, backslash, control, or beyond ASCII.
      while place &+ 8 <= end {
        let word = input.word(place)
        let quote = word ^ 0x2222_2222_2222_2222
        let backslash = word ^ 0x5C5C_5C5C_5C5C_5C5C
        let special =
          (quote &- 0x0101_0101_0101_0101) & ~quote
          | (backslash &- 0x0101_0101_0101_0101) & ~backslash
          | (word &- 0x2020_2020_2020_2020) | word
        let found = special & 0x8080_8080_8080_8080
        if found != 0 {
          place &+= found.trailingZeroBitCount >> 3
          break
        }
        place &+= 8
      }
      guard place < end else { throw JSONError(.unexpectedEnd, at: end) }
      let byte = input.fast(place)
      switch byte {
      case 0x22:
        offset = place &+ 1
        return RawString(start: start, end: place, isPlain: isPlain)
      case 0x5C:
        isPlain = false
        guard place &+ 1 < end else { throw JSONError(.unexpectedEnd, at: end) }
        try checkEscape(at: &place)
      case 0..<0x20: throw JSONError(.controlCharacter, at: place)
      case 0x80...0xFF:
        let length = input.utf8Sequence(at: place)
        guard length > 0 else { throw JSONError(.badUTF8, at: place) }
        place &+= length
      default: place &+= 1
      }
    }
  }

  /// Checks the escape at `place` and goes past it; of a surrogate pair, past both.
  private func checkEscape(at place: inout Int) throws(JSONError) {
    switch input.fast(place &+ 1) {
    case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74: place &+= 2
    case 0x75: place = try scalar(at: place).next
    default: throw JSONError(.badEscape, at: place)
    }
  }

  /// The character that `\uXXXX` at `place`, with its second half if it is a surrogate, stands for.
  private func scalar(at place: Int) throws(JSONError) -> (value: UInt32, next: Int) {
    let first = try unit(at: place)
    switch first {
    case 0xD800...0xDBFF:
      guard place + 7 < input.byteCount, input.fast(place + 6) == 0x5C, input.fast(place + 7) == 0x75 else {
        throw JSONError(.loneSurrogate, at: place)
      }
      let second = try unit(at: place + 6)
      guard (0xDC00...0xDFFF).contains(second) else { throw JSONError(.loneSurrogate, at: place) }
      return (0x10000 + (first - 0xD800) << 10 + (second - 0xDC00), place + 12)
    case 0xDC00...0xDFFF: throw JSONError(.loneSurrogate, at: place)
    default: return (first, place + 6)
    }
  }

  private func unit(at place: Int) throws(JSONError) -> UInt32 {
    var value: UInt32 = 0
    for digit in (place + 2)..<(place + 6) {
      guard digit < input.byteCount else { throw JSONError(.unexpectedEnd, at: input.byteCount) }
      let byte = input.fast(digit)
      switch byte {
      case 0x30...0x39: value = value << 4 | UInt32(byte - 0x30)
      case 0x41...0x46: value = value << 4 | UInt32(byte - 0x37)
      case 0x61...0x66: value = value << 4 | UInt32(byte - 0x57)
      default: throw JSONError(.badEscape, at: place)
      }
    }
    return value
  }

  func decode(_ raw: RawString, into out: inout [UInt8]) throws(JSONError) {
    if raw.isPlain {
      out.add(input.extracting(raw.start..<raw.end))
      return
    }
    var place = raw.start
    while place < raw.end {
      let byte = input.fast(place)
      guard byte == 0x5C else {
        out.append(byte)
        place += 1
        continue
      }
      let escape = input.fast(place + 1)
      switch escape {
      case 0x62: out.append(0x08)
      case 0x66: out.append(0x0C)
      case 0x6E: out.append(0x0A)
      case 0x72: out.append(0x0D)
      case 0x74: out.append(0x09)
      case 0x75:
        let (value, next) = try scalar(at: place)
        out.addUTF8(value)
        place = next
        continue
      default: out.append(escape)
      }
      place += 2
    }
  }
}

extension [UInt8] {
  /// Appends a character, which is no surrogate.
  fileprivate mutating func addUTF8(_ value: UInt32) {
    switch value {
    case 0..<0x80: append(UInt8(value))
    case 0x80..<0x800:
      append(UInt8(0xC0 | value >> 6))
      append(UInt8(0x80 | value & 0x3F))
    case 0x800..<0x10000:
      append(UInt8(0xE0 | value >> 12))
      append(UInt8(0x80 | value >> 6 & 0x3F))
      append(UInt8(0x80 | value & 0x3F))
    default:
      append(UInt8(0xF0 | value >> 18))
      append(UInt8(0x80 | value >> 12 & 0x3F))
      append(UInt8(0x80 | value >> 6 & 0x3F))
      append(UInt8(0x80 | value & 0x3F))
    }
  }
}
