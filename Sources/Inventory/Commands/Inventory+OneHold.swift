public import Proto
import Time

/// The most frequent command by far, in one piece: a hold of one seat or of places in one area, under a router's new
/// key, that is got.
///
/// It does what `apply` does for the same record, and nothing else: whatever is not plainly of this kind changes
/// nothing here and is left to `apply`. It stands apart because it trades reuse for speed: every table is touched once,
/// and nothing is allocated or returned but the hold itself. The model tests drive both ways.
extension Inventory {
  /// True: the hold was got and must be logged. False: nothing has changed; ask `apply`.
  @inline(__always) public mutating func applyOneHold(
    _ record: borrowing CommandRecord, _ held: inout Outcome.Held
  ) -> Bool {
    // A pattern, because equality of a type of another module is a call.
    guard case .hold = record.kind, record.keyIsFromRouter, record.key.byteCount == 16, !isListening else {
      return false
    }
    do {
      return try applyOneHold(record, HoldView(decoding: record.body), &held)
    } catch {
      return false
    }
  }

  private mutating func applyOneHold(
    _ record: borrowing CommandRecord, _ hold: borrowing HoldView, _ held: inout Outcome.Held
  ) -> Bool {
    let event = hold.event.slot.rawValue
    guard hold.seatCount + hold.areaCount == 1, events.heat(event), events.hot.incarnation == hold.event.incarnation
    else { return false }
    let sale = events.hot.sale
    let ttl = hold.ttl == 0 ? sale.holdTTL : hold.ttl
    let (router, number) = (record.key.word(0), record.key.word(1))
    guard ring.takesNew(router, number), ttl <= sale.maxHoldTTL,
      hold.buyer.byteCount > 0, hold.buyer.byteCount <= 128, now >= sale.onSaleAt, sale.isPlain, hasRoom
    else { return false }

    let slot = nextSlot
    var new = HoldRecord()
    let total: Int64
    if hold.seatCount == 1 {
      guard sale.maxPerOrder >= 1 else { return false }
      let seat = hold.seat(0).rawValue
      guard let price = events.hot.takeIfFree(seat, for: slot, &digest) else { return false }
      (new.detail, new.detailIsSeat, total) = (seat, true, price)
    } else {
      let places = hold.area(0)
      guard places.count <= sale.maxPerOrder, let price = events.hot.takeIfFree(places, &digest) else { return false }
      (new.detail, total) = (cells.store(places), price)
    }
    _ = allocate()
    insert(&new, slot: slot, event: event, ttl: ttl, secret: hold.secret, buyer: hold.buyer)
    events.hot.holdCount += 1
    let version = stepHotVersion()
    held = Outcome.Held(
      id: HoldID(shard: shard, slot: slot, sequence: new.sequence, secret: hold.secret), expiresAt: new.deadline,
      total: total, version: version)
    digest &+= ring.append(
      RouterKeyRing.Entry(
        router: router, number: number, slot: slot, sequence: new.sequence, isBest: false, stamp: now,
        ttl: UInt64(ttl), version: version, arguments: record.argumentsCheck))
    logged()
    return true
  }
}
