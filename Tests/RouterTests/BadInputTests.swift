import Foundation
import Proto
import Router
import Testing

/// Bad input of many kinds at each door: always a clear refusal, never a crash, never a connection that is forgotten.
@Suite struct BadInputTests {
  struct Bad: Sendable {
    var name: String
    var bytes: [UInt8]
    var status: Int
    var code: String
    init(_ name: String, _ text: String, _ status: Int, _ code: String) {
      (self.name, bytes, self.status, self.code) = (name, Array(text.utf8), status, code)
    }
  }

  private static func post(_ path: String, _ body: String, _ headers: String = "") -> String {
    "POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)"
  }
  private static func reserve(_ body: String) -> String { post("/v1/reserve", body) }
  private static func get(_ path: String, _ headers: String = "") -> String {
    "GET \(path) HTTP/1.1\r\nHost: x\r\n\(headers)\r\n"
  }

  static let framing: [Bad] = [
    Bad("no request line", "\u{1}\u{2}\u{3}\r\n\r\n", 400, "bad_request"),
    Bad("one word", "GET\r\n\r\n", 400, "bad_request"),
    Bad("HTTP/0.9", "GET /healthz\r\n\r\n", 400, "bad_request"),
    Bad("HTTP/2", "GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n", 505, "version_not_supported"),
    Bad("no host", "GET /healthz HTTP/1.1\r\n\r\n", 400, "bad_request"),
    Bad("two hosts", "GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, "bad_request"),
    Bad("bad host", "GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "bad_request"),
    Bad("bare LF", "GET /healthz HTTP/1.1\nHost: x\n\n", 400, "bad_request"),
    Bad("folded header", get("/healthz", "A: b\r\n c\r\n"), 400, "bad_request"),
    Bad("space before colon", get("/healthz", "A : b\r\n"), 400, "bad_request"),
    Bad("empty header name", get("/healthz", ": b\r\n"), 400, "bad_request"),
    Bad("NUL in a header", get("/healthz", "A: b\0c\r\n"), 400, "bad_request"),
    Bad("NUL in the path", "GET /he\0althz HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_request"),
    Bad("two lengths", post("/v1/reserve", "{}", "Content-Length: 2\r\n"), 400, "bad_request"),
    Bad("length and chunks", post("/v1/reserve", "{}", "Transfer-Encoding: chunked\r\n"), 400, "bad_request"),
    Bad(
      "unknown coding", "POST /v1/reserve HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 400, "bad_request"),
    Bad(
      "chunked twice", "POST /v1/reserve HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", 400,
      "bad_request"),
    Bad("negative length", "POST /v1/reserve HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400, "bad_request"),
    Bad("length with plus", "POST /v1/reserve HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\n", 400, "bad_request"),
    Bad("length in hex", "POST /v1/reserve HTTP/1.1\r\nHost: x\r\nContent-Length: 0x5\r\n\r\n", 400, "bad_request"),
    Bad(
      "length that overflows", "POST /v1/reserve HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
      413, "too_large"),
    Bad(
      "length of nineteen digits",
      "POST /v1/reserve HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775807\r\n\r\n",
      413, "too_large"),
    Bad(
      "chunk that overflows",
      "POST /v1/reserve HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n", 413,
      "too_large"),
    Bad("length list", "POST /v1/reserve HTTP/1.1\r\nHost: x\r\nContent-Length: 2, 2\r\n\r\n{}", 400, "bad_request"),
    Bad(
      "bad chunk size", "POST /v1/reserve HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400,
      "bad_request"),
    Bad(
      "chunk over the limit", "POST /v1/reserve HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n",
      413, "too_large"),
    Bad(
      "chunk without end", "POST /v1/reserve HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}xx", 400,
      "bad_request"),
    Bad(
      "body over the limit", "POST /v1/reserve HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n", 413, "too_large"),
    Bad(
      "event over the limit", "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 33554433\r\n\r\n", 413,
      "too_large"),
    Bad("long request line", get("/" + String(repeating: "a", count: 9_000)), 414, "uri_too_long"),
    Bad(
      "header block over 16 KiB", get("/healthz", "A: " + String(repeating: "a", count: 17_000) + "\r\n"), 431,
      "headers_too_large"),
    Bad("101 headers", get("/healthz", (0..<101).map { "A\($0): b\r\n" }.joined()), 431, "headers_too_large"),
    Bad("expectation", post("/v1/reserve", "{}", "Expect: magic\r\n"), 417, "expectation_failed"),
    Bad(
      "two idempotency keys", post("/v1/reserve", "{}", "Idempotency-Key: a\r\nIdempotency-Key: b\r\n"), 400,
      "bad_request"),
    Bad("absolute nonsense target", "GET noslash HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_request"),
  ]

  static let requests: [Bad] = [
    Bad("unknown path", get("/v2/events"), 404, "no_such_route"),
    Bad("no path", get("//"), 404, "no_such_route"),
    Bad("trailing slash", get("/v1/events/"), 404, "no_such_route"),
    Bad("too many segments", get("/v1/events/a/seats/b"), 404, "no_such_route"),
    Bad("encoded slash", get("/v1%2Fevents"), 404, "no_such_route"),
    Bad("wrong method", "PUT /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405, "method_not_allowed"),
    Bad("unknown method", "BREW /v1/events HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method_not_allowed"),
    Bad("small method", "get /v1/events HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method_not_allowed"),
    Bad("GET of a POST", get("/v1/reserve"), 405, "method_not_allowed"),
    Bad("no length", "POST /v1/reserve HTTP/1.1\r\nHost: x\r\n\r\n", 411, "length_required"),
    Bad(
      "form",
      "POST /v1/reserve HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b",
      415, "unsupported_media_type"),
    Bad("gzip body", post("/v1/reserve", "{}", "Content-Encoding: gzip\r\n"), 415, "unsupported_media_type"),
    Bad("body of a GET", "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n[]", 400, "bad_request"),
    Bad(
      "field of a GET", "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\n{\"a\":1}", 422, "invalid_field"),
    Bad("parameter of a GET", get("/healthz?verbose=1"), 400, "bad_request"),
    Bad("parameter of a reservation", post("/v1/reserve?dry=1", "{}"), 400, "bad_request"),
    Bad("parameter of a hold", get("/v1/holds/h_short?x"), 400, "bad_request"),
    Bad("bad percent", get("/v1/events/%zz"), 400, "bad_request"),
    Bad("half percent", get("/v1/events/a%2"), 400, "bad_request"),
    Bad("NUL by percent", get("/v1/events/a%00"), 400, "bad_request"),
    Bad("id with a space", get("/v1/events/a%20b"), 404, "no_such_event"),
    Bad("id with dots", get("/v1/events/..%2f..%2fetc"), 404, "no_such_event"),
    Bad("id too long", get("/v1/events/" + String(repeating: "a", count: 129)), 404, "no_such_event"),
    Bad("unknown event", get("/v1/events/nowhere/seats"), 404, "no_such_event"),
    Bad("unknown parameter", get("/v1/events?limits=1"), 400, "bad_request"),
    Bad("limit 0", get("/v1/events?limit=0"), 400, "bad_request"),
    Bad("limit 1001", get("/v1/events?limit=1001"), 400, "bad_request"),
    Bad("limit word", get("/v1/events?limit=many"), 400, "bad_request"),
    Bad("limit twice", get("/v1/events?limit=1&limit=2"), 400, "bad_request"),
    Bad("limit that overflows", get("/v1/events?limit=99999999999999999999"), 400, "bad_request"),
    Bad("bad cursor", get("/v1/events?cursor=%01"), 400, "bad_request"),
    Bad("bad query", get("/v1/events?cursor=%zz"), 400, "bad_request"),
    Bad("read=maybe", get("/v1/events/arena/seats?read=maybe"), 400, "bad_request"),
    Bad("hold that is none", get("/v1/holds/h_short"), 404, "no_such_hold"),
    Bad("order as a hold", get("/v1/holds/o_" + String(repeating: "0", count: 32)), 404, "no_such_hold"),
    Bad("empty body", reserve(""), 400, "invalid_json"),
    Bad("space only", reserve("   "), 400, "invalid_json"),
    Bad("truncated", reserve(#"{"event":"arena""#), 400, "invalid_json"),
    Bad("an array", reserve("[]"), 422, "invalid_body"),
    Bad("a number", reserve("1"), 422, "invalid_body"),
    Bad("null", reserve("null"), 422, "invalid_body"),
    Bad("trailing comma", reserve(#"{"event":"arena",}"#), 400, "invalid_json"),
    Bad("comment", reserve(#"{/**/"event":"arena"}"#), 400, "invalid_json"),
    Bad("single quotes", reserve("{'event':'arena'}"), 400, "invalid_json"),
    Bad("two values", reserve(#"{"event":"arena","buyer":"a"} {}"#), 400, "invalid_json"),
    Bad("duplicate key", reserve(#"{"event":"arena","event":"arena"}"#), 400, "invalid_json"),
    Bad("duplicate key by escape", reserve(#"{"event":"arena","\u0065vent":"arena"}"#), 400, "invalid_json"),
    Bad("deep", reserve(String(repeating: "[", count: 100)), 422, "invalid_body"),
    Bad(
      "deep unknown", reserve(#"{"event":"a","buyer":"b","areas":"# + String(repeating: "[", count: 9_000)), 422,
      "invalid_areas"),
    Bad("lone surrogate", reserve(#"{"event":"arena","buyer":"\ud800"}"#), 400, "invalid_json"),
    Bad("control character", reserve("{\"event\":\"arena\",\"buyer\":\"a\u{1}\"}"), 400, "invalid_json"),
    Bad("escaped control character", reserve(#"{"event":"arena","buyer":"a\u0007"}"#), 422, "invalid_buyer"),
    Bad("escaped NUL", reserve(#"{"event":"arena","buyer":"a\u0000"}"#), 422, "invalid_buyer"),
    Bad("unknown field", reserve(#"{"event":"arena","buyer":"a","seat":["A"]}"#), 422, "invalid_field"),
    Bad("no event", reserve(#"{"buyer":"a","seats":["Stalls-A-1"]}"#), 422, "invalid_event"),
    Bad("event is a number", reserve(#"{"event":1,"buyer":"a"}"#), 422, "invalid_event"),
    Bad("buyer is empty", reserve(#"{"event":"arena","buyer":"","seats":["Stalls-A-1"]}"#), 422, "invalid_buyer"),
    Bad(
      "buyer too long", reserve("{\"event\":\"arena\",\"buyer\":\"\(String(repeating: "b", count: 129))\"}"), 422,
      "invalid_buyer"),
    Bad("seats is a string", reserve(#"{"event":"arena","buyer":"a","seats":"Stalls-A-1"}"#), 422, "invalid_seats"),
    Bad("a seat is a number", reserve(#"{"event":"arena","buyer":"a","seats":[1]}"#), 422, "invalid_seats"),
    Bad("a seat is empty", reserve(#"{"event":"arena","buyer":"a","seats":[""]}"#), 422, "invalid_seats"),
    Bad("seat number out of range", reserve(##"{"event":"arena","buyer":"a","seats":["#34"]}"##), 422, "invalid_seats"),
    Bad(
      "seat number that overflows", reserve(##"{"event":"arena","buyer":"a","seats":["#99999999999999999999999"]}"##),
      422, "invalid_seats"),
    Bad("seat number negative", reserve(##"{"event":"arena","buyer":"a","seats":["#-1"]}"##), 422, "invalid_seats"),
    Bad("areas is an array", reserve(#"{"event":"arena","buyer":"a","areas":["Floor"]}"#), 422, "invalid_areas"),
    Bad("negative count", reserve(#"{"event":"arena","buyer":"a","areas":{"Floor":-1}}"#), 422, "invalid_areas"),
    Bad("count as a fraction", reserve(#"{"event":"arena","buyer":"a","areas":{"Floor":1.5}}"#), 422, "invalid_areas"),
    Bad(
      "count that overflows", reserve(#"{"event":"arena","buyer":"a","areas":{"Floor":99999999999999999999}}"#), 422,
      "invalid_areas"),
    Bad("bad number", reserve(#"{"event":"arena","buyer":"a","ttl":01}"#), 400, "invalid_json"),
    Bad("NaN", reserve(#"{"event":"arena","buyer":"a","ttl":NaN}"#), 400, "invalid_json"),
    Bad(
      "ttl too long", reserve(#"{"event":"arena","buyer":"a","seats":["Stalls-A-1"],"ttl":86401}"#), 422, "invalid_ttl"),
    Bad(
      "ttl is text", reserve(#"{"event":"arena","buyer":"a","seats":["Stalls-A-1"],"ttl":"60"}"#), 422, "invalid_ttl"),
    Bad("best of 0", reserve(#"{"event":"arena","buyer":"a","best":{"count":0}}"#), 422, "invalid_best"),
    Bad(
      "best with an unknown field", reserve(#"{"event":"arena","buyer":"a","best":{"count":1,"row":2}}"#), 422,
      "invalid_field"),
    Bad("nothing wanted", reserve(#"{"event":"arena","buyer":"a"}"#), 422, "invalid_seats"),
    Bad(
      "long key", post("/v1/reserve", "{}", "Idempotency-Key: \(String(repeating: "k", count: 256))\r\n"), 400,
      "bad_request"),
    Bad("empty key", post("/v1/reserve", "{}", "Idempotency-Key: \r\n"), 400, "bad_request"),
    Bad("key in UTF-8", post("/v1/reserve", "{}", "Idempotency-Key: é\r\n"), 400, "bad_request"),
    Bad("checkout without a hold", post("/v1/checkout", "{}"), 422, "invalid_hold"),
    Bad("checkout of nonsense", post("/v1/checkout", #"{"hold":"x"}"#), 404, "no_such_hold"),
    Bad("extend without a ttl", post("/v1/holds/h_00000000000000000000000000000000/extend", "{}"), 422, "invalid_ttl"),
    Bad(
      "confirm with a body", post("/v1/orders/o_00000000000000000000000000000000/confirm", #"{"a":1}"#), 422,
      "invalid_field"),
    Bad(
      "event without a name", post("/v1/events", #"{"areas":[{"name":"F","capacity":1,"price":1}]}"#), 422,
      "invalid_event"),
    Bad("event with nothing", post("/v1/events", #"{"name":"x"}"#), 422, "invalid_event"),
    Bad("event with a bad id", post("/v1/events", #"{"id":"a b","name":"x"}"#), 422, "invalid_event"),
    Bad("event with an unknown field", post("/v1/events", #"{"name":"x","colour":1}"#), 422, "invalid_event"),
    Bad(
      "event with too many seats",
      post("/v1/events", #"{"name":"x","sections":[{"name":"A","rows":100000,"seats_per_row":100000}]}"#), 422,
      "too_many"),
    Bad(
      "event with a negative price",
      post("/v1/events", #"{"name":"x","sections":[{"name":"A","rows":1,"seats_per_row":1,"price":-1}]}"#), 422,
      "invalid_event"),
    Bad("event with a bad time", post("/v1/events", #"{"name":"x","starts_at":"tomorrow"}"#), 422, "invalid_event"),
    Bad("event that is not JSON", post("/v1/events", "name=x"), 400, "invalid_json"),
    Bad("event exists", post("/v1/events", DoorTests.arena), 409, "event_exists"),
  ]

  /// After framing errors the connection must be closed; after other refusals it must go on.
  @Test func theHTTPDoorRefusesClearly() async throws {
    try await TestCluster.with { cluster in
      let http = try cluster.http()
      #expect(try http.request("POST", "/v1/events", DoorTests.arena).status == 201)
      for bad in Self.framing {
        let client = try cluster.http()
        client.send(bad.bytes)
        let response = try client.response()
        #expect(response.status == bad.status, "\(bad.name): \(response.text)")
        #expect(response.code == bad.code, "\(bad.name): \(response.text)")
        #expect(response.headers["content-type"] == "application/problem+json", "\(bad.name)")
        #expect(response.headers["connection"] == "close", "\(bad.name)")
        #expect(try client.isAtEnd(), "\(bad.name)")
      }
      let client = try cluster.http()
      for bad in Self.requests {
        client.send(bad.bytes)
        let response = try client.response()
        #expect(response.status == bad.status, "\(bad.name): \(response.text)")
        #expect(response.code == bad.code, "\(bad.name): \(response.text)")
        for field in ["type", "title", "status", "code", "detail"] {
          #expect(response.json[field] != nil, "\(bad.name): \(field)")
        }
        #expect(response.headers["x-request-id"] != nil)
        if bad.status == 405 { #expect(response.headers["allow"] != nil, "\(bad.name)") }
      }
      #expect(Self.framing.count + Self.requests.count >= 100)
      #expect(try client.request("GET", "/healthz").status == 200)
    }
  }

  @Test func invalidUTF8IsRefused() async throws {
    try await TestCluster.with { cluster in
      let client = try cluster.http()
      var body = Array(#"{"event":"arena","buyer":""#.utf8)
      body += [0xC3, 0x28]
      body += Array(#""}"#.utf8)
      client.send("POST /v1/reserve HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.count)\r\n\r\n")
      client.send(body)
      let response = try client.response()
      #expect(response.status == 400 && response.code == "invalid_json", "\(response.text)")
    }
  }

  @Test func bodiesInPiecesAndContinue() async throws {
    try await TestCluster.with { cluster in
      let http = try cluster.http()
      let body = Array(DoorTests.arena.utf8)
      http.send("POST /v1/events HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: \(body.count)\r\n\r\n")
      #expect(try http.response().status == 100)
      for byte in body { http.send([byte]) }
      #expect(try http.response().status == 201)
      http.send("POST /v1/reserve HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
      for byte in Array(#"{"event":"arena","buyer":"a","seats":["Stalls-A-1"]}"#.utf8) {
        http.send("1;ext=1\r\n")
        http.send([byte])
        http.send("\r\n")
      }
      http.send("0\r\nTrailer: x\r\n\r\n")
      #expect(try http.response().status == 200)
    }
  }

  @Test func slowRequestsAreRefused() async throws {
    try await TestCluster.with(configure: {
      $0.headerTimeout = .milliseconds(200)
      $0.bodyTimeout = .milliseconds(200)
      $0.idleTimeout = .milliseconds(400)
      $0.respIdleTimeout = .milliseconds(400)
    }) { cluster in
      let head = try cluster.http()
      head.send("GET /healthz HT")
      #expect(try head.response().status == 408)
      #expect(try head.isAtEnd())
      let body = try cluster.http()
      body.send("POST /v1/reserve HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
      #expect(try body.response().status == 408)
      let idle = try cluster.http()
      #expect(try idle.isAtEnd())
      let resp = try cluster.resp()
      #expect(try resp.isAtEnd())
    }
  }

  struct BadCommand: Sendable {
    var words: [String]
    var error: String
    init(_ words: String, _ error: String) {
      self.words = words.components(separatedBy: " ").map { $0.replacingOccurrences(of: "␣", with: " ") }
      self.error = error
    }
  }

  static let commands: [BadCommand] = [
    BadCommand("NONSENSE", "ERR unknown command"), BadCommand("GET x", "ERR unknown command"),
    BadCommand("HOLDX a b", "ERR unknown command"), BadCommand("HOLD", "ERR wrong number"),
    BadCommand("HOLD arena", "ERR wrong number"), BadCommand("HOLD arena a 60", "ERR wrong number"),
    BadCommand("HOLD arena a 60 KEY k", "ERR wrong number"), BadCommand("HOLD arena a 0 Stalls-A-1", "ERR seconds"),
    BadCommand("HOLD arena a -1 Stalls-A-1", "ERR seconds"),
    BadCommand("HOLD arena a 86401 Stalls-A-1", "LIMIT max_hold_ttl 600"),
    BadCommand("HOLD arena a 601 Stalls-A-1 Stalls-A-2", "LIMIT max_hold_ttl 600"),
    BadCommand("HOLD.BEST arena a 601 1", "LIMIT max_hold_ttl 600"),
    BadCommand("HOLD.AREA arena a 9223372036854775807 Floor 1", "LIMIT max_hold_ttl 600"),
    BadCommand("HOLD arena a 1.5 Stalls-A-1", "ERR seconds"), BadCommand("HOLD arena a x Stalls-A-1", "ERR seconds"),
    BadCommand("HOLD arena a 99999999999999999999 Stalls-A-1", "ERR seconds"),
    BadCommand("HOLD arena a  Stalls-A-1", "ERR seconds"), BadCommand("HOLD arena  60 Stalls-A-1", "ERR a buyer"),
    BadCommand("HOLD arena \u{7} 60 Stalls-A-1", "ERR a buyer"),
    BadCommand("HOLD arena \(String(repeating: "b", count: 129)) 60 Stalls-A-1", "ERR a buyer"),
    BadCommand("HOLD nowhere a 60 Stalls-A-1", "NOEVENT"), BadCommand("HOLD a/b a 60 Stalls-A-1", "NOEVENT"),
    BadCommand("HOLD  a 60 Stalls-A-1", "NOEVENT"), BadCommand("HOLD arena a 60 Stalls-A-0", "NOSEAT Stalls-A-0"),
    BadCommand("HOLD arena a 60 Stalls-A-01", "NOSEAT"), BadCommand("HOLD arena a 60 Stalls-A-11", "NOSEAT"),
    BadCommand("HOLD arena a 60 stalls-a-1", "NOSEAT"), BadCommand("HOLD arena a 60 #34", "NOSEAT #34"),
    BadCommand("HOLD arena a 60 #", "NOSEAT"), BadCommand("HOLD arena a 60 #x", "NOSEAT"),
    BadCommand("HOLD arena a 60 #99999999999999999999", "NOSEAT"),
    BadCommand("HOLD arena a 60 a␣b%", "NOSEAT a%20b%25"),
    BadCommand("HOLD arena a 60 Stalls-A-1 Stalls-A-1", "ERR A seat is named more than once"),
    BadCommand("HOLD arena a 60 Stalls-A-1 #0", "ERR A seat is named more than once"),
    BadCommand("HOLD arena a 60 Box-A-1", "TAKEN Box-A-1"), BadCommand("HOLD arena a 60 #0030", "TAKEN #0030"),
    BadCommand("HOLD arena a 60 Stalls-A-1 KEY ", "ERR a KEY"),
    BadCommand("HOLD arena a 60 Stalls-A-1 KEY \(String(repeating: "k", count: 256))", "ERR a KEY"),
    BadCommand("HOLD arena a 60 Stalls-A-1 KEY é", "ERR a KEY"),
    BadCommand("HOLD arena a 60 KEY k Stalls-A-1", "NOSEAT KEY k"),
    BadCommand("HOLD.BEST arena a 60", "ERR wrong number"), BadCommand("HOLD.BEST arena a 60 0", "ERR count"),
    BadCommand("HOLD.BEST arena a 60 -2", "ERR count"), BadCommand("HOLD.BEST arena a 60 65536", "ERR count"),
    BadCommand("HOLD.BEST arena a 60 x", "ERR count"),
    BadCommand("HOLD.BEST arena a 60 2 CATEGORY", "ERR wrong number"),
    BadCommand("HOLD.BEST arena a 60 2 CATEGORY Gold", "ERR no such category"),
    BadCommand("HOLD.BEST arena a 60 2 FOO Gold", "ERR wrong number"),
    BadCommand("HOLD.BEST arena a 60 9", "LIMIT max_per_order 8"),
    BadCommand("HOLD.AREA arena a 60 Floor", "ERR wrong number"),
    BadCommand("HOLD.AREA arena a 60 Floor 0", "ERR count"),
    BadCommand("HOLD.AREA arena a 60 Roof 1", "ERR no such area"),
    BadCommand("HOLD.AREA arena a 60 Floor x", "ERR count"),
    BadCommand("HOLD.AREA arena a 60 Floor 4294967296", "ERR count"), BadCommand("HOLD.INFO", "ERR wrong number"),
    BadCommand("HOLD.INFO x", "NOHOLD"), BadCommand("HOLD.INFO h_0000000000000000000000000000000u", "NOHOLD"),
    BadCommand("HOLD.INFO o_00000000000000000000000000000000", "NOHOLD"), BadCommand("ORDER.INFO x", "NOORDER"),
    BadCommand("ORDER.INFO o_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "NOORDER"), BadCommand("EXTEND x 60", "NOHOLD"),
    BadCommand("EXTEND h_00000000000000000000000000000000 0", "ERR seconds"),
    BadCommand("EXTEND h_00000000000000000000000000000000", "ERR wrong number"),
    BadCommand("EXTEND h_00000000000000000000000000000000 60", "NOHOLD"),
    BadCommand("RELEASE", "ERR wrong number"), BadCommand("RELEASE a b", "ERR wrong number"),
    BadCommand("RELEASE h_00000000000000000000000000000000", "NOHOLD"), BadCommand("CHECKOUT x", "NOHOLD"),
    BadCommand("CHECKOUT h_00000000000000000000000000000000 KEY", "ERR wrong number"),
    BadCommand("CONFIRM x", "NOORDER"), BadCommand("CANCEL x", "NOORDER"),
    BadCommand("CONFIRM o_00000000000000000000000000000000", "NOORDER"), BadCommand("SEAT arena", "ERR wrong number"),
    BadCommand("SEAT arena x", "NOSEAT x"), BadCommand("SEAT nowhere x", "NOEVENT"),
    BadCommand("SEATS nowhere", "NOEVENT"),
    BadCommand("SEATS", "ERR wrong number"), BadCommand("EVENT.INFO nowhere", "NOEVENT"),
    BadCommand("EVENT.INFO a␣b", "NOEVENT"),
    BadCommand("EVENT.CREATE x", "ERR wrong number"), BadCommand("EVENT.CREATE a␣b S 1 1 1", "ERR an event id"),
    BadCommand("EVENT.CREATE x  1 1 1", "ERR a section"), BadCommand("EVENT.CREATE x #S 1 1 1", "ERR a section"),
    BadCommand("EVENT.CREATE x S 0 1 1", "ERR rows"),
    BadCommand("EVENT.CREATE x S 10000 10000 1", "LIMIT seats 10000000"),
    BadCommand("EVENT.CREATE x S 100001 1 1", "LIMIT rows 100000"),
    BadCommand("EVENT.CREATE x S 1 1 -1", "ERR a price"),
    BadCommand("EVENT.CREATE x S 1 1 100000000001", "ERR a price"),
    BadCommand("EVENT.CREATE x \(String(repeating: "s", count: 62)) 1 1 1", "ERR the last seat"),
    BadCommand("EVENT.CREATE arena S 1 1 1", "EXISTS"), BadCommand("SELECT 1", "ERR"), BadCommand("SELECT x", "ERR"),
    BadCommand("AUTH", "ERR wrong number"), BadCommand("AUTH a b c", "ERR wrong number"),
    BadCommand("AUTH bob x", "WRONGPASS"),
    BadCommand("HELLO x", "ERR"), BadCommand("HELLO 5", "NOPROTO"), BadCommand("HELLO 3 FOO", "ERR"),
    BadCommand("HELLO 2 SETNAME a␣b", "ERR"), BadCommand("CLIENT", "ERR wrong number"),
    BadCommand("CLIENT FOO", "ERR unknown"),
    BadCommand("CLIENT SETNAME a␣b", "ERR"), BadCommand("CONFIG", "ERR wrong number"),
    BadCommand("CONFIG SET a b", "ERR only"),
    BadCommand("COMMAND FOO", "ERR unknown"), BadCommand("ECHO", "ERR wrong number"),
    BadCommand("PING a b", "ERR wrong number"),
    BadCommand("QUIT now", "ERR wrong number"),
  ]

  @Test func theRESPDoorRefusesClearly() async throws {
    try await TestCluster.with { cluster in
      let http = try cluster.http()
      #expect(try http.request("POST", "/v1/events", DoorTests.arena).status == 201)
      let client = try cluster.resp()
      for bad in Self.commands {
        client.write(bad.words)
        let reply = try client.reply()
        #expect(reply.isError(bad.error), "\(bad.words): \(reply)")
      }
      #expect(Self.commands.count >= 100)
      #expect(try client.call("PING") == .simple("PONG"))
    }
  }

  @Test(arguments: [
    "*-5\r\n", "*x\r\n", "*1\r\n+PING\r\n", "*1\r\n$-1\r\n", "*1\r\n$99999999\r\n", "*1\r\n$4\r\nPINGxx",
    "*999999999\r\n",
    "*2\r\n$4\r\nPING\r\n:1\r\n", "PING \"open\r\n",
  ])
  func brokenRESPEndsTheConnection(bytes: String) async throws {
    try await TestCluster.with { cluster in
      let client = try cluster.resp()
      client.send("PING\r\n" + bytes)
      #expect(try client.reply() == .simple("PONG"))
      if bytes != "*-5\r\n" {
        #expect(try client.reply().isError("ERR Protocol error"))
        #expect(try client.isAtEnd())
      }
    }
  }
}
