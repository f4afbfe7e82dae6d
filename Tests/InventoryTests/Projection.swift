import Inventory
import Octets
import Proto
import Testing

/// What a listener can know: an empty model to which changes are applied, one after the other, in the order of their
/// numbers. It must come to the inventory's own contents.
struct Projection {
  private var contents = InventoryContents()
  private var last: (index: UInt64, ordinal: UInt32) = (0, 0)
  /// Of each event: the seats that changes have moved since its last feed update, each with its last change's version.
  private var moved: [EventRef: (seats: [UInt32: UInt64], version: UInt64)] = [:]

  mutating func apply(_ record: ChangeRecord, _ definitions: [EventDefinition]) throws {
    try #require(record.index > last.index || record.index == last.index && record.ordinal == last.ordinal + 1)
    try #require(record.index == last.index || record.ordinal == 0)
    last = (record.index, record.ordinal)
    try contents.apply(record.change) { id in definitions.last { $0.id == id } }
    note(record.change)
  }

  private mutating func note(_ change: Change) {
    func add(_ event: EventRef, _ version: UInt64, _ seats: [SeatIndex]) {
      moved[event, default: ([:], 0)].version = version
      for seat in seats { moved[event]?.seats[seat.rawValue] = version }
    }
    switch change {
    case .eventCreated(let event, _, let version), .eventChanged(let event, _, let version, _): add(event, version, [])
    case .eventDeleted(let event, _, _): moved[event] = nil
    case .blocked(let event, _, let version, let block): add(event, version, block.seats)
    case .hold(_, let info): add(info.event, info.version, change.move == nil ? [] : info.seats)
    case .order(_, let info): add(info.hold.event, info.hold.version, change.move == nil ? [] : info.hold.seats)
    }
  }

  /// The routers' feed is a projection of the changes: the seats that they moved, with what is true of them now, at the
  /// version of the last. An update that tells no seats (`isWhole`) sends routers to ask for the event again.
  mutating func check(_ update: FeedUpdate, isWhole: Bool, states: [UInt8]) throws {
    let told = try #require(moved[update.event])
    try #require(told.version == update.version)
    if !isWhole {
      let changed = told.seats.filter { $0.value > update.fromVersion }.keys.sorted()
      try #require(update.seats.map(\.seat.rawValue) == changed)
      for change in update.seats { try #require(change.state.rawValue == states[Int(change.seat.rawValue)]) }
    }
    moved[update.event]?.seats = [:]
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
