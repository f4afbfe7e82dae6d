import Octets
import Plan
import Proto
import RouterCore

/// What clients ask routers for, by the names of the table of operations. A test holds the table against these.
package enum SimulatedCall: String, CaseIterable, Sendable {
  case createEvent, setEvent, blockSeats, deleteEvent, seats, availability, seat
  case reserve, hold, release, extend, checkout, order, confirm, cancel
  case joinQueue, place, leavePlace, controlQueue
}

/// One operation that a client asked a router for, and the reply.
final class ClientOperation {
  indirect enum What: CustomStringConvertible {
    case create(EventDefinition)
    /// Deletes an event that only this client knows.
    case delete(SimulatedEvent, isForced: Bool)
    /// Pauses an event or lets it go on, and gives it a price.
    case set(SimulatedEvent, isPaused: Bool, price: Int64)
    /// Takes a seat off sale or puts it back.
    case block(SimulatedEvent, SeatIndex, isBlocked: Bool)
    /// Seats, places in the event's area, or both.
    case hold(SimulatedEvent, [SeatIndex], places: UInt32, ttl: UInt32)
    case best(SimulatedEvent, UInt32)
    case release(HoldID, ClientOperation)
    case extend(HoldID, ClientOperation, ttl: UInt32)
    case checkout(HoldID, ClientOperation)
    case confirm(OrderID, ClientOperation)
    case cancel(OrderID, ClientOperation)
    case seat(SimulatedEvent, SeatIndex)
    case seats(SimulatedEvent, isFresh: Bool)
    case availability(SimulatedEvent, isFresh: Bool)
    case holdInfo(HoldID, ClientOperation)
    case orderInfo(OrderID, ClientOperation)

    var call: SimulatedCall {
      switch self {
      case .create: .createEvent
      case .delete: .deleteEvent
      case .set: .setEvent
      case .block: .blockSeats
      case .hold, .best: .reserve
      case .release: .release
      case .extend: .extend
      case .checkout: .checkout
      case .confirm: .confirm
      case .cancel: .cancel
      case .seat: .seat
      case .seats: .seats
      case .availability: .availability
      case .holdInfo: .hold
      case .orderInfo: .order
      }
    }

    /// The call that made the hold that this is about.
    var hold: ClientOperation? {
      switch self {
      case .release(_, let hold), .extend(_, let hold, _), .checkout(_, let hold), .confirm(_, let hold),
        .cancel(_, let hold), .holdInfo(_, let hold), .orderInfo(_, let hold):
        hold
      case .create, .set, .delete, .block, .hold, .best, .seat, .seats, .availability: nil
      }
    }

    var isCommand: Bool {
      switch self {
      case .create, .set, .delete, .block, .hold, .best, .release, .extend, .checkout, .confirm, .cancel: true
      case .seat, .seats, .availability, .holdInfo, .orderInfo: false
      }
    }

    /// Whether it is about an event that only its client knows, and that comes and goes.
    var isOnOwnEvent: Bool {
      switch self {
      case .create(let definition): SimulatedEvent.isOwn(definition.id)
      case .delete: true
      case .set(let event, _, _), .block(let event, _, _), .hold(let event, _, _, _), .best(let event, _),
        .seat(let event, _), .seats(let event, _), .availability(let event, _):
        SimulatedEvent.isOwn(event.id)
      case .release, .extend, .checkout, .confirm, .cancel, .holdInfo, .orderInfo: false
      }
    }

    var description: String {
      switch self {
      case .create: "create"
      case .delete(_, let isForced): "delete\(isForced ? ", forced" : "")"
      case .set(_, let isPaused, let price): "set \(isPaused ? "paused" : "on sale") at \(price)"
      case .block(_, let seat, let isBlocked): "\(isBlocked ? "block" : "unblock") \(seat.rawValue)"
      case .hold(_, let seats, let places, let ttl):
        "hold \(seats.map { Int($0.rawValue) }) places \(places) ttl \(ttl)"
      case .best(_, let count): "hold best \(count)"
      case .release(_, let hold): "release \(hold.name)"
      case .extend(_, let hold, let ttl): "extend \(hold.name) by \(ttl) s"
      case .checkout(_, let hold): "checkout \(hold.name)"
      case .confirm(_, let hold): "confirm \(hold.name)"
      case .cancel(_, let hold): "cancel \(hold.name)"
      case .seat(_, let seat): "seat \(seat.rawValue)"
      case .seats(_, let isFresh): isFresh ? "seats, fresh" : "seats"
      case .availability(_, let isFresh): isFresh ? "availability, fresh" : "availability"
      case .holdInfo(_, let hold): "hold info \(hold.name)"
      case .orderInfo(_, let hold): "order info \(hold.name)"
      }
    }
  }

  let number: UInt32
  let client: Int
  let shard: ShardID
  let what: What
  /// nil: the client has none, so that a router makes one for each sending.
  let key: Bytes?
  /// Microseconds.
  var called: Int
  var returned = Int.max
  var outcome: Outcome?
  var answer: Answer?
  /// Of a read from a copy: since when the copy may have been wrong, and when it was served.
  var copied: (since: Int, at: Int)?
  /// Of a call on the client's own event: how often that had been deleted, or asked to be, when the answer came.
  var deletions = 0
  /// It surely changed nothing: it was refused before any shard took it.
  var neverHappened = false
  var sentAt = 0
  var door: SimulatedDoor?
  var isRepeated = false
  /// Of a hold: the order that became of it.
  var order: OrderID?

  init(number: UInt32, client: Int, shard: ShardID, what: What, called: Int, key: Bytes?) {
    (self.number, self.client, self.shard, self.what) = (number, client, shard, what)
    (self.called, self.key) = (called, key)
  }

  var name: String { "c\(client)-\(number)" }

  var holdID: HoldID? {
    switch outcome {
    case .held(let held), .heldBest(let held, _): held.id
    case .created, .termsSet, .blocked, .deleted, .released, .extended, .checkedOut, .order, .place, .queue,
      .placeGivenUp, .noted, .refused, nil:
      nil
    }
  }

  /// Names the hold that this call asks for, for the checker.
  var holder: UInt64 { UInt64(client) << 32 | UInt64(number) }

  var seats: [SeatIndex] {
    if case .heldBest(_, let seats) = outcome { return seats }
    if case .hold(_, let seats, _, _) = what { return seats }
    if case .block(_, let seat, _) = what { return [seat] }
    return []
  }

  /// Whether it asks for a hold.
  var isHold: Bool {
    switch what {
    case .hold, .best: true
    case .create, .delete, .set, .block, .release, .extend, .checkout, .confirm, .cancel, .seat, .seats, .availability,
      .holdInfo, .orderInfo:
      false
    }
  }

  var places: UInt32 {
    if case .hold(_, _, let places, _) = what { return places }
    return 0
  }

  /// A search for the best seats whose outcome nobody heard: any seat may be held.
  var isUnknownBest: Bool {
    if case .best = what { return returned == .max }
    return false
  }

  /// May be sent again although the first sending may have happened.
  var mayBeRepeated: Bool { key != nil || !what.isCommand }

  var buyer: Bytes { Bytes("b\(client)") }

  /// The same in a door's words.
  var inWords: Operation {
    return switch what {
    case .create(let definition):
      // Every other client's is laid out as a large one.
      .createEvent(NewEvent(definition, keyBytes: key?.count ?? 0, largeFrom: client % 2 == 0 ? 0 : .max))
    case .delete(let event, let isForced): .deleteEvent(event.id, isForced: isForced)
    case .set(let event, let isPaused, let price):
      .setEvent(event.id, SimulatedEvent.terms(isPaused: isPaused, price: price))
    case .block(let event, let seat, let isBlocked):
      .blockSeats(event.id, seats: [SimulatedEvent.label(seat)], areas: [], isBlocked: isBlocked)
    case .hold(let event, let seats, let places, let ttl):
      .reserve(
        Reservation(
          event: event.id, buyer: buyer, ttl: ttl,
          choice: .named(
            seats: seats.map(SimulatedEvent.label),
            areas: places > 0 ? [Reservation.NamedCount(area: SimulatedEvent.area, count: places)] : [])))
    case .best(let event, let count):
      .reserve(Reservation(event: event.id, buyer: buyer, ttl: 0, choice: .best(count: count, category: nil)))
    case .release(let id, _): .onHold(id, .release)
    case .extend(let id, _, let ttl): .onHold(id, .extend(ttl: ttl))
    case .checkout(let id, _): .onHold(id, .checkout(secret: 0, reference: ""))
    case .confirm(let id, _): .onOrder(id, .confirm)
    case .cancel(let id, _): .onOrder(id, .cancel)
    case .seat(let event, let seat): .seat(event.id, label: SimulatedEvent.label(seat))
    case .seats(let event, let isFresh): isFresh ? .copy(event.id) : .seats(event.id)
    case .availability(let event, _): .availability(event.id)
    case .holdInfo(let id, _): .hold(id)
    case .orderInfo(let id, _): .order(id)
    }
  }
}

/// One event of a run.
struct SimulatedEvent {
  var shard: ShardID
  var ref: EventRef
  var id: Bytes
  static let rows: UInt32 = 2
  static let seatsPerRow: UInt32 = 3
  static let seatCount = Int(rows * seatsPerRow)
  static let area = Bytes("Floor")
  static let capacity: UInt32 = 4
  static let holdTTL: UInt32 = 2
  /// A second less than clients sometimes ask for.
  static let maxHoldTTL: UInt32 = 3
  static let paymentTTL: UInt32 = 60

  static func definition(_ shard: ShardID, id: Bytes) -> EventDefinition {
    EventDefinition(
      id: id, name: "Simulated", holdTTL: holdTTL, maxHoldTTL: maxHoldTTL, paymentTTL: paymentTTL,
      categories: [EventDefinition.Category(name: "A", price: 100)],
      sections: [
        EventDefinition.Section(
          name: "S", rows: .grid(rows: rows, seatsPerRow: seatsPerRow, category: CategoryIndex(0)))
      ],
      areas: [EventDefinition.Area(name: area, capacity: capacity, price: 10)],
      waitingRoom: id == SimulatedQueue.eventID ? SimulatedQueue.room : nil)
  }

  static func isOwn(_ id: Bytes) -> Bool { id.array.starts(with: "own-".utf8) }

  static func terms(isPaused: Bool, price: Int64) -> TermsDocument {
    var terms = TermsDocument()
    terms.change.isPaused = isPaused
    terms.prices = [TermsDocument.NamedPrice(name: "A", price: price)]
    return terms
  }

  /// A seat by its label, or by its number.
  static func label(_ seat: SeatIndex) -> Bytes {
    if seat.rawValue % 2 == 1 { return Bytes("#0\(seat.rawValue)") }
    return Bytes("S-\(seat.rawValue < seatsPerRow ? "A" : "B")-\(seat.rawValue % seatsPerRow + 1)")
  }
}
