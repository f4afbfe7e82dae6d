import ClusterMap
import Node
import Octets
import Proto
import Replication
import ShardCore

/// The map: one register a shard, compare-and-set, a watch, and a record of each node; it may be slow or away, what it
/// decided may not be heard of, and it may come back with what it knew some time ago.
final class SimulatedCoordinator {
  /// A node's record, and the process that is at its address.
  typealias Held = (record: NodeRecord, process: SimulatedNode)

  private unowned let world: World
  private(set) var registers: [ShardID: MapRegister] = [:]
  private(set) var records: [NodeName: Held] = [:]
  /// Until when it cannot be reached.
  var backAt = 0
  /// Until when no proposal gets through, while it can be read as ever.
  var writesAt = 0
  /// Proposals on their way, by node: what they name must not be harmed meanwhile.
  private(set) var underWay: [(id: UInt64, entry: MapEntry)] = []
  private var nextID: UInt64 = 0

  /// Grows each time that it goes back: what was on its way to it then is lost.
  private var era = 0
  private var images: [(registers: [ShardID: MapRegister], records: [NodeName: Held])] = []
  /// What it held when it went back, until that is settled.
  private var forgotten: [ShardID: MapRegister]?

  init(_ world: World) { self.world = world }

  private var isAway: Bool { backAt > world.time }
  /// It went back, and does not know yet what it should.
  var isUnsettled: Bool { forgotten != nil }

  func answers(_ node: SimulatedNode) -> Bool { !isAway && !node.isDeaf }

  private func delay() -> Int {
    world.chance(world.faults.slowCoordinator) ? world.draw(1_000...1_200_000) : world.draw(200...3_000)
  }

  // MARK: Registers

  func read(_ shard: ShardID, token: UInt64, for node: SimulatedNode) {
    node.later(delay()) { node in
      let world = node.world
      if self.isAway || node.isDeaf {
        return node.later(self.delay()) { $0.take(.mapUnreachable(token: token), for: shard) }
      }
      if self.refuses(node) { return }
      let (register, seenAt) = (self.registers[shard], world.time)
      world.note(register?.revision ?? 0)
      node.later(self.delay()) { node in
        if let held = node.machine(shard), register?.entry.epoch == held.machine.replica.epoch {
          held.confirmedAt = max(held.confirmedAt, seenAt)
        }
        node.take(.mapRead(register, token: token), for: shard)
      }
    }
  }

  /// A process whose name has a later start is told so, and nothing else. True: it was.
  private func refuses(_ node: SimulatedNode) -> Bool {
    guard let found = records[node.nodeName], found.record.start > node.start else { return false }
    node.later(delay()) { $0.met(found.record, at: found.process) }
    return true
  }

  /// The node looks at its own record, then proposes.
  func propose(_ entry: MapEntry, revision: UInt64, shard: ShardID, from node: SimulatedNode) {
    node.later(delay()) { node in
      guard self.answers(node), !self.refuses(node) else { return }
      node.later(node.world.draw(200...3_000)) { self.write(entry, revision: revision, shard: shard, from: $0) }
    }
  }

  /// The request outlives the process that sent it.
  private func write(_ entry: MapEntry, revision: UInt64, shard: ShardID, from node: SimulatedNode) {
    nextID += 1
    let (id, mine) = (nextID, era)
    underWay.append((id, entry))
    let life = node.life
    world.say(
      "\(node.name) proposes epoch \(entry.epoch) \(entry.primary.node)/\(entry.follower?.node.description ?? "-")")
    world.delay(entry, of: node)
    let stuck = max(0, writesAt - world.time)
    world.plan(after: delay() + stuck) { world in
      self.underWay.removeAll { $0.id == id }
      if self.era != mine || node.isDeaf || self.isAway && world.chance(0.7) { return }
      if (self.registers[shard]?.revision ?? 0) == revision {
        let register = MapRegister(revision: revision + 1, entry: entry)
        self.registers[shard] = register
        world.note(mix64(entry.epoch) ^ entry.proposal)
        world.say(
          "map of shard \(shard.rawValue): epoch \(entry.epoch) \(entry.primary.node)/\(entry.follower?.node.description ?? "-")"
        )
        self.tell(register, shard)
        world.strike(at: entry)
      }
      if self.isAway || world.chance(world.faults.lostWatch) { return }
      let register = self.registers[shard]
      world.plan(after: self.delay()) { _ in
        guard node.life == life else { return }
        node.whileRunning { (node: SimulatedNode) in node.take(.mapRead(register, token: 0), for: shard) }
      }
    }
  }

  private func tell(_ register: MapRegister, _ shard: ShardID) {
    for node in world.processes where !world.chance(world.faults.lostWatch) && !node.isDeaf {
      node.later(delay()) { $0.take(.mapRead(register, token: 0), for: shard) }
    }
    for router in world.routers where !world.chance(world.faults.lostWatch) {
      router.later(delay()) { [unowned router] in router.learn(register, shard) }
    }
  }

  /// A node's watch begins anew: what is so is said again.
  func watchAgain(_ node: SimulatedNode) {
    if isAway || node.isDeaf { return }
    for shard in world.shardIDs {
      guard let register = registers[shard] else { continue }
      node.later(delay()) { $0.take(.mapRead(register, token: 0), for: shard) }
    }
    for held in sortedRecords { node.later(delay()) { $0.met(held.record, at: held.process) } }
  }

  /// A router reads the map.
  func read(_ shard: ShardID, for router: SimulatedRouter) {
    if isAway { return }
    let register = registers[shard]
    router.later(delay()) { [unowned router] in if let register { router.learn(register, shard) } }
  }

  func isProposed(_ name: NodeName) -> Bool {
    underWay.contains { $0.entry.primary.node == name || $0.entry.follower?.node == name }
  }

  // MARK: Records of nodes

  private var sortedRecords: [Held] { records.values.sorted { $0.record.name < $1.record.name } }

  /// A process writes its record, which holds the highest start of its name.
  func write(_ record: NodeRecord, of process: SimulatedNode) {
    records[record.name] = (record, process)
    world.note(record.start)
    for node in world.processes where node !== process && !world.chance(world.faults.lostWatch) && !node.isDeaf {
      node.later(delay()) { $0.met(record, at: process) }
    }
    for router in world.routers where !world.chance(world.faults.lostWatch) {
      router.later(delay()) { [unowned router] in router.met(process, start: record.start) }
    }
  }

  /// A node looks at its own record, and writes it anew if it is older than the node.
  func check(_ node: SimulatedNode) {
    node.later(delay()) { node in
      guard self.answers(node) else { return }
      let found = self.records[node.nodeName]
      if let found, found.record.start > node.start {
        node.later(self.delay()) { $0.met(found.record, at: found.process) }
      } else if found?.record != node.record {
        node.world.say("the coordinator's record of \(node.name) is older than the node")
        self.write(node.record, of: node)
      }
    }
  }

  func readRecords(for router: SimulatedRouter) {
    if isAway { return }
    for held in sortedRecords {
      router.later(delay()) { [unowned router] in router.met(held.process, start: held.record.start) }
    }
  }

  // MARK: Going back

  func keepImage() {
    if isUnsettled || registers.count < world.shardCount { return }
    if images.count == 8 { images.removeFirst() }
    images.append((registers, records))
  }

  /// Takes an older copy of what it knew. False: there is none that differs.
  func goBack() -> Bool {
    let older = images.filter { image in world.shardIDs.contains { image.registers[$0] != registers[$0] } }
    guard let image = older.randomElement(using: &world.random) else { return false }
    era += 1
    forgotten = registers
    (registers, records) = image
    for shard in world.shardIDs {
      world.say(
        "the coordinator is one of yesterday: shard \(shard.rawValue) epoch \(registers[shard]?.entry.epoch ?? 0)")
    }
    return true
  }

  /// Whether it is above all that it once knew again.
  func settle() -> Bool {
    guard let forgotten else { return true }
    let isDone = world.shardIDs.allSatisfy { shard in
      guard let old = forgotten[shard], let new = registers[shard] else { return false }
      return new.entry.epoch > old.entry.epoch || new.entry == old.entry
    }
    guard isDone, world.nodes.allSatisfy({ records[$0.nodeName]?.record == $0.record }) else { return false }
    self.forgotten = nil
    return true
  }
}
