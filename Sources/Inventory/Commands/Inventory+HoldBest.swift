import Octets
import Proto

/// Search and hold as one command.
extension Inventory {
  mutating func applyHoldBest(_ record: borrowing CommandRecord, pass: PlaceID? = nil) -> Applied {
    let best: Command.HoldBest
    switch try? Command(decoding: record) {
    case .holdBest(let found), .passHoldBest(_, let found): best = found
    case .event, .hold, .passHold, .onHold, .onOrder, .onQueue, .onPlace, .tick, .openEpoch, nil:
      return Self.refuse(.invalid(.count))
    }
    guard events.knows(best.event) else { return Self.refuse(.staleEvent) }
    let event = best.event.slot.rawValue
    var key = Key()
    if let repeated = repeated(record, event: event, key: &key) { return repeated }
    if let refusal = check(best, event, pass) {
      return conclude(.refused(refusal), record, key, event: event, subject: nil)
    }
    let category = best.category?.rawValue
    guard let seats = events[event].bestSeats(count: Int(best.count), category: category) else {
      let refusal = Refusal.soldOut(best.category.map { .category($0) } ?? .event)
      return conclude(.refused(refusal), record, key, event: event, subject: nil)
    }

    let layout = events[event].layout
    let slot = allocate()
    var new = HoldRecord()
    var total: Int64 = 0
    for seat in seats {
      total += layout.price(of: seat.rawValue)
      events[event].take(seat.rawValue, for: slot, &digest)
    }
    if seats.count == 1 {
      new.detail = seats[0].rawValue
      new.detailIsSeat = true
    } else {
      var chain = cells.begin(header: Contents.header(seats: seats.count, areas: 0))
      for seat in seats { cells.put(seat.rawValue, to: &chain) }
      new.detail = chain.first
    }
    let held = enter(
      &new, layout, slot: slot, event: event, ttl: best.ttl, secret: best.secret, buyer: best.buyer.rawSpan,
      count: best.count,
      total: total)
    if keepRow(held, isBest: true, record) {
      logged()
      return Applied(outcome: .heldBest(held, seats: seats), mustLog: true)
    }
    return conclude(
      .heldBest(held, seats: seats), record, key, event: event, subject: (held.id.slot, held.id.sequence))
  }

  private func check(_ best: Command.HoldBest, _ event: UInt32, _ pass: PlaceID?) -> Refusal? {
    if let refusal = check(events[event].layout, ttl: best.ttl, buyer: best.buyer.rawSpan) { return refusal }
    if best.count == 0 || best.count > HoldView.seatsMax { return .invalid(.count) }
    if let category = best.category, Int(category.rawValue) >= events[event].categories.count {
      return .invalid(.category)
    }
    if let refusal = checkPass(pass, event, buyer: best.buyer.rawSpan) { return refusal }
    return checkSale(events[event].layout, event, count: UInt64(best.count), buyer: best.buyer.rawSpan)
  }
}
