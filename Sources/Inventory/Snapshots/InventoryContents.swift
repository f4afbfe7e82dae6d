package import Octets
package import Proto

/// A shard's contents as a listener to its changes knows them: every event's seats and places, every hold and order. A
/// slow and obvious model: after each change that is applied to it, it must equal the inventory's own contents.
package struct InventoryContents: Equatable, Sendable {
  package struct Event: Equatable, Sendable {
    package var ref: EventRef
    package var version: UInt64
    /// `x` where a seat is not for sale, for whatever reason.
    package var states: [UInt8]
    package var areas: [Counts]
    package var terms: EventTerms
    /// Of each seat: its category, and whether it was taken off sale by itself.
    fileprivate var categories: [UInt16]
    fileprivate var isBlocked: [Bool]
    /// Places of each area that are off sale by themselves.
    fileprivate var blockedPlaces: [UInt32]
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
      events[id] = Event(ref, version, definition)
    case .eventChanged(let ref, let id, let version, let terms):
      guard var event = events[id], event.ref == ref, event.version + 1 == version else {
        throw Contradiction(description: "terms of \(id) at version \(version)")
      }
      event.version = version
      event.adopt(terms)
      events[id] = event
    case .blocked(let ref, let id, let version, let block):
      guard var event = events[id], event.ref == ref, event.version + 1 == version else {
        throw Contradiction(description: "blocks of \(id) at version \(version)")
      }
      event.version = version
      event.apply(block)
      events[id] = event
    case .eventDeleted(let ref, let id, let version):
      guard let event = events.removeValue(forKey: id), event.ref == ref, event.version + 1 == version else {
        throw Contradiction(description: "deleted \(id) at version \(version)")
      }
      holds = holds.filter { $0.value.event != ref }
      orders = orders.filter { $0.value.hold.event != ref }
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
        let place = Int(seat.rawValue)
        guard event.states[place] == move.from.rawValue else {
          throw Contradiction(description: "\(change) of a seat in another state")
        }
        event.states[place] = (move.to == .free ? event.vacant(place) : move.to).rawValue
      }
      for places in info.areas {
        let place = Int(places.area.rawValue)
        let to = move.to == .free && event.terms.areaPrices[place] == nil ? SeatState.notForSale : move.to
        event.areas[place].add(move.from, 0 &- places.count)
        event.areas[place].add(to, places.count)
      }
    }
    events[info.eventID] = event
  }
}

extension Inventory {
  /// The whole contents, in time proportional to their size: for a new listener, and for tests.
  package var contents: InventoryContents { InventoryContents(self) }
}

extension InventoryContents {
  fileprivate init(_ inventory: Inventory) {
    for slot in 0..<UInt32(inventory.events.count) {
      let event = inventory.events[slot]
      guard event.life == .living else { continue }
      events[event.id] = Event(event)
    }
    for slot in 0..<UInt32(inventory.holds.count) {
      let record = inventory.holds[slot]
      guard record.status != .free, inventory.events[record.event].life == .living else { continue }
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

extension InventoryContents.Event {
  /// A new one.
  fileprivate init(_ ref: EventRef, _ version: UInt64, _ definition: EventDefinition) {
    (self.ref, self.version, terms) = (ref, version, EventTerms(definition))
    areas = definition.areas.map {
      $0.price == nil ? Counts(notForSale: $0.capacity) : Counts(free: $0.capacity)
    }
    categories = definition.seatCategories
    isBlocked = Array(repeating: false, count: categories.count)
    for seat in definition.notForSale { isBlocked[Int(seat.rawValue)] = true }
    blockedPlaces = areas.map { _ in 0 }
    states = []
    states = categories.indices.map { vacant($0).rawValue }
  }

  fileprivate init(_ event: EventState) {
    (ref, version, states, areas, terms) = (event.ref, event.version, event.states.array, event.areas, event.terms)
    let seats = 0..<UInt32(event.layout.seatCount)
    categories = seats.map { UInt16(event.layout.category(of: $0, row: event.layout.row(of: $0))) }
    isBlocked = seats.map { event.isBlocked($0) }
    blockedPlaces = areas.indices.map { event.blockedPlaces(AreaIndex(UInt16($0))) }
  }

  /// What a seat is that nobody has.
  fileprivate func vacant(_ seat: Int) -> SeatState {
    isBlocked[seat] || terms.categoryPrices[Int(categories[seat])] == nil ? .notForSale : .free
  }

  fileprivate mutating func adopt(_ terms: EventTerms) {
    let before = self.terms
    self.terms = terms
    for seat in states.indices where [SeatState.free.rawValue, SeatState.notForSale.rawValue].contains(states[seat]) {
      states[seat] = vacant(seat).rawValue
    }
    for area in areas.indices where (before.areaPrices[area] == nil) != (terms.areaPrices[area] == nil) {
      if terms.areaPrices[area] == nil {
        areas[area].notForSale += areas[area].free
        areas[area].free = 0
      } else {
        areas[area].free = areas[area].notForSale - blockedPlaces[area]
        areas[area].notForSale = blockedPlaces[area]
      }
    }
  }

  fileprivate mutating func apply(_ block: SeatBlock) {
    for seat in block.seats {
      isBlocked[Int(seat.rawValue)] = block.isBlocked
      states[Int(seat.rawValue)] = vacant(Int(seat.rawValue)).rawValue
    }
    for places in block.areas {
      let area = Int(places.area.rawValue)
      let count = block.isBlocked ? places.count : 0 &- places.count
      blockedPlaces[area] &+= count
      guard terms.areaPrices[area] != nil else { continue }
      areas[area].free &-= count
      areas[area].notForSale &+= count
    }
  }
}

extension EventDefinition {
  fileprivate var seatCategories: [UInt16] {
    sections.flatMap { section -> [UInt16] in
      switch section.rows {
      case .grid(let rows, let seatsPerRow, let category):
        Array(repeating: category.rawValue, count: Int(rows) * Int(seatsPerRow))
      case .listed(let rows): rows.flatMap { $0.seats.map(\.category.rawValue) }
      }
    }
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
