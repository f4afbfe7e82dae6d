public import Octets
public import Time

/// Everything about a hold: what it is of, for whom, until when. Also what an order is of.
public struct HoldInfo: Equatable, Sendable {
  public var hold: HoldID
  public var event: EventRef
  public var eventID: Bytes
  public var buyer: Bytes
  public var seats: [SeatIndex]
  public var areas: [AreaCount]
  /// Minor units.
  public var total: Int64
  /// The hold's deadline; of an order, the one that its hold had at checkout.
  public var expiresAt: Stamp
  /// The event's version when this was said.
  public var version: UInt64

  public init(
    hold: HoldID, event: EventRef, eventID: Bytes, buyer: Bytes, seats: [SeatIndex], areas: [AreaCount], total: Int64,
    expiresAt: Stamp, version: UInt64
  ) {
    (self.hold, self.event, self.eventID, self.buyer) = (hold, event, eventID, buyer)
    (self.seats, self.areas, self.total) = (seats, areas, total)
    (self.expiresAt, self.version) = (expiresAt, version)
  }
}

extension HoldInfo {
  public func encode(into out: inout [UInt8]) {
    hold.encode(into: &out)
    out.put(event.slot.rawValue)
    out.put(event.incarnation)
    out.putShort(eventID)
    out.putShort(buyer)
    out.put(seats: seats)
    out.put(UInt32(areas.count))
    for area in areas {
      out.put(area.area.rawValue)
      out.put(area.count)
    }
    out.put(total)
    out.put(expiresAt)
    out.put(version)
  }

  public init(decoding reader: inout ByteReader) throws(DecodeError) {
    let hold = try HoldID(decoding: &reader)
    let slot = EventSlot(try reader.u32())
    let event = EventRef(slot: slot, incarnation: try reader.u64())
    let eventID = try reader.shortBytes()
    let buyer = try reader.shortBytes()
    let seats = try reader.seats()
    var areas: [AreaCount] = []
    for _ in 0..<(try reader.count(limit: HoldView.areasMax, field: "areas")) {
      let area = AreaIndex(try reader.u16())
      areas.append(AreaCount(area: area, count: try reader.u32()))
    }
    let total = try reader.i64()
    let expiresAt = try reader.stamp()
    self.init(
      hold: hold, event: event, eventID: eventID, buyer: buyer, seats: seats, areas: areas, total: total,
      expiresAt: expiresAt, version: try reader.u64())
  }
}
