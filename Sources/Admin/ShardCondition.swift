internal import ClusterMap
internal import Octets
internal import Proto

/// One shard as the map names it and as those who answered say: whether it sells, and how many copies there are.
struct ShardCondition {
  var shard: ShardID
  var epoch: UInt64?
  /// As the map says; without a map, as the nodes do.
  var primary: NodeName?
  var follower: NodeName?
  /// Catches up with the primary, by its own account.
  var joining: NodeName?
  /// Durable; nil: the node does not answer.
  var primaryIndex: UInt64?
  /// The follower's, or else the joining one's.
  var followerIndex: UInt64?
  var digests: StatusReport.Digests?
  /// What each node that answered says.
  var heard: [(node: StatusReport.Node, replica: ReplicaStatus)]
  /// Whether a primary answers and takes commands; nil: nobody knows.
  var sells: Bool?
  /// Copies that were heard to be whole; nil: nobody answered.
  var copies: Int?
  /// Why a replica is halted, or waits for its peer or the operator.
  var trouble: String?
  /// Why the primary has no follower, by its own account.
  var aloneBecause: [String] = []
  private var isMapKnown: Bool

  /// - Parameter silent: nodes that did not answer.
  init(
    _ shard: ShardID, entry: MapEntry?, isMapKnown: Bool,
    heard: [(node: StatusReport.Node, replica: ReplicaStatus)], silent: [NodeName], digests: StatusReport.Digests?
  ) {
    (self.shard, self.heard, self.digests, self.isMapKnown) = (shard, heard, digests, isMapKnown)
    func replica(_ node: NodeName?) -> ReplicaStatus? { heard.first { $0.node.name == node }?.replica }
    // A node that halted, or still reads its log, does nothing, whatever its replicas say.
    let working = heard.filter { $0.node.status?.state == .up }
    let newest = working.map(\.replica.epoch).max()
    let leader = working.first { $0.replica.role == .primary && $0.replica.epoch == newest }
    epoch = entry?.epoch ?? newest
    primary = entry?.primary.node ?? (isMapKnown ? nil : leader?.node.name)
    let isFollowing = { (each: (node: StatusReport.Node, replica: ReplicaStatus)) in
      each.replica.role == .follower && each.replica.reason.isEmpty && each.replica.epoch == newest
    }
    let second = working.first(where: isFollowing)
    follower = entry != nil ? entry?.follower?.node : (isMapKnown ? nil : second?.node.name)
    if follower == nil {
      joining = heard.first { $0.node.name != entry?.primary.node && $0.replica.role == .joining }?.node.name
    }
    primaryIndex = replica(primary)?.durableIndex
    followerIndex = replica(follower ?? joining)?.durableIndex
    // The map's primary may not have heard of a newer epoch yet; one of a newer epoch than the map's is ahead of it.
    let isStale = leader.map { $0.replica.epoch < entry?.epoch ?? 0 } ?? false
    let isFull = leader?.node.status?.isDiskFull ?? false
    if let leader, !isStale {
      sells = !isFull && !leader.replica.isStalled
      copies = second == nil ? 1 : 2
      if second == nil, !leader.replica.isStalled {
        // The reason is of the past: who catches up is there again.
        if let joining {
          aloneBecause = ["\(joining) catches up"]
        } else if !leader.replica.reason.isEmpty {
          aloneBecause = [leader.replica.reason.description]
        }
      }
    } else if isMapKnown, entry == nil {
      (sells, copies) = (false, 0)
    } else if let primary, silent.contains(primary) || working.isEmpty && heard.isEmpty {
      sells = nil
      copies = working.isEmpty ? nil : working.count(where: isFollowing)
    } else if heard.isEmpty, !silent.isEmpty {
      sells = nil
    } else if !isMapKnown, working.contains(where: isFollowing) {
      // A follower follows somebody, whom nobody names.
      sells = nil
      copies = working.count(where: isFollowing)
    } else {
      sells = false
      copies = working.count(where: isFollowing)
    }
    trouble = heard.lazy.compactMap { Self.why($0.replica, on: $0.node.name) }.first
  }

  private static func why(_ replica: ReplicaStatus, on node: NodeName) -> String? {
    if replica.role == .halted { return "\(node) halted: \(replica.reason)" }
    // A replica without a role that gives a reason: its log may lack something, and it waits to hear what.
    switch replica.role {
    case .none, .follower, .joining: return replica.reason.isEmpty ? nil : "\(node) waits: \(replica.reason)"
    case .primary: return replica.isStalled ? "\(node) \(replica.reason)" : nil
    case .halted: return nil
    }
  }

  /// What stands in the last column.
  var words: String {
    let extra = trouble.map { "; \($0)" } ?? ""
    guard let sells else {
      if !isMapKnown, let copies, copies > 0 { return "unknown: no primary answers, and nobody says who it is" + extra }
      if let copies, copies > 0 { return "unknown: the primary does not answer, \(copies) copy does" + extra }
      return "unknown: nobody answered" + extra
    }
    guard sells else {
      if let leader = heard.first(where: { $0.replica.role == .primary }), leader.node.status?.isDiskFull ?? false {
        return "cannot sell: \(leader.node.name)'s disk is full"
      }
      if let trouble { return trouble }
      return primary == nil ? "no primary yet" : "no primary answers"
    }
    guard copies == 2 else {
      if let joining { return "one copy, \(joining) catches up" }
      let because = aloneBecause.first.map { ": \($0)" } ?? ""
      if let follower { return "one copy, \(follower) unknown" + extra }
      return "one copy" + because + extra
    }
    guard let digests, digests.values.count > 1 else { return "two copies" }
    return digests.differ ? "TWO COPIES THAT DIFFER at \(digests.index)" : "two copies, equal at \(digests.index)"
  }

  var json: JSONValue {
    func name(_ node: NodeName?) -> JSONValue { node.map { .text($0.description) } ?? .null }
    func number(_ index: UInt64?) -> JSONValue { index.map(JSONValue.number) ?? .null }
    let digests = digests.map { digests in
      JSONValue.object(
        [.init("index", .number(digests.index))]
          + digests.values.map { .init($0.node.description, .text(hex($0.value))) })
    }
    return .object([
      .init("shard", .number(shard.rawValue)), .init("epoch", number(epoch)), .init("primary", name(primary)),
      .init("follower", name(follower)), .init("joining", name(joining)),
      .init("primary_index", number(primaryIndex)), .init("follower_index", number(followerIndex)),
      .init("digests", digests ?? .null),
      .init("sells", sells.map { .bool($0) } ?? .null), .init("copies", copies.map { .number($0) } ?? .null),
      .init("state", .text(words)),
      .init(
        "heard",
        .array(
          heard.map { each in
            .object([
              .init("node", .text(each.node.name.description)), .init("role", .text(each.replica.role.word)),
              .init("epoch", .number(each.replica.epoch)), .init("index", .number(each.replica.durableIndex)),
              .init("reason", .text(each.replica.reason.description)),
            ])
          })),
    ])
  }
}

extension NodeStatus {
  var isDiskFull: Bool { state == .up && reason == Self.diskFull }
}
