import Octets
import Plan
import Proto
import Testing

/// What a plan leaves open is filled in, and nothing that it names is taken for it.
@Suite struct PlanNameTests {
  private func parse(_ text: String) throws -> EventDocument.Parsed {
    let text = bytes(text)
    return try EventDocument.parse(text.rawSpan)
  }

  private func seat(_ guid: String, _ more: String = ",\"category\":\"A\"") -> String {
    "{\"seat_guid\":\"\(guid)\",\"seat_number\":\"1\"\(more)}"
  }

  private func event(
    _ zones: [String], categories: String = #"[{"name":"A"}]"#, prices: String = #"{"A":5}"#
  ) -> String {
    "{\"name\":\"x\",\"prices\":\(prices),\"plan\":{\"categories\":\(categories),\"zones\":[\(zones.joined(separator: ","))]}}"
  }

  private func rows(_ rows: String...) -> String { "\"rows\":[\(rows.joined(separator: ","))]" }

  @Test func zonesOfOneNameAreToldApart() throws {
    let row = "{\"row_number\":\"1\",\"seats\":[]}"
    let first = "{\"row_number\":\"1\",\"seats\":[\(seat("s"))]}"
    let parsed = try parse(
      event([
        "{\"name\":\"B\",\(rows(first))}", "{\"name\":\"B\",\(rows(row))}", "{\"name\":\"B (2)\",\(rows(row))}",
        "{\"zone_id\":\"B\",\(rows(row))}", "{\"zone_id\":\"Zone 6\",\(rows(row))}", "{\(rows(row))}",
        "{\"name\":\"Zone 6\",\(rows(row))}", "{\"name\":\"\",\"zone_id\":\"\",\(rows(row))}",
      ]))
    #expect(
      parsed.event.sections.map(\.name.description)
        == ["B", "B (3)", "B (2)", "B (4)", "Zone 6 (2)", "Zone 6 (3)", "Zone 6", "Zone 8"])
    #expect(
      parsed.warnings == ["zones of one name were told apart; new names: 'B (3)', 'B (4)', 'Zone 6 (2)'"])
  }

  /// A name of the longest kind keeps its length and its characters whole; 10,000 of one name take no time each.
  @Test func manyAndLongNamesAreToldApart() throws {
    let long = String(repeating: "\u{E9}", count: 64)
    let first = "{\"name\":\"\(long)\",\(rows("{\"seats\":[\(seat("s"))]}"))}"
    let parsed = try parse(
      event([first] + [String](repeating: "{\"name\":\"\(long)\",\"rows\":[]}", count: 9_999)))
    let names = parsed.event.sections.map(\.name)
    #expect(Set(names).count == 10_000 && names.allSatisfy { Names.isName($0.rawSpan) })
    #expect(names[1].description == String(repeating: "\u{E9}", count: 59) + " (2)")
    #expect(parsed.warnings.count == 1 && parsed.warnings[0].hasSuffix(", and 9979 more"))
  }

  @Test func rowsWithoutANameAreCalledByTheirPlace() throws {
    let all = rows(
      "{\"row_number\":\"\",\"seats\":[\(seat("a"))]}", "{\"row_number\":\"Row 3\",\"seats\":[]}",
      "{\"row_number\":null,\"seats\":[]}", "{\"seats\":[]}", "{\"row_number\":\"7\",\"seats\":[]}",
      "{\"row_number\":\"7\",\"seats\":[]}")
    let parsed = try parse(event(["{\"name\":\"B\",\(all)}"]))
    guard case .listed(let listed) = parsed.event.sections[0].rows else { throw PlanTestError.notListed }
    #expect(listed.map(\.name.description) == ["Row 1", "Row 3", "Row 3 (2)", "Row 4", "7", "7"])
    #expect(parsed.warnings.isEmpty)
  }

  @Test func seatsWithoutAUsableCategoryAreNotForSale() throws {
    let seats = [
      seat("a", ""), seat("b"), seat("c", ",\"category\":\"Loge\""), seat("d", ",\"category\":null"),
      seat("e", ",\"category\":\"\""),
    ].joined(separator: ",")
    let zone = "{\"name\":\"B\",\(rows("{\"row_number\":\"1\",\"seats\":[\(seats)]}"))}"
    let categories = #"[{"name":"No category"},{"name":"A"}]"#
    let parsed = try parse(event([zone], categories: categories))
    #expect(parsed.event.categories.map(\.name) == ["No category", "A", "No category (2)"])
    #expect(parsed.event.categories.map(\.price) == [nil, 5, nil])
    guard case .listed(let listed) = parsed.event.sections[0].rows else { throw PlanTestError.notListed }
    #expect(listed[0].seats.map { Int($0.category.rawValue) } == [2, 1, 2, 2, 2])
    #expect(
      parsed.warnings == [
        "not for sale, because the plan defines no category for them: a, c ('Loge'), d, e; "
          + "a price of 'No category (2)' sells them"
      ])
    // A price, given by who knows, makes them as any others.
    let sold = try parse(event([zone], prices: #"{"A":5,"No category":9}"#))
    #expect(sold.event.categories.map(\.price) == [5, 9] && sold.warnings.isEmpty)
    let none = try parse(event([zone], prices: "{}"))
    #expect(
      none.warnings.dropFirst() == [
        "not for sale: A (1 seat)", "nothing of this event is for sale: give prices, now or later",
      ])
  }

  @Test func manySeatsWithoutACategoryAreCounted() throws {
    let seats = (0..<30).map { seat("s\($0)", "") }.joined(separator: ",")
    let parsed = try parse(
      event(["{\"name\":\"B\",\(rows("{\"row_number\":\"1\",\"seats\":[\(seats)]}"))}"], categories: "[]", prices: "{}")
    )
    #expect(
      parsed.warnings.first?.hasSuffix("s18, s19, and 10 more; a price of 'No category' sells them") == true,
      "\(parsed.warnings)")
    #expect(parsed.warnings.last == "nothing of this event is for sale: give prices, now or later")
  }

  // MARK: Names as people type them

  private static let typed: [(String, String?)] = [
    ("VPI", "VIP"), ("vip", "VIP"), ("VI", "VIP"), ("VIPS", "VIP"), ("Stals", "Stalls"), ("Slalls ", "Stalls"),
    ("Blacony", "Balcony"), ("X", nil), ("", nil), ("Parterre", nil), ("Balcony left and right", nil),
    ("Stehpl\u{E4}tze", "Stehplatze"),
  ]

  @Test func theNearestNameIsSaid() {
    let known: [Bytes] = ["VIP", "Stalls", "Balcony", "Stehplatze"]
    for (typed, near) in Self.typed {
      let text = CategoryNames.unknown(Bytes(typed), among: known)
      #expect(text.contains("did you mean") == (near != nil), "\(text)")
      if let near { #expect(text.contains("did you mean '\(near)'? "), "\(text)") }
      #expect(text.hasSuffix("here are: VIP, Stalls, Balcony, Stehplatze"), "\(text)")
    }
    #expect(
      CategoryNames.unknown("VPI", among: ["VIP"]) == "no category 'VPI'; did you mean 'VIP'? There are: VIP")
    #expect(CategoryNames.unknown("a\u{7}", among: []) == "no category of this name; there is none at all")
    let many = (0..<30).map { Bytes("Block \($0)") }
    #expect(CategoryNames.unknown("Sky", among: many).hasSuffix("Block 19, and 10 more"))
  }
}

private enum PlanTestError: Error { case notListed }
