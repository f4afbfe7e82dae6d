/// Some bytes of a message's head, in a buffer that someone else keeps: 0-based offsets from the start of the message.
/// Two bytes each, because heads are moved around a lot: `HTTPLimits` keeps heads below 64 KiB.
public struct ByteRange: Equatable, Sendable {
  public var start: UInt16
  public var end: UInt16

  @inlinable public init(_ start: Int, _ end: Int) {
    assert(start >= 0 && end >= start && end <= UInt16.max)
    (self.start, self.end) = (UInt16(truncatingIfNeeded: start), UInt16(truncatingIfNeeded: end))
  }

  @inlinable public static var none: ByteRange { ByteRange(0, 0) }
  /// Nothing there. A header that is there with an empty value has a start above 0.
  @inlinable public var isAbsent: Bool { end == 0 }
  @inlinable public var count: Int { Int(end &- start) }
  @inlinable public var isEmpty: Bool { start == end }
  @inlinable public var range: Range<Int> { Int(start)..<Int(end) }

  /// The bytes themselves. `message` must be the buffer that was parsed, from the same start.
  @_lifetime(copy message)
  @inlinable public func bytes(in message: RawSpan) -> RawSpan { message.extracting(range) }
}

extension RawSpan {
  /// One byte, checked.
  @inlinable func at(_ offset: Int) -> UInt8 {
    precondition(offset >= 0 && offset < byteCount, "an offset outside of the message")
    // Safe: checked in the line above.
    return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
  }

  /// One byte; the caller has compared the offset with the count.
  @inline(__always) func fast(_ offset: Int) -> UInt8 {
    assert(offset >= 0 && offset < byteCount)
    // Safe: every caller loops below a bound that it compared with the count; checked in debug builds.
    return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
  }

  /// Four bytes, letters in lower case; the caller knows that `offset + 4` is not past the end.
  @inline(__always) func lowerHalf(_ offset: Int) -> UInt32 {
    assert(offset >= 0 && offset &+ 4 <= byteCount)
    // Safe: see `fast`.
    let half = unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt32.self)
    return UInt32(littleEndian: half) | 0x2020_2020
  }

  /// Eight bytes; the caller knows that `offset + 8` is not past the end.
  @inline(__always) func word(_ offset: Int) -> UInt64 {
    assert(offset >= 0 && offset &+ 8 <= byteCount)
    // Safe: see `fast`.
    return UInt64(littleEndian: unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
  }

  /// Whether the bytes are these, ASCII letters compared without case. `text` is lower case.
  @usableFromInline func equalsIgnoringCase(_ text: StaticString) -> Bool {
    guard byteCount == text.utf8CodeUnitCount else { return false }
    // Safe: the pointer is to a literal, which lives for ever, and the counts are equal.
    let wanted = unsafe UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    for offset in 0..<byteCount {
      var byte = fast(offset)
      if byte &- 0x41 < 26 { byte |= 0x20 }
      // Safe: `offset` is below the count.
      if unsafe wanted[offset] != byte { return false }
    }
    return true
  }

  /// Whether the bytes are exactly these.
  public func isExactly(_ text: StaticString) -> Bool {
    guard byteCount == text.utf8CodeUnitCount else { return false }
    // Safe: the pointer is to a literal, which lives for ever, and the counts are equal.
    let wanted = unsafe UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    // Safe: `offset` is below both counts.
    for offset in 0..<byteCount where unsafe wanted[offset] != fast(offset) { return false }
    return true
  }
}

extension [UInt8] {
  @inlinable mutating func add(_ span: RawSpan) {
    // Safe: the pointer is used only inside the closure, while the span lives.
    unsafe span.withUnsafeBytes { unsafe append(contentsOf: $0) }
  }

  @inlinable mutating func add(_ text: StaticString) {
    // Safe: the pointer is to a literal, which lives for ever.
    unsafe append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  @inlinable mutating func addDecimal(_ value: Int) {
    if value < 0 { append(UInt8(ascii: "-")) }
    var rest = value.magnitude
    let start = count
    repeat {
      append(UInt8(truncatingIfNeeded: 0x30 + rest % 10))
      rest /= 10
    } while rest > 0
    self[(value < 0 ? start : start)...].reverse()
  }
}
