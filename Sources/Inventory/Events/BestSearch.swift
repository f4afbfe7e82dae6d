import Proto

/// Where the best adjacent seats of a row are.
///
/// A group's cost is two for each row in front of it, plus the distance of its middle from the row's middle in half
/// seats: one row back weighs as much as one seat aside. Groups that leave a single free seat alone between taken ones
/// (an orphan) cost more than all that do not. Equal costs: what stands first in the plan.
struct BestGroup: Equatable {
  /// Sorts groups: the orphan bit, then the distances. `none`: there is no such group.
  var cost: UInt32
  var first: UInt32

  static let orphan: UInt32 = 1 << 31
  static let none = UInt32.max
}

extension EventState {
  /// No group of the row costs less; `none`: it has none. Without a look at its seats.
  func leastCost(row: Int, count: Int, category: UInt16?) -> UInt32 {
    let entry = layout.rows[row]
    guard Int(rowFree[row]) >= count else { return BestGroup.none }
    if let category, entry.category != EventLayout.mixed, entry.category != category { return BestGroup.none }
    // The middle of a group is the middle of the row, or half a seat beside it.
    return 2 &* entry.number &+ UInt32((layout.seats(ofRow: row).count - count) & 1)
  }

  /// The best `count` adjacent free seats in a row, of one category if that is given.
  func bestGroup(row: Int, count: Int, category: UInt16?) -> BestGroup {
    var best = BestGroup(cost: BestGroup.none, first: 0)
    let seatsOfRow = layout.seats(ofRow: row)
    let rowCategory = layout.rows[row].category
    guard Int(rowFree[row]) >= count else { return best }
    if let category, rowCategory != EventLayout.mixed, rowCategory != category { return best }
    let filter = rowCategory == EventLayout.mixed ? category : nil

    if Int(rowFree[row]) == seatsOfRow.count, filter == nil {
      consider(&best, row: row, run: seatsOfRow, window: seatsOfRow, count: count)
      return best
    }
    var start: Int?
    for seat in seatsOfRow {
      if seats[seat] == Seat.free {
        if start == nil { start = seat }
      } else if let first = start {
        considerRun(&best, row: row, run: first..<seat, count: count, filter: filter)
        start = nil
      }
    }
    if let first = start {
      considerRun(&best, row: row, run: first..<seatsOfRow.upperBound, count: count, filter: filter)
    }
    return best
  }

  /// All windows of the run that have the category.
  private func considerRun(_ best: inout BestGroup, row: Int, run: Range<Int>, count: Int, filter: UInt16?) {
    guard run.count >= count else { return }
    guard let filter else { return consider(&best, row: row, run: run, window: run, count: count) }
    var start: Int?
    for seat in run {
      if layout.category(of: UInt32(seat), row: row) == Int(filter) {
        if start == nil { start = seat }
      } else if let first = start {
        consider(&best, row: row, run: run, window: first..<seat, count: count)
        start = nil
      }
    }
    if let first = start { consider(&best, row: row, run: run, window: first..<run.upperBound, count: count) }
  }

  /// The best group in a window of a run of free seats.
  private func consider(_ best: inout BestGroup, row: Int, run: Range<Int>, window: Range<Int>, count: Int) {
    guard window.count >= count else { return }
    let seatsOfRow = layout.seats(ofRow: row)
    let number = Int(layout.rows[row].number)
    let lowest = window.lowerBound
    let highest = window.upperBound - count
    let middle = seatsOfRow.lowerBound + (seatsOfRow.count - count) / 2
    let nearest = min(max(middle, lowest), highest)
    // At most two places leave an orphan, one at each end of the run, so three to either side are enough.
    for first in max(lowest, nearest - 3)...min(highest, nearest + 3) {
      let aside = abs(2 * (first - seatsOfRow.lowerBound) + count - seatsOfRow.count)
      var cost = UInt32(2 * number + aside)
      if first - run.lowerBound == 1 || run.upperBound - (first + count) == 1 { cost |= BestGroup.orphan }
      if cost < best.cost { best = BestGroup(cost: cost, first: UInt32(first)) }
    }
  }

  /// The `count` free seats of one section that are nearest to its front and middle, ascending; the section is the
  /// first in the plan that has so many. nil: none has.
  func nearestInOneSection(count: Int, category: UInt16?) -> [SeatIndex]? {
    for section in layout.sections {
      var free = 0
      for zone in section.zones where category == nil || layout.zones[zone].category == category {
        free += Int(zoneFree[zone])
      }
      if free >= count { return nearest(count, in: section, category: category) }
    }
    return nil
  }

  private func nearest(_ count: Int, in section: EventLayout.Section, category: UInt16?) -> [SeatIndex] {
    /// The farthest of the nearest seats comes first; a seat's number breaks ties.
    var chosen = MinHeap<UInt64>()
    for row in section.rows where rowFree[row] > 0 {
      let number = UInt64(layout.rows[row].number)
      if chosen.items.count == count, number * 2 > ~chosen.items[0] >> 32 { break }
      let seatsOfRow = layout.seats(ofRow: row)
      for seat in seatsOfRow where seats[seat] == Seat.free {
        if let category, layout.category(of: UInt32(seat), row: row) != Int(category) { continue }
        let aside = UInt64(abs(2 * (seat - seatsOfRow.lowerBound) + 1 - seatsOfRow.count))
        let key = (number * 2 + aside) << 32 | UInt64(seat)
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
    if count <= layout.longestRow, let row = bestRow(count: count, category: category) {
      let group = bestGroup(row: row, count: count, category: category)
      return (0..<UInt32(count)).map { SeatIndex(group.first + $0) }
    }
    return nearestInOneSection(count: count, category: category)
  }

  private static var changedRowsToLookAt: Int { 64 }

  /// The row that has the best group; nil: no row has one.
  private mutating func bestRow(count: Int, category: UInt16?) -> Int? {
    let place = best.open(BestCache.Question(count: count, category: category), rowCount: layout.rowCount)
    // Out of the event while it is brought up to date: the event is only read meanwhile.
    var index = best.takeOut(place)
    if index.isNew {
      index.build(rowCount: layout.rowCount) { leastCost(row: $0, count: count, category: category) }
    } else {
      let changed = best.changedRows[index.seen...]
      // Many rows' seats are looked at only if they can be the best.
      let looks = changed.count <= Self.changedRowsToLookAt
      for row in changed {
        if looks {
          index.set(Int(row), exactly: bestGroup(row: Int(row), count: count, category: category).cost)
        } else {
          index.set(Int(row), atLeast: leastCost(row: Int(row), count: count, category: category))
        }
      }
    }
    var found: Int?
    while let least = index.least {
      if least.isExact {
        found = least.row
        break
      }
      index.set(least.row, exactly: bestGroup(row: least.row, count: count, category: category).cost)
    }
    best.putBack(index, place)
    return found
  }
}
