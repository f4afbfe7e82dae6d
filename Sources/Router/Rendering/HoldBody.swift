import JSON
import Octets
import Plan
import Proto
import RouterCore
import Time

/// The JSON of holds and orders.
extension [UInt8] {
  /// A hold that was just made: what the outcome says, and what the command said.
  mutating func putHeld(
    _ event: EventEntry, _ held: Outcome.Held, buyer: Bytes, seats: [SeatIndex], areas: [AreaCount]
  ) {
    putJSON("{\"hold\":\"")
    held.id.write(into: &self)
    putJSON("\"")
    putHoldMiddle(event, buyer: buyer, seats: seats, areas: areas, total: held.total, expiresAt: held.expiresAt)
    putJSON(",\"version\":")
    putJSON(held.version)
    putJSON("}")
  }

  /// As above, of one seat.
  mutating func putHeld(_ event: EventEntry, _ held: Outcome.Held, buyer: RawSpan, seat: SeatIndex) {
    putJSON("{\"hold\":\"")
    held.id.write(into: &self)
    putJSON("\",\"event\":\"")
    append(contentsOf: event.id.array)
    putJSON("\",\"buyer\":")
    putJSONString(buyer)
    putJSON(",\"seats\":[")
    putLabel(seat, event)
    putJSON("],\"areas\":{}")
    putHoldEnd(event, total: held.total, expiresAt: held.expiresAt)
    putJSON(",\"version\":")
    putJSON(held.version)
    putJSON("}")
  }

  /// A hold as it stands.
  mutating func putHold(_ event: EventEntry, _ info: HoldInfo) { putHold(event, info, order: nil) }

  /// A hold that was checked out.
  mutating func putHold(_ event: EventEntry, of order: OrderInfo) { putHold(event, order.hold, order: order) }

  private mutating func putHold(_ event: EventEntry, _ info: HoldInfo, order: OrderInfo?) {
    putJSON("{\"hold\":\"")
    info.hold.write(into: &self)
    putJSON("\"")
    if let order {
      putJSON(",\"order\":\"")
      order.order.write(into: &self)
      putJSON("\",\"status\":\"")
      append(contentsOf: order.status.name.description.utf8)
      putJSON("\"")
    }
    putHoldMiddle(
      event, buyer: info.buyer, seats: info.seats, areas: info.areas, total: info.total, expiresAt: info.expiresAt)
    putJSON(",\"version\":")
    putJSON(info.version)
    putJSON("}")
  }

  mutating func putOrder(_ event: EventEntry, _ order: OrderInfo) {
    putJSON("{\"order\":\"")
    order.order.write(into: &self)
    putJSON("\",\"status\":\"")
    append(contentsOf: order.status.name.description.utf8)
    putJSON("\",\"hold\":\"")
    order.hold.hold.write(into: &self)
    putJSON("\"")
    let info = order.hold
    putHoldMiddle(
      event, buyer: info.buyer, seats: info.seats, areas: info.areas, total: info.total, expiresAt: info.expiresAt)
    putJSON(",\"reference\":")
    if order.reference.isEmpty { putJSON("null") } else { putJSONString(order.reference.rawSpan) }
    putJSON(",\"created_at\":")
    putJSONTime(order.createdAt)
    putJSON(",\"pay_by\":")
    putJSONTime(order.payBy)
    putJSON(",\"history\":[")
    for (place, step) in order.history.enumerated() {
      putJSON(place > 0 ? ",{\"status\":\"" : "{\"status\":\"")
      append(contentsOf: step.status.name.description.utf8)
      putJSON("\",\"at\":")
      putJSONTime(step.at)
      putJSON("}")
    }
    putJSON("],\"version\":")
    putJSON(info.version)
    putJSON("}")
  }

  mutating func putOrders(_ event: EventEntry, _ orders: [OrderInfo], next: UInt32?) {
    putJSON("{\"orders\":[")
    for (place, order) in orders.enumerated() {
      if place > 0 { putJSON(",") }
      putOrder(event, order)
    }
    putListEnd(next.map { ListCursor.write($0, of: .listOrders, event.id) })
  }

  mutating func putHolds(_ event: EventEntry, _ holds: [HoldInfo], next: UInt32?) {
    putJSON("{\"holds\":[")
    for (place, hold) in holds.enumerated() {
      if place > 0 { putJSON(",") }
      putHold(event, hold)
    }
    putListEnd(next.map { ListCursor.write($0, of: .listHolds, event.id) })
  }

  private mutating func putListEnd(_ next: Bytes?) {
    putJSON("],\"next_cursor\":")
    if let next {
      putJSONString(next.rawSpan)
    } else {
      putJSON("null")
    }
    putJSON("}")
  }

  /// From `event` to `expires_at`.
  private mutating func putHoldMiddle(
    _ event: EventEntry, buyer: Bytes, seats: [SeatIndex], areas: [AreaCount], total: Int64, expiresAt: Stamp
  ) {
    putJSON(",\"event\":\"")
    append(contentsOf: event.id.array)
    putJSON("\",\"buyer\":")
    putJSONString(buyer.rawSpan)
    putJSON(",\"seats\":")
    putLabels(seats, event)
    putJSON(",\"areas\":{")
    for (place, area) in areas.enumerated() {
      if place > 0 { putJSON(",") }
      putJSONString(bytes: event.areaName(area.area) ?? Bytes())
      putJSON(":")
      putJSON(area.count)
    }
    putJSON("}")
    putHoldEnd(event, total: total, expiresAt: expiresAt)
  }

  private mutating func putHoldEnd(_ event: EventEntry, total: Int64, expiresAt: Stamp) {
    putJSON(",\"total\":")
    putJSON(total)
    putJSON(",\"currency\":")
    putJSONString(bytes: event.definition.currency)
    putJSON(",\"expires_at\":")
    putJSONTime(expiresAt)
  }

  private mutating func putLabels(_ seats: [SeatIndex], _ event: EventEntry) {
    putJSON("[")
    for (place, seat) in seats.enumerated() {
      if place > 0 { putJSON(",") }
      putLabel(seat, event)
    }
    putJSON("]")
  }

  /// A seat's label as a string: written where it stands, unless there is something to escape in it, as in few.
  private mutating func putLabel(_ seat: SeatIndex, _ event: EventEntry) {
    append(UInt8(ascii: "\""))
    let start = count
    event.index.writeLabel(seat, into: &self)
    if self[start...].contains(where: { $0 < 0x20 || $0 >= 0x80 || $0 == 0x22 || $0 == 0x5C }) {
      let label = Array(self[start...])
      removeLast(count - start)
      putJSONText(label.rawSpan)
    }
    append(UInt8(ascii: "\""))
  }

  mutating func putStrings(_ strings: [Bytes]) {
    putJSON("[")
    for (place, string) in strings.enumerated() {
      if place > 0 { putJSON(",") }
      putJSONString(string.rawSpan)
    }
    putJSON("]")
  }
}
