public import Octets

/// A command on a hold.
public enum HoldCommand: Equatable, Sendable {
  case release
  /// `ttl` in seconds, counted from now.
  case extend(ttl: UInt32)
  /// `secret`: random bits of the order's id. `reference`: the shop's own name for the order, at most
  /// `OrderInfo.referenceBytesMax` bytes.
  case checkout(secret: UInt64, reference: Bytes)

  public enum Kind: UInt8, Sendable, CaseIterable {
    case release = 0x30
    case extend = 0x31
    case checkout = 0x32

    var randomRange: Range<Int> {
      switch self {
      case .release, .extend: 0..<0
      case .checkout: HoldID.byteCount..<(HoldID.byteCount + 8)
      }
    }
  }

  public var kind: Kind {
    switch self {
    case .release: .release
    case .extend: .extend
    case .checkout: .checkout
    }
  }

  /// The same command with these random bits, if it needs any: doors leave them 0.
  public func with(randomBits: UInt64) -> HoldCommand {
    switch self {
    case .release, .extend: self
    case .checkout(_, let reference): .checkout(secret: randomBits, reference: reference)
    }
  }

  /// What stands behind the hold's id.
  func encodeArguments(into out: inout [UInt8]) {
    switch self {
    case .release: break
    case .extend(let ttl): out.put(ttl)
    case .checkout(let secret, let reference):
      out.put(secret)
      out.putShort(reference)
    }
  }

  init(_ kind: Kind, arguments reader: inout ByteReader) throws(DecodeError) {
    switch kind {
    case .release: self = .release
    case .extend: self = .extend(ttl: try reader.u32())
    case .checkout:
      let secret = try reader.u64()
      let reference = try reader.shortBytes()
      guard reference.count <= OrderInfo.referenceBytesMax else { throw .invalid(field: "reference") }
      self = .checkout(secret: secret, reference: reference)
    }
  }

  /// Reads a record's whole body.
  public static func decode(_ kind: Kind, body: RawSpan) throws(DecodeError) -> (HoldID, HoldCommand) {
    var reader = ByteReader(body)
    let id = try HoldID(decoding: &reader)
    let command = try HoldCommand(kind, arguments: &reader)
    try reader.finish()
    return (id, command)
  }
}
