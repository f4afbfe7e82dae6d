import Router
import TestKit
import Testing
import Threads

/// A node that is out of order answers what cannot be, in frames whose checksums are right. The router says so, closes
/// the link, and goes on.
@Suite struct LyingNodeTests {
  private static let event = """
    {"id":"arena","name":"A","sections":[{"name":"S","rows":3,"seats_per_row":40,"price":100}],
     "areas":[{"name":"Floor","capacity":500,"price":50}]}
    """

  /// Each kind of answer.
  private static func requests(hold: String, order: String) -> [(method: String, path: String, body: String?)] {
    [
      ("POST", "/v1/reserve", #"{"event":"arena","buyer":"b","best":{"count":3}}"#),
      ("POST", "/v1/reserve", #"{"event":"arena","buyer":"b","areas":{"Floor":2}}"#),
      ("POST", "/v1/reserve", #"{"event":"arena","buyer":"b","seats":["S-A-1","S-A-2"]}"#),
      ("GET", "/v1/holds/\(hold)", nil), ("GET", "/v1/orders/\(order)", nil),
      ("GET", "/v1/events/arena/holds?buyer=b", nil), ("GET", "/v1/events/arena/orders", nil),
      ("GET", "/v1/events/arena/availability?read=strong", nil), ("GET", "/v1/events/arena", nil),
      ("GET", "/v1/events/arena/seats?read=strong", nil), ("GET", "/v1/events/arena/plan", nil),
      ("GET", "/v1/events", nil), ("POST", "/v1/holds/\(hold)/extend", #"{"ttl":600}"#),
      ("GET", "/v1/events/arena/seats", nil), ("GET", "/v1/events/arena/availability", nil),
    ]
  }

  @Test func nothingThatANodeAnswersEndsARouter() async throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("seed \(seed)")
    try await TestCluster.with(configure: { $0.failoverWait = 200 }) { cluster in
      let http = try cluster.http()
      #expect(try http.request("POST", "/v1/events", Self.event).status == 201)
      func held() throws -> String {
        let text = try http.request("POST", "/v1/reserve", #"{"event":"arena","buyer":"b","best":{"count":2}}"#).text
        return try #require(text.split(separator: "\"").first { $0.hasPrefix("h_") }.map(String.init), "\(text)")
      }
      let (hold, paid) = (try held(), try held())
      let text = try http.request("POST", "/v1/checkout", "{\"hold\":\"\(paid)\"}").text
      let order = try #require(text.split(separator: "\"").first { $0.hasPrefix("o_") }.map(String.init), "\(text)")
      let requests = Self.requests(hold: hold, order: order)
      for round in 0..<12 {
        let bits = Lock(SeededRandom(seed: seed &+ UInt64(round)))
        await cluster.nodes[0].setMangle { body in
          guard !body.isEmpty else { return }
          bits.withLock { random in
            guard random.next() % 3 == 0 else { return }
            let place = Int(random.next() % UInt64(body.count))
            // Whole bytes as well as bits: numbers far out of range are what indexes trip over.
            body[place] = random.next() % 2 == 0 ? UInt8(truncatingIfNeeded: random.next()) : body[place] ^ 0x40
          }
        }
        for request in requests {
          let status = try cluster.http().request(request.method, request.path, request.body).status
          #expect((200..<600).contains(status), "seed \(seed)")
        }
        await cluster.nodes[0].setMangle(nil)
        try await untilReady(http)
      }
      #expect(try http.request("GET", "/v1/events/arena").status == 200)
    }
  }

  private func untilReady(_ http: HTTPTestClient) async throws {
    for _ in 0..<400 where try http.request("GET", "/readyz").status != 200 {
      try await Task.sleep(for: .milliseconds(25))
    }
    let ready = try http.request("GET", "/readyz")
    #expect(ready.status == 200, "\(ready.text)")
  }

  /// One hello in which the number of loops is wrong: its link would be asked for other shards than it is for.
  @Test func linksThatWereToldAnotherNumberOfLoopsAreMadeAnew() async throws {
    try await TestCluster.with { cluster in
      let isLie = Lock(true)
      await cluster.nodes[0].setMangle { body in
        if body.count == 7, body[0] == 2,
          isLie.withLock({ was in
            defer { was = false }; return was
          })
        {
          body[5] = 66
        }
      }
      await cluster.nodes[0].dropLinks()
      try await untilReady(try cluster.http())
      #expect(isLie.withLock { !$0 })
    }
  }

  /// A number of loops that no node has would be as many links.
  @Test func aHelloWithTooManyLoopsIsRefused() async throws {
    try await TestCluster.with { cluster in
      await cluster.nodes[0].setMangle { body in
        if body.count == 7, body[0] == 2 { body[6] = 0x40 }
      }
      await cluster.nodes[0].dropLinks()
      let http = try cluster.http()
      #expect(try http.request("GET", "/healthz").status == 200)
      #expect(try http.request("GET", "/readyz").status == 503)
      await cluster.nodes[0].setMangle(nil)
      try await untilReady(http)
    }
  }
}
