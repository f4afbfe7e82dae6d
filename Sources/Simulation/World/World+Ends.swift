import Proto
import Replication
import Seeded
import ShardCore
import Time

// Nodes that are told to end.
extension World {
  /// One node is told to end, or all are, at about the same time; they come back some time later.
  func strikeWithEnds(_ node: SimulatedNode) {
    if hasOnlyEnds, !allIsWell { return }
    guard chance(faults.end), node.isUp, !isLastCopy(node) else { return }
    guard chance(faults.endOfAll) else {
      count(.end)
      return node.endInOrder(restartAfter: drawAbsence())
    }
    count(.endOfAll)
    // As one script does it, or as two people do.
    let skew = hasOnlyEnds || random.chance(50) ? 40_000 : 400_000
    mapAtEnd = coordinator.registers
    for other in nodes {
      plan(after: draw(0...skew)) { world in
        guard !world.isHealing, other.isUp, !world.isLastCopy(other) else { return }
        world.count(.end)
        other.endInOrder(restartAfter: world.drawAbsence())
      }
    }
  }

  private func drawAbsence() -> Int { draw(1_000...([20_000, 3_000_000].randomElement(using: &random) ?? 20_000)) }

  /// Each shard has two copies, and nobody is about to end.
  private var allIsWell: Bool {
    nodes.allSatisfy { $0.isUp && !$0.isEnding }
      && shardIDs.allSatisfy { shard in
        guard let entry = coordinator.registers[shard]?.entry, let follower = entry.follower,
          let first = node(named: entry.primary.node)?.machine(shard)?.machine.replica,
          let second = node(named: follower.node)?.machine(shard)?.machine.replica
        else { return false }
        return first.role == .primary && first.epoch == entry.epoch && first.summary.isOpen && first.acceptsCommands
          && second.role == .follower && second.epoch == entry.epoch && second.durable + 20 >= first.durable
      }
  }

  /// A node that was told to end has done so. Where nothing else goes wrong, the map names it no more, unless all end:
  /// then the map is what it was.
  func ended(_ node: SimulatedNode) {
    guard hasOnlyEnds, !isHealing, violation == nil else { return }
    for shard in shardIDs {
      guard let register = coordinator.registers[shard] else { continue }
      if faults.endOfAll > 0 {
        if register != mapAtEnd?[shard] {
          fail("an end of all changes no role", "\(node.name), shard \(shard.rawValue): \(register.entry)")
        }
      } else if register.entry.names(node.id) {
        fail("whoever ends has left", "\(node.name), shard \(shard.rawValue): \(register.entry)")
      }
    }
  }

  /// Where nothing goes wrong but that nodes end one after the other, nobody waits for a time-out.
  func checkWaits() {
    guard hasOnlyEnds, faults.endOfAll == 0 else { return }
    let most = Int(replicaConfig.failureTimeout.rawValue) * 1_000 / 2
    for operation in history.operations {
      guard operation.returned != .max, operation.returned - operation.called >= most else { continue }
      return fail(
        "nobody waits for one that ends",
        "\(operation.name) \(operation.what), called at \(operation.called / 1_000) ms, waited \((operation.returned - operation.called) / 1_000) ms"
      )
    }
  }
}
