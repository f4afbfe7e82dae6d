import Octets
import Plan
import Proto

/// Why a reservation's words mean nothing in its event.
struct TranslationError: Error {
  var refusal: CallRefusal
  init(_ refusal: CallRefusal) { self.refusal = refusal }
}

/// Labels and names to numbers, and refusals' numbers back to the caller's words.
enum Translation {
  static func command(
    for reservation: Reservation, _ event: EventEntry, secret: UInt64
  ) throws(TranslationError) -> Command {
    switch reservation.choice {
    case .named(let seats, let areas):
      if seats.isEmpty && areas.isEmpty {
        throw TranslationError(.invalid(field: "seats", detail: "A reservation needs seats, areas or best."))
      }
      let hold = Command.Hold(
        event: event.ref, ttl: reservation.ttl, secret: secret, buyer: reservation.buyer,
        seats: try indexes(of: seats, event), areas: try counts(of: areas, event))
      return reservation.pass.map { .passHold($0, hold) } ?? .hold(hold)
    case .best(let count, let category):
      var index: CategoryIndex?
      if let category {
        index = event.category(category.rawSpan)
        if index == nil { throw TranslationError(.noSuchCategory(category)) }
      }
      let best = Command.HoldBest(
        event: event.ref, ttl: reservation.ttl, secret: secret, buyer: reservation.buyer, count: count,
        category: index)
      return reservation.pass.map { .passHoldBest($0, best) } ?? .holdBest(best)
    }
  }

  private static func indexes(of labels: [Bytes], _ event: EventEntry) throws(TranslationError) -> [SeatIndex] {
    guard labels.count <= HoldView.seatsMax else {
      throw TranslationError(.invalid(field: "seats", detail: "There are at most 65535 seats."))
    }
    var seats: [SeatIndex] = []
    seats.reserveCapacity(labels.count)
    var unknown: [Bytes] = []
    for label in labels {
      if let seat = event.seat(label.rawSpan) { seats.append(seat) } else { unknown.append(label) }
    }
    guard unknown.isEmpty else { throw TranslationError(.noSuchSeats(unknown)) }
    if let place = firstRepeat(seats) { throw TranslationError(.repeatedSeat(labels[place])) }
    return seats
  }

  /// The place of the first seat that stood before.
  private static func firstRepeat(_ seats: [SeatIndex]) -> Int? {
    if seats.count <= 16 {
      for place in seats.indices {
        for other in 0..<place where seats[other] == seats[place] { return place }
      }
      return nil
    }
    var seen: Set<SeatIndex> = []
    return seats.firstIndex { !seen.insert($0).inserted }
  }

  private static func counts(
    of areas: [Reservation.NamedCount], _ event: EventEntry
  ) throws(TranslationError) -> [AreaCount] {
    guard areas.count <= HoldView.areasMax else {
      throw TranslationError(.invalid(field: "areas", detail: "There are at most 255 areas."))
    }
    var counts: [AreaCount] = []
    for area in areas {
      guard let index = event.area(area.area.rawSpan) else { throw TranslationError(.noSuchArea(area.area)) }
      if area.count == 0 {
        throw TranslationError(.invalid(field: "areas", detail: "An area's count is at least 1."))
      }
      if counts.contains(where: { $0.area == index }) {
        throw TranslationError(.invalid(field: "areas", detail: "An area is named more than once."))
      }
      counts.append(AreaCount(area: index, count: area.count))
    }
    return counts
  }

  static func block(
    _ seats: [Bytes], _ areas: [Reservation.NamedCount], isBlocked: Bool, _ event: EventEntry
  ) throws(TranslationError) -> SeatBlock {
    if seats.isEmpty && areas.isEmpty {
      throw TranslationError(.invalid(field: "seats", detail: "Seats or areas are needed."))
    }
    return SeatBlock(
      isBlocked: isBlocked, seats: try indexes(of: seats, event), areas: try counts(of: areas, event))
  }

  /// - Returns: the change with prices of categories and areas, by number. A name that both have means both.
  static func change(
    for document: TermsDocument, _ event: EventEntry
  ) throws(TranslationError) -> TermsChange {
    var change = document.change
    for named in document.prices {
      let (category, area) = (event.category(named.name.rawSpan), event.area(named.name.rawSpan))
      guard category != nil || area != nil else {
        let names = event.definition.categories.map(\.name) + event.definition.areas.map(\.name)
        throw TranslationError(
          .noSuchPrice(named.name, hint: CategoryNames.unknown(named.name, among: names, kind: "category or area")))
      }
      if let category { change.prices.append(TermsChange.Price(.category(category), named.price)) }
      if let area { change.prices.append(TermsChange.Price(.area(area), named.price)) }
    }
    return change
  }

  /// A shard's refusal in the words of the call that it refuses.
  static func refusal(_ refusal: Refusal, _ call: Call) -> CallRefusal {
    if case .seatsTaken(let lost) = refusal { return .seatsTaken(spelled(lost, call)) }
    return Self.refusal(refusal, event: call.event)
  }

  static func refusal(_ refusal: Refusal, event: EventEntry?) -> CallRefusal {
    switch refusal {
    case .noSuchEvent: .noSuchEvent
    case .staleEvent: .unavailable
    case .noSuchHold: .noSuchHold
    case .noSuchOrder: .noSuchOrder
    case .eventExists: .eventExists
    case .eventInUse(let holds, let orders): .eventInUse(holds: holds, orders: orders)
    case .invalid(let argument): invalid(argument)
    case .notOnSale(let at): .notOnSale(at: at)
    case .limitExceeded(let name, let limit): .limitExceeded(name, limit: limit)
    case .seatsTaken: .seatsTaken([])
    case .soldOut(let scarce):
      switch scarce {
      case .event: .soldOut(area: nil, category: nil)
      case .area(let area): .soldOut(area: event?.areaName(area), category: nil)
      case .category(let category): .soldOut(area: nil, category: event?.categoryName(category))
      }
    case .holdExpired: .holdExpired
    case .checkedOut(let order): .checkedOut(order)
    case .orderState(let status): .orderState(status)
    case .orderExpired: .orderExpired
    case .keyReused: .keyReused
    case .noWaitingRoom: .noWaitingRoom
    case .queueClosed(let opensAt): .queueClosed(opensAt: opensAt)
    case .noSuchPlace: .noSuchPlace
    case .placeLeft: .placeLeft
    case .passRequired: .passRequired
    case .passExpired: .passExpired
    case .passForeign: .passForeign
    }
  }

  private static func invalid(_ argument: Refusal.Argument) -> CallRefusal {
    switch argument {
    case .seats: .invalid(field: "seats", detail: "The seats are not valid.")
    case .areas: .invalid(field: "areas", detail: "The areas are not valid.")
    case .count: .invalid(field: "count", detail: "The count is not valid.")
    case .category: .invalid(field: "category", detail: "The category is not valid.")
    case .ttl: .invalid(field: "ttl", detail: "The time is not valid.")
    case .buyer: .invalid(field: "buyer", detail: "The buyer is not valid.")
    case .terms: .invalid(field: "event", detail: "The event cannot have these terms.")
    case .definition: .invalid(field: "event", detail: "The event's definition is not valid.")
    }
  }

  private static func spelled(_ lost: [Refusal.LostSeat], _ call: Call) -> [TakenSeat] {
    let seats: [Bytes]
    if case .reserve(let reservation) = call.operation, case .named(let named, _) = reservation.choice {
      seats = named
    } else if case .blockSeats(_, let named, _, _) = call.operation {
      seats = named
    } else {
      return []
    }
    return lost.compactMap { Int($0.place) < seats.count ? TakenSeat(seats[Int($0.place)], $0.state) : nil }
  }
}
