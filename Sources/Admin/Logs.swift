internal import Flags

/// `holdfast log verify` and `log dump`.
let logCommands: [Command] = [
  Command(
    CommandSpec(
      name: "holdfast log verify", summary: "Reads a node's whole log and snapshots and says what is wrong.",
      arguments: ["DIR"],
      flags: [.json])
  ) { _ async throws(AdminError) in throw .refused("not built yet") },
  Command(
    CommandSpec(
      name: "holdfast log dump", summary: "Shows a node's log, frame by frame.", arguments: ["DIR"], flags: [.json])
  ) { _ async throws(AdminError) in throw .refused("not built yet") },
]
