public import Octets

/// Writes replies of the Redis protocol by appending to a byte array.
extension [UInt8] {
  /// `+OK`. The text must have no line break.
  @inlinable public mutating func putSimple(_ text: StaticString) {
    append(0x2B)
    putText(text)
    putLineEnd()
  }

  /// `-CODE text`. Line breaks in `text`, which may come from outside, are written as spaces.
  public mutating func putError(_ code: StaticString, _ text: RawSpan) {
    append(0x2D)
    putText(code)
    if text.byteCount > 0 { append(0x20) }
    let start = count
    put(text)
    for place in start..<count where self[place] < 0x20 { self[place] = 0x20 }
    putLineEnd()
  }

  public mutating func putError(_ code: StaticString, _ text: StaticString = "") {
    append(0x2D)
    putText(code)
    if text.utf8CodeUnitCount > 0 { append(0x20) }
    putText(text)
    putLineEnd()
  }

  public mutating func putError(_ error: RESPError) {
    append(0x2D)
    append(contentsOf: "ERR ".utf8)
    append(contentsOf: error.message.description.utf8)
    putLineEnd()
  }

  @inlinable public mutating func putInteger(_ value: Int64) {
    append(0x3A)
    putDecimal(value)
    putLineEnd()
  }

  @inlinable public mutating func putBulk(_ bytes: RawSpan) {
    append(0x24)
    putDecimal(Int64(bytes.byteCount))
    putLineEnd()
    put(bytes)
    putLineEnd()
  }

  @inlinable public mutating func putBulk(_ text: StaticString) {
    append(0x24)
    putDecimal(Int64(text.utf8CodeUnitCount))
    putLineEnd()
    putText(text)
    putLineEnd()
  }

  /// A bulk string of known length that the caller appends, followed by `putLineEnd()`.
  @inlinable public mutating func putBulkHeader(byteCount: Int) {
    append(0x24)
    putDecimal(Int64(byteCount))
    putLineEnd()
  }

  /// Nothing there: `_` in RESP3, a null bulk string in RESP2.
  @inlinable public mutating func putNull(_ version: RESPVersion) {
    putText(version == .three ? "_" : "$-1")
    putLineEnd()
  }

  /// The header of an array of `count` values, which follow.
  @inlinable public mutating func putArray(_ count: Int) {
    append(0x2A)
    putDecimal(Int64(count))
    putLineEnd()
  }

  /// The header of a map of `pairs` keys with their values, which follow; in RESP2 a flat array.
  @inlinable public mutating func putMap(_ pairs: Int, _ version: RESPVersion) {
    append(version == .three ? 0x25 : 0x2A)
    putDecimal(Int64(version == .three ? pairs : pairs * 2))
    putLineEnd()
  }

  /// The header of a message that answers no command; in RESP2 an array.
  @inlinable public mutating func putPush(_ count: Int, _ version: RESPVersion) {
    append(version == .three ? 0x3E : 0x2A)
    putDecimal(Int64(count))
    putLineEnd()
  }

  /// A client's command: the header of an array of `count` bulk strings, which follow.
  @inlinable public mutating func putCommand(_ count: Int) { putArray(count) }

  @inlinable public mutating func putLineEnd() {
    append(0x0D)
    append(0x0A)
  }

  /// Appends a literal's bytes as they are.
  @inlinable public mutating func putText(_ text: StaticString) {
    // Safe: the pointer is to a literal, which lives for ever.
    unsafe append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

}

/// Which form of the protocol a connection chose with HELLO.
public enum RESPVersion: UInt8, Sendable { case two = 2, three }
