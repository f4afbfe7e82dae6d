internal import ClusterMap
internal import Flags

/// The commands of waiting rooms.
let queueCommands: [AdminCommand] = [
  AdminCommand(
    CommandSpec(
      name: "holdfast queue status", summary: "Shows an event's queue.", arguments: ["ID"],
      flags: [.json, .http, .tls, .ca, .data, .coordinator], notes: "holdfast queue status gala")
  ) { run async throws(AdminError) in
    try await show(run, run.successful("GET", queuePath(run)))
  },
  queueAction("pause", "Stops calls; buyers go on waiting."),
  queueAction("resume", "Lets calls, and joins after a drain, go on."),
  queueAction("drain", "Lets nobody join any more; who waits is called."),
  queueAction("reset", "Sends everybody away and opens the room anew."),
  AdminCommand(
    CommandSpec(
      name: "holdfast queue set", summary: "Changes how many buyers are called.", arguments: ["ID"],
      flags: [
        FlagSpec("admit-per-minute", "N", "calls a minute, 0 to 6000000"),
        FlagSpec("max-inside", "N", "buyers that may be inside at a time; 0: no limit"),
        .json, .http, .tls, .ca, .data, .coordinator,
      ],
      notes: "holdfast queue set gala --admit-per-minute 300 --max-inside 500")
  ) { run async throws(AdminError) in
    var members: [JSONValue.Member] = []
    if let rate = try number(run, "admit-per-minute") { members.append(.init("admit_per_minute", .number(rate))) }
    if let limit = try number(run, "max-inside") {
      members.append(.init("max_inside", limit == 0 ? .null : .number(limit)))
    }
    guard !members.isEmpty else { throw .usage("--admit-per-minute or --max-inside is missing") }
    try await control(run, members)
  },
  AdminCommand(
    CommandSpec(
      name: "holdfast queue message", summary: "Shows a message to all who wait; without one, none.",
      arguments: ["ID", "[TEXT]"], flags: [.json, .http, .tls, .ca, .data, .coordinator],
      notes: "holdfast queue message gala 'The doors open at eight.'")
  ) { run async throws(AdminError) in
    let text = run.flags.arguments.dropFirst().joined(separator: " ")
    try await control(run, [.init("message", text.isEmpty ? .null : .text(text))])
  },
]

private func queueAction(_ action: String, _ summary: String) -> AdminCommand {
  AdminCommand(
    CommandSpec(
      name: "holdfast queue \(action)", summary: summary, arguments: ["ID"],
      flags: [.json, .http, .tls, .ca, .data, .coordinator], notes: "holdfast queue \(action) gala")
  ) { run async throws(AdminError) in
    try await control(run, [.init("action", .text(action))])
  }
}

private func queuePath(_ run: Invocation) -> String {
  "/v1/events/" + percentEncoded(run.flags.arguments[0]) + "/queue"
}

private func number(_ run: Invocation, _ flag: String) throws(AdminError) -> UInt32? {
  guard let text = run.flags.text(flag) else { return nil }
  guard let number = UInt32(text) else { throw .usage("--\(flag): \"\(text)\" is no number") }
  return number
}

private func control(_ run: Invocation, _ members: [JSONValue.Member]) async throws(AdminError) {
  let body = Array(JSONValue.object(members).compact.utf8)
  try await show(run, run.successful("POST", queuePath(run) + "/control", body: body))
}

private func show(_ run: Invocation, _ queue: JSONValue) async throws(AdminError) {
  if run.wantsJSON { return run.console.line(queue.compact) }
  func count(_ name: String) -> String { String(queue[name]?.integer(Int64.self) ?? 0) }
  let limit = queue["max_inside"]?.integer(Int64.self).map(String.init) ?? "no limit"
  run.console.out(
    table([
      ["STATE", "WAITING", "CALLED", "INSIDE", "ADMITTED", "A MINUTE", "MAX INSIDE"],
      [
        queue["state"]?.text ?? "?", count("waiting"), count("called"), count("inside"), count("admitted"),
        count("admit_per_minute"), limit,
      ],
    ]))
  if let message = queue["message"]?.text { run.console.line("message: \(message)") }
}
