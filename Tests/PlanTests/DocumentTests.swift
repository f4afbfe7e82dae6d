import JSON
import Octets
import Plan
import Proto
import Testing

@Suite struct DocumentTests {
  private let grid = EventDefinition(
    id: "arena", name: "Night \"x\"", startsAt: 0, maxPerOrder: 4,
    categories: [.init(name: "Stalls", price: 4500), .init(name: "Side", price: nil)],
    sections: [
      .init(name: "Stalls", rows: .grid(rows: 2, seatsPerRow: 3, category: CategoryIndex(0))),
      .init(name: "Left", rows: .grid(rows: 1, seatsPerRow: 2, category: CategoryIndex(1))),
    ], areas: [.init(name: "Floor", capacity: 9, price: 100)])
  private let availability = Availability(
    categories: [Counts(free: 3, held: 2, sold: 1), Counts(notForSale: 2)], areas: [Counts(free: 4, held: 0, sold: 5)])

  private func text(_ write: (inout [UInt8]) -> Void) -> String {
    var out: [UInt8] = []
    write(&out)
    #expect(throws: Never.self) { try check(out) }
    return String(decoding: out, as: UTF8.self)
  }

  private func check(_ out: [UInt8]) throws {
    var reader = JSONReader(out.rawSpan)
    try reader.skip()
    try reader.finish()
  }

  @Test func anEvent() {
    #expect(
      text { EventDocument.write(grid, version: 7, availability: availability, into: &$0) }
        == "{\"id\":\"arena\",\"name\":\"Night \\\"x\\\"\",\"venue\":null,\"starts_at\":\"1970-01-01T00:00:00.000Z\",\"on_sale_at\":null,"
        + "\"currency\":\"EUR\",\"hold_ttl\":600,\"max_hold_ttl\":600,\"payment_ttl\":900,"
        + "\"max_per_order\":4,\"max_per_buyer\":null,\"paused\":false,\"waiting_room\":null,"
        + "\"areas\":[{\"name\":\"Floor\",\"capacity\":9,\"price\":100}],\"prices\":{\"Stalls\":4500,\"Side\":null},"
        + "\"total\":17,\"free\":7,\"held\":2,\"sold\":6,\"not_for_sale\":2,\"version\":7}")
    #expect(
      text {
        EventDocument.write(
          EventSummary(id: "a", name: "b", venue: "c", version: 3, counts: Counts(free: 1)), into: &$0)
      }
        == "{\"id\":\"a\",\"name\":\"b\",\"venue\":\"c\",\"starts_at\":null,\"total\":1,\"free\":1,\"held\":0,\"sold\":0,\"not_for_sale\":0,\"version\":3}"
    )
  }

  @Test func seats() {
    let states = bytes(".hsx..xx")
    #expect(
      text { SeatMapDocument.write(grid, version: 812, states: states.rawSpan, into: &$0) }
        == "{\"event\":\"arena\",\"version\":812,\"sections\":[{\"name\":\"Stalls\",\"rows\":[{\"name\":\"A\",\"seats\":\".hs\"},"
        + "{\"name\":\"B\",\"seats\":\"x..\"}]},{\"name\":\"Left\",\"rows\":[{\"name\":\"A\",\"seats\":\"xx\"}]}]}")
    let few = bytes("....")
    #expect(
      text { SeatMapDocument.write(grid, version: 1, states: few.rawSpan, into: &$0) }
        .hasSuffix("\"B\",\"seats\":\".xx\"}]},{\"name\":\"Left\",\"rows\":[{\"name\":\"A\",\"seats\":\"xx\"}]}]}"))
    var rows: [String] = []
    SeatMapDocument.forEachRow(grid) { rows.append("\(Bytes($0)) \(Bytes($1)) \($2)") }
    #expect(rows == ["Stalls A 0..<3", "Stalls B 3..<6", "Left A 6..<8"] && SeatMapDocument.rowCount(grid) == 3)
  }

  @Test func howManyAreLeft() {
    #expect(
      text { AvailabilityDocument.write(grid, version: 5, availability: availability, into: &$0) }
        == "{\"event\":\"arena\",\"version\":5,\"total\":17,\"free\":7,\"held\":2,\"sold\":6,\"not_for_sale\":2,\"categories\":"
        + "{\"Stalls\":{\"total\":6,\"free\":3,\"held\":2,\"sold\":1,\"not_for_sale\":0,\"price\":4500},"
        + "\"Side\":{\"total\":2,\"free\":0,\"held\":0,\"sold\":0,\"not_for_sale\":2,\"price\":null}},"
        + "\"areas\":{\"Floor\":{\"total\":9,\"free\":4,\"held\":0,\"sold\":5,\"not_for_sale\":0,\"price\":100}}}")
  }

  @Test func plans() throws {
    #expect(
      text { PlanDocument.write(grid, into: &$0) }
        == "{\"event\":\"arena\",\"sections\":[{\"name\":\"Stalls\",\"category\":\"Stalls\",\"price\":4500,\"rows\":2,\"seats_per_row\":3},"
        + "{\"name\":\"Left\",\"category\":\"Side\",\"price\":null,\"rows\":1,\"seats_per_row\":2}]}")
    let listed = try parseEvent("{\"id\":\"p\",\"name\":\"x\",\"prices\":{\"Stalls\":5},\"plan\":\(pretixSample)}")
    #expect(
      text { PlanDocument.write(listed, into: &$0) }
        == "{\"event\":\"p\",\"size\":{\"width\":800,\"height\":600.5},\"sections\":[{\"name\":\"Ground floor\",\"rows\":[{\"name\":\"1\",\"seats\":["
        + "{\"label\":\"gf-1-1\",\"number\":\"1\",\"category\":\"Stalls\",\"x\":106,\"y\":12.5},"
        + "{\"label\":\"gf-1-2\",\"number\":\"2\",\"category\":\"Stalls\",\"x\":131,\"y\":12.5}]},{\"name\":\"2\",\"seats\":[]}]},"
        + "{\"name\":\"Zone 2\",\"rows\":[{\"name\":\"A\",\"seats\":[{\"label\":\"B 1\",\"number\":\"\",\"category\":\"Balcony\",\"x\":-3,\"y\":0},"
        + "{\"label\":\"B \u{E9}\",\"number\":\"7b\",\"category\":\"Stalls\",\"x\":-3,\"y\":100}]}]}],"
        + "\"categories\":{\"Stalls\":{\"price\":5,\"color\":\"#7f4a91\"},\"Balcony\":{\"price\":null,\"color\":null},"
        + "\"Unused\":{\"price\":null,\"color\":\"red\"}}}")
  }
}
