/// What asks a shard's state machine for a change. Commands are what the log holds: same commands at same times, same state.
public enum Command: Equatable, Sendable {
  /// `incarnation`: random bits that came in with the command.
  case createEvent(EventDefinition, incarnation: UInt64)
  case hold(Hold)
  case holdBest(HoldBest)
  case release(HoldID)
  /// `ttl` in seconds, counted from now.
  case extend(HoldID, ttl: UInt32)
  /// `secret`: random bits of the order's id.
  case checkout(HoldID, secret: UInt64)
  case confirm(OrderID)
  case cancel(OrderID)
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

/// A command's first byte.
public enum CommandKind: UInt8, Sendable, CaseIterable {
  case createEvent = 1
  case hold, holdBest, release, extend, checkout, confirm, cancel
  case tick = 64
  case openEpoch
}
