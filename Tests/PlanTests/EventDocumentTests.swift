import Octets
import Plan
import Proto
import Testing

private let arena = """
  {"id":"arena","name":"Caf\u{E9} Night","venue":"Arena","starts_at":"2026-07-01T20:30:00+02:00",
  "on_sale_at":null,"currency":"USD","hold_ttl":120,"payment_ttl":60,"max_per_order":10,"max_per_buyer":20,
  "sections":[{"name":"Stalls","rows":20,"seats_per_row":30,"price":4500},
  {"name":"Left-Wing","category":"Side","rows":2,"seats_per_row":5},{"name":"Right","category":"Side","rows":1,"seats_per_row":4,"price":900}],
  "areas":[{"name":"Floor","capacity":5000,"price":3500}],"prices":{"Side":900},"not_for_sale":["Stalls-B-1","#0"]}
  """

@Suite struct EventDocumentTests {
  @Test func theShortForm() throws {
    let event = try parseEvent(arena)
    #expect(
      event
        == EventDefinition(
          id: "arena", name: "Caf\u{E9} Night", venue: "Arena", startsAt: 1_782_930_600_000, onSaleAt: nil,
          currency: "USD",
          holdTTL: 120, paymentTTL: 60, maxPerOrder: 10, maxPerBuyer: 20,
          categories: [.init(name: "Stalls", price: 4500), .init(name: "Side", price: 900)],
          sections: [
            .init(name: "Stalls", rows: .grid(rows: 20, seatsPerRow: 30, category: CategoryIndex(0))),
            .init(name: "Left-Wing", rows: .grid(rows: 2, seatsPerRow: 5, category: CategoryIndex(1))),
            .init(name: "Right", rows: .grid(rows: 1, seatsPerRow: 4, category: CategoryIndex(1))),
          ], areas: [.init(name: "Floor", capacity: 5000, price: 3500)], notForSale: [SeatIndex(0), SeatIndex(30)]))
  }

  @Test func whatIsAbsentHasItsDefault() throws {
    let event = try parseEvent("{\"areas\":[{\"name\":\"F\",\"capacity\":1,\"price\":0}],\"name\":\"x\"}")
    #expect(event.maxHoldTTL == 600)
    #expect(event.id.isEmpty && event.venue == nil && event.currency == "EUR" && event.holdTTL == 600)
    #expect(event.paymentTTL == 900 && event.maxPerOrder == nil && event.maxPerBuyer == nil && event.seatCount == 0)
    let unpriced = try parseEvent("{\"name\":\"x\",\"sections\":[{\"name\":\"S\",\"rows\":1,\"seats_per_row\":1}]}")
    #expect(unpriced.categories == [.init(name: "S", price: nil)])
    // What refers may stand before what it refers to.
    let early = try parseEvent(
      "{\"not_for_sale\":[\"S-A-1\"],\"prices\":{\"S\":5},\"name\":\"x\",\"sections\":[{\"name\":\"S\",\"rows\":1,\"seats_per_row\":1}]}"
    )
    #expect(early.notForSale == [SeatIndex(0)] && early.categories[0].price == 5)
  }

  @Test func theLongestHoldIsAtLeastTheEventsOwn() throws {
    func event(_ fields: String) throws -> EventDefinition {
      try parseEvent("{\"name\":\"x\",\(fields),\"areas\":[{\"name\":\"F\",\"capacity\":1,\"price\":0}]}")
    }
    #expect(try event("\"hold_ttl\":120").maxHoldTTL == 120)
    #expect(try event("\"max_hold_ttl\":900").maxHoldTTL == 900)
    #expect(try event("\"max_hold_ttl\":null").maxHoldTTL == 600)
    // The order of fields means nothing.
    #expect(try event("\"max_hold_ttl\":300,\"hold_ttl\":60").maxHoldTTL == 300)
    for (fields, limit) in [
      ("\"max_hold_ttl\":599", 600), ("\"max_hold_ttl\":61,\"hold_ttl\":62", 62), ("\"max_hold_ttl\":86401", 86_400),
      ("\"max_hold_ttl\":0", 1),
    ] as [(String, Int64)] {
      do {
        _ = try event(fields)
        Issue.record("\(fields) was taken")
      } catch let error as PlanError {
        #expect(error.field == "max_hold_ttl" && error.limit == limit, "\(fields)")
      }
    }
  }

  @Test func aPretixPlan() throws {
    let event = try parseEvent(
      "{\"name\":\"x\",\"prices\":{\"Stalls\":4500},\"not_for_sale\":[\"B 1\",\"#000\"],\"plan\":\(pretixSample)}")
    #expect(event.categories.map(\.name) == ["Stalls", "Balcony", "Unused"])
    #expect(event.categories.map(\.price) == [4500, nil, nil])
    #expect(event.categories.map(\.color) == ["#7f4a91", "", "red"])
    #expect(event.size == .init(width: 800, height: 600.5))
    #expect(event.sections.map(\.name) == ["Ground floor", "Zone 2"])
    #expect(event.notForSale == [SeatIndex(0), SeatIndex(2)])
    #expect(
      event.sections[0].rows
        == .listed([
          .init(
            name: "1",
            seats: [
              .init(label: "gf-1-1", number: "1", category: CategoryIndex(0), x: 106, y: 12.5),
              .init(label: "gf-1-2", number: "2", category: CategoryIndex(0), x: 131, y: 12.5),
            ]), .init(name: "2", seats: []),
        ]))
    #expect(
      event.sections[1].rows
        == .listed([
          .init(
            name: "A",
            seats: [
              .init(label: "B 1", number: "", category: CategoryIndex(1), x: -3, y: 0),
              .init(label: "B \u{E9}", number: "7b", category: CategoryIndex(0), x: -3, y: 100),
            ])
        ]))
  }

  /// A definition that was read fits what the log's codec takes.
  @Test func whatIsReadCanBeLogged() throws {
    for text in [arena, "{\"name\":\"x\",\"plan\":\(pretixSample)}"] {
      let event = try parseEvent(text)
      var out: [UInt8] = []
      event.encode(into: &out)
      var reader = ByteReader(out.rawSpan)
      #expect(try EventDefinition(decoding: &reader) == event)
    }
  }

  private static func section(_ fields: String) -> String { "{\"name\":\"x\",\"sections\":[{\(fields)}]}" }
  private static let good = "\"name\":\"S\",\"rows\":1,\"seats_per_row\":1"
  private static func event(_ more: String) -> String { "{\"name\":\"x\",\"sections\":[{\(good)}],\(more)}" }
  private static func long(_ count: Int) -> String { String(repeating: "a", count: count) }

  private static let bad: [(String, String)] = [
    ("{}", "name"), ("[]", ""), ("{\"name\":\"x\"}", ""), ("{\"name\":\"x\",\"sections\":[]}", ""),
    ("{\"name\":\"x\",\"areas\":[],\"sections\":[]}", ""), ("{\"name\":\"\",\"sections\":[{\(good)}]}", "name"),
    ("{\"name\":null,\"sections\":[{\(good)}]}", "name"), ("{\"name\":7,\"sections\":[{\(good)}]}", "name"),
    ("{\"name\":\"\(long(256))\",\"sections\":[{\(good)}]}", "name"),
    ("{\"name\":\"a\\u0000\",\"sections\":[{\(good)}]}", "name"),
    ("{\"name\":\"a\\n\",\"sections\":[{\(good)}]}", "name"),
    ("{\"name\":\"a\\u0085\",\"sections\":[{\(good)}]}", "name"),
    (event("\"id\":\"\""), "id"), (event("\"id\":\"a b\""), "id"), (event("\"id\":\"a/b\""), "id"),
    (event("\"id\":\"\u{E9}\""), "id"),
    (event("\"id\":\".\""), "id"), (event("\"id\":\"..\""), "id"), (event("\"id\":\"\(long(129))\""), "id"),
    (event("\"id\":5"), "id"),
    (event("\"venue\":\"\""), "venue"), (event("\"venue\":[]"), "venue"),
    (event("\"starts_at\":\"tomorrow\""), "starts_at"),
    (event("\"on_sale_at\":0"), "on_sale_at"), (event("\"on_sale_at\":\"2026-02-29T00:00:00Z\""), "on_sale_at"),
    (event("\"currency\":\"eur\""), "currency"), (event("\"currency\":\"EURO\""), "currency"),
    (event("\"currency\":978"), "currency"),
    (event("\"hold_ttl\":0"), "hold_ttl"), (event("\"hold_ttl\":86401"), "hold_ttl"),
    (event("\"hold_ttl\":60.5"), "hold_ttl"),
    (event("\"hold_ttl\":\"60\""), "hold_ttl"), (event("\"payment_ttl\":59"), "payment_ttl"),
    (event("\"payment_ttl\":86401"), "payment_ttl"),
    (event("\"max_per_order\":0"), "max_per_order"), (event("\"max_per_order\":-1"), "max_per_order"),
    (event("\"max_per_buyer\":4294967296"), "max_per_buyer"),
    (event("\"max_per_buyer\":99999999999999999999"), "max_per_buyer"),
    (event("\"colour\":1"), "colour"), (event("\"plan\":\(pretixSample)"), "plan"),
    ("{\"name\":\"x\",\"plan\":\(pretixSample),\"sections\":[{\(good)}]}", "sections"),
    (event("\"prices\":{\"T\":1}"), "prices.T"), (event("\"prices\":{\"S\":-1}"), "prices.S"),
    (event("\"prices\":{\"S\":1.5}"), "prices.S"),
    (event("\"prices\":{\"S\":100000000001}"), "prices.S"), (event("\"prices\":[]"), "prices"),
    (event("\"not_for_sale\":[\"S-A-1\",\"S-A-2\"]"), "not_for_sale[1]"),
    (event("\"not_for_sale\":[\"#1\"]"), "not_for_sale[0]"),
    (event("\"not_for_sale\":[\"#0\",\"S-A-1\"]"), "not_for_sale[1]"),
    (event("\"not_for_sale\":[1]"), "not_for_sale[0]"),
    (event("\"not_for_sale\":\"S-A-1\""), "not_for_sale"), (section(""), "sections[0].name"),
    (section("\"name\":\"S\",\"rows\":1"), "sections[0].seats_per_row"),
    (section("\"name\":\"S\",\"seats_per_row\":1"), "sections[0].rows"),
    (section("\"name\":\"S\",\"rows\":0,\"seats_per_row\":1"), "sections[0].rows"),
    (section("\"name\":\"S\",\"rows\":1,\"seats_per_row\":-1"), "sections[0].seats_per_row"),
    (section("\"name\":\"S\",\"rows\":15e-1,\"seats_per_row\":1"), "sections[0].rows"),
    (section("\"name\":\"#S\",\"rows\":1,\"seats_per_row\":1"), "sections[0].name"),
    (section("\"name\":\"\",\"rows\":1,\"seats_per_row\":1"), "sections[0].name"),
    (section("\"name\":\"\(long(61))\",\"rows\":1,\"seats_per_row\":1"), "sections[0].name"),
    (section("\"name\":\"\(long(129))\",\"rows\":1,\"seats_per_row\":1"), "sections[0].name"),
    (section("\(good),\"price\":-1"), "sections[0].price"), (section("\(good),\"price\":1.5"), "sections[0].price"),
    (section("\(good),\"price\":\"5\""), "sections[0].price"),
    (section("\(good),\"category\":\"\""), "sections[0].category"),
    (section("\(good),\"seats\":1"), "sections[0].seats"),
    ("{\"name\":\"x\",\"sections\":[{\(good)},{\(good)}]}", "sections[1].name"),
    (
      "{\"name\":\"x\",\"sections\":[{\(good),\"price\":1},{\"name\":\"T\",\"category\":\"S\",\"rows\":1,\"seats_per_row\":1,\"price\":2}]}",
      "sections[1].price"
    ), ("{\"name\":\"x\",\"sections\":[{\(good),\"price\":1}],\"prices\":{\"S\":2}}", "prices.S"),
    ("{\"name\":\"x\",\"sections\":[{\(good)},7]}", "sections[1]"), ("{\"name\":\"x\",\"sections\":{}}", "sections"),
    (event("\"areas\":[{\"name\":\"F\",\"capacity\":0,\"price\":1}]"), "areas[0].capacity"),
    (event("\"areas\":[{\"name\":\"F\",\"capacity\":10000001,\"price\":1}]"), "areas[0].capacity"),
    (event("\"areas\":[{\"name\":\"F\",\"capacity\":1}]"), "areas[0].price"),
    (event("\"areas\":[{\"capacity\":1,\"price\":1}]"), "areas[0].name"),
    (
      event("\"areas\":[{\"name\":\"F\",\"capacity\":1,\"price\":1},{\"name\":\"F\",\"capacity\":1,\"price\":1}]"),
      "areas[1].name"
    ),
  ]

  @Test func refusalsNameTheField() {
    for (text, field) in Self.bad {
      let error = failure(text)
      #expect(
        error?.code == .invalidEvent && error?.field.description == field,
        "\(text.prefix(300)): \(String(describing: error))")
      #expect(error?.detail.isEmpty == false)
    }
  }

  @Test func whatIsNoJSON() {
    for text in [
      "", "{", "{\"name\":\"x\",}", "{\"name\":\"x\",\"name\":\"y\"}", "nonsense", "{\"name\":\"\\ud800\"}",
      "{\"name\":\"x\"}}",
      "{\"name\":\"x\",\"prices\":{\"a\":1,\"a\":2}}", String(repeating: "[", count: 100_000), "{\"name\":\"a\tb\"}",
    ] {
      #expect(failure(text)?.code == .invalidJSON, "\(text.prefix(40))")
    }
  }

  @Test func limitsAreNamed() {
    #expect(failure(Self.event("\"hold_ttl\":86401"))?.limit == 86_400)
    #expect(failure(Self.event("\"hold_ttl\":0"))?.limit == 1)
    #expect(failure(Self.section("\"name\":\"S\",\"rows\":10000,\"seats_per_row\":1001"))?.limit == 10_000_000)
  }

  /// An event has only so many of everything; what is over it is refused with its name, its limit and its place.
  @Test func tooManyIsNamed() {
    func seats(_ rows: String, _ perRow: String) -> String {
      Self.section("\"name\":\"S\",\"rows\":\(rows),\"seats_per_row\":\(perRow)")
    }
    func list(_ field: String, _ count: Int, _ item: (Int) -> String) -> String {
      "{\"name\":\"x\",\(field):[\((0..<count).map(item).joined(separator: ","))]}"
    }
    let grid = { (number: Int) in "{\"name\":\"S\(number)\",\"rows\":10,\"seats_per_row\":1}" }
    let area = { (number: Int) in "{\"name\":\"A\(number)\",\"capacity\":1,\"price\":1}" }
    let closed = { (number: Int) in "\"#\(number)\"" }
    let hall = "\"sections\":[{\"name\":\"S\",\"rows\":1,\"seats_per_row\":200000,\"price\":1}],\"not_for_sale\""
    let cases: [(text: String, field: String, name: String, limit: Int64)] = [
      (seats("10000", "1001"), "sections[0].seats_per_row", "seats", 10_000_000),
      (seats("2", "9223372036854775807"), "sections[0].seats_per_row", "seats", 10_000_000),
      (seats("100001", "1"), "sections[0].rows", "rows", 100_000),
      (seats("9223372036854775807", "2"), "sections[0].rows", "rows", 100_000),
      (
        list("\"sections\"", 10_001, { "{\"name\":\"S\($0)\",\"rows\":1,\"seats_per_row\":1}" }), "sections[10000]",
        "sections", 10_000
      ),
      (list("\"sections\"", 10_001, grid), "sections[10000]", "sections", 10_000),
      (list("\"areas\"", 1_001, area), "areas[1000]", "areas", 1_000),
      (list(hall, 100_001, closed), "not_for_sale[100000]", "not_for_sale", 100_000),
    ]
    for (text, field, name, limit) in cases {
      let error = failure(text)
      #expect(
        error?.code == .tooMany && error?.field.description == field && error?.limitName == name
          && error?.limit == limit, "\(name): \(String(describing: error))")
    }
    // The limits themselves are allowed.
    #expect(failure(list("\"sections\"", 10_000, grid)) == nil)
    #expect(failure(seats("100000", "100")) == nil)
    #expect(failure(list(hall, 100_000, closed)) == nil)
  }

  /// The same for plans: of zones, rows and categories.
  @Test func plansAreBounded() {
    func plan(zones: Int = 1, rows: Int = 1, categories: Int = 1) -> String {
      let names = (0..<categories).map { "{\"name\":\"C\($0)\"}" }.joined(separator: ",")
      let row = "{\"row_number\":\"1\",\"seats\":[]}"
      let zone = { (number: Int) in
        "{\"name\":\"Z\(number)\",\"rows\":[\(Array(repeating: row, count: rows).joined(separator: ","))]}"
      }
      let all = (0..<zones).map(zone).joined(separator: ",")
      return "{\"name\":\"x\",\"areas\":[{\"name\":\"F\",\"capacity\":1,\"price\":1}],\"plan\":"
        + "{\"name\":\"p\",\"categories\":[\(names)],\"zones\":[\(all)]}}"
    }
    let cases: [(text: String, field: String, name: String)] = [
      (plan(zones: 10_001), "plan.zones[10000]", "sections"),
      (plan(rows: 100_001), "plan.zones[0].rows[100000]", "rows"),
      (plan(zones: 2, rows: 50_001), "plan.zones[1].rows[49999]", "rows"),
      (plan(categories: 10_001), "plan.categories[10000]", "categories"),
    ]
    for (text, field, name) in cases {
      let error = failure(text)
      #expect(
        error?.code == .tooMany && error?.field.description == field && error?.limitName == name,
        "\(name): \(String(describing: error))")
    }
    #expect(failure(plan(zones: 10_000, categories: 10_000)) == nil)
    #expect(failure(plan(zones: 10, rows: 10_000)) == nil)
    let error = failure("{\n\"name\":\"x\",\n  \"sections\":[\n    {\(Self.good),\n     \"colour\": 1}]}")
    #expect(error?.line == 5 && error?.column == 6 && error?.field == "sections[0].colour")
    #expect(error?.detail.contains("`colour`") == true)
  }
}
