import Octets
import Plan
import Proto
import TestKit
import Testing

@Suite struct PlanIndexTests {
  /// Row names by counting, as a person would.
  private func rowName(_ row: Int) -> String {
    var name: [UInt8] = [0x41]
    for _ in 0..<row {
      var place = name.count - 1
      while place >= 0, name[place] == 0x5A {
        name[place] = 0x41
        place -= 1
      }
      if place < 0 { name.insert(0x41, at: 0) } else { name[place] += 1 }
    }
    return String(decoding: name, as: UTF8.self)
  }

  private let grid = EventDefinition(
    id: "e", name: "e", categories: [.init(name: "x", price: 1), .init(name: "y", price: 2)],
    sections: [
      .init(name: "Stalls", rows: .grid(rows: 800, seatsPerRow: 12, category: CategoryIndex(0))),
      .init(name: "A", rows: .grid(rows: 3, seatsPerRow: 10, category: CategoryIndex(1))),
      .init(name: "A-B", rows: .grid(rows: 2, seatsPerRow: 100, category: CategoryIndex(0))),
    ], areas: [.init(name: "Floor", capacity: 10, price: 1), .init(name: "Pit", capacity: 10, price: 1)])

  /// Every seat's label leads back to it, is unique, and is what a slow model says.
  @Test func everySeatOfAGrid() {
    let index = PlanIndex(grid)
    #expect(index.seatCount == 9_600 + 30 + 200)
    var seat: UInt32 = 0
    var seen: Set<Bytes> = []
    for (number, (name, rows, seats)) in [("Stalls", 800, 12), ("A", 3, 10), ("A-B", 2, 100)].enumerated() {
      for row in 0..<rows {
        let rowName = rowName(row)
        for place in 0..<seats {
          let label = "\(name)-\(rowName)-\(place + 1)"
          #expect(index.label(SeatIndex(seat)).description == label)
          #expect(index.seat(label) == seat && index.seat("#\(seat)") == seat)
          #expect(index.place(of: SeatIndex(seat)) == (number, row, place))
          #expect(index.category(of: SeatIndex(seat)) == CategoryIndex(number == 1 ? 1 : 0))
          seen.insert(index.label(SeatIndex(seat)))
          seat += 1
        }
      }
    }
    #expect(seen.count == index.seatCount)
  }

  @Test func labelsThatNameNothing() {
    let index = PlanIndex(grid)
    for label in [
      "", "-", "#", "#9830", "#-1", "#1x", "#99999999999999999999999", "Stalls", "Stalls-", "Stalls-A", "Stalls-A-",
      "Stalls-A-0",
      "Stalls-A-13", "Stalls-A-01", "Stalls-A-+1", "Stalls-a-1", "stalls-A-1", "Stalls--1", "Stalls-A1-1",
      "Stalls-ADU-1",
      "Stalls-AAAAAAAAAA-1", "Stalls-A-1 ", " Stalls-A-1", "-A-1", "A-1", "-A-1-", "Stalls-A-99999999999999999999",
      "A-D-1", "A-B-C-1",
      "B-A-1", "Stalls\u{0}-A-1", "Stalls-\u{41}\u{301}-1", "12", "---", "Stalls-A--1",
    ] {
      #expect(index.seat(label) == nil, "\(label)")
    }
    #expect(index.seat("#000") == 0 && index.seat("#0000000000000000000000009829") == 9_829)
    #expect(index.seat("A-B-1") == 9_610 && index.seat("A-B-A-1") == 9_630)
    #expect(index.area("Floor") == 0 && index.area("Pit") == 1 && index.area("floor") == nil && index.area("") == nil)
    #expect(index.category("x") == 0 && index.category("y") == 1 && index.category("z") == nil)
  }

  @Test func everySeatOfAPlan() throws {
    let text = makePretixPlan(zones: 5, rows: 20, seats: 31)
    let plan = try parsePlan(text)
    let event = EventDefinition(id: "e", name: "e", categories: plan.categories, sections: plan.sections)
    let index = PlanIndex(event)
    #expect(index.seatCount == 3_100)
    for seat in 0..<UInt32(index.seatCount) {
      let label = index.label(SeatIndex(seat)).description
      let (zone, row, place) = index.place(of: SeatIndex(seat))
      #expect(label == "z\(zone)-\(row)-\(place + 1)")
      #expect(index.seat(label) == seat && index.seat("#0\(seat)") == seat)
      #expect(index.category(of: SeatIndex(seat)).rawValue == UInt16(zone % 2))
    }
    for label in ["", "z0-0-0", "z0-0-32", "z5-0-1", "Z0-0-1", "#3100"] { #expect(index.seat(label) == nil) }
  }

  /// Random definitions of all shapes (empty rows and sections, both kinds of section) against plain lists.
  @Test(arguments: [UInt64](1...20)) func anyShape(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var labels: [String] = []
    var places: [(Int, Int, Int)] = []
    var sections: [EventDefinition.Section] = []
    for number in 0..<Int.random(in: 1...6, using: &random) {
      if random.chance(50) {
        let rows = Int.random(in: 0...30, using: &random)
        let seats = Int.random(in: 1...5, using: &random)
        for row in 0..<rows {
          for seat in 0..<seats {
            labels.append("S\(number)-\(rowName(row))-\(seat + 1)")
            places.append((number, row, seat))
          }
        }
        sections.append(
          .init(
            name: Bytes("S\(number)"),
            rows: .grid(rows: UInt32(rows), seatsPerRow: UInt32(seats), category: CategoryIndex(0))))
      } else {
        var rows: [EventDefinition.Row] = []
        for row in 0..<Int.random(in: 0...5, using: &random) {
          var seats: [EventDefinition.Seat] = []
          for seat in 0..<Int.random(in: 0...4, using: &random) {
            labels.append("listed \(number).\(row).\(seat)")
            places.append((number, row, seat))
            seats.append(.init(label: Bytes(labels.last!), number: "", category: CategoryIndex(0), x: 0, y: 0))
          }
          rows.append(.init(name: "r", seats: seats))
        }
        sections.append(.init(name: Bytes("S\(number)"), rows: .listed(rows)))
      }
    }
    let event = EventDefinition(id: "e", name: "e", categories: [.init(name: "c", price: 1)], sections: sections)
    let index = PlanIndex(event)
    #expect(index.seatCount == labels.count)
    for (seat, label) in labels.enumerated() {
      #expect(index.seat(label) == UInt32(seat), "seed \(seed), \(label)")
      #expect(index.label(SeatIndex(UInt32(seat))).description == label, "seed \(seed)")
      #expect(index.place(of: SeatIndex(UInt32(seat))) == places[seat], "seed \(seed), \(label)")
      #expect(index.category(of: SeatIndex(UInt32(seat))) == CategoryIndex(0))
    }
  }
}
