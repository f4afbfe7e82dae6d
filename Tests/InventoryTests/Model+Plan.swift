import Proto

extension Model {
  static func newEvent(_ definition: EventDefinition, _ incarnation: UInt64) -> Event {
    var event = Event(
      definition: definition, created: definition, slot: 0, incarnation: incarnation,
      areasHeld: definition.areas.map { _ in 0 }, areasSold: definition.areas.map { _ in 0 },
      blockedSeats: Set(definition.notForSale.map { Int($0.rawValue) }), blockedPlaces: definition.areas.map { _ in 0 })
    for (number, section) in definition.sections.enumerated() {
      var rows: [[Int]] = []
      switch section.rows {
      case .grid(let count, let length, let category):
        rows = Array(repeating: Array(repeating: Int(category.rawValue), count: Int(length)), count: Int(count))
      case .listed(let listed): rows = listed.map { $0.seats.map { Int($0.category.rawValue) } }
      }
      for (row, categories) in rows.enumerated() {
        for (place, category) in categories.enumerated() {
          event.places.append(
            Place(section: number, row: row, number: place, rowLength: categories.count, category: category))
          event.states.append(definition.categories[category].price == nil ? .notForSale : .free)
        }
      }
    }
    for seat in definition.notForSale { event.states[Int(seat.rawValue)] = .notForSale }
    return event
  }

  /// All groups of `count` adjacent free seats in a row are compared: those without an orphan first, then the nearest
  /// to front and middle, then the first in the plan. Where there is none: the nearest seats of the first section that
  /// has so many.
  func bestSeats(_ event: Int, _ count: Int, _ category: Int?) -> [Int]? {
    let event = events[event]
    func isWanted(_ seat: Int) -> Bool {
      event.states[seat] == .free && (category == nil || event.places[seat].category == category)
    }
    /// Whether the seat exists in that row and is free.
    func isFree(_ seat: Int, besides row: Place) -> Bool {
      seat >= 0 && seat < event.places.count && event.places[seat].section == row.section
        && event.places[seat].row == row.row && event.states[seat] == .free
    }
    var best: (orphan: Int, distance: Int, first: Int)?
    for first in event.places.indices where first + count <= event.places.count {
      let place = event.places[first]
      let group = first..<(first + count)
      guard place.number + count <= place.rowLength, group.allSatisfy(isWanted) else { continue }
      let left = isFree(first - 1, besides: place) && !isFree(first - 2, besides: place)
      let right = isFree(first + count, besides: place) && !isFree(first + count + 1, besides: place)
      let distance = 2 * place.row + abs(2 * place.number + count - place.rowLength)
      let candidate = (orphan: left || right ? 1 : 0, distance: distance, first: first)
      if best == nil || candidate < best! { best = candidate }
    }
    if let best { return Array(best.first..<(best.first + count)) }
    for section in event.definition.sections.indices {
      let free = event.places.indices.filter { event.places[$0].section == section && isWanted($0) }
      guard free.count >= count else { continue }
      let nearest = free.sorted { a, b in
        func distance(_ seat: Int) -> Int {
          2 * event.places[seat].row + abs(2 * event.places[seat].number + 1 - event.places[seat].rowLength)
        }
        return (distance(a), a) < (distance(b), b)
      }
      return nearest.prefix(count).sorted()
    }
    return nil
  }

  func availability(_ event: Int) -> Availability {
    let event = events[event]
    var categories = event.definition.categories.map { _ in Counts() }
    for (seat, state) in event.states.enumerated() {
      switch state {
      case .free: categories[event.places[seat].category].free += 1
      case .held: categories[event.places[seat].category].held += 1
      case .sold: categories[event.places[seat].category].sold += 1
      case .notForSale: categories[event.places[seat].category].notForSale += 1
      }
    }
    let areas = event.definition.areas.indices.map {
      let rest = Int(event.definition.areas[$0].capacity) - event.areasHeld[$0] - event.areasSold[$0]
      return Counts(
        free: UInt32(event.areaFree($0)), held: UInt32(event.areasHeld[$0]), sold: UInt32(event.areasSold[$0]),
        notForSale: UInt32(rest - event.areaFree($0)))
    }
    return Availability(categories: categories, areas: areas, terms: event.termsVersion)
  }
}
