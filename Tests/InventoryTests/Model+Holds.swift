import Octets
import Proto
import Time

/// What each command decides about a hold or an order.
extension Model {
  mutating func enter(
    _ event: Int, _ seats: [Int], _ areas: [AreaCount], _ buyer: Bytes, _ ttl: UInt32, _ secret: UInt64
  ) -> Outcome.Held {
    var slot = slotCount
    if let free = freeSlots.popLast() { slot = free } else { slotCount += 1 }
    let length = Milliseconds.seconds(ttl == 0 ? events[event].definition.holdTTL : ttl)
    for seat in seats { events[event].states[seat] = .held }
    for area in areas { events[event].areasHeld[Int(area.area.rawValue)] += Int(area.count) }
    events[event].version += 1
    holds.append(
      Hold(
        slot: slot, secret: secret, event: event, buyer: buyer, seats: seats, areas: areas, deadline: now + length,
        latestDeadline: now + 3 * length))
    let sequence = UInt64(holds.count - 1)
    holds[holds.count - 1].total = price(holds.count - 1)
    return Outcome.Held(
      id: HoldID(shard: shard, slot: slot, sequence: sequence, secret: secret), expiresAt: now + length,
      total: holds[holds.count - 1].total, version: events[event].version)
  }

  private func price(_ hold: Int) -> Int64 {
    let event = events[holds[hold].event]
    let seats = holds[hold].seats.reduce(Int64(0)) {
      $0 + (event.definition.categories[event.places[$1].category].price ?? 0)
    }
    return holds[hold].areas.reduce(seats) {
      $0 + (event.definition.areas[Int($1.area.rawValue)].price ?? 0) * Int64($1.count)
    }
  }

  func orderID(_ hold: Int) -> OrderID {
    OrderID(shard: shard, slot: holds[hold].slot, sequence: UInt64(hold), secret: holds[hold].orderSecret)
  }

  mutating func release(_ hold: Int) -> Outcome {
    let event = holds[hold].event
    if holds[hold].isOrder { return .refused(.checkedOut(orderID(hold))) }
    if holds[hold].life == .held {
      giveBack(hold)
      holds[hold].life = .released
      events[event].version += 1
    }
    return .released(version: events[event].version)
  }

  mutating func extend(_ hold: Int, _ ttl: UInt32) -> Outcome {
    if ttl == 0 { return .refused(.invalid(.ttl)) }
    if let refusal = refusal(ttl: ttl, holds[hold].event) { return .refused(refusal) }
    if holds[hold].life == .released { return .refused(.holdExpired) }
    if holds[hold].isOrder { return .refused(.checkedOut(orderID(hold))) }
    let deadline = now + Milliseconds.seconds(ttl)
    if deadline > holds[hold].latestDeadline {
      return .refused(.limitExceeded(.holdLength, limit: (holds[hold].latestDeadline - now).seconds))
    }
    holds[hold].deadline = deadline
    events[holds[hold].event].version += 1
    return .extended(info(hold))
  }

  mutating func checkout(_ hold: Int, _ secret: UInt64, _ reference: Bytes) -> Outcome {
    if holds[hold].isOrder { return .checkedOut(orderInfo(hold)) }
    if holds[hold].life == .released { return .refused(.holdExpired) }
    let event = holds[hold].event
    orderCount += 1
    holds[hold].orderNumber = orderCount
    holds[hold].reference = reference
    holds[hold].life = .pending
    holds[hold].orderSecret = secret
    holds[hold].createdAt = now
    holds[hold].holdDeadline = holds[hold].deadline
    holds[hold].deadline = now + Milliseconds.seconds(events[event].definition.paymentTTL)
    events[event].version += 1
    return .checkedOut(orderInfo(hold))
  }

  mutating func confirm(_ hold: Int) -> Outcome {
    switch holds[hold].life {
    case .confirmed: return .order(.confirm, orderInfo(hold))
    case .expired: return .refused(.orderExpired)
    case .cancelled: return .refused(.orderState(.cancelled))
    default: break
    }
    let event = holds[hold].event
    holds[hold].life = .confirmed
    holds[hold].confirmedAt = now
    for seat in holds[hold].seats { events[event].states[seat] = .sold }
    for area in holds[hold].areas {
      events[event].areasHeld[Int(area.area.rawValue)] -= Int(area.count)
      events[event].areasSold[Int(area.area.rawValue)] += Int(area.count)
    }
    events[event].version += 1
    return .order(.confirm, orderInfo(hold))
  }

  mutating func cancel(_ hold: Int) -> Outcome {
    switch holds[hold].life {
    case .cancelled: return .order(.cancel, orderInfo(hold))
    case .expired: return .refused(.orderExpired)
    default: break
    }
    giveBack(hold)
    holds[hold].life = .cancelled
    holds[hold].endedAt = now
    events[holds[hold].event].version += 1
    return .order(.cancel, orderInfo(hold))
  }
}
