extension RawSpan {
  /// One byte; the caller has compared the offset with the count.
  @inline(__always) @usableFromInline func fast(_ offset: Int) -> UInt8 {
    assert(offset >= 0 && offset < byteCount)
    // Safe: every caller compares the offset with the count first; checked in debug builds.
    return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
  }

  /// Eight bytes, little-endian; the caller knows that `offset + 8` is not past the end.
  @inline(__always) @usableFromInline func word(_ offset: Int) -> UInt64 {
    assert(offset >= 0 && offset &+ 8 <= byteCount)
    // Safe: see `fast`.
    return UInt64(littleEndian: unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
  }

  /// Up to eight bytes from `offset` on, zeros behind them.
  @inline(__always) @usableFromInline func tail(_ offset: Int, _ count: Int) -> UInt64 {
    if count <= 0 { return 0 }
    if offset &+ 8 <= byteCount {
      let mask = count >= 8 ? UInt64.max : (1 &<< UInt64(count &* 8)) &- 1
      return word(offset) & mask
    }
    var value: UInt64 = 0
    for place in 0..<Swift.min(count, 8) { value |= UInt64(fast(offset &+ place)) &<< UInt64(place &* 8) }
    return value
  }

  /// The length of the well-formed UTF-8 sequence at `offset`; 0 if there is none (Unicode, table 3-7).
  func utf8Sequence(at offset: Int) -> Int {
    let left = byteCount &- offset
    let first = fast(offset)
    if first < 0x80 { return 1 }
    guard left >= 2 else { return 0 }
    let second = fast(offset &+ 1)
    switch first {
    case 0xC2...0xDF: return second & 0xC0 == 0x80 ? 2 : 0
    case 0xE0...0xEF:
      guard left >= 3, fast(offset &+ 2) & 0xC0 == 0x80 else { return 0 }
      let low: UInt8 = first == 0xE0 ? 0xA0 : 0x80
      let high: UInt8 = first == 0xED ? 0x9F : 0xBF
      return second >= low && second <= high ? 3 : 0
    case 0xF0...0xF4:
      guard left >= 4, fast(offset &+ 2) & 0xC0 == 0x80, fast(offset &+ 3) & 0xC0 == 0x80 else { return 0 }
      let low: UInt8 = first == 0xF0 ? 0x90 : 0x80
      let high: UInt8 = first == 0xF4 ? 0x8F : 0xBF
      return second >= low && second <= high ? 4 : 0
    default: return 0
    }
  }
}

/// Whether the bytes are well-formed UTF-8.
public func isUTF8(_ bytes: RawSpan) -> Bool {
  var offset = 0
  while offset < bytes.byteCount {
    if offset &+ 8 <= bytes.byteCount, bytes.word(offset) & 0x8080_8080_8080_8080 == 0 {
      offset &+= 8
      continue
    }
    let length = bytes.utf8Sequence(at: offset)
    guard length > 0 else { return false }
    offset &+= length
  }
  return true
}

extension [UInt8] {
  @usableFromInline mutating func add(_ span: RawSpan) {
    // Safe: the pointer is used only inside the closure, while the span lives.
    unsafe span.withUnsafeBytes { unsafe append(contentsOf: $0) }
  }

  @usableFromInline mutating func add(_ text: StaticString) {
    // Safe: the pointer is to a literal, which lives for ever.
    unsafe append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  var span8: RawSpan {
    @_lifetime(borrow self)
    get {
      // Safe: every byte of an array of bytes is initialised, and the lifetime ties the span to the array.
      unsafe span.bytes
    }
  }
}
