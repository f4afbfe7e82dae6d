/// Reads header lines one by one and checks every byte of them: the part that requests, responses and trailers share.
struct HeaderScanner: ~Escapable {
  let input: RawSpan
  /// Offset of the next line.
  var offset: Int
  /// Where the header block began; its limits count from here.
  let start: Int
  let limits: HTTPLimits
  var count = 0

  @_lifetime(copy input)
  init(_ input: RawSpan, from start: Int, limits: HTTPLimits) {
    (self.input, self.start, offset, self.limits) = (input, start, start, limits)
  }

  enum Line {
    /// More bytes are needed.
    case incomplete
    case header(name: ByteRange, value: ByteRange)
    /// The empty line; `offset` stands behind it.
    case end
  }

  @inline(__always) mutating func next() throws(HTTPError) -> Line {
    let end = input.byteCount
    var place = offset
    guard place < end else { return try incomplete() }
    let first = input.fast(place)
    if first == 0x0D {
      guard place &+ 1 < end else { return try incomplete() }
      guard input.fast(place &+ 1) == 0x0A else { throw .bareLineEnd }
      guard place &+ 2 &- start <= limits.headerBytes else { throw .headersTooLarge }
      offset = place &+ 2
      return .end
    }
    if first == 0x20 || first == 0x09 { throw .foldedHeader }
    if first == 0x0A { throw .bareLineEnd }
    while place < end, Characters.isToken(input.fast(place)) { place &+= 1 }
    guard place < end else { return try incomplete() }
    let nameEnd = place
    guard input.fast(place) == 0x3A, nameEnd > offset else { throw .badHeaderName }
    place = try Self.endOfText(input, from: nameEnd &+ 1)
    guard place < end else { return try incomplete() }
    switch input.fast(place) {
    case 0x0D: break
    case 0x0A: throw .bareLineEnd
    default: throw .badHeaderValue
    }
    guard place &+ 1 < end else { return try incomplete() }
    guard input.fast(place &+ 1) == 0x0A else { throw .bareLineEnd }
    guard place &+ 2 &- start <= limits.headerBytes else { throw .headersTooLarge }
    count &+= 1
    guard count <= limits.headers else { throw .tooManyHeaders }
    let line = Line.header(
      name: ByteRange(offset, nameEnd), value: HeaderLines.trimmed(nameEnd &+ 1, place, in: input))
    offset = place &+ 2
    return line
  }

  /// Not all there yet: fine below the limit.
  private func incomplete() throws(HTTPError) -> Line {
    guard input.byteCount &- start <= limits.headerBytes else { throw .headersTooLarge }
    return .incomplete
  }

  /// The first place from `start` on that is a control character other than a tab, or the end.
  @inline(__always) static func endOfText(_ input: RawSpan, from start: Int) throws(HTTPError) -> Int {
    let end = input.byteCount
    var place = start
    while true {
      // Eight at a time: a byte is suspicious if it is below 0x20 or is 0x7F.
      while place &+ 8 <= end {
        let word = input.word(place)
        let below = (word &- 0x2020_2020_2020_2020) & ~word
        let delete = word ^ 0x7F7F_7F7F_7F7F_7F7F
        let deleted = (delete &- 0x0101_0101_0101_0101) & ~delete
        let found = (below | deleted) & 0x8080_8080_8080_8080
        if found != 0 {
          // Borrows only reach upwards, so the lowest mark is right.
          place &+= found.trailingZeroBitCount >> 3
          break
        }
        place &+= 8
      }
      while place < end {
        let byte = input.fast(place)
        if byte < 0x20 && byte != 0x09 || byte == 0x7F { return place }
        place &+= 1
        if byte == 0x09 { break }
      }
      if place >= end { return end }
    }
  }
}

extension ByteRange {
  /// Whether the name is this one, given as its first and last eight bytes in lower case and its length (8 or more).
  @inline(__always) func isNamed(_ first: UInt64, _ last: UInt64, in input: RawSpan) -> Bool {
    // Names are tokens: setting bit 5 makes letters lower case and mixes up no two characters that a known name has.
    (input.word(Int(start)) | 0x2020_2020_2020_2020) == first
      && (input.word(Int(end) &- 8) | 0x2020_2020_2020_2020) == last
  }
}
