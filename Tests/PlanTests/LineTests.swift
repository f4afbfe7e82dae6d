import Octets
import Plan
import Proto
import TestKit
import Testing

/// A row of a plan in pretix's format, from its seats: where each is, and what it is called.
private func row(_ name: String, _ seats: [(x: Double, y: Double)?], from first: Int = 1, zone: String = "z") -> String
{
  let texts = seats.enumerated().map { place, point in
    let position = point.map { ",\"position\":{\"x\":\($0.x),\"y\":\($0.y)}" } ?? ""
    return "{\"seat_guid\":\"\(zone)-\(name)-\(first + place)\",\"seat_number\":\"1\",\"category\":\"A\"\(position)}"
  }
  return "{\"row_number\":\"\(name)\",\"seats\":[\(texts.joined(separator: ","))]}"
}

private func plan(_ rows: [String], _ more: String = "") throws -> PretixPlan {
  let text = bytes(
    "{\"name\":\"x\",\"categories\":[{\"name\":\"A\"}]\(more),\"zones\":[{\"name\":\"z\",\"rows\":[\(rows.joined(separator: ","))]}]}"
  )
  return try parsePlan(text)
}

private func lines(_ rows: [String], _ more: String = "") throws -> [SeatLine] {
  try plan(rows, more).sections[0].lines
}

private func straight(_ count: Int, step: Double = 10, x: Double = 0, y: Double = 0) -> [(x: Double, y: Double)?] {
  (0..<count).map { (x + Double($0) * step, y) }
}

@Suite struct LineTests {
  /// What stands as it is listed needs no lines, so its event's bytes are what they always were.
  @Test func rowsAsTheyStand() throws {
    #expect(try lines([row("1", straight(9)), row("2", straight(9, y: 10)), row("3", straight(4, y: 22))]).isEmpty)
    let back = Array(straight(9, y: 10).reversed())
    #expect(try lines([row("1", straight(9)), row("2", back)]).isEmpty)
    // No positions, the same for all, or for some only: as listed.
    #expect(try lines([row("1", [nil, nil, nil]), row("2", [nil])]).isEmpty)
    #expect(try lines([row("1", [(1, 1), (1, 1), (1, 1)]), row("2", [(1, 1)])]).isEmpty)
    #expect(try lines([row("2", [(50, 9), nil, (0, 9), (10, 9)]), row("1", straight(4))]).isEmpty)
  }

  @Test func aGapEndsARun() throws {
    let aisle = straight(6) + straight(6, x: 65 + 1)
    #expect(try lines([row("1", aisle)]) == [SeatLine(number: 0, rows: [0], gaps: [6])])
    // One and a half of the usual step is none.
    #expect(try lines([row("1", straight(6) + straight(6, x: 65))]).isEmpty)
    // In any direction, and where the aisles are a third of the steps.
    let along: [Double] = [0, 1, 3, 4, 6, 7, 9, 10]
    let pairs = along.map { place -> (x: Double, y: Double)? in (3 * place, 4 * place) }
    #expect(try lines([row("1", pairs)]) == [SeatLine(number: 0, rows: [0], gaps: [2, 4, 6])])
  }

  @Test func seatsInAnyOrder() throws {
    // From the middle to the sides, as some theatres count.
    let places = [5, 3, 1, 2, 4, 6]
    let line = try lines([row("1", places.map { (Double($0) * 10, 0) })])
    #expect(line == [SeatLine(number: 0, rows: [0], order: [2, 3, 1, 4, 0, 5])])
  }

  @Test func piecesContinueEachOther() throws {
    // Two rows of one name: the second is the left one.
    let pieces = [row("1", straight(3, x: 30), from: 4), row("1", straight(3))]
    #expect(try lines(pieces) == [SeatLine(number: 0, rows: [0, 1], order: [2, 1, 0, 5, 4, 3])])
    // Another name, too far, or behind it: two lines.
    #expect(try lines([row("1", straight(3)), row("2", straight(3, x: 30))]).count { $0.rows.count > 1 } == 0)
    #expect(try lines([row("1", straight(3)), row("1", straight(3, x: 36), from: 4)]).count { $0.rows.count > 1 } == 0)
    #expect(try lines([row("1", straight(3)), row("1", straight(3, y: 10), from: 4)]).count { $0.rows.count > 1 } == 0)
    // Three pieces, one of them a single seat, around a bend.
    let bent = [
      row("1", [(0, 0), (10, 0), (20, 2)]), row("1", [(29, 6)], from: 4), row("1", [(37, 12), (44, 19)], from: 5),
    ]
    #expect(try lines(bent) == [SeatLine(number: 0, rows: [0, 1, 2])])
  }

  @Test func theFrontIsWhereYIsLeast() throws {
    let rows = [row("3", straight(4, y: 20)), row("2", straight(4, y: 10)), row("1", straight(4))]
    #expect(try lines(rows).map(\.number) == [2, 1, 0])
    // A focal point behind the last row.
    #expect(try lines(rows, ",\"focal_point\":{\"x\":15,\"y\":50}").isEmpty)
    #expect(try lines(rows, ",\"focal_point\":null").map(\.number) == [2, 1, 0])
    // Rows beside each other are equally far, and rows that all are beside each other are as listed.
    let blocks = [
      row("1l", straight(4)), row("1r", straight(4, x: 80)), row("2l", straight(4, y: 9)),
      row("2r", straight(4, x: 80, y: 9)),
    ]
    #expect(try lines(blocks).map(\.number) == [0, 0, 1, 1])
    #expect(try lines(Array(blocks[0...1])).isEmpty)
    // One row without positions: nobody knows.
    #expect(try lines(rows + [row("4", [nil])]).isEmpty)
  }

  /// The front is one for the whole plan: a zone that is listed first may be the last.
  @Test func zonesHaveOneFront() throws {
    func zone(_ name: String, _ depths: [Double]) -> String {
      let rows = depths.map { row("\($0)", straight(6, y: $0), zone: name) }
      return "{\"name\":\"\(name)\",\"rows\":[\(rows.joined(separator: ","))]}"
    }
    func numbers(_ zones: [String], _ more: String = "") throws -> [[UInt32]] {
      let text = bytes(
        "{\"name\":\"x\",\"categories\":[{\"name\":\"A\"}]\(more),\"zones\":[\(zones.joined(separator: ","))]}")
      return try parsePlan(text).sections.map { $0.lines.map(\.number) }
    }
    let (back, front) = (zone("Back", [100]), zone("Front", [0, 10, 20]))
    #expect(try numbers([back, front]) == [[10], []])
    #expect(try numbers([front, back]) == [[], [10]])
    #expect(try numbers([front, back], ",\"focal_point\":{\"x\":25,\"y\":200}") == [[10, 9, 8], []])
    // Beside each other: equally far. A zone without positions is as listed.
    #expect(try numbers([zone("Left", [0, 10]), zone("Right", [0, 10])]) == [[], []])
    let nowhere = "{\"name\":\"Nowhere\",\"rows\":[\(row("1", [nil, nil], zone: "Nowhere"))]}"
    #expect(try numbers([nowhere, back, front]) == [[], [10], []])
  }

  /// Places of metres of a map: what a `Float` cannot tell apart.
  @Test func farFromTheOriginNeighboursStay() throws {
    let far = straight(12, step: 0.55, x: 5_000_000, y: 47_000_000)
    let rows = [row("2", far), row("1", straight(12, step: 0.55, x: 5_000_000, y: 46_999_999))]
    let plan = try plan(rows)
    #expect(plan.sections[0].lines == [SeatLine(number: 1, rows: [0]), SeatLine(number: 0, rows: [1])])
    guard case .listed(let kept) = plan.sections[0].rows else {
      Issue.record("listed rows")
      return
    }
    // Moved to the origin, and as far from each other as they are.
    #expect(kept[0].seats.map(\.y) == .init(repeating: 1, count: 12))
    #expect(zip(kept[1].seats, kept[1].seats.dropFirst()).allSatisfy { abs($1.x - $0.x - 0.55) < 0.001 })
  }

  /// Rows of any shape, cut in pieces and listed in any order, against what the seats' places along their row say.
  @Test(arguments: [UInt64](1...300)) func neighboursStandNextToEachOther(seed: UInt64) throws {
    print("seed \(seed)")
    var random = SeededRandom(seed: seed)
    // Where each seat is, by row, and which follow each other without a gap: the truth.
    var texts: [String] = []
    var truth: Set<Set<String>> = []
    for number in 0..<Int.random(in: 1...4, using: &random) {
      let step = Double.random(in: 5...30, using: &random)
      let count = Int.random(in: 1...24, using: &random)
      // The length of an arc; the curve is a half circle at most. Rows are far apart.
      var along: [Double] = []
      var gaps: Set<Int> = []
      var place = 0.0
      for seat in 0..<count {
        along.append(place)
        // Most steps are the usual one.
        if count > 6, seat % 5 == 4, random.chance(40) {
          place += step * Double.random(in: 1.6...4, using: &random)
          gaps.insert(seat + 1)
        } else {
          place += step
        }
      }
      let turn = random.chance(50) ? Double.random(in: 0.1...3, using: &random) / max(place, 1) : 0
      let angle = Double.random(in: 0...6.28, using: &random)
      let centre = Double(number) * 5_000
      let points = along.map { length -> (x: Double, y: Double) in
        let (x, y) = arc(length, turn)
        return (centre + x * cosine(angle) - y * sine(angle), x * sine(angle) + y * cosine(angle))
      }
      // Cut in pieces, which are listed in any order, each from any end or in any order.
      // A piece is long enough for its usual step to be the row's.
      var cuts = [0, count]
      if random.chance(50) { for cut in stride(from: 6, through: count - 6, by: 6 + number) { cuts.append(cut) } }
      cuts.sort()
      var rows: [[Int]] = zip(cuts, cuts.dropFirst()).map { Array($0..<$1) }.filter { !$0.isEmpty }
      rows.shuffle(using: &random)
      for place in rows.indices {
        if random.chance(30) { rows[place].reverse() }
        if random.chance(30) { rows[place].shuffle(using: &random) }
      }
      for seats in rows {
        let seatTexts = seats.map {
          "{\"seat_guid\":\"\(number)-\($0)\",\"seat_number\":\"1\",\"category\":\"A\",\"position\":{\"x\":\(points[$0].x),\"y\":\(points[$0].y)}}"
        }
        texts.append("{\"row_number\":\"R\(number)\",\"seats\":[\(seatTexts.joined(separator: ","))]}")
      }
      for seat in 1..<max(1, count) where !gaps.contains(seat) {
        truth.insert(["\(number)-\(seat - 1)", "\(number)-\(seat)"])
      }
    }
    texts.shuffle(using: &random)
    let section = try plan(texts).sections[0]
    guard case .listed(let rows) = section.rows else { return #expect(Bool(false)) }
    var found: Set<Set<String>> = []
    let lines = section.lines.isEmpty ? rows.indices.map { SeatLine(number: 0, rows: [UInt32($0)]) } : section.lines
    for line in lines {
      let listed = line.rows.flatMap { rows[Int($0)].seats.map(\.label.description) }
      let seats = line.order.isEmpty ? listed : line.order.map { listed[Int($0)] }
      for place in 1..<max(1, seats.count) where !line.gaps.contains(UInt32(place)) {
        found.insert([seats[place - 1], seats[place]])
      }
    }
    #expect(found == truth, "seed \(seed): \(found.symmetricDifference(truth).map { $0.sorted() })")
  }
}

/// Where someone is who walked so far along a curve that turns by `turn` with each step of one.
private func arc(_ length: Double, _ turn: Double) -> (x: Double, y: Double) {
  guard turn > 0 else { return (length, 0) }
  return (sine(length * turn) / turn, (1 - cosine(length * turn)) / turn)
}

/// By their series: good enough for angles of a turn, and without Foundation.
private func sine(_ angle: Double) -> Double {
  var (term, sum) = (angle, angle)
  for n in 1..<20 {
    term *= -angle * angle / Double((2 * n) * (2 * n + 1))
    sum += term
  }
  return sum
}
private func cosine(_ angle: Double) -> Double { sine(angle + 1.5707963267948966) }
