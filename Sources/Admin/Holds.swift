internal import ClusterMap
internal import Flags

/// `holdfast hold`.
let holdCommand = AdminCommand(
  CommandSpec(
    name: "holdfast hold", summary: "Holds seats, places or the best seats of an event for a buyer.",
    arguments: ["EVENT", "[SEAT…]"],
    flags: [
      FlagSpec("buyer", "NAME", default: "cli", "for whom"),
      FlagSpec("ttl", "SECONDS", "how long; else as the event says"),
      FlagSpec("area", "NAME=COUNT", repeats: true, "places of an area"),
      FlagSpec("best", "COUNT", "the best seats that are left, side by side if there are such"),
      FlagSpec("category", "NAME", "with --best: of this category only"),
      FlagSpec("key", "KEY", "idempotency key: a retry with it gets the same answer"), .json, .http, .tls, .ca, .data,
      .coordinator,
    ],
    notes: "holdfast hold arena 101-A-1 101-A-2 --buyer ann")
) { run async throws(AdminError) in
  let seats = run.flags.arguments.dropFirst()
  var body: [JSONValue.Member] = [
    .init("event", .text(run.flags.arguments[0])), .init("buyer", .text(run.flags.text("buyer") ?? "cli")),
  ]
  if !seats.isEmpty { body.append(.init("seats", .array(seats.map(JSONValue.text)))) }
  let areas = try run.flags.all("area").map { text throws(AdminError) in
    guard let place = text.lastIndex(of: "="), let count = Int(text[text.index(after: place)...]) else {
      throw .usage("--area: \"\(text)\" is not of the form NAME=COUNT")
    }
    return JSONValue.Member(String(text[..<place]), .number(count))
  }
  if !areas.isEmpty { body.append(.init("areas", .object(areas))) }
  if let count = try checked({ () throws(UsageError) in try run.flags.number("best", in: 1...10_000_000) }) {
    let category = run.flags.text("category").map { [JSONValue.Member("category", .text($0))] } ?? []
    body.append(.init("best", .object([.init("count", .number(count))] + category)))
  } else if run.flags.has("category") {
    throw .usage("--category goes with --best only")
  }
  if let ttl = try checked({ () throws(UsageError) in try run.flags.number("ttl", in: 1...86_400) }) {
    body.append(.init("ttl", .number(ttl)))
  }
  guard body.count > (run.flags.has("ttl") ? 3 : 2) else { throw .usage("name seats, --area or --best") }
  let key = run.flags.text("key").map { [("Idempotency-Key", $0)] } ?? []
  let hold = try await run.successful(
    "POST", "/v1/reserve", body: Array(JSONValue.object(body).compact.utf8), headers: key)
  if run.wantsJSON {
    run.console.line(hold.compact)
  } else {
    let seats = hold["seats"]?.items?.compactMap(\.text) ?? []
    let areas = hold["areas"]?.members?.map { "\($0.name)=\($0.value.integer(Int.self) ?? 0)" } ?? []
    run.console.line("\(hold["hold"]?.text ?? "?")  \((seats + areas).joined(separator: " "))")
    run.console.line(
      "total \(hold["total"]?.integer(Int64.self) ?? 0) \(hold["currency"]?.text ?? ""), until \(hold["expires_at"]?.text ?? "?")"
    )
  }
}

/// `holdfast release`.
let releaseCommand = AdminCommand(
  CommandSpec(
    name: "holdfast release", summary: "Gives a hold's seats and places back.", arguments: ["HOLD"],
    flags: [FlagSpec("key", "KEY", "idempotency key"), .json, .http, .tls, .ca, .data, .coordinator])
) { run async throws(AdminError) in
  let key = run.flags.text("key").map { [("Idempotency-Key", $0)] } ?? []
  _ = try await run.successful("DELETE", "/v1/holds/" + percentEncoded(run.flags.arguments[0]), headers: key)
  if run.wantsJSON {
    run.console.line(JSONValue.object([.init("released", .text(run.flags.arguments[0]))]).compact)
  } else {
    run.console.line("released")
  }
}
