import Foundation
import Proto
import Router
import Testing

/// Requests in the words that real clients use: load generators, proxies, generated clients, browsers' tracers.
@Suite struct RealClientTests {
  private static func seat(_ number: Int) -> String {
    ##"{"event":"arena","buyer":"ann","seats":["#\##(number)"]}"##
  }

  private func withArena(
    _ configure: (inout RouterConfiguration) -> Void = { _ in },
    _ body: (TestCluster, HTTPTestClient) async throws -> Void
  ) async throws {
    try await TestCluster.with(configure: configure) { cluster in
      let http = try cluster.http()
      #expect(try http.request("POST", "/v1/events", DoorTests.arena).status == 201)
      try await body(cluster, http)
    }
  }

  /// `ab -k` waits for the connection's end unless the answer says that there is none.
  @Test func keepAliveOfHTTP10IsSaid() async throws {
    try await withArena { cluster, http in
      http.send("GET /healthz HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
      let first = try http.response()
      #expect(first.headers["connection"] == "keep-alive" && first.headers["keep-alive"] == "timeout=75")
      http.send("GET /healthz HTTP/1.0\r\n\r\n")
      let last = try http.response()
      #expect(last.headers["connection"] == "close" && last.headers["keep-alive"] == nil)
      #expect(try http.isAtEnd())
      let later = try cluster.http()
      later.send("GET /healthz HTTP/1.2\r\nHost: x\r\n\r\n")
      let answer = try later.response()
      #expect(answer.status == 200 && answer.headers["connection"] == nil)
    }
  }

  @Test func queriesInAllSpellings() async throws {
    try await withArena { _, http in
      for query in ["?", "?&", "?&&", "?limit=1&", "?&limit=1", "?%6Cimit=%31", "?cursor=", "?cursor&limit=5"] {
        #expect(try http.request("GET", "/v1/events" + query).status == 200, "\(query)")
      }
      for path in ["/v1/events/arena/orders?cursor=", "/v1/events/arena/holds?buyer=ann&cursor="] {
        #expect(try http.request("GET", path).status == 200, "\(path)")
      }
      for query in ["?", "?&", "?read=strong&", "?re%61d=%73trong", "?&read=fresh"] {
        #expect(try http.request("GET", "/v1/events/arena/seats" + query).status == 200, "\(query)")
      }
      for path in [
        "/healthz", "/readyz", "/metrics", "/openapi.json", "/v1/events", "/v1/events/arena", "/v1/events/arena/plan",
        "/v1/events/arena/seats", "/v1/events/arena/availability", "/v1/events/arena/orders",
        "/v1/events/arena/holds", "/v1/holds/h_00000000000000000000000000000000",
        "/v1/orders/o_00000000000000000000000000000000",
      ] {
        let refused = try http.request("GET", path + "?colour=blue")
        #expect(refused.status == 400 && refused.json["field"] as? String == "colour", "\(path): \(refused.text)")
      }
    }
  }

  @Test func bodiesOfGeneratedClients() async throws {
    try await withArena { _, http in
      let best = #"{"event":"arena","buyer":"ann","seats":[],"areas":{},"best":{"count":2.0},"ttl":6e1}"#
      #expect(try http.request("POST", "/v1/reserve", best).status == 200)
      let both = ##"{"event":"arena","buyer":"ann","seats":["#9"],"best":{"count":2}}"##
      #expect(try http.request("POST", "/v1/reserve", both).code == "invalid_best")
      #expect(try http.request("POST", "/v1/reserve", "\u{FEFF}" + Self.seat(25)).status == 200)
      // Calls without fields.
      for body in ["", "null", "{}", " {} ", "\u{FEFF}{}"] {
        let held = try http.request("POST", "/v1/reserve", #"{"event":"arena","buyer":"b","best":{"count":1}}"#)
        let hold = try #require(held.json["hold"] as? String)
        #expect(try http.request("GET", "/v1/holds/\(hold)", body).status == 200, "\(body)")
        #expect(try http.request("DELETE", "/v1/holds/\(hold)", body).status == 204, "\(body)")
        let chunks = body.isEmpty ? "0\r\n\r\n" : "\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
        for method in ["GET", "DELETE"] {
          http.send("\(method) /v1/holds/\(hold) HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)")
          #expect(try http.response().status == (method == "GET" ? 410 : 204), "\(method) \(body)")
        }
      }
      #expect(try http.request("DELETE", "/v1/holds/h_00000000000000000000000000000000", "x=1").status == 400)
      // The connection goes on behind all of them.
      #expect(try http.request("GET", "/healthz").status == 200)
    }
  }

  @Test func targetsOfProxies() async throws {
    try await withArena { _, http in
      for target in ["http://x/healthz", "https://x/healthz", "HTTPS://x:443/healthz"] {
        #expect(try http.request("GET", target).status == 200, "\(target)")
      }
      for target in ["http://x", "https://x", "http://x?"] {
        #expect(try http.request("GET", target).json["name"] as? String == "holdfast", "\(target)")
      }
      for target in ["*", "http://x", "https://x:8080", "/v1/events", "https://x/v1/events"] {
        for headers in [[:], ["Content-Length": "0"]] {
          let answer = try http.request("OPTIONS", target, headers: headers)
          #expect(answer.status == 204 && answer.headers["allow"]?.hasPrefix("POST, GET") == true, "\(target)")
        }
        http.send("OPTIONS \(target) HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        #expect(try http.response().status == 204)
      }
    }
  }

  @Test func oneOriginOrSeveral() async throws {
    try await withArena({ $0.crossOrigin = CrossOrigin("https://shop.example,https://box.example:8443")! }) { _, http in
      for (origin, isAllowed) in [
        ("https://shop.example", true), ("https://box.example:8443", true), ("https://evil.example", false),
        (nil, false),
      ] {
        let headers = origin.map { ["Origin": $0] } ?? [:]
        for path in ["/healthz", "/v1/events/arena/seats", "/nowhere"] {
          let answer = try http.request("GET", path, headers: headers)
          #expect(answer.headers["vary"] == "Origin")
          #expect(answer.headers["access-control-allow-origin"] == (isAllowed ? origin : nil), "\(path)")
        }
      }
      let preflight = try http.request(
        "OPTIONS", "/v1/reserve",
        headers: [
          "Origin": "https://shop.example", "Access-Control-Request-Method": "POST",
          "Access-Control-Request-Headers": "content-type,traceparent,baggage,sentry-trace",
        ])
      #expect(
        preflight.headers["access-control-allow-headers"] == "content-type,traceparent,baggage,sentry-trace"
          && preflight.headers["access-control-allow-methods"] == "POST, OPTIONS")
    }
  }

  @Test func anyOrigin() async throws {
    try await withArena({ $0.crossOrigin = CrossOrigin("*")! }) { _, http in
      for headers in [[:], ["Origin": "https://a.example"]] {
        for path in ["/healthz", "/v1/events/arena/seats", "/nowhere"] {
          let answer = try http.request("GET", path, headers: headers)
          #expect(answer.headers["access-control-allow-origin"] == "*" && answer.headers["vary"] == nil, "\(path)")
        }
      }
    }
  }

  @Test(arguments: ["", "shop.example", "https://shop.example/", "https://a,", "https://Shop.example", "https://a,*"])
  func flagsThatAreNoOrigins(_ flag: String) { #expect(CrossOrigin(flag) == nil) }

  /// Whoever asks again while the router ends is answered, and told that it was the last time.
  @Test func theEndIsAnnounced() async throws {
    try await TestCluster.with { cluster in
      let clients = try (0..<10).map { _ in try cluster.http() }
      for http in clients { #expect(try http.request("GET", "/healthz").headers["connection"] == nil) }
      async let stopped: Void = cluster.router.stop(grace: .seconds(60), idle: .seconds(60))
      // The listeners close with the same step that tells the connections.
      while (try? cluster.http()) != nil { try await Task.sleep(for: .milliseconds(5)) }
      for http in clients {
        let last = try http.request("GET", "/healthz")
        #expect(last.status == 200 && last.headers["connection"] == "close")
        #expect(try http.isAtEnd())
      }
      await stopped
    }
  }
}
