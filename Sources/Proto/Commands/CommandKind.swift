/// A command's first byte, on wires and disks. The high half is its family: events 1, making holds 2, holds 3, orders
/// 4, queues 5, their places 6; F is the primary's own. A number is never used again for
/// something else: `retired` lists those that were used once.
public enum CommandKind: Hashable, Sendable, CustomStringConvertible {
  case event(EventCommand.Kind)
  case hold
  case holdBest
  case passHold
  case passHoldBest
  case onHold(HoldCommand.Kind)
  case onOrder(OrderCommand.Kind)
  case onQueue(QueueCommand.Kind)
  case onPlace(PlaceCommand.Kind)
  case tick
  case openEpoch

  public static let retired: Set<UInt8> = []

  @inlinable public var rawValue: UInt8 {
    switch self {
    case .event(let kind): kind.rawValue
    case .hold: 0x20
    case .holdBest: 0x21
    case .passHold: 0x22
    case .passHoldBest: 0x23
    case .onHold(let kind): kind.rawValue
    case .onOrder(let kind): kind.rawValue
    case .onQueue(let kind): kind.rawValue
    case .onPlace(let kind): kind.rawValue
    case .tick: 0xF0
    case .openEpoch: 0xF1
    }
  }

  @inlinable public init?(rawValue: UInt8) {
    // The most frequent by far.
    if rawValue == 0x20 {
      self = .hold
      return
    }
    switch rawValue {
    case 0x21: self = .holdBest
    case 0x22: self = .passHold
    case 0x23: self = .passHoldBest
    case 0xF0: self = .tick
    case 0xF1: self = .openEpoch
    default:
      if let kind = HoldCommand.Kind(rawValue: rawValue) {
        self = .onHold(kind)
      } else if let kind = OrderCommand.Kind(rawValue: rawValue) {
        self = .onOrder(kind)
      } else if let kind = EventCommand.Kind(rawValue: rawValue) {
        self = .event(kind)
      } else if let kind = QueueCommand.Kind(rawValue: rawValue) {
        self = .onQueue(kind)
      } else if let kind = PlaceCommand.Kind(rawValue: rawValue) {
        self = .onPlace(kind)
      } else {
        return nil
      }
    }
  }

  /// As `holdfast log dump` writes it.
  public var description: String {
    switch self {
    case .event(let kind): "\(kind)Event"
    case .hold: "hold"
    case .holdBest: "holdBest"
    case .passHold: "passHold"
    case .passHoldBest: "passHoldBest"
    case .onHold(let kind): "\(kind)"
    case .onOrder(let kind): "\(kind)"
    case .onQueue(let kind): "\(kind)Queue"
    case .onPlace(let kind): "\(kind)Place"
    case .tick: "tick"
    case .openEpoch: "openEpoch"
    }
  }

  /// Every kind, in the order of its number.
  public static var all: [CommandKind] { (0...UInt8.max).compactMap { CommandKind(rawValue: $0) } }

  /// Where the body of this kind has random bits, which a retry need not have in common with the first.
  var randomRange: Range<Int> {
    switch self {
    case .hold, .holdBest: HoldView.secretRange
    case .passHold, .passHoldBest:
      (HoldView.secretRange.lowerBound + PlaceID.byteCount)..<(HoldView.secretRange.upperBound + PlaceID.byteCount)
    case .event(let kind): kind.randomRange
    case .onHold(let kind): kind.randomRange
    case .onOrder(let kind): kind.randomRange
    case .onQueue, .onPlace, .tick, .openEpoch: 0..<0
    }
  }
}
