import Inventory
import Octets
import Proto
import Testing

@Suite struct EventRuleTests {
  private func price(_ category: UInt16, _ price: Int64?) -> TermsChange {
    var change = TermsChange()
    change.prices = [.init(.category(CategoryIndex(category)), price)]
    return change
  }

  @Test func aHoldKeepsThePriceItWasMadeAt() throws {
    let box = Box()
    var held: [(id: HoldID, total: Int64)] = []
    for (number, price) in [1_000, 700, 900, 0, 1_000].enumerated() {
      if number > 0 { _ = box.outcome(.event(.set(box.event, self.price(0, Int64(price))))) }
      held.append((try box.held(UInt32(number)), Int64(price)))
    }
    // Changed twice before anybody held anything: only the last counts.
    _ = box.outcome(.event(.set(box.event, price(0, 5))))
    _ = box.outcome(.event(.set(box.event, price(0, 6))))
    held.append((try box.held(9), 6))
    let restored = try Inventory(snapshot: box.inventory.snapshot(), shard: shard)
    #expect(restored.digest == box.inventory.digest)
    for inventory in [box.inventory, restored] {
      for hold in held {
        guard case .hold(let info) = inventory.answer(.hold(hold.id)) else { throw Unexpected(outcome: .noted) }
        #expect(info.total == hold.total)
      }
    }
  }

  @Test func pricesAreRememberedOnlySoOften() {
    let box = Box()
    var last = Outcome.noted
    for number in 0..<10_002 {
      _ = box.hold(seats(0))
      last = box.outcome(.event(.set(box.event, price(0, Int64(number % 2)))))
      box.wait(601_000)
      if case .refused = last { break }
    }
    #expect(last == .refused(.limitExceeded(.priceChanges, limit: 10_000)))
  }

  @Test func aLimitForBuyersCountsWhatTheyHaveAlready() throws {
    let box = Box(hall(areas: [.init(name: "Floor", capacity: 9, price: 5)]))
    let first = try box.held(0, 1, areas: [AreaCount(area: AreaIndex(0), count: 2)])
    _ = try box.checkedOut(try box.held(2))
    var change = TermsChange()
    change.maxPerBuyer = .set(6)
    _ = box.outcome(.event(.set(box.event, change)))
    #expect(box.hold(seats(3, 4)).outcome == .refused(.limitExceeded(.maxPerBuyer, limit: 6)))
    _ = try box.held(3)
    _ = box.outcome(.release(first))
    // Nobody counts for nothing while there is no limit: it may come back.
    change.maxPerBuyer = .remove
    _ = box.outcome(.event(.set(box.event, change)))
    _ = try box.held(5, 6, 7, 8)
    change.maxPerBuyer = .set(7)
    _ = box.outcome(.event(.set(box.event, change)))
    #expect(box.hold(seats(10, 11)).outcome == .refused(.limitExceeded(.maxPerBuyer, limit: 7)))
    _ = try box.held(10)
  }

  @Test func aLargeEventGoesInSlices() throws {
    let box = Box(hall(rows: 200, seats: 100))
    for seat in UInt32(0)..<20_000 {
      let hold = try box.held(seat)
      if seat % 2 == 0 { _ = try box.checkedOut(hold) }
    }
    #expect(
      box.outcome(.event(.delete(id: "hall", isForced: false))) == .refused(.eventInUse(holds: 10_000, orders: 10_000)))
    #expect(box.outcome(.event(.delete(id: "hall", isForced: true))) == .deleted)
    #expect(box.inventory.answer(.seats(id: "hall")) == .refused(.noSuchEvent))
    // Another life begins at once, in another slot, while the first is being cleared away.
    guard case .created(let second, _) = box.outcome(.createEvent(hall(rows: 1), incarnation: 43)) else {
      throw Unexpected(outcome: .noted)
    }
    #expect(second.slot != box.event.slot)
    var left = box.inventory.stats.holds + box.inventory.stats.orders
    var ticks = 0
    while box.inventory.sweepIsDue {
      box.wait(25)
      _ = box.outcome(.tick)
      let now = box.inventory.stats.holds + box.inventory.stats.orders
      #expect(left - now <= 4_096, "no tick takes long")
      let restored = try Inventory(snapshot: box.inventory.snapshot(), shard: shard)
      #expect(restored.digest == box.inventory.digest && restored.sweepIsDue == box.inventory.sweepIsDue)
      (left, ticks) = (now, ticks + 1)
      try #require(ticks < 100)
    }
    #expect(left == 0 && ticks >= 5)
    guard case .created(let third, _) = box.outcome(.createEvent(hall(id: "third"), incarnation: 44)) else {
      throw Unexpected(outcome: .noted)
    }
    #expect(third.slot == box.event.slot)
  }

  /// A season of sales that come and go takes no more memory than a day of it.
  @Test func nothingIsLeftOfEventsThatWent() throws {
    let box = Box()
    var bytes = 0
    for number in 0..<3_000 {
      let id = Bytes("show-\(number)")
      // Deadlines of what is cleared away are passed over when their time comes.
      let new = hall(id: id, holdTTL: 10, paymentTTL: 60)
      guard case .created(let event, _) = box.outcome(.createEvent(new, incarnation: UInt64(number))) else {
        throw Unexpected(outcome: .noted)
      }
      for seat in UInt32(0)..<4 {
        let hold = Command.Hold(event: event, secret: UInt64(seat), buyer: "a buyer of some length", seats: seats(seat))
        guard case .held(let held) = box.outcome(.hold(hold)) else { throw Unexpected(outcome: .noted) }
        if seat < 3 { _ = try box.checkedOut(held.id, reference: "an invoice of some length") }
      }
      #expect(box.outcome(.event(.delete(id: id, isForced: true))) == .deleted)
      box.wait(1_000)
      _ = box.outcome(.tick)
      if number == 300 { bytes = box.inventory.stats.bytes }
    }
    #expect(box.inventory.stats.bytes <= bytes + 8_192)
    #expect(box.inventory.stats.events == 1 && box.inventory.stats.orders == 0 && box.inventory.stats.holds == 0)
    #expect(box.inventory.snapshot().joined().count < 4_000)
  }
}
