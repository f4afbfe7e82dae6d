import MemoryDisk
import Node
import Proto
import Replication
import Seeded
import ShardCore
import Time

// What goes wrong, and how it ends.
extension World {
  /// A tenth of a second in which each kind of fault may strike one node.
  func strike() {
    if isHealing { return }
    plan(after: 100_000 + standstillLeft) { $0.strike() }
    noteRepairs()
    guard let node = nodes.randomElement(using: &random) else { return }
    if chance(faults.crash) { kill(node, keepsPower: true) }
    if chance(faults.powerLoss) { kill(node, keepsPower: false) }
    if chance(faults.restart), node.isUp, !isLastCopy(node) {
      count(.restart)
      let wait = draw(1_000...20_000)
      if random.chance(50) {
        node.endInOrder(restartAfter: wait)
      } else {
        node.crash(keepsPower: true, restartAfter: wait)
      }
    }
    strikeWithEnds(node)
    if chance(faults.crashInOperation), node.isUp, !isLastCopy(node) {
      count(.crashInOperation)
      node.storage.plan(.crash, at: draw(0...20))
    }
    if chance(faults.failedSync), node.isUp, !isLastCopy(node) {
      count(.failedSync)
      node.storage.plan(.error, at: draw(0...10))
    }
    if chance(faults.partition) { partition() }
    if chance(faults.reset) { reset() }
    if chance(faults.pause), node.isUp {
      count(.pause)
      stop(node, until: time + draw(1_000...2_500_000))
    }
    if chance(faults.wallJump) {
      count(.wallJump)
      // Less than a router's key is kept, so that a leap at a restart of all does not make one be forgotten; or much
      // more.
      let most = faults.wallJumpMax.rawValue
      node.wallOffset = Milliseconds(Int64.random(in: -most...most, using: &random))
      say("\(node.name)'s wall clock is now off by \(node.wallOffset) ms")
    }
    if chance(faults.coordinatorAway), !coordinator.isUnsettled {
      count(.coordinatorAway)
      coordinator.backAt = time + draw(1_000...2_000_000)
      say("the coordinator is away")
    }
    if chance(faults.stuckProposals), !coordinator.isUnsettled {
      count(.stuckProposals)
      coordinator.writesAt = time + draw(100_000...2_500_000)
      say("the coordinator takes no proposal for \((coordinator.writesAt - time) / 1_000) ms")
    }
    if chance(faults.watchAgain) {
      count(.watchAgain)
      coordinator.watchAgain(node)
    }
    if chance(faults.standstill), !coordinator.isUnsettled { standStill() }
    strikeRouters()
    if chance(faults.fullDisk), !isLastCopy(node) {
      count(.fullDisk)
      node.storage.limit(0)
      let storage = node.storage
      plan(after: draw(10_000...2_000_000)) { _ in
        storage.limit(nil)
        node.storage.limit(nil)
      }
    }
    if chance(faults.directive) { direct(node) }
    if chance(faults.damage) { damage(node) }
    strikeWithCopies()
    if chance(faults.wipe), isSpare(node) {
      count(.wipe)
      say("\(node.name) loses its disk")
      node.wipe()
      hasLost(node)
    }
  }

  private func strikeRouters() {
    guard let router = routers.randomElement(using: &random) else { return }
    if chance(faults.routerCrash), router.isUp {
      count(.routerCrash)
      router.crash()
    }
    if chance(faults.deafRouter), router.isUp { deafen(router) }
    if chance(faults.routerPause), router.isUp {
      count(.routerPause)
      router.pause(until: time + (random.chance(10) ? draw(61_000_000...70_000_000) : draw(1_000...2_500_000)))
    }
  }

  /// A router goes on asking a primary that was deposed and does not know it: a read from there may say what is no
  /// longer so, unless the follower has confirmed that it is still one.
  private func deafen(_ router: SimulatedRouter) {
    guard let shard = shardIDs.randomElement(using: &random), let entry = coordinator.registers[shard]?.entry,
      let node = node(named: entry.primary.node), node.isUp, !isLastCopy(node)
    else { return }
    count(.deafRouter)
    let until = time + draw(1_200_000...3_000_000)
    router.deafUntil = until
    node.deafUntil = until
    say("\(router.name) and \(node.name) are deaf to the map for \((until - time) / 1_000) ms")
    lull = (shard, node.nodeName, until)
    let stands = random.chance(30)
    plan(after: draw(50_000...250_000)) { world in
      guard !world.isHealing else { return }
      if stands { return world.stop(node, until: until - 100_000) }
      for other in world.nodes where other !== node {
        world.block(node.endpoint, other.endpoint, until: until)
        world.block(other.endpoint, node.endpoint, until: until)
      }
    }
  }

  /// As if all ran on one host that is suspended: time goes on, and nothing else.
  private func standStill() {
    count(.standstill)
    standstillUntil = time + draw(61_000_000...65_000_000)
    for process in processes as [SimulatedProcess] + routers { process.pause(until: standstillUntil) }
  }

  /// A proposal to take a replica in is decided late. Before that the watch says again what was so before, and the two
  /// lose their line; as soon as it is decided the primary stands still. Whatever it answered alone meanwhile would be
  /// lost.
  func delay(_ entry: MapEntry, of node: SimulatedNode) {
    guard chance(faults.lateProposal), entry.primary == node.id, coordinator.writesAt <= time,
      let other = entry.follower.flatMap({ self.node(named: $0.node) })
    else { return }
    count(.lateProposal)
    let decided = time + draw(300_000...1_200_000)
    coordinator.writesAt = decided
    say("what \(node.name) proposes is decided \((decided - time) / 1_000) ms late")
    let (cutAt, stopAt) = (draw(20_000...250_000), decided - time + draw(3_000...20_000))
    plan(after: draw(1_000...50_000)) { world in if !world.isHealing { world.coordinator.watchAgain(node) } }
    plan(after: cutAt) { world in
      if !world.isHealing { world.block(node.endpoint, other.endpoint, until: decided + 2_500_000) }
    }
    plan(after: stopAt) { world in
      if !world.isHealing { world.stop(node, until: world.time + world.draw(800_000...2_000_000)) }
    }
  }

  /// The map has changed: a fault may strike a node that the new entry names.
  func strike(at entry: MapEntry) {
    guard chance(faults.atChange), let primary = node(named: entry.primary.node) else { return }
    let other = entry.follower.flatMap { node(named: $0.node) } ?? primary
    let (kind, until) = (draw(0...3), time + draw(100_000...2_500_000))
    plan(after: draw(0...[2_000, 300_000].randomElement(using: &random)!)) { world in
      guard !world.isHealing else { return }
      world.count(.atChange)
      switch kind {
      case 0: if !world.isLastCopy(primary) { primary.crash(keepsPower: true) }
      case 1: world.stop(primary, until: until)
      case 2: if !world.isLastCopy(other) { other.crash(keepsPower: true) }
      default: world.block(primary.endpoint, other.endpoint, until: until)
      }
    }
  }

  private func kill(_ node: SimulatedNode, keepsPower: Bool) {
    guard node.isUp, !isLastCopy(node) else { return }
    count(keepsPower ? .crash : .powerLoss)
    node.crash(keepsPower: keepsPower)
    // All at once, now and then.
    guard random.chance(20) else { return }
    for other in nodes where other.isUp && !isLastCopy(other) {
      count(keepsPower ? .crash : .powerLoss)
      other.crash(keepsPower: keepsPower)
    }
  }

  private func partition() {
    let all = nodes.count + routers.count
    let (from, to) = (draw(0...(all - 1)), draw(0...(all - 1)))
    // Routers do not talk to one another.
    guard from != to, min(from, to) < nodes.count else { return }
    count(.partition)
    block(from, to, until: time + draw(1_000...2_500_000))
  }

  /// Stands still.
  private func stop(_ node: SimulatedNode, until: Int) { if !coordinator.isUnsettled { node.pause(until: until) } }

  private func block(_ from: Int, _ to: Int, until: Int) {
    guard from != to, !coordinator.isUnsettled else { return }
    let both = random.chance(50)
    for (a, b) in both ? [(from, to), (to, from)] : [(from, to)] {
      network.blockedUntil[a][b] = until
      network.holds[a][b] = random.chance(50)
    }
    let names = (nodes as [SimulatedProcess] + routers).map(\.name)
    say("no line from \(names[from]) to \(names[to])\(both ? ", nor back" : "") for \((until - time) / 1_000) ms")
  }

  private func reset() {
    count(.reset)
    guard let node = nodes.randomElement(using: &random) else { return }
    if random.chance(30), let client = clients.randomElement(using: &random) { return client.reset() }
    if random.chance(50) { routers.randomElement(using: &random)?.resetLinks() }
    for other in nodes where other !== node { node.dropLinks(to: other) }
  }

  private func direct(_ node: SimulatedNode) {
    guard node.isUp, !node.isPaused, let shard = shardIDs.randomElement(using: &random) else { return }
    count(.directive)
    let someone = nodes.randomElement(using: &random) ?? node
    let directives: [Directive] = [.drain, .drain, .drain, .force, .declareDead(someone.nodeName)]
    let directive = directives.randomElement(using: &random) ?? .drain
    if let answer = node.take(.directive(directive), for: shard) {
      say("\(node.name) shard \(shard.rawValue) is told to \(directive): \(answer)")
    }
  }

  /// Whether what `node` has may be lost: for each shard, another has all that was ever answered, whatever is still
  /// under way.
  func isSpare(_ node: SimulatedNode) -> Bool {
    guard !coordinator.isProposed(node.nodeName), !coordinator.isUnsettled else { return false }
    return shardIDs.allSatisfy { isElsewhere($0, than: node) }
  }

  func isElsewhere(_ shard: ShardID, than node: SimulatedNode) -> Bool {
    isCopied(shard, of: node) || isFollowed(shard, by: node)
  }

  /// Whether the follower of this primary has all that was ever answered, and can go on without it.
  private func isFollowed(_ shard: ShardID, by node: SimulatedNode) -> Bool {
    guard let entry = coordinator.registers[shard]?.entry, entry.primary == node.id,
      let follower = entry.follower.flatMap({ self.node(named: $0.node) }), follower.id == entry.follower,
      !follower.storage.hasCrashed, let held = follower.machine(shard), !held.isBroken
    else { return false }
    let replica = held.machine.replica
    return replica.role == .follower && replica.epoch == entry.epoch && replica.summary.suspicion == .none
      && replica.durable >= checks.promises[Int(shard.rawValue)].index && !coordinator.isProposed(follower.nodeName)
  }

  /// Whether another node is the shard's primary, and well.
  private func isCopied(_ shard: ShardID, of node: SimulatedNode) -> Bool {
    guard let entry = coordinator.registers[shard]?.entry, let primary = self.node(named: entry.primary.node),
      primary !== node, let held = primary.machine(shard), !held.isBroken
    else { return false }
    let replica = held.machine.replica
    guard replica.role == .primary, replica.epoch == entry.epoch, replica.summary.isOpen, !replica.summary.draining,
      primary.id == entry.primary, !primary.storage.hasCrashed
    else { return false }
    return entry.follower == nil || entry.follower == node.id || entry.follower?.node != node.nodeName
  }

  /// A node's disk is not what it was: until that is repaired, the other copy's disk keeps what it has.
  func hasLost(_ node: SimulatedNode) {
    node.isDamaged = true
    for other in nodes where isLastCopy(other) {
      other.storage.clearFaults()
      other.storage.limit(nil)
    }
  }

  /// Whether a shard has no second whole copy but this node's. A loss of power, or an end within a write, may leave a
  /// tear there, which only another copy can settle: two faults at once, and then it is the operator's to say.
  func isLastCopy(_ node: SimulatedNode) -> Bool {
    // Not before a coordinator that went back is settled, either: who knows the newest epoch must live.
    coordinator.isUnsettled
      || shardIDs.contains { shard in
        guard let entry = coordinator.registers[shard]?.entry else { return false }
        let named = [entry.primary, entry.follower].compactMap { $0 }
        guard named.contains(where: { $0.node == node.nodeName }) else { return false }
        return nodes.contains { other in
          other !== node && other.isDamaged && named.contains { $0.node == other.nodeName } && !isWhole(other, shard)
        }
      }
  }

  private func noteRepairs() {
    for node in nodes where node.isDamaged {
      node.isDamaged = !shardIDs.allSatisfy { shard in
        guard let entry = coordinator.registers[shard]?.entry else { return false }
        let isNamed = entry.primary.node == node.nodeName || entry.follower?.node == node.nodeName
        return !isNamed || isWhole(node, shard)
      }
    }
  }

  private func isWhole(_ node: SimulatedNode, _ shard: ShardID) -> Bool {
    guard let held = node.machine(shard), !held.isBroken else { return false }
    let replica = held.machine.replica
    return (replica.role == .primary || replica.role == .follower) && replica.summary.suspicion == .none
      && replica.epoch == coordinator.registers[shard]?.entry.epoch
  }

  /// Flips a bit, or cuts a file short, on a disk whose content another has, and starts the node anew.
  private func damage(_ node: SimulatedNode) {
    guard isSpare(node), node.isUp else { return }
    let leads = shardIDs.contains { coordinator.registers[$0]?.entry.primary == node.id }
    node.crash(keepsPower: true)
    let files = node.storage.paths.filter { $0.hasSuffix(".seg") || $0.hasSuffix(".snap") }
    guard let path = files.randomElement(using: &random), let content = node.storage.content(path), !content.isEmpty
    else { return }
    count(.damage)
    hasLost(node)
    if leads { count(.primaryDamage) }
    // Most of a segment is zeros: hit what is written.
    let end = max(1, (content.lastIndex { $0 != 0 } ?? 0) + 1)
    let offset = draw(0...(end - 1))
    if random.chance(80) {
      let bit = draw(0...7)
      node.storage.flipBit(path, offset: offset, bit: bit)
      say("bit \(bit) of byte \(offset) of \(node.name)'s \(path) flips")
    } else {
      node.storage.change(path) { bytes in for place in offset..<min(bytes.count, offset + 512) { bytes[place] = 0 } }
      say("512 bytes from \(offset) on of \(node.name)'s \(path) are zeros")
    }
  }

  /// No more faults: everything that is down starts, everything that was cut is whole.
  func heal() {
    isHealing = true
    faults = .none
    say("faults end")
    coordinator.backAt = 0
    coordinator.writesAt = 0
    if standstillLeft > 0 {
      // The operator, too, looks again now, not when the standstill would have ended.
      operatorRound += 1
      plan(after: 100_000) { $0.operate() }
    }
    standstillUntil = 0
    for process in processes as [SimulatedProcess] + routers { process.deafUntil = 0 }
    for from in network.blockedUntil.indices {
      for to in network.blockedUntil.indices { network.blockedUntil[from][to] = 0 }
    }
    for router in routers {
      router.goOn()
      router.boot()
    }
    for node in nodes {
      node.storage.clearFaults()
      node.storage.limit(nil)
      if node.isUp {
        node.goOn()
      } else {
        node.boot()
      }
    }
    for ghost in ghosts { plan(after: draw(0...3_000_000)) { $0.wake(ghost) } }
    for process in processes { coordinator.watchAgain(process) }
  }
}
