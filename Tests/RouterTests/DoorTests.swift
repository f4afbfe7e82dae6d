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

  /// One seat alone takes the hot path, in whatever words; so do places of one area at the RESP door.
  @Test func oneSeatInAllSpellings() async throws {
    try await TestCluster.with { cluster in
      let http = try cluster.http()
      let event = ##"""
        {"id":"names","name":"n","sections":[{"name":"É \"Q\" \\","rows":2,"seats_per_row":10,"price":4500}],
        "areas":[{"name":"Floor","capacity":3,"price":3500}],"max_per_order":2}
        """##
      #expect(try http.request("POST", "/v1/events", event).status == 201)
      let section = ##"É "Q" \"##
      // Plain, with escapes, with space around everything, by number.
      let spellings = [
        ##"{"event":"names","buyer":"ann","seats":["É \"Q\" \\-A-1"]}"##,
        ##"{"seats" : [ "#1" ] , "ttl" : 60, "buyer":"ann", "event":"names" }"##,
        ##"{"event":"n\u0061mes","buyer":"\u0061nn","seats":["#0002"]}"##,
        ##"{"event":"names","buyer":"ann","seats":["#3"],"areas":null,"best":null,"ttl":null}"##,
      ]
      for (place, body) in spellings.enumerated() {
        let held = try http.request("POST", "/v1/reserve", body)
        #expect(held.status == 200, "\(held.text)")
        #expect(held.json["seats"] as? [String] == ["\(section)-A-\(place + 1)"])
        #expect(held.json["buyer"] as? String == "ann")
        #expect(held.json["event"] as? String == "names")
        #expect(held.json["total"] as? Int == 4500)
        #expect(held.json["areas"] as? [String: Int] == [:])
        #expect(held.json.count == 9, "\(held.text)")
        let hold = try #require(held.json["hold"] as? String)
        let read = try http.request("GET", "/v1/holds/\(hold)")
        #expect(read.json["expires_at"] as? String == held.json["expires_at"] as? String)
        #expect(read.json["total"] as? Int == 4500)
      }
      let taken = try http.request("POST", "/v1/reserve", ##"{"event":"names","buyer":"bob","seats":["#00"]}"##)
      #expect(taken.code == "seats_taken" && taken.json["seats"] as? [String] == ["#00"])
      let bad: [(String, String)] = [
        (##"{"event":"names","buyer":"","seats":["#5"]}"##, "invalid_buyer"),
        (##"{"event":"names","buyer":"bob","seats":["#99"]}"##, "invalid_seats"),
        (##"{"event":"names","buyer":"bob","seats":["#5"],"seats":["#6"]}"##, "invalid_json"),
        (##"{"event":"names","buyer":"bob","seats":["#5"],"sets":1}"##, "invalid_field"),
        (##"{"event":"names","buyer":"bob","seats":["#5"],"ttl":0}"##, "invalid_ttl"),
        (##"{"event":"names","buyer":"bob","seats":["#5"]}x"##, "invalid_json"),
        (##"{"event":"nowhere","buyer":"bob","seats":["#5"]}"##, "no_such_event"),
      ]
      for (body, code) in bad { #expect(try http.request("POST", "/v1/reserve", body).code == code, "\(body)") }

      // The same key, the same hold; another command under it is refused.
      let keyed = ["Idempotency-Key": "k1"]
      let body = ##"{"event":"names","buyer":"ann","seats":["#7"]}"##
      let first = try http.request("POST", "/v1/reserve", body, headers: keyed)
      let second = try http.request("POST", "/v1/reserve", body, headers: keyed)
      #expect(first.status == 200 && first.json["hold"] as? String == second.json["hold"] as? String)
      let other = try http.request(
        "POST", "/v1/reserve", ##"{"event":"names","buyer":"ann","seats":["#8"]}"##, headers: keyed)
      #expect(other.code == "idempotency_key_reused")

      let resp = try cluster.resp()
      guard case .array(let parts) = try resp.call("HOLD.AREA", "names", "bob", "60", "Floor", "2", "KEY", "k2") else {
        Issue.record("no array")
        return
      }
      #expect(parts.count == 4 && parts[2] == .integer(7000))
      #expect(try resp.call("HOLD.AREA", "names", "bob", "60", "Floor", "2", "KEY", "k2") == .array(parts))
      #expect(try resp.call("HOLD.AREA", "names", "bob", "60", "Floor", "2") == .error("SOLDOUT Floor"))
      #expect(try resp.call("HOLD.AREA", "names", "bob", "60", "Floor", "3") == .error("LIMIT max_per_order 2"))
      guard case .error(let unknown) = try resp.call("HOLD.AREA", "names", "bob", "60", "Roof", "1") else {
        Issue.record("no error")
        return
      }
      #expect(!unknown.description.hasPrefix("SOLDOUT"))
    }
  }
}
