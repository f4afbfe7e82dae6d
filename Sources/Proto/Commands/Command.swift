public import Octets

/// What asks a shard's state machine for a change. Commands are what the log holds: same commands at same times, same
/// state.
public enum Command: Equatable, Sendable {
  case event(EventCommand)
  /// Makes a hold of the seats and places that it names.
  case hold(Hold)
  /// Makes a hold of seats that the shard finds.
  case holdBest(HoldBest)
  /// The same two, of a buyer who was let in.
  case passHold(PlaceID, Hold)
  case passHoldBest(PlaceID, HoldBest)
  case onHold(HoldID, HoldCommand)
  case onOrder(OrderID, OrderCommand)
  case onQueue(EventRef, QueueCommand)
  case onPlace(PlaceID, PlaceCommand)
  /// Logged by the primary itself: nothing but the time of its batch.
  case tick
  /// Logged by the primary itself: the first record of an epoch. Changes nothing in the inventory.
  case openEpoch(UInt64)

  public struct Hold: Equatable, Sendable {
    public var event: EventRef
    /// Seconds; 0: the event's own.
    public var ttl: UInt32
    /// Random bits of the hold's id.
    public var secret: UInt64
    public var buyer: Bytes
    public var seats: [SeatIndex]
    public var areas: [AreaCount]
    public init(
      event: EventRef, ttl: UInt32 = 0, secret: UInt64, buyer: Bytes, seats: [SeatIndex], areas: [AreaCount] = []
    ) {
      (self.event, self.ttl, self.secret) = (event, ttl, secret)
      (self.buyer, self.seats, self.areas) = (buyer, seats, areas)
    }
  }

  public struct HoldBest: Equatable, Sendable {
    public var event: EventRef
    /// Seconds; 0: the event's own.
    public var ttl: UInt32
    /// Random bits of the hold's id.
    public var secret: UInt64
    public var buyer: Bytes
    public var count: UInt32
    /// nil: any category that is for sale.
    public var category: CategoryIndex?
    public init(
      event: EventRef, ttl: UInt32 = 0, secret: UInt64, buyer: Bytes, count: UInt32, category: CategoryIndex? = nil
    ) {
      (self.event, self.ttl, self.secret) = (event, ttl, secret)
      (self.buyer, self.count, self.category) = (buyer, count, category)
    }
  }
}

/// Places in one area.
public struct AreaCount: Equatable, Sendable {
  public var area: AreaIndex
  public var count: UInt32
  @inlinable public init(area: AreaIndex, count: UInt32) { (self.area, self.count) = (area, count) }
}
