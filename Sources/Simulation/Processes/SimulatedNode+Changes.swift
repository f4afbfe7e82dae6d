import Inventory
import Node
import Proto
import ShardCore

// Somebody listens to what the shard's records change, and knows what the inventory knows.
extension SimulatedNode {
  func listen(to shard: SimulatedShard) {
    guard let changes = shard.takeChanges() else {
      shard.contents = shard.machine.inventory.contents
      shard.toldIndex = shard.machine.position.index
      return
    }
    guard !changes.isEmpty else { return }
    for record in changes {
      guard record.shard == shard.id, record.index >= shard.toldIndex else {
        return world.fail("changes", "\(name) tells of index \(record.index) after \(shard.toldIndex)")
      }
      shard.toldIndex = record.index
      do {
        try shard.contents.apply(record.change) { SimulatedEvent.definition(shard.id, id: $0) }
      } catch {
        return world.fail("changes", "\(name), shard \(shard.id.rawValue), index \(record.index): \(error)")
      }
    }
    let found = shard.machine.inventory.contents
    if shard.contents != found {
      world.fail(
        "changes", "\(name), shard \(shard.id.rawValue): what was told up to \(shard.toldIndex) is not what is there")
    }
  }
}
