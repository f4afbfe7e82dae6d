import Router
import Testing

/// What the answer to an event's creation tells who made it.
@Suite struct NewEventTests {
  private func create(_ body: String, key: String? = nil) async throws -> [TestResponse] {
    var answers: [TestResponse] = []
    try await TestCluster.with { cluster in
      let http = try cluster.http()
      let headers = key.map { ["Idempotency-Key": $0] } ?? [:]
      for _ in 0..<(key == nil ? 1 : 2) {
        answers.append(try http.request("POST", "/v1/events", body, headers: headers))
      }
    }
    return answers
  }

  /// Also a retry is told.
  @Test func whatHasNoPriceIsNamed() async throws {
    let answers = try await create(
      #"{"id":"a","name":"A","sections":[{"name":"S","rows":2,"seats_per_row":3,"price":5},{"name":"T","rows":1,"seats_per_row":4},{"name":"U","rows":1,"seats_per_row":1}],"areas":[{"name":"Floor","capacity":50,"price":null}]}"#,
      key: "once")
    for answer in answers {
      #expect(answer.status == 201, "\(answer.text)")
      #expect(
        answer.json["warnings"] as? [String] == ["not for sale: T (4 seats), U (1 seat), Floor (50 places)"],
        "\(answer.text)")
    }
  }

  @Test func nothingToSellIsSaid() async throws {
    let answer = try await create(#"{"name":"A","sections":[{"name":"S","rows":2,"seats_per_row":3}]}"#)[0]
    #expect(answer.status == 201, "\(answer.text)")
    #expect(
      answer.json["warnings"] as? [String]
        == ["not for sale: S (6 seats)", "nothing of this event is for sale: give prices, now or later"],
      "\(answer.text)")
  }

  @Test func nothingToSayIsAnEmptyList() async throws {
    let answer = try await create(#"{"name":"A","sections":[{"name":"S","rows":2,"seats_per_row":3,"price":0}]}"#)[0]
    #expect(answer.json["warnings"] as? [String] == [], "\(answer.text)")
  }

  private static func plan(_ seats: [String]) -> String {
    "\"plan\":{\"categories\":[{\"name\":\"VIP\"}],\"zones\":[{\"rows\":[{\"seats\":[\(seats.joined(separator: ","))]}]}]}"
  }

  private static func seat(_ guid: String, _ category: String = "VIP") -> String {
    "{\"seat_guid\":\"\(guid)\",\"seat_number\":\"1\",\"category\":\"\(category)\"}"
  }

  /// Seats that nobody gave a category do not keep a hall from being sold.
  @Test func seatsWithoutACategoryAreNamed() async throws {
    let plan = Self.plan([Self.seat("a"), Self.seat("b", "Loge")])
    try await TestCluster.with { cluster in
      let http = try cluster.http()
      let made = try http.request("POST", "/v1/events", "{\"id\":\"e\",\"name\":\"A\",\"prices\":{\"VIP\":5},\(plan)}")
      #expect(made.status == 201, "\(made.text)")
      #expect(
        made.json["warnings"] as? [String] == [
          "not for sale, because the plan defines no category for it: b ('Loge'); a price of 'No category' sells it"
        ], "\(made.text)")
      func reserve(_ seat: String) throws -> TestResponse {
        try http.request("POST", "/v1/reserve", "{\"event\":\"e\",\"buyer\":\"ann\",\"seats\":[\"\(seat)\"]}")
      }
      #expect(try reserve("b").status == 409)
      #expect(try reserve("a").status == 200)
      // A price sells it, and a mistyped one says so.
      let mistyped = try http.request("PATCH", "/v1/events/e", #"{"prices":{"No categroy":9}}"#)
      #expect(mistyped.status == 422 && mistyped.json["field"] as? String == "prices.No categroy", "\(mistyped.text)")
      #expect(
        mistyped.json["detail"] as? String
          == "no category or area 'No categroy'; did you mean 'No category'? There are: VIP, No category.")
      #expect(try http.request("PATCH", "/v1/events/e", #"{"prices":{"No category":9}}"#).status == 200)
      #expect(try reserve("b").status == 200)
    }
  }

  @Test func allThatIsWrongIsSaidAtOnce() async throws {
    let plan = Self.plan([Self.seat("a"), Self.seat("a"), Self.seat("b"), Self.seat("b")])
    let answer = try await create("{\"name\":\"A\",\"prices\":{\"VPI\":5},\(plan)}")[0]
    #expect(answer.status == 422 && answer.json["code"] as? String == "invalid_event", "\(answer.text)")
    let detail = try #require(answer.json["detail"] as? String)
    #expect(
      detail.hasPrefix("3 problems: prices.VPI: no category 'VPI'; did you mean 'VIP'? There are: VIP ("), "\(detail)")
    for (place, other) in [(1, 0), (3, 2)] {
      let path = { "plan.zones[0].rows[0].seats[\($0 as Int)].seat_guid" }
      #expect(detail.contains("\(path(place)): two seats are called"), "\(detail)")
      #expect(detail.contains("; the other is \(path(other)) (line 1)"), "\(detail)")
    }
  }

  /// A list is as long as someone reads.
  @Test func manyAreCounted() async throws {
    let sections = (0..<30).map { "{\"name\":\"S\($0)\",\"rows\":1,\"seats_per_row\":1}" }.joined(separator: ",")
    let answer = try await create("{\"name\":\"A\",\"sections\":[\(sections)]}")[0]
    let first = try #require((answer.json["warnings"] as? [String])?.first)
    #expect(first.hasSuffix("S19 (1 seat), and 10 more"), "\(first)")
  }
}
