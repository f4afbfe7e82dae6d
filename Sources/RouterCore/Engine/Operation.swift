package import Octets
package import Plan
package import Proto
package import Time

/// What a door asks for, decoded and checked for form, in the caller's own words: labels and names, not numbers.
package enum Operation: Sendable {
  case createEvent(NewEvent)
  case setEvent(Bytes, TermsDocument)
  case deleteEvent(Bytes, isForced: Bool)
  case blockSeats(Bytes, seats: [Bytes], areas: [Reservation.NamedCount], isBlocked: Bool)
  case reserve(Reservation)
  /// Random bits are 0: the engine fills them in.
  case onHold(HoldID, HoldCommand)
  case onOrder(OrderID, OrderCommand)
  case hold(HoldID)
  case order(OrderID)
  case event(Bytes)
  case plan(Bytes)
  /// From the primary.
  case seats(Bytes)
  /// Ends once the event's copy is fresh enough to be served.
  case copy(Bytes)
  case availability(Bytes)
  case seat(Bytes, label: Bytes)
  case events(after: Bytes, limit: Int)
  /// Of an event, from the `after`-th on.
  case orders(Bytes, OrderFilter, after: UInt32, limit: Int)
  case holds(Bytes, buyer: Bytes, after: UInt32, limit: Int)
  case onQueue(Bytes, QueueCommand)
  case queue(Bytes)
  /// A sign of life of its buyer, who gets a pass if it was called.
  case place(PlaceID)
  case leavePlace(PlaceID)

  /// Whether the shard's state may change.
  var isCommand: Bool {
    switch self {
    case .createEvent, .setEvent, .blockSeats, .deleteEvent, .reserve, .onHold, .onOrder, .onQueue, .leavePlace: true
    case .hold, .order, .event, .plan, .seats, .copy, .availability, .seat, .events, .orders, .holds, .queue, .place:
      false
    }
  }
}

/// A definition as it is sent, and what its creation's answer says. Made where there is time for it: a large one does
/// not fit a loop's turn, nor does freeing it.
package struct NewEvent: Sendable {
  /// The definition without its seats.
  package private(set) var summary: EventDefinition
  /// Counts before anything was held.
  package let availability: Availability
  /// Sentences for who creates it.
  package let warnings: [String]
  package let encoding: Encoding

  package enum Encoding: Sendable {
    case small([UInt8])
    case large(LargeCommand)

    package var byteCount: Int {
      switch self {
      case .small(let bytes): bytes.count
      case .large(let command): command.bodyBytes
      }
    }
  }

  /// Of the body of `EventCommand.create`: the incarnation, which the engine draws.
  static var randomBytes: Int { 8 }

  /// - Parameters:
  ///   - id: for an event that came without one.
  ///   - keyBytes: of the idempotency key that it is created under; 0: none.
  ///   - bytesMin: of an encoding that is sent without being copied again.
  package init(
    _ definition: EventDefinition, warnings: [String] = [], otherwise id: Bytes = Bytes(), keyBytes: Int = 0,
    largeFrom bytesMin: Int = LargeCommand.bytesMin
  ) {
    var definition = definition
    if definition.id.isEmpty { definition.id = id }
    summary = definition
    summary.sections = []
    summary.notForSale = []
    availability = definition.initialAvailability()
    self.warnings = warnings
    var encoded: [UInt8] = []
    definition.encode(into: &encoded)
    encoding =
      encoded.count < bytesMin
      ? .small(encoded) : .large(LargeCommand(encoded, keyBytes: keyBytes, randomBytes: Self.randomBytes))
  }
}

package struct Reservation: Sendable {
  package var event: Bytes
  package var buyer: Bytes
  /// Seconds; 0: the event's own.
  package var ttl: UInt32
  package var choice: Choice
  /// The place of a pass that was verified; nil: none came.
  package var pass: PlaceID?

  package init(event: Bytes, buyer: Bytes, ttl: UInt32, choice: Choice, pass: PlaceID? = nil) {
    (self.event, self.buyer, self.ttl, self.choice, self.pass) = (event, buyer, ttl, choice, pass)
  }

  package enum Choice: Sendable {
    case named(seats: [Bytes], areas: [NamedCount])
    case best(count: UInt32, category: Bytes?)

    var isBest: Bool {
      switch self {
      case .named: false
      case .best: true
      }
    }
  }

  package struct NamedCount: Sendable {
    package var area: Bytes
    package var count: UInt32
    package init(area: Bytes, count: UInt32) { (self.area, self.count) = (area, count) }
  }
}

/// What came of an operation, still as numbers; the doors render it.
package enum CallResult: Sendable {
  case created(NewEvent, EventRef, version: UInt64)
  case held(EventEntry, Outcome.Held, buyer: Bytes, seats: [SeatIndex], areas: [AreaCount])
  case hold(EventEntry, HoldInfo)
  case order(EventEntry, OrderInfo)
  /// A page, and where the next one goes on; nil: there is none.
  case orders(EventEntry, [OrderInfo], next: UInt32?)
  case holds(EventEntry, [HoldInfo], next: UInt32?)
  case released(version: UInt64)
  case deleted
  case blocked(EventEntry, version: UInt64, changed: UInt32)
  case event(EventEntry, version: UInt64, Availability)
  case plan(EventEntry)
  /// The body is empty for `SeatForm.numbers`, and lacks what the version changes.
  case seats(EventEntry, version: UInt64, states: Bytes, SharedBody)
  /// The event's copy can be served now.
  case copy(EventEntry)
  case availability(EventEntry, version: UInt64, Availability)
  case seat(SeatState, version: UInt64)
  case events([EventSummary], next: Bytes?)
  case queue(QueueInfo)
  case place(PlaceInfo)
  case placeGivenUp
  case refused(CallRefusal)
}

/// Why an operation was not done.
package enum CallRefusal: Equatable, Sendable {
  case noSuchEvent
  case noSuchHold
  case noSuchOrder
  case eventExists
  case eventInUse(holds: UInt32, orders: UInt32)
  /// Labels of the caller's that the event does not have.
  case noSuchSeats([Bytes])
  /// As it was spelled the second time.
  case repeatedSeat(Bytes)
  case noSuchArea(Bytes)
  case noSuchCategory(Bytes)
  /// Neither a category nor an area has this name; `hint` says which one may be meant, for people.
  case noSuchPrice(Bytes, hint: String)
  /// `field` as in the API; `detail` for people.
  case invalid(field: StaticName, detail: StaticName)
  /// nil: the event is paused.
  case notOnSale(at: Stamp?)
  case limitExceeded(Refusal.LimitName, limit: Int64)
  /// The event would be larger than events may be.
  case tooMany(EventLimit)
  /// Every lost one.
  case seatsTaken([TakenSeat])
  case soldOut(area: Bytes?, category: Bytes?)
  case holdExpired
  case checkedOut(OrderID)
  case orderState(OrderStatus)
  case orderExpired
  case keyReused
  case noWaitingRoom
  /// nil: it does not open again.
  case queueClosed(opensAt: Stamp?)
  case noSuchPlace
  case placeLeft
  case passRequired
  case passExpired
  case passForeign
  /// Nothing happened: no primary within the deadline, or too much is waiting.
  case unavailable
  case diskFull
  /// May have happened.
  case unknown
}

/// A seat that was asked for and is not free.
package struct TakenSeat: Equatable, Sendable {
  /// As the caller spelled it.
  package var label: Bytes
  /// nil: the shard did not say it.
  package var state: SeatState?
  init(_ label: Bytes, _ state: SeatState?) { (self.label, self.state) = (label, state) }
}

extension CallRefusal {
  /// Whether it says that an event does not have what the caller names.
  var isAboutNames: Bool {
    switch self {
    case .noSuchSeats, .noSuchArea, .noSuchCategory, .noSuchPrice: true
    case .noSuchEvent, .noSuchHold, .noSuchOrder, .eventExists, .eventInUse, .repeatedSeat, .invalid, .notOnSale,
      .limitExceeded,
      .tooMany, .seatsTaken, .soldOut, .holdExpired, .checkedOut, .orderState, .orderExpired, .keyReused,
      .noWaitingRoom, .queueClosed, .noSuchPlace, .placeLeft, .passRequired, .passExpired, .passForeign, .unavailable,
      .diskFull, .unknown:
      false
    }
  }
}
