import Proto

/// Where the best adjacent seats of a line are.
///
/// A group's cost is two for each line in front of it, plus the distance of its middle from the line's middle in half
/// seats: one row back weighs as much as one seat aside. Groups that leave a single free seat alone between taken ones
/// or gaps (an orphan) cost more than all that do not. Equal costs: what stands first in the plan.
struct BestGroup: Equatable {
  /// Sorts groups: the orphan bit, then the distances. `none`: there is no such group.
  var cost: UInt32
  /// A place of the line.
  var first: UInt32

  static let orphan: UInt32 = 1 << 31
  static let none = UInt32.max
}

extension EventState {
  private func free(inLine line: Int) -> Int {
    guard let lines = layout.lines else { return Int(rowFree[line]) }
    return lines.rows(ofLine: line).reduce(0) { $0 + Int(rowFree[Int($1)]) }
  }

  /// No group of the line costs less; `none`: it has none. Without a look at its seats.
  func leastCost(line number: Int, count: Int, category: UInt16?) -> UInt32 {
    let line = layout.line(number)
    guard free(inLine: number) >= count else { return BestGroup.none }
    if let category, line.category != EventLayout.mixed, line.category != category { return BestGroup.none }
    // The middle of a group is the middle of the line, or half a seat beside it.
    return 2 &* line.number &+ UInt32((Int(line.count) - count) & 1)
  }

  /// The best `count` neighbouring free seats in a line, of one category if that is given.
  func bestGroup(line number: Int, count: Int, category: UInt16?) -> BestGroup {
    var best = BestGroup(cost: BestGroup.none, first: 0)
    let line = layout.line(number)
    let free = free(inLine: number)
    guard free >= count else { return best }
    if let category, line.category != EventLayout.mixed, line.category != category { return best }
    let filter = line.category == EventLayout.mixed ? category : nil
    let gaps = layout.gaps(ofLine: number)
    let places = 0..<Int(line.count)

    if free == places.count, filter == nil, gaps.isEmpty {
      Self.consider(&best, line, run: places, window: places, count: count)
      return best
    }
    var start: Int?
    var gap = gaps.startIndex
    for place in places {
      if gap < gaps.endIndex, gaps[gap] == place {
        gap += 1
        if let first = start { considerRun(&best, line, run: first..<place, count: count, filter: filter) }
        start = nil
      }
      if seats[layout.seat(line, place)] == Seat.free {
        if start == nil { start = place }
      } else if let first = start {
        considerRun(&best, line, run: first..<place, count: count, filter: filter)
        start = nil
      }
    }
    if let first = start { considerRun(&best, line, run: first..<places.upperBound, count: count, filter: filter) }
    return best
  }

  /// All windows of the run that have the category.
  private func considerRun(
    _ best: inout BestGroup, _ line: LineLayout.Line, run: Range<Int>, count: Int, filter: UInt16?
  ) {
    guard run.count >= count else { return }
    guard let filter else { return Self.consider(&best, line, run: run, window: run, count: count) }
    var start: Int?
    for place in run {
      if category(of: layout.seat(line, place)) == Int(filter) {
        if start == nil { start = place }
      } else if let first = start {
        Self.consider(&best, line, run: run, window: first..<place, count: count)
        start = nil
      }
    }
    if let first = start { Self.consider(&best, line, run: run, window: first..<run.upperBound, count: count) }
  }

  private func category(of seat: Int) -> Int { layout.category(of: UInt32(seat), row: layout.row(of: UInt32(seat))) }

  /// The best group in a window of a run of free seats.
  private static func consider(
    _ best: inout BestGroup, _ line: LineLayout.Line, run: Range<Int>, window: Range<Int>, count: Int
  ) {
    guard window.count >= count else { return }
    let length = Int(line.count)
    let lowest = window.lowerBound
    let highest = window.upperBound - count
    let middle = (length - count) / 2
    let nearest = min(max(middle, lowest), highest)
    // At most two places leave an orphan, one at each end of the run, so three to either side are enough.
    for first in max(lowest, nearest - 3)...min(highest, nearest + 3) {
      let aside = abs(2 * first + count - length)
      var cost = UInt32(2 * Int(line.number) + aside)
      if first - run.lowerBound == 1 || run.upperBound - (first + count) == 1 { cost |= BestGroup.orphan }
      if cost < best.cost { best = BestGroup(cost: cost, first: UInt32(first)) }
    }
  }

  /// The `count` free seats of one section that are nearest to its front and middle, ascending; the section is the
  /// first in the plan that has so many. nil: none has.
  func nearestInOneSection(count: Int, category: UInt16?) -> [SeatIndex]? {
    for (number, section) in layout.sections.enumerated() {
      var free = 0
      for zone in section.zones where category == nil || layout.zones[zone].category == category {
        free += Int(zoneFree[zone])
      }
      if free >= count { return nearest(count, inSection: number, category: category) }
    }
    return nil
  }

  private func nearest(_ count: Int, inSection section: Int, category: UInt16?) -> [SeatIndex] {
    /// The farthest of the nearest seats comes first; a seat's number breaks ties.
    var chosen = MinHeap<UInt64>()
    for number in layout.lines(ofSection: section) where free(inLine: number) > 0 {
      let line = layout.line(number)
      if chosen.items.count == count, UInt64(line.number) * 2 > ~chosen.items[0] >> 32 { continue }
      for place in 0..<Int(line.count) {
        let seat = layout.seat(line, place)
        guard seats[seat] == Seat.free else { continue }
        if let category, self.category(of: seat) != Int(category) { continue }
        let aside = UInt64(abs(2 * place + 1 - Int(line.count)))
        let key = (UInt64(line.number) * 2 + aside) << 32 | UInt64(seat)
        if chosen.items.count == count {
          if key >= ~chosen.items[0] { continue }
          _ = chosen.removeFirst()
        }
        chosen.insert(~key)
      }
    }
    return chosen.items.map { SeatIndex(UInt32(truncatingIfNeeded: ~$0)) }.sorted()
  }

  /// The best `count` seats that are left, ascending; nil: no section has so many.
  mutating func bestSeats(count: Int, category: UInt16?) -> [SeatIndex]? {
    if count <= layout.longestLine, let number = bestLine(count: count, category: category) {
      let group = bestGroup(line: number, count: count, category: category)
      let line = layout.line(number)
      let seats = (0..<count).map { SeatIndex(UInt32(layout.seat(line, Int(group.first) + $0))) }
      return line.isOrdered ? seats.sorted() : seats
    }
    return nearestInOneSection(count: count, category: category)
  }

  private static var changedLinesToLookAt: Int { 64 }

  /// The line that has the best group; nil: no line has one.
  private mutating func bestLine(count: Int, category: UInt16?) -> Int? {
    let place = best.open(BestCache.Question(count: count, category: category), lineCount: layout.lineCount)
    // Out of the event while it is brought up to date: the event is only read meanwhile.
    var index = best.takeOut(place)
    if index.isNew {
      index.build(lineCount: layout.lineCount) { leastCost(line: $0, count: count, category: category) }
    } else {
      let changed = best.changedLines[index.seen...]
      // Many lines' seats are looked at only if they can be the best.
      let looks = changed.count <= Self.changedLinesToLookAt
      for line in changed {
        if looks {
          index.set(Int(line), exactly: bestGroup(line: Int(line), count: count, category: category).cost)
        } else {
          index.set(Int(line), atLeast: leastCost(line: Int(line), count: count, category: category))
        }
      }
    }
    var found: Int?
    while let least = index.least {
      if least.isExact {
        found = least.line
        break
      }
      index.set(least.line, exactly: bestGroup(line: least.line, count: count, category: category).cost)
    }
    best.putBack(index, place)
    return found
  }
}
