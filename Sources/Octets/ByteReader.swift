/// Why bytes from the network or the disk could not be understood.
public enum DecodeError: Error, Equatable, Sendable {
  /// The message ended before the field did.
  case truncated(bytesNeeded: Int, bytesAvailable: Int)
  /// A length, count or number is over its limit.
  case oversize(field: StaticName, value: UInt64, limit: UInt64)
  /// A field has a value that means nothing.
  case invalid(field: StaticName)
  /// Bytes follow the end of a message.
  case trailing(byteCount: Int)
  /// A checksum does not match its bytes.
  case corrupt(field: StaticName)
  /// The sender, or who wrote the file, speaks another version of the format: its processes must be of this build.
  case otherVersion(found: UInt8)
}

/// A field's name, as a literal: equatable, sendable and free to make. A `String` of more than 15 bytes is allocated,
/// and readers name a field each time that they read it.
public struct StaticName: Equatable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
  @usableFromInline let literal: StaticString
  @inlinable public init(stringLiteral value: StaticString) { literal = value }
  public var description: String { literal.description }
  public static func == (one: StaticName, other: StaticName) -> Bool { one.description == other.description }
}

/// Reads little-endian fields from a span, front to back. Every read checks its bounds; none traps.
public struct ByteReader: ~Escapable {
  /// All bytes, those that were read too: for fields at fixed places, whose reader checks the bounds once for all.
  public let span: RawSpan
  /// Offset of the next byte to read.
  public var offset = 0

  @_lifetime(copy span)
  @inlinable public init(_ span: RawSpan) { self.span = span }

  @inlinable public var bytesLeft: Int { span.byteCount - offset }

  @inlinable mutating func load<T: BitwiseCopyable & FixedWidthInteger>(_: T.Type) throws(DecodeError) -> T {
    let size = MemoryLayout<T>.size
    guard bytesLeft >= size else { throw .truncated(bytesNeeded: size, bytesAvailable: bytesLeft) }
    // Safe: the length was checked above, and every bit pattern is an integer.
    let value = unsafe span.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: T.self)
    offset &+= size
    return T(littleEndian: value)
  }

  @inlinable public mutating func u8() throws(DecodeError) -> UInt8 { try load(UInt8.self) }
  @inlinable public mutating func u16() throws(DecodeError) -> UInt16 { try load(UInt16.self) }
  @inlinable public mutating func u32() throws(DecodeError) -> UInt32 { try load(UInt32.self) }
  @inlinable public mutating func u64() throws(DecodeError) -> UInt64 { try load(UInt64.self) }
  @inlinable public mutating func i64() throws(DecodeError) -> Int64 { try load(Int64.self) }

  /// The next `count` bytes, still in place.
  @_lifetime(copy self)
  @inlinable public mutating func bytes(_ count: Int) throws(DecodeError) -> RawSpan {
    guard count >= 0, bytesLeft >= count else { throw .truncated(bytesNeeded: count, bytesAvailable: bytesLeft) }
    // Safe: so many bytes are left.
    let part = unsafe span.extracting(unchecked: Range(uncheckedBounds: (offset, offset &+ count)))
    offset &+= count
    return part
  }

  /// A `u8` length and that many bytes.
  @inlinable public mutating func shortBytes() throws(DecodeError) -> Bytes { Bytes(try bytes(Int(try u8()))) }

  /// A `u32` length, at most `limit`, and that many bytes.
  @inlinable public mutating func longBytes(limit: Int, field: StaticName) throws(DecodeError) -> Bytes {
    Bytes(try bytes(try count(limit: limit, field: field)))
  }

  /// A `u32` that counts something; over `limit` it is refused before anything is allocated for it.
  @inlinable public mutating func count(limit: Int, field: StaticName) throws(DecodeError) -> Int {
    let value = try u32()
    guard value <= limit else { throw .oversize(field: field, value: UInt64(value), limit: UInt64(limit)) }
    return Int(value)
  }

  /// Nothing may follow the message.
  @inlinable public func finish() throws(DecodeError) {
    guard bytesLeft == 0 else { throw .trailing(byteCount: bytesLeft) }
  }
}
