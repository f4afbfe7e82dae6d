public import Octets

extension Command {
  public var kind: CommandKind {
    switch self {
    case .event(let command): .event(command.kind)
    case .hold: .hold
    case .holdBest: .holdBest
    case .passHold: .passHold
    case .passHoldBest: .passHoldBest
    case .onHold(_, let command): .onHold(command.kind)
    case .onOrder(_, let command): .onOrder(command.kind)
    case .onQueue(_, let command): .onQueue(command.kind)
    case .onPlace(_, let command): .onPlace(command.kind)
    case .tick: .tick
    case .openEpoch: .openEpoch
    }
  }

  /// Appends the whole record. `actor`: who asked, empty for a plain hold.
  public func encode(key: Bytes = "", keyIsFromRouter: Bool = false, actor: Bytes = "", into out: inout [UInt8]) {
    CommandRecord.encode(
      kind, key: key.rawSpan, keyIsFromRouter: keyIsFromRouter, actor: actor.rawSpan, into: &out
    ) { encodeBody(into: &$0) }
  }

  public func encodeBody(into out: inout [UInt8]) {
    switch self {
    case .event(let command): command.encodeBody(into: &out)
    case .hold(let hold): hold.encode(into: &out)
    case .holdBest(let best): best.encode(into: &out)
    case .passHold(let place, let hold):
      place.encode(into: &out)
      hold.encode(into: &out)
    case .passHoldBest(let place, let best):
      place.encode(into: &out)
      best.encode(into: &out)
    case .onHold(let hold, let command):
      hold.encode(into: &out)
      command.encodeArguments(into: &out)
    case .onOrder(let order, let command):
      order.encode(into: &out)
      command.encodeArguments(into: &out)
    case .onQueue(let event, let command):
      event.encode(into: &out)
      command.encodeArguments(into: &out)
    case .onPlace(let place, let command):
      place.encode(into: &out)
      command.encodeArguments(into: &out)
    case .tick: break
    case .openEpoch(let epoch): out.put(epoch)
    }
  }

  /// Reads a record's body into a value that owns its bytes. The hot path reads holds with `HoldView` instead.
  public init(decoding record: borrowing CommandRecord) throws(DecodeError) {
    var reader = ByteReader(record.body)
    switch record.kind {
    case .event(let kind): self = .event(try EventCommand(kind, decoding: &reader))
    case .hold:
      self = .hold(try Hold(decoding: record.body))
      return
    case .holdBest: self = .holdBest(try HoldBest(decoding: &reader))
    case .passHold:
      let place = try PlaceID(decoding: &reader)
      self = .passHold(place, try Hold(decoding: record.body.extracting(PlaceID.byteCount...)))
      return
    case .passHoldBest:
      let place = try PlaceID(decoding: &reader)
      self = .passHoldBest(place, try HoldBest(decoding: &reader))
    case .onHold(let kind):
      let hold = try HoldID(decoding: &reader)
      self = .onHold(hold, try HoldCommand(kind, arguments: &reader))
    case .onOrder(let kind):
      let order = try OrderID(decoding: &reader)
      self = .onOrder(order, try OrderCommand(kind, arguments: &reader))
    case .onQueue(let kind):
      let event = try EventRef(decoding: &reader)
      self = .onQueue(event, try QueueCommand(kind, arguments: &reader))
    case .onPlace(let kind):
      let place = try PlaceID(decoding: &reader)
      self = .onPlace(place, try PlaceCommand(kind, arguments: &reader))
    case .tick: self = .tick
    case .openEpoch: self = .openEpoch(try reader.u64())
    }
    try reader.finish()
  }
}

extension Command.Hold {
  /// `HoldView`'s layout.
  fileprivate func encode(into out: inout [UInt8]) {
    precondition(seats.count <= HoldView.seatsMax && areas.count <= HoldView.areasMax, "checked at the door")
    out.put(event: event, ttl: ttl, secret: secret)
    out.append(UInt8(buyer.count))
    out.append(UInt8(areas.count))
    out.put(UInt16(seats.count))
    out.append(contentsOf: buyer.array)
    for seat in seats { out.put(seat.rawValue) }
    for area in areas {
      out.put(area.area.rawValue)
      out.put(area.count)
    }
  }

  fileprivate init(decoding body: RawSpan) throws(DecodeError) {
    let view = try HoldView(decoding: body)
    var seats: [SeatIndex] = []
    for place in 0..<view.seatCount { seats.append(view.seat(place)) }
    var areas: [AreaCount] = []
    for place in 0..<view.areaCount { areas.append(view.area(place)) }
    self.init(
      event: view.event, ttl: view.ttl, secret: view.secret, buyer: Bytes(view.buyer), seats: seats, areas: areas)
  }
}

extension Command.HoldBest {
  fileprivate func encode(into out: inout [UInt8]) {
    out.put(event: event, ttl: ttl, secret: secret)
    out.put(count)
    out.append(category == nil ? 0 : 1)
    out.put(category?.rawValue ?? 0)
    out.putShort(buyer)
  }

  fileprivate init(decoding reader: inout ByteReader) throws(DecodeError) {
    let slot = EventSlot(try reader.u32())
    let event = EventRef(slot: slot, incarnation: try reader.u64())
    let ttl = try reader.u32()
    let secret = try reader.u64()
    let count = try reader.u32()
    let hasCategory = try reader.u8()
    guard hasCategory <= 1 else { throw .invalid(field: "category") }
    let category = CategoryIndex(try reader.u16())
    let buyer = try reader.shortBytes()
    self.init(
      event: event, ttl: ttl, secret: secret, buyer: buyer, count: count, category: hasCategory == 1 ? category : nil)
  }
}

extension [UInt8] {
  fileprivate mutating func put(event: EventRef, ttl: UInt32, secret: UInt64) {
    put(event.slot.rawValue)
    put(event.incarnation)
    put(ttl)
    put(secret)
  }
}
