public import Octets

extension Outcome {
  @usableFromInline enum Tag: UInt8, CaseIterable {
    case created = 1
    case held = 2
    case heldBest = 3
    case released = 4
    case extended = 5
    case checkedOut = 6
    // 7 and 8 are in `OrderCommand.Kind.outcomeNumber`, with those of further commands on orders.
    case noted = 9
    case refused = 10
    case termsSet = 11
    case blocked = 12
    case deleted = 13
    case place = 14
    case queue = 15
    case placeGivenUp = 16
  }

  /// The kinds and their first bytes, for the test that freezes them.
  package static var kinds: [(name: String, number: UInt8)] {
    Tag.allCases.map { ("\($0)", $0.rawValue) } + OrderCommand.Kind.allCases.map { ("\($0)", $0.outcomeNumber) }
  }

  public func encode(into out: inout [UInt8]) {
    switch self {
    case .created(let event, let version):
      out.append(Tag.created.rawValue)
      out.put(event.slot.rawValue)
      out.put(event.incarnation)
      out.put(version)
    case .termsSet(let version):
      out.append(Tag.termsSet.rawValue)
      out.put(version)
    case .blocked(let version, let changed):
      out.append(Tag.blocked.rawValue)
      out.put(version)
      out.put(changed)
    case .deleted: out.append(Tag.deleted.rawValue)
    case .held(let held):
      out.append(Tag.held.rawValue)
      held.encode(into: &out)
    case .heldBest(let held, let seats):
      out.append(Tag.heldBest.rawValue)
      held.encode(into: &out)
      out.put(seats: seats)
    case .released(let version):
      out.append(Tag.released.rawValue)
      out.put(version)
    case .extended(let info):
      out.append(Tag.extended.rawValue)
      info.encode(into: &out)
    case .checkedOut(let info): out.put(Tag.checkedOut.rawValue, info)
    case .order(let kind, let info): out.put(kind.outcomeNumber, info)
    case .place(let info):
      out.append(Tag.place.rawValue)
      info.encode(into: &out)
    case .queue(let info):
      out.append(Tag.queue.rawValue)
      info.encode(into: &out)
    case .placeGivenUp: out.append(Tag.placeGivenUp.rawValue)
    case .noted: out.append(Tag.noted.rawValue)
    case .refused(let refusal):
      out.append(Tag.refused.rawValue)
      refusal.encode(into: &out)
    }
  }

  public init(decoding reader: inout ByteReader) throws(DecodeError) {
    let number = try reader.u8()
    guard let tag = Tag(rawValue: number) else {
      guard let kind = OrderCommand.Kind.allCases.first(where: { $0.outcomeNumber == number }) else {
        throw .invalid(field: "outcome")
      }
      self = .order(kind, try OrderInfo(decoding: &reader))
      return
    }
    switch tag {
    case .created:
      let slot = EventSlot(try reader.u32())
      let event = EventRef(slot: slot, incarnation: try reader.u64())
      self = .created(event, version: try reader.u64())
    case .termsSet: self = .termsSet(version: try reader.u64())
    case .blocked:
      let version = try reader.u64()
      self = .blocked(version: version, changed: try reader.u32())
    case .deleted: self = .deleted
    case .held: self = .held(try Held(decoding: &reader))
    case .heldBest:
      let held = try Held(decoding: &reader)
      self = .heldBest(held, seats: try reader.seats())
    case .released: self = .released(version: try reader.u64())
    case .extended: self = .extended(try HoldInfo(decoding: &reader))
    case .checkedOut: self = .checkedOut(try OrderInfo(decoding: &reader))
    case .place: self = .place(try PlaceInfo(decoding: &reader))
    case .queue: self = .queue(try QueueInfo(decoding: &reader))
    case .placeGivenUp: self = .placeGivenUp
    case .noted: self = .noted
    case .refused: self = .refused(try Refusal(decoding: &reader))
    }
  }
}

extension Refusal {
  private enum Tag: UInt8, CaseIterable {
    case noSuchEvent = 1
    case staleEvent = 2
    case noSuchHold = 3
    case noSuchOrder = 4
    case eventExists = 5
    case invalid = 6
    case notOnSale = 7
    case limitExceeded = 8
    /// Without the seats' states: only of outcomes that lie in old snapshots.
    case seatsTaken = 9
    case soldOut = 10
    case holdExpired = 11
    case checkedOut = 12
    case orderState = 13
    case orderExpired = 14
    case keyReused = 15
    case eventInUse = 16
    case seatsTakenWithStates = 17
    case noWaitingRoom = 18
    case queueClosed = 19
    case noSuchPlace = 20
    case placeLeft = 21
    case passRequired = 22
    case passExpired = 23
    case passForeign = 24
  }

  /// The names of the kinds, for the test that freezes their bytes.
  package static var kindNames: [String] { Tag.allCases.map { "\($0)" } }

  public func encode(into out: inout [UInt8]) {
    switch self {
    case .noSuchEvent: out.append(Tag.noSuchEvent.rawValue)
    case .staleEvent: out.append(Tag.staleEvent.rawValue)
    case .noSuchHold: out.append(Tag.noSuchHold.rawValue)
    case .noSuchOrder: out.append(Tag.noSuchOrder.rawValue)
    case .eventExists: out.append(Tag.eventExists.rawValue)
    case .eventInUse(let holds, let orders):
      out.append(Tag.eventInUse.rawValue)
      out.put(holds)
      out.put(orders)
    case .invalid(let argument):
      out.append(Tag.invalid.rawValue)
      out.append(argument.rawValue)
    case .notOnSale(let at):
      out.append(Tag.notOnSale.rawValue)
      out.put(optional: at) { $0.put($1) }
    case .limitExceeded(let name, let limit):
      out.append(Tag.limitExceeded.rawValue)
      out.append(name.rawValue)
      out.put(limit)
    case .seatsTaken(let lost):
      let saysStates = lost.allSatisfy { $0.state != nil }
      out.append(saysStates ? Tag.seatsTakenWithStates.rawValue : Tag.seatsTaken.rawValue)
      out.put(UInt32(lost.count))
      for seat in lost {
        out.put(seat.place)
        if saysStates, let state = seat.state { out.append(state.rawValue) }
      }
    case .soldOut(let scarce):
      out.append(Tag.soldOut.rawValue)
      switch scarce {
      case .event:
        out.append(0)
        out.put(UInt16(0))
      case .area(let area):
        out.append(1)
        out.put(area.rawValue)
      case .category(let category):
        out.append(2)
        out.put(category.rawValue)
      }
    case .holdExpired: out.append(Tag.holdExpired.rawValue)
    case .checkedOut(let order):
      out.append(Tag.checkedOut.rawValue)
      order.encode(into: &out)
    case .orderState(let status):
      out.append(Tag.orderState.rawValue)
      out.append(status.rawValue)
    case .orderExpired: out.append(Tag.orderExpired.rawValue)
    case .keyReused: out.append(Tag.keyReused.rawValue)
    case .noWaitingRoom: out.append(Tag.noWaitingRoom.rawValue)
    case .queueClosed(let opensAt):
      out.append(Tag.queueClosed.rawValue)
      out.put(optional: opensAt) { $0.put($1) }
    case .noSuchPlace: out.append(Tag.noSuchPlace.rawValue)
    case .placeLeft: out.append(Tag.placeLeft.rawValue)
    case .passRequired: out.append(Tag.passRequired.rawValue)
    case .passExpired: out.append(Tag.passExpired.rawValue)
    case .passForeign: out.append(Tag.passForeign.rawValue)
    }
  }

  public init(decoding reader: inout ByteReader) throws(DecodeError) {
    guard let tag = Tag(rawValue: try reader.u8()) else { throw .invalid(field: "refusal") }
    switch tag {
    case .noSuchEvent: self = .noSuchEvent
    case .staleEvent: self = .staleEvent
    case .noSuchHold: self = .noSuchHold
    case .noSuchOrder: self = .noSuchOrder
    case .eventExists: self = .eventExists
    case .eventInUse:
      let holds = try reader.u32()
      self = .eventInUse(holds: holds, orders: try reader.u32())
    case .invalid:
      guard let argument = Argument(rawValue: try reader.u8()) else { throw .invalid(field: "refused argument") }
      self = .invalid(argument)
    case .notOnSale: self = .notOnSale(at: try !reader.isPresent() ? nil : try reader.stamp())
    case .limitExceeded:
      guard let name = LimitName(rawValue: try reader.u8()) else { throw .invalid(field: "limit name") }
      self = .limitExceeded(name, limit: try reader.i64())
    case .seatsTaken:
      self = .seatsTaken(try Self.lostSeats(&reader) { _ throws(DecodeError) in nil })
    case .seatsTakenWithStates:
      self = .seatsTaken(
        try Self.lostSeats(&reader) { reader throws(DecodeError) in
          guard let state = SeatState(rawValue: try reader.u8()) else { throw .invalid(field: "seat state") }
          return state
        })
    case .soldOut:
      let form = try reader.u8()
      let index = try reader.u16()
      switch form {
      case 0: self = .soldOut(.event)
      case 1: self = .soldOut(.area(AreaIndex(index)))
      case 2: self = .soldOut(.category(CategoryIndex(index)))
      default: throw .invalid(field: "what is sold out")
      }
    case .holdExpired: self = .holdExpired
    case .checkedOut: self = .checkedOut(try OrderID(decoding: &reader))
    case .orderState:
      guard let status = OrderStatus(rawValue: try reader.u8()) else { throw .invalid(field: "order status") }
      self = .orderState(status)
    case .orderExpired: self = .orderExpired
    case .keyReused: self = .keyReused
    case .noWaitingRoom: self = .noWaitingRoom
    case .queueClosed: self = .queueClosed(opensAt: try reader.isPresent() ? try reader.stamp() : nil)
    case .noSuchPlace: self = .noSuchPlace
    case .placeLeft: self = .placeLeft
    case .passRequired: self = .passRequired
    case .passExpired: self = .passExpired
    case .passForeign: self = .passForeign
    }
  }
}

extension Refusal {
  private static func lostSeats(
    _ reader: inout ByteReader, _ state: (inout ByteReader) throws(DecodeError) -> SeatState?
  ) throws(DecodeError) -> [LostSeat] {
    var lost: [LostSeat] = []
    for _ in 0..<(try reader.count(limit: HoldView.seatsMax, field: "lost seats")) {
      let place = try reader.u16()
      lost.append(LostSeat(place, try state(&reader)))
    }
    return lost
  }
}

extension [UInt8] {
  fileprivate mutating func put(_ tag: UInt8, _ info: OrderInfo) {
    append(tag)
    info.encode(into: &self)
  }

  mutating func put(seats: [SeatIndex]) {
    put(UInt32(seats.count))
    for seat in seats { put(seat.rawValue) }
  }
}

extension ByteReader {
  mutating func seats() throws(DecodeError) -> [SeatIndex] {
    let count = try count(limit: HoldView.seatsMax, field: "seats")
    guard bytesLeft >= count * 4 else { throw .truncated(bytesNeeded: count * 4, bytesAvailable: bytesLeft) }
    var seats: [SeatIndex] = []
    seats.reserveCapacity(count)
    for _ in 0..<count { seats.append(SeatIndex(try u32())) }
    return seats
  }
}
