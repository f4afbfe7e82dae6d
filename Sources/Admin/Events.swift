internal import ClusterMap
internal import Flags
internal import Octets
internal import Plan
internal import Proto

private let eventFields: [FlagSpec] = [
  FlagSpec("name", "TEXT", "what people call it (default: the id)"),
  FlagSpec("venue", "TEXT", "where"),
  FlagSpec("starts-at", "TIME", "RFC 3339, such as 2026-12-24T20:00:00Z"),
  FlagSpec("on-sale-at", "TIME", "holds are refused before; else on sale at once"),
  FlagSpec("currency", "CODE", "ISO 4217, EUR unless given"),
  FlagSpec("hold-ttl", "SECONDS", "how long a hold lives"),
  FlagSpec("max-hold-ttl", "SECONDS", "the longest that a caller may ask for; hold-ttl unless given"),
  FlagSpec("payment-ttl", "SECONDS", "how long an order waits for its payment"),
  FlagSpec("max-per-order", "N", "seats and places in one hold"),
  FlagSpec("max-per-buyer", "N", "seats and places of one buyer"),
  FlagSpec("area", "NAME=CAPACITY:PRICE", repeats: true, "general admission; price in minor units"),
]

let eventCommands: [AdminCommand] = [
  AdminCommand(
    CommandSpec(
      name: "holdfast event create",
      summary: "Creates an event from sections and areas, or from a file as the HTTP API takes it.",
      arguments: ["[ID]"],
      flags: eventFields + [
        FlagSpec(
          "section", "NAME=ROWSxSEATS:PRICE", repeats: true, "rows A, B, … of so many seats each; price in minor units"),
        FlagSpec("file", "FILE", "the whole event as JSON; no other field goes with it"), .json, .http, .tls, .ca,
        .data,
        .coordinator,
      ],
      notes: "holdfast event create gala --section Stalls=20x30:4500 --area Floor=5000:3500")
  ) { run async throws(AdminError) in
    let body: [UInt8]
    let file = run.flags.text("file")
    if let file {
      guard let text = readFile(file) else { throw .refused("\(file) cannot be read") }
      body = text
    } else {
      guard let id = run.flags.arguments.first else { throw .usage("ID is missing") }
      var event = try eventObject(id, run.flags)
      let sections = try run.flags.all("section").map { text throws(AdminError) in try sectionObject(text) }
      if !sections.isEmpty { event.append(.init("sections", .array(sections))) }
      body = Array(JSONValue.object(event).compact.utf8)
    }
    try await create(body, run, file: file)
  },
  AdminCommand(
    CommandSpec(
      name: "holdfast event import", summary: "Creates an event from a seating plan in pretix's format.",
      arguments: ["FILE"],
      flags: [
        FlagSpec("id", "ID", "the event's id"),
        FlagSpec("price", "CATEGORY=PRICE", repeats: true, "minor units; a category without is not for sale"),
      ]
        + eventFields + [.json, .http, .tls, .ca, .data, .coordinator],
      notes: "holdfast event import arena.json --id arena --price VIP=14900 --price Gold=9900 --area Floor=3000:5900")
  ) { run async throws(AdminError) in
    guard let id = run.flags.text("id") else { throw .usage("--id is missing") }
    let file = run.flags.arguments[0]
    guard let text = readFile(file) else { throw .refused("\(file) cannot be read") }
    var event = try eventObject(id, run.flags)
    let prices = try run.flags.all("price").map { text throws(AdminError) in
      guard let (name, price) = split(text, "="), Int64(price) != nil else {
        throw .usage("--price: \"\(text)\" is not of the form CATEGORY=PRICE, the price in minor units")
      }
      return JSONValue.Member(name, .number(price))
    }
    try checkPlan(text, file, prices: prices.map(\.name))
    if !prices.isEmpty { event.append(.init("prices", .object(prices))) }
    try await create(bodyWithPlan(event, text), run)
  },
  AdminCommand(
    CommandSpec(
      name: "holdfast event list", summary: "Lists all events, by id.",
      flags: [.json, .http, .tls, .ca, .data, .coordinator])
  ) { run async throws(AdminError) in
    var events: [JSONValue] = []
    var cursor: String?
    repeat {
      let page = try await run.successful(
        "GET", "/v1/events?limit=1000" + (cursor.map { "&cursor=" + percentEncoded($0) } ?? ""))
      events += page["events"]?.items ?? []
      cursor = page["next_cursor"]?.text
    } while cursor != nil
    if run.wantsJSON {
      run.console.line(JSONValue.object([.init("events", .array(events))]).compact)
    } else {
      run.console.out(
        table(
          [["EVENT", "NAME", "VENUE", "STARTS"]]
            + events.map { event in
              [event["id"]?.text ?? "?"] + ["name", "venue", "starts_at"].map { event[$0]?.text ?? "" }
            }))
    }
  },
  AdminCommand(
    CommandSpec(
      name: "holdfast event show", summary: "Shows an event and what of it is left.", arguments: ["ID"],
      flags: [.json, .http, .tls, .ca, .data, .coordinator])
  ) { run async throws(AdminError) in
    let path = "/v1/events/" + percentEncoded(run.flags.arguments[0])
    let event = try await run.successful("GET", path)
    let availability = try await run.successful("GET", path + "/availability?read=strong")
    if run.wantsJSON {
      run.console.line(JSONValue.object([.init("event", event), .init("availability", availability)]).compact)
    } else {
      run.console.out(eventText(event, availability))
    }
  },
  AdminCommand(
    CommandSpec(
      name: "holdfast event shard", summary: "Says which shard an event lives on, whether it exists or not.",
      arguments: ["ID"],
      flags: [.json, .data, .coordinator])
  ) { run async throws(AdminError) in
    let id = Bytes(run.flags.arguments[0])
    let coordinator = try run.coordinator()
    let shard = ShardID.owning(event: id.rawSpan, shardCount: try await birth(coordinator).shardCount)
    coordinator.close()
    if run.wantsJSON {
      run.console.line(
        JSONValue.object([.init("event", .text(id.description)), .init("shard", .number(shard.rawValue))]).compact)
    } else {
      run.console.line("event \(id) lives on shard \(shard.rawValue)")
    }
  },
]

private func create(_ body: [UInt8], _ run: Invocation, file: String? = nil) async throws(AdminError) {
  let event = try await run.successful("POST", "/v1/events", body: body, file: file)
  for warning in event["warnings"]?.items ?? [] { run.console.note("warning: \(warning.text ?? "")") }
  if run.wantsJSON {
    run.console.line(event.compact)
  } else {
    run.console.line("created \(event["id"]?.text ?? "?")")
  }
}

/// The fields that both ways of creating share.
func eventObject(_ id: String, _ flags: ParsedFlags) throws(AdminError) -> [JSONValue.Member] {
  var event: [JSONValue.Member] = [.init("id", .text(id)), .init("name", .text(flags.text("name") ?? id))]
  for name in ["venue", "starts-at", "on-sale-at", "currency"] {
    if let text = flags.text(name) { event.append(.init(apiName(name), .text(text))) }
  }
  for name in ["hold-ttl", "max-hold-ttl", "payment-ttl", "max-per-order", "max-per-buyer"] {
    if let number = try checked({ () throws(UsageError) in try flags.number(name, in: 1...Int(UInt32.max)) }) {
      event.append(.init(apiName(name), .number(number)))
    }
  }
  let areas = try flags.all("area").map { text throws(AdminError) in try areaObject(text) }
  if !areas.isEmpty { event.append(.init("areas", .array(areas))) }
  return event
}

/// `max_per_order` of `max-per-order`.
func apiName(_ flag: String) -> String { String(flag.map { $0 == "-" ? "_" : $0 }) }

/// Splits at the last `separator`, so that names may hold it.
func split(_ text: String, _ separator: Character) -> (String, String)? {
  guard let place = text.lastIndex(of: separator), place > text.startIndex else { return nil }
  return (String(text[..<place]), String(text[text.index(after: place)...]))
}

private func areaObject(_ text: String) throws(AdminError) -> JSONValue {
  guard let (name, rest) = split(text, "="), let (capacity, price) = split(rest, ":"), Int(capacity) != nil,
    Int64(price) != nil
  else {
    throw .usage("--area: \"\(text)\" is not of the form NAME=CAPACITY:PRICE")
  }
  return .object([.init("name", .text(name)), .init("capacity", .number(capacity)), .init("price", .number(price))])
}

private func sectionObject(_ text: String) throws(AdminError) -> JSONValue {
  guard let (name, rest) = split(text, "="), let (size, price) = split(rest, ":"), let (rows, seats) = split(size, "x"),
    Int(rows) != nil, Int(seats) != nil, Int64(price) != nil
  else { throw .usage("--section: \"\(text)\" is not of the form NAME=ROWSxSEATS:PRICE") }
  return .object([
    .init("name", .text(name)), .init("rows", .number(rows)), .init("seats_per_row", .number(seats)),
    .init("price", .number(price)),
  ])
}

private func eventText(_ event: JSONValue, _ availability: JSONValue) -> String {
  func number(_ value: JSONValue?) -> String { value.flatMap { $0.integer(Int64.self) }.map { String($0) } ?? "-" }
  var out = "\(event["id"]?.text ?? "?")  \(event["name"]?.text ?? "")\n"
  for name in ["venue", "starts_at", "on_sale_at", "currency"] {
    if let text = event[name]?.text { out += "  \(name): \(text)\n" }
  }
  out += "\n"
  var rows = [["", "TOTAL", "FREE", "HELD", "SOLD", "NOT FOR SALE", "PRICE"]]
  func add(_ name: String, _ counts: JSONValue) {
    rows.append([name] + ["total", "free", "held", "sold", "not_for_sale", "price"].map { number(counts[$0]) })
  }
  add("all", availability)
  for kind in ["categories", "areas"] {
    for member in availability[kind]?.members ?? [] { add(member.name, member.value) }
  }
  return out + table(rows)
}
