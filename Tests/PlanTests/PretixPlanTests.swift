import Octets
import Plan
import TestKit
import Testing

@Suite struct PretixPlanTests {
  private func failure(_ text: String) -> PlanError? {
    let text = bytes(text)
    return PretixPlan.read(text.rawSpan).wrong
  }

  @Test func theSampleStandsAlone() throws {
    let text = bytes(pretixSample)
    let plan = try parsePlan(text)
    #expect(plan.name == "Small hall" && plan.seatCount == 4 && plan.sections.count == 2 && plan.categories.count == 3)
  }

  /// Each case is the sample with one thing changed, and where the error must be.
  private static let bad: [(String, String, String, Int)] = [
    ("\"seat_guid\": \"gf-1-2\"", "\"seat_guid\": \"gf-1-1\"", "zones[0].rows[0].seats[1].seat_guid", 14),
    ("\"seat_guid\": \"gf-1-2\"", "\"seat_guid\": \"#5\"", "zones[0].rows[0].seats[1].seat_guid", 14),
    ("\"seat_guid\": \"gf-1-2\"", "\"seat_guid\": \"\"", "zones[0].rows[0].seats[1].seat_guid", 14),
    ("\"seat_guid\": \"gf-1-2\"", "\"seat_guid\": \"a\\u0007\"", "zones[0].rows[0].seats[1].seat_guid", 14),
    ("\"seat_guid\": \"gf-1-2\"", "\"seat_guid\": 12", "zones[0].rows[0].seats[1].seat_guid", 14),
    (
      "\"seat_guid\": \"gf-1-2\"", "\"seat_guid\": \"\(String(repeating: "x", count: 65))\"",
      "zones[0].rows[0].seats[1].seat_guid", 14
    ),
    ("\"seat_guid\": \"gf-1-2\", ", "", "zones[0].rows[0].seats[1].seat_guid", 14),
    ("\"seat_number\": \"2\", ", "", "zones[0].rows[0].seats[1].seat_number", 14),
    ("\"category\": \"Balcony\"", "\"category\": 7", "zones[1].rows[0].seats[0].category", 24),
    ("\"radius\": 10", "\"radios\": 10", "zones[0].rows[0].seats[0].radios", 13),
    ("{\"x\": 26, \"y\": 2}", "{\"x\": 26}", "zones[0].rows[0].seats[1].position.y", 14),
    ("{\"x\": 26, \"y\": 2}", "{\"x\": \"26\", \"y\": 2}", "zones[0].rows[0].seats[1].position.x", 14),
    ("{\"x\": 26, \"y\": 2}", "{\"x\": 1e300, \"y\": 2}", "zones[0].rows[0].seats[1].position.x", 14),
    ("{\"x\": 26, \"y\": 2}", "{\"x\": 26, \"y\": 2, \"z\": 0}", "zones[0].rows[0].seats[1].position.z", 14),
    ("\"row_number\": \"1\", ", "\"row_number\": 1, ", "zones[0].rows[0].row_number", 10),
    (
      "{\"row_number\": \"2\", \"row_number_position\": null, \"seats\": [],", "{\"row_number\": \"2\", ",
      "zones[0].rows[1].seats", 17
    ),
    ("\"Balcony\"}, ", "\"Stalls\"}, ", "categories[1].name", 3),
    ("{\"name\": \"Balcony\"}", "{\"color\": \"red\"}", "categories[1].name", 3),
    ("\"height\": 600.5", "\"depth\": 600.5", "size.depth", 4),
    ("\"displayed\": true", "\"extra\": true", "zones[1].extra", 22),
    ("\"name\": \"Small hall\"", "\"title\": \"Small hall\"", "title", 2),
  ]

  @Test func whatIsWrongIsNamed() {
    #expect(failure(pretixSample) == nil)
    for (old, new, field, line) in Self.bad {
      let parts = pretixSample.split(separator: old, maxSplits: 1, omittingEmptySubsequences: false)
      #expect(parts.count == 2, "the sample has no \(old)")
      let error = failure(parts.joined(separator: new))
      #expect(
        error?.field.description == field && error?.line == line && error?.code == .invalidEvent,
        "\(new): \(String(describing: error))")
    }
    #expect(failure("{\"name\":\"x\",\"categories\":[]}")?.field == "zones")
    #expect(failure("{\"name\":\"x\",\"zones\":[]}")?.field == "categories")
    #expect(failure("{\"zones\":[],\"categories\":[]}") == nil)
  }

  /// Broken in random ways, nothing traps, and what is refused says where.
  @Test func mutationsNeverTrap() {
    var random = SeededRandom(seed: 41)
    let text = bytes(
      "{\"name\":\"x\",\"prices\":{\"Stalls\":4500},\"not_for_sale\":[\"B 1\"],\"plan\":\(pretixSample)}")
    var accepted = 0
    for _ in 0..<20_000 {
      var mutated = text
      for _ in 0..<Int.random(in: 1...2, using: &random) {
        let place = Int.random(in: 0..<mutated.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: mutated[place] = UInt8.random(in: 0...255, using: &random)
        case 1: mutated.removeSubrange(place..<min(mutated.count, place + Int.random(in: 1...9, using: &random)))
        default: mutated.insert(Array("{}[],:\"\\0-".utf8).randomElement(using: &random)!, at: place)
        }
      }
      do throws(PlanError) {
        let event = try EventDocument.parse(mutated.rawSpan).event
        _ = PlanIndex(event)
        accepted += 1
      } catch {
        #expect(error.line >= 1 && error.line <= 40 && !error.detail.isEmpty)
      }
    }
    #expect(accepted > 500)
  }
}

/// A plan of equal rows in pretix's format.
func makePretixPlan(zones: Int, rows: Int, seats: Int) -> [UInt8] {
  var out =
    "{\"name\":\"Big\",\"size\":{\"width\":1000,\"height\":1000},\"categories\":[{\"name\":\"A\",\"color\":\"#111\"},{\"name\":\"B\",\"color\":\"#222\"}],\"zones\":["
  for zone in 0..<zones {
    out += zone > 0 ? "," : ""
    out += "{\"name\":\"Zone \(zone)\",\"zone_id\":\"z\(zone)\",\"position\":{\"x\":\(zone * 100),\"y\":0},\"rows\":["
    for row in 0..<rows {
      out += row > 0 ? "," : ""
      out +=
        "{\"row_number\":\"\(row)\",\"row_number_position\":\"both\",\"position\":{\"x\":0,\"y\":\(row * 25)},\"seats\":["
      for seat in 0..<seats {
        out += seat > 0 ? "," : ""
        out +=
          "{\"seat_number\":\"\(seat + 1)\",\"seat_guid\":\"z\(zone)-\(row)-\(seat + 1)\",\"uuid\":\"a3f2c9d0-0000-4000-8000-00000000\(1000 + seat)\",\"position\":{\"x\":\(seat * 25).5,\"y\":0},\"category\":\"\(zone % 2 == 0 ? "A" : "B")\"}"
      }
      out += "]}"
    }
    out += "]}"
  }
  return Array((out + "]}").utf8)
}
