public import Octets
public import Time

// A hold that was got is the most frequent of all outcomes and replies. Its bytes are written and read here, in one
// piece each, whatever they stand in.

extension Outcome.Held {
  /// Layout, little-endian: the hold's id (20 bytes), `expiresAt: i64`, `total: i64`, `version: u64`.
  @usableFromInline enum Offset {
    @inlinable static var id: Int { 0 }
    @inlinable static var expiresAt: Int { 20 }
    @inlinable static var total: Int { 28 }
    @inlinable static var version: Int { 36 }
  }
  @usableFromInline static var byteCount: Int { 44 }

  @inlinable @inline(__always) func put(into piece: inout Piece) {
    id.put(into: &piece)
    piece.put(expiresAt)
    piece.put(total)
    piece.put(version)
  }

  func encode(into out: inout [UInt8]) { out.putPiece(bytesMax: Self.byteCount) { put(into: &$0) } }

  /// Reads the bytes from `offset` on; callers have checked that `byteCount` are there.
  @inlinable @inline(__always) init(_ bytes: RawSpan, at offset: Int) {
    self.init(
      id: HoldID(bytes, at: offset &+ Offset.id),
      expiresAt: Stamp(bytes.word(at: offset &+ Offset.expiresAt, Int64.self)),
      total: bytes.word(at: offset &+ Offset.total, Int64.self),
      version: bytes.word(at: offset &+ Offset.version, UInt64.self))
  }

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    self.init(try reader.bytes(Self.byteCount), at: 0)
  }
}

/// The same bytes as `Reply.outcome(.held(…))`.
extension Reply {
  /// Layout: `id: u32`, `form: u8`, the outcome's `tag: u8`, the hold.
  @usableFromInline enum HeldOffset {
    @inlinable static var id: Int { 0 }
    @inlinable static var form: Int { 4 }
    @inlinable static var tag: Int { 5 }
    @inlinable static var held: Int { 6 }
  }
  @usableFromInline static var heldBytes: Int { 50 }

  @inlinable @inline(__always)
  public static func encode(held: Outcome.Held, id: UInt32, into out: inout [UInt8]) {
    out.putPiece(bytesMax: heldBytes) { piece in
      piece.put(id)
      piece.put(Form.outcome.rawValue)
      piece.put(Outcome.Tag.held.rawValue)
      held.put(into: &piece)
    }
  }
}

extension ByteReader {
  /// Whether the next entry of a `replies` frame is a yes to a hold.
  @inlinable @inline(__always) var isAtHeldReply: Bool {
    bytesLeft >= Reply.heldBytes
      && span.word(at: offset &+ Reply.HeldOffset.form, UInt8.self) == Reply.Form.outcome.rawValue
      && span.word(at: offset &+ Reply.HeldOffset.tag, UInt8.self) == Outcome.Tag.held.rawValue
  }

  /// The next entry of a `replies` frame if it is a yes to a hold: read with one look at the bounds, and without making
  /// a `Reply`, whose other cases are large. Otherwise nil, and nothing was read.
  @inlinable public mutating func heldReply() -> (id: UInt32, held: Outcome.Held)? {
    guard isAtHeldReply else { return nil }
    let id = span.word(at: offset &+ Reply.HeldOffset.id, UInt32.self)
    let held = Outcome.Held(span, at: offset &+ Reply.HeldOffset.held)
    offset &+= Reply.heldBytes
    return (id, held)
  }

  /// Whether the next entry of a `replies` frame is a yes to a hold; then the reader stands behind it, else where it
  /// stood.
  @inlinable public mutating func skipHeldReply() -> Bool {
    guard isAtHeldReply else { return false }
    offset &+= Reply.heldBytes
    return true
  }
}

extension RawSpan {
  /// A little-endian integer; callers have checked that it is there.
  @inlinable @inline(__always)
  func word<T: FixedWidthInteger & BitwiseCopyable>(at offset: Int, _: T.Type) -> T {
    // Safe: the bounds are checked by callers, once for all fields, and every bit pattern is an integer.
    T(littleEndian: unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: T.self))
  }
}
