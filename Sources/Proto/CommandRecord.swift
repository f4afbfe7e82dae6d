/// A command with its idempotency key, as it travels from router to primary and stands in the log: the same bytes.
///
/// Layout, little-endian: `kind: u8`, `flags: u8`, `keyBytes: u8`, `0: u8`, `bodyBytes: u32`, the key, the body. Flag bit 0: the
/// key was made by a router, not by the client.
public struct CommandRecord: ~Escapable {
  public static var headerBytes: Int { 8 }
  public static var keyBytesMax: Int { 255 }
  public static var bodyBytesMax: Int { EventDefinition.Limit.encodedBytes + 16 }

  public let kind: CommandKind
  /// The router made the key, because the client gave none: kept for 60 s, refusals under it are not kept at all.
  public let keyIsFromRouter: Bool
  /// Empty: no key (records that the primary wrote itself).
  public let key: RawSpan
  public let body: RawSpan
  /// The whole record.
  public let bytes: RawSpan

  /// Takes the next record off the reader.
  @_lifetime(copy reader)
  @inlinable public init(decoding reader: inout ByteReader) throws(DecodeError) {
    let start = reader
    var reading = reader
    guard let kind = CommandKind(rawValue: try reading.u8()) else { throw .invalid(field: "command kind") }
    let flags = try reading.u8()
    guard flags & ~1 == 0 else { throw .invalid(field: "command flags") }
    let keyBytes = Int(try reading.u8())
    guard try reading.u8() == 0 else { throw .invalid(field: "command padding") }
    let bodyBytes = try reading.count(limit: CommandRecord.bodyBytesMax, field: "command body")
    var whole = start
    self.kind = kind
    keyIsFromRouter = flags & 1 != 0
    key = try reading.bytes(keyBytes)
    body = try reading.bytes(bodyBytes)
    bytes = try whole.bytes(CommandRecord.headerBytes + keyBytes + bodyBytes)
    reader = whole
  }

  /// Starts a record in `out`: writes header and key, then what `body` writes, then the body's length.
  @inlinable public static func encode(
    _ kind: CommandKind, key: RawSpan, keyIsFromRouter: Bool, into out: inout [UInt8],
    body: (inout [UInt8]) -> Void
  ) {
    precondition(key.byteCount <= keyBytesMax, "a key has at most 255 bytes: check it at the door")
    out.append(kind.rawValue)
    out.append(keyIsFromRouter ? 1 : 0)
    out.append(UInt8(truncatingIfNeeded: key.byteCount))
    out.append(0)
    let lengthAt = out.count
    out.put(UInt32(0))
    out.put(key)
    let bodyAt = out.count
    body(&out)
    out.patch(UInt32(out.count - bodyAt), at: lengthAt)
  }

  /// What a retry must have in common with the first: kind and arguments, random bits excluded.
  public var argumentsHash: UInt64 {
    let random: Range<Int>
    switch kind {
    case .hold, .holdBest: random = HoldView.secretRange
    case .createEvent: random = 0..<8
    case .checkout: random = 20..<28
    case .release, .extend, .confirm, .cancel, .tick, .openEpoch: random = 0..<0
    }
    guard random.upperBound <= body.byteCount else { return stableHash(body, seed: UInt64(kind.rawValue)) }
    let head = stableHash(body.extracting(0..<random.lowerBound), seed: UInt64(kind.rawValue))
    return stableHash(body.extracting(random.upperBound..<body.byteCount), seed: head)
  }
}

/// A hold command's body, read in place: the hot path's form of `Command.Hold`.
///
/// Layout: `slot: u32`, `incarnation: u64`, `ttl: u32`, `secret: u64`, `buyerBytes: u8`, `areaCount: u8`, `seatCount: u16`, the
/// buyer, seats (`u32` each), areas (`index: u16`, `count: u32` each).
public struct HoldView: ~Escapable {
  public let event: EventRef
  public let ttl: UInt32
  public let secret: UInt64
  public let buyer: RawSpan
  public let seatCount: Int
  public let areaCount: Int
  @usableFromInline let seatBytes: RawSpan
  @usableFromInline let areaBytes: RawSpan

  @usableFromInline static var secretRange: Range<Int> { 16..<24 }

  @_lifetime(copy body)
  @inlinable public init(decoding body: RawSpan) throws(DecodeError) {
    var reader = ByteReader(body)
    let slot = EventSlot(try reader.u32())
    event = EventRef(slot: slot, incarnation: try reader.u64())
    ttl = try reader.u32()
    secret = try reader.u64()
    let buyerBytes = Int(try reader.u8())
    areaCount = Int(try reader.u8())
    seatCount = Int(try reader.u16())
    buyer = try reader.bytes(buyerBytes)
    seatBytes = try reader.bytes(seatCount &* 4)
    areaBytes = try reader.bytes(areaCount &* 6)
    try reader.finish()
  }

  @inlinable public func seat(_ place: Int) -> SeatIndex {
    precondition(place >= 0 && place < seatCount, "callers loop over seatCount")
    // Safe: `seatBytes` holds four bytes for each of `seatCount` seats.
    return SeatIndex(
      UInt32(littleEndian: unsafe seatBytes.unsafeLoadUnaligned(fromUncheckedByteOffset: place &* 4, as: UInt32.self)))
  }

  @inlinable public func area(_ place: Int) -> AreaCount {
    precondition(place >= 0 && place < areaCount, "callers loop over areaCount")
    // Safe: `areaBytes` holds six bytes for each of `areaCount` areas.
    let index = unsafe areaBytes.unsafeLoadUnaligned(fromUncheckedByteOffset: place &* 6, as: UInt16.self)
    let count = unsafe areaBytes.unsafeLoadUnaligned(fromUncheckedByteOffset: place &* 6 &+ 2, as: UInt32.self)
    return AreaCount(area: AreaIndex(UInt16(littleEndian: index)), count: UInt32(littleEndian: count))
  }

  /// Seats that one hold may name: what the layout's `u16` carries.
  public static var seatsMax: Int { 65_535 }
  public static var areasMax: Int { 255 }
}
