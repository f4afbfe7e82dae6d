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

  /// A list is as long as someone reads.
  @Test func manyAreCounted() async throws {
    let sections = (0..<30).map { "{\"name\":\"S\($0)\",\"rows\":1,\"seats_per_row\":1}" }.joined(separator: ",")
    let answer = try await create("{\"name\":\"A\",\"sections\":[\(sections)]}")[0]
    let first = try #require((answer.json["warnings"] as? [String])?.first)
    #expect(first.hasSuffix("S19 (1 seat), and 10 more"), "\(first)")
  }
}
