public import Octets

/// One of the cluster's fixed number of shards, 0-based.
public struct ShardID: Hashable, Sendable, Comparable {
  public let rawValue: UInt16
  @inlinable public init(_ rawValue: UInt16) { self.rawValue = rawValue }
  @inlinable public static func < (a: ShardID, b: ShardID) -> Bool { a.rawValue < b.rawValue }

  /// The shard an event lives on: CRC32C of the id's bytes, modulo the number of shards.
  public static func owning(event id: RawSpan, shardCount: Int) -> ShardID {
    ShardID(UInt16(crc32c(id) % UInt32(shardCount)))
  }
}

/// A shard's own number for an event: 0 for the first one created on it. Same on every replica, because it follows from
/// the log. Names the event in commands together with its incarnation.
public struct EventSlot: Hashable, Sendable {
  public let rawValue: UInt32
  @inlinable public init(_ rawValue: UInt32) { self.rawValue = rawValue }
}

/// Which event a command means, by its shard's slot, and the random bits that were drawn when the event was created: a
/// plan that was read before a restore from backup cannot name the wrong seat.
public struct EventRef: Hashable, Sendable {
  public var slot: EventSlot
  public var incarnation: UInt64
  @inlinable public init(slot: EventSlot, incarnation: UInt64) {
    self.slot = slot
    self.incarnation = incarnation
  }
}

/// 0-based place of a seat in its event's plan, across sections and rows; a count of seats is a plain `Int`.
public struct SeatIndex: Hashable, Sendable, Comparable {
  public let rawValue: UInt32
  @inlinable public init(_ rawValue: UInt32) { self.rawValue = rawValue }
  @inlinable public static func < (a: SeatIndex, b: SeatIndex) -> Bool { a.rawValue < b.rawValue }
}

/// 0-based place of an area in its event.
public struct AreaIndex: Hashable, Sendable, Comparable {
  public let rawValue: UInt16
  @inlinable public init(_ rawValue: UInt16) { self.rawValue = rawValue }
  @inlinable public static func < (a: AreaIndex, b: AreaIndex) -> Bool { a.rawValue < b.rawValue }
}

/// 0-based place of a category in its event.
public struct CategoryIndex: Hashable, Sendable, Comparable {
  public let rawValue: UInt16
  @inlinable public init(_ rawValue: UInt16) { self.rawValue = rawValue }
  @inlinable public static func < (a: CategoryIndex, b: CategoryIndex) -> Bool { a.rawValue < b.rawValue }
}

/// What a hold's and an order's id have in common.
///
/// Layout, little-endian, 20 bytes: `shard: u16`, `slot: u32`, `sequence: u48`, `secret: u64`. The slot finds the
/// entry, the sequence number tells a dead entry from one that was never issued, the secret keeps others from guessing
/// it.
public protocol ShardedID: Hashable, Sendable, CustomStringConvertible {
  var shard: ShardID { get }
  var slot: UInt32 { get }
  var sequence: UInt64 { get }
  var secret: UInt64 { get }
  init(shard: ShardID, slot: UInt32, sequence: UInt64, secret: UInt64)
  /// `h` or `o`: the letter before the underscore.
  static var letter: UInt8 { get }
}

/// Names a hold. Written `h_` and 32 characters.
public struct HoldID: ShardedID {
  public var shard: ShardID
  public var slot: UInt32
  public var sequence: UInt64
  public var secret: UInt64
  @inlinable public static var letter: UInt8 { UInt8(ascii: "h") }
  @inlinable public init(shard: ShardID, slot: UInt32, sequence: UInt64, secret: UInt64) {
    (self.shard, self.slot, self.sequence, self.secret) = (shard, slot, sequence, secret)
  }
}

/// Names an order. Written `o_` and 32 characters; has the slot and sequence number of the hold it came from, and a
/// secret of its own.
public struct OrderID: ShardedID {
  public var shard: ShardID
  public var slot: UInt32
  public var sequence: UInt64
  public var secret: UInt64
  @inlinable public static var letter: UInt8 { UInt8(ascii: "o") }
  @inlinable public init(shard: ShardID, slot: UInt32, sequence: UInt64, secret: UInt64) {
    (self.shard, self.slot, self.sequence, self.secret) = (shard, slot, sequence, secret)
  }
}

extension ShardedID {
  /// Bytes of the encoded form.
  @inlinable public static var byteCount: Int { 20 }
  /// Bytes of the written form.
  @inlinable public static var textBytes: Int { 34 }
  /// The highest sequence number that an id can carry.
  @inlinable public static var sequenceMax: UInt64 { 1 << 48 - 1 }

  /// Layout, little-endian: `shard: u16`, `slot: u32`, `sequence: u48`, `secret: u64`.
  @inlinable @inline(__always) func put(into piece: inout Piece) {
    piece.put(shard.rawValue)
    piece.put(slot)
    piece.put(UInt32(truncatingIfNeeded: sequence))
    piece.put(UInt16(truncatingIfNeeded: sequence >> 32))
    piece.put(secret)
  }

  public func encode(into out: inout [UInt8]) { out.putPiece(bytesMax: Self.byteCount) { put(into: &$0) } }

  /// Reads the bytes from `offset` on; callers have checked that `byteCount` are there.
  @inlinable @inline(__always) init(_ bytes: RawSpan, at offset: Int) {
    let low = UInt64(bytes.word(at: offset &+ 6, UInt32.self))
    let high = UInt64(bytes.word(at: offset &+ 10, UInt16.self))
    self.init(
      shard: ShardID(bytes.word(at: offset, UInt16.self)), slot: bytes.word(at: offset &+ 2, UInt32.self),
      sequence: high << 32 | low, secret: bytes.word(at: offset &+ 12, UInt64.self))
  }

  public init(decoding reader: inout ByteReader) throws(DecodeError) {
    self.init(try reader.bytes(Self.byteCount), at: 0)
  }

  /// Appends `h_` or `o_` and the 20 bytes in Crockford's base 32, lower case.
  public func write(into out: inout [UInt8]) { out.putPiece(bytesMax: 34) { write(into: &$0) } }

  /// As above.
  @inlinable public func write(into out: inout Piece) {
    out.put(UInt16(Self.letter) | UInt16(UInt8(ascii: "_")) << 8)
    // The id's 160 bits, most significant first, in four groups of forty: eight digits each.
    let head = UInt64(shard.rawValue) << 48 | UInt64(slot) << 16 | (sequence >> 32)
    let next = (sequence & 0xFFFF_FFFF) << 32 | secret >> 32
    out.put(base32Digits(head >> 24).bigEndian)
    out.put(base32Digits((head & 0xFF_FFFF) << 16 | next >> 48).bigEndian)
    out.put(base32Digits(next >> 8 & 0xFF_FFFF_FFFF).bigEndian)
    out.put(base32Digits((next & 0xFF) << 32 | (secret & 0xFFFF_FFFF)).bigEndian)
  }

  public var description: String {
    var out: [UInt8] = []
    write(into: &out)
    return String(decoding: out, as: UTF8.self)
  }

  /// Reads the written form; nil unless it is exactly that (upper case is accepted, other spellings are not).
  public init?(text: RawSpan) {
    guard text.byteCount == Self.textBytes,
      text.byte(0) == Self.letter, text.byte(1) == UInt8(ascii: "_")
    else { return nil }
    var words: (UInt64, UInt64, UInt64) = (0, 0, 0)
    for place in 2..<34 {
      let digit = base32Value(text.byte(place))
      guard digit < 32 else { return nil }
      words.0 = words.0 << 5 | words.1 >> 59
      words.1 = words.1 << 5 | words.2 >> 59
      words.2 = words.2 << 5 | UInt64(digit)
    }
    // 160 bits lie right-aligned in 192: words.0 has the top 32.
    let shard = UInt16(truncatingIfNeeded: words.0 >> 16)
    let slot = UInt32(truncatingIfNeeded: words.0 << 16 | words.1 >> 48)
    let sequence = words.1 & 0xFFFF_FFFF_FFFF
    self.init(shard: ShardID(shard), slot: slot, sequence: sequence, secret: words.2)
  }
}

extension RawSpan {
  /// One byte; the caller has checked the length.
  fileprivate func byte(_ offset: Int) -> UInt8 {
    precondition(offset < byteCount, "the id's length is checked first")
    // Safe: checked in the line above.
    return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
  }
}

/// Forty bits as eight digits of `0123456789abcdefghjkmnpqrstvwxyz`, the first in the highest byte: all eight at once,
/// because every answer carries an id.
@inlinable func base32Digits(_ bits: UInt64) -> UInt64 {
  // Five bits into each byte: halves, quarters, eighths.
  var digits = (bits & 0xF_FFFF) | (bits >> 20) << 32
  digits = (digits & 0x0000_03FF_0000_03FF) | (digits >> 10 & 0x0000_03FF_0000_03FF) << 16
  digits = (digits & 0x001F_001F_001F_001F) | (digits >> 5 & 0x001F_001F_001F_001F) << 8
  // 1 in each byte whose value is at least `bound`.
  func atLeast(_ bound: UInt64) -> UInt64 {
    (digits &+ (0x80 &- bound) &* 0x0101_0101_0101_0101) >> 7 & 0x0101_0101_0101_0101
  }
  // `0` to `9`, then letters from `a` on, of which i, l, o and u are left out.
  return digits &+ 0x3030_3030_3030_3030 &+ atLeast(10) &* 39 &+ atLeast(18) &+ atLeast(20) &+ atLeast(22)
    &+ atLeast(27)
}

/// 0…31, or 255 for a byte that is no digit. `i`, `l`, `o`, `u` are no digits: one id has one spelling but for case.
private func base32Value(_ byte: UInt8) -> UInt8 {
  let lower = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
  switch lower {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): return lower - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "h"): return lower - UInt8(ascii: "a") + 10
  case UInt8(ascii: "j")...UInt8(ascii: "k"): return lower - UInt8(ascii: "j") + 18
  case UInt8(ascii: "m")...UInt8(ascii: "n"): return lower - UInt8(ascii: "m") + 20
  case UInt8(ascii: "p")...UInt8(ascii: "t"): return lower - UInt8(ascii: "p") + 22
  case UInt8(ascii: "v")...UInt8(ascii: "z"): return lower - UInt8(ascii: "v") + 27
  default: return 255
  }
}
