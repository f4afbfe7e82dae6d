import Inventory
import Octets
import Proto
import TestKit
import Testing
import Time

@Suite struct BestAvailable {
  /// Every pattern of free seats in small halls, every group size, against a look at all groups.
  @Test(arguments: [(1, 8), (2, 5), (3, 3)]) func everySmallHall(rows: Int, length: Int) throws {
    for pattern in 0..<(1 << (rows * length)) {
      let taken = (0..<(rows * length)).filter { pattern >> $0 & 1 == 1 }
      let definition = hall(
        rows: UInt32(rows), seats: UInt32(length), notForSale: taken.map { UInt32($0) })
      let fresh = Box(definition)
      for count in 1...min(5, rows * length) {
        let box = Box(copying: fresh)
        let outcome = box.best(UInt32(count))
        let expected = Self.expected(rows, length, Set(taken), count)
        if let expected {
          guard case .heldBest(_, let seats) = outcome else { throw Unexpected(outcome: outcome) }
          try #require(seats.map { Int($0.rawValue) } == expected, "\(count) of \(fresh.states)")
        } else {
          try #require(outcome == .refused(.soldOut(.event)), "\(count) of \(fresh.states)")
        }
      }
    }
  }

  private static func expected(_ rows: Int, _ length: Int, _ taken: Set<Int>, _ count: Int) -> [Int]? {
    func isFree(_ row: Int, _ place: Int) -> Bool {
      (0..<length).contains(place) && !taken.contains(row * length + place)
    }
    var groups: [(orphans: Int, cost: Int, seats: [Int])] = []
    for row in 0..<rows where count <= length {
      for first in 0...(length - count) where (first..<(first + count)).allSatisfy({ isFree(row, $0) }) {
        // What would be free after this, and alone, although it was not alone before.
        let rest = (0..<length).filter { isFree(row, $0) && !(first..<(first + count)).contains($0) }
        let orphans = rest.filter { seat in
          !rest.contains(seat - 1) && !rest.contains(seat + 1) && (isFree(row, seat - 1) || isFree(row, seat + 1))
        }
        let middle = abs((2 * first + count) - length)
        groups.append((orphans.isEmpty ? 0 : 1, 2 * row + middle, (first..<(first + count)).map { row * length + $0 }))
      }
    }
    if let best = groups.min(by: { ($0.orphans, $0.cost, $0.seats[0]) < ($1.orphans, $1.cost, $1.seats[0]) }) {
      return best.seats
    }
    let free = (0..<(rows * length)).filter { !taken.contains($0) }
    guard free.count >= count else { return nil }
    let nearest = free.sorted {
      let a = 2 * ($0 / length) + abs(2 * ($0 % length) + 1 - length)
      let b = 2 * ($1 / length) + abs(2 * ($1 % length) + 1 - length)
      return (a, $0) < (b, $1)
    }
    return nearest.prefix(count).sorted()
  }

  @Test func itFillsFromTheFrontAndTheMiddle() {
    let box = Box(hall(rows: 3, seats: 10))
    for _ in 0..<3 { _ = box.best(2) }
    #expect(box.states == "..hhhh...." + "....hh...." + "..........")
  }

  @Test func splitGroupsStayInOneSection() {
    let category = CategoryIndex(0)
    func section(_ name: String) -> EventDefinition.Section {
      .init(name: Bytes(name), rows: .grid(rows: 1, seatsPerRow: 5, category: category))
    }
    var definition = hall()
    definition.sections = [section("A"), section("B")]
    definition.notForSale = [0, 1, 3, 4, 6, 8].map { SeatIndex($0) }
    let box = Box(definition)
    #expect(box.states == "xx.xx" + ".x.x.")
    let outcome = box.best(3)
    guard case .heldBest(_, let seats) = outcome else { return #expect(Bool(false), "\(outcome)") }
    #expect(seats.map(\.rawValue) == [5, 7, 9])
    #expect(box.best(1, buyer: "bob") != .refused(.soldOut(.event)))
    #expect(box.best(1, buyer: "bob") == .refused(.soldOut(.event)))
  }

  /// Rows of twelve with an aisle behind the sixth seat: the front one is listed last, and from both ends in turn.
  @Test func neighboursAreWhatStandsBesideEachOther() throws {
    func row(_ name: String) -> EventDefinition.Row {
      .init(
        name: Bytes(name),
        seats: (0..<12).map {
          .init(label: Bytes("\(name)\($0)"), number: "1", category: CategoryIndex(0), x: 0, y: 0)
        })
    }
    var definition = hall()
    definition.sections = [
      .init(
        name: "S", rows: .listed([row("B"), row("A")]),
        lines: [
          SeatLine(number: 1, rows: [0], gaps: [6]),
          // 0, 2, 4, …, 10, and back 11, 9, …, 1.
          SeatLine(number: 0, rows: [1], order: [0, 2, 4, 6, 8, 10, 11, 9, 7, 5, 3, 1], gaps: [6]),
        ])
    ]
    let box = Box(definition)
    var found: [[Int]] = []
    for count: UInt32 in [2, 4, 3, 6, 5] {
      guard case .heldBest(_, let seats) = box.best(count) else { return #expect(Bool(false)) }
      found.append(seats.map { Int($0.rawValue) })
    }
    // Two at the aisle of the front row, four on its other side, three in the row behind, where nobody stays alone, and
    // that row's other block. Five do not stand side by side any more: the nearest of the section.
    #expect(
      found == [[20, 22], [17, 19, 21, 23], [3, 4, 5], [6, 7, 8, 9, 10, 11], [2, 14, 15, 16, 18]], "\(found)")
  }

  /// What is remembered between searches finds what a search without memory finds, through any number of changes.
  @Test(arguments: [UInt64](1...4)) func theMemoryOfSearchesIsExact(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let box = Box(hall(rows: 90, seats: 23, holdTTL: 30))
    for step in 0..<4_000 {
      box.wait(Milliseconds(Int64(random.next() % 20)))
      let seat = UInt32(random.next() % (90 * 23))
      _ = box.hold(seats(seat), ttl: 1 + UInt32(random.next() % 40))
      if random.chance(30) { _ = box.best(1 + UInt32(random.next() % 4)) }
      if step % 100 == 0 {
        for count: UInt32 in [1, 2, 5, 9, 24] {
          let forgetful = Box(copying: box)
          forgetful.inventory = try Inventory(snapshot: box.inventory.snapshot(), shard: shard)
          _ = forgetful.inventory.advance(to: box.inventory.now)
          let expected = forgetful.best(count)
          try #require(box.best(count) == expected, "seed \(seed), step \(step)")
        }
      }
    }
  }

  /// More questions than are remembered.
  @Test func manyQuestions() throws {
    let box = Box(hall(rows: 100, seats: 100))
    for count in UInt32(1)...90 { guard case .heldBest = box.best(count) else { return #expect(Bool(false)) } }
    for count in UInt32(1)...50 { guard case .heldBest = box.best(count) else { return #expect(Bool(false)) } }
  }
}
