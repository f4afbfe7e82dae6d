import Octets
import Proto

/// Lists of orders and holds, in slices: a query looks at so many and says where the next one goes on.
extension Inventory {
  /// Orders that one query looks at.
  static let ordersLookedAt = 4_096
  /// Slots of holds that one query looks at: less is looked at in each.
  static let slotsLookedAt = 16_384
  /// Seats and areas in one answer, but for the last entry's.
  static let listedSeatsMax = 4_096

  /// The event's orders that fit, from the `after`-th on, in the order of their checkouts. An order that is checked out
  /// while somebody reads slice after slice is found in a later one; no order is found twice, on whichever replica.
  func orders(of id: Bytes, _ filter: OrderFilter, after: UInt32, limit: Int) -> Answer {
    guard let event = events.slot(of: id) else { return .refused(.noSuchEvent) }
    let count = events[event].orders.count
    let end = min(count, Int(after) + Self.ordersLookedAt)
    var found: [OrderInfo] = []
    var seats = 0
    var place = Int(after)
    while place < end, found.count < limit, seats < Self.listedSeatsMax {
      let order = orders[events[event].orders[place]]
      place += 1
      if let status = filter.status, status != order.status { continue }
      if let reference = filter.reference, !cells.equals(order.reference, reference.rawSpan) { continue }
      let record = holds[order.slot]
      if let buyer = filter.buyer, !cells.equals(record.buyer, buyer.rawSpan) { continue }
      let info = orderInfo(order.slot, record)
      seats += info.hold.seats.count + info.hold.areas.count
      found.append(info)
    }
    return .orders(found, next: place < count ? UInt32(place) : nil)
  }

  /// The buyer's holds of the event that are not checked out, from the `after`-th slot on. A hold that is made while
  /// somebody reads slice after slice may be found or not.
  func holds(of id: Bytes, buyer: Bytes, after: UInt32, limit: Int) -> Answer {
    guard let event = events.slot(of: id) else { return .refused(.noSuchEvent) }
    let end = min(holds.count, Int(after) + Self.slotsLookedAt)
    var found: [HoldInfo] = []
    var seats = 0
    var place = Int(after)
    while place < end, found.count < limit, seats < Self.listedSeatsMax {
      let slot = UInt32(place)
      let record = holds[slot]
      place += 1
      guard record.status == .held, record.event == event, cells.equals(record.buyer, buyer.rawSpan) else { continue }
      let info = info(slot, record)
      seats += info.seats.count + info.areas.count
      found.append(info)
    }
    return .holds(found, next: place < holds.count ? UInt32(place) : nil)
  }
}
