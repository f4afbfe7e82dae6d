public import Octets

extension Query {
  private enum Tag: UInt8, CaseIterable {
    case event = 1
    case seats = 2
    case seat = 3
    case availability = 4
    case hold = 5
    case order = 6
    case events = 7
    case subscribe = 8
    case unsubscribe = 9
    case orders = 10
    case holds = 11
    case terms = 12
    case queue = 13
    case place = 14
  }

  /// The names of the kinds, for the test that freezes their bytes.
  package static var kindNames: [String] { Tag.allCases.map { "\($0)" } }

  public func encode(into out: inout [UInt8]) {
    switch self {
    case .event(let id): out.put(Tag.event.rawValue, id)
    case .seats(let id): out.put(Tag.seats.rawValue, id)
    case .seat(let id, let seat):
      out.put(Tag.seat.rawValue, id)
      out.put(seat.rawValue)
    case .availability(let id): out.put(Tag.availability.rawValue, id)
    case .terms(let id): out.put(Tag.terms.rawValue, id)
    case .hold(let id):
      out.append(Tag.hold.rawValue)
      id.encode(into: &out)
    case .order(let id):
      out.append(Tag.order.rawValue)
      id.encode(into: &out)
    case .orders(let id, let filter, let after, let limit):
      out.put(Tag.orders.rawValue, id)
      out.put(optional: filter.buyer) { $0.putShort($1) }
      out.put(optional: filter.status?.rawValue) { $0.append($1) }
      out.put(optional: filter.reference) { $0.putShort($1) }
      out.put(after)
      out.put(limit)
    case .holds(let id, let buyer, let after, let limit):
      out.put(Tag.holds.rawValue, id)
      out.putShort(buyer)
      out.put(after)
      out.put(limit)
    case .events(let after, let limit):
      out.put(Tag.events.rawValue, after)
      out.put(limit)
    case .subscribe(let id): out.put(Tag.subscribe.rawValue, id)
    case .unsubscribe(let id): out.put(Tag.unsubscribe.rawValue, id)
    case .queue(let id): out.put(Tag.queue.rawValue, id)
    case .place(let id):
      out.append(Tag.place.rawValue)
      id.encode(into: &out)
    }
  }

  public init(decoding reader: inout ByteReader) throws(DecodeError) {
    guard let tag = Tag(rawValue: try reader.u8()) else { throw .invalid(field: "query") }
    switch tag {
    case .event: self = .event(id: try reader.shortBytes())
    case .seats: self = .seats(id: try reader.shortBytes())
    case .seat:
      let id = try reader.shortBytes()
      self = .seat(id: id, SeatIndex(try reader.u32()))
    case .availability: self = .availability(id: try reader.shortBytes())
    case .terms: self = .terms(id: try reader.shortBytes())
    case .hold: self = .hold(try HoldID(decoding: &reader))
    case .order: self = .order(try OrderID(decoding: &reader))
    case .orders:
      let id = try reader.shortBytes()
      var filter = OrderFilter()
      if try reader.isPresent() { filter.buyer = try reader.shortBytes() }
      if try reader.isPresent() {
        filter.status = OrderStatus(rawValue: try reader.u8())
        guard filter.status != nil else { throw .invalid(field: "order status") }
      }
      if try reader.isPresent() { filter.reference = try reader.shortBytes() }
      let after = try reader.u32()
      self = .orders(id: id, filter, after: after, limit: try reader.u16())
    case .holds:
      let id = try reader.shortBytes()
      let buyer = try reader.shortBytes()
      let after = try reader.u32()
      self = .holds(id: id, buyer: buyer, after: after, limit: try reader.u16())
    case .events:
      let after = try reader.shortBytes()
      self = .events(after: after, limit: try reader.u16())
    case .subscribe: self = .subscribe(id: try reader.shortBytes())
    case .unsubscribe: self = .unsubscribe(id: try reader.shortBytes())
    case .queue: self = .queue(id: try reader.shortBytes())
    case .place: self = .place(try PlaceID(decoding: &reader))
    }
  }
}

extension Answer {
  private enum Tag: UInt8, CaseIterable {
    case event = 1
    case seats = 2
    case seat = 3
    case availability = 4
    case hold = 5
    case order = 6
    // 7 was `events`, without venue and start.
    case subscribed = 8
    case unsubscribed = 9
    case refused = 10
    case orders = 11
    case holds = 12
    case terms = 13
    case events = 14
    case queue = 15
    case place = 16
  }

  /// The names of the kinds, for the test that freezes their bytes.
  package static var kindNames: [String] { Tag.allCases.map { "\($0)" } }

  /// The end of an answer's encoding that may be large, as it stands in somebody's memory; nil: it has none.
  public var tail: Bytes? {
    switch self {
    case .encodedEvent(_, _, _, _, let definition): definition
    case .seats(_, _, let states), .subscribed(_, _, let states, _): states
    case .event, .seat, .availability, .terms, .hold, .order, .orders, .holds, .events, .unsubscribed, .queue, .place,
      .refused:
      nil
    }
  }

  /// - Parameter leavesTail: whether all but `tail` is written, because that is sent behind `out`.
  public func encode(into out: inout [UInt8], leavesTail: Bool = false) {
    switch self {
    case .event(let info):
      out.append(Tag.event.rawValue)
      out.put(info.ref)
      out.put(info.version)
      out.put(info.terms)
      info.availability.encode(into: &out)
      info.definition.encode(into: &out)
    case .encodedEvent(let event, let version, let terms, let availability, let definition):
      out.append(Tag.event.rawValue)
      out.put(event)
      out.put(version)
      out.put(terms)
      availability.encode(into: &out)
      if !leavesTail { out.append(contentsOf: definition.array) }
    case .seats(let event, let version, let states):
      out.append(Tag.seats.rawValue)
      out.put(event)
      out.put(version)
      out.put(states, leavesTail)
    case .seat(let state, let version):
      out.append(Tag.seat.rawValue)
      out.append(state.rawValue)
      out.put(version)
    case .availability(let event, let version, let availability):
      out.append(Tag.availability.rawValue)
      out.put(event)
      out.put(version)
      availability.encode(into: &out)
    case .terms(let event, let version, let terms):
      out.append(Tag.terms.rawValue)
      out.put(event)
      out.put(version)
      terms.encode(into: &out)
    case .hold(let info):
      out.append(Tag.hold.rawValue)
      info.encode(into: &out)
    case .order(let info):
      out.append(Tag.order.rawValue)
      info.encode(into: &out)
    case .orders(let orders, let next):
      out.append(Tag.orders.rawValue)
      out.put(UInt32(orders.count))
      for order in orders { order.encode(into: &out) }
      out.put(optional: next) { $0.put($1) }
    case .holds(let holds, let next):
      out.append(Tag.holds.rawValue)
      out.put(UInt32(holds.count))
      for hold in holds { hold.encode(into: &out) }
      out.put(optional: next) { $0.put($1) }
    case .events(let events):
      out.append(Tag.events.rawValue)
      out.put(UInt32(events.count))
      for event in events {
        out.putShort(event.id)
        out.putShort(event.name)
        out.put(optional: event.venue) { $0.putShort($1) }
        out.put(optional: event.startsAt) { $0.put($1) }
        out.put(event.version)
        event.counts.encode(into: &out)
      }
    case .subscribed(let event, let version, let states, let availability):
      out.append(Tag.subscribed.rawValue)
      out.put(event)
      out.put(version)
      availability.encode(into: &out)
      out.put(states, leavesTail)
    case .unsubscribed: out.append(Tag.unsubscribed.rawValue)
    case .queue(let info):
      out.append(Tag.queue.rawValue)
      info.encode(into: &out)
    case .place(let info):
      out.append(Tag.place.rawValue)
      info.encode(into: &out)
    case .refused(let refusal):
      out.append(Tag.refused.rawValue)
      refusal.encode(into: &out)
    }
  }

  public init(decoding reader: inout ByteReader) throws(DecodeError) {
    guard let tag = Tag(rawValue: try reader.u8()) else { throw .invalid(field: "answer") }
    switch tag {
    case .event:
      let ref = try EventRef(decoding: &reader)
      let version = try reader.u64()
      let terms = try reader.isPresent() ? try EventTerms(decoding: &reader) : nil
      let availability = try Availability(decoding: &reader)
      let definition = try EventDefinition(decoding: &reader)
      if let terms, !definition.fits(terms) { throw .invalid(field: "terms") }
      self = .event(
        EventInfo(ref: ref, version: version, definition: definition, terms: terms, availability: availability))
    case .seats:
      let ref = try EventRef(decoding: &reader)
      let version = try reader.u64()
      self = .seats(ref, version: version, states: try reader.seatStates())
    case .seat:
      guard let state = SeatState(rawValue: try reader.u8()) else { throw .invalid(field: "seat state") }
      self = .seat(state, version: try reader.u64())
    case .availability:
      let ref = try EventRef(decoding: &reader)
      let version = try reader.u64()
      self = .availability(ref, version: version, try Availability(decoding: &reader))
    case .terms:
      let ref = try EventRef(decoding: &reader)
      let version = try reader.u64()
      self = .terms(ref, version: version, try EventTerms(decoding: &reader))
    case .hold: self = .hold(try HoldInfo(decoding: &reader))
    case .order: self = .order(try OrderInfo(decoding: &reader))
    case .orders:
      var orders: [OrderInfo] = []
      for _ in 0..<(try reader.count(limit: 65_535, field: "orders")) {
        orders.append(try OrderInfo(decoding: &reader))
      }
      self = .orders(orders, next: try reader.isPresent() ? try reader.u32() : nil)
    case .holds:
      var holds: [HoldInfo] = []
      for _ in 0..<(try reader.count(limit: 65_535, field: "holds")) { holds.append(try HoldInfo(decoding: &reader)) }
      self = .holds(holds, next: try reader.isPresent() ? try reader.u32() : nil)
    case .events:
      var events: [EventSummary] = []
      for _ in 0..<(try reader.count(limit: 65_535, field: "events")) {
        let id = try reader.shortBytes()
        let name = try reader.shortBytes()
        let venue = try reader.isPresent() ? try reader.shortBytes() : nil
        let startsAt = try reader.isPresent() ? try reader.stamp() : nil
        let version = try reader.u64()
        events.append(
          EventSummary(
            id: id, name: name, venue: venue, startsAt: startsAt, version: version,
            counts: try Counts(decoding: &reader)))
      }
      self = .events(events)
    case .subscribed:
      let ref = try EventRef(decoding: &reader)
      let version = try reader.u64()
      let availability = try Availability(decoding: &reader)
      self = .subscribed(ref, version: version, states: try reader.seatStates(), availability)
    case .unsubscribed: self = .unsubscribed
    case .queue: self = .queue(try QueueInfo(decoding: &reader))
    case .place: self = .place(try PlaceInfo(decoding: &reader))
    case .refused: self = .refused(try Refusal(decoding: &reader))
    }
  }
}

extension FeedUpdate {
  public func encode(into out: inout [UInt8]) {
    out.put(event)
    out.put(fromVersion)
    out.put(version)
    out.put(UInt32(seats.count))
    for change in seats {
      out.put(change.seat.rawValue)
      out.append(change.state.rawValue)
    }
    availability.encode(into: &out)
  }

  public init(decoding reader: inout ByteReader) throws(DecodeError) {
    let event = try EventRef(decoding: &reader)
    let fromVersion = try reader.u64()
    let version = try reader.u64()
    var seats: [SeatChange] = []
    for _ in 0..<(try reader.count(limit: EventDefinition.Limit.seats, field: "changed seats")) {
      let seat = SeatIndex(try reader.u32())
      guard let state = SeatState(rawValue: try reader.u8()) else { throw .invalid(field: "seat state") }
      seats.append(SeatChange(seat: seat, state: state))
    }
    self.init(
      event: event, fromVersion: fromVersion, version: version, seats: seats,
      availability: try Availability(decoding: &reader))
  }
}

extension Availability {
  func encode(into out: inout [UInt8]) {
    out.put(terms)
    out.put(UInt32(categories.count))
    for counts in categories { counts.encode(into: &out) }
    out.put(UInt32(areas.count))
    for counts in areas { counts.encode(into: &out) }
  }

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    let terms = try reader.u64()
    var categories: [Counts] = []
    for _ in 0..<(try reader.count(limit: EventDefinition.Limit.categories, field: "categories")) {
      categories.append(try Counts(decoding: &reader))
    }
    var areas: [Counts] = []
    for _ in 0..<(try reader.count(limit: EventDefinition.Limit.areas, field: "areas")) {
      areas.append(try Counts(decoding: &reader))
    }
    self.init(categories: categories, areas: areas, terms: terms)
  }
}

extension Counts {
  func encode(into out: inout [UInt8]) {
    out.put(free)
    out.put(held)
    out.put(sold)
    out.put(notForSale)
  }

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    let free = try reader.u32()
    let held = try reader.u32()
    let sold = try reader.u32()
    self.init(free: free, held: held, sold: sold, notForSale: try reader.u32())
  }
}

extension EventRef {
  /// Layout: `slot: u32`, `incarnation: u64`.
  func encode(into out: inout [UInt8]) {
    out.put(slot.rawValue)
    out.put(incarnation)
  }

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    let slot = EventSlot(try reader.u32())
    self.init(slot: slot, incarnation: try reader.u64())
  }
}

extension [UInt8] {
  fileprivate mutating func put(_ tag: UInt8, _ id: Bytes) {
    append(tag)
    putShort(id)
  }

  fileprivate mutating func put(_ terms: EventTerms?) { put(optional: terms) { $1.encode(into: &$0) } }

  fileprivate mutating func put(_ ref: EventRef) { ref.encode(into: &self) }
}

extension ByteReader {
  /// One byte a seat, each one a `SeatState`.
  fileprivate mutating func seatStates() throws(DecodeError) -> Bytes {
    let states = try longBytes(limit: EventDefinition.Limit.seats, field: "seat states")
    for state in states.array where SeatState(rawValue: state) == nil { throw .invalid(field: "seat state") }
    return states
  }
}

extension [UInt8] {
  /// A `u32` length, and the bytes unless they are sent behind these.
  fileprivate mutating func put(_ states: Bytes, _ leavesBytes: Bool) {
    put(UInt32(states.count))
    if !leavesBytes { append(contentsOf: states.array) }
  }
}
