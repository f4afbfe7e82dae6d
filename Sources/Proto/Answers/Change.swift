public import Octets

/// What a command, or time, changed in a shard's state: a value, the same on every replica, in the order in which it
/// happened. A listener reads changes and need not parse commands.
///
/// `HoldInfo.version` is the event's version after the change.
public enum Change: Equatable, Sendable {
  case eventCreated(EventRef, id: Bytes, version: UInt64)
  /// With all of its terms.
  case eventChanged(EventRef, id: Bytes, version: UInt64, EventTerms)
  /// The seats and places that changed, and no others.
  case blocked(EventRef, id: Bytes, version: UInt64, SeatBlock)
  /// With all its holds and orders, of which nothing more is said.
  case eventDeleted(EventRef, id: Bytes, version: UInt64)
  case hold(HoldChange, HoldInfo)
  case order(OrderChange, OrderInfo)

  public enum HoldChange: UInt8, Sendable, CaseIterable {
    case made = 1
    case extended = 2
    case released = 3
    case expired = 4
  }

  public enum OrderChange: UInt8, Sendable, CaseIterable {
    case checkedOut = 1
    case confirmed = 2
    /// Before it was paid for.
    case cancelled = 3
    /// After it was confirmed: what was sold is on sale again.
    case takenBack = 4
    case expired = 5
  }

  /// The state that its seats and places left, and the one that they have now; nil: they stayed as they were.
  public var move: (from: SeatState, to: SeatState)? {
    switch self {
    case .eventCreated, .eventChanged, .blocked, .eventDeleted: nil
    case .hold(let change, _):
      switch change {
      case .made: (.free, .held)
      case .extended: nil
      case .released, .expired: (.held, .free)
      }
    case .order(let change, _):
      switch change {
      case .checkedOut: nil
      case .confirmed: (.held, .sold)
      case .cancelled, .expired: (.held, .free)
      case .takenBack: (.sold, .free)
      }
    }
  }
}

/// A change and where it happened: numbers that no other change of the cluster has.
public struct ChangeRecord: Equatable, Sendable {
  public var shard: ShardID
  /// Of the log's record that changed it, or at whose stamp time did.
  public var index: UInt64
  /// From 0, within that record.
  public var ordinal: UInt32
  public var change: Change
  public init(shard: ShardID, index: UInt64, ordinal: UInt32, change: Change) {
    (self.shard, self.index, self.ordinal, self.change) = (shard, index, ordinal, change)
  }
}
