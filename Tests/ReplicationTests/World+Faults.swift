import Proto
import Replication
import TestKit

// The network, the coordinator, and what goes wrong.
extension World {
  func send(_ message: ReplicaMessage, _ payload: Payload, from node: SimulatedNode, to peer: ReplicaID) {
    guard let to = index(of: peer), to != node.index else { return }
    if blockedUntil[node.index][to] > time || chance(faults.loss) { return }
    var delay = Int.random(in: 20...faults.delayMax, using: &random)
    if chance(faults.duplication) {
      at(delay * 3, .deliver(node: to, from: node.id, message, payload))
    }
    if !faults.reorders {
      let arrival = max(lastArrival[node.index][to] + 1, time + delay)
      lastArrival[node.index][to] = arrival
      delay = arrival - time
    }
    at(delay, .deliver(node: to, from: node.id, message, payload))
  }

  // MARK: The coordinator

  func coordinatorDelay() -> Int {
    chance(faults.slowCoordinator)
      ? Int.random(in: 1_000...1_500_000, using: &random) : Int.random(in: 200...4_000, using: &random)
  }

  func coordinatorReads(_ place: Int, _ life: Int, _ token: UInt64) {
    if coordinatorBackAt > time {
      return at(coordinatorDelay(), .mapFailed(node: place, life: life, token: token))
    }
    at(coordinatorDelay(), .mapReply(node: place, life: life, register, token: token))
  }

  func coordinatorWrites(_ place: Int, _ life: Int, _ entry: MapEntry, _ revision: UInt64, _ era: Int) throws {
    if let known = proposalsUnderWay.firstIndex(of: entry) { proposalsUnderWay.remove(at: known) }
    if era != self.era || coordinatorBackAt > time && chance(0.7) { return }
    if (register?.revision ?? 0) == revision {
      if let register { history.append(register) }
      register = MapRegister(revision: revision + 1, entry: entry)
      log("map is now \(describe(register))")
      if entry.epoch > forgotten?.register.entry.epoch ?? 0 {
        if forgotten != nil { log("the coordinator is settled") }
        forgotten = nil
        try checkNamed(entry, checks.revealed, by: nil)
      }
      for node in nodes where !chance(faults.lostWatch) {
        at(coordinatorDelay(), .mapReply(node: node.index, life: node.life, register, token: 0))
      }
    }
    if coordinatorBackAt > time || chance(faults.lostWatch) { return }
    at(coordinatorDelay(), .mapReply(node: place, life: life, register, token: 0))
  }

  // MARK: Faults

  func strike() throws {
    at(100_000, .faults)
    try awaitSettled()
    // Until a coordinator that went back is settled, whoever knows the newest epoch must live.
    if isHealing || forgotten != nil { return }
    if chance(faults.coordinatorBack) { takeCoordinatorBack() }
    if forgotten != nil { return }
    if chance(faults.takeAll) { wantsTakeAll = true }
    let node = nodes.randomElement(using: &random)!
    if chance(faults.crash) { crashAndRestart(node) }
    if chance(faults.end) {
      tellToEnd(node)
      // All at about the same time, now and then.
      if chance(0.3) { for other in nodes { tellToEnd(other) } }
    }
    if chance(faults.partition) { partition() }
    if chance(faults.pause), node.replica != nil {
      log("\(node.id.node) stands still")
      node.pausedUntil = time + Int.random(in: 1_000...2_500_000, using: &random)
    }
    if chance(faults.coordinatorAway) {
      coordinatorBackAt = time + Int.random(in: 1_000...2_000_000, using: &random)
      log("coordinator away")
    }
    if chance(0.3) {
      // A watch that connects anew tells what is so already.
      at(coordinatorDelay(), .mapReply(node: node.index, life: node.life, register, token: 0))
    }
    if chance(faults.directive) { direct() }
    if chance(faults.fullDisk) { setFull(node, !node.isFull) }
    if chance(faults.slowDisk) { node.slowUntil = time + Int.random(in: 1_000...1_500_000, using: &random) }
    if chance(faults.trim) { trim(node) }
    if chance(faults.wipe) { wipe(node) }
    if chance(faults.damage) { damage(node) }
    if chance(faults.wrongMemory), node.replica != nil, nodes.allSatisfy({ $0.memoryError == 0 }) {
      log("\(node.id.node) has a wrong bit in memory")
      node.memoryError = 77
    }
  }

  private func crashAndRestart(_ node: SimulatedNode) {
    guard node.replica != nil else { return }
    crash(node)
    node.restartsLater = true
    at(Int.random(in: 1_000...2_000_000, using: &random), .restart(node: node.index))
    // Both at once, now and then.
    if chance(0.2) {
      for other in nodes where other.replica != nil {
        crash(other)
        other.restartsLater = true
        at(Int.random(in: 1_000...2_000_000, using: &random), .restart(node: other.index))
      }
    }
  }

  private func partition() {
    let from = Int.random(in: 0..<nodes.count, using: &random)
    let to = Int.random(in: 0..<nodes.count, using: &random)
    let until = time + Int.random(in: 1_000...2_500_000, using: &random)
    blockedUntil[from][to] = until
    if Bool.random(using: &random) { blockedUntil[to][from] = until }
    log("no line from \(nodes[from].id.node) to \(nodes[to].id.node)")
  }

  private func direct() {
    let node = nodes.randomElement(using: &random)!
    guard node.replica != nil, node.pausedUntil <= time else { return }
    var directives: [Directive] = [.drain, .drain, .force, .declareDead(nodes.randomElement(using: &random)!.id.node)]
    // Accepting a loss loses nothing where the disk only looks suspect; on a joiner it does.
    let role = node.replica!.role
    if nodes.allSatisfy({ !$0.damage }), role != .joining, role != .idle { directives.append(.acceptLoss) }
    let directive = directives.randomElement(using: &random)!
    var effects: [Effect] = []
    let answer = node.replica!.carryOut(directive, now: now, into: &effects)
    log("\(node.id.node) is told to \(directive): \(answer)")
    carryOut(&effects, node, Payload())
  }

  func setFull(_ node: SimulatedNode, _ isFull: Bool) {
    node.isFull = isFull
    log("\(node.id.node) has \(isFull ? "no room" : "room")")
    at(0, .edge(node: node.index, life: node.life, .room))
  }

  // MARK: What only an operator may do

  /// A primary alone stands still for long: another, that has all it answered, goes on without it. When it wakes up,
  /// nothing that it says may count.
  func considerTakeAll() {
    guard forgotten == nil, proposalsUnderWay.isEmpty, let entry = register?.entry, entry.follower == nil,
      let place = index(of: entry.primary), let primary = nodes[place].replica, primary.role == .primary,
      primary.epoch == entry.epoch, primary.summary.isOpen, !primary.hasProposal, nodes[place].pausedUntil <= time,
      nodes[place].waiting.isEmpty,
      let other = nodes.first(where: { $0.index != place && $0.replica?.role == .joining && hasAll($0) })
    else { return }
    wantsTakeAll = false
    nodes[place].pausedUntil = time + 7_000_000
    nodes[place].isFrozen = true
    log("\(nodes[place].id.node) stands still for long")
    at(1_500_000, .takeAll(node: other.index))
  }

  /// Whoever the map names and waits for an operator goes on, if it has all that was answered.
  func operate() {
    guard let entry = register?.entry else { return }
    for named in [entry.primary, entry.follower] {
      guard let place = named.flatMap({ index(of: $0) }), let replica = nodes[place].replica, hasAll(nodes[place]),
        replica.role == .comparing
          || replica.role == .follower && nodes[index(of: entry.primary)!].replica?.role != .primary,
        replica.summary.suspicion != .none, replica.epoch == entry.epoch
      else { continue }
      var effects: [Effect] = []
      let answer = nodes[place].replica!.carryOut(.acceptLoss, now: now, into: &effects)
      log("\(named!.node) is told to go on with what it has: \(answer)")
      carryOut(&effects, nodes[place], Payload())
      return
    }
  }

  func takeAll(_ node: SimulatedNode) {
    guard let entry = register?.entry, let place = index(of: entry.primary), nodes[place].isFrozen, hasAll(node),
      let role = node.replica?.role, role == .joining || role == .idle, node.pausedUntil <= time, !node.damage
    else { return }
    // What the other committed and answered nobody is given up.
    checks.committedChain = checks.committedChain.filter { node.log.chain(at: $0.key) == $0.value }
    checks.isGivenUp = true
    var effects: [Effect] = []
    let answer = node.replica!.carryOut(.acceptLoss, now: now, into: &effects)
    log("\(node.id.node) is ordered to go on: \(answer)")
    carryOut(&effects, node, Payload())
  }

  private func hasAll(_ node: SimulatedNode) -> Bool {
    !node.damage && node.log.isDurable(checks.revealed.index, chain: checks.revealed.chain)
  }

  // MARK: A coordinator of yesterday

  /// The coordinator comes back with what it knew some time ago, at a quiet moment.
  private func takeCoordinatorBack() {
    guard let register, let old = history.randomElement(using: &random), coordinatorBackAt <= time,
      blockedUntil.allSatisfy({ $0.allSatisfy { $0 <= time } }),
      nodes.allSatisfy({ $0.pausedUntil <= time && !$0.isEnding && $0.replica?.epoch == register.entry.epoch }),
      nodes.allSatisfy({ $0.replica?.role != .halted })
    else { return }
    era += 1
    forgotten = (register, time)
    self.register = old
    history.removeAll { $0.entry.epoch >= old.entry.epoch }
    log("the coordinator is one of yesterday: \(describe(old))")
  }

  private func awaitSettled() throws {
    guard let forgotten, time - forgotten.at > 15_000_000 else { return }
    throw Violation(description: "the coordinator went back and is not settled after 15 s: \(summary)")
  }

  /// A node that has a snapshot throws the beginning of its log away.
  private func trim(_ node: SimulatedNode) {
    guard let replica = node.replica, node.cutUnderWay == nil, !node.isInstalling else { return }
    var through = min(replica.committed, replica.durable)
    if let needed = replica.neededFrom { through = min(through, needed - 1) }
    node.log.base = max(node.log.base, min(node.log.count(through: through), node.log.durableCount))
  }

  /// Whether losing what `node` has leaves another that has all that was ever answered, whatever is still under way.
  private func isSpare(_ node: SimulatedNode) -> Bool {
    guard let entry = register?.entry, nodes.allSatisfy({ !$0.damage }) else { return false }
    if proposalsUnderWay.contains(where: { $0.primary.node == node.id.node || $0.follower?.node == node.id.node }) {
      return false
    }
    // Its primary runs, and nobody wants anything else.
    guard let place = index(of: entry.primary), let primary = nodes[place].replica, primary.role == .primary,
      primary.summary.isOpen, !primary.summary.draining, primary.epoch == entry.epoch,
      !nodes.contains(where: { $0.replica?.hasProposal == true || $0.memoryError != 0 })
    else { return false }
    let named = [entry.primary, entry.follower].compactMap { $0 }
    return named.count == 2 && node.id == entry.follower || !named.contains { $0.node == node.id.node }
  }

  /// A node comes back with an empty disk.
  private func wipe(_ node: SimulatedNode) {
    guard isSpare(node) else { return }
    if node.replica != nil { crash(node) }
    log("\(node.id.node) loses its disk")
    node.log = SimulatedLog()
    (node.noted, node.entered) = (nil, nil)
    node.isFull = false
    node.suspicion = .none
    node.damage = false
    node.id = ReplicaID(node: node.id.node, disk: node.id.disk + 100)
    if node.restartsLater { return }
    node.restartsLater = true
    at(Int.random(in: 1_000...2_000_000, using: &random), .restart(node: node.index))
  }

  /// A node comes back with some of its log unreadable.
  private func damage(_ node: SimulatedNode) {
    guard isSpare(node), node.replica != nil else { return }
    crash(node)
    let lost = Int.random(in: 0...min(5, node.log.frames.count), using: &random)
    if lost > 0, node.log.frames.count - lost >= node.log.base {
      node.log.frames.removeLast(lost)
      node.log.durableCount = node.log.frames.count
      node.damage = true
    }
    log("\(node.id.node) comes back damaged, \(lost) frames short")
    node.suspicion = Bool.random(using: &random) ? .tear : .damage
    restart(node)
  }
}
