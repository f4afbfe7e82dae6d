internal import ClusterMap
internal import Flags
internal import Octets
internal import Proto

/// `holdfast failover`.
let failoverCommand = AdminCommand(
  CommandSpec(
    name: "holdfast failover", summary: "Moves shards off a node, or swaps one shard's roles.",
    flags: [
      FlagSpec("node", "NAME", "all shards of which this node is primary"),
      FlagSpec("shard", "N", "one shard"),
      FlagSpec(switch: "force", "the node (or the shard's primary) is dead: its followers take over without it"),
      FlagSpec(switch: "accept-loss", "a copy that may lack records becomes primary; says what is given up"),
      .timeout, .json, .data, .coordinator,
    ],
    notes: """
      Without --force it is a planned one: the primary stops taking writes, waits until the follower has all, and the map is \
      changed; clients see latency and no error. --force also takes the node out of where it is follower; a shard that has no \
      other copy is named and left alone.
      """)
) { run async throws(AdminError) in
  try await failover(run)
}

private func failover(_ run: Invocation) async throws(AdminError) {
  let (force, acceptLoss) = (run.flags.has("force"), run.flags.has("accept-loss"))
  let number = try checked { () throws(UsageError) in try run.flags.number("shard", in: 0...1_023) }
  let name = run.flags.text("node")
  guard (number == nil) != (name == nil) else { throw .usage("failover needs one of --node NAME and --shard N") }
  guard !force || !acceptLoss else { throw .usage("--force and --accept-loss do not go together") }
  let coordinator = try run.coordinator()
  let birth = try await birth(coordinator)
  let nodes = try await map { () async throws(CoordinatorError) in try await coordinator.nodes() }
  let registers = try await map { () async throws(CoordinatorError) in try await coordinator.readAll() }
  if let number, number >= birth.shardCount {
    throw .refused("no shard \(number): this cluster has \(birth.shardCount)")
  }
  let node = nodes.first { $0.name.description == name }
  if let name, node == nil {
    throw .refused("no node \(name): known are \(nodes.map(\.name.description).joined(separator: ", "))")
  }
  let plan = FailoverPlan(
    target: node.map { .node($0.name) } ?? .shard(ShardID(UInt16(number ?? 0))), force: force, acceptLoss: acceptLoss,
    registers: registers, waiting: acceptLoss ? waitingReplicas(nodes, registers) : [:],
    shardCount: birth.shardCount)
  let deadline = try run.timeout()
  var results = plan.leftAlone.map {
    AdminReply.ShardResult(shard: $0.shard, result: .refused, epoch: $0.epoch, text: Bytes($0.why))
  }
  for step in plan.steps(deadlineMs: UInt32(clamping: deadline.components.seconds * 1_000)) {
    guard let record = nodes.first(where: { $0.name == step.node }) else { continue }
    switch try ask(record.address, step.request, timeout: deadline + .seconds(2)) {
    case .shards(let shards): results += shards
    case .refused(let text): throw .refused("\(step.node): \(text)")
    case .status: throw .unreachable("\(step.node): answered something else")
    }
  }
  coordinator.close()
  try show(results.sorted { $0.shard < $1.shard }, run)
}

/// What each node that answers has of its shards: those that are neither primary nor a follower in order may be told to
/// go on.
private func waitingReplicas(
  _ nodes: [NodeRecord], _ registers: [ShardID: MapRegister]
) -> [NodeName: [ShardID: FailoverPlan.Waiting]] {
  var statuses: [NodeName: NodeStatus] = [:]
  for node in nodes {
    guard case .status(let status)? = try? ask(node.address, .status(digests: []), timeout: .seconds(2)),
      status.node == node.name
    else { continue }
    statuses[node.name] = status
  }
  var waiting: [NodeName: [ShardID: FailoverPlan.Waiting]] = [:]
  for (node, status) in statuses {
    for replica in status.replicas {
      let primary = registers[replica.shard]?.entry.primary.node
      switch replica.role {
      case .primary: continue
      case .follower: if replica.reason.isEmpty { continue }
      // Catches up with a primary that is there.
      case .joining:
        let theirs = primary.flatMap { statuses[$0] }?.replicas.first { $0.shard == replica.shard }
        if theirs?.role == .primary { continue }
      case .none, .halted: break
      }
      waiting[node, default: [:]][replica.shard] = FailoverPlan.Waiting(
        epoch: replica.epoch, durableIndex: replica.durableIndex)
    }
  }
  return waiting
}

private func show(_ results: [AdminReply.ShardResult], _ run: Invocation) throws(AdminError) {
  func word(_ result: AdminReply.ShardResult.Result) -> String {
    switch result {
    case .done: "done"
    case .unchanged: "unchanged"
    case .refused: "refused"
    case .unknown: "unknown"
    }
  }
  if run.wantsJSON {
    run.console.line(
      JSONValue.object([
        .init(
          "shards",
          .array(
            results.map { result in
              .object([
                .init("shard", .number(result.shard.rawValue)), .init("result", .text(word(result.result))),
                .init("epoch", .number(result.epoch)), .init("detail", .text(result.text.description)),
              ])
            }))
      ]).compact)
  } else {
    for result in results {
      let text = result.text.isEmpty ? "" : ": \(result.text)"
      run.console.line("shard \(result.shard.rawValue)  \(word(result.result))  epoch \(result.epoch)\(text)")
    }
    if results.isEmpty { run.console.line("nothing to do") }
  }
  let bad = results.filter { $0.result == .refused || $0.result == .unknown }
  guard bad.isEmpty else { throw .refused("\(bad.count) of \(results.count) shards were not moved") }
}

/// Whom to ask for what, from the map.
struct FailoverPlan {
  enum Target: Equatable {
    case node(NodeName)
    case shard(ShardID)
  }
  struct Step: Equatable {
    var node: NodeName
    var request: AdminRequest
  }
  struct Left: Equatable {
    var shard: ShardID
    var epoch: UInt64
    var why: String
  }

  var target: Target
  var force: Bool
  var acceptLoss: Bool
  var registers: [ShardID: MapRegister]
  /// A replica that waits for its peer or the operator, and how far it is.
  struct Waiting: Equatable {
    var epoch: UInt64
    var durableIndex: UInt64
  }
  /// By node; asked for only with `acceptLoss`.
  var waiting: [NodeName: [ShardID: Waiting]]
  var shardCount: Int

  /// The shards that are meant, with their entries.
  private var meant: [(shard: ShardID, entry: MapEntry)] {
    registers.sorted { $0.key < $1.key }.compactMap { shard, register in
      let entry = register.entry
      switch target {
      case .shard(let wanted): return shard == wanted ? (shard, entry) : nil
      case .node(let node):
        let isFollower = entry.follower?.node == node
        return entry.primary.node == node || (force || acceptLoss) && isFollower ? (shard, entry) : nil
      }
    }
  }

  /// Shards that cannot be moved, because there is no other copy.
  var leftAlone: [Left] {
    if acceptLoss { return [] }
    return meant.filter { $0.entry.follower == nil }.map {
      Left(shard: $0.shard, epoch: $0.entry.epoch, why: "has no follower; \($0.entry.primary.node) alone has it")
    }
  }

  /// Who goes on: of all copies that answer and wait the one that has most, whether or not the map names it; if none
  /// waits, the primary says why this is refused.
  private func whoGoesOn(with shard: ShardID) -> NodeName? {
    let entry = registers[shard]?.entry
    let candidates = waiting.filter { $0.value[shard] != nil }.keys.sorted()
    if case .node(let node) = target { return candidates.contains(node) ? node : nil }
    let named = [entry?.primary.node, entry?.follower?.node]
    func rank(_ node: NodeName) -> (UInt64, Int) {
      (waiting[node]?[shard]?.durableIndex ?? 0, named.contains(node) ? 1 : 0)
    }
    return candidates.max { rank($0) < rank($1) } ?? entry?.primary.node
  }

  func steps(deadlineMs: UInt32) -> [Step] {
    var shards: [NodeName: [ShardID]] = [:]
    var dead: NodeName?
    if acceptLoss {
      for shard in (0..<shardCount).map({ ShardID(UInt16($0)) }) {
        if case .shard(let wanted) = target, wanted != shard { continue }
        if let node = whoGoesOn(with: shard) { shards[node, default: []].append(shard) }
      }
    }
    for (shard, entry) in meant where !acceptLoss {
      if let follower = entry.follower?.node {
        if force {
          // The other of the two replicas takes over, or continues alone.
          if case .node(let node) = target { dead = node } else { dead = entry.primary.node }
          shards[dead == follower ? entry.primary.node : follower, default: []].append(shard)
        } else {
          shards[entry.primary.node, default: []].append(shard)
        }
      }
    }
    return shards.sorted { $0.key < $1.key }.map { node, shards in
      if acceptLoss { return Step(node: node, request: .acceptLoss(shards: shards, deadline: deadlineMs)) }
      if let dead { return Step(node: node, request: .takeOver(dead: dead, shards: shards, deadline: deadlineMs)) }
      return Step(node: node, request: .drain(shards: shards, deadline: deadlineMs))
    }
  }
}
