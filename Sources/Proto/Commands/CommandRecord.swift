public import Octets

/// A command with its idempotency key, as it travels from router to primary and stands in the log: the same bytes.
///
/// Layout, little-endian: `kind: u8`, `flags: u8`, `keyBytes: u8`, `actorBytes: u8`, `bodyBytes: u32`, the key, the
/// actor, the body. Flag bit 0: the key was made by a router, not by the client. A plain hold (`kind` `hold`) has no
/// actor: `actorBytes` is 0.
public struct CommandRecord: ~Escapable {
  public static var headerBytes: Int { 8 }
  public static var keyBytesMax: Int { 255 }
  /// Of a key that a router makes.
  public static var routerKeyBytes: Int { 16 }
  public static var actorBytesMax: Int { 64 }
  public static var bodyBytesMax: Int { EventDefinition.Limit.encodedBytes + 16 }

  public let kind: CommandKind
  /// The router made the key, because the client gave none: kept for 60 s, refusals under it are not kept at all.
  public let keyIsFromRouter: Bool
  /// Empty: no key (records that the primary wrote itself).
  public let key: RawSpan
  /// Who asked; empty: unknown, or a plain hold.
  public let actor: RawSpan
  public let body: RawSpan
  /// The whole record.
  public let bytes: RawSpan

  /// Takes the next record off the reader.
  @_lifetime(copy reader)
  @inlinable public init(decoding reader: inout ByteReader) throws(DecodeError) {
    // The header as one word: this is done for every record, on every replica.
    var reading = reader
    let header = try reading.u64()
    guard let kind = CommandKind(rawValue: UInt8(truncatingIfNeeded: header)) else {
      throw .invalid(field: "command kind")
    }
    guard header & 0xFE00 == 0 else { throw .invalid(field: "command flags") }
    let keyBytes = Int(header >> 16 & 0xFF)
    let actorBytes = Int(header >> 24 & 0xFF)
    if actorBytes > 0, kind == .hold || actorBytes > CommandRecord.actorBytesMax {
      throw .invalid(field: "command actor")
    }
    let bodyBytes = Int(header >> 32)
    guard bodyBytes <= CommandRecord.bodyBytesMax else {
      throw .oversize(field: "command body", value: UInt64(bodyBytes), limit: UInt64(CommandRecord.bodyBytesMax))
    }
    bytes = try reader.bytes(CommandRecord.headerBytes &+ keyBytes &+ actorBytes &+ bodyBytes)
    self.kind = kind
    keyIsFromRouter = header & 0x100 != 0
    let actorAt = CommandRecord.headerBytes &+ keyBytes
    let bodyAt = actorAt &+ actorBytes
    // Safe: the record has so many bytes.
    key = unsafe bytes.extracting(unchecked: Range(uncheckedBounds: (CommandRecord.headerBytes, actorAt)))
    actor = unsafe bytes.extracting(unchecked: Range(uncheckedBounds: (actorAt, bodyAt)))
    body = unsafe bytes.extracting(unchecked: Range(uncheckedBounds: (bodyAt, bodyAt &+ bodyBytes)))
  }

  /// Appends a record: header, key and actor, then what `body` writes.
  @inlinable public static func encode(
    _ kind: CommandKind, key: RawSpan, keyIsFromRouter: Bool, actor: RawSpan = RawSpan(), into out: inout [UInt8],
    body: (inout [UInt8]) -> Void
  ) {
    let start = encodeHead(kind, keyBytes: key.byteCount, keyIsFromRouter, actorBytes: actor.byteCount, into: &out)
    out.put(key)
    out.put(actor)
    encodeBody(of: start, into: &out, body)
  }

  /// As above, under a router's key of two words.
  @inlinable public static func encode(
    _ kind: CommandKind, routerKey: (UInt64, UInt64), actor: RawSpan = RawSpan(), into out: inout [UInt8],
    body: (inout [UInt8]) -> Void
  ) {
    let start = encodeHead(kind, keyBytes: 16, true, actorBytes: actor.byteCount, into: &out)
    out.put(routerKey.0)
    out.put(routerKey.1)
    out.put(actor)
    encodeBody(of: start, into: &out, body)
  }

  /// Appends what stands before a body of so many bytes.
  public static func encodeHead(
    _ kind: CommandKind, key: RawSpan, keyIsFromRouter: Bool, bodyBytes: Int, into out: inout [UInt8]
  ) {
    out.putPiece(bytesMax: headerBytes) {
      putHead(
        kind, keyBytes: key.byteCount, keyIsFromRouter: keyIsFromRouter, actorBytes: 0, bodyBytes: bodyBytes, into: &$0)
    }
    out.put(key)
  }

  /// The header of every record.
  @inlinable @inline(__always) static func putHead(
    _ kind: CommandKind, keyBytes: Int, keyIsFromRouter: Bool, actorBytes: Int, bodyBytes: Int, into piece: inout Piece
  ) {
    precondition(keyBytes <= keyBytesMax, "a key has at most 255 bytes: check it at the door")
    precondition(
      actorBytes <= (kind == .hold ? 0 : actorBytesMax), "an actor has at most 64 bytes: check it at the door")
    piece.put(kind.rawValue)
    piece.put(UInt8(keyIsFromRouter ? 1 : 0))
    piece.put(UInt8(truncatingIfNeeded: keyBytes))
    piece.put(UInt8(truncatingIfNeeded: actorBytes))
    piece.put(UInt32(truncatingIfNeeded: bodyBytes))
  }

  /// The header, whose length is filled in by `encodeBody`. Returns where it starts.
  @usableFromInline static func encodeHead(
    _ kind: CommandKind, keyBytes: Int, _ keyIsFromRouter: Bool, actorBytes: Int, into out: inout [UInt8]
  ) -> Int {
    let start = out.count
    out.putPiece(bytesMax: headerBytes) {
      putHead(
        kind, keyBytes: keyBytes, keyIsFromRouter: keyIsFromRouter, actorBytes: actorBytes, bodyBytes: 0, into: &$0)
    }
    return start
  }

  @inlinable static func encodeBody(of start: Int, into out: inout [UInt8], _ body: (inout [UInt8]) -> Void) {
    let bodyAt = out.count
    body(&out)
    out.patch(UInt32(out.count - bodyAt), at: start + 4)
  }

  /// What a retry must have in common with the first: kind and arguments, random bits excluded.
  public var argumentsHash: UInt64 {
    let random = kind.randomRange
    guard random.upperBound <= body.byteCount else { return stableHash(body, seed: UInt64(kind.rawValue)) }
    let head = stableHash(body.extracting(0..<random.lowerBound), seed: UInt64(kind.rawValue))
    return stableHash(body.extracting(random.upperBound..<body.byteCount), seed: head)
  }
}

/// A hold command's body, read in place: the hot path's form of `Command.Hold`.
///
/// Layout: `slot: u32`, `incarnation: u64`, `ttl: u32`, `secret: u64`, `buyerBytes: u8`, `areaCount: u8`, `seatCount:
/// u16`, the buyer, seats (`u32` each), areas (`index: u16`, `count: u32` each).
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
    guard body.byteCount >= HoldView.fixedBytes else {
      throw .truncated(bytesNeeded: HoldView.fixedBytes, bytesAvailable: body.byteCount)
    }
    // Safe: the fixed fields are there.
    let slot = unsafe UInt32(littleEndian: body.unsafeLoadUnaligned(fromUncheckedByteOffset: 0, as: UInt32.self))
    let incarnation = unsafe body.unsafeLoadUnaligned(fromUncheckedByteOffset: 4, as: UInt64.self)
    event = EventRef(slot: EventSlot(slot), incarnation: UInt64(littleEndian: incarnation))
    ttl = unsafe UInt32(littleEndian: body.unsafeLoadUnaligned(fromUncheckedByteOffset: 12, as: UInt32.self))
    secret = unsafe UInt64(littleEndian: body.unsafeLoadUnaligned(fromUncheckedByteOffset: 16, as: UInt64.self))
    let counts = unsafe UInt32(littleEndian: body.unsafeLoadUnaligned(fromUncheckedByteOffset: 24, as: UInt32.self))
    areaCount = Int(counts >> 8 & 0xFF)
    seatCount = Int(counts >> 16)
    let seatsAt = HoldView.fixedBytes &+ Int(counts & 0xFF)
    let areasAt = seatsAt &+ seatCount &* 4
    let end = areasAt &+ areaCount &* 6
    guard body.byteCount == end else {
      if body.byteCount > end { throw .trailing(byteCount: body.byteCount &- end) }
      throw .truncated(bytesNeeded: end, bytesAvailable: body.byteCount)
    }
    // Safe: the places follow each other, and the last is the body's end.
    buyer = unsafe body.extracting(unchecked: Range(uncheckedBounds: (HoldView.fixedBytes, seatsAt)))
    seatBytes = unsafe body.extracting(unchecked: Range(uncheckedBounds: (seatsAt, areasAt)))
    areaBytes = unsafe body.extracting(unchecked: Range(uncheckedBounds: (areasAt, end)))
  }

  @usableFromInline static var fixedBytes: Int { 28 }

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
