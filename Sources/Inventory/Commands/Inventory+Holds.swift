import Octets
import Proto
import Time

/// Commands on holds.
extension Inventory {
  mutating func applyToHold(_ kind: HoldCommand.Kind, _ record: borrowing CommandRecord) -> Applied {
    guard let (id, command) = try? HoldCommand.decode(kind, body: record.body) else { return Self.refuse(.noSuchHold) }
    switch find(id) {
    case .over: return refuseDead(.holdExpired, record)
    case .unknown: return refuseDead(.noSuchHold, record)
    case .living(let slot, let hold):
      var key = Key()
      if let repeated = repeated(record, event: hold.event, key: &key) { return repeated }
      return conclude(
        apply(command, to: slot, hold), record, key, event: hold.event, subject: (slot, hold.sequence),
        byArguments: true)
    }
  }

  private mutating func apply(_ command: HoldCommand, to slot: UInt32, _ hold: HoldRecord) -> Outcome {
    switch command {
    case .release: release(slot, hold)
    case .extend(let ttl): extend(slot, hold, ttl: ttl)
    case .checkout(let secret, let reference): checkout(slot, hold, secret: secret, reference: reference)
    }
  }

  private mutating func release(_ slot: UInt32, _ hold: HoldRecord) -> Outcome {
    if hold.status == .released { return .released(version: events[hold.event].version) }
    guard hold.status == .held else { return .refused(.checkedOut(orderID(slot, hold))) }
    let farewell = farewell(slot, hold)
    digest &-= stateTerm(slot, hold) &+ contentTerm(slot, hold)
    saveRouterKey(hold)
    giveBack(slot, hold)
    forgetContent(hold)
    var released = hold
    released.status = .released
    released.buyer = PackedText(form: 0, word: 0)
    released.detail = 0
    released.detailIsSeat = true
    released.slack = 0
    holds[slot] = released
    digest &+= stateTerm(slot, released)
    heldCount -= 1
    events[hold.event].holdCount -= 1
    releasedCount += 1
    stepVersion(hold.event)
    noteEnd(.released, farewell, event: hold.event)
    return .released(version: events[hold.event].version)
  }

  private mutating func extend(_ slot: UInt32, _ hold: HoldRecord, ttl: UInt32) -> Outcome {
    if ttl == 0 { return .refused(.invalid(.ttl)) }
    if let refusal = events[hold.event].layout.check(ttl: ttl) { return .refused(refusal) }
    if hold.status == .released { return .refused(.holdExpired) }
    guard hold.status == .held else { return .refused(.checkedOut(orderID(slot, hold))) }
    let latest = hold.deadline + Milliseconds(Int64(hold.slack))
    let deadline = now + .seconds(ttl)
    guard deadline <= latest else {
      // The most seconds that would still be accepted now.
      return .refused(.limitExceeded(.holdLength, limit: (latest - now).seconds))
    }
    var extended = hold
    extended.deadline = deadline
    extended.slack = UInt32((latest - deadline).rawValue)
    replace(slot, hold, with: extended)
    stepVersion(hold.event)
    note(Change.HoldChange.extended, slot, extended)
    return .extended(info(slot, extended))
  }

  private mutating func checkout(
    _ slot: UInt32, _ hold: HoldRecord, secret: UInt64, reference: Bytes
  ) -> Outcome {
    if hold.status.isOrder { return .checkedOut(orderInfo(slot, hold)) }
    if hold.status == .released { return .refused(.holdExpired) }
    guard cells.hasRoom(words: reference.count) else {
      return .refused(.limitExceeded(.shardCapacity, limit: Int64(CellStore.referenceMax)))
    }
    let number = orders.append(
      OrderRecord(
        secret: secret, slot: slot, createdAt: now, expiresAt: hold.deadline, reference: cells.pack(reference.rawSpan)))
    events[hold.event].orders.append(number)
    var order = hold
    order.status = .pending
    order.slack = number
    order.deadline = now + .seconds(events[hold.event].layout.definition.paymentTTL)
    replace(slot, hold, with: order)
    heldCount -= 1
    events[hold.event].holdCount -= 1
    events[hold.event].orderCount += 1
    stepVersion(hold.event)
    note(Change.OrderChange.checkedOut, slot, order)
    return .checkedOut(orderInfo(slot, order))
  }
}
