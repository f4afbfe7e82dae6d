import Foundation
import Router
import RouterCore
import Testing

/// The description that the router serves says what the code does: every route and method, every query parameter, every
/// field of every body.
@Suite struct OpenAPITests {
  private let document: [String: Any]

  init() throws {
    let data = Data(OpenAPI.document.utf8)
    document = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  private func object(_ path: String...) -> [String: Any] {
    var value: Any? = document
    for key in path { value = (value as? [String: Any])?[key] }
    return value as? [String: Any] ?? [:]
  }

  @Test func everyRouteIsDescribedAndNothingElse() {
    var described: Set<String> = []
    for (path, item) in object("paths") {
      for method in (item as? [String: Any] ?? [:]).keys { described.insert(method.uppercased() + " " + path) }
    }
    let routed = Set(OperationTable.all.compactMap { row in row.path.map { "\(row.method ?? "") \($0)" } })
    #expect(described == routed)
  }

  @Test func everyQueryParameterIsDescribed() throws {
    for route in OperationTable.all {
      guard let path = route.path, let method = route.method else { continue }
      let operation = object("paths", path, method.lowercased())
      let references = (operation["parameters"] as? [[String: String]] ?? []).compactMap { $0["$ref"] }
      let parameters = references.map { object("components", "parameters", String($0.split(separator: "/").last!)) }
      let query = parameters.filter { $0["in"] as? String == "query" }.compactMap { $0["name"] as? String }
      #expect(Set(query) == Set(route.parameters), "\(method) \(path)")
      let inPath = parameters.filter { $0["in"] as? String == "path" }.compactMap { $0["name"] as? String }
      for name in inPath { #expect(path.contains("{\(name)}")) }
      #expect(inPath.count == path.filter { $0 == "{" }.count, "\(path)")
      #expect((operation["requestBody"] != nil) == (route.body != nil), "\(method) \(path)")
    }
  }

  @Test func everyFieldOfEveryBodyIsDescribed() throws {
    for (name, fields, named) in OperationTable.bodyFields {
      #expect(Set(object("components", "schemas", name, "properties").keys) == Set(fields), "\(name)")
      #expect(fields == named, "\(name): the reader, and the table of operations")
    }
  }

  /// The reader of events knows each described field, and a field that is not described is refused with its name.
  @Test func everyFieldOfAnEventIsDescribed() async throws {
    try await TestCluster.with { cluster in
      let http = try cluster.http()
      for (schema, path) in [("NewEvent", ""), ("NewSection", "sections"), ("NewArea", "areas")] {
        for field in object("components", "schemas", schema, "properties").keys.sorted() + ["undescribed"] {
          let inner = "{\"\(field)\":[[]]}"
          let response = try http.request(
            "POST", "/v1/events", path.isEmpty ? inner : "{\"name\":\"x\",\"\(path)\":[\(inner)]}")
          #expect(response.status == 422, "\(field): \(response.text)")
          #expect(response.text.contains("no such field") == (field == "undescribed"), "\(field): \(response.text)")
        }
      }
    }
  }

  @Test func everyReferenceLeadsSomewhere() throws {
    var references: Set<String> = []
    func collect(_ value: Any) {
      if let object = value as? [String: Any] {
        for (key, inner) in object {
          if key == "$ref", let text = inner as? String { references.insert(text) } else { collect(inner) }
        }
      } else if let array = value as? [Any] {
        for inner in array { collect(inner) }
      }
    }
    collect(document)
    #expect(references.count > 20)
    for reference in references {
      var value: Any? = document
      for key in reference.dropFirst(2).split(separator: "/") { value = (value as? [String: Any])?[String(key)] }
      #expect(value != nil, "\(reference)")
    }
  }

  /// What the doors answer has exactly the described fields.
  @Test func answersHaveTheDescribedFields() async throws {
    try await TestCluster.with { cluster in
      let http = try cluster.http()
      func check(_ response: TestResponse, _ schema: String, without absent: Set<String> = []) {
        let described = Set(object("components", "schemas", schema, "properties").keys)
        #expect(Set(response.json.keys) == described.subtracting(absent), "\(schema): \(response.text)")
      }
      check(try http.request("POST", "/v1/events", DoorTests.arena), "Event")
      check(try http.request("GET", "/v1/events/arena"), "Event", without: ["warnings"])
      check(try http.request("GET", "/v1/events"), "EventList")
      check(try http.request("GET", "/v1/events/arena/seats"), "Seats")
      check(try http.request("GET", "/v1/events/arena/availability"), "Availability")
      let held = try http.request("POST", "/v1/reserve", #"{"event":"arena","buyer":"a","seats":["Stalls-A-1"]}"#)
      check(held, "Hold", without: ["order", "status"])
      let hold = try #require(held.json["hold"] as? String)
      let order = try http.request("POST", "/v1/checkout", "{\"hold\":\"\(hold)\"}")
      check(order, "Order")
      check(try http.request("GET", "/v1/holds/\(hold)"), "Hold")
      let taken = try http.request("POST", "/v1/reserve", #"{"event":"arena","buyer":"a","seats":["Stalls-A-1"]}"#)
      #expect(Set(taken.json.keys).isSubset(of: Set(object("components", "schemas", "Problem", "properties").keys)))
      _ = try http.request("PATCH", "/v1/events/arena", #"{"waiting_room":{"max_inside":3}}"#)
      let event = try http.request("GET", "/v1/events/arena")
      let room = event.json["waiting_room"] as? [String: Any] ?? [:]
      #expect(Set(room.keys) == Set(object("components", "schemas", "WaitingRoom", "properties").keys))
      check(try http.request("GET", "/v1/events/arena/queue"), "Queue")
      check(try http.request("POST", "/v1/events/arena/queue", #"{"buyer":"a"}"#), "Place")
      let served = try http.request("GET", "/openapi.json")
      #expect(served.text == OpenAPI.document)
    }
  }

  /// Every example of the description is sent as it stands, to a router that had nothing before, and succeeds. Ids of
  /// holds and orders in it stand for those that the calls before have given.
  @Test func everyExampleSucceeds() async throws {
    try await TestCluster.with { cluster in
      let http = try cluster.http()
      var ids: [String: String] = [:]
      var sent = 0
      func send(_ method: String, _ path: String, _ body: String?, _ operation: [String: Any]) throws {
        var (path, body) = (path, body)
        for (name, id) in ids {
          path = path.replacingOccurrences(of: "{\(name)}", with: id)
          guard let example = OperationTable.exampleIDs[name] else { continue }
          body = body?.replacingOccurrences(of: example, with: id)
        }
        let response = try http.request(method, path, body)
        let expected = (operation["responses"] as? [String: Any] ?? [:]).keys.filter { $0.hasPrefix("2") }
        #expect(expected == ["\(response.status)"], "\(method) \(path) \(body ?? ""): \(response.text)")
        for name in ["hold", "order", "place"] { if let id = response.json[name] as? String { ids[name] = id } }
        sent += 1
      }
      ids["event"] = OperationTable.exampleIDs["event"]
      // As a sale goes; a hold of its own for what ends holds.
      let order = [
        "createEvent", "setEvent", "blockSeats", "listEvents", "event", "plan", "seats", "availability", "reserve",
        "hold", "extend", "listHolds", "checkout", "order", "confirm", "listOrders", "cancel", "joinQueue",
        "queue", "controlQueue", "place", "leavePlace", "root", "healthz", "readyz", "metrics", "openapi", "passKeys",
        "release", "deleteEvent",
      ]
      let rows = OperationTable.all.filter { $0.path != nil }
      #expect(Set(rows.map(\.name)) == Set(order))
      for name in order {
        let row = try #require(rows.first { $0.name == name })
        let method = row.method ?? ""
        let operation = object("paths", row.path ?? "", method.lowercased())
        #expect((operation["description"] as? String ?? "").count > 20, "\(name)")
        if name == "release" {
          let held = #"{"event":"gala","buyer":"ann","seats":["Stalls-B-1"]}"#
          ids["hold"] = try http.request("POST", "/v1/reserve", held).json["hold"] as? String
        }
        // The gala has a room for a while.
        if name == "joinQueue" { _ = try http.request("PATCH", "/v1/events/gala", #"{"waiting_room":{}}"#) }
        if name == "root" { _ = try http.request("PATCH", "/v1/events/gala", #"{"waiting_room":null}"#) }
        var query: [String] = []
        for reference in (operation["parameters"] as? [[String: String]] ?? []).compactMap({ $0["$ref"] }) {
          let parameter = object("components", "parameters", String(reference.split(separator: "/").last ?? ""))
          guard parameter["in"] as? String == "query", let example = parameter["example"] else { continue }
          query.append("\(parameter["name"] ?? "")=\(example)")
        }
        let path = (row.path ?? "") + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
        let content = (operation["requestBody"] as? [String: Any])?["content"] as? [String: Any]
        let json = content?["application/json"] as? [String: Any]
        let examples = json?["examples"] as? [String: Any] ?? [:]
        #expect(examples.isEmpty == (row.body == nil), "\(name)")
        if name == "deleteEvent" { try send(method, path + "?force=true", nil, operation) }
        if row.body == nil, name != "deleteEvent" { try send(method, path, nil, operation) }
        // A block is put back after it was made.
        for (_, example) in examples.sorted(by: { $0.key > $1.key }) {
          let value = try #require((example as? [String: Any])?["value"])
          let body = try JSONSerialization.data(withJSONObject: value, options: .withoutEscapingSlashes)
          try send(method, path, String(decoding: body, as: UTF8.self), operation)
        }
      }
      #expect(sent > 24)
    }
  }

  /// From each call that makes or finds something a link leads to each call that takes its id.
  @Test func linksLeadOn() {
    func links(_ path: String, _ method: String) -> Set<String> {
      var all: Set<String> = []
      for (_, response) in object("paths", path, method, "responses") {
        for (name, link) in (response as? [String: Any])?["links"] as? [String: Any] ?? [:] {
          let link = link as? [String: Any] ?? [:]
          #expect(link["operationId"] as? String == name)
          #expect(link["parameters"] != nil || "\(link["requestBody"] ?? "")".contains("$response.body#/"), "\(name)")
          all.insert(name)
        }
      }
      return all
    }
    let onEvents: Set = [
      "setEvent", "blockSeats", "deleteEvent", "event", "plan", "seats", "availability", "listOrders", "listHolds",
      "reserve", "joinQueue", "queue", "controlQueue",
    ]
    #expect(links("/v1/events", "post") == onEvents)
    #expect(links("/v1/reserve", "post") == ["hold", "release", "extend", "checkout"])
    #expect(links("/v1/events/{event}/queue", "post") == ["place", "leavePlace"])
    #expect(links("/v1/checkout", "post") == ["order", "confirm", "cancel"])
  }
}
