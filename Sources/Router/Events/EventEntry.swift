import Plan
package import Proto

/// One life of one event, as a router knows it: the definition, which never changes, the index of its labels, and the copy of
/// its seats' states. Shared by the process's loops.
package final class EventEntry: Sendable {
  package let id: Bytes
  package let ref: EventRef
  package let shard: ShardID
  let definition: EventDefinition
  let index: PlanIndex
  /// The copy that fresh reads are served from.
  package let copy: SeatCopy
  private let rendered = Lock<[UInt8]?>(nil)

  package init(_ info: EventInfo, shard: ShardID) {
    id = info.definition.id
    ref = info.ref
    self.shard = shard
    definition = info.definition
    index = PlanIndex(info.definition)
    copy = SeatCopy(definition: info.definition, ref: info.ref)
  }

  var seatCount: Int { index.seatCount }
  /// Bytes of a node's answer with the counts and so many seats.
  func answerBytes(seats: Int) -> Int {
    Query.answerBytes(seats: seats, categories: definition.categories.count, areas: definition.areas.count)
  }

  /// The seat that the caller means by a label or by `#n`.
  func seat(_ label: RawSpan) -> SeatIndex? { index.seat(label) }
  func area(_ name: RawSpan) -> AreaIndex? { index.area(name) }
  func category(_ name: RawSpan) -> CategoryIndex? { index.category(name) }

  func areaName(_ area: AreaIndex) -> Bytes? {
    let place = Int(area.rawValue)
    return place < definition.areas.count ? definition.areas[place].name : nil
  }

  func categoryName(_ category: CategoryIndex) -> Bytes? {
    let place = Int(category.rawValue)
    return place < definition.categories.count ? definition.categories[place].name : nil
  }

  /// Whether what a node says about the event can be: numbers are checked before they are used as indexes.
  func fits(_ counts: Availability) -> Bool {
    counts.categories.count == definition.categories.count && counts.areas.count == definition.areas.count
  }

  func fits(_ info: HoldInfo) -> Bool {
    info.seats.allSatisfy { $0.rawValue < seatCount }
      && info.areas.allSatisfy { $0.area.rawValue < definition.areas.count }
  }

  /// The body of `GET …/plan`, made on first use and kept.
  func planBody() -> [UInt8] {
    if let body = planBodyIfMade { return body }
    // Outside the lock: whoever only wants to know whether it is there must not wait for it.
    var fresh: [UInt8] = []
    PlanDocument.write(definition, into: &fresh)
    return rendered.withLock { body in
      body = body ?? fresh
      return body ?? fresh
    }
  }

  var planBodyIfMade: [UInt8]? { rendered.withLock { $0 } }
}

extension EventDefinition {
  /// Too many seats to index within a loop's turn.
  var isLarge: Bool { seatCount > 5_000 }

  /// Counts before anything was held: what an event is created with.
  func initialAvailability() -> Availability {
    var categories = Array(repeating: Counts(), count: self.categories.count)
    var closed = notForSale[...]
    var seat = 0
    func add(_ category: CategoryIndex, _ count: Int) {
      var closedHere = 0
      while let first = closed.first, Int(first.rawValue) < seat + count {
        closedHere += 1
        closed = closed.dropFirst()
      }
      let place = Int(category.rawValue)
      if self.categories[place].price == nil { closedHere = count }
      categories[place].notForSale += UInt32(closedHere)
      categories[place].free += UInt32(count - closedHere)
      seat += count
    }
    for section in sections {
      switch section.rows {
      case .grid(let rows, let seatsPerRow, let category): add(category, Int(rows) * Int(seatsPerRow))
      case .listed(let rows): for row in rows { for entry in row.seats { add(entry.category, 1) } }
      }
    }
    return Availability(categories: categories, areas: areas.map { Counts(free: $0.capacity) })
  }
}
