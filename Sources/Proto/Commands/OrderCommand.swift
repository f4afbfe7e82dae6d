public import Octets

/// A command on an order.
public enum OrderCommand: Equatable, Sendable {
  case confirm
  case cancel

  public enum Kind: UInt8, Sendable, CaseIterable {
    case confirm = 0x40
    case cancel = 0x41

    var randomRange: Range<Int> {
      switch self {
      case .confirm, .cancel: 0..<0
      }
    }

    /// The first byte of `Outcome.order` with this kind, on wires and disks: one that no other outcome has, which a
    /// test holds them to.
    var outcomeNumber: UInt8 {
      switch self {
      case .confirm: 7
      case .cancel: 8
      }
    }
  }

  public var kind: Kind {
    switch self {
    case .confirm: .confirm
    case .cancel: .cancel
    }
  }

  /// What stands behind the order's id.
  func encodeArguments(into out: inout [UInt8]) {
    switch self {
    case .confirm, .cancel: break
    }
  }

  init(_ kind: Kind, arguments reader: inout ByteReader) throws(DecodeError) {
    switch kind {
    case .confirm: self = .confirm
    case .cancel: self = .cancel
    }
  }

  /// Reads a record's whole body.
  public static func decode(_ kind: Kind, body: RawSpan) throws(DecodeError) -> (OrderID, OrderCommand) {
    var reader = ByteReader(body)
    let id = try OrderID(decoding: &reader)
    let command = try OrderCommand(kind, arguments: &reader)
    try reader.finish()
    return (id, command)
  }
}
