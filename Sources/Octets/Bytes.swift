/// UTF-8 text as it came in: an id, a label, a buyer, a key. Compared and ordered by byte, never by canonical
/// equivalence, because `String` says that é equals e + U+0301 and two replicas must not depend on a Unicode version.
public struct Bytes: Hashable, Sendable, Comparable, ExpressibleByStringLiteral, CustomStringConvertible {
  public var array: [UInt8]

  @inlinable public init(_ array: [UInt8] = []) { self.array = array }
  @inlinable public init(stringLiteral value: String) { array = Array(value.utf8) }
  public init(_ text: String) { array = Array(text.utf8) }

  @inlinable public init(_ span: RawSpan) {
    // Safe: the pointer is used only inside the closure, while the span lives.
    array = unsafe span.withUnsafeBytes { unsafe [UInt8]($0) }
  }

  @inlinable public var count: Int { array.count }
  @inlinable public var isEmpty: Bool { array.isEmpty }
  /// For messages and tests; bytes that are not UTF-8 are repaired.
  public var description: String { String(decoding: array, as: UTF8.self) }
  @inlinable public var rawSpan: RawSpan {
    @_lifetime(borrow self)
    get { array.rawSpan }
  }

  @inlinable public static func < (a: Bytes, b: Bytes) -> Bool { a.array.lexicographicallyPrecedes(b.array) }
}

extension RawSpan {
  /// Whether two spans hold the same bytes.
  @inlinable public func equals(_ other: RawSpan) -> Bool {
    guard byteCount == other.byteCount else { return false }
    for offset in 0..<byteCount {
      // Safe: both spans have `byteCount` bytes.
      let mine = unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      let theirs = unsafe other.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      if mine != theirs { return false }
    }
    return true
  }
}
