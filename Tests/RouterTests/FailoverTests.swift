import Foundation
import Proto
import Router
import Testing

/// What clients see while nodes come and go.
@Suite struct FailoverTests {
  static let event =
    #"{"id":"arena","name":"A","sections":[{"name":"S","rows":10,"seats_per_row":100,"price":1}]}"#

  @Test func requestsFollowTheMapWithoutAnError() async throws {
    try await TestCluster.with(nodes: 2) { cluster in
      let http = try cluster.http()
      #expect(try http.request("POST", "/v1/events", Self.event).status == 201)
      for round in 0..<6 {
        try await cluster.move([0, 1, 2, 3], to: (round + 1) % 2)
        for seat in 0..<20 {
          let held = try http.request(
            "POST", "/v1/reserve", "{\"event\":\"arena\",\"buyer\":\"b\",\"seats\":[\"#\(round * 20 + seat)\"]}")
          #expect(held.status == 200, "\(held.text)")
        }
      }
    }
  }

  @Test func aLostLinkIsNotSeenByClients() async throws {
    try await TestCluster.with { cluster in
      let http = try cluster.http()
      #expect(try http.request("POST", "/v1/events", Self.event).status == 201)
      for seat in 0..<20 {
        await cluster.nodes[0].dropLinks()
        let held = try http.request(
          "POST", "/v1/reserve", "{\"event\":\"arena\",\"buyer\":\"b\",\"seats\":[\"#\(seat)\"]}")
        #expect(held.status == 200, "\(held.text)")
      }
    }
  }

  /// A link to a node says nothing of its shards: one that still reads its log, or is not sure yet who goes on, has
  /// links too. Whoever was told "ready" must find every shard selling.
  @Test func readyMeansThatEveryPrimaryAnswers() async throws {
    try await TestCluster.with(configure: { $0.failoverWait = 300 }) { cluster in
      let http = try cluster.http()
      #expect(try http.request("GET", "/readyz").status == 200)
      await cluster.nodes[0].sync { $0.resign([2]) }
      let refused = try http.request("GET", "/readyz")
      #expect(refused.status == 503 && refused.code == "unavailable", "\(refused.text)")
      #expect(refused.text.contains("No answer from the primary of shard 2."), "\(refused.text)")
      #expect(refused.headers["retry-after"] == "1")
      await cluster.nodes[0].setSilent(true)
      #expect(try http.request("GET", "/readyz").text.contains("of shard 0,1,2,3."))
      await cluster.nodes[0].setSilent(false)
      await cluster.nodes[0].sync { $0.become(primaryOf: [0, 1, 2, 3]) }
      #expect(try http.request("GET", "/readyz").status == 200)
    }
  }

  @Test func unavailableAndUnknownAreToldApart() async throws {
    try await TestCluster.with(configure: { $0.failoverWait = 300 }) { cluster in
      let http = try cluster.http()
      let resp = try cluster.resp()
      #expect(try http.request("POST", "/v1/events", Self.event).status == 201)
      let body = ##"{"event":"arena","buyer":"b","seats":["#1"]}"##
      #expect(try http.request("POST", "/v1/reserve", ##"{"event":"arena","buyer":"b","seats":["#0"]}"##).status == 200)
      // The node takes what it is sent and says nothing: it may have happened.
      await cluster.nodes[0].setSilent(true)
      let unknown = try http.request("POST", "/v1/reserve", body)
      #expect(unknown.status == 504 && unknown.code == "unknown", "\(unknown.text)")
      #expect(try resp.call("HOLD", "arena", "b", "60", "#2").isError("UNKNOWN"))
      // A read changes nothing.
      let read = try http.request("GET", "/v1/events/arena/seats?read=strong")
      #expect(read.status == 503 && read.code == "unavailable")
      await cluster.nodes[0].setSilent(false)
      await cluster.nodes[0].sync { $0.resign([0, 1, 2, 3]) }
      let refused = try http.request("POST", "/v1/reserve", ##"{"event":"arena","buyer":"b","seats":["#3"]}"##)
      #expect(refused.status == 503 && refused.code == "unavailable", "\(refused.text)")
      #expect(refused.headers["retry-after"] == "1")
      #expect(try resp.call("HOLD", "arena", "b", "60", "S-A-5").isError("TRYAGAIN"))
      await cluster.nodes[0].sync { $0.become(primaryOf: [0, 1, 2, 3]) }
      #expect(try http.request("POST", "/v1/reserve", ##"{"event":"arena","buyer":"b","seats":["#3"]}"##).status == 200)
      await cluster.nodes[0].setFailure(.diskFull)
      let full = try http.request("POST", "/v1/reserve", ##"{"event":"arena","buyer":"b","seats":["#4"]}"##)
      #expect(full.status == 503 && full.code == "disk_full" && full.headers["retry-after"] != nil)
      await cluster.nodes[0].setFailure(.overloaded)
      let busy = try http.request("POST", "/v1/reserve", ##"{"event":"arena","buyer":"b","seats":["#4"]}"##)
      #expect(busy.status == 503 && busy.code == "unavailable")
    }
  }

  /// A node that says `unknown` has executed the command: sent again under the same key it gets the first outcome.
  @Test func unknownIsAskedAgainWithTheSameKey() async throws {
    try await TestCluster.with(configure: { $0.failoverWait = 20_000 }) { cluster in
      let http = try cluster.http()
      #expect(try http.request("POST", "/v1/events", Self.event).status == 201)
      await cluster.nodes[0].setSaysUnknown(true)
      let client = try cluster.http()
      client.write("POST", "/v1/reserve", ##"{"event":"arena","buyer":"b","seats":["#1"]}"##)
      try await Task.sleep(for: .milliseconds(100))
      await cluster.nodes[0].setSaysUnknown(false)
      #expect(try client.response().status == 200)
    }
  }

  @Test func aStaleDefinitionIsReadAgain() async throws {
    try await TestCluster.with(shards: 1) { cluster in
      let http = try cluster.http()
      let resp = try cluster.resp()
      #expect(try http.request("POST", "/v1/events", Self.event).status == 201)
      #expect(try http.request("GET", "/v1/events/arena/seats").status == 200)
      #expect(
        try http.request("POST", "/v1/reserve", #"{"event":"arena","buyer":"b","seats":["S-A-1"]}"#).status == 200)
      _ = try resp.call("HOLD", "arena", "b", "60", "S-A-2")
      // Another life of the event, with another plan, as after a restore from a backup.
      cluster.world.forget()
      let direct = try cluster.http()
      #expect(
        try direct.request(
          "POST", "/v1/events",
          #"{"id":"arena","name":"B","sections":[{"name":"T","rows":1,"seats_per_row":3,"price":7}]}"#
        ).status == 201)
      let held = try http.request("POST", "/v1/reserve", #"{"event":"arena","buyer":"b","seats":["T-A-1"]}"#)
      // The first loop's old plan has no such seat; what it knows is put right by the first seat that both have.
      if held.status == 422 {
        #expect(
          try http.request("POST", "/v1/reserve", ##"{"event":"arena","buyer":"b","seats":["#1"]}"##).json["seats"]
            as? [String] == ["T-A-2"])
      } else {
        #expect(held.json["total"] as? Int == 7, "\(held.text)")
      }
    }
  }

  @Test func freshReadsFollowWritesAndAgeOut() async throws {
    try await TestCluster.with(nodes: 2) { cluster in
      let http = try cluster.http()
      let other = try cluster.http()
      #expect(try http.request("POST", "/v1/events", Self.event).status == 201)
      // Until every loop's feed is live reads are strong, afterwards fresh; never older than an answer that was given.
      var held = 0
      func check(_ client: HTTPTestClient) throws {
        let response = try client.request("GET", "/v1/events/arena/availability")
        #expect(response.status == 200)
        #expect(response.json["held"] as? Int == held, "\(response.text)")
      }
      for round in 0..<60 {
        let reply = try (round % 2 == 0 ? http : other).request(
          "POST", "/v1/reserve", "{\"event\":\"arena\",\"buyer\":\"b\",\"seats\":[\"#\(round)\"]}")
        #expect(reply.status == 200)
        held += 1
        try check(other)
        try check(http)
        if round == 30 { try await cluster.move([0, 1, 2, 3], to: 1) }
      }
      let metrics = try http.request("GET", "/metrics").text
      let line = metrics.split(separator: "\n").first { $0.hasPrefix("holdfast_router_fresh_reads_total") }
      let fresh = Int(line?.split(separator: " ").last ?? "") ?? 0
      #expect(fresh > 20, "\(fresh) of 120 reads were fresh")
    }
  }
}
