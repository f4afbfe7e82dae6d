import Octets
import Proto
import Time

/// What each command decides about an event.
extension Model {
  mutating func decide(_ command: Command, _ event: Int) -> (Outcome, hold: UInt64?) {
    switch command {
    case .event(.create): return (.refused(.eventExists), nil)
    case .event(.set(_, let change)): return (set(change, event), nil)
    case .event(.block(_, let block)): return (self.block(block, event), nil)
    case .event(.delete(_, let isForced)): return (delete(event, isForced), nil)
    case .hold(let hold):
      if let refusal = refusal(of: hold, event) { return (.refused(refusal), nil) }
      let held = enter(
        event, hold.seats.map { Int($0.rawValue) }, hold.areas, hold.buyer, hold.ttl, hold.secret)
      return (.held(held), held.id.sequence)
    case .holdBest(let best):
      if let refusal = refusal(of: best, event) { return (.refused(refusal), nil) }
      guard let seats = bestSeats(event, Int(best.count), best.category.map { Int($0.rawValue) }) else {
        return (.refused(.soldOut(best.category.map { .category($0) } ?? .event)), nil)
      }
      let held = enter(event, seats, [], best.buyer, best.ttl, best.secret)
      return (.heldBest(held, seats: seats.map { SeatIndex(UInt32($0)) }), held.id.sequence)
    case .onHold(let id, .release): return (release(Int(id.sequence)), id.sequence)
    case .onHold(let id, .extend(let ttl)): return (extend(Int(id.sequence), ttl), id.sequence)
    case .onHold(let id, .checkout(let secret, let reference)):
      return (checkout(Int(id.sequence), secret, reference), id.sequence)
    case .onOrder(let id, .confirm): return (confirm(Int(id.sequence)), id.sequence)
    case .onOrder(let id, .cancel): return (cancel(Int(id.sequence)), id.sequence)
    case .passHold, .passHoldBest, .onQueue, .onPlace: preconditionFailure("rooms have a test of their own")
    case .tick, .openEpoch: return (.noted, nil)
    }
  }

  mutating func set(_ change: TermsChange, _ event: Int) -> Outcome {
    var before = EventTerms(events[event].definition)
    before.isPaused = events[event].isPaused
    guard let terms = before.with(change) else { return .refused(.invalid(.terms)) }
    if terms != before {
      events[event].version += 1
      events[event].termsVersion = events[event].version
      events[event].definition = events[event].definition.with(terms)
      events[event].isPaused = terms.isPaused
      for seat in events[event].states.indices where [.free, .notForSale].contains(events[event].states[seat]) {
        events[event].states[seat] = events[event].vacant(seat)
      }
    }
    return .termsSet(version: events[event].version)
  }

  mutating func delete(_ event: Int, _ isForced: Bool) -> Outcome {
    let mine = holds.filter { $0.event == event }
    let held = mine.count { $0.life == .held }
    let orders = mine.count { $0.life == .pending || $0.life == .confirmed }
    guard isForced || held + orders == 0 else {
      return .refused(.eventInUse(holds: UInt32(held), orders: UInt32(orders)))
    }
    events[event].version += 1
    events[event].deletedAt = now
    waiting.append(event)
    return .deleted
  }

  mutating func block(_ block: SeatBlock, _ number: Int) -> Outcome {
    var event = events[number]
    if block.seats.isEmpty && block.areas.isEmpty { return .refused(.invalid(.seats)) }
    let seats = block.seats.map { Int($0.rawValue) }
    if seats.contains(where: { $0 >= event.places.count }) || Set(seats).count < seats.count {
      return .refused(.invalid(.seats))
    }
    let areas = block.areas.map { (number: Int($0.area.rawValue), count: Int($0.count)) }
    if areas.contains(where: { $0.number >= event.areasHeld.count || $0.count == 0 })
      || Set(areas.map(\.number)).count < areas.count
    {
      return .refused(.invalid(.areas))
    }
    if block.isBlocked {
      let taken = seats.indices.filter { [.held, .sold].contains(event.states[seats[$0]]) }
      if !taken.isEmpty {
        return .refused(.seatsTaken(taken.map { Refusal.LostSeat(UInt16($0), event.states[seats[$0]]) }))
      }
      for area in areas where event.vacantPlaces(area.number) < area.count {
        return .refused(.soldOut(.area(AreaIndex(UInt16(area.number)))))
      }
    } else {
      for area in areas where event.blockedPlaces[area.number] < area.count {
        return .refused(.limitExceeded(.blockedPlaces, limit: Int64(event.blockedPlaces[area.number])))
      }
    }
    var changed = 0
    for seat in seats where ![.held, .sold].contains(event.states[seat]) {
      if event.blockedSeats.contains(seat) != block.isBlocked { changed += 1 }
      if block.isBlocked { event.blockedSeats.insert(seat) } else { event.blockedSeats.remove(seat) }
      event.states[seat] = event.vacant(seat)
    }
    for area in areas {
      changed += area.count
      event.blockedPlaces[area.number] += block.isBlocked ? area.count : -area.count
    }
    if changed > 0 { event.version += 1 }
    events[number] = event
    return .blocked(version: event.version, changed: UInt32(changed))
  }

  func refusal(of hold: Command.Hold, _ event: Int) -> Refusal? {
    let event = (index: event, value: events[event])
    if let refusal = refusal(ttl: hold.ttl, event.index) { return refusal }
    if hold.buyer.isEmpty || hold.buyer.count > 128 { return .invalid(.buyer) }
    if hold.seats.isEmpty && hold.areas.isEmpty { return .invalid(.seats) }
    if hold.seats.contains(where: { $0.rawValue >= event.value.places.count }) { return .invalid(.seats) }
    if Set(hold.seats).count < hold.seats.count { return .invalid(.seats) }
    if hold.areas.contains(where: { $0.area.rawValue >= event.value.definition.areas.count || $0.count == 0 }) {
      return .invalid(.areas)
    }
    if Set(hold.areas.map(\.area)).count < hold.areas.count { return .invalid(.areas) }
    let count = hold.seats.count + hold.areas.reduce(0) { $0 + Int($1.count) }
    if let refusal = saleRefusal(event.index, count, hold.buyer) { return refusal }
    let lost = hold.seats.indices.filter { event.value.states[Int(hold.seats[$0].rawValue)] != .free }
    if !lost.isEmpty {
      return .seatsTaken(
        lost.map { Refusal.LostSeat(UInt16($0), event.value.states[Int(hold.seats[$0].rawValue)]) })
    }
    for area in hold.areas where Int(area.count) > event.value.areaFree(Int(area.area.rawValue)) {
      return .soldOut(.area(area.area))
    }
    return nil
  }

  func refusal(of best: Command.HoldBest, _ event: Int) -> Refusal? {
    if let refusal = refusal(ttl: best.ttl, event) { return refusal }
    if best.buyer.isEmpty || best.buyer.count > 128 { return .invalid(.buyer) }
    if best.count == 0 || best.count > 65_535 { return .invalid(.count) }
    if let category = best.category, category.rawValue >= events[event].definition.categories.count {
      return .invalid(.category)
    }
    return saleRefusal(event, Int(best.count), best.buyer)
  }

  func refusal(ttl: UInt32, _ event: Int) -> Refusal? {
    let most = events[event].definition.maxHoldTTL
    return ttl > most ? .limitExceeded(.maxHoldTTL, limit: Int64(most)) : nil
  }

  func saleRefusal(_ event: Int, _ count: Int, _ buyer: Bytes) -> Refusal? {
    let definition = events[event].definition
    if events[event].isPaused { return .notOnSale(at: nil) }
    if let onSaleAt = definition.onSaleAt, now < onSaleAt { return .notOnSale(at: onSaleAt) }
    if let limit = definition.maxPerOrder, count > limit { return .limitExceeded(.maxPerOrder, limit: Int64(limit)) }
    if let limit = definition.maxPerBuyer {
      let has = holds.filter { $0.lives && $0.event == event && $0.buyer == buyer }.reduce(0) { $0 + $1.count }
      if has + count > limit { return .limitExceeded(.maxPerBuyer, limit: Int64(limit)) }
    }
    return nil
  }
}
