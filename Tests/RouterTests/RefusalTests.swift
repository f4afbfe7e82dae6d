import Foundation
import Router
import Testing

/// What a program can read off refusals, warnings and repeated answers, at both doors.
@Suite struct RefusalTests {
  private func withArena(
    _ event: String = DoorTests.arena, _ body: (HTTPTestClient, RESPTestClient) async throws -> Void
  ) async throws {
    try await TestCluster.with { cluster in
      let http = try cluster.http()
      let created = try http.request("POST", "/v1/events", event)
      #expect(created.status == 201, "\(created.text)")
      try await body(http, try cluster.resp())
    }
  }

  private func reserve(
    _ http: HTTPTestClient, _ seats: String, key: String? = nil, event: String = "arena"
  ) throws -> TestResponse {
    try http.request(
      "POST", "/v1/reserve", "{\"event\":\"\(event)\",\"buyer\":\"ann\",\"seats\":\(seats)}",
      headers: key.map { ["Idempotency-Key": $0] } ?? [:])
  }

  @Test func lostSeatsHaveStates() async throws {
    try await withArena { http, resp in
      let sold = try reserve(http, #"["Stalls-A-1"]"#)
      let hold = try #require(sold.json["hold"] as? String)
      let order = try #require(
        try http.request("POST", "/v1/checkout", "{\"hold\":\"\(hold)\"}").json["order"] as? String)
      #expect(try http.request("POST", "/v1/orders/\(order)/confirm").status == 200)
      #expect(try reserve(http, #"["Stalls-A-2"]"#).status == 200)
      let blocks = #"{"seats":["Stalls-A-3"],"blocked":true}"#
      #expect(try http.request("POST", "/v1/events/arena/blocks", blocks).status == 200)
      let taken = try reserve(http, ##"["Stalls-A-1","#1","Stalls-A-3","Stalls-A-4"]"##)
      #expect(taken.code == "seats_taken")
      #expect(taken.json["seats"] as? [String] == ["Stalls-A-1", "#1", "Stalls-A-3"])
      #expect(
        taken.json["states"] as? [String: String] == [
          "Stalls-A-1": "sold", "#1": "held", "Stalls-A-3": "not_for_sale",
        ])
      // One seat goes another way.
      #expect(try reserve(http, ##"["#01"]"##).json["states"] as? [String: String] == ["#01": "held"])
      let block = try http.request(
        "POST", "/v1/events/arena/blocks", #"{"seats":["Stalls-A-1","Stalls-A-9"],"blocked":true}"#)
      #expect(block.json["states"] as? [String: String] == ["Stalls-A-1": "sold"], "\(block.text)")
      #expect(
        try resp.call("HOLD", "arena", "bob", "60", "Stalls-A-1", "#1", "Stalls-A-4")
          == .error("TAKEN Stalls-A-1 #1"))
    }
  }

  @Test func aRepeatedAnswerSaysSo() async throws {
    try await withArena { http, _ in
      func isReplayed(_ response: TestResponse) -> Bool { response.headers["idempotent-replayed"] == "true" }
      let first = try reserve(http, #"["Stalls-A-1"]"#, key: "one")
      let again = try reserve(http, #"["Stalls-A-1"]"#, key: "one")
      #expect(first.status == 200 && !isReplayed(first))
      #expect(again.text == first.text && isReplayed(again))
      let refused = try reserve(http, #"["Stalls-A-1"]"#, key: "two")
      let refusedAgain = try reserve(http, #"["Stalls-A-1"]"#, key: "two")
      #expect(refused.status == 409 && !isReplayed(refused))
      #expect(refusedAgain.text == refused.text && isReplayed(refusedAgain))
      // Several seats go another way, and the header is of one answer only.
      #expect(!isReplayed(try reserve(http, #"["Stalls-B-1","Stalls-B-2"]"#, key: "three")))
      #expect(isReplayed(try reserve(http, #"["Stalls-B-1","Stalls-B-2"]"#, key: "three")))
      #expect(!isReplayed(try http.request("GET", "/v1/events/arena")))
      let reused = try reserve(http, #"["Stalls-B-3"]"#, key: "three")
      #expect(reused.code == "idempotency_key_reused" && !isReplayed(reused))
      let terms = #"{"name":"Other"}"#
      for isSecond in [false, true] {
        let set = try http.request("PATCH", "/v1/events/arena", terms, headers: ["Idempotency-Key": "set"])
        #expect(set.status == 200 && isReplayed(set) == isSecond, "\(set.text)")
      }
    }
  }

  @Test func aKeyIsUsedUpByAHoldThatIsGone() async throws {
    try await withArena { http, resp in
      let held = try reserve(http, #"["Stalls-A-1"]"#, key: "used")
      let hold = try #require(held.json["hold"] as? String)
      #expect(try http.request("DELETE", "/v1/holds/\(hold)").status == 204)
      // A released hold of this life: its event is known.
      func release(_ id: String, _ key: String) throws -> TestResponse {
        try http.request("DELETE", "/v1/holds/\(id)", headers: ["Idempotency-Key": key])
      }
      #expect(try release(hold, "used").code == "idempotency_key_reused")
      // One that never was: the same, and its refusal uses the key up.
      var unknown = Array(hold)
      for place in unknown.indices.suffix(8) { unknown[place] = unknown[place] == "0" ? "1" : "0" }
      let gone = String(unknown)
      #expect(try release(gone, "used").code == "idempotency_key_reused")
      #expect(try release(gone, "gone").code == "no_such_hold")
      #expect(try release(gone, "gone").headers["idempotent-replayed"] == "true")
      #expect(try reserve(http, #"["Stalls-A-2"]"#, key: "gone").code == "idempotency_key_reused")
      guard case .error(let reused) = try resp.call("HOLD", "arena", "bob", "60", "#5", "KEY", "gone") else {
        Issue.record("a used key got a yes")
        return
      }
      #expect(reused.description.hasPrefix("KEYREUSED"))
    }
  }

  @Test func whenSalesBegin() async throws {
    let event =
      #"{"id":"later","name":"x","on_sale_at":"2125-01-01T00:00:00Z","sections":[{"name":"S","rows":1,"seats_per_row":9,"price":1}]}"#
    try await withArena(event) { http, resp in
      let early = try reserve(http, ##"["#0"]"##, event: "later")
      #expect(early.code == "not_on_sale")
      #expect(early.json["on_sale_at"] as? String == "2125-01-01T00:00:00.000Z")
      #expect(Int(early.headers["retry-after"] ?? "") ?? 0 > 86_400, "\(early.headers)")
      let paused = try http.request("PATCH", "/v1/events/later", #"{"on_sale_at":null,"paused":true}"#)
      #expect(paused.status == 200)
      let stopped = try reserve(http, ##"["#0"]"##, event: "later")
      #expect(stopped.code == "not_on_sale" && stopped.json["on_sale_at"] == nil)
      #expect(stopped.headers["retry-after"] == nil)
      guard case .error(let text) = try resp.call("HOLD", "later", "bob", "60", "#0") else {
        Issue.record("held")
        return
      }
      #expect(text.description.hasPrefix("NOTONSALE"))
    }
  }

  @Test func mistakesAreNamed() async throws {
    try await withArena { http, resp in
      func detail(_ body: String, _ path: String = "/v1/reserve") throws -> String {
        let response = try http.request("POST", path, body)
        return "\(response.status) \(response.code): \(response.json["detail"] as? String ?? "")"
      }
      let types = [
        (#"{"event":"arena","buyer":7}"#, "the value must be a string, not a number"),
        (#"{"event":"arena","buyer":"a","seats":{}}"#, "the value must be an array, not an object"),
        (#"{"event":"arena","buyer":"a","seats":[true]}"#, "the value must be a string, not true"),
        (#"{"event":"arena","buyer":"a","best":{"count":"2"}}"#, "the value must be an integer, not a string"),
        (#"{"event":"arena","buyer":"a","best":2}"#, "the value must be an object, not a number"),
        (#"{"event":"arena","buyer":null}"#, "the value must be a string, not null"),
      ]
      for (body, sentence) in types {
        let said = try detail(body)
        #expect(said.contains(sentence), "\(body): \(said)")
      }
      let twice = try reserve(http, ##"["Stalls-A-1","Stalls-A-2","#0"]"##)
      #expect(twice.code == "invalid_seats" && twice.json["seats"] as? [String] == ["#0"], "\(twice.text)")
      #expect(try resp.call("HOLD", "arena", "b", "60", "#4", "#4") == .error("ERR A seat is named more than once: #4"))
      let many = (0..<20).map { "\"#\($0)\"" }.joined(separator: ",")
      #expect(try reserve(http, "[\(many),\"#007\"]").json["seats"] as? [String] == ["#007"])

      let hold = try #require(try reserve(http, #"["Stalls-C-1"]"#).json["hold"] as? String)
      let order = try #require(
        try http.request("POST", "/v1/checkout", "{\"hold\":\"\(hold)\"}").json["order"] as? String)
      for (path, sentence) in [
        ("/v1/holds/xyz", "no hold's id"), ("/v1/holds/\(order)", "an order's id"),
        ("/v1/orders/xyz", "no order's id"), ("/v1/orders/\(hold)", "a hold's id"),
        ("/v1/events/a%20b", "no event's id"), ("/v1/events/a%20b/seats", "no event's id"),
      ] {
        let response = try http.request("GET", path)
        #expect(response.status == 404 && response.text.contains(sentence), "\(path): \(response.text)")
      }
      #expect(try detail("{\"hold\":\"\(order)\"}", "/v1/checkout").contains("404 no_such_hold: This is an order's id"))
      let long = String(repeating: "a", count: 300)
      #expect(try detail("{\"event\":\"\(long)\",\"buyer\":\"a\",\"seats\":[\"#0\"]}").contains("no event's id"))
      for (words, sentence) in [
        (["HOLD.INFO", "xyz"], "NOHOLD This is no hold's id"), (["CONFIRM", hold], "NOORDER This is a hold's id"),
        (["SEATS", "a b"], "NOEVENT This is no event's id"), (["CHECKOUT", "x"], "NOHOLD This is no hold's id"),
      ] {
        guard case .error(let text) = try resp.call(words[0], words[1]) else {
          Issue.record("\(words) was no error")
          continue
        }
        #expect(text.description.hasPrefix(sentence), "\(words): \(text)")
      }
    }
  }

  @Test func currenciesAreThoseOfISO4217() async throws {
    try await TestCluster.with { cluster in
      let http = try cluster.http()
      let section = #""sections":[{"name":"S","rows":1,"seats_per_row":2,"price":5}]"#
      for (currency, isGood) in [("CHF", true), ("XXX", true), ("ABC", false), ("eur", false), ("EURO", false)] {
        let response = try http.request(
          "POST", "/v1/events", "{\"name\":\"x\",\"currency\":\"\(currency)\",\(section)}")
        #expect(response.status == (isGood ? 201 : 422), "\(currency): \(response.text)")
        if !isGood { #expect(response.json["field"] as? String == "currency") }
      }
    }
  }
}
