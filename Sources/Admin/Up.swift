internal import ClusterMap
internal import Flags
internal import Glibc
internal import Proto

/// `holdfast up`.
let upCommand = AdminCommand(
  CommandSpec(
    name: "holdfast up",
    summary: "Starts nodes and a router on this machine, or what is missing of them, and the demo event.",
    flags: LocalCluster.flags,
    notes: "Pid files are in DATA/run, logs in DATA/log. Ends with 1 if a port is taken or a process does not come up.")
) { run async throws(AdminError) in
  let cluster = try LocalCluster(run.flags)
  try cluster.checkAddresses()
  for folder in ["", "/run", "/log"] { try makeDirectory(cluster.data + folder) }
  let lock = try DirectoryLock(cluster.data + "/run/lock", run.console)
  defer { lock.release() }
  try cluster.checkAgainstKept(run.flags)
  try await cluster.checkShards()
  let missing = cluster.parts.filter { cluster.process($0.name) == nil }
  try checkPorts(missing)
  for part in missing { try start(part, of: cluster, run.console) }
  let kept = ClusterFile(
    coordinator: cluster.coordinator.description, http: cluster.http[0].description, flags: cluster.kept)
  try writeFile(cluster.data + "/cluster.json", kept.text)
  try waitUntilReady(cluster, run.console)
  let example = try loadDemo(cluster, run) ? "/arena/availability" : ""
  run.console.line(
    missing.isEmpty ? "Already running." : "Running: started \(missing.map(\.name).joined(separator: ", ")).")
  var rows: [[String]] = []
  for address in cluster.http {
    switch address {
    case .port: rows.append(["  HTTP", "http://\(address)/v1/events", "(curl http://\(address)/v1/events\(example))"])
    case .unix(let path):
      rows.append(["  HTTP", "\(address)", "(curl --unix-socket \(path) http://localhost/v1/events\(example))"])
    }
  }
  for address in cluster.tcp {
    switch address {
    case .port(_, let port): rows.append(["  RESP", "\(address)", "(redis-cli -p \(port))"])
    case .unix(let path): rows.append(["  RESP", "\(address)", "(redis-cli -s \(path))"])
    }
  }
  rows.append(["  logs", cluster.data + "/log", "(cluster/holdfast status shows who is what)"])
  run.console.out(table(rows))
}

/// Every port that is not free is named at once, before anything is started.
private func checkPorts(_ parts: [LocalCluster.Part]) throws(AdminError) {
  var taken: [String] = []
  for part in parts {
    for (address, what) in part.listens {
      if let why = try whyTaken(address) { taken.append("\(address) (\(what)): \(why)") }
    }
  }
  guard taken.isEmpty else { throw .refused("cannot listen:\n  " + taken.joined(separator: "\n  ")) }
}

private func start(_ part: LocalCluster.Part, of cluster: LocalCluster, _ console: Console) throws(AdminError) {
  guard isProgram(part.program) else {
    throw .refused("\(part.program) is not there: build it, or install it")
  }
  let process = try startDaemon(part.program, part.arguments, log: cluster.log(part.name))
  try process.writePidFile(cluster.pidFile(part.name))
  if part.name == "etcd" { try waitForEtcd(cluster, process) }
}

private func waitForEtcd(_ cluster: LocalCluster, _ process: OwnProcess) throws(AdminError) {
  let deadline = ContinuousClock.now + .seconds(30)
  while (try? call("GET", "/health", at: "127.0.0.1:2379", timeout: .seconds(2)))?.status != 200 {
    guard process.isAlive, ContinuousClock.now < deadline else {
      throw .refused("etcd does not come up:\n" + tail(cluster.log("etcd")))
    }
    sleepBriefly()
  }
}

/// Until every node has read its log and the router says that every shard has a primary. A process that ends meanwhile
/// ends the wait, with the end of its log.
private func waitUntilReady(_ cluster: LocalCluster, _ console: Console) throws(AdminError) {
  var progress = Progress("Starting", console)
  defer { progress.finish() }
  let began = ContinuousClock.now
  // Reading a long log takes its time; while the processes live there is hope.
  let patience = Duration.seconds(300)
  var said = "no answer yet"
  var notes = 0
  while true {
    do throws(AdminError) {
      for part in cluster.parts where part.isNode {
        guard case .status(let status) = try ask(part.listens[0].address, .status(digests: []), timeout: .seconds(5))
        else { continue }
        if status.state == .recovering { throw .unreachable("\(part.name) reads its log") }
        if status.state == .halted { throw .refused("\(part.name) is halted: \(status.reason)") }
      }
      let answer = try call("GET", "/readyz", at: cluster.http[0].description, timeout: .seconds(5))
      if answer.status == 200 { return }
      said = "the router is not ready" + (answer.json?["detail"]?.text.map { ": " + $0 } ?? "")
    } catch .refused(let why) {
      throw .refused(why)
    } catch {
      said = error.text
    }
    for part in cluster.parts where cluster.process(part.name) == nil {
      throw .refused("\(part.name) ended; the end of \(cluster.log(part.name)):\n" + tail(cluster.log(part.name)))
    }
    guard ContinuousClock.now - began < patience else {
      throw .refused("not ready after \(patience.components.seconds) s: \(said)")
    }
    progress.update(nil, said)
    if !console.isTerminal, ContinuousClock.now - began > .seconds(5 * (notes + 1)) {
      notes += 1
      console.note("waiting: \(said)")
    }
    sleepBriefly()
  }
}

/// The last lines of a log.
private func tail(_ path: String, lines: Int = 10) -> String {
  let text = String(decoding: readFile(path) ?? [], as: UTF8.self)
  return text.split(separator: "\n").suffix(lines).map { "  " + $0 }.joined(separator: "\n")
}

// MARK: The demo event

/// Whether there is one.
private func loadDemo(_ cluster: LocalCluster, _ run: Invocation) throws(AdminError) -> Bool {
  let file = cluster.kept["demo"] ?? "none"
  guard file != "none" else { return false }
  guard try call("GET", "/v1/events/arena", at: cluster.http[0].description).status == 404 else { return true }
  guard let plan = readFile(file) else {
    run.console.note("no demo event: \(file) is not there")
    return false
  }
  let answer = try call(
    "POST", "/v1/events", at: cluster.http[0].description, body: demoEvent(plan), timeout: .seconds(60))
  // 409: somebody else was quicker.
  guard answer.status == 201 || answer.status == 409 else { throw refusal(answer) }
  return true
}

/// The arena, with a standing area beside its seats.
func demoEvent(_ plan: [UInt8]) -> [UInt8] {
  bodyWithPlan(
    [
      .init("id", .text("arena")), .init("name", .text("Opening night at the arena")),
      .init("venue", .text("Holdfast Arena")),
      .init("currency", .text("EUR")), .init("max_per_order", .number(10)),
      .init(
        "areas",
        .array([
          .object([.init("name", .text("Floor")), .init("capacity", .number(3_000)), .init("price", .number(5_900))])
        ])),
      .init(
        "prices",
        .object([
          .init("VIP", .number(14_900)), .init("Gold", .number(9_900)), .init("Silver", .number(7_400)),
          .init("Bronze", .number(4_900)),
        ])),
    ], plan)
}
