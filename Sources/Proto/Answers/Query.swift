public import Octets
public import Time

/// What asks a shard's primary for a fact and changes nothing.
public enum Query: Equatable, Sendable {
  /// Definition, version and counts; what a router needs before it can translate labels.
  case event(id: Bytes)
  /// All seats' states.
  case seats(id: Bytes)
  case seat(id: Bytes, SeatIndex)
  case availability(id: Bytes)
  /// What of the event may change: asked by who has its definition already.
  case terms(id: Bytes)
  case hold(HoldID)
  case order(OrderID)
  /// An event's orders that fit, from the `after`-th on, in the order of their checkouts.
  case orders(id: Bytes, OrderFilter, after: UInt32, limit: UInt16)
  /// A buyer's holds of an event, from the shard's `after`-th slot on.
  case holds(id: Bytes, buyer: Bytes, after: UInt32, limit: UInt16)
  /// The shard's events with an id after `after`, ascending.
  case events(after: Bytes, limit: UInt16)
  /// As `seats` and `availability` at one version, and from then on every change as a `FeedUpdate` on this connection.
  case subscribe(id: Bytes)
  case unsubscribe(id: Bytes)
  case queue(id: Bytes)
  /// Its buyer shows a sign of life by that.
  case place(PlaceID)
}

extension Query {
  /// From so many bytes on an answer is large. A node makes such an answer in its own time, after commands that came
  /// behind the query; so a router that knows what it asks for lets nothing of the same client pass it.
  public static let largeAnswerBytes = 16 << 10

  /// Bytes of an answer to `seats` or `subscribe`, and to `availability`, at most.
  public static func answerBytes(seats: Int, categories: Int, areas: Int) -> Int {
    seats + 16 * (categories + areas) + 64
  }
}

extension Query {
  /// About the bytes of an answer to `orders` or `holds`.
  public static func listBytes(limit: Int) -> Int { limit * 160 }
}

/// Which orders of an event are wanted: those that fit all that is set.
public struct OrderFilter: Equatable, Sendable {
  public var buyer: Bytes?
  public var status: OrderStatus?
  public var reference: Bytes?
  public init(buyer: Bytes? = nil, status: OrderStatus? = nil, reference: Bytes? = nil) {
    (self.buyer, self.status, self.reference) = (buyer, status, reference)
  }
}

/// What a query found.
public enum Answer: Equatable, Sendable {
  case event(EventInfo)
  /// One byte a seat: `.` free, `h` held, `s` sold, `x` not for sale.
  case seats(EventRef, version: UInt64, states: Bytes)
  case seat(SeatState, version: UInt64)
  case availability(EventRef, version: UInt64, Availability)
  /// `version`: the event's when its terms changed last.
  case terms(EventRef, version: UInt64, EventTerms)
  case hold(HoldInfo)
  case order(OrderInfo)
  /// Some of what was asked for, and where to go on; nil: there is no more. A slice ends when it was long enough, even
  /// if nothing in it fits.
  case orders([OrderInfo], next: UInt32?)
  case holds([HoldInfo], next: UInt32?)
  case events([EventSummary])
  case subscribed(EventRef, version: UInt64, states: Bytes, Availability)
  case unsubscribed
  case queue(QueueInfo)
  case place(PlaceInfo)
  case refused(Refusal)
  /// An `event` from who keeps the definition in its encoded form: the same bytes on the wire, and decoded it is an
  /// `event`.
  case encodedEvent(EventRef, version: UInt64, EventTerms?, Availability, definition: Bytes)
}

/// A seat's state, as the API's one character.
public enum SeatState: UInt8, Sendable, CaseIterable {
  case free = 0x2E
  case held = 0x68
  case sold = 0x73
  case notForSale = 0x78
}

public struct EventInfo: Equatable, Sendable {
  public var ref: EventRef
  public var version: UInt64
  /// As the event was created.
  public var definition: EventDefinition
  /// nil: they never changed.
  public var terms: EventTerms?
  public var availability: Availability
  public init(
    ref: EventRef, version: UInt64, definition: EventDefinition, terms: EventTerms? = nil, availability: Availability
  ) {
    (self.ref, self.version, self.definition, self.terms) = (ref, version, definition, terms)
    self.availability = availability
  }
}

public struct EventSummary: Equatable, Sendable {
  public var id: Bytes
  public var name: Bytes
  public var venue: Bytes?
  public var startsAt: Stamp?
  public var version: UInt64
  /// Seats and places.
  public var counts: Counts
  public init(
    id: Bytes, name: Bytes, venue: Bytes? = nil, startsAt: Stamp? = nil, version: UInt64, counts: Counts
  ) {
    (self.id, self.name, self.venue, self.startsAt) = (id, name, venue, startsAt)
    (self.version, self.counts) = (version, counts)
  }
}

/// How many seats or places are in which state.
public struct Counts: Equatable, Sendable {
  public var free: UInt32
  public var held: UInt32
  public var sold: UInt32
  public var notForSale: UInt32
  public init(free: UInt32 = 0, held: UInt32 = 0, sold: UInt32 = 0, notForSale: UInt32 = 0) {
    (self.free, self.held, self.sold, self.notForSale) = (free, held, sold, notForSale)
  }
  public var total: UInt64 { UInt64(free) + UInt64(held) + UInt64(sold) + UInt64(notForSale) }
}

/// Counts by category and by area, in the definition's order.
public struct Availability: Equatable, Sendable {
  public var categories: [Counts]
  public var areas: [Counts]
  /// The event's version when its terms changed last; 0: they are as it was created. Whoever keeps terms sees here that
  /// they are old.
  public var terms: UInt64
  public init(categories: [Counts], areas: [Counts], terms: UInt64 = 0) {
    (self.categories, self.areas, self.terms) = (categories, areas, terms)
  }
}

/// A change of a subscribed event, sent in the same frame order as replies: a router that relays a reply has already
/// seen what the reply's command changed.
public struct FeedUpdate: Equatable, Sendable {
  public var event: EventRef
  /// The copy must be at this version to apply the update; otherwise it subscribes again. Equal to `version`: too much
  /// changed at once to be told, and nobody's copy is that new.
  public var fromVersion: UInt64
  public var version: UInt64
  public var seats: [SeatChange]
  public var availability: Availability
  public init(
    event: EventRef, fromVersion: UInt64, version: UInt64, seats: [SeatChange], availability: Availability
  ) {
    (self.event, self.fromVersion, self.version) = (event, fromVersion, version)
    (self.seats, self.availability) = (seats, availability)
  }
}

public struct SeatChange: Equatable, Sendable {
  public var seat: SeatIndex
  public var state: SeatState
  @inlinable public init(seat: SeatIndex, state: SeatState) { (self.seat, self.state) = (seat, state) }
}
