public import Time

/// What came of a command. A refusal is an outcome. Outcomes are part of the replicated state: what a key got once, it
/// gets again.
public enum Outcome: Equatable, Sendable {
  case created(EventRef, version: UInt64)
  /// The event's terms are as was asked for.
  case termsSet(version: UInt64)
  /// `changed`: seats and places that were not as was asked for before.
  case blocked(version: UInt64, changed: UInt32)
  /// The event is gone.
  case deleted
  case held(Held)
  /// With the seats that the search found.
  case heldBest(Held, seats: [SeatIndex])
  case released(version: UInt64)
  case extended(HoldInfo)
  case checkedOut(OrderInfo)
  /// A command of this kind was done, now or before; the order as it was after that.
  case order(OrderCommand.Kind, OrderInfo)
  /// A place in a queue, new or not, as it is after the command.
  case place(PlaceInfo)
  /// The queue is as was asked for.
  case queue(QueueInfo)
  /// The place is given up, now or before.
  case placeGivenUp
  /// A tick, an epoch's first record, or what the primary decided for a queue.
  case noted
  case refused(Refusal)

  /// A new hold, as far as the command does not say it already.
  public struct Held: Equatable, Sendable {
    public var id: HoldID
    public var expiresAt: Stamp
    /// Minor units.
    public var total: Int64
    /// The event's version after the change.
    public var version: UInt64
    @inlinable public init(id: HoldID, expiresAt: Stamp, total: Int64, version: UInt64) {
      (self.id, self.expiresAt, self.total, self.version) = (id, expiresAt, total, version)
    }

    /// For a variable that will be written.
    @inlinable public static var none: Held {
      Held(id: HoldID(shard: ShardID(0), slot: 0, sequence: 0, secret: 0), expiresAt: .zero, total: 0, version: 0)
    }
  }
}

/// Why a command changed nothing.
public enum Refusal: Equatable, Sendable {
  case noSuchEvent
  /// The event's slot holds another incarnation: the asker's plan is of another life of the cluster and must be read
  /// again.
  case staleEvent
  case noSuchHold
  case noSuchOrder
  case eventExists
  /// Holds that are not checked out, and orders that are pending or confirmed.
  case eventInUse(holds: UInt32, orders: UInt32)
  /// An argument that the door should have refused.
  case invalid(Argument)
  /// nil: the event is paused.
  case notOnSale(at: Stamp?)
  case limitExceeded(LimitName, limit: Int64)
  /// Every lost one, in the order of the command's list of seats.
  case seatsTaken([LostSeat])
  case soldOut(Scarce)
  case holdExpired
  case checkedOut(OrderID)
  case orderState(OrderStatus)
  case orderExpired
  /// The key was used with another command.
  case keyReused
  case noWaitingRoom
  /// Nobody may join now; nil: nor later.
  case queueClosed(opensAt: Stamp?)
  case noSuchPlace
  case placeLeft
  /// The event has a waiting room, and the hold came without a pass.
  case passRequired
  /// The pass was taken back, or is out of date.
  case passExpired
  /// The pass is another buyer's.
  case passForeign

  public enum Argument: UInt8, Sendable, CaseIterable {
    case seats = 1
    case areas = 2
    case count = 3
    case category = 4
    case ttl = 5
    case buyer = 6
    case definition = 7
    case terms = 8
  }

  public enum LimitName: UInt8, Sendable, CaseIterable {
    case maxPerOrder = 1
    case maxPerBuyer = 2
    case holdLength = 3
    /// The shard cannot take more events or holds.
    case shardCapacity = 4
    /// A hold was asked for, or to be extended, for longer than its event allows.
    case maxHoldTTL = 5
    /// An event remembers no more changes of its prices.
    case priceChanges = 6
    /// So many places of an area are off sale by themselves, and more were to be put back.
    case blockedPlaces = 7
  }

  /// A seat that was asked for and is not free.
  public struct LostSeat: Equatable, Sendable {
    /// 0-based, in the command's list of seats.
    public var place: UInt16
    /// nil: the refusal was stored by a build that did not say it.
    public var state: SeatState?
    public init(_ place: UInt16, _ state: SeatState?) { (self.place, self.state) = (place, state) }
  }

  /// What there is no more of.
  public enum Scarce: Equatable, Sendable {
    case area(AreaIndex)
    case category(CategoryIndex)
    case event
  }
}
