import MemoryDisk
import Node
import Proto
import Replication

// What goes wrong, and how it ends.
extension World {
  /// A tenth of a second in which each kind of fault may strike one node.
  func strike() {
    if isHealing { return }
    plan(after: 100_000) { $0.strike() }
    guard let node = nodes.randomElement(using: &random) else { return }
    if chance(faults.crash) { kill(node, keepsPower: true) }
    if chance(faults.powerLoss) { kill(node, keepsPower: false) }
    if chance(faults.crashInOperation), node.isUp {
      count(.crashInOperation)
      node.storage.plan(.crash, at: draw(0...20))
    }
    if chance(faults.failedSync), node.isUp {
      count(.failedSync)
      node.storage.plan(.error, at: draw(0...10))
    }
    if chance(faults.partition) { partition() }
    if chance(faults.reset) { reset() }
    if chance(faults.pause), node.isUp {
      count(.pause)
      node.pause(until: time + draw(1_000...2_500_000))
    }
    if chance(faults.wallJump) {
      count(.wallJump)
      // Less than a router's key is kept, so that a leap at a restart of all does not make one be forgotten.
      node.wallOffset = Int64(draw(-25_000...25_000))
      say("\(node.name)'s wall clock is now off by \(node.wallOffset) ms")
    }
    if chance(faults.coordinatorAway) {
      count(.coordinatorAway)
      coordinator.backAt = time + draw(1_000...2_000_000)
      say("the coordinator is away")
    }
    if chance(faults.fullDisk) {
      count(.fullDisk)
      node.storage.limit(0)
      let storage = node.storage
      plan(after: draw(10_000...2_000_000)) { _ in
        storage.limit(nil)
        node.storage.limit(nil)
      }
    }
    if chance(faults.order) { order(node) }
    if chance(faults.damage) { damage(node) }
    if chance(faults.wipe), isSpare(node) {
      count(.wipe)
      say("\(node.name) loses its disk")
      node.wipe()
    }
  }

  private func kill(_ node: SimulatedNode, keepsPower: Bool) {
    guard node.isUp else { return }
    count(keepsPower ? .crash : .powerLoss)
    node.crash(keepsPower: keepsPower)
    // All at once, now and then.
    guard random.chance(20) else { return }
    for other in nodes where other.isUp {
      count(keepsPower ? .crash : .powerLoss)
      other.crash(keepsPower: keepsPower)
    }
  }

  private func partition() {
    let from = draw(0...(nodes.count - 1))
    let to = draw(0...(nodes.count - 1))
    guard from != to else { return }
    count(.partition)
    let until = time + draw(1_000...2_500_000)
    let both = random.chance(50)
    for (a, b) in both ? [(from, to), (to, from)] : [(from, to)] {
      network.blockedUntil[a][b] = until
      network.holds[a][b] = random.chance(50)
    }
    say(
      "no line from \(nodes[from].name) to \(nodes[to].name)\(both ? ", nor back" : "") for \((until - time) / 1_000) ms"
    )
  }

  private func reset() {
    count(.reset)
    guard let node = nodes.randomElement(using: &random) else { return }
    if random.chance(50), let client = clients.randomElement(using: &random) { return client.reset(node) }
    for other in nodes where other !== node { node.dropLinks(to: other) }
  }

  private func order(_ node: SimulatedNode) {
    guard node.isUp, !node.isPaused, let shard = shardIDs.randomElement(using: &random) else { return }
    count(.order)
    let someone = nodes.randomElement(using: &random) ?? node
    let orders: [Order] = [.drain, .drain, .drain, .force, .declareDead(someone.name)]
    let order = orders.randomElement(using: &random) ?? .drain
    node.turn(shard) { machine, tools, time in
      let answer = machine.order(order, time: time, tools: &tools)
      say("\(node.name) shard \(shard.rawValue) is ordered to \(order): \(answer)")
    }
  }

  /// Whether what `node` has may be lost: for each shard, another has all that was ever answered, whatever is still under way.
  private func isSpare(_ node: SimulatedNode) -> Bool {
    guard !coordinator.isProposed(node.name) else { return false }
    return shardIDs.allSatisfy { shard in
      guard let entry = coordinator.registers[shard]?.entry, let primary = self.node(named: entry.primary.node),
        primary !== node, let held = primary.machine(shard), !held.isBroken
      else { return false }
      let replica = held.machine.replica
      guard replica.role == .primary, replica.epoch == entry.epoch, replica.summary.isOpen, !replica.summary.draining,
        primary.id == entry.primary, !primary.storage.hasCrashed
      else { return false }
      return entry.follower == nil || entry.follower == node.id || entry.follower?.node != node.name
    }
  }

  /// Flips a bit, or cuts a file short, on a disk whose content another has, and starts the node anew.
  private func damage(_ node: SimulatedNode) {
    guard isSpare(node), node.isUp else { return }
    node.crash(keepsPower: true)
    let files = node.storage.paths.filter { $0.hasSuffix(".seg") || $0.hasSuffix(".snap") }
    guard let path = files.randomElement(using: &random), let content = node.storage.content(path), !content.isEmpty
    else { return }
    count(.damage)
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
    for from in nodes.indices { for to in nodes.indices { network.blockedUntil[from][to] = 0 } }
    for node in nodes {
      node.storage.clearFaults()
      node.storage.limit(nil)
      if node.isUp {
        node.goOn()
      } else {
        node.boot()
      }
    }
  }
}
