/// A command on an event.
public enum EventCommand: Equatable, Sendable {
  /// `incarnation`: random bits that came in with the command.
  case create(EventDefinition, incarnation: UInt64)

  public enum Kind: UInt8, Sendable, CaseIterable {
    case create = 0x10

    var randomRange: Range<Int> {
      switch self {
      case .create: 0..<8
      }
    }
  }

  public var kind: Kind {
    switch self {
    case .create: .create
    }
  }

  func encodeBody(into out: inout [UInt8]) {
    switch self {
    case .create(let definition, let incarnation):
      out.put(incarnation)
      definition.encode(into: &out)
    }
  }

  /// Reads the body of a record of this kind.
  public init(_ kind: Kind, decoding reader: inout ByteReader) throws(DecodeError) {
    switch kind {
    case .create:
      let incarnation = try reader.u64()
      self = .create(try EventDefinition(decoding: &reader), incarnation: incarnation)
    }
  }
}
