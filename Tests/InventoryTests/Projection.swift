import Inventory
import Proto
import Testing

/// What a listener can know: an empty model to which changes are applied, one after the other. It must come to the
/// inventory's own answers.
struct Projection {
  struct Event {
    var ref: EventRef
    var version: UInt64
    var states: [UInt8]
    var areas: [Counts]
  }
  private var events: [Bytes: Event] = [:]
  private var holds: [HoldID: HoldInfo] = [:]
  private var orders: [OrderID: OrderInfo] = [:]
  private var last: (index: UInt64, ordinal: UInt32) = (0, 0)

  mutating func apply(_ record: ChangeRecord, _ definitions: [EventDefinition]) throws {
    try #require(record.index > last.index || record.index == last.index && record.ordinal == last.ordinal + 1)
    try #require(record.index == last.index || record.ordinal == 0)
    last = (record.index, record.ordinal)
    switch record.change {
    case .eventCreated(let ref, let id, let version):
      let definition = try #require(definitions.first { $0.id == id })
      var empty = Inventory(shard: record.shard)
      _ = empty.apply(.event(.create(definition, incarnation: 1)))
      guard case .seats(_, _, let states) = empty.answer(.seats(id: id)) else { throw Wrong() }
      events[id] = Event(
        ref: ref, version: version, states: states.array, areas: definition.areas.map { Counts(free: $0.capacity) })
    case .hold(let change, let info):
      try move(record.change, info)
      switch change {
      case .made, .extended: holds[info.hold] = info
      case .released, .expired: holds[info.hold] = nil
      }
    case .order(_, let info):
      try move(record.change, info.hold)
      holds[info.hold.hold] = nil
      orders[info.order] = info
    }
  }

  private struct Wrong: Error {}

  private mutating func move(_ change: Change, _ info: HoldInfo) throws {
    var event = try #require(events[info.eventID])
    try #require(info.version == event.version + 1, "every change is one step of its event's version")
    event.version = info.version
    if let move = change.move {
      for seat in info.seats {
        try #require(event.states[Int(seat.rawValue)] == move.from.rawValue)
        event.states[Int(seat.rawValue)] = move.to.rawValue
      }
      for places in info.areas {
        event.areas[Int(places.area.rawValue)].add(move.from, 0 &- places.count)
        event.areas[Int(places.area.rawValue)].add(move.to, places.count)
      }
    }
    events[info.eventID] = event
  }

  func check(_ inventory: Inventory, _ definitions: [EventDefinition], _ holdCount: Int) throws {
    try #require(events.count == definitions.count)
    for (id, event) in events {
      try #require(
        inventory.answer(.seats(id: id)) == .seats(event.ref, version: event.version, states: Bytes(event.states)))
      guard case .availability(_, _, let counts) = inventory.answer(.availability(id: id)) else { throw Wrong() }
      try #require(counts.areas == event.areas)
    }
    for (id, info) in holds { try #require(plain(inventory.answer(.hold(id))) == plain(.hold(info)), "\(info)") }
    for (id, info) in orders {
      try #require(plain(inventory.answer(.order(id))) == plain(.order(info)), "\(info)")
      try #require(plain(inventory.answer(.hold(info.hold.hold))) == plain(.order(info)), "\(info)")
    }
    try #require(inventory.stats.orders == orders.count)
    try #require(inventory.stats.holds == holds.count)
  }

  /// Without the event's version, which goes on.
  private func plain(_ answer: Answer) -> Answer {
    switch answer {
    case .hold(var info):
      info.version = 0
      return .hold(info)
    case .order(var info):
      info.hold.version = 0
      return .order(info)
    default: return answer
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
