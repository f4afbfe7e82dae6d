import Proto
import Time

/// What ids name, and what holds and orders have in common.
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
    guard record.status != .free, record.sequence == id.sequence, events[record.event].life == .living else {
      return .over
    }
    return record.secret == id.secret ? .living(id.slot, record) : .unknown
  }

  /// Orders live as long as their event.
  func find(_ id: OrderID) -> Lookup {
    guard id.shard == shard, Int(id.slot) < holds.count else { return .unknown }
    let record = holds[id.slot]
    guard record.status.isOrder, record.sequence == id.sequence, orders[record.slack].secret == id.secret,
      events[record.event].life == .living
    else { return .unknown }
    return .living(id.slot, record)
  }

  func orderID(_ slot: UInt32, _ record: HoldRecord) -> OrderID {
    OrderID(shard: shard, slot: slot, sequence: record.sequence, secret: orders[record.slack].secret)
  }

  /// Replaces a slot's record by another of the same content.
  mutating func replace(_ slot: UInt32, _ old: HoldRecord, with new: HoldRecord) {
    digest &-= stateTerm(slot, old)
    if new.status.hasDeadline, new.deadline != old.deadline {
      holds.insert(new, at: slot)
    } else {
      holds[slot] = new
    }
    digest &+= stateTerm(slot, new)
  }

  // MARK: Saying what is

  /// Everything about a hold, or about what an order is of.
  func info(_ slot: UInt32, _ record: HoldRecord) -> HoldInfo {
    let (seats, areas) = seatsAndAreas(record)
    let hold = HoldID(shard: shard, slot: slot, sequence: record.sequence, secret: record.secret)
    return HoldInfo(
      hold: hold, event: events[record.event].ref, eventID: events[record.event].id, buyer: cells.unpack(record.buyer),
      seats: seats, areas: areas, total: total(record),
      expiresAt: record.status.isOrder ? orders[record.slack].expiresAt : record.deadline,
      version: events[record.event].version)
  }

  /// Everything about an order.
  func orderInfo(_ slot: UInt32, _ record: HoldRecord) -> OrderInfo {
    let order = orders[record.slack]
    return OrderInfo(
      order: orderID(slot, record), state: order.state, createdAt: order.createdAt, payBy: record.deadline,
      reference: cells.unpack(order.reference), hold: info(slot, record))
  }
}
