import Inventory
import Octets
import Proto
import TestKit
import Testing

/// Events near what events may be: what is found fast is what a look at everything would find.
@Suite struct LargeEvents {
  /// A section whose rows mix many categories, and rows of one category beside them: zones are found by search there.
  @Test func aSectionOfManyCategories() throws {
    let count = 40
    func seat(_ number: Int, _ category: Int) -> EventDefinition.Seat {
      .init(
        label: Bytes("S\(number)"), number: "1", category: CategoryIndex(UInt16(category)), x: 0, y: 0)
    }
    // Two mixed rows, their categories in no order, and a row of one category for each.
    var order = Array(0..<count)
    var random = SeededRandom(seed: 5)
    for place in order.indices { order.swapAt(place, Int(random.next() % UInt64(count))) }
    var rows: [EventDefinition.Row] = []
    for row in 0..<2 {
      rows.append(.init(name: "R", seats: order.enumerated().map { seat(row * count + $0.offset, $0.element) }))
    }
    for category in order {
      rows.append(.init(name: "R", seats: (0..<3).map { seat(1_000 + category * 3 + $0, category) }))
    }
    var definition = hall()
    definition.categories = (0..<count).map { .init(name: Bytes("C\($0)"), price: Int64(100 + $0)) }
    definition.sections = [.init(name: "All", rows: .listed(rows))]
    let box = Box(definition)
    for (place, category) in order.enumerated() {
      // One seat in each of the mixed rows, and all of the category's own row.
      let own = 2 * count + place * 3
      let numbers = [place, count + place, own, own + 1, own + 2].map { SeatIndex(UInt32($0)) }
      guard case .held(let held) = box.hold(numbers).outcome else { return #expect(Bool(false)) }
      #expect(held.total == 5 * Int64(100 + category))
      #expect(box.availability?.categories[category] == Counts(held: 5))
      #expect(
        box.best(1, category: UInt16(category), buyer: "bob")
          == .refused(.soldOut(.category(CategoryIndex(UInt16(category))))))
    }
    #expect(box.states == String(repeating: "h", count: 5 * count))
  }

  /// Sections with and without a price side by side, longer than a page of the table of seats.
  @Test func sectionsThatAreNotForSale() {
    var definition = hall()
    definition.categories = [.init(name: "A", price: nil), .init(name: "B", price: 5)]
    func section(_ name: String, _ rows: UInt32, _ seats: UInt32, _ category: UInt16) -> EventDefinition.Section {
      .init(name: Bytes(name), rows: .grid(rows: rows, seatsPerRow: seats, category: CategoryIndex(category)))
    }
    definition.sections = [
      section("a", 3, 1_001, 1), section("b", 500, 101, 0), section("c", 7, 3, 1), section("d", 2, 20_000, 0),
      section("e", 300, 100, 1),
    ]
    let box = Box(definition)
    let lengths = [3 * 1_001, 500 * 101, 21, 40_000, 30_000]
    let expected = zip(lengths, [".", "x", ".", "x", "."]).map { String(repeating: $1, count: $0) }.joined()
    #expect(box.states == expected)
    #expect(box.availability?.categories[0] == Counts(notForSale: 90_500))
    #expect(box.availability?.categories[1] == Counts(free: 33_024))
    // A taken seat is seen among many that are alike.
    _ = box.hold(seats(0, 93_525, 123_523))
    let states = Array(box.states.utf8)
    let held = states.indices.filter { states[$0] == UInt8(ascii: "h") }
    #expect(held == [0, 93_525, 123_523])
  }

  /// Best seats of 100,000 rows, most of which are not what they were, are what a search without memory finds.
  @Test func bestSeatsOfManyRows() throws {
    var definition = hall()
    // Ten sections, so that many rows may cost the same.
    definition.sections = (0..<10).map {
      .init(
        name: Bytes("S\($0)"), rows: .grid(rows: 10_000, seatsPerRow: 5, category: CategoryIndex(0)))
    }
    let box = Box(definition)
    var random = SeededRandom(seed: 3)
    for _ in 0..<300 {
      let numbers = Set((0..<20).map { _ in UInt32(random.next() % 500_000) }).sorted()
      _ = box.hold(numbers.map { SeatIndex($0) })
      let count = 1 + UInt32(random.next() % 5)
      let forgetful = Box(copying: box)
      guard random.chance(10) else {
        _ = box.best(count)
        continue
      }
      forgetful.inventory = try Inventory(snapshot: box.inventory.snapshot(), shard: shard)
      _ = forgetful.inventory.advance(to: box.inventory.now)
      let expected = forgetful.best(count)
      try #require(box.best(count) == expected)
    }
  }
}
