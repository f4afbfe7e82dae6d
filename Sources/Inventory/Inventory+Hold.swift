import Proto

/// Holding named seats and places: all of them or none.
extension Inventory {
  mutating func applyHold(_ record: borrowing CommandRecord) -> Applied {
    do {
      let hold = try HoldView(decoding: record.body)
      guard events.knows(hold.event) else { return Self.refuse(.staleEvent) }
      let event = hold.event.slot.rawValue
      var key = Key(arguments: 0, hash: 0)
      if let repeated = repeated(record, event: event, key: &key) { return repeated }
      switch self.hold(hold, event) {
      case .success(let held):
        return conclude(.held(held), record, key, event: event, ticket: (held.id.slot, held.id.sequence))
      case .failure(let refusal):
        return conclude(.refused(refusal.refusal), record, key, event: event, ticket: nil)
      }
    } catch {
      return Self.refuse(.invalid(.seats))
    }
  }

  /// A refusal on its way out of a function.
  struct Refused: Error {
    var refusal: Refusal
    init(_ refusal: Refusal) { self.refusal = refusal }
  }

  private mutating func hold(_ hold: borrowing HoldView, _ event: UInt32) -> Result<Outcome.Held, Refused> {
    if let refusal = check(ttl: hold.ttl, buyer: hold.buyer) { return .failure(Refused(refusal)) }
    if let refusal = checkSeats(hold, event) { return .failure(Refused(refusal)) }
    var count = UInt64(hold.seatCount)
    for place in 0..<hold.areaCount { count += UInt64(hold.area(place).count) }
    guard count <= UInt64(UInt32.max), let total = total(hold, event) else {
      return .failure(Refused(.invalid(.areas)))
    }
    if let refusal = checkSale(event, count: count, buyer: hold.buyer) { return .failure(Refused(refusal)) }
    if let refusal = checkFree(hold, event) { return .failure(Refused(refusal)) }

    let slot = allocate()
    for place in 0..<hold.seatCount { events[event].take(hold.seat(place).rawValue, for: slot, &digest) }
    for place in 0..<hold.areaCount { events[event].move(hold.area(place), from: .free, to: .held, &digest) }
    var new = HoldRecord()
    if hold.seatCount == 1, hold.areaCount == 0 {
      new.detail = hold.seat(0).rawValue
      new.detailIsSeat = true
    } else {
      var chain = cells.begin(header: Contents.header(seats: hold.seatCount, areas: hold.areaCount))
      for place in 0..<hold.seatCount { cells.put(hold.seat(place).rawValue, to: &chain) }
      for place in 0..<hold.areaCount {
        cells.put(UInt32(hold.area(place).area.rawValue), to: &chain)
        cells.put(hold.area(place).count, to: &chain)
      }
      new.detail = chain.first
    }
    return .success(
      enter(
        &new, slot: slot, event: event, ttl: hold.ttl, secret: hold.secret, buyer: hold.buyer, count: UInt32(count),
        total: total))
  }

  /// Completes the record of a hold whose seats and areas are already its own.
  @inline(__always) mutating func enter(
    _ new: inout HoldRecord, slot: UInt32, event: UInt32, ttl: UInt32, secret: UInt64, buyer: RawSpan, count: UInt32,
    total: Int64
  ) -> Outcome.Held {
    let ttl = ttl == 0 ? events[event].layout.definition.holdTTL : ttl
    new.sequence = nextSequence
    new.secret = secret
    new.event = event
    new.buyer = cells.pack(buyer: buyer)
    new.deadline = now + Milliseconds(ttl) * 1_000
    new.slack = ttl * 2_000
    new.status = .held
    holds[slot] = new
    holds.insertDeadline(slot)
    nextSequence += 1
    heldCount += 1
    digest &+= sequenceTerm &+ stateTerm(slot, new) &+ contentTerm(slot, new)
    if events[event].layout.definition.maxPerBuyer != nil { buyers.add(count, event, buyer, &cells) }
    stepVersion(event)
    let id = HoldID(shard: shard, slot: slot, sequence: new.sequence, secret: secret)
    return Outcome.Held(id: id, expiresAt: new.deadline, total: total, version: events[event].version)
  }

  // MARK: What may refuse, in the order of the contract

  /// 422 for what all holds have in common.
  func check(ttl: UInt32, buyer: RawSpan) -> Refusal? {
    if ttl > Self.ttlMax { return .invalid(.ttl) }
    if buyer.byteCount == 0 || buyer.byteCount > 128 { return .invalid(.buyer) }
    return nil
  }

  /// 422 for empty, unknown or repeated seats and areas.
  private func checkSeats(_ hold: borrowing HoldView, _ event: UInt32) -> Refusal? {
    let layout = events[event].layout
    if hold.seatCount + hold.areaCount == 0 { return .invalid(.seats) }
    for place in 0..<hold.seatCount where Int(hold.seat(place).rawValue) >= layout.seatCount { return .invalid(.seats) }
    if hold.seatCount > 32 {
      var sorted: [UInt32] = []
      sorted.reserveCapacity(hold.seatCount)
      for place in 0..<hold.seatCount { sorted.append(hold.seat(place).rawValue) }
      sorted.sort()
      for place in 1..<sorted.count where sorted[place] == sorted[place - 1] { return .invalid(.seats) }
    } else if hold.seatCount > 1 {
      for place in 1..<hold.seatCount {
        for other in 0..<place where hold.seat(place) == hold.seat(other) { return .invalid(.seats) }
      }
    }
    for place in 0..<hold.areaCount {
      let area = hold.area(place)
      if Int(area.area.rawValue) >= layout.definition.areas.count || area.count == 0 { return .invalid(.areas) }
      for other in 0..<place where hold.area(other).area == area.area { return .invalid(.areas) }
    }
    return nil
  }

  /// Not on sale, limits, and the shard's own capacity.
  @inline(__always) func checkSale(_ event: UInt32, count: UInt64, buyer: RawSpan) -> Refusal? {
    let layout = events[event].layout
    if let onSaleAt = layout.definition.onSaleAt, now < onSaleAt { return .notOnSale(at: onSaleAt) }
    if let limit = layout.definition.maxPerOrder, count > UInt64(limit) {
      return .limitExceeded(.maxPerOrder, limit: Int64(limit))
    }
    if let limit = layout.definition.maxPerBuyer, buyers.count(event, buyer, cells) + count > UInt64(limit) {
      return .limitExceeded(.maxPerBuyer, limit: Int64(limit))
    }
    let isFull = holds.freeHead == HoldSlab.none && holds.count >= HoldSlab.countMax
    if isFull || nextSequence >= HoldID.sequenceMax || !cells.hasRoom(words: 70_000) {
      return .limitExceeded(.shardCapacity, limit: Int64(HoldSlab.countMax))
    }
    return nil
  }

  /// Every seat that is not free, then the first area that has too few places.
  private func checkFree(_ hold: borrowing HoldView, _ event: UInt32) -> Refusal? {
    var lost: [UInt16] = []
    for place in 0..<hold.seatCount
    where events[event].seats[Int(hold.seat(place).rawValue)] != EventState.Seat.free {
      lost.append(UInt16(place))
    }
    if !lost.isEmpty { return .seatsTaken(lost) }
    for place in 0..<hold.areaCount {
      let area = hold.area(place)
      if events[event].areas[Int(area.area.rawValue)].free < area.count { return .soldOut(.area(area.area)) }
    }
    return nil
  }

  /// Minor units; nil: more than an Int64 can say.
  private func total(_ hold: borrowing HoldView, _ event: UInt32) -> Int64? {
    let layout = events[event].layout
    var total: Int64 = 0
    for place in 0..<hold.seatCount {
      let seat = hold.seat(place).rawValue
      // 65,535 seats at the highest price fit.
      total += layout.prices[layout.category(of: seat, row: layout.row(of: seat))]
    }
    for place in 0..<hold.areaCount {
      let area = hold.area(place)
      let price = layout.definition.areas[Int(area.area.rawValue)].price
      let (product, isTooLarge) = price.multipliedReportingOverflow(by: Int64(area.count))
      let (sum, isTooMuch) = total.addingReportingOverflow(product)
      if isTooLarge || isTooMuch { return nil }
      total = sum
    }
    return total
  }
}
