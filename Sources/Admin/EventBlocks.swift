internal import ClusterMap
internal import Flags

let eventBlockCommand = blockCommand("block", "Takes seats and places off sale, all or nothing.", isBlocked: true)
let eventUnblockCommand = blockCommand(
  "unblock", "Puts seats and places on sale again, all or nothing.", isBlocked: false)

private func blockCommand(_ word: String, _ summary: String, isBlocked: Bool) -> AdminCommand {
  AdminCommand(
    CommandSpec(
      name: "holdfast event \(word)", summary: summary, arguments: ["ID", "[SEAT …]"],
      flags: [
        FlagSpec("area", "NAME=COUNT", repeats: true, "so many places of an area"),
        .json, .http, .tls, .ca, .data, .coordinator,
      ],
      notes: "holdfast event \(word) gala Stalls-A-1 Stalls-A-2 --area Floor=20")
  ) { run async throws(AdminError) in
    let seats = run.flags.arguments.dropFirst().map { JSONValue.text($0) }
    let areas = try run.flags.all("area").map { text throws(AdminError) in
      guard let (name, count) = split(text, "="), UInt32(count) != nil else {
        throw .usage("--area: \"\(text)\" is not of the form NAME=COUNT")
      }
      return JSONValue.Member(name, .number(count))
    }
    guard !seats.isEmpty || !areas.isEmpty else { throw .usage("SEAT or --area is missing") }
    let body = JSONValue.object([
      .init("seats", .array(Array(seats))), .init("areas", .object(areas)), .init("blocked", .bool(isBlocked)),
    ])
    let path = "/v1/events/" + percentEncoded(run.flags.arguments[0]) + "/blocks"
    let answer = try await run.successful("POST", path, body: Array(body.compact.utf8))
    if run.wantsJSON {
      run.console.line(answer.compact)
    } else {
      run.console.line("\(word)ed \(answer["changed"]?.integer(Int64.self) ?? 0)")
    }
  }
}
