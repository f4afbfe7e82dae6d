import ClusterMap
import EventLoop
import Journal
import Octets
import Proto
import Replication
import Threads

extension NodeCore {
  func answer(_ request: AdminRequest) async -> AdminReply {
    switch request {
    case .status(let digests): return .status(await status(digests))
    case .drain(let shards, let deadline):
      return .shards(await drain(shards.isEmpty ? primaryShards() : shards, deadline: deadline))
    case .takeOver(let dead, let shards, let deadline):
      guard dead != me.node else { return .refused("this node is alive: ask the other one") }
      return .shards(await takeOver(dead, shards.isEmpty ? allShards : shards, deadline: deadline))
    case .acceptLoss(let shards, let deadline):
      guard !shards.isEmpty else { return .refused("name the shards whose loss is accepted") }
      return .shards(await acceptLoss(shards, deadline: deadline))
    }
  }

  var allShards: [ShardID] { (0..<shardCount).map { ShardID(UInt16($0)) } }

  /// The shards of which this node is primary.
  func primaryShards() async -> [ShardID] {
    var found: [ShardID] = []
    for nodeLoop in loops {
      let statuses = await nodeLoop.statuses([], isCoordinatorThere: isCoordinatorReachable)
      found += statuses.filter { $0.role == .primary }.map(\.shard)
    }
    return found.sorted()
  }

  func status(_ digests: [AdminRequest.DigestQuery]) async -> NodeStatus {
    var replicas: [ReplicaStatus] = []
    let isCoordinatorThere = isCoordinatorReachable
    for nodeLoop in loops {
      replicas += await nodeLoop.statuses(digests, isCoordinatorThere: isCoordinatorThere)
    }
    replicas.sort { $0.shard < $1.shard }
    var (state, reason) = status
    if state == .up, writer.isFull { reason = NodeStatus.diskFull.description }
    let alone = notes.withLock { notes in replicas.map { notes.whyAlone($0.shard) } }
    for (place, why) in alone.enumerated() where replicas[place].role == .primary && replicas[place].reason.isEmpty {
      if let why { replicas[place].reason = Bytes(why) }
    }
    return NodeStatus(
      node: me.node, cluster: birth.cluster, disk: me.disk, pid: processID(), state: state, reason: Bytes(reason),
      replicas: replicas)
  }

  // MARK: Directives

  /// A directive that was given to one shard, and what it should come to.
  private struct Pending {
    var shard: ShardID
    var epoch: UInt64
    /// What is said when it is done.
    var text: Bytes = ""
    var result: AdminReply.ShardResult?
  }

  func drain(_ shards: [ShardID], deadline: UInt32) async -> [AdminReply.ShardResult] {
    await carryOut(.drain, shards, deadline: deadline) { summary in
      guard summary.role == .primary else { return summary.follower == nil ? nil : "this node is not the primary" }
      return summary.follower == nil ? "there is no follower to hand over to" : nil
    } outcome: { summary, _ in
      if summary.role != .primary { return .done }
      return summary.draining ? nil : .refused
    }
  }

  func takeOver(_ dead: NodeName, _ shards: [ShardID], deadline: UInt32) async -> [AdminReply.ShardResult] {
    await carryOut(.declareDead(dead), shards, deadline: deadline) { summary in
      if summary.primary?.node == dead, summary.follower == nil {
        return "\(dead) is the only replica that the map names"
      }
      return nil
    } outcome: { [me] summary, epoch in
      summary.epoch > epoch && summary.role == .primary && summary.primary == me && summary.follower?.node != dead
        ? .done : nil
    }
  }

  func acceptLoss(_ shards: [ShardID], deadline: UInt32) async -> [AdminReply.ShardResult] {
    await carryOut(.acceptLoss, shards, deadline: deadline) { _ in
      nil
    } text: { [self] shard, summary in
      givenUp(shard, summary)
    } outcome: { summary, epoch in
      summary.epoch > epoch && summary.role == .primary ? .done : nil
    }
  }

  /// What goes on from this replica's end may lack: for the operator who accepts that.
  private func givenUp(_ shard: ShardID, _ summary: RoleSummary) -> Bytes {
    var text = "gives up what \(me.node)'s log may have held behind index \(summary.end)"
    if case .suspectByDamage(.unreachable(index: let index)) = journal.recovery.shard(shard).state {
      text += ", at least up to \(index), where a snapshot stood"
    }
    let stretches = journal.recovery.unreadable.map { "\($0.range.lowerBound) to \($0.range.upperBound)" }
    if !stretches.isEmpty {
      let shown = stretches.prefix(3).joined(separator: ", ") + (stretches.count > 3 ? ", …" : "")
      text += "; positions \(shown) cannot be read"
    }
    if let primary = summary.primary, primary.node != me.node { text += "; \(primary.node) may have more" }
    if summary.suspicion != .none { text += "; \(sentence(summary.suspicion))" }
    return Bytes(text)
  }

  /// Gives a directive to each shard and waits for what comes of it.
  ///
  /// - Parameters:
  ///   - refusal: why a shard in this state is left alone; nil: ask it.
  ///   - text: what is said of a directive that was carried out, from the state before.
  ///   - outcome: what a directive that was taken has come to, given the epoch before; nil: not settled yet.
  private func carryOut(
    _ directive: Directive, _ shards: [ShardID], deadline: UInt32, refusal: (RoleSummary) -> String?,
    text: (ShardID, RoleSummary) -> Bytes = { _, _ in "" },
    outcome: (RoleSummary, UInt64) -> AdminReply.ShardResult.Result?
  ) async -> [AdminReply.ShardResult] {
    var pending: [Pending] = []
    for shard in shards {
      guard Int(shard.rawValue) < shardCount, let summary = await loop(of: shard).summary(of: shard) else {
        pending.append(
          Pending(
            shard: shard, epoch: 0,
            result: AdminReply.ShardResult(shard: shard, result: .refused, epoch: 0, text: "no such shard")))
        continue
      }
      pending.append(
        Pending(
          shard: shard, epoch: summary.epoch, text: text(shard, summary),
          result: await begin(directive, shard, summary, refusal(summary))))
    }
    let end = ContinuousClock.now + .milliseconds(Int64(max(deadline, 1)))
    while pending.contains(where: { $0.result == nil }) {
      for place in pending.indices where pending[place].result == nil {
        let shard = pending[place].shard
        guard let summary = await loop(of: shard).summary(of: shard) else { continue }
        if let result = outcome(summary, pending[place].epoch) {
          let text = result == .refused ? "it could not be drained in time" : pending[place].text
          pending[place].result = AdminReply.ShardResult(
            shard: shard, result: result, epoch: summary.epoch, text: text)
        } else if ContinuousClock.now >= end {
          pending[place].result = AdminReply.ShardResult(
            shard: shard, result: .unknown, epoch: summary.epoch, text: "not settled yet: look at the map later")
        }
      }
      try? await Task.sleep(for: .milliseconds(5))
    }
    return pending.compactMap(\.result)
  }

  /// nil: the directive was taken.
  private func begin(
    _ directive: Directive, _ shard: ShardID, _ summary: RoleSummary, _ refusal: String?
  ) async -> AdminReply.ShardResult? {
    func result(_ result: AdminReply.ShardResult.Result, _ text: String) -> AdminReply.ShardResult {
      AdminReply.ShardResult(shard: shard, result: result, epoch: summary.epoch, text: Bytes(text))
    }
    if let refusal { return result(.refused, refusal) }
    switch await loop(of: shard).carryOut(directive, shard: shard) {
    case .taken: return nil
    case .nothingToDo: return result(.unchanged, "")
    case .refused(let reason):
      switch reason {
      case .wrongRole: return result(.refused, "this node does not have the role for this")
      case .noFollower: return result(.refused, "the shard has no follower")
      case .busy: return result(.refused, "a change of roles is under way: try again")
      case .suspect: return result(.refused, "something may be missing here: only --accept-loss overrides that")
      case .notSuspect: return result(.refused, "nothing is missing that could be given up")
      case .primaryAnswers:
        return result(.refused, "the primary that the map names was heard just now: it has more than this copy")
      }
    case nil: return result(.refused, "no such shard")
    }
  }
}
