/// A command's first byte, on wires and disks. The high half is its family: events 1, making holds 2, holds 3, orders
/// 4; 5 (queues) and 6 (their places) are kept for what comes; F is the primary's own. A number is never used again for
/// something else: `retired` lists those that were used once.
public enum CommandKind: Hashable, Sendable, CustomStringConvertible {
  case event(EventCommand.Kind)
  case hold
  case holdBest
  case onHold(HoldCommand.Kind)
  case onOrder(OrderCommand.Kind)
  case tick
  case openEpoch

  public static let retired: Set<UInt8> = []

  @inlinable public var rawValue: UInt8 {
    switch self {
    case .event(let kind): kind.rawValue
    case .hold: 0x20
    case .holdBest: 0x21
    case .onHold(let kind): kind.rawValue
    case .onOrder(let kind): kind.rawValue
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
    case 0xF0: self = .tick
    case 0xF1: self = .openEpoch
    default:
      if let kind = HoldCommand.Kind(rawValue: rawValue) {
        self = .onHold(kind)
      } else if let kind = OrderCommand.Kind(rawValue: rawValue) {
        self = .onOrder(kind)
      } else if let kind = EventCommand.Kind(rawValue: rawValue) {
        self = .event(kind)
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
    case .onHold(let kind): "\(kind)"
    case .onOrder(let kind): "\(kind)"
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
    case .event(let kind): kind.randomRange
    case .onHold(let kind): kind.randomRange
    case .onOrder(let kind): kind.randomRange
    case .tick, .openEpoch: 0..<0
    }
  }
}
