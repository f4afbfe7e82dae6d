import Octets
import Proto
import Time

/// What is said of holds and orders.
extension Model {
  func info(_ number: Int) -> HoldInfo {
    let hold = holds[number]
    return HoldInfo(
      hold: HoldID(shard: shard, slot: hold.slot, sequence: UInt64(number), secret: hold.secret),
      event: ref(hold.event), eventID: events[hold.event].definition.id, buyer: hold.buyer,
      seats: hold.seats.map { SeatIndex(UInt32($0)) }, areas: hold.areas, total: hold.total,
      expiresAt: hold.isOrder ? hold.holdDeadline : hold.deadline, version: events[hold.event].version)
  }

  func orderInfo(_ number: Int) -> OrderInfo {
    let hold = holds[number]
    let state: OrderState =
      switch hold.life {
      case .confirmed: .confirmed(at: hold.confirmedAt ?? 0)
      case .cancelled: .cancelled(at: hold.endedAt, confirmedAt: hold.confirmedAt)
      case .expired: .expired(at: hold.endedAt)
      case .pending, .held, .released, .over: .pendingPayment
      }
    return OrderInfo(
      order: orderID(number), state: state, createdAt: hold.createdAt, payBy: hold.deadline, reference: hold.reference,
      hold: info(number))
  }

  /// An event's orders that fit, in the order of their checkouts.
  func orders(of event: Int, _ filter: OrderFilter) -> [OrderInfo] {
    holds.indices.filter { holds[$0].isOrder && holds[$0].event == event }
      .sorted { holds[$0].orderNumber < holds[$1].orderNumber }
      .map { orderInfo($0) }
      .filter { order in
        (filter.buyer.map { $0 == order.hold.buyer } ?? true) && (filter.status.map { $0 == order.status } ?? true)
          && (filter.reference.map { $0 == order.reference } ?? true)
      }
  }

  /// A buyer's holds of an event that are not checked out, by slot.
  func holds(of event: Int, buyer: Bytes) -> [HoldInfo] {
    holds.indices.filter { holds[$0].life == .held && holds[$0].event == event && holds[$0].buyer == buyer }
      .sorted { holds[$0].slot < holds[$1].slot }.map { info($0) }
  }
}
