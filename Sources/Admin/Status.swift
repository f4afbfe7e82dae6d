internal import ClusterMap
internal import Coordinators
internal import Flags
internal import Proto
import Time

/// `holdfast status`.
let statusCommand = AdminCommand(
  CommandSpec(
    name: "holdfast status", summary: "Says how the cluster is: nodes, routers, each shard's copies.",
    flags: [
      .json,
      FlagSpec(
        switch: "check",
        "one sentence, for monitors: ends with 0 if every shard has two copies, 1 if one is missing, 2 "
          + "if a shard cannot sell"),
      FlagSpec(
        "nodes", "HOST:PORT,…", "where to look for nodes besides those that registered; else as holdfast up left it"),
      FlagSpec("timeout", "SECONDS", default: "2", "how long to wait for those who do not answer"),
      .tls, .ca, .data, .coordinator,
    ],
    notes: """
      Answers within --timeout, also if nodes are dead or stopped, and without the coordinator if a node answers. What nobody \
      answered for is unknown. Without --check ends with 0 whatever the state is. Ends with 3 if nothing can be found out: the \
      coordinator cannot be reached, or holds no cluster, and no node answers.
      """)
) { run async throws(AdminError) in
  var nodes = run.flags.text("nodes")
  if nodes == nil { nodes = try ClusterFile.read(data: run.data)?.flags["nodes"] }
  let addresses = (nodes ?? "").split(separator: ",").map(String.init)
  if let bad = addresses.first(where: { splitAddress($0) == nil }) {
    throw .usage("--nodes: \"\(bad)\" is no address of the form HOST:PORT")
  }
  let coordinator = try run.coordinatorAddress()
  let patience = try checked { () throws(UsageError) in try run.flags.number("timeout", in: 1...3_600) } ?? 2
  let collection = StatusCollection(trust: run.trust, patience: .seconds(patience))
  let report = try await collection.collect(at: addresses) { () throws(AdminError) in
    do throws(CoordinatorError) { return try coordinator.open(create: false) } catch { throw AdminError(error) }
  }
  if run.wantsJSON {
    run.console.line(report.json.compact)
  } else {
    run.console.out(run.flags.has("check") ? report.summary + "\n" : report.text)
  }
  guard run.flags.has("check"), report.verdict != .good else { return }
  throw .verdict(report.verdict.rawValue)
}

/// Reads a call of the coordinator's, with our error.
func map<T>(_ body: () async throws(CoordinatorError) -> T) async throws(AdminError) -> T {
  do throws(CoordinatorError) { return try await body() } catch { throw AdminError(error) }
}

/// The cluster's birth record.
func birth(_ coordinator: any Coordinator) async throws(AdminError) -> BirthRecord {
  guard let birth = try await map({ () async throws(CoordinatorError) in try await coordinator.birth() }) else {
    throw .unreachable("no cluster was born at this coordinator yet")
  }
  return birth
}
