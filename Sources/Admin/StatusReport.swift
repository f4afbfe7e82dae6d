internal import ClusterMap
internal import Octets
internal import Proto

/// What `holdfast status` shows: everything that was found out, as values, so that its forms can be tested without a
/// cluster.
struct StatusReport: Equatable {
  struct Node: Equatable {
    var record: NodeRecord
    /// nil: it does not answer.
    var status: NodeStatus?
    var state: String {
      switch status?.state {
      case .up: "up"
      case .halted: "halted"
      case .recovering, nil: "down"
      }
    }
  }
  struct Router: Equatable {
    var record: RouterRecord
    /// nil: only processes of its own machine can ask it.
    var isUp: Bool?
    var state: String { isUp.map { $0 ? "up" : "down" } ?? "unknown" }
  }
  struct Digests: Equatable {
    var index: UInt64
    /// By node; as many as could be had at this one index.
    var values: [(node: NodeName, value: UInt64)]
    static func == (a: Self, b: Self) -> Bool {
      a.index == b.index && a.values.map(\.node) == b.values.map(\.node)
        && a.values.map(\.value) == b.values.map(\.value)
    }
  }

  var shardCount: Int
  var nodes: [Node]
  var routers: [Router]
  var registers: [ShardID: MapRegister]
  var digests: [ShardID: Digests] = [:]

  /// One shard's roles, from the map, and indexes, from the nodes.
  struct Shard: Equatable {
    var shard: ShardID
    var epoch: UInt64?
    var primary: NodeName?
    var follower: NodeName?
    /// Catches up with the primary, by its own account.
    var joining: NodeName?
    /// Durable; nil: the node does not answer.
    var primaryIndex: UInt64?
    /// The follower's, or else the joining one's.
    var followerIndex: UInt64?
    var digests: Digests?
    /// Why a named replica is halted, or waits for its peer or the operator.
    var trouble: String?
  }

  func replica(_ shard: ShardID, on node: NodeName) -> ReplicaStatus? {
    nodes.first { $0.record.name == node }?.status?.replicas.first { $0.shard == shard }
  }

  private func why(_ replica: ReplicaStatus, doesNothingOn node: NodeName) -> String? {
    if replica.role == .halted { return "\(node) halted: \(replica.reason)" }
    // A named replica without a role that gives a reason: its log may lack something, and it waits to hear what.
    switch replica.role {
    case .none, .follower, .joining: return replica.reason.isEmpty ? nil : "\(node) waits: \(replica.reason)"
    case .primary, .halted: return nil
    }
  }

  var shards: [Shard] {
    (0..<shardCount).map { number in
      let shard = ShardID(UInt16(number))
      let entry = registers[shard]?.entry
      let (primary, follower) = (entry?.primary.node, entry?.follower?.node)
      let joining =
        follower != nil
        ? nil
        : nodes.first { node in
          node.record.name != primary && replica(shard, on: node.record.name)?.role == .joining
        }?.record.name
      let trouble = [primary, follower].compactMap { $0 }.compactMap { node in
        replica(shard, on: node).flatMap { why($0, doesNothingOn: node) }
      }
      return Shard(
        shard: shard, epoch: entry?.epoch, primary: primary, follower: follower, joining: joining,
        primaryIndex: primary.flatMap { replica(shard, on: $0)?.durableIndex },
        followerIndex: (follower ?? joining).flatMap { replica(shard, on: $0)?.durableIndex },
        digests: digests[shard], trouble: trouble.first)
    }
  }

  // MARK: JSON

  var json: JSONValue {
    .object([
      .init(
        "nodes",
        .array(
          nodes.map { node in
            .object([
              .init("node", .text(node.record.name.description)), .init("address", .text(node.record.address)),
              .init("pid", .number(node.record.pid)), .init("state", .text(node.state)),
            ])
          })),
      .init(
        "routers",
        .array(
          routers.map { router in
            let more = [("more_http", router.record.moreHTTP), ("more_tcp", router.record.moreTCP)]
            return .object(
              [
                .init("http", .text(router.record.http)), .init("tcp", .text(router.record.tcp)),
                .init("pid", .number(router.record.pid)), .init("state", .text(router.state)),
              ] + more.filter { !$0.1.isEmpty }.map { .init($0.0, .array($0.1.map(JSONValue.text))) })
          })),
      .init(
        "shards",
        .array(
          shards.map { shard in
            .object([
              .init("shard", .number(shard.shard.rawValue)), .init("epoch", shard.epoch.map(JSONValue.number) ?? .null),
              .init("primary", name(shard.primary)), .init("follower", name(shard.follower)),
              .init("joining", name(shard.joining)),
              .init("primary_index", shard.primaryIndex.map(JSONValue.number) ?? .null),
              .init("follower_index", shard.followerIndex.map(JSONValue.number) ?? .null),
              .init("digests", shard.digests.map(digestsJSON) ?? .null),
            ])
          })),
    ])
  }

  private func name(_ node: NodeName?) -> JSONValue { node.map { .text($0.description) } ?? .null }

  private func digestsJSON(_ digests: Digests) -> JSONValue {
    .object(
      [.init("index", .number(digests.index))] + digests.values.map { .init($0.node.description, .text(hex($0.value))) }
    )
  }

  // MARK: For people

  var text: String {
    var out = table(
      [["NODE", "ADDRESS", "PID", "STATE"]]
        + nodes.map { node in
          let reason = node.status.flatMap { $0.reason.isEmpty ? nil : ": \($0.reason)" } ?? ""
          let state = node.status?.state == .recovering ? "recovering" : node.state
          return [node.record.name.description, node.record.address, String(node.record.pid), state + reason]
        })
    out += "\n"
    out += table(
      [["ROUTER (HTTP)", "RESP", "PID", "STATE"]]
        + routers.map { router in
          [
            ([router.record.http] + router.record.moreHTTP).joined(separator: " "),
            ([router.record.tcp] + router.record.moreTCP).joined(separator: " "), String(router.record.pid),
            router.state,
          ]
        })
    out += "\n"
    out += table(
      [["SHARD", "EPOCH", "PRIMARY", "INDEX", "FOLLOWER", "INDEX", "STATE"]]
        + shards.map { shard in
          [
            String(shard.shard.rawValue), shard.epoch.map(String.init) ?? "-", shard.primary?.description ?? "-",
            shard.primaryIndex.map(String.init) ?? "-",
            shard.follower?.description ?? shard.joining.map { "(\($0))" } ?? "-",
            shard.followerIndex.map(String.init) ?? "-", state(of: shard),
          ]
        })
    return out
  }

  private func state(of shard: Shard) -> String {
    if let trouble = shard.trouble { return trouble }
    guard shard.primary != nil else { return "no primary yet" }
    guard shard.follower != nil else {
      return shard.joining == nil ? "one copy" : "one copy, \(shard.joining!) catches up"
    }
    guard let digests = shard.digests, digests.values.count > 1 else { return "two copies" }
    return Set(digests.values.map(\.value)).count == 1
      ? "two copies, equal at \(digests.index)" : "TWO COPIES THAT DIFFER at \(digests.index)"
  }
}
