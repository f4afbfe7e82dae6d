extension OpenAPI {
  /// One call of the HTTP door.
  struct Operation {
    let route: Route
    let summary: String
    /// Names in `OpenAPI.parameters`.
    let parameters: [String]
    /// The body's schema; nil: the call takes none.
    let body: String?
    let success: Success
    /// What the call refuses beside what every call may answer, by status.
    let refusals: KeyValuePairs<Int, String>

    init(
      _ route: Route, _ summary: String, parameters: [String] = [], body: String? = nil, success: Success,
      refusals: KeyValuePairs<Int, String> = [:]
    ) {
      (self.route, self.summary, self.parameters) = (route, summary, parameters)
      (self.body, self.success, self.refusals) = (body, success, refusals)
    }

    /// `"get":{…}`, a member of the path's item.
    var item: String {
      var members = ["\"operationId\":\(quoted("\(route)"))", "\"summary\":\(quoted(summary))"]
      if !parameters.isEmpty {
        let references = parameters.map { reference("parameters", $0) }
        members.append("\"parameters\":[\(references.joined(separator: ","))]")
      }
      if let body {
        members.append("\"requestBody\":{\"required\":true,\"content\":\(content("application/json", body))}")
      }
      members.append("\"responses\":{\(responses.joined(separator: ","))}")
      return "\(quoted(route.method.name.description.lowercased())):{\(members.joined(separator: ","))}"
    }

    private var responses: [String] {
      var all = [(success.status, success.response)]
      all += refusals.map { ($0.key, refusal($0.value)) }
      all += common.map { ($0.key, reference("responses", $0.value.name)) }
      if parameters.contains("tag") { all.append((304, reference("responses", "NotModified"))) }
      return all.sorted { $0.0 < $1.0 }.map { "\"\($0.0)\":\($0.1)" }
    }
  }

  /// What a call answers when it says yes.
  struct Success {
    let status: Int
    let meaning: String
    /// The body's schema; nil: no body.
    let schema: String?
    let type: String
    /// Names in `OpenAPI.headers`.
    let headers: [String]

    init(
      _ status: Int, _ meaning: String, _ schema: String? = nil, type: String = "application/json",
      headers: [String] = []
    ) {
      (self.status, self.meaning, self.schema, self.type, self.headers) = (status, meaning, schema, type, headers)
    }

    var response: String {
      var members = ["\"description\":\(quoted(meaning))"]
      if let schema { members.append("\"content\":\(content(type, schema))") }
      if !headers.isEmpty {
        let references = headers.map { "\(quoted($0)):\(reference("headers", $0))" }
        members.append("\"headers\":{\(references.joined(separator: ","))}")
      }
      return "{\(members.joined(separator: ","))}"
    }
  }

  private static func content(_ type: String, _ schema: String) -> String {
    "{\(quoted(type)):{\"schema\":\(reference("schemas", schema))}}"
  }
}

extension OpenAPI {
  private static let holdExpired = "`hold_expired`: it ended, or was released."
  private static var orderRefusals: KeyValuePairs<Int, String> { [409: "`order_state`.", 410: "`order_expired`."] }

  static let operations = [
    Operation(
      .listEvents, "Events by id.", parameters: ["limit", "cursor"],
      success: Success(200, "A page of events.", "EventList")),
    Operation(
      .createEvent, "Create an event.", parameters: ["key"], body: "NewEvent",
      success: Success(201, "Created.", "Event", headers: ["Location", "ETag"]), refusals: [409: "`event_exists`."]),
    Operation(
      .event, "One event without its plan.", parameters: ["event", "tag"],
      success: Success(200, "The event.", "Event", headers: ["ETag"])),
    Operation(
      .plan, "An event's plan, which never changes.", parameters: ["event", "tag"],
      success: Success(200, "The plan, in the short form or with every seat.", "Plan", headers: ["ETag"])),
    Operation(
      .seats, "Every seat's state.", parameters: ["event", "read", "tag"],
      success: Success(200, "The seat map.", "Seats", headers: ["ETag", "Age"])),
    Operation(
      .availability, "How many seats and places are in which state.", parameters: ["event", "read", "tag"],
      success: Success(200, "The counts.", "Availability", headers: ["ETag", "Age"])),
    Operation(
      .reserve, "Hold seats and places, all or nothing.", parameters: ["key"], body: "Reserve",
      success: Success(200, "The hold.", "Hold"),
      refusals: [
        409: "`not_on_sale`, `limit_exceeded`, `seats_taken` (with `seats`: every lost one), `sold_out`."
      ]),
    Operation(
      .hold, "A hold as it stands.", parameters: ["hold"],
      success: Success(200, "The hold, with its order once checked out.", "Hold"), refusals: [410: holdExpired]),
    Operation(
      .release, "Give a hold up.", parameters: ["hold", "key"], success: Success(204, "Released."),
      refusals: [409: "`checked_out` with `order`.", 410: holdExpired]),
    Operation(
      .extend, "Keep a hold longer.", parameters: ["hold", "key"], body: "Extend",
      success: Success(200, "The hold.", "Hold"),
      refusals: [409: "`checked_out`, or `limit_exceeded` past three times its first length.", 410: holdExpired]),
    Operation(
      .checkout, "Make an order of a hold.", parameters: ["key"], body: "Checkout",
      success: Success(202, "The order, pending payment.", "Order", headers: ["Location"]),
      refusals: [410: holdExpired]),
    Operation(
      .order, "An order, whatever its status.", parameters: ["order"], success: Success(200, "The order.", "Order")),
    Operation(
      .confirm, "Confirm a paid order: its seats are sold.", parameters: ["order", "key"],
      success: Success(200, "The order.", "Order"), refusals: orderRefusals),
    Operation(
      .cancel, "Cancel an order: its seats are on sale again.", parameters: ["order", "key"],
      success: Success(200, "The order.", "Order"), refusals: orderRefusals),
    Operation(.healthz, "Is the process alive?", success: Success(200, "It is.", "Health")),
    Operation(.readyz, "Can every shard be reached?", success: Success(200, "Yes.", "Health")),
    Operation(
      .metrics, "Counters for Prometheus.",
      success: Success(200, "Prometheus' text format.", "Metrics", type: "text/plain")),
    Operation(.openapi, "This document.", success: Success(200, "OpenAPI 3.1.", "Description")),
  ]
}
