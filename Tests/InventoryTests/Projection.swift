import Inventory
import Octets
import Proto
import Testing

/// What a listener can know: an empty model to which changes are applied, one after the other, in the order of their
/// numbers. It must come to the inventory's own contents.
struct Projection {
  private var contents = InventoryContents()
  private var last: (index: UInt64, ordinal: UInt32) = (0, 0)

  mutating func apply(_ record: ChangeRecord, _ definitions: [EventDefinition]) throws {
    try #require(record.index > last.index || record.index == last.index && record.ordinal == last.ordinal + 1)
    try #require(record.index == last.index || record.ordinal == 0)
    last = (record.index, record.ordinal)
    try contents.apply(record.change) { id in definitions.last { $0.id == id } }
  }

  func check(_ inventory: Inventory) throws {
    try #require(contents == inventory.contents)
    // What belongs to deleted events is still counted while it is being cleared away.
    if !inventory.sweepIsDue {
      try #require(inventory.stats.orders == contents.orders.count)
      try #require(inventory.stats.holds == contents.holds.count)
    }
    // The contents are what queries answer, too.
    for (id, event) in contents.events {
      try #require(
        inventory.answer(.seats(id: id)) == .seats(event.ref, version: event.version, states: Bytes(event.states)))
    }
    for id in contents.holds.keys {
      guard case .hold(let info) = inventory.answer(.hold(id)) else { throw Wrong() }
      try #require(info.hold == id)
    }
    for id in contents.orders.keys {
      guard case .order(let info) = inventory.answer(.order(id)) else { throw Wrong() }
      try #require(info.order == id)
    }
  }

  private struct Wrong: Error {}
}
