import Foundation
import Proto
import Router
import Testing

/// Tests in which something needs a thread of the concurrency pool while the test's own thread waits at a socket: one
/// at a time, because the pool has a thread for each processor, and two of them on two processors waited for each
/// other.
@Suite(.serialized) struct PoolTests {
  @Test func aLargePlanIsCreatedReadAndSold() async throws {
    try await TestCluster.with { cluster in
      let rows = (0..<150).map { row in
        let seats = (0..<200).map { seat in
          #"{"seat_guid":"R\#(row)-\#(seat)","seat_number":"\#(seat)","category":"A","position":{"x":\#(seat),"y":\#(row)}}"#
        }
        return #"{"position":{"x":0,"y":0},"row_number":"\#(row)","seats":[\#(seats.joined(separator: ","))]}"#
      }
      let plan =
        ##"{"name":"P","size":{"width":1,"height":1},"categories":[{"name":"A","color":"#fff"}],"zones":[{"name":"Z","position":{"x":0,"y":0},"rows":[\##(rows.joined(separator: ","))]}]}"##
      let http = try cluster.http()
      let created = try http.request(
        "POST", "/v1/events", #"{"id":"big","name":"B","plan":\#(plan),"prices":{"A":100}}"#)
      #expect(created.status == 201 && created.json["free"] as? Int == 30_000, "\(created.text.prefix(300))")
      let held = try http.request("POST", "/v1/reserve", #"{"event":"big","buyer":"b","seats":["R149-199"]}"#)
      #expect(held.status == 200 && held.json["total"] as? Int == 100, "\(held.text)")
      let plans = try http.request("GET", "/v1/events/big/plan")
      #expect(plans.text.contains(#""label":"R149-199""#))
      for _ in 0..<3 {
        let seats = try http.request("GET", "/v1/events/big/seats")
        #expect(seats.status == 200)
        #expect(seats.text.hasSuffix(#".h"}]}]}"#), "\(seats.text.suffix(40))")
      }
    }
  }

  /// The request outlasts whatever other tests keep the pool's threads busy with.
  @Test func aStoppedRouterFinishesWhatWasAsked() async throws {
    try await TestCluster.with(configure: { $0.failoverWait = 20_000 }) { cluster in
      let http = try cluster.http()
      #expect(try http.request("POST", "/v1/events", FailoverTests.event).status == 201)
      await cluster.nodes[0].sync { $0.resign([0, 1, 2, 3]) }
      let waiting = try cluster.http()
      waiting.write("POST", "/v1/reserve", ##"{"event":"arena","buyer":"b","seats":["#1"]}"##)
      try await Task.sleep(for: .milliseconds(100))
      async let stopped: Void = cluster.router.stop(grace: .seconds(20))
      try await Task.sleep(for: .milliseconds(100))
      await cluster.nodes[0].sync { $0.become(primaryOf: [0, 1, 2, 3]) }
      let response = try waiting.response()
      #expect(response.status == 200, "\(response.text)")
      #expect(try waiting.isAtEnd())
      await stopped
      #expect(throws: TestError.self) { _ = try cluster.http() }
    }
  }
}
