import Journal
import MemoryDisk
import Node
import Proto
import Replication
import Seeded
import ShardCore

// Copies: of a node's directory, used while the node still runs or brought back later, and of the coordinator's data;
// and the operator who decides where the cluster must not.
extension World {
  /// What waits for a moment at which it leaves a whole copy of everything.
  enum Wish: Int, CaseIterable {
    case twin, twinAlone, oldDisk, coordinatorBack
  }

  func strikeWithCopies() {
    if faults.oldDisk > 0, chance(0.2), let node = nodes.randomElement(using: &random) { keepImage(node) }
    if faults.coordinatorBack > 0, chance(0.3) { coordinator.keepImage() }
    for (wish, probability) in [
      (Wish.twin, faults.twin), (.twinAlone, faults.twin), (.oldDisk, faults.oldDisk),
      (.coordinatorBack, faults.coordinatorBack),
    ] where chance(probability) && wishes.insert(wish).inserted { fulfil(wish) }
  }

  private func fulfil(_ wish: Wish) {
    if isHealing { return }
    let isDone =
      switch wish {
      case .twin: nodes.randomElement(using: &random).map { twin($0) } ?? false
      case .twinAlone: twinAlone()
      case .oldDisk: nodes.randomElement(using: &random).map { rollBack($0) } ?? false
      case .coordinatorBack: takeCoordinatorBack()
      }
    if isDone {
      wishes.remove(wish)
    } else {
      plan(after: 20_000 + standstillLeft) { $0.fulfil(wish) }
    }
  }

  // MARK: A second process

  /// A node stands still, and another process is started as it, from a copy of its directory: as when a machine that is
  /// thought dead is not.
  private func twin(_ node: SimulatedNode) -> Bool {
    guard node.isUp, !node.isPaused, !node.storage.hasCrashed, !coordinator.isUnsettled,
      !coordinator.isProposed(node.nodeName), ghosts.allSatisfy({ !$0.isUp }),
      shardIDs.allSatisfy({ isElsewhere($0, than: node) || isAlone($0, node) })
    else { return false }
    count(.twin)
    say("\(node.name) stands still, and another process is started in its place, from a copy of its disk")
    let twin = SimulatedNode(node.index, self, node.storage.copy(place: random.next() | 1))
    node.isGhost = true
    node.pause(until: time + draw(600_000...6_000_000))
    node.hasLostWatch = random.chance(70)
    if random.chance(50) { node.deafUntil = max(node.deafUntil, node.pausedUntil + draw(50_000...500_000)) }
    // Now and then a router does not hear of it, and goes on asking the one that stands still.
    if random.chance(60), let router = routers.randomElement(using: &random) {
      router.deafUntil = max(router.deafUntil, node.pausedUntil + 1_500_000)
    }
    ghosts.append(node)
    nodes[node.index] = twin
    hasLost(twin)
    twin.planRestart(after: draw(1_000...(random.chance(50) ? 50_000 : 700_000)))
    return true
  }

  /// The same of a primary that nobody follows. If there is none, one is told to leave its follower behind.
  private func twinAlone() -> Bool {
    if let node = nodes.first(where: { node in shardIDs.contains { isAlone($0, node) } }) { return twin(node) }
    guard random.chance(5), let shard = shardIDs.randomElement(using: &random),
      let entry = coordinator.registers[shard]?.entry, let follower = entry.follower,
      let primary = node(named: entry.primary.node), !primary.isPaused
    else { return false }
    primary.take(.directive(.declareDead(follower.node)), for: shard)
    return false
  }

  /// Whether this node is the only one that the map names, and has all that was answered.
  private func isAlone(_ shard: ShardID, _ node: SimulatedNode) -> Bool {
    guard let entry = coordinator.registers[shard]?.entry else { return false }
    guard entry.primary == node.id, entry.follower == nil, let held = node.machine(shard) else { return false }
    // Whatever it may still answer from before is on its disk already.
    return covers(node, shard) && held.machine.replica.durable == held.machine.position.index
  }

  // MARK: A disk of yesterday

  private func keepImage(_ node: SimulatedNode) {
    guard node.isUp, !node.storage.hasCrashed else { return }
    images[node.index] = (node.storage.copy(), node.start)
  }

  /// The node comes back with what its directory was some time ago. A copy of the same start is told only by its place;
  /// an image of a whole disk, place and all, only by its start.
  private func rollBack(_ node: SimulatedNode) -> Bool {
    guard let image = images[node.index], node.isUp, isSpare(node) else { return false }
    count(.oldDisk)
    let isImage = image.start < node.start && random.chance(50)
    say("\(node.name) comes back with its disk of start \(image.start), \(isImage ? "an image" : "a copy")")
    node.crash(keepsPower: true)
    node.storage = image.storage.copy(place: isImage ? nil : random.next() | 1)
    hasLost(node)
    return true
  }

  // MARK: A coordinator of yesterday

  /// The coordinator's data are replaced by an older copy, at a quiet moment: it must find back above all that was ever
  /// decided.
  private func takeCoordinatorBack() -> Bool {
    guard coordinator.backAt <= time, coordinator.writesAt <= time, standstillUntil <= time, !coordinator.isUnsettled,
      ghosts.allSatisfy({ !$0.isUp }), network.blockedUntil.allSatisfy({ $0.allSatisfy { $0 <= time } }),
      nodes.allSatisfy({ $0.isUp && !$0.isPaused && !$0.isDeaf && !$0.storage.hasCrashed && knowsAll($0) }),
      coordinator.goBack()
    else { return false }
    count(.coordinatorBack)
    for node in nodes {
      node.storage.clearFaults()
      node.storage.limit(nil)
    }
    let since = time
    plan(after: 50_000) { $0.awaitSettled(since) }
    return true
  }

  private func knowsAll(_ node: SimulatedNode) -> Bool {
    shardIDs.allSatisfy { shard in
      guard let replica = node.machine(shard)?.machine.replica else { return false }
      // A suspect copy beside a map that has forgotten who leads is the operator's affair.
      return replica.epoch == coordinator.registers[shard]?.entry.epoch && replica.role != .halted
        && replica.summary.suspicion == .none
    }
  }

  private func awaitSettled(_ since: Int) {
    if coordinator.settle() { return say("the coordinator is settled") }
    if time - since > 20_000_000 {
      fail("the coordinator's data are settled", "not 20 s after it went back: \(summary)")
    }
    plan(after: 50_000) { $0.awaitSettled(since) }
  }

  // MARK: The operator

  /// Looks at shards that wait: says that what is here is all there is, where it is.
  func operate() {
    let round = operatorRound
    plan(after: 100_000 + standstillLeft) { if $0.operatorRound == round { $0.operate() } }
    if coordinator.isUnsettled { return }
    for shard in shardIDs { operate(on: shard) }
  }

  private func operate(on shard: ShardID) {
    guard let entry = coordinator.registers[shard]?.entry, let primary = node(named: entry.primary.node) else { return }
    let named = [entry.primary, entry.follower].compactMap { $0.flatMap { node(named: $0.node) } }
    let leads = primary.machine(shard)?.machine.replica
    // One that was replaced may still have something to say.
    let ghost = ghosts.first { ghost in ghost.isUp && named.contains { $0.nodeName == ghost.nodeName } }
    guard ghost.map({ entry.follower == nil && $0.isStill }) ?? true, leads?.role != .primary else {
      waitsUntil[shard] = nil
      return
    }
    let until = waitsUntil[shard] ?? time + draw(50_000...(random.chance(50) ? 300_000 : 2_500_000))
    waitsUntil[shard] = until
    guard time >= until else { return }
    for node in named where mayAccept(shard, node, primary) {
      guard covers(node, shard) else { continue }
      let answer = node.take(.directive(.acceptLoss), for: shard)
      say(
        "\(node.name) shard \(shard.rawValue) is told to go on with what it has: \(answer.map { "\($0)" } ?? "down")")
      if answer == .taken { count(.acceptLoss) }
      if let ghost { hold(ghost, behind: entry.epoch, of: shard) }
      waitsUntil[shard] = nil
      return
    }
    for node in named where bringBack(node, shard) {
      waitsUntil[shard] = nil
      return
    }
  }

  /// It goes on, unless the operator holds it.
  func wake(_ ghost: SimulatedNode) { if !ghost.isHeld { ghost.goOn() } }

  /// The operator sees to it that a process stands still until the map has changed.
  private func hold(_ ghost: SimulatedNode, behind epoch: UInt64, of shard: ShardID) {
    ghost.isHeld = coordinator.registers[shard]?.entry.epoch == epoch
    guard ghost.isHeld else { return }
    ghost.pause(until: time + draw(300_000...1_000_000))
    if ghost.deafUntil > 0 { ghost.deafUntil = max(ghost.deafUntil, ghost.pausedUntil + draw(50_000...500_000)) }
    plan(after: 100_000) { $0.hold(ghost, behind: epoch, of: shard) }
  }

  private func mayAccept(_ shard: ShardID, _ node: SimulatedNode, _ primary: SimulatedNode) -> Bool {
    guard !node.isPaused, let held = node.machine(shard), !held.isBroken else { return false }
    let replica = held.machine.replica
    guard replica.summary.suspicion != .none, replica.epoch == coordinator.registers[shard]?.entry.epoch else {
      return false
    }
    switch replica.role {
    case .comparing:
      // A sound follower goes on, even if it is slow to say so.
      let other = coordinator.registers[shard]?.entry.follower.flatMap { self.node(named: $0.node) }?.machine(shard)
      return other.map { $0.machine.replica.summary.suspicion != .none || $0.machine.replica.role != .follower } ?? true
    case .follower: return primary.machine(shard)?.machine.replica.summary.suspicion ?? .stale != .none
    case .starting, .unborn, .primary, .joining, .idle, .halted: return false
    }
  }

  /// What is missing on the node's disk is on that of the process which it replaced: that one is put back.
  private func bringBack(_ node: SimulatedNode, _ shard: ShardID) -> Bool {
    guard let held = node.machine(shard), !node.isPaused, held.machine.replica.summary.suspicion != .none,
      !covers(node, shard),
      let ghost = ghosts.last(where: { $0.nodeName == node.nodeName && !$0.isUp && !$0.isSpent }),
      shardIDs.allSatisfy({ $0 == shard || isElsewhere($0, than: node) || !covers(node, $0) })
    else { return false }
    ghost.isSpent = true
    count(.broughtBack)
    say("\(node.name) gets back the disk of the process that it replaced")
    node.crash(keepsPower: true)
    node.storage = ghost.storage.afterProcessEnd()
    node.storage.clearFaults()
    node.storage.limit(nil)
    return true
  }

  /// Whether a node's log has everything that was ever answered.
  func covers(_ node: SimulatedNode, _ shard: ShardID) -> Bool {
    let promise = checks.promises[Int(shard.rawValue)]
    guard promise.index > 0 else { return true }
    guard let position = node.machine(shard)?.machine.position, let log = node.log else { return false }
    if position.index == promise.index { return position.chain == promise.chain }
    let found = (try? log.chain(of: shard, at: promise.index)) ?? nil
    if let found { return found == promise.chain }
    // The log may begin behind it, after a snapshot.
    return log.firstIndex(of: shard) > promise.index && position.index >= promise.index
  }
}
