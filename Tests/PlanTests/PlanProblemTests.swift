import Octets
import Plan
import Testing

/// What is wrong with a plan is said at once, with all places.
@Suite struct PlanProblemTests {
  private func wrong(_ text: [UInt8]) -> PlanError? { PretixPlan.read(text.rawSpan).wrong }

  /// Zones of one row each, which begin lines 2, 3, …; a seat is a pair of guid and the rest of its fields.
  private func plan(_ zones: [[(guid: String, more: String)]], categories: String = #"[{"name":"A"}]"#) -> [UInt8] {
    let lines = zones.enumerated().map { place, seats in
      let texts = seats.map { seat in "{\"seat_guid\":\"\(seat.guid)\",\"seat_number\":\"1\"\(seat.more)}" }
      return "{\"name\":\"Z\(place)\",\"rows\":[{\"row_number\":\"1\",\"seats\":[\(texts.joined(separator: ","))]}]}"
    }
    return bytes("{\"categories\":\(categories),\"zones\":[\n\(lines.joined(separator: ",\n"))]}")
  }

  private static let a = ",\"category\":\"A\""

  @Test func everyRepeatedGuidIsNamedWithBothPlaces() throws {
    let text = plan([
      [("x", Self.a), ("y", Self.a)], [("y", Self.a), ("z", Self.a)], [("x", Self.a), ("x", Self.a)],
    ])
    let error = try #require(wrong(text))
    #expect(error.code == .invalidEvent && error.more == 0)
    #expect(
      error.problems.map(\.field) == [
        "zones[1].rows[0].seats[0].seat_guid", "zones[2].rows[0].seats[0].seat_guid",
        "zones[2].rows[0].seats[1].seat_guid",
      ])
    #expect(error.problems.map(\.line) == [3, 4, 4])
    #expect(
      error.problems.map(\.detail) == [
        "two seats are called `y`; the other is zones[0].rows[0].seats[1].seat_guid (line 2)",
        "two seats are called `x`; the other is zones[0].rows[0].seats[0].seat_guid (line 2)",
        "two seats are called `x`; the other is zones[0].rows[0].seats[0].seat_guid (line 2)",
      ])
    #expect(error.sentence.hasPrefix("3 problems: zones[1].rows[0].seats[0].seat_guid: two seats are called `y`; "))
  }

  /// 41 repeated seats: 20 are named.
  @Test func aLongListIsCounted() throws {
    let seats = (0..<41).map { (guid: "s\($0)", more: Self.a) }
    let error = try #require(wrong(plan([seats, seats])))
    #expect(error.problems.count == 20 && error.more == 21)
    #expect(
      error.problems.last?.detail
        == "two seats are called `s19`; the other is zones[0].rows[0].seats[19].seat_guid (line 2)")
    #expect(error.sentence.hasPrefix("41 problems: ") && error.sentence.hasSuffix("; and 21 more."))
  }

  /// A mistake of one kind does not hide those of others: the value, or the field, is passed over.
  @Test func mistakesOfAllKindsAreNamedTogether() throws {
    let text = bytes(
      #"""
      {"title": "x", "size": {"width": 1},
       "categories": [{"name": "A"}, {"name": "A"}, {"colour": "red", "name": "B"}, 7],
       "zones": [5,
        {"name": 3, "rows": [7,
         {"row_number": 1, "seats": [
          {"seat_guid": "a", "seat_number": "1", "position": {"x": "1", "y": 2}, "extra": [{}]},
          {"seat_number": "1", "position": {}, "seat_guid": "a"},
          {"seat_guid": "#1"}, []
         ]},
         {"row_number": "2"}]},
        {"rows": {}}]}
      """#)
    let error = try #require(wrong(text))
    #expect(error.code == .invalidEvent)
    #expect(
      error.problems.map { "\($0.field) \($0.line)" } == [
        "title 1", "size.height 1", "categories[1].name 2", "categories[2].colour 2", "categories[3] 2", "zones[0] 3",
        "zones[1].name 4", "zones[1].rows[0] 4", "zones[1].rows[1].row_number 5",
        "zones[1].rows[1].seats[0].position.x 6", "zones[1].rows[1].seats[0].extra 6",
        "zones[1].rows[1].seats[1].position.x 7", "zones[1].rows[1].seats[1].seat_guid 7",
        "zones[1].rows[1].seats[2].seat_number 8", "zones[1].rows[1].seats[2].seat_guid 8",
        "zones[1].rows[1].seats[3] 8", "zones[1].rows[2].seats 10", "zones[2].rows 11",
      ])
  }

  /// What makes the text no JSON, or is too much, is said alone, wherever it stands.
  @Test func brokenTextIsSaidAlone() throws {
    let text = plan([[("x", Self.a), ("x", Self.a)]])
    for broken in [Array(text.dropLast()), text + bytes("}")] {
      let error = try #require(wrong(broken))
      #expect(error.code == .invalidJSON && error.problems.count == 1 && error.more == 0)
    }
    let many = (0...10_000).map { "{\"name\":\"\($0)\"}" }.joined(separator: ",")
    let error = try #require(wrong(plan([[("x", Self.a), ("x", Self.a)]], categories: "[\(many)]")))
    #expect(error.limitName == "categories" && error.problems.count == 1 && error.limit == 10_000)
  }

  /// The rest of the event is read, too: its prices name categories of a plan whose seats are wrong.
  @Test func anEventsMistakesAreNamedTogether() throws {
    let text = String(decoding: plan([[("x", Self.a), ("x", Self.a)]]), as: UTF8.self)
    let error = try #require(failure("{\"prices\":{\"B\":1,\"C\":2,\"A\":-1},\"name\":\"x\",\"plan\":\(text)}"))
    #expect(
      error.problems.map(\.field) == [
        "prices.B", "prices.C", "prices.A", "plan.zones[0].rows[0].seats[1].seat_guid",
      ])
    #expect(error.problems[0].detail == "no category 'B'; there are: A")
    let seats = try #require(
      failure(
        #"{"name":"x","not_for_sale":["T-A-1","S-A-1","T-A-2","S-A-1"],"sections":[{"name":"S","rows":1,"seats_per_row":1}]}"#
      ))
    #expect(seats.problems.map(\.field) == ["not_for_sale[0]", "not_for_sale[2]", "not_for_sale[3]"])
  }

  // MARK: Encodings

  @Test func aByteOrderMarkIsSkipped() throws {
    #expect(wrong([0xEF, 0xBB, 0xBF] + bytes(pretixSample)) == nil)
  }

  @Test(arguments: [false, true]) func utf16IsNamed(hasMark: Bool) throws {
    for (isLittle, name) in [(true, "UTF-16LE"), (false, "UTF-16BE")] {
      let text = ((hasMark ? "\u{FEFF}" : "") + pretixSample).utf16
        .flatMap { unit in
          let (high, low) = (UInt8(unit >> 8), UInt8(unit & 0xFF))
          return isLittle ? [low, high] : [high, low]
        }
      let error = try #require(wrong(text))
      #expect(error.code == .invalidJSON)
      #expect(
        error.detail
          == "the text is \(name), and JSON is UTF-8: save it as UTF-8, or convert it with iconv -f \(name) -t UTF-8")
    }
    #expect(try #require(wrong(bytes("{]"))).detail == "this character cannot stand here")
  }

  @Test(arguments: [false, true]) func utf32IsNamed(hasMark: Bool) throws {
    for (isLittle, name) in [(true, "UTF-32LE"), (false, "UTF-32BE")] {
      let text = ((hasMark ? "\u{FEFF}" : "") + pretixSample).unicodeScalars
        .flatMap { scalar in
          let bytes = (0..<4).map { UInt8(truncatingIfNeeded: scalar.value >> (8 * UInt32($0))) }
          return isLittle ? bytes : bytes.reversed()
        }
      #expect(try #require(wrong(text)).detail.hasPrefix("the text is \(name), and JSON is UTF-8"))
    }
  }

  /// A number that is too large does not hide what is wrong behind it.
  @Test func numbersOutOfRangeAreEachNamedOnce() throws {
    func seat(_ label: String, _ x: String) -> String {
      "{\"seat_guid\":\"\(label)\",\"seat_number\":\"1\",\"category\":\"A\",\"position\":{\"x\":\(x),\"y\":0}}"
    }
    let text =
      "{\"name\":\"x\",\"categories\":[{\"name\":\"A\"}],\"zones\":[{\"name\":\"z\",\"position\":{\"x\":1e999,\"y\":0},"
      + "\"rows\":[{\"row_number\":\"1\",\"seats\":[\(seat("a", "-1e999")),\(seat("b", "1e30"))]}]}]}"
    let found = try #require(wrong(bytes(text))).problems.map(\.field)
    #expect(
      found == [
        "zones[0].position.x", "zones[0].rows[0].seats[0].position.x", "zones[0].rows[0].seats[1].position.x",
      ])
  }
}
