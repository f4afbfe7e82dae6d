import Proto
import RouterCore

/// A router's reply to a client, translated back from the caller's words to the state machine's numbers. The checks
/// compare replies with each other and with the shards' state.
enum RouterReply {
  /// The reply to a command.
  case outcome(Outcome)
  /// The reply to a query, from the shard's primary.
  case answer(Answer)
  /// The reply to a query, from the router's copy: true at some time between `since` and `at`, in microseconds.
  case copy(Answer, since: Int, at: Int)
  /// The command was not done.
  case unavailable
  /// The router does not know whether the command was done.
  case unknown
  /// A reply that does not belong to the operation: a mistake of the router. In words.
  case unexpected(String)

  init(_ result: CallResult, to operation: ClientOperation) {
    switch result {
    case .created(_, let ref, let version): self = .outcome(.created(ref, version: version))
    case .held(_, let held, _, let seats, let areas):
      switch operation.what {
      case .best: self = .outcome(.heldBest(held, seats: seats))
      case .hold(_, let wanted, let places, _)
      where seats == wanted && areas.reduce(0) { $0 + $1.count } == places:
        self = .outcome(.held(held))
      case .hold, .create, .delete, .set, .block, .release, .extend, .checkout, .confirm, .cancel, .seat, .seats,
        .availability, .holdInfo, .orderInfo:
        self = .unexpected("held \(seats) and \(areas)")
      }
    case .hold(_, let info):
      if case .extend = operation.what { self = .outcome(.extended(info)) } else { self = .answer(.hold(info)) }
    case .order(_, let info):
      switch operation.what {
      case .checkout: self = .outcome(.checkedOut(info))
      case .confirm: self = .outcome(.order(.confirm, info))
      case .cancel: self = .outcome(.order(.cancel, info))
      case .create, .delete, .set, .block, .hold, .best, .release, .extend, .seat, .seats, .availability, .holdInfo,
        .orderInfo:
        self = .answer(.order(info))
      }
    case .deleted: self = .outcome(.deleted)
    case .blocked(_, let version, let changed): self = .outcome(.blocked(version: version, changed: changed))
    case .released(let version): self = .outcome(.released(version: version))
    case .seats(let event, let version, let states, _):
      self = .answer(.seats(event.ref, version: version, states: states))
    case .availability(let event, let version, let counts):
      self = .answer(.availability(event.ref, version: version, counts))
    case .seat(let state, let version): self = .answer(.seat(state, version: version))
    case .refused(.unavailable), .refused(.diskFull): self = .unavailable
    case .refused(.unknown): self = .unknown
    case .refused(let refusal):
      guard let refusal = Self.refusal(refusal, operation) else {
        self = .unexpected("\(refusal)")
        return
      }
      self = operation.what.isCommand ? .outcome(.refused(refusal)) : .answer(.refused(refusal))
    case .event:
      // The reply describes the event at some later version.
      if case .set = operation.what {
        self = .outcome(.termsSet(version: 0))
      } else {
        self = .unexpected("what it did not ask for")
      }
    case .plan, .events, .copy, .orders, .holds, .queue, .place, .placeGivenUp:
      self = .unexpected("what it did not ask for")
    }
  }

  private static func refusal(_ refusal: CallRefusal, _ operation: ClientOperation) -> Refusal? {
    switch refusal {
    case .noSuchHold: .noSuchHold
    case .noSuchOrder: .noSuchOrder
    case .eventExists: .eventExists
    case .noSuchEvent where operation.what.isOnOwnEvent: .noSuchEvent
    case .eventInUse(let holds, let orders): .eventInUse(holds: holds, orders: orders)
    case .limitExceeded(let name, let limit): .limitExceeded(name, limit: limit)
    case .seatsTaken(let taken):
      .seatsTaken(
        operation.seats.enumerated().compactMap { place, seat in
          let label = SimulatedEvent.label(seat)
          return taken.first { $0.label == label }.map { Refusal.LostSeat(UInt16(place), $0.state) }
        })
    case .soldOut(.some, _): .soldOut(.area(AreaIndex(0)))
    case .soldOut(nil, .some): .soldOut(.category(CategoryIndex(0)))
    case .soldOut(nil, nil): .soldOut(.event)
    case .holdExpired: .holdExpired
    case .checkedOut(let order): .checkedOut(order)
    case .orderState(let status): .orderState(status)
    case .orderExpired: .orderExpired
    case .notOnSale(let at): .notOnSale(at: at)
    // What was created is there.
    case .noSuchEvent, .noSuchSeats, .repeatedSeat, .noSuchArea, .noSuchCategory, .noSuchPrice, .invalid, .tooMany,
      .keyReused, .noWaitingRoom, .queueClosed, .noSuchPlace, .placeLeft, .passRequired, .passExpired, .passForeign,
      .unavailable, .diskFull, .unknown:
      nil
    }
  }

  /// The event's version that this is about, where it says one.
  var version: UInt64? {
    switch self {
    case .outcome(let outcome):
      switch outcome {
      case .created(_, let version), .released(let version), .blocked(let version, _): version
      case .held(let held), .heldBest(let held, _): held.version
      case .extended(let info): info.version
      case .checkedOut(let info), .order(_, let info): info.hold.version
      case .termsSet, .deleted, .place, .queue, .placeGivenUp, .noted, .refused: nil
      }
    case .answer(let answer), .copy(let answer, _, _):
      switch answer {
      case .seats(_, let version, _), .seat(_, let version), .availability(_, let version, _): version
      case .hold(let info): info.version
      case .order(let info): info.hold.version
      case .event, .encodedEvent, .terms, .events, .orders, .holds, .subscribed, .unsubscribed, .queue, .place,
        .refused:
        nil
      }
    case .unavailable, .unknown, .unexpected: nil
    }
  }
}
