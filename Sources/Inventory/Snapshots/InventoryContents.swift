package import Proto

/// What a shard has, as whoever listens to its changes knows it: every event's seats and places, every hold and order.
/// A slow and obvious model: changes that are applied to it, one after the other, must come to the inventory's own.
package struct InventoryContents: Equatable, Sendable {
  package struct Event: Equatable, Sendable {
    package var ref: EventRef
    package var version: UInt64
    package var states: [UInt8]
    package var areas: [Counts]
  }

  package private(set) var events: [Bytes: Event] = [:]
  /// Holds that are not checked out, with version 0: an event's version goes on.
  package private(set) var holds: [HoldID: HoldInfo] = [:]
  package private(set) var orders: [OrderID: OrderInfo] = [:]

  /// What cannot follow from what was before, in words.
  package struct Contradiction: Error, CustomStringConvertible {
    package var description: String
  }

  package init() {}

  /// Applies one change.
  ///
  /// - Parameter definition: of an event that is created.
  package mutating func apply(_ change: Change, _ definition: (Bytes) -> EventDefinition?) throws(Contradiction) {
    switch change {
    case .eventCreated(let ref, let id, let version):
      guard events[id] == nil, let definition = definition(id) else {
        throw Contradiction(description: "created \(id) again")
      }
      events[id] = Event(
        ref: ref, version: version, states: definition.initialStates,
        areas: definition.areas.map { Counts(free: $0.capacity) })
    case .hold(let what, let info):
      try move(change, info)
      switch what {
      case .made, .extended: holds[info.hold] = info.withoutVersion
      case .released, .expired: holds[info.hold] = nil
      }
    case .order(_, let info):
      try move(change, info.hold)
      holds[info.hold.hold] = nil
      orders[info.order] = info.withoutVersion
    }
  }

  private mutating func move(_ change: Change, _ info: HoldInfo) throws(Contradiction) {
    guard var event = events[info.eventID], event.ref == info.event else {
      throw Contradiction(description: "\(change) of an event that is not there")
    }
    guard info.version == event.version + 1 else {
      throw Contradiction(description: "\(change) at version \(info.version), after \(event.version)")
    }
    event.version = info.version
    if let move = change.move {
      for seat in info.seats {
        guard event.states[Int(seat.rawValue)] == move.from.rawValue else {
          throw Contradiction(description: "\(change) of a seat in another state")
        }
        event.states[Int(seat.rawValue)] = move.to.rawValue
      }
      for places in info.areas {
        event.areas[Int(places.area.rawValue)].add(move.from, 0 &- places.count)
        event.areas[Int(places.area.rawValue)].add(move.to, places.count)
      }
    }
    events[info.eventID] = event
  }
}

extension Inventory {
  /// Everything it has, found by a look at everything: for whoever begins to listen, and for tests.
  package var contents: InventoryContents { InventoryContents(self) }
}

extension InventoryContents {
  fileprivate init(_ inventory: Inventory) {
    for slot in 0..<UInt32(inventory.events.count) {
      let event = inventory.events[slot]
      events[event.id] = Event(ref: event.ref, version: event.version, states: event.states.array, areas: event.areas)
    }
    for slot in 0..<UInt32(inventory.holds.count) {
      let record = inventory.holds[slot]
      if record.status.isOrder {
        let info = inventory.orderInfo(slot, record).withoutVersion
        orders[info.order] = info
      } else if record.status == .held {
        let info = inventory.info(slot, record).withoutVersion
        holds[info.hold] = info
      }
    }
  }
}

extension HoldInfo {
  fileprivate var withoutVersion: HoldInfo {
    var info = self
    info.version = 0
    return info
  }
}

extension OrderInfo {
  fileprivate var withoutVersion: OrderInfo {
    var info = self
    info.hold.version = 0
    return info
  }
}

extension EventDefinition {
  /// Each seat's state before anything was held.
  fileprivate var initialStates: [UInt8] {
    var states: [UInt8] = []
    func add(_ category: CategoryIndex, _ count: Int) {
      let state = categories[Int(category.rawValue)].price == nil ? SeatState.notForSale : .free
      states.append(contentsOf: repeatElement(state.rawValue, count: count))
    }
    for section in sections {
      switch section.rows {
      case .grid(let rows, let seatsPerRow, let category): add(category, Int(rows) * Int(seatsPerRow))
      case .listed(let rows): for row in rows { for seat in row.seats { add(seat.category, 1) } }
      }
    }
    for seat in notForSale { states[Int(seat.rawValue)] = SeatState.notForSale.rawValue }
    return states
  }
}

extension Counts {
  fileprivate mutating func add(_ state: SeatState, _ count: UInt32) {
    switch state {
    case .free: free &+= count
    case .held: held &+= count
    case .sold: sold &+= count
    case .notForSale: notForSale &+= count
    }
  }
}
