public import Octets
public import Proto

/// Translates between what people call things and the numbers that the machine uses, for one event. Made once for each
/// definition and shared.
public struct PlanIndex: Sendable {
  /// What a section takes to find its seats.
  private struct Section: Sendable {
    var firstSeat: Int
    var seatCount: Int
    /// nil: a listed section, whose labels stand in the table.
    var grid: Grid?
    /// Of a listed section: the first of its rows in `rowStarts`.
    var firstRow: Int
  }

  private struct Grid: Sendable {
    var name: [UInt8]
    var rows: Int
    var seatsPerRow: Int
    var category: CategoryIndex
  }

  private let sections: [Section]
  /// Grid sections by name; `gridSections[n]` is the section of the n-th name.
  private let gridNames: NameTable
  private let gridSections: [UInt32]
  /// Labels of listed seats. With grid sections beside them `listedSeats[n]` is the n-th label's seat; otherwise it is
  /// empty and the seat is n.
  private let labels: NameTable
  private let listedSeats: [UInt32]
  /// Of listed sections: each seat's category, by seat number minus that of the section's first.
  private let listedCategories: [CategoryIndex]
  /// The first seat of each listed row, over all listed sections.
  private let rowStarts: [UInt32]
  private let areaNames: NameTable
  private let categoryNames: NameTable
  public let seatCount: Int

  /// - Complexity: O(seats) for a listed plan, O(sections) for the short form.
  public init(_ definition: EventDefinition) {
    var sections: [Section] = []
    var gridNames = NameTable()
    var gridSections: [UInt32] = []
    var labels = NameTable()
    var listedSeats: [UInt32] = []
    var listedCategories: [CategoryIndex] = []
    var rowStarts: [UInt32] = []
    var seat = 0
    let hasGrid = definition.sections.contains { if case .grid = $0.rows { true } else { false } }
    if !hasGrid {
      let seats = definition.seatCount
      labels.reserve(seats, bytes: seats * 12)
      listedCategories.reserveCapacity(seats)
    }
    for (number, section) in definition.sections.enumerated() {
      let firstSeat = seat
      let firstRow = rowStarts.count
      var grid: Grid?
      switch section.rows {
      case .grid(let rows, let seatsPerRow, let category):
        grid = Grid(name: section.name.array, rows: Int(rows), seatsPerRow: Int(seatsPerRow), category: category)
        if gridNames.insert(section.name.rawSpan) == nil { gridSections.append(UInt32(number)) }
        seat += Int(rows) * Int(seatsPerRow)
      case .listed(let rows):
        for row in rows {
          rowStarts.append(UInt32(seat))
          for entry in row.seats {
            if labels.insert(entry.label.rawSpan) == nil, hasGrid { listedSeats.append(UInt32(seat)) }
            listedCategories.append(entry.category)
            seat += 1
          }
        }
      }
      sections.append(Section(firstSeat: firstSeat, seatCount: seat - firstSeat, grid: grid, firstRow: firstRow))
    }
    var areaNames = NameTable()
    for area in definition.areas { _ = areaNames.insert(area.name.rawSpan) }
    var categoryNames = NameTable()
    for category in definition.categories { _ = categoryNames.insert(category.name.rawSpan) }
    (self.sections, self.gridNames, self.gridSections) = (sections, gridNames, gridSections)
    (self.labels, self.listedSeats, self.listedCategories) = (labels, listedSeats, listedCategories)
    (self.rowStarts, self.areaNames, self.categoryNames, seatCount) = (rowStarts, areaNames, categoryNames, seat)
  }

  /// The seat with this label, or that `#n` names; nil if there is none.
  public func seat(_ label: RawSpan) -> SeatIndex? {
    guard label.byteCount > 0 else { return nil }
    if label.planByte(0) == 0x23 { return numbered(label) }
    if labels.count > 0, let number = labels.find(label) {
      return SeatIndex(listedSeats.isEmpty ? UInt32(number) : listedSeats[number])
    }
    guard gridNames.count > 0 else { return nil }
    return gridSeat(label)
  }

  /// `#n`: the 0-based place, leading zeros allowed.
  private func numbered(_ label: RawSpan) -> SeatIndex? {
    guard label.byteCount > 1 else { return nil }
    var value = 0
    for offset in 1..<label.byteCount {
      let digit = label.planByte(offset) &- 0x30
      guard digit < 10 else { return nil }
      value = value * 10 + Int(digit)
      guard value < seatCount else { return nil }
    }
    return SeatIndex(UInt32(value))
  }

  /// `section-row-number`, read from its end, so that a section's name may have dashes.
  private func gridSeat(_ label: RawSpan) -> SeatIndex? {
    var place = label.byteCount
    var number = 0
    var unit = 1
    var last: UInt8 = 0
    while place > 0 {
      last = label.planByte(place - 1) &- 0x30
      guard last < 10 else { break }
      guard unit <= 10_000_000 else { return nil }
      number += unit * Int(last)
      unit *= 10
      place -= 1
    }
    // At least one digit, no zero in front, and a dash.
    guard unit > 1, place > 1, label.planByte(place - 1) == 0x2D, label.planByte(place) != 0x30 else { return nil }
    let rowEnd = place - 1
    var rowStart = rowEnd
    while rowStart > 0, label.planByte(rowStart - 1) != 0x2D { rowStart -= 1 }
    guard rowStart > 1, let row = RowNames.row(label, rowStart, rowEnd),
      let name = gridNames.find(label.extracting(0..<(rowStart - 1)))
    else { return nil }
    let section = sections[Int(gridSections[name])]
    guard let grid = section.grid, row < grid.rows, number <= grid.seatsPerRow else { return nil }
    return SeatIndex(UInt32(truncatingIfNeeded: section.firstSeat + row * grid.seatsPerRow + number - 1))
  }

  /// Appends the seat's label; `seat` must be below `seatCount`.
  public func writeLabel(_ seat: SeatIndex, into out: inout [UInt8]) {
    let section = sections[sectionNumber(of: seat)]
    guard let grid = section.grid else {
      labels.write(listedPlace(seat), into: &out)
      return
    }
    let offset = Int(seat.rawValue) - section.firstSeat
    out.append(contentsOf: grid.name)
    out.append(0x2D)
    RowNames.write(offset / grid.seatsPerRow, into: &out)
    out.append(0x2D)
    out.putDecimal(Int64(offset % grid.seatsPerRow + 1))
  }

  public func label(_ seat: SeatIndex) -> Bytes {
    var out: [UInt8] = []
    writeLabel(seat, into: &out)
    return Bytes(out)
  }

  /// The seat's category; `seat` must be below `seatCount`.
  public func category(of seat: SeatIndex) -> CategoryIndex {
    let section = sections[sectionNumber(of: seat)]
    return section.grid?.category ?? listedCategories[listedPlace(seat)]
  }

  /// 0-based section, row in it and seat in the row; `seat` must be below `seatCount`.
  public func place(of seat: SeatIndex) -> (section: Int, row: Int, seat: Int) {
    let number = sectionNumber(of: seat)
    let section = sections[number]
    let offset = Int(seat.rawValue) - section.firstSeat
    if let grid = section.grid { return (number, offset / grid.seatsPerRow, offset % grid.seatsPerRow) }
    // The last row that begins at or before the seat. Of empty rows and the one behind them, which begin alike, the
    // last.
    var low = section.firstRow
    var high = rowStarts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if rowStarts[middle] <= seat.rawValue { low = middle } else { high = middle }
    }
    return (number, low - section.firstRow, Int(seat.rawValue - rowStarts[low]))
  }

  public func area(_ name: RawSpan) -> AreaIndex? {
    areaNames.find(name).map { AreaIndex(UInt16(truncatingIfNeeded: $0)) }
  }

  public func category(_ name: RawSpan) -> CategoryIndex? {
    categoryNames.find(name).map { CategoryIndex(UInt16(truncatingIfNeeded: $0)) }
  }

  /// The section that the seat is in. Empty sections, which begin where the next one does, are passed over.
  private func sectionNumber(of seat: SeatIndex) -> Int {
    precondition(Int(seat.rawValue) < seatCount, "seat numbers are checked where they come in")
    var low = 0
    var high = sections.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if sections[middle].firstSeat <= Int(seat.rawValue) { low = middle } else { high = middle }
    }
    return low
  }

  /// A listed seat's place among the listed ones.
  private func listedPlace(_ seat: SeatIndex) -> Int {
    guard !listedSeats.isEmpty else { return Int(seat.rawValue) }
    var low = 0
    var high = listedSeats.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if listedSeats[middle] <= seat.rawValue { low = middle } else { high = middle }
    }
    return low
  }
}
