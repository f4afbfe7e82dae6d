import Foundation
import Proto
import Router
import Testing

/// The doors in front of real inventories: what each call answers.
@Suite struct DoorTests {
  static let arena = """
    {"id":"arena","name":"Arena","hold_ttl":600,"sections":[{"name":"Stalls","rows":3,"seats_per_row":10,"price":4500},
    {"name":"Box","rows":1,"seats_per_row":4}],"areas":[{"name":"Floor","capacity":5,"price":3500}],"max_per_order":8}
    """

  @Test func oneSeatFromBothDoors() async throws {
    try await TestCluster.with { cluster in
      let http = try cluster.http()
      let created = try http.request("POST", "/v1/events", Self.arena)
      #expect(created.status == 201, "\(created.text)")
      #expect(created.headers["location"] == "/v1/events/arena")
      #expect(created.json["free"] as? Int == 35)
      #expect(created.json["not_for_sale"] as? Int == 4)
      let held = try http.request(
        "POST", "/v1/reserve", ##"{"event":"arena","buyer":"ann","seats":["Stalls-A-1","#1"],"areas":{"Floor":2}}"##)
      #expect(held.status == 200, "\(held.text)")
      #expect(held.json["seats"] as? [String] == ["Stalls-A-1", "Stalls-A-2"])
      #expect(held.json["total"] as? Int == 2 * 4500 + 2 * 3500)
      #expect(held.json["areas"] as? [String: Int] == ["Floor": 2])
      let taken = try http.request(
        "POST", "/v1/reserve", ##"{"event":"arena","buyer":"bob","seats":["Stalls-A-3","#000","Stalls-A-2"]}"##)
      #expect(taken.status == 409)
      #expect(taken.code == "seats_taken")
      #expect(taken.json["seats"] as? [String] == ["#000", "Stalls-A-2"])
      #expect(taken.headers["content-type"] == "application/problem+json")

      let resp = try cluster.resp()
      #expect(try resp.call("HOLD", "arena", "bob", "60", "Stalls-A-1") == .error("TAKEN Stalls-A-1"))
      guard case .array(let parts) = try resp.call("HOLD", "arena", "bob", "60", "Stalls-A-3") else {
        Issue.record("no array")
        return
      }
      #expect(parts.count == 4)
      #expect(parts[2] == .integer(4500))
      #expect(try resp.call("SEAT", "arena", "Stalls-A-3") == .bulk("held"))
      #expect(try resp.call("SEAT", "arena", "Box-A-1") == .bulk("closed"))
      #expect(try resp.call("SEAT", "arena", "Nowhere") == .error("NOSEAT Nowhere"))
    }
  }
}
