import EventLoop
import Foundation
import Octets
import RESP
import Router
import Testing

/// Goal: a router that was started before the cluster's first node says so at both doors, at once, and goes over to
/// serving without closing a connection.
@Suite struct BirthTests {
  static let reason = "the cluster has no node yet: start holdfast-node with the same --coordinator"

  private static func unborn(
    _ configure: (inout RouterConfiguration) -> Void = { _ in }, _ body: (TestCluster) async throws -> Void
  ) async throws {
    try await TestCluster.with(isBorn: false) { configuration in
      configuration.crossOrigin = CrossOrigin("*")!
      // Who waited for a failover would be seen to wait.
      configuration.failoverWait = 20_000
      configure(&configuration)
    } _: { cluster in
      // The first answers may still be that the coordinator is asked.
      let http = try cluster.http()
      while try http.request("GET", "/readyz").json["detail"] as? String != reason {
        try await Task.sleep(for: .milliseconds(5))
      }
      try await body(cluster)
    }
  }

  @Test func everyCallIsAnsweredAtOnce() async throws {
    try await Self.unborn { cluster in
      let http = try cluster.http()
      #expect(try http.request("GET", "/healthz").status == 200)
      #expect(try http.request("GET", "/nowhere").status == 404)
      #expect(try http.request("PUT", "/v1/events").status == 405)
      #expect(try http.request("OPTIONS", "/v1/reserve").status == 204)
      let metrics = try http.request("GET", "/metrics")
      #expect(metrics.text.contains("\nholdfast_router_build_info{"))
      #expect(metrics.text.contains("\nholdfast_router_shards 0\n"))
      var refused = 0
      for row in OperationTable.all {
        guard let method = row.method, let path = row.path, !["/healthz", "/metrics"].contains(path) else { continue }
        let concrete = path.replacing(/\{\w+\}/, with: "arena")
        let body = row.body.map { _ in "{}" }
        for method in method == "GET" ? ["GET", "HEAD"] : [method] {
          let answer = try http.request(method, concrete, body, headers: ["Origin": "https://shop.example"])
          #expect(answer.status == 503, "\(method) \(path)")
          #expect(answer.headers["content-type"] == "application/problem+json")
          #expect(answer.headers["retry-after"] == "1")
          #expect(answer.headers["access-control-allow-origin"] == "*")
          #expect(answer.headers["connection"] == nil, "the connection goes on")
          if method == "HEAD" { continue }
          #expect(answer.code == "unavailable")
          #expect(answer.json["title"] as? String == "Unavailable")
          #expect(answer.json["detail"] as? String == Self.reason)
          refused += 1
        }
      }
      #expect(refused > 15)
      let counted = try http.request("GET", "/metrics").text
      #expect(counted.contains(#"{method="POST",route="/v1/reserve",code="503"} 1"#), "\(counted)")
    }
  }

  @Test func pipelinedRequestsAndUnixSockets() async throws {
    let path = NSTemporaryDirectory() + "holdfast-birth-\(UInt64.random(in: 0 ... .max)).sock"
    try await Self.unborn {
      $0.http.append(.unix(path: path))
    } _: { cluster in
      for client in [try cluster.http(), try HTTPTestClient(path: path)] {
        for _ in 0..<3 { client.write("GET", "/v1/events/arena/seats") }
        client.write("POST", "/v1/reserve", ##"{"event":"arena","buyer":"ann","seats":["#1"]}"##)
        client.write("GET", "/healthz")
        #expect(try (0..<5).map { _ in try client.response().status } == [503, 503, 503, 503, 200])
      }
    }
  }

  @Test func everyCommandIsAnsweredAtOnce() async throws {
    try await Self.unborn { cluster in
      let resp = try cluster.resp()
      #expect(try resp.call("PING") == .simple("PONG"))
      let refusal = RESPReply.error(Bytes("TRYAGAIN \(Self.reason)"))
      var refused = 0
      for row in OperationTable.all {
        for usage in row.commands {
          // Optional words left out, and each other one with something that may stand for it.
          let words = usage.replacing(/\s\[.+/, with: "").split(separator: " ").map(String.init)
          resp.write([words[0]] + words.dropFirst().map { _ in "1" })
          #expect(try resp.reply() == refusal, "\(usage)")
          refused += 1
        }
      }
      #expect(refused > 15)
      #expect(try resp.call("MULTI") == .simple("OK"))
      #expect(try resp.call("HOLD", "arena", "ann", "60", "#1") == .simple("QUEUED"))
      #expect(try resp.call("EXEC") == .array([refusal]))
      guard case .bulk(let info) = try resp.call("INFO") else {
        Issue.record("INFO has no text")
        return
      }
      #expect(info.description.contains("shards:0\r\n"))
      #expect(try cluster.http().request("GET", "/metrics").text.contains(#"{command="HOLD",result="refused"} 2"#))
    }
  }

  @Test func openConnectionsGoOver() async throws {
    try await Self.unborn { cluster in
      let (http, resp) = (try cluster.http(), try cluster.resp())
      #expect(try http.request("POST", "/v1/events", DoorTests.arena).status == 503)
      guard case .error = try resp.call("SEATS", "arena") else {
        Issue.record("answered by nobody")
        return
      }
      // In the middle of a request.
      let slow = try cluster.http()
      slow.send("GET /readyz HTTP/1.1\r\nHo")
      try await cluster.beBorn()
      #expect(try http.request("POST", "/v1/events", DoorTests.arena).status == 201)
      guard case .array = try resp.call("HOLD", "arena", "ann", "60", "#1") else {
        Issue.record("no hold")
        return
      }
      slow.send("st: test\r\n\r\n")
      #expect(try slow.response().status == 200)
      #expect(try await cluster.coordinator.routers().count == 1)
    }
  }

  /// A router that ends before it had a cluster leaves nothing behind, and nothing waits for it.
  @Test func endsWithoutACluster() async throws {
    let cluster = try await TestCluster(isBorn: false)
    let http = try cluster.http()
    #expect(try http.request("GET", "/healthz").status == 200)
    await cluster.stop()
    #expect(try http.isAtEnd())
  }
}
