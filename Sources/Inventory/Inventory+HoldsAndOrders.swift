import Proto

/// Commands on holds and orders.
extension Inventory {
  /// What an id names.
  enum Lookup {
    case living(UInt32, HoldRecord)
    /// It was issued and is over.
    case over
    /// It was never issued, as far as anybody without the right secret may know.
    case unknown
  }

  func find(_ id: HoldID) -> Lookup {
    guard id.shard == shard, id.sequence < nextSequence, Int(id.slot) < holds.count else { return .unknown }
    let record = holds[id.slot]
    guard record.status != .free, record.sequence == id.sequence else { return .over }
    return record.secret == id.secret ? .living(id.slot, record) : .unknown
  }

  /// Orders live as long as their event, so one that is not there never was.
  func find(_ id: OrderID) -> Lookup {
    guard id.shard == shard, Int(id.slot) < holds.count else { return .unknown }
    let record = holds[id.slot]
    guard record.status.isOrder, record.sequence == id.sequence, orders[Int(record.slack)].secret == id.secret else {
      return .unknown
    }
    return .living(id.slot, record)
  }

  // MARK: Release, extend, checkout

  mutating func applyToHold(_ record: borrowing CommandRecord) -> Applied {
    let id: HoldID
    var ttl: UInt32 = 0
    var secret: UInt64 = 0
    do {
      var reader = ByteReader(record.body)
      id = try HoldID(decoding: &reader)
      if record.kind == .extend { ttl = try reader.u32() }
      if record.kind == .checkout { secret = try reader.u64() }
      try reader.finish()
    } catch {
      return Self.refuse(.noSuchHold)
    }
    switch find(id) {
    case .over: return repeatedOfDead(record) ?? Self.refuse(.holdExpired)
    case .unknown: return repeatedOfDead(record) ?? Self.refuse(.noSuchHold)
    case .living(let slot, let hold):
      var key = Key()
      if let repeated = repeated(record, event: hold.event, key: &key) { return repeated }
      let outcome: Outcome
      switch record.kind {
      case .release: outcome = release(slot, hold)
      case .extend: outcome = extend(slot, hold, ttl: ttl)
      default: outcome = checkout(slot, hold, secret: secret)
      }
      return conclude(
        outcome, record, key, event: hold.event, subject: (slot, hold.sequence), byArguments: true)
    }
  }

  private func orderID(_ slot: UInt32, _ record: HoldRecord) -> OrderID {
    OrderID(shard: shard, slot: slot, sequence: record.sequence, secret: orders[Int(record.slack)].secret)
  }

  private mutating func release(_ slot: UInt32, _ hold: HoldRecord) -> Outcome {
    if hold.status == .released { return .released(version: events[hold.event].version) }
    guard hold.status == .held else { return .refused(.checkedOut(orderID(slot, hold))) }
    digest &-= stateTerm(slot, hold) &+ contentTerm(slot, hold)
    saveRouterKey(hold)
    giveBack(slot, hold)
    forgetContent(hold)
    var released = hold
    released.status = .released
    released.buyer = PackedBuyer(form: 0, word: 0)
    released.detail = 0
    released.detailIsSeat = true
    released.slack = 0
    holds[slot] = released
    digest &+= stateTerm(slot, released)
    heldCount -= 1
    releasedCount += 1
    stepVersion(hold.event)
    return .released(version: events[hold.event].version)
  }

  private mutating func extend(_ slot: UInt32, _ hold: HoldRecord, ttl: UInt32) -> Outcome {
    if ttl == 0 { return .refused(.invalid(.ttl)) }
    if let refusal = events[hold.event].layout.check(ttl: ttl) { return .refused(refusal) }
    if hold.status == .released { return .refused(.holdExpired) }
    guard hold.status == .held else { return .refused(.checkedOut(orderID(slot, hold))) }
    let latest = hold.deadline + Milliseconds(hold.slack)
    let deadline = now + Milliseconds(ttl) * 1_000
    guard deadline <= latest else {
      // The most seconds that would still be accepted now.
      return .refused(.limitExceeded(.holdLength, limit: (latest - now) / 1_000))
    }
    var extended = hold
    extended.deadline = deadline
    extended.slack = UInt32(latest - deadline)
    replace(slot, hold, with: extended)
    stepVersion(hold.event)
    return .extended(info(slot, extended))
  }

  private mutating func checkout(_ slot: UInt32, _ hold: HoldRecord, secret: UInt64) -> Outcome {
    if hold.status.isOrder { return .checkedOut(info(slot, hold)) }
    if hold.status == .released { return .refused(.holdExpired) }
    var order = hold
    order.status = .pending
    order.slack = UInt32(orders.count)
    order.deadline = now + Milliseconds(events[hold.event].layout.definition.paymentTTL) * 1_000
    orders.append(OrderRecord(secret: secret, createdAt: now, expiresAt: hold.deadline))
    replace(slot, hold, with: order)
    heldCount -= 1
    stepVersion(hold.event)
    return .checkedOut(info(slot, order))
  }

  /// Replaces a slot's record by another of the same content.
  private mutating func replace(_ slot: UInt32, _ old: HoldRecord, with new: HoldRecord) {
    digest &-= stateTerm(slot, old)
    if new.status.hasDeadline, new.deadline != old.deadline {
      holds.insert(new, at: slot)
    } else {
      holds[slot] = new
    }
    digest &+= stateTerm(slot, new)
  }

  // MARK: Confirm, cancel

  mutating func applyToOrder(_ record: borrowing CommandRecord) -> Applied {
    let id: OrderID
    do {
      var reader = ByteReader(record.body)
      id = try OrderID(decoding: &reader)
      try reader.finish()
    } catch {
      return Self.refuse(.noSuchOrder)
    }
    guard case .living(let slot, let order) = find(id) else { return Self.refuse(.noSuchOrder) }
    var key = Key()
    if let repeated = repeated(record, event: order.event, key: &key) { return repeated }
    let outcome = record.kind == .confirm ? confirm(slot, order) : cancel(slot, order)
    return conclude(outcome, record, key, event: order.event, subject: (slot, order.sequence))
  }

  private mutating func confirm(_ slot: UInt32, _ order: HoldRecord) -> Outcome {
    switch order.status {
    case .confirmed: return .confirmed(info(slot, order))
    case .expired: return .refused(.orderExpired)
    case .pending: break
    default: return .refused(.orderState(order.status.orderStatus))
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
    var confirmed = order
    confirmed.status = .confirmed
    replace(slot, order, with: confirmed)
    stepVersion(order.event)
    return .confirmed(info(slot, confirmed))
  }

  private mutating func cancel(_ slot: UInt32, _ order: HoldRecord) -> Outcome {
    switch order.status {
    case .cancelled: return .cancelled(info(slot, order))
    case .expired: return .refused(.orderExpired)
    case .pending, .confirmed: break
    default: return .refused(.orderState(order.status.orderStatus))
    }
    giveBack(slot, order)
    var cancelled = order
    cancelled.status = .cancelled
    replace(slot, order, with: cancelled)
    stepVersion(order.event)
    return .cancelled(info(slot, cancelled))
  }

  // MARK: Saying what is

  /// Everything about a living hold or an order.
  func info(_ slot: UInt32, _ record: HoldRecord) -> HoldInfo {
    let (seats, areas) = seatsAndAreas(record)
    let hold = HoldID(shard: shard, slot: slot, sequence: record.sequence, secret: record.secret)
    let event = events[record.event].ref
    let order = record.status.isOrder ? orders[Int(record.slack)] : nil
    return HoldInfo(
      hold: hold, order: order == nil ? nil : orderID(slot, record), status: record.status.orderStatus, event: event,
      eventID: events[record.event].id, buyer: cells.unpack(record.buyer), seats: seats, areas: areas,
      total: total(record), expiresAt: order?.expiresAt ?? record.deadline, createdAt: order?.createdAt ?? 0,
      payBy: order == nil ? 0 : record.deadline, version: events[record.event].version)
  }
}
