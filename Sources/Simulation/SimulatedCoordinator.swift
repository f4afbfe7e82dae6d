import Node
import Proto
import Replication

/// The map: one register a shard, compare-and-set, a watch; it may be slow or away, and what it decided may not be heard of.
final class SimulatedCoordinator {
  private unowned let world: World
  private(set) var registers: [ShardID: MapRegister] = [:]
  /// Until when it cannot be reached.
  var backAt = 0
  /// Until when no proposal gets through, while it can be read as ever.
  var writesAt = 0
  /// Proposals on their way, by node: what they name must not be harmed meanwhile.
  private(set) var underWay: [(id: UInt64, entry: MapEntry)] = []
  private var nextID: UInt64 = 0

  init(_ world: World) { self.world = world }

  private var isAway: Bool { backAt > world.time }

  private func delay() -> Int {
    world.chance(world.faults.slowCoordinator) ? world.draw(1_000...1_200_000) : world.draw(200...3_000)
  }

  func read(_ shard: ShardID, token: UInt64, for node: SimulatedNode) {
    node.later(delay()) { node in
      let world = node.world
      if self.isAway || node.isDeaf {
        return node.later(self.delay()) { node in
          node.turn(shard) { machine, tools, time in machine.mapUnreachable(token: token, time: time, tools: &tools) }
        }
      }
      let register = self.registers[shard]
      world.note(register?.revision ?? 0)
      node.later(self.delay()) { node in
        node.turn(shard) { machine, tools, time in machine.mapRead(register, token: token, time: time, tools: &tools) }
      }
    }
  }

  /// The request outlives the process that sent it.
  func propose(_ entry: MapEntry, revision: UInt64, shard: ShardID, from node: SimulatedNode) {
    nextID += 1
    let id = nextID
    underWay.append((id, entry))
    let life = node.life
    world.say(
      "\(node.name) proposes epoch \(entry.epoch) \(entry.primary.node)/\(entry.follower?.node.description ?? "-")")
    world.delay(entry, of: node)
    let stuck = max(0, writesAt - world.time)
    world.plan(after: delay() + stuck) { world in
      self.underWay.removeAll { $0.id == id }
      if node.isDeaf || self.isAway && world.chance(0.7) { return }
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
        node.whileRunning { node in
          node.turn(shard) { machine, tools, time in machine.mapRead(register, token: 0, time: time, tools: &tools) }
        }
      }
    }
  }

  private func tell(_ register: MapRegister, _ shard: ShardID) {
    for node in world.nodes where !world.chance(world.faults.lostWatch) && !node.isDeaf {
      node.later(delay()) { node in
        node.turn(shard) { machine, tools, time in machine.mapRead(register, token: 0, time: time, tools: &tools) }
      }
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
      node.later(delay()) { node in
        node.turn(shard) { machine, tools, time in machine.mapRead(register, token: 0, time: time, tools: &tools) }
      }
    }
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
}
