import Inventory
import Octets
import Proto
import Testing
import Time

@Suite struct HoldRules {
  @Test func aHoldTakesItsSeatsUntilItsDeadline() throws {
    let box = Box()
    let outcome = box.hold(seats(3, 1)).outcome
    guard case .held(let held) = outcome else { throw Unexpected(outcome: outcome) }
    #expect(held.total == 2_000)
    #expect(held.version == 2)
    #expect(held.expiresAt == box.inventory.now + 600_000)
    #expect(box.states.hasPrefix(".h.h...."))
    #expect(box.inventory.nextDeadline == held.expiresAt)
    #expect(!box.advance(to: held.expiresAt - 1))
    #expect(box.states.hasPrefix(".h.h"))
    #expect(box.advance(to: held.expiresAt))
    #expect(box.states.hasPrefix("...."))
    #expect(box.inventory.answer(.hold(held.id)) == .refused(.holdExpired))
    #expect(box.inventory.stats.holds == 0)
  }

  @Test func everyLostSeatIsNamedByItsPlaceInTheCommand() throws {
    let box = Box(hall(notForSale: [7]))
    _ = try box.held(2, 5)
    #expect(
      box.hold(seats(9, 5, 7, 0, 2)).outcome
        == .refused(.seatsTaken([.init(1, .held), .init(2, .notForSale), .init(4, .held)])))
    #expect(box.states.hasPrefix("..h..h.x.."))
    #expect(box.availability?.categories == [Counts(free: 37, held: 2, notForSale: 1)])
  }

  @Test func seatsAndPlacesTogetherOrNotAtAll() throws {
    let box = Box(hall(areas: [.init(name: "Floor", capacity: 5, price: 300)]))
    let floor = AreaIndex(0)
    let id = try box.held(0, areas: [AreaCount(area: floor, count: 3)])
    #expect(box.availability?.areas == [Counts(free: 2, held: 3)])
    #expect(
      box.hold(seats(1), areas: [AreaCount(area: floor, count: 3)]).outcome == .refused(.soldOut(.area(floor))))
    #expect(box.states.hasPrefix("h."))
    guard case .hold(let info) = box.inventory.answer(.hold(id)) else { throw Unexpected(outcome: .noted) }
    #expect(info.total == 1_900)
    #expect(info.seats == seats(0))
    #expect(info.areas == [AreaCount(area: floor, count: 3)])
    #expect(box.outcome(.release(id)) == .released(version: 3))
    #expect(box.availability?.areas == [Counts(free: 5)])
  }

  @Test func whatTheDoorShouldHaveRefusedIsInvalid() {
    let box = Box(hall(areas: [.init(name: "Floor", capacity: 5, price: 300)]))
    func area(_ index: UInt16, _ count: UInt32) -> AreaCount { AreaCount(area: AreaIndex(index), count: count) }
    #expect(box.hold([]).outcome == .refused(.invalid(.seats)))
    #expect(box.hold(seats(40)).outcome == .refused(.invalid(.seats)))
    #expect(box.hold(seats(UInt32.max)).outcome == .refused(.invalid(.seats)))
    #expect(box.hold(seats(1, 2, 1)).outcome == .refused(.invalid(.seats)))
    #expect(box.hold((0..<40).map { SeatIndex($0 % 39) }).outcome == .refused(.invalid(.seats)))
    #expect(box.hold([], areas: [area(1, 1)]).outcome == .refused(.invalid(.areas)))
    #expect(box.hold([], areas: [area(0, 0)]).outcome == .refused(.invalid(.areas)))
    #expect(box.hold([], areas: [area(0, 1), area(0, 1)]).outcome == .refused(.invalid(.areas)))
    #expect(box.hold(seats(1), buyer: "").outcome == .refused(.invalid(.buyer)))
    #expect(box.best(0) == .refused(.invalid(.count)))
    #expect(box.best(70_000) == .refused(.invalid(.count)))
    #expect(box.best(1, category: 1) == .refused(.invalid(.category)))
    #expect(box.states == String(repeating: ".", count: 40))
  }

  @Test func noHoldAsksForMoreTimeThanItsEventAllows() throws {
    func tooLong(_ limit: Int64) -> Outcome { .refused(.limitExceeded(.maxHoldTTL, limit: limit)) }
    let floor = EventDefinition.Area(name: "Floor", capacity: 5, price: 300)
    for (longest, most) in [(nil, 600), (900, 900), (86_400, 86_400)] as [(UInt32?, UInt32)] {
      let box = Box(hall(maxHoldTTL: longest, areas: [floor]))
      let place = [AreaCount(area: AreaIndex(0), count: 1)]
      for ttl in [most + 1, 86_401, .max] {
        #expect(box.hold(seats(1), ttl: ttl).outcome == tooLong(Int64(most)))
        #expect(box.hold(seats(1, 2), ttl: ttl).outcome == tooLong(Int64(most)))
        #expect(box.hold([], areas: place, ttl: ttl).outcome == tooLong(Int64(most)))
        let best = Command.HoldBest(event: box.event, ttl: ttl, secret: 1, buyer: "ann", count: 1, category: nil)
        #expect(box.outcome(.holdBest(best)) == tooLong(Int64(most)))
        // The way of the one hold leaves it to `apply`.
        let hold = Command.hold(
          .init(event: box.event, ttl: ttl, secret: 1, buyer: "ann", seats: seats(3), areas: []))
        #expect(box.inventory.applyOne(bytes: record(hold, key: "0123456789abcdef", fromRouter: true)) == nil)
      }
      let id = try box.held(0, ttl: most)
      #expect(box.outcome(.extend(id, ttl: most + 1)) == tooLong(Int64(most)))
      guard case .extended = box.outcome(.extend(id, ttl: most)) else { return #expect(Bool(false)) }
      #expect(box.states.filter { $0 == "h" }.count == 1)
    }
  }

  @Test func totalsBeyondAnInt64AreRefused() {
    let box = Box(
      hall(areas: [
        .init(name: "A", capacity: .max, price: maxPrice), .init(name: "B", capacity: .max, price: 0),
        .init(name: "C", capacity: .max, price: 0),
      ]))
    func area(_ index: UInt16, _ count: UInt32) -> AreaCount { AreaCount(area: AreaIndex(index), count: count) }
    #expect(box.hold([], areas: [area(0, .max)]).outcome == .refused(.invalid(.areas)))
    #expect(box.hold([], areas: [area(1, .max), area(2, 1)]).outcome == .refused(.invalid(.areas)))
    guard case .events(let events) = box.inventory.answer(.events(after: "", limit: 9)) else {
      return #expect(Bool(false))
    }
    #expect(events[0].counts.free == .max)
  }

  /// The order of the contract: 422, not on sale, limits, taken seats, sold out.
  @Test func refusalsComeInOrder() throws {
    let definition = hall(
      onSaleAt: 2_000_000, maxPerOrder: 3, maxPerBuyer: 4, areas: [.init(name: "Floor", capacity: 1, price: 1)])
    let box = Box(definition)
    let tooMany = [AreaCount(area: AreaIndex(0), count: 2)]
    #expect(box.hold(seats(0, 1, 1), areas: tooMany).outcome == .refused(.invalid(.seats)))
    #expect(box.hold(seats(0, 1), areas: tooMany).outcome == .refused(.notOnSale(at: 2_000_000)))
    box.wait(1_000_000)
    #expect(box.hold(seats(0, 1), areas: tooMany).outcome == .refused(.limitExceeded(.maxPerOrder, limit: 3)))
    _ = try box.held(0, 2, 4)
    #expect(box.hold(seats(0), areas: tooMany).outcome == .refused(.limitExceeded(.maxPerBuyer, limit: 4)))
    #expect(box.hold(seats(0), areas: tooMany, buyer: "bob").outcome == .refused(.seatsTaken([.init(0, .held)])))
    #expect(
      box.hold(seats(1), areas: tooMany, buyer: "bob").outcome == .refused(.soldOut(.area(AreaIndex(0)))))
  }

  @Test(arguments: ["ann", "a buyer whose name is longer than eight bytes"])
  func aBuyersHoldsAndOrdersCountTogether(name: String) throws {
    let buyer = Bytes(name)
    let box = Box(hall(maxPerBuyer: 3))
    let first = try box.held(0, 1, buyer: buyer)
    #expect(box.hold(seats(2, 3), buyer: buyer).outcome == .refused(.limitExceeded(.maxPerBuyer, limit: 3)))
    let second = try box.held(2, buyer: buyer)
    #expect(box.hold(seats(3), buyer: buyer).outcome == .refused(.limitExceeded(.maxPerBuyer, limit: 3)))
    _ = try box.held(3, buyer: "somebody else")
    let order = try box.checkedOut(first).order
    #expect(box.hold(seats(4), buyer: buyer).outcome == .refused(.limitExceeded(.maxPerBuyer, limit: 3)))
    _ = box.outcome(.confirm(order))
    #expect(box.hold(seats(4), buyer: buyer).outcome == .refused(.limitExceeded(.maxPerBuyer, limit: 3)))
    _ = box.outcome(.release(second))
    _ = try box.held(4, buyer: buyer)
    _ = box.outcome(.cancel(order))
    _ = try box.held(5, 6, buyer: buyer)
    box.wait(600_000)
    _ = try box.held(0, 1, 2, buyer: buyer)
  }

  @Test func anotherIncarnationIsStale() throws {
    let box = Box()
    var stale = box.event
    stale.incarnation += 1
    let missing = EventRef(slot: EventSlot(1), incarnation: box.event.incarnation)
    for event in [stale, missing] {
      let hold = box.inventory.apply(
        .hold(.init(event: event, secret: 1, buyer: "ann", seats: seats(0))), key: "client-key")
      #expect(hold == Applied(outcome: .refused(.staleEvent), mustLog: false))
      let best = box.inventory.apply(.holdBest(.init(event: event, secret: 1, buyer: "ann", count: 1)), key: "k")
      #expect(best == Applied(outcome: .refused(.staleEvent), mustLog: false))
    }
  }

  @Test func aCategoryWithoutAPriceIsNotForSale() {
    let box = Box(hall(rows: 1, seats: 4, price: nil))
    #expect(box.states == "xxxx")
    #expect(box.hold(seats(2)).outcome == .refused(.seatsTaken([.init(0, .notForSale)])))
    #expect(box.best(1) == .refused(.soldOut(.event)))
    #expect(box.best(1, category: 0) == .refused(.soldOut(.category(CategoryIndex(0)))))
  }

  @Test func eventsAreCreatedOnceAndListedById() {
    var inventory = Inventory(shard: shard)
    // More than one leaf of the order by id.
    for number in (0..<1_500).map({ ($0 * 7) % 1_500 }) {
      let outcome = inventory.apply(.createEvent(hall(id: Bytes("e\(10_000 + number)")), incarnation: 9)).outcome
      guard case .created(_, version: 1) = outcome else { return #expect(Bool(false), "\(outcome)") }
    }
    let again = inventory.apply(.createEvent(hall(id: "e10003"), incarnation: 10))
    #expect(again == Applied(outcome: .refused(.eventExists), mustLog: false))
    var seen: [Bytes] = []
    while true {
      guard case .events(let page) = inventory.answer(.events(after: seen.last ?? "", limit: 400)) else {
        return #expect(Bool(false))
      }
      if page.isEmpty { break }
      seen += page.map(\.id)
    }
    #expect(seen == (0..<1_500).map { Bytes("e\(10_000 + $0)") })
    #expect(inventory.answer(.availability(id: "e")) == .refused(.noSuchEvent))
    // The definition is kept as it came in; whoever reads the answer finds it whole.
    var bytes: [UInt8] = []
    inventory.answer(.event(id: "e10777")).encode(into: &bytes)
    var reader = ByteReader(bytes.rawSpan)
    guard case .event(let info) = try? Answer(decoding: &reader) else { return #expect(Bool(false)) }
    #expect(info.definition == hall(id: "e10777"))
  }

  @Test func anAwkwardDefinitionIsHarmless() {
    var inventory = Inventory(shard: shard)
    for grid in [(rows: UInt32.max, seats: UInt32(0)), (rows: 0, seats: .max), (rows: .max, seats: .max)] {
      var wide = hall()
      wide.sections = [
        .init(name: "wide", rows: .grid(rows: grid.rows, seatsPerRow: grid.seats, category: CategoryIndex(0)))
      ]
      #expect(inventory.apply(.createEvent(wide, incarnation: 1)).outcome == .refused(.invalid(.definition)))
    }
    var definition = hall()
    definition.sections = [.init(name: "none", rows: .listed([.init(name: "A", seats: [])]))]
    guard case .created(let ref, _) = inventory.apply(.createEvent(definition, incarnation: 1)).outcome else {
      return #expect(Bool(false))
    }
    let best = inventory.apply(.holdBest(.init(event: ref, secret: 1, buyer: "ann", count: 1))).outcome
    #expect(best == .refused(.soldOut(.event)))
    definition.id = ""
    #expect(inventory.apply(.createEvent(definition, incarnation: 1)).outcome == .refused(.invalid(.definition)))
  }
}
