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
      let served = try http.request("GET", "/openapi.json")
      #expect(served.text == OpenAPI.document)
    }
  }
}
