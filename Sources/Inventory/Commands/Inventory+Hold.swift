import Octets
import Proto
import Time

/// Holding named seats and places: all of them or none.
extension Inventory {
  /// As the commands without a pass, of a buyer who was let in: the place stands before their bodies.
  mutating func applyWithPass(_ record: borrowing CommandRecord) -> Applied {
    var reader = ByteReader(record.body)
    guard let place = try? PlaceID(decoding: &reader) else { return Self.refuse(.passForeign) }
    if case .passHoldBest = record.kind { return applyHoldBest(record, pass: place) }
    return applyHold(record, pass: place)
  }

  mutating func applyHold(_ record: borrowing CommandRecord, pass: PlaceID? = nil) -> Applied {
    do {
      let hold = try HoldView(decoding: record.body.extracting((pass == nil ? 0 : PlaceID.byteCount)...))
      guard events.knows(hold.event) else { return Self.refuse(.staleEvent) }
      let event = hold.event.slot.rawValue
      var key = Key()
      if let repeated = repeated(record, event: event, key: &key) { return repeated }
      var held = Outcome.Held(
        id: HoldID(shard: shard, slot: 0, sequence: 0, secret: 0), expiresAt: .zero, total: 0, version: 0)
      if let refusal = self.hold(hold, event, pass, &held) {
        return conclude(.refused(refusal), record, key, event: event, subject: nil)
      }
      concludeHeld(held, record, key, event: event)
      return Applied(outcome: .held(held), mustLog: true)
    } catch {
      return Self.refuse(.invalid(.seats))
    }
  }

  /// Holds what is asked for, or says why not.
  @inline(__always) private mutating func hold(
    _ hold: borrowing HoldView, _ event: UInt32, _ pass: PlaceID?, _ held: inout Outcome.Held
  ) -> Refusal? {
    let layout = events[event].layout
    if let refusal = check(layout, ttl: hold.ttl, buyer: hold.buyer) { return refusal }
    if let refusal = layout.checkSeats(hold) { return refusal }
    var count = UInt64(hold.seatCount)
    for place in 0..<hold.areaCount { count += UInt64(hold.area(place).count) }
    guard count <= UInt64(UInt32.max), let total = layout.total(hold) else { return .invalid(.areas) }
    if let refusal = checkPass(pass, event, buyer: hold.buyer) { return refusal }
    if let refusal = checkSale(layout, event, count: count, buyer: hold.buyer) { return refusal }
    if let refusal = events[event].take(hold, for: nextSlot, &digest) { return refusal }

    let slot = allocate()
    var new = HoldRecord()
    if hold.seatCount == 1, hold.areaCount == 0 {
      new.detail = hold.seat(0).rawValue
      new.detailIsSeat = true
    } else {
      new.detail = cells.store(hold)
    }
    held = enter(
      &new, layout, slot: slot, event: event, ttl: hold.ttl, secret: hold.secret, buyer: hold.buyer,
      count: UInt32(count),
      total: total)
    return nil
  }

  /// Completes the record of a hold whose seats and areas are already its own.
  @inline(__always) mutating func enter(
    _ new: inout HoldRecord, _ layout: EventLayout, slot: UInt32, event: UInt32, ttl: UInt32, secret: UInt64,
    buyer: RawSpan, count: UInt32,
    total: Int64
  ) -> Outcome.Held {
    insert(&new, slot: slot, event: event, ttl: ttl == 0 ? layout.holdTTL : ttl, secret: secret, buyer: buyer)
    if events[event].countsBuyers { buyers.add(count, event, buyer, &cells) }
    events[event].holdCount += 1
    let version = stepVersion(event)
    note(Change.HoldChange.made, slot, new)
    let id = HoldID(shard: shard, slot: slot, sequence: new.sequence, secret: secret)
    return Outcome.Held(id: id, expiresAt: new.deadline, total: total, version: version)
  }

  /// The record's own fields, its place in the table, its part of the digest.
  @inline(__always) mutating func insert(
    _ new: inout HoldRecord, slot: UInt32, event: UInt32, ttl: UInt32, secret: UInt64, buyer: RawSpan
  ) {
    new.sequence = nextSequence
    new.secret = secret
    new.event = event
    new.buyer = cells.pack(buyer)
    new.deadline = now + .seconds(ttl)
    new.slack = ttl * 2_000
    new.status = .held
    holds.insert(new, at: slot)
    nextSequence += 1
    heldCount += 1
    digest &+= sequenceTerm &+ stateTerm(slot, new) &+ contentTerm(slot, new)
  }

  // MARK: What may refuse, in the order of the contract

  /// 422 for what all holds have in common.
  @inline(__always) func check(_ layout: EventLayout, ttl: UInt32, buyer: RawSpan) -> Refusal? {
    if let refusal = layout.check(ttl: ttl) { return refusal }
    if buyer.byteCount == 0 || buyer.byteCount > 128 { return .invalid(.buyer) }
    return nil
  }

  /// Not on sale, limits, and the shard's own capacity.
  @inline(__always) func checkSale(_ layout: EventLayout, _ event: UInt32, count: UInt64, buyer: RawSpan) -> Refusal? {
    if layout.isPaused { return .notOnSale(at: nil) }
    if let onSaleAt = layout.onSaleAt, now < onSaleAt { return .notOnSale(at: onSaleAt) }
    if let limit = layout.maxPerOrder, count > UInt64(limit) {
      return .limitExceeded(.maxPerOrder, limit: Int64(limit))
    }
    if let limit = layout.maxPerBuyer, buyers.count(event, buyer, cells) + count > UInt64(limit) {
      return .limitExceeded(.maxPerBuyer, limit: Int64(limit))
    }
    return hasRoom ? nil : .limitExceeded(.shardCapacity, limit: Int64(HoldSlab.countMax))
  }

  /// Whether the shard can take one more hold, of whatever size.
  @inline(__always) var hasRoom: Bool {
    let isFull = holds.freeHead == HoldSlab.none && holds.count >= HoldSlab.countMax
    return !isFull && nextSequence < HoldID.sequenceMax && cells.hasRoom(words: 70_000)
  }
}
