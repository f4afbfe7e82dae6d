internal import Flags
internal import Glibc

/// `holdfast down`.
let downCommand = AdminCommand(
  CommandSpec(
    name: "holdfast down", summary: "Stops what holdfast up started on this machine. The data stay.",
    flags: [
      FlagSpec(
        "patience", "SECONDS", default: "20", "how long a process may take to end in good order before it is killed"),
      .data,
    ])
) { run async throws(AdminError) in
  let folder = absolutePath(run.data) + "/run"
  let lock = names(in: folder).isEmpty ? nil : try DirectoryLock(folder + "/lock", run.console)
  defer { lock?.release() }
  let patience = try checked { () throws(UsageError) in try run.flags.number("patience", in: 0...600) } ?? 20
  let found = names(in: folder).filter { $0.hasSuffix(".pid") }.map { String($0.dropLast(4)) }
  // Doors first, so that nobody is let in who cannot be served; the coordinator last.
  let waves = [
    found.filter { $0.hasPrefix("router") }, found.filter { !$0.hasPrefix("router") && $0 != "etcd" }.sorted(),
    found.filter { $0 == "etcd" },
  ]
  var stopped: [String] = []
  for wave in waves {
    let running = wave.compactMap { name in OwnProcess(pidFile: "\(folder)/\(name).pid").map { (name, $0) } }
    for (_, process) in running { process.send(SIGTERM) }
    var progress = Progress("Stopping", run.console)
    for (name, process) in running {
      if !process.waitForEnd(.seconds(patience), { progress.update(nil, name) }) {
        progress.finish()
        run.console.note("\(name) (process \(process.pid)) did not end within \(patience) s: killed")
        process.send(SIGKILL)
        guard process.waitForEnd(.seconds(5)) else {
          throw .refused("\(name) (process \(process.pid)) cannot be killed")
        }
      }
      stopped.append(name)
    }
    progress.finish()
    // Safe: Swift lends the path for this call only.
    for name in wave { unsafe unlink("\(folder)/\(name).pid") }
  }
  run.console.line(
    stopped.isEmpty ? "Nothing was running." : "Stopped \(stopped.joined(separator: ", ")). The data stay.")
}
