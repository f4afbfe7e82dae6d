internal import ClusterMap
internal import Flags

let eventDeleteCommand = AdminCommand(
  CommandSpec(
    name: "holdfast event delete", summary: "Deletes an event with all its holds and orders.", arguments: ["ID"],
    flags: [
      FlagSpec(switch: "force", "also if holds, pending or confirmed orders live"), .json, .http, .tls, .ca, .data,
      .coordinator,
    ],
    notes: "Without --force it is refused, with counts, while anybody has something of the event. There is no way back."
  )
) { run async throws(AdminError) in
  let id = run.flags.arguments[0]
  let force = run.flags.has("force") ? "?force=true" : ""
  let answer = try await run.api("DELETE", "/v1/events/" + percentEncoded(id) + force)
  guard answer.status == 204 else {
    let counts = ["holds", "orders"].compactMap { name in
      answer.json?[name]?.integer(Int64.self).map { "\($0) \(name)" }
    }
    guard !counts.isEmpty else { throw refusal(answer, flags: run.flags) }
    throw .refused("event_in_use: \(counts.joined(separator: " and ")) live; --force deletes them, too")
  }
  run.console.line(run.wantsJSON ? "{\"deleted\":true}" : "deleted \(id)")
}
