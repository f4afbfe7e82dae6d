import Proto

/// Commands on orders.
extension Inventory {
  mutating func applyToOrder(_ kind: OrderCommand.Kind, _ record: borrowing CommandRecord) -> Applied {
    guard let (id, command) = try? OrderCommand.decode(kind, body: record.body) else {
      return Self.refuse(.noSuchOrder)
    }
    guard case .living(let slot, let order) = find(id) else { return refuseDead(.noSuchOrder, record) }
    var key = Key()
    if let repeated = repeated(record, event: order.event, key: &key) { return repeated }
    return conclude(
      apply(command, to: slot, order), record, key, event: order.event, subject: (slot, order.sequence))
  }

  private mutating func apply(_ command: OrderCommand, to slot: UInt32, _ order: HoldRecord) -> Outcome {
    switch command {
    case .confirm: confirm(slot, order)
    case .cancel: cancel(slot, order)
    }
  }

  private mutating func confirm(_ slot: UInt32, _ order: HoldRecord) -> Outcome {
    let status = orders[order.slack].status
    switch status {
    case .confirmed: return .order(.confirm, orderInfo(slot, order))
    case .expired: return .refused(.orderExpired)
    case .pendingPayment: break
    case .cancelled, .refunded: return .refused(.orderState(status))
    }
    if order.detailIsSeat {
      events[order.event].sell(order.detail, of: slot, &digest)
    } else {
      var (header, cursor) = cells.open(order.detail)
      for _ in 0..<Contents.seats(header) { events[order.event].sell(cells.next(&cursor), of: slot, &digest) }
      for _ in 0..<Contents.areas(header) {
        let area = AreaIndex(UInt16(truncatingIfNeeded: cells.next(&cursor)))
        let places = AreaCount(area: area, count: cells.next(&cursor))
        events[order.event].move(places, from: .held, to: .sold, &digest)
      }
    }
    let confirmed = move(slot, order, to: .confirmed, at: now)
    stepVersion(order.event)
    note(Change.OrderChange.confirmed, slot, confirmed)
    return .order(.confirm, orderInfo(slot, confirmed))
  }

  private mutating func cancel(_ slot: UInt32, _ order: HoldRecord) -> Outcome {
    let status = orders[order.slack].status
    switch status {
    case .cancelled: return .order(.cancel, orderInfo(slot, order))
    case .expired: return .refused(.orderExpired)
    case .pendingPayment, .confirmed: break
    case .refunded: return .refused(.orderState(status))
    }
    giveBack(slot, order)
    events[order.event].orderCount -= 1
    let cancelled = move(slot, order, to: .cancelled, at: now)
    stepVersion(order.event)
    note(status == .confirmed ? .takenBack : Change.OrderChange.cancelled, slot, cancelled)
    return .order(.cancel, orderInfo(slot, cancelled))
  }
}
