public import Octets

/// A command on an event.
public enum EventCommand: Equatable, Sendable {
  /// `incarnation`: random bits that came in with the command.
  case create(EventDefinition, incarnation: UInt64)
  /// Gives the event other terms.
  case set(EventRef, TermsChange)
  /// Takes seats and places off sale, or puts them back: all or nothing.
  case block(EventRef, SeatBlock)
  /// Takes the event away with all that belongs to it, unless somebody has something of it and it is not forced.
  case delete(id: Bytes, isForced: Bool)

  public enum Kind: UInt8, Sendable, CaseIterable {
    case create = 0x10
    case set = 0x11
    case block = 0x12
    case delete = 0x13

    var randomRange: Range<Int> {
      switch self {
      case .create: 0..<8
      case .set, .block, .delete: 0..<0
      }
    }
  }

  public var kind: Kind {
    switch self {
    case .create: .create
    case .set: .set
    case .block: .block
    case .delete: .delete
    }
  }

  func encodeBody(into out: inout [UInt8]) {
    switch self {
    case .create(let definition, let incarnation):
      out.put(incarnation)
      definition.encode(into: &out)
    case .set(let event, let change):
      event.encode(into: &out)
      change.encode(into: &out)
    case .block(let event, let block):
      event.encode(into: &out)
      block.encode(into: &out)
    case .delete(let id, let isForced):
      out.putShort(id)
      out.append(isForced ? 1 : 0)
    }
  }

  /// Reads the body of a record of this kind.
  public init(_ kind: Kind, decoding reader: inout ByteReader) throws(DecodeError) {
    switch kind {
    case .create:
      let incarnation = try reader.u64()
      self = .create(try EventDefinition(decoding: &reader), incarnation: incarnation)
    case .set:
      let event = try EventRef(decoding: &reader)
      self = .set(event, try TermsChange(decoding: &reader))
    case .block:
      let event = try EventRef(decoding: &reader)
      self = .block(event, try SeatBlock(decoding: &reader))
    case .delete:
      let id = try reader.shortBytes()
      self = .delete(id: id, isForced: try reader.isPresent())
    }
  }
}
