public import Octets

extension Command {
  public var kind: CommandKind {
    switch self {
    case .event(let command): .event(command.kind)
    case .hold: .hold
    case .holdBest: .holdBest
    case .onHold(_, let command): .onHold(command.kind)
    case .onOrder(_, let command): .onOrder(command.kind)
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
    case .hold(let hold):
      precondition(
        hold.seats.count <= HoldView.seatsMax && hold.areas.count <= HoldView.areasMax, "checked at the door")
      out.put(event: hold.event, ttl: hold.ttl, secret: hold.secret)
      out.append(UInt8(hold.buyer.count))
      out.append(UInt8(hold.areas.count))
      out.put(UInt16(hold.seats.count))
      out.append(contentsOf: hold.buyer.array)
      for seat in hold.seats { out.put(seat.rawValue) }
      for area in hold.areas {
        out.put(area.area.rawValue)
        out.put(area.count)
      }
    case .holdBest(let best):
      out.put(event: best.event, ttl: best.ttl, secret: best.secret)
      out.put(best.count)
      out.append(best.category == nil ? 0 : 1)
      out.put(best.category?.rawValue ?? 0)
      out.putShort(best.buyer)
    case .onHold(let hold, let command):
      hold.encode(into: &out)
      command.encodeArguments(into: &out)
    case .onOrder(let order, let command):
      order.encode(into: &out)
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
      let view = try HoldView(decoding: record.body)
      var seats: [SeatIndex] = []
      for place in 0..<view.seatCount { seats.append(view.seat(place)) }
      var areas: [AreaCount] = []
      for place in 0..<view.areaCount { areas.append(view.area(place)) }
      self = .hold(
        Hold(
          event: view.event, ttl: view.ttl, secret: view.secret, buyer: Bytes(view.buyer), seats: seats, areas: areas))
      return
    case .holdBest:
      let slot = EventSlot(try reader.u32())
      let event = EventRef(slot: slot, incarnation: try reader.u64())
      let ttl = try reader.u32()
      let secret = try reader.u64()
      let count = try reader.u32()
      let hasCategory = try reader.u8()
      guard hasCategory <= 1 else { throw .invalid(field: "category") }
      let category = CategoryIndex(try reader.u16())
      let buyer = try reader.shortBytes()
      self = .holdBest(
        HoldBest(
          event: event, ttl: ttl, secret: secret, buyer: buyer, count: count,
          category: hasCategory == 1 ? category : nil))
    case .onHold(let kind):
      let hold = try HoldID(decoding: &reader)
      self = .onHold(hold, try HoldCommand(kind, arguments: &reader))
    case .onOrder(let kind):
      let order = try OrderID(decoding: &reader)
      self = .onOrder(order, try OrderCommand(kind, arguments: &reader))
    case .tick: self = .tick
    case .openEpoch: self = .openEpoch(try reader.u64())
    }
    try reader.finish()
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
