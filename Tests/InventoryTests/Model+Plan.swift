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
      let start = event.places.count
      for categories in rows {
        for category in categories {
          event.places.append(Place(section: number, category: category))
          event.states.append(definition.categories[category].price == nil ? .notForSale : .free)
        }
      }
      // The seats of each row as listed, and the lines that they stand in.
      var seatsOfRow: [[Int]] = []
      for categories in rows {
        let first = start + seatsOfRow.reduce(0) { $0 + $1.count }
        seatsOfRow.append(Array(first..<(first + categories.count)))
      }
      if section.lines.isEmpty {
        for (row, seats) in seatsOfRow.enumerated() {
          event.lines.append(Line(section: number, number: row, seats: seats, gaps: []))
        }
      }
      for line in section.lines {
        let listed = line.rows.flatMap { seatsOfRow[Int($0)] }
        event.lines.append(
          Line(
            section: number, number: Int(line.number),
            seats: line.order.isEmpty ? listed : line.order.map { listed[Int($0)] },
            gaps: Set(line.gaps.map { Int($0) })))
      }
    }
    for seat in definition.notForSale { event.states[Int(seat.rawValue)] = .notForSale }
    return event
  }

  /// All groups of `count` neighbouring free seats in a line are compared: those without an orphan first, then the
  /// nearest to front and middle, then the first in the plan. Where there is none: the nearest seats of the first
  /// section that has so many.
  func bestSeats(_ event: Int, _ count: Int, _ category: Int?) -> [Int]? {
    let event = events[event]
    func isWanted(_ seat: Int) -> Bool {
      event.states[seat] == .free && (category == nil || event.places[seat].category == category)
    }
    var best: (orphan: Int, distance: Int, seats: [Int])?
    for line in event.lines {
      let length = line.seats.count
      func isFree(_ place: Int) -> Bool { (0..<length).contains(place) && event.states[line.seats[place]] == .free }
      /// Whether the place and the one behind it are neighbours and both free.
      func areFree(_ place: Int) -> Bool { isFree(place) && isFree(place + 1) && !line.gaps.contains(place + 1) }
      for first in line.seats.indices where first + count <= length {
        let last = first + count - 1
        let seats = line.seats[first...last]
        guard seats.allSatisfy(isWanted), !line.gaps.contains(where: { $0 > first && $0 <= last }) else { continue }
        let left = areFree(first - 1) && !areFree(first - 2)
        let right = areFree(last) && !areFree(last + 1)
        let distance = 2 * line.number + abs(2 * first + count - length)
        let orphan = left || right ? 1 : 0
        if best == nil || (orphan, distance) < (best!.orphan, best!.distance) {
          best = (orphan, distance, seats.sorted())
        }
      }
    }
    if let best { return best.seats }
    for section in event.definition.sections.indices {
      var free: [(distance: Int, seat: Int)] = []
      for line in event.lines where line.section == section {
        for (place, seat) in line.seats.enumerated() where isWanted(seat) {
          free.append((2 * line.number + abs(2 * place + 1 - line.seats.count), seat))
        }
      }
      guard free.count >= count else { continue }
      return free.sorted { $0 < $1 }.prefix(count).map(\.seat).sorted()
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
