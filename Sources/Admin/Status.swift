internal import ClusterMap
internal import Flags
internal import Proto

/// `holdfast status`.
let statusCommand = AdminCommand(
  CommandSpec(
    name: "holdfast status", summary: "Shows nodes, routers and each shard's roles, indexes and digests.",
    flags: [.json, .data, .coordinator],
    notes: "Ends with 0 whatever the state is, with 3 if the coordinator cannot be reached or there is no cluster.")
) { run async throws(AdminError) in
  let report = try await collectStatus(run.coordinator())
  if run.wantsJSON { run.console.line(report.json.compact) } else { run.console.out(report.text) }
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

/// Asks the coordinator and everybody it knows.
func collectStatus(_ coordinator: any Coordinator) async throws(AdminError) -> StatusReport {
  let birth = try await birth(coordinator)
  let nodes = try await map { () async throws(CoordinatorError) in try await coordinator.nodes() }
  let routers = try await map { () async throws(CoordinatorError) in try await coordinator.routers() }
  let registers = try await map { () async throws(CoordinatorError) in try await coordinator.readAll() }
  var report = StatusReport(
    shardCount: birth.shardCount,
    nodes: nodes.map { StatusReport.Node(record: $0, status: status(of: $0, digests: [])) },
    routers: routers.map { router in
      let doors = doors(of: router)
      let answers = doors.contains { (try? call("GET", "/healthz", at: $0, timeout: .seconds(2)))?.status == 200 }
      return StatusReport.Router(record: router, isUp: doors.isEmpty ? nil : answers)
    },
    registers: registers)
  collectDigests(&report)
  return report
}

private func status(of node: NodeRecord, digests: [AdminRequest.DigestQuery]) -> NodeStatus? {
  guard case .status(let status)? = try? ask(node.address, .status(digests: digests), timeout: .seconds(2)),
    status.node == node.name
  else { return nil }
  return status
}

/// Asks for every shard's digests at one index that all replicas that answered remember: first at the smallest applied
/// one, and again at the smallest that was answered, while they differ.
func collectDigests(_ report: inout StatusReport) {
  collectDigests(&report) { node, queries in status(of: node, digests: queries) }
}

func collectDigests(_ report: inout StatusReport, ask: (NodeRecord, [AdminRequest.DigestQuery]) -> NodeStatus?) {
  var wanted: [ShardID: UInt64] = [:]
  var replicas: [ShardID: [NodeName]] = [:]
  for node in report.nodes {
    for replica in node.status?.replicas ?? [] where [.primary, .follower, .joining].contains(replica.role) {
      replicas[replica.shard, default: []].append(node.record.name)
      wanted[replica.shard] = min(wanted[replica.shard] ?? .max, replica.appliedIndex)
    }
  }
  for _ in 0..<4 where !wanted.isEmpty {
    var answers: [ShardID: [(node: NodeName, digest: ReplicaStatus.Digest?)]] = [:]
    for node in report.nodes where node.status != nil {
      let queries = wanted.keys.sorted().filter { replicas[$0]?.contains(node.record.name) ?? false }
        .map { AdminRequest.DigestQuery(shard: $0, index: wanted[$0] ?? 0) }
      if queries.isEmpty { continue }
      let status = ask(node.record, queries)
      for query in queries {
        let replica = status?.replicas.first { $0.shard == query.shard }
        answers[query.shard, default: []].append((node.record.name, replica?.digest))
      }
    }
    for (shard, found) in answers {
      let values = found.compactMap { answer in answer.digest.map { (answer.node, $0) } }
      // Nodes that no longer know a digest, or are gone meanwhile, are left out.
      guard let lowest = values.map(\.1.index).min() else {
        wanted[shard] = nil
        continue
      }
      let agreeing = values.filter { $0.1.index == lowest }
      report.digests[shard] = StatusReport.Digests(
        index: lowest, values: agreeing.map { (node: $0.0, value: $0.1.value) })
      wanted[shard] = agreeing.count == values.count ? nil : lowest
    }
  }
}
