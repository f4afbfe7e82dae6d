import Octets
import Proto
import Time

/// What follows from an event's definition and its terms: shared by all copies of the inventory. Other terms make
/// another layout, which shares all that follows from the plan.
///
/// Flat arrays are fine here: they are built once, with the event, and never written again.
final class EventLayout: Sendable {
  /// A row that has seats.
  struct Row: Sendable {
    /// Its first seat; the next row's is its end.
    var first: UInt32
    /// 0-based place in its section as it is listed; without lines that is from the front.
    var number: UInt32
    /// Where its seats are counted; of a mixed row: its section's first zone.
    var zone: UInt32
    var section: UInt16
    /// `mixed`: its seats have categories of their own.
    var category: UInt16
  }

  /// The seats of one category in one section.
  struct Zone: Sendable {
    var section: UInt16
    var category: UInt16
  }

  struct Section: Sendable {
    var rows: Range<Int>
    var zones: Range<Int>
    /// Seats of each of its rows, which have one category; 0: the rows are listed.
    var gridLength: Int
  }

  static let mixed = UInt16.max

  /// Without its sections, with the terms of now.
  let definition: EventDefinition
  /// Terms other than those of the creation; nil: they never changed.
  let terms: EventTerms?
  let isPaused: Bool
  /// The whole definition, as it was created: for who asks for it, and for snapshots.
  let encoded: Bytes
  let sale: SaleTerms
  /// Holds need a pass of its waiting room.
  let needsPass: Bool
  let seatCount: Int
  /// Behind the last stands one whose first seat is the seat count.
  let rows: [Row]
  let sections: [Section]
  let zones: [Zone]
  let longestRow: Int
  /// nil: seats stand as they are listed.
  let lines: LineLayout?
  /// Minor units by category; 0 for what is not for sale.
  let prices: [Int64]
  let areaPrices: [Int64]
  /// By category: whether its seats have a price.
  let isPriced: [Bool]
  /// The row of every 64th seat.
  private let hints: [UInt32]
  /// By seat, if any row is mixed; otherwise empty.
  private let seatCategories: [UInt16]

  var rowCount: Int { rows.count - 1 }

  init(_ outline: DefinitionOutline) {
    let definition = outline.definition
    var rows: [Row] = []
    rows.reserveCapacity(outline.rowCount + 1)
    var sections: [Section] = []
    var zones: [Zone] = []
    var next = 0
    var listed = 0
    var longest = 0
    let isMixed = outline.isMixed
    var categories: [UInt16] = []

    // The zone of each category in the section at hand; what stands below its first zone is an earlier section's.
    var zoneOfCategory = [Int](repeating: -1, count: definition.categories.count)
    for (number, section) in outline.sections.enumerated() {
      let firstRow = rows.count
      let firstZone = zones.count
      func zone(_ category: CategoryIndex) -> UInt32 {
        let place = Int(category.rawValue)
        if zoneOfCategory[place] < firstZone {
          zoneOfCategory[place] = zones.count
          zones.append(Zone(section: UInt16(number), category: category.rawValue))
        }
        return UInt32(zoneOfCategory[place])
      }
      var gridLength = 0
      switch section {
      case .grid(let rowCount, let seatsPerRow, let category):
        let zone = zone(category)
        gridLength = Int(seatsPerRow)
        for row in 0..<rowCount {
          rows.append(
            Row(first: UInt32(next), number: row, zone: zone, section: UInt16(number), category: category.rawValue))
          next += gridLength
        }
        longest = max(longest, gridLength)
        if isMixed {
          categories.append(contentsOf: repeatElement(category.rawValue, count: Int(rowCount) * gridLength))
        }
      case .listed(let range, _):
        for (place, row) in outline.rows[range].enumerated() where row.seatCount > 0 {
          let seats = outline.seatCategories[listed..<(listed + Int(row.seatCount))]
          listed += seats.count
          var first = UInt32(firstZone)
          if let category = row.category { first = zone(category) } else { for seat in seats { _ = zone(seat) } }
          rows.append(
            Row(
              first: UInt32(next), number: UInt32(place), zone: first, section: UInt16(number),
              category: row.category?.rawValue ?? Self.mixed))
          next += seats.count
          longest = max(longest, seats.count)
          if isMixed { categories.append(contentsOf: seats.lazy.map(\.rawValue)) }
        }
      }
      if zones.count - firstZone > Self.zonesToSort { Self.sort(&zones, from: firstZone, &rows, from: firstRow) }
      sections.append(
        Section(rows: firstRow..<rows.count, zones: firstZone..<zones.count, gridLength: gridLength))
    }
    let rowCount = rows.count
    rows.append(Row(first: UInt32(next), number: 0, zone: 0, section: 0, category: 0))

    var hints: [UInt32] = []
    hints.reserveCapacity(next / 64 + 1)
    var row = 0
    for seat in stride(from: 0, to: next, by: 64) {
      while row + 1 < rowCount, Int(rows[row + 1].first) <= seat { row += 1 }
      hints.append(UInt32(row))
    }
    self.definition = definition
    (terms, isPaused) = (nil, false)
    encoded = outline.encoded
    seatCount = next
    self.rows = rows
    self.sections = sections
    self.zones = zones
    longestRow = longest
    lines = LineLayout(outline, rows: rows, sections: sections)
    prices = definition.categories.map { $0.price ?? 0 }
    areaPrices = definition.areas.map { $0.price ?? 0 }
    isPriced = definition.categories.map { $0.price != nil }
    self.hints = hints
    seatCategories = categories
    (sale, needsPass) = (SaleTerms(definition), definition.waitingRoom != nil)
  }

  /// The same event with other terms, which must fit its plan.
  init(_ other: EventLayout, _ terms: EventTerms) {
    definition = other.definition.with(terms)
    (self.terms, isPaused) = (terms, terms.isPaused)
    (encoded, seatCount, longestRow) = (other.encoded, other.seatCount, other.longestRow)
    (rows, sections, zones, lines) = (other.rows, other.sections, other.zones, other.lines)
    (hints, seatCategories) = (other.hints, other.seatCategories)
    prices = definition.categories.map { $0.price ?? 0 }
    areaPrices = definition.areas.map { $0.price ?? 0 }
    isPriced = definition.categories.map { $0.price != nil }
    (sale, needsPass) = (SaleTerms(definition, isPaused: terms.isPaused), definition.waitingRoom != nil)
  }

  var holdTTL: UInt32 { sale.holdTTL }
  var onSaleAt: Stamp? { definition.onSaleAt }
  var maxPerOrder: UInt32? { definition.maxPerOrder }
  var maxPerBuyer: UInt32? { definition.maxPerBuyer }

  /// Refuses a time that is longer than callers may ask for, in seconds.
  @inline(__always) func check(ttl: UInt32) -> Refusal? {
    ttl > sale.maxHoldTTL ? .limitExceeded(.maxHoldTTL, limit: Int64(sale.maxHoldTTL)) : nil
  }

  /// Sections of more zones than this have them in the order of their categories, so that one is found in few steps.
  private static let zonesToSort = 8

  /// Puts a section's zones in order; its rows of one category follow.
  private static func sort(_ zones: inout [Zone], from firstZone: Int, _ rows: inout [Row], from firstRow: Int) {
    let order = zones[firstZone...].indices.sorted { zones[$0].category < zones[$1].category }
    let sorted = order.map { zones[$0] }
    var moved = [UInt32](repeating: 0, count: order.count)
    for (place, old) in order.enumerated() { moved[old - firstZone] = UInt32(firstZone + place) }
    zones.replaceSubrange(firstZone..., with: sorted)
    for row in rows.indices[firstRow...] where rows[row].category != mixed {
      rows[row].zone = moved[Int(rows[row].zone) - firstZone]
    }
  }

  /// Row, zone, category and price of a seat whose row is of one category; nil: it is not, or there is no such seat.
  @inline(__always) func simpleSeat(_ seat: UInt32) -> (row: Int, zone: Int, category: Int, price: Int64)? {
    guard Int(seat) < seatCount else { return nil }
    let row = row(of: seat)
    let (zone, category) = (rows[row].zone, rows[row].category)
    guard category != Self.mixed else { return nil }
    return (row, Int(zone), Int(category), prices[Int(category)])
  }

  /// The row of a seat that exists.
  @inline(__always) func row(of seat: UInt32) -> Int {
    var row = Int(hints[Int(seat >> 6)])
    while rows[row + 1].first <= seat { row += 1 }
    return row
  }

  @inline(__always) func seats(ofRow row: Int) -> Range<Int> { Int(rows[row].first)..<Int(rows[row + 1].first) }

  @inline(__always) func category(of seat: UInt32, row: Int) -> Int {
    let category = rows[row].category
    return Int(category == Self.mixed ? seatCategories[Int(seat)] : category)
  }

  /// Minor units; 0 of a seat that is not for sale.
  @inline(__always) func price(of seat: UInt32) -> Int64 { prices[category(of: seat, row: row(of: seat))] }

  @inline(__always) func zone(of category: Int, row: Int) -> Int {
    var zone = Int(rows[row].zone)
    if rows[row].category == Self.mixed {
      let end = sections[Int(rows[row].section)].zones.upperBound
      if end - zone > Self.zonesToSort { return sortedZone(of: category, in: zone..<end) }
      while Int(zones[zone].category) != category { zone += 1 }
    }
    return zone
  }

  private func sortedZone(of category: Int, in range: Range<Int>) -> Int {
    var (low, high) = (range.lowerBound, range.upperBound)
    while high - low > 1 {
      let middle = (low + high) / 2
      if Int(zones[middle].category) <= category { low = middle } else { high = middle }
    }
    return low
  }
}

extension DefinitionOutline {
  fileprivate var rowCount: Int {
    sections.reduce(0) { sum, section in
      switch section {
      case .grid(let rows, _, _): sum + Int(rows)
      case .listed(let range, _): sum + range.count
      }
    }
  }
}
