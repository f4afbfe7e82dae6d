/// Fields that are put together on the stack and appended to an array in one piece: one capacity check and one copy for
/// a whole record or reply, where an append for each field costs a call each. For the hot paths only.
///
/// Writing past the size that was asked for is our own bug and stops the process.
@safe public struct Piece: ~Copyable {
  @usableFromInline let base: UnsafeMutableRawPointer
  @usableFromInline let capacity: Int
  /// Bytes so far.
  @usableFromInline var count = 0

  @inlinable init(_ memory: UnsafeMutableRawBufferPointer) {
    // Safe: `putPiece` asks for at least one byte, so there is an address; the piece does not outlive the call.
    unsafe base = memory.baseAddress!
    capacity = memory.count
  }

  /// A little-endian integer.
  @inlinable @inline(__always)
  public mutating func put<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
    let size = MemoryLayout<T>.size
    precondition(capacity &- count >= size, "a piece is asked for with room for all its fields")
    // Safe: the room was checked in the line above.
    unsafe base.storeBytes(of: value.littleEndian, toByteOffset: count, as: T.self)
    count &+= size
  }

  @inlinable @inline(__always)
  public mutating func put(_ span: RawSpan) {
    let size = span.byteCount
    precondition(capacity &- count >= size, "a piece is asked for with room for all its fields")
    guard size > 0 else { return }
    // Safe: the room was checked above, and the span lives.
    unsafe span.withUnsafeBytes { unsafe (base + count).copyMemory(from: $0.baseAddress!, byteCount: size) }
    count &+= size
  }

  /// A literal's bytes as they are.
  @inlinable @inline(__always)
  public mutating func put(_ text: StaticString) {
    let size = text.utf8CodeUnitCount
    precondition(capacity &- count >= size, "a piece is asked for with room for all its fields")
    // Safe: the room was checked above; the pointer is to a literal, which lives for ever.
    unsafe (base + count).copyMemory(from: text.utf8Start, byteCount: size)
    count &+= size
  }

  /// A number's digits, two at a time.
  @inlinable @inline(__always)
  public mutating func putDecimal(_ value: Int64) {
    var rest = value.magnitude
    if value < 0 { put(UInt8(0x2D)) }
    var digits = 1
    var bound: UInt64 = 10
    while digits < 20, rest >= bound {
      digits &+= 1
      bound = digits < 20 ? bound &* 10 : bound
    }
    precondition(capacity &- count >= digits, "a piece is asked for with room for all its fields")
    var place = count &+ digits
    count = place
    while rest >= 100 {
      place &-= 2
      let pair = Int(truncatingIfNeeded: rest % 100)
      rest /= 100
      // Safe: the digits' room was checked above, and `place` counts down through it.
      unsafe base.storeBytes(of: decimalPair(pair).littleEndian, toByteOffset: place, as: UInt16.self)
    }
    if rest >= 10 {
      // Safe: as above.
      unsafe base.storeBytes(
        of: decimalPair(Int(truncatingIfNeeded: rest)).littleEndian, toByteOffset: place &- 2, as: UInt16.self)
    } else {
      // Safe: as above.
      unsafe base.storeBytes(of: 0x30 &+ UInt8(truncatingIfNeeded: rest), toByteOffset: place &- 1, as: UInt8.self)
    }
  }
}

/// Two decimal digits of a number below 100, as the bytes of a little-endian word.
@inlinable @inline(__always) func decimalPair(_ value: Int) -> UInt16 {
  let tens = UInt16(truncatingIfNeeded: (value &* 103) &>> 10)
  let ones = UInt16(truncatingIfNeeded: value) &- tens &* 10
  return 0x3030 &+ (ones &<< 8 | tens)
}

extension [UInt8] {
  /// Appends what `body` writes: at most `bytesMax` bytes, a literal of a few hundred.
  @inlinable @inline(__always)
  public mutating func putPiece(bytesMax: Int, _ body: (inout Piece) -> Void) {
    unsafe withUnsafeTemporaryAllocation(byteCount: bytesMax, alignment: 8) { memory in
      var piece = unsafe Piece(memory)
      body(&piece)
      // Safe: the first `count` bytes were written.
      unsafe append(contentsOf: UnsafeRawBufferPointer(start: piece.base, count: piece.count))
    }
  }

  /// Appends the number's digits.
  @inlinable public mutating func putDecimal(_ value: Int64) {
    if value >= 0, value < 10 {
      append(0x30 &+ UInt8(truncatingIfNeeded: value))
    } else {
      putPiece(bytesMax: 24) { $0.putDecimal(value) }
    }
  }
}
