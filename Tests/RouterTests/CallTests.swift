import Foundation
import Octets
import Proto
import RESP
import Router
import Testing

/// Every call of both doors, its answer and its refusals, in front of real inventories.
@Suite struct CallTests {
  private func reserve(
    _ http: HTTPTestClient, _ rest: String, key: String? = nil, buyer: String = "ann"
  ) throws -> TestResponse {
    try http.request(
      "POST", "/v1/reserve", "{\"event\":\"arena\",\"buyer\":\"\(buyer)\",\(rest)}",
      headers: key.map { ["Idempotency-Key": $0] } ?? [:])
  }

  private func withArena(_ body: (TestCluster, HTTPTestClient, RESPTestClient) async throws -> Void) async throws {
    try await TestCluster.with { cluster in
      let http = try cluster.http()
      #expect(try http.request("POST", "/v1/events", DoorTests.arena).status == 201)
      try await body(cluster, http, try cluster.resp())
    }
  }

  @Test func aHoldsWholeLife() async throws {
    try await withArena { _, http, _ in
      let held = try reserve(http, #""seats":["Stalls-B-1","Stalls-B-2"],"ttl":60"#)
      let hold = try #require(held.json["hold"] as? String)
      #expect(hold.hasPrefix("h_") && hold.count == 34)
      #expect(try http.request("GET", "/v1/holds/\(hold)").json["seats"] as? [String] == ["Stalls-B-1", "Stalls-B-2"])
      let extended = try http.request("POST", "/v1/holds/\(hold)/extend", #"{"ttl":120}"#)
      #expect(extended.status == 200, "\(extended.text)")
      let tooLong = try http.request("POST", "/v1/holds/\(hold)/extend", #"{"ttl":181}"#)
      #expect(tooLong.status == 409 && tooLong.code == "limit_exceeded", "\(tooLong.text)")
      #expect(tooLong.json["limit_name"] as? String == "hold_length")
      let beyond = try http.request("POST", "/v1/holds/\(hold)/extend", #"{"ttl":601}"#)
      #expect(beyond.status == 422 && beyond.json["limit_name"] as? String == "max_hold_ttl", "\(beyond.text)")
      let checkout = try http.request("POST", "/v1/checkout", "{\"hold\":\"\(hold)\"}")
      #expect(checkout.status == 202, "\(checkout.text)")
      let order = try #require(checkout.json["order"] as? String)
      #expect(checkout.headers["location"] == "/v1/orders/\(order)")
      #expect(checkout.json["status"] as? String == "pending_payment")
      #expect(try http.request("POST", "/v1/checkout", "{\"hold\":\"\(hold)\"}").json["order"] as? String == order)
      #expect(try http.request("GET", "/v1/holds/\(hold)").json["order"] as? String == order)
      let late = try http.request("DELETE", "/v1/holds/\(hold)")
      #expect(late.status == 409 && late.code == "checked_out" && late.json["order"] as? String == order)
      #expect(try http.request("POST", "/v1/holds/\(hold)/extend", #"{"ttl":1}"#).code == "checked_out")
      let confirmed = try http.request("POST", "/v1/orders/\(order)/confirm")
      #expect(confirmed.status == 200 && confirmed.json["status"] as? String == "confirmed", "\(confirmed.text)")
      #expect(try http.request("POST", "/v1/orders/\(order)/confirm", "{}").status == 200)
      #expect(try http.request("GET", "/v1/orders/\(order)").json["status"] as? String == "confirmed")
      let cancelled = try http.request("POST", "/v1/orders/\(order)/cancel")
      #expect(cancelled.json["status"] as? String == "cancelled", "\(cancelled.text)")
      let state = try http.request("POST", "/v1/orders/\(order)/confirm")
      #expect(state.status == 409 && state.code == "order_state", "\(state.text)")
      #expect(try reserve(http, #""seats":["Stalls-B-1"]"#).status == 200)
    }
  }

  /// Orders and holds are found again by buyer, status and reference, page after page.
  @Test func ordersAndHoldsAreFoundAgain() async throws {
    try await withArena { _, http, resp in
      func list(_ what: String, _ query: String) throws -> (names: [String], next: String?) {
        let answer = try http.request("GET", "/v1/events/arena/\(what)\(query)")
        #expect(answer.status == 200, "\(answer.text)")
        let entries = try #require(answer.json[what] as? [[String: Any]])
        return (
          entries.compactMap { $0[what == "orders" ? "order" : "hold"] as? String },
          answer.json["next_cursor"] as? String
        )
      }
      var orders: [String] = []
      for number in 0..<5 {
        let buyer = number % 2 == 0 ? "ann" : "bob"
        let held = try reserve(http, "\"seats\":[\"#\(number)\"]", buyer: buyer)
        let hold = try #require(held.json["hold"] as? String)
        let checkout = try http.request(
          "POST", "/v1/checkout", "{\"hold\":\"\(hold)\",\"reference\":\"invoice \(number)\"}")
        #expect(checkout.json["reference"] as? String == "invoice \(number)", "\(checkout.text)")
        orders.append(try #require(checkout.json["order"] as? String))
      }
      _ = try http.request("POST", "/v1/orders/\(orders[1])/confirm")
      #expect(try list("orders", "").names == orders)
      #expect(try list("orders", "?buyer=ann").names == [orders[0], orders[2], orders[4]])
      #expect(try list("orders", "?status=confirmed").names == [orders[1]])
      #expect(try list("orders", "?status=confirmed&buyer=ann").names.isEmpty)
      #expect(try list("orders", "?reference=invoice%203").names == [orders[3]])
      let first = try list("orders", "?limit=2")
      #expect(first.names == Array(orders[..<2]))
      let second = try list("orders", "?limit=2&cursor=\(try #require(first.next))")
      #expect(second.names == Array(orders[2..<4]))
      for foreign in ["holds?buyer=ann&cursor=\(first.next ?? "")", "orders?cursor=2"] {
        let refused = try http.request("GET", "/v1/events/arena/\(foreign)")
        #expect(refused.status == 400 && refused.json["field"] as? String == "cursor", "\(foreign): \(refused.text)")
      }
      let history = try http.request("GET", "/v1/orders/\(orders[1])").json["history"] as? [[String: Any]]
      #expect(history?.compactMap { $0["status"] as? String } == ["pending_payment", "confirmed"])

      let kept = try reserve(http, ##""seats":["#9"]"##, buyer: "ann").json["hold"] as? String
      _ = try reserve(http, ##""seats":["#10"]"##, buyer: "bob")
      #expect(try list("holds", "?buyer=ann").names == [kept])
      #expect(try list("holds", "?buyer=nobody").names.isEmpty)

      for (query, field) in [
        ("orders?status=paid", "status"), ("orders?limit=0", "limit"), ("orders?cursor=x", "cursor"),
        ("orders?buyer=", "buyer"), ("orders?from=1", "from"), ("holds", "buyer"), ("holds?buyer=a&status=x", "status"),
      ] {
        let refused = try http.request("GET", "/v1/events/arena/\(query)")
        #expect(refused.status == 400 && refused.json["field"] as? String == field, "\(query): \(refused.text)")
      }
      #expect(try http.request("GET", "/v1/events/none/orders").code == "no_such_event")
      let long = String(repeating: "é", count: 65)
      let tooLong = try http.request("POST", "/v1/checkout", "{\"hold\":\"\(kept ?? "")\",\"reference\":\"\(long)\"}")
      #expect(tooLong.status == 400 || tooLong.status == 422, "\(tooLong.text)")
      #expect(tooLong.json["field"] as? String == "reference")
      let order = try resp.call("CHECKOUT", kept ?? "", "REFERENCE", "r-9")
      #expect("\(order)".contains("o_"), "\(order)")
      #expect(try list("orders", "?reference=r-9").names.count == 1)
    }
  }

  /// A page of large orders ends before its body is long: the next one goes on.
  @Test func pagesOfListsAreShort() async throws {
    try await TestCluster.with { cluster in
      let http = try cluster.http()
      let hall = #"{"id":"hall","name":"h","sections":[{"name":"S","rows":20,"seats_per_row":1000,"price":1}]}"#
      #expect(try http.request("POST", "/v1/events", hall).status == 201)
      var orders: [String] = []
      for _ in 0..<12 {
        let held = try http.request("POST", "/v1/reserve", #"{"event":"hall","buyer":"ann","best":{"count":1000}}"#)
        let hold = try #require(held.json["hold"] as? String, "\(held.text.prefix(200))")
        let checkout = try http.request("POST", "/v1/checkout", "{\"hold\":\"\(hold)\"}")
        orders.append(try #require(checkout.json["order"] as? String))
      }
      var found: [String] = []
      var query = "?limit=1000"
      var pages = 0
      while pages < 20 {
        let page = try http.request("GET", "/v1/events/hall/orders\(query)")
        #expect(page.text.utf8.count < 256 << 10)
        pages += 1
        found += (page.json["orders"] as? [[String: Any]] ?? []).compactMap { $0["order"] as? String }
        guard let next = page.json["next_cursor"] as? String else { break }
        query = "?limit=1000&cursor=\(next)"
      }
      #expect(found == orders && pages > 1, "\(pages) pages")
    }
  }

  @Test func releaseTwiceAndNever() async throws {
    try await withArena { _, http, _ in
      let hold = try #require(try reserve(http, #""best":{"count":3,"category":"Stalls"}"#).json["hold"] as? String)
      #expect(try http.request("DELETE", "/v1/holds/\(hold)").status == 204)
      #expect(try http.request("DELETE", "/v1/holds/\(hold)").status == 204)
      let gone = try http.request("GET", "/v1/holds/\(hold)")
      #expect(gone.status == 410 && gone.code == "hold_expired", "\(gone.text)")
      #expect(try http.request("POST", "/v1/checkout", "{\"hold\":\"\(hold)\"}").status == 410)
      let never = "h_" + String(repeating: "0", count: 32)
      #expect(try http.request("GET", "/v1/holds/\(never)").code == "no_such_hold")
      #expect(try http.request("GET", "/v1/holds/h_xyz").code == "no_such_hold")
      #expect(try http.request("GET", "/v1/holds/h_" + String(repeating: "z", count: 32)).code == "no_such_hold")
      #expect(try http.request("GET", "/v1/orders/o_" + String(repeating: "0", count: 32)).code == "no_such_order")
      #expect(try http.request("POST", "/v1/orders/\(never)/confirm").code == "no_such_order")
    }
  }

  @Test func refusalsOfAReservation() async throws {
    try await withArena { _, http, _ in
      func refused(_ rest: String, _ status: Int, _ code: String, _ field: String? = nil) throws -> TestResponse {
        let response = try reserve(http, rest)
        #expect(response.status == status, "\(rest): \(response.text)")
        #expect(response.code == code, "\(rest): \(response.text)")
        if let field { #expect(response.json["field"] as? String == field, "\(rest): \(response.text)") }
        #expect(response.json["status"] as? Int == status)
        #expect(response.json["title"] as? String != nil && response.json["type"] as? String != nil)
        return response
      }
      let unknown = try refused(#""seats":["Stalls-A-1","Nope-1","Nope-2"]"#, 422, "invalid_seats", "seats")
      #expect(unknown.json["seats"] as? [String] == ["Nope-1", "Nope-2"])
      _ = try refused(#""seats":[]"#, 422, "invalid_seats", "seats")
      _ = try refused(##""seats":["Stalls-A-1","#0"]"##, 422, "invalid_seats", "seats")
      _ = try refused(#""areas":{"Roof":1}"#, 422, "invalid_areas", "areas")
      _ = try refused(#""areas":{"Floor":0}"#, 422, "invalid_areas", "areas.Floor")
      _ = try refused(#""best":{"count":1,"category":"Gold"}"#, 422, "invalid_best")
      _ = try refused(#""best":{"count":1},"seats":["Stalls-A-1"]"#, 422, "invalid_best", "best")
      _ = try refused(#""best":{}"#, 422, "invalid_best", "best.count")
      let area = try refused(#""areas":{"Floor":6}"#, 409, "sold_out")
      #expect(area.json["area"] as? String == "Floor")
      let closed = try refused(#""seats":["Box-A-1"]"#, 409, "seats_taken")
      #expect(closed.json["seats"] as? [String] == ["Box-A-1"])
      let many = (1...9).map { "\"Stalls-A-\($0)\"" }.joined(separator: ",")
      let limit = try refused("\"seats\":[\(many)]", 409, "limit_exceeded")
      #expect(limit.json["limit"] as? Int == 8 && limit.json["limit_name"] as? String == "max_per_order")
      _ = try refused(#""seats":["Stalls-A-1"],"ttl":0"#, 422, "invalid_ttl", "ttl")
      for choice in [
        #""seats":["Stalls-A-1"]"#, #""seats":["Stalls-A-1","Stalls-A-2"]"#, #""areas":{"Floor":1}"#,
        #""best":{"count":1}"#,
      ] {
        for ttl in ["601", "86400", "4294967296", "9223372036854775807"] {
          let long = try refused("\(choice),\"ttl\":\(ttl)", 422, "invalid_ttl", "ttl")
          #expect(long.json["limit"] as? Int == 600 && long.json["limit_name"] as? String == "max_hold_ttl")
        }
      }
      #expect(try http.request("GET", "/v1/events/arena").json["max_hold_ttl"] as? Int == 600)
      _ = try refused(#""seats":["Stalls-A-1"],"price":1"#, 422, "invalid_field", "price")
      let missing = try http.request(
        "POST", "/v1/reserve", #"{"event":"nowhere","buyer":"ann","seats":[]}"#)
      #expect(missing.status == 404 && missing.code == "no_such_event")
      let buyer = try http.request("POST", "/v1/reserve", #"{"event":"arena","seats":["Stalls-A-1"]}"#)
      #expect(buyer.status == 422 && buyer.json["field"] as? String == "buyer", "\(buyer.text)")
    }
  }

  @Test func notOnSaleYet() async throws {
    try await TestCluster.with { cluster in
      let http = try cluster.http()
      let body =
        #"{"id":"later","name":"L","on_sale_at":"2099-01-01T00:00:00Z","areas":[{"name":"F","capacity":1,"price":1}]}"#
      #expect(try http.request("POST", "/v1/events", body).status == 201)
      let early = try http.request("POST", "/v1/reserve", #"{"event":"later","buyer":"a","areas":{"F":1}}"#)
      #expect(early.status == 409 && early.code == "not_on_sale", "\(early.text)")
      #expect(try cluster.resp().call("HOLD.AREA", "later", "a", "60", "F", "1").isError("NOTONSALE"))
    }
  }

  @Test func theSameKeyGetsTheSameOutcome() async throws {
    try await withArena { _, http, resp in
      let first = try reserve(http, #""seats":["Stalls-C-1"]"#, key: "k1")
      let again = try reserve(http, #""seats":["Stalls-C-1"]"#, key: "k1")
      #expect(first.status == 200 && first.body == again.body)
      let other = try reserve(http, #""seats":["Stalls-C-2"]"#, key: "k1")
      #expect(other.status == 422 && other.code == "idempotency_key_reused")
      let lost = try reserve(http, #""seats":["Stalls-C-1"]"#, key: "k2", buyer: "bob")
      #expect(lost.code == "seats_taken")
      #expect(try http.request("DELETE", "/v1/holds/\(first.json["hold"] as? String ?? "")").status == 204)
      #expect(try reserve(http, #""seats":["Stalls-C-1"]"#, key: "k2", buyer: "bob").body == lost.body)
      let one = try resp.call("HOLD", "arena", "eve", "60", "Stalls-C-5", "KEY", "k3")
      #expect(try resp.call("HOLD", "arena", "eve", "60", "Stalls-C-5", "KEY", "k3") == one)
      #expect(try resp.call("HOLD", "arena", "eve", "61", "Stalls-C-5", "KEY", "k3").isError("KEYREUSED"))
      #expect(try resp.call("HOLD", "arena", "eve", "60", "Stalls-C-5").isError("TAKEN"))
    }
  }

  @Test func anEventWithoutAnIDTakesOneFromItsKey() async throws {
    try await TestCluster.with { cluster in
      let http = try cluster.http()
      let body = #"{"name":"N","areas":[{"name":"F","capacity":1,"price":1}]}"#
      let first = try http.request("POST", "/v1/events", body, headers: ["Idempotency-Key": "abc"])
      let again = try http.request("POST", "/v1/events", body, headers: ["Idempotency-Key": "abc"])
      #expect(first.status == 201 && again.status == 201 && first.body == again.body, "\(again.text)")
      let random = try http.request("POST", "/v1/events", body)
      #expect(random.status == 201 && random.json["id"] as? String != first.json["id"] as? String)
      let id = try #require(first.json["id"] as? String)
      #expect(try http.request("GET", "/v1/events/\(id)").status == 200)
      let twice = try http.request(
        "POST", "/v1/events",
        "{\"id\":\"\(id)\",\"name\":\"N\",\"areas\":[{\"name\":\"F\",\"capacity\":1,\"price\":1}]}")
      #expect(twice.status == 409 && twice.code == "event_exists")
    }
  }

  @Test func listsEventsOfAllShardsById() async throws {
    try await TestCluster.with { cluster in
      let http = try cluster.http()
      for number in 0..<25 {
        let id = "e\(number + 10)"
        #expect(
          try http.request(
            "POST", "/v1/events",
            "{\"id\":\"\(id)\",\"name\":\"N\",\"areas\":[{\"name\":\"F\",\"capacity\":1,\"price\":1}]}"
          ).status == 201)
      }
      var ids: [String] = []
      var cursor: String? = ""
      var pages = 0
      while let next = cursor {
        let page = try http.request("GET", "/v1/events?limit=10" + (next.isEmpty ? "" : "&cursor=\(next)"))
        #expect(page.status == 200, "\(page.text)")
        ids += (page.json["events"] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String }
        cursor = page.json["next_cursor"] as? String
        pages += 1
      }
      #expect(ids == (10..<35).map { "e\($0)" })
      #expect(pages == 3)
    }
  }

  @Test func plansSeatsAndTags() async throws {
    try await withArena { _, http, resp in
      let plan = try http.request("GET", "/v1/events/arena/plan")
      #expect(plan.status == 200 && plan.headers["cache-control"] == "public, max-age=60")
      let planTag = try #require(plan.headers["etag"])
      #expect(try http.request("GET", "/v1/events/arena/plan", headers: ["If-None-Match": planTag]).status == 304)
      let seats = try http.request("GET", "/v1/events/arena/seats?read=strong")
      let tag = try #require(seats.headers["etag"])
      #expect(seats.text.contains(#"{"name":"Box","rows":[{"name":"A","seats":"xxxx"}]}"#))
      #expect(
        try http.request("GET", "/v1/events/arena/seats?read=strong", headers: ["If-None-Match": tag]).status == 304)
      #expect(
        try http.request("GET", "/v1/events/arena/seats", headers: ["If-None-Match": "\"x\", \(tag)"]).status == 304)
      #expect(try reserve(http, #""seats":["Stalls-A-2"]"#).status == 200)
      let changed = try http.request("GET", "/v1/events/arena/seats", headers: ["If-None-Match": tag])
      #expect(changed.status == 200 && changed.text.contains(#""seats":".h........""#), "\(changed.text)")
      let head = try http.request("HEAD", "/v1/events/arena/seats")
      #expect(head.status == 200 && head.headers["content-length"] == "\(changed.body.count)")
      let counts = try http.request("GET", "/v1/events/arena/availability")
      #expect(counts.json["held"] as? Int == 1 && counts.headers["age"] == "0")
      let event = try http.request("GET", "/v1/events/arena")
      #expect(event.headers["etag"] == changed.headers["etag"])
      guard case .array(let rows) = try resp.call("SEATS", "arena") else { throw TestError("no array") }
      #expect(rows[0] == .array([.bulk("Stalls"), .bulk("A"), .bulk(".h........")]))
      #expect(rows.count == 4)
    }
  }

  @Test func theRESPDoorsLife() async throws {
    try await withArena { _, _, resp in
      #expect(try resp.call("EVENT.CREATE", "club", "Hall", "2", "5", "1000") == .simple("OK"))
      #expect(try resp.call("EVENT.CREATE", "club", "Hall", "2", "5", "1000").isError("EXISTS"))
      guard case .array(let info) = try resp.call("EVENT.INFO", "club") else { throw TestError("no map") }
      #expect(info.count == 18 && info[2] == .bulk("seats") && info[3] == .integer(10))
      resp.send(Array("*4\r\n$9\r\nEVENT.SET\r\n$4\r\nclub\r\n$4\r\nname\r\n$2\r\n".utf8) + [0xFF, 0xFE, 13, 10])
      #expect("\(try resp.reply())".contains("name: text is UTF-8, this is not"))
      guard
        case .array(let best) = try resp.call("HOLD.BEST", "club", "ann", "60", "2", "CATEGORY", "Hall", "KEY", "b1")
      else { throw TestError("no array") }
      #expect(best.count == 5)
      guard case .bulk(let hold) = best[0] else { throw TestError("no hold") }
      #expect(try resp.call("EXTEND", hold.description, "90") == .simple("OK"))
      guard case .array(let map) = try resp.call("HOLD.INFO", hold.description) else { throw TestError("no map") }
      #expect(map[0] == .bulk("hold") && map[1] == .bulk(hold))
      guard case .bulk(let order) = try resp.call("CHECKOUT", hold.description) else { throw TestError("no order") }
      #expect(try resp.call("CONFIRM", order.description, "KEY", "c1") == .simple("OK"))
      #expect(try resp.call("RELEASE", hold.description).isError("STATE"))
      #expect(try resp.call("CANCEL", order.description) == .simple("OK"))
      #expect(try resp.call("CONFIRM", order.description).isError("STATE"))
      guard case .array(let orderMap) = try resp.call("ORDER.INFO", order.description) else {
        throw TestError("no map")
      }
      #expect(orderMap.contains(.bulk("cancelled")))
      #expect(try resp.call("HOLD.AREA", "arena", "ann", "60", "Floor", "7").isError("SOLDOUT Floor"))
      guard case .array(let area) = try resp.call("HOLD.AREA", "arena", "ann", "60", "Floor", "2") else {
        throw TestError("no array")
      }
      guard case .bulk(let floor) = area[0] else { throw TestError("no hold") }
      #expect(try resp.call("RELEASE", floor.description) == .simple("OK"))
      #expect(try resp.call("HOLD", "nowhere", "ann", "60", "A").isError("NOEVENT"))
      #expect(try resp.call("HOLD", "arena", "ann", "60", "Nope", "No pe").isError("NOSEAT Nope No%20pe"))
      #expect(try resp.call("HOLD.INFO", "h_nonsense").isError("NOHOLD"))
      #expect(try resp.call("ORDER.INFO", "o_nonsense").isError("NOORDER"))
      let many = (1...9).map { "Stalls-A-\($0)" }
      resp.write(["HOLD", "arena", "ann", "60"] + many)
      #expect(try resp.reply().isError("LIMIT max_per_order 8"))
    }
  }

  @Test func whatRedisClientsBeginWith() async throws {
    try await withArena { _, _, resp in
      #expect(try resp.call("PING") == .simple("PONG"))
      #expect(try resp.call("ping", "hi") == .bulk("hi"))
      #expect(try resp.call("ECHO", "hi") == .bulk("hi"))
      #expect(try resp.call("SELECT", "0") == .simple("OK"))
      #expect(try resp.call("SELECT", "1").isError("ERR"))
      #expect(try resp.call("CLIENT", "SETNAME", "me") == .simple("OK"))
      #expect(try resp.call("CLIENT", "GETNAME") == .bulk("me"))
      #expect(try resp.call("CLIENT", "SETINFO", "LIB-NAME", "x") == .simple("OK"))
      guard case .integer = try resp.call("CLIENT", "ID") else { throw TestError("no id") }
      #expect(try resp.call("CONFIG", "GET", "save") == .array([.bulk("save"), .bulk("")]))
      #expect(try resp.call("CONFIG", "GET", "appendonly") == .array([.bulk("appendonly"), .bulk("yes")]))
      guard case .integer(let count) = try resp.call("COMMAND", "COUNT") else { throw TestError("no count") }
      guard case .array(let infos) = try resp.call("COMMAND") else { throw TestError("no array") }
      #expect(infos.count == Int(count))
      guard case .array(let docs) = try resp.call("COMMAND", "DOCS", "HOLD") else { throw TestError("no map") }
      #expect(docs.first == .bulk("hold"))
      guard case .bulk(let info) = try resp.call("INFO") else { throw TestError("no text") }
      #expect(info.description.contains("server_name:holdfast"))
      #expect(try resp.call("AUTH", "default", "x") == .simple("OK"))
      #expect(try resp.call("AUTH", "x").isError("ERR AUTH"))
      #expect(try resp.call("HELLO", "4").isError("NOPROTO"))
      guard case .map(let hello) = try resp.call("HELLO", "3", "AUTH", "default", "x", "SETNAME", "you") else {
        throw TestError("no map")
      }
      #expect(hello[0] == .bulk("server") && hello[1] == .bulk("holdfast"))
      guard case .map = try resp.call("EVENT.INFO", "arena") else { throw TestError("no map") }
      #expect(try resp.call("RESET") == .simple("RESET"))
      guard case .array = try resp.call("EVENT.INFO", "arena") else { throw TestError("no array") }
      resp.send("PING\r\n")
      #expect(try resp.reply() == .simple("PONG"))
      resp.write(["PING"])
      resp.write(["QUIT"])
      #expect(try resp.reply() == .simple("PONG"))
      #expect(try resp.reply() == .simple("OK"))
      #expect(try resp.isAtEnd())
    }
  }

  @Test func longPipelinesKeepTheirOrder() async throws {
    try await withArena { _, _, resp in
      for shard in 0..<6 { #expect(try resp.call("EVENT.CREATE", "p\(shard)", "S", "1", "500", "1") == .simple("OK")) }
      // Written from another thread: replies are read meanwhile.
      nonisolated(unsafe) let socket = resp
      let total = 3_000
      let writer = Thread {
        for number in 0..<total {
          if number % 10 == 9 {
            socket.write(["PING", "\(number)"])
          } else {
            socket.write(["HOLD", "p\(number % 6)", "b", "60", "S-A-\(number / 6 + 1)"])
          }
        }
      }
      writer.start()
      for number in 0..<total {
        let reply = try resp.reply()
        if number % 10 == 9 {
          #expect(reply == .bulk(Bytes("\(number)")))
        } else {
          guard case .array(let parts) = reply, parts[2] == .integer(1) else { throw TestError("\(number): \(reply)") }
        }
      }
    }
  }

  @Test func pipelinedHTTPRequestsAreAnsweredInOrder() async throws {
    try await withArena { _, http, _ in
      for number in 0..<50 {
        if number % 3 == 0 {
          http.write("POST", "/v1/reserve", "{\"event\":\"arena\",\"buyer\":\"b\",\"areas\":{\"Floor\":1}}")
        } else {
          http.write(
            "GET", number % 3 == 1 ? "/healthz" : "/v1/events/arena/seats", headers: ["X-Request-Id": "r\(number)"])
        }
      }
      for number in 0..<50 {
        let response = try http.response()
        if number % 3 == 0 {
          #expect(response.status == (number < 15 ? 200 : 409))
        } else {
          #expect(response.headers["x-request-id"] == "r\(number)")
        }
      }
    }
  }

  @Test func operatorsCalls() async throws {
    try await withArena { _, http, _ in
      #expect(try http.request("GET", "/healthz").status == 200)
      #expect(try http.request("GET", "/readyz").status == 200)
      let metrics = try http.request("GET", "/metrics")
      #expect(metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
      #expect(
        metrics.text.contains(#"holdfast_router_http_requests_total{method="POST",route="/v1/events",code="201"} 1"#),
        "\(metrics.text)")
      #expect(metrics.text.contains("holdfast_router_shards_reachable 4"))
      #expect(try http.request("GET", "/openapi.json").headers["content-type"] == "application/json")
      let made = try http.request("GET", "/healthz").headers["x-request-id"]
      #expect(made?.count == 16)
    }
  }

  @Test func crossOriginByFlag() async throws {
    try await TestCluster.with(configure: {
      $0.crossOrigin = CrossOrigin("https://shop.example,https://box-office.example")!
    }) { cluster in
      let http = try cluster.http()
      let ours = try http.request("GET", "/healthz", headers: ["Origin": "https://shop.example"])
      #expect(ours.headers["access-control-allow-origin"] == "https://shop.example")
      #expect(
        try http.request("GET", "/healthz", headers: ["Origin": "https://evil.example"]).headers[
          "access-control-allow-origin"] == nil)
      let preflight = try http.request(
        "OPTIONS", "/v1/reserve",
        headers: ["Origin": "https://shop.example", "Access-Control-Request-Method": "POST"])
      #expect(preflight.status == 204 && preflight.headers["access-control-allow-methods"] == "POST, OPTIONS")
      #expect(preflight.headers["allow"] == "POST, OPTIONS")
    }
  }
}

extension RESPReply {
  func isError(_ prefix: String) -> Bool {
    guard case .error(let text) = self else { return false }
    return text.description.hasPrefix(prefix)
  }
}
