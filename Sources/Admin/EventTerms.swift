internal import ClusterMap
internal import Flags

private let termFlags: [FlagSpec] = [
  FlagSpec("name", "TEXT", "what people call it"),
  FlagSpec("venue", "TEXT", "where"),
  FlagSpec("starts-at", "TIME", "RFC 3339, such as 2026-12-24T20:00:00Z"),
  FlagSpec("on-sale-at", "TIME", "holds are refused before"),
  FlagSpec("hold-ttl", "SECONDS", "how long a hold lives"),
  FlagSpec("payment-ttl", "SECONDS", "how long an order waits for its payment"),
  FlagSpec("max-per-order", "N", "seats and places in one hold"),
  FlagSpec("max-per-buyer", "N", "seats and places of one buyer"),
  FlagSpec(
    "price", "NAME=PRICE", repeats: true,
    "of a category or area, in minor units; NAME= takes its seats off sale. What is held or ordered keeps its price"),
  FlagSpec(switch: "pause", "holds are refused from now on; everything else goes on"),
  FlagSpec(switch: "resume", "holds are accepted again"),
  FlagSpec("clear", "FIELD", repeats: true, "takes a limit or a time away: max-per-buyer, on-sale-at, …"),
]

let eventSetCommand = AdminCommand(
  CommandSpec(
    name: "holdfast event set", summary: "Gives an event other terms; what is not named stays.", arguments: ["ID"],
    flags: termFlags + [.json, .http, .tls, .ca, .data, .coordinator],
    notes: "holdfast event set gala --price Stalls=5500 --max-per-buyer 4\nholdfast event set gala --pause")
) { run async throws(AdminError) in
  let terms = try termsObject(run.flags)
  guard !terms.isEmpty else {
    throw .usage("nothing is to be changed; holdfast event set --help names the flags")
  }
  let path = "/v1/events/" + percentEncoded(run.flags.arguments[0])
  let event = try await run.successful("PATCH", path, body: Array(JSONValue.object(terms).compact.utf8))
  if run.wantsJSON {
    run.console.line(event.compact)
  } else {
    run.console.line("changed \(event["id"]?.text ?? "?"): version \(event["version"]?.integer(Int64.self) ?? 0)")
  }
}

/// The body of the call, from the flags that are there.
func termsObject(_ flags: ParsedFlags) throws(AdminError) -> [JSONValue.Member] {
  var terms: [JSONValue.Member] = []
  for name in ["name", "venue", "starts-at", "on-sale-at"] {
    if let text = flags.text(name) { terms.append(.init(apiName(name), .text(text))) }
  }
  for name in ["hold-ttl", "payment-ttl", "max-per-order", "max-per-buyer"] {
    if let number = try checked({ () throws(UsageError) in try flags.number(name, in: 1...Int(UInt32.max)) }) {
      terms.append(.init(apiName(name), .number(number)))
    }
  }
  let prices = try flags.all("price").map { text throws(AdminError) in
    guard let (name, price) = split(text, "="), price.isEmpty || Int64(price) != nil else {
      throw .usage("--price: \"\(text)\" is not of the form NAME=PRICE, the price in minor units or nothing")
    }
    return JSONValue.Member(name, price.isEmpty ? .null : .number(price))
  }
  if !prices.isEmpty { terms.append(.init("prices", .object(prices))) }
  if flags.has("pause"), flags.has("resume") { throw .usage("--pause and --resume exclude each other") }
  if flags.has("pause") || flags.has("resume") { terms.append(.init("paused", .bool(flags.has("pause")))) }
  for field in flags.all("clear") {
    let name = apiName(field)
    if terms.contains(where: { $0.name == name }) { throw .usage("--clear \(field): --\(field) is given, too") }
    terms.append(.init(name, .null))
  }
  return terms
}
