import Proto

/// The lines (`SeatLine`) of an event whose seats do not stand as the plan lists them, as searches for the best seats
/// look at them. Made with the layout. Most events have none: then their rows are their lines, and nothing is kept.
struct LineLayout: Sendable {
  struct Line: Sendable {
    /// Its first seat, or, if it is ordered, where its seats begin in `order`.
    var first: UInt32
    var count: UInt32
    /// As `SeatLine` says it.
    var number: UInt32
    /// `EventLayout.mixed`: its seats have several.
    var category: UInt16
    /// Its seats are not numbered one after the other.
    var isOrdered: Bool
    /// Where its rows end in `rows`, and its gaps in `gaps`; they begin where the line before ends.
    var rowsEnd: UInt32
    var gapsEnd: UInt32
  }

  private(set) var lines: [Line] = []
  /// The lines of each section.
  private(set) var sections: [Range<Int>] = []
  private(set) var rows: [UInt32] = []
  private(set) var lineOfRow: [UInt32]
  /// Seats of the ordered lines only: four bytes for each of these.
  private(set) var order: [UInt32] = []
  private(set) var gaps: [UInt32] = []
  private(set) var longest = 0

  /// - Parameters:
  ///   - rows: of the layout, with the one behind the last; numbered as the plan lists them.
  ///   - sections: of the layout.
  /// - Returns: nil if the outline has no lines.
  init?(_ outline: DefinitionOutline, rows: [EventLayout.Row], sections: [EventLayout.Section]) {
    let hasLines = outline.sections.contains {
      if case .listed(_, let lines) = $0 { !lines.isEmpty } else { false }
    }
    lineOfRow = []
    guard hasLines else { return nil }
    lineOfRow = [UInt32](repeating: 0, count: rows.count - 1)
    for (section, outline) in zip(sections, outline.sections) {
      let first = lines.count
      switch outline {
      case .listed(let listed, let seatLines) where !seatLines.isEmpty:
        var rowOfPlace = [Int](repeating: 0, count: listed.count)
        for row in section.rows { rowOfPlace[Int(rows[row].number)] = row }
        for line in seatLines { add(line, line.rows.map { rowOfPlace[Int($0)] }, rows) }
      case .listed, .grid:
        for row in section.rows { add(SeatLine(number: rows[row].number, rows: []), [row], rows) }
      }
      self.sections.append(first..<lines.count)
    }
  }

  /// - Parameter own: the line's rows in the layout.
  private mutating func add(_ line: SeatLine, _ own: [Int], _ rows: [EventLayout.Row]) {
    func seats(_ row: Int) -> Range<UInt32> { rows[row].first..<rows[row + 1].first }
    let count = own.reduce(0) { $0 + seats($1).count }
    let follow = zip(own, own.dropFirst()).allSatisfy { $0 + 1 == $1 }
    let isOrdered = !line.order.isEmpty || !follow
    var first = rows[own[0]].first
    if isOrdered {
      first = UInt32(order.count)
      let listed = own.flatMap { seats($0) }
      if line.order.isEmpty {
        order += listed
      } else {
        order += line.order.lazy.map { listed[Int($0)] }
      }
    }
    let category = rows[own[0]].category
    for row in own { lineOfRow[row] = UInt32(lines.count) }
    self.rows += own.lazy.map { UInt32($0) }
    gaps += line.gaps
    longest = max(longest, count)
    lines.append(
      Line(
        first: first, count: UInt32(count), number: line.number,
        category: own.allSatisfy { rows[$0].category == category } ? category : EventLayout.mixed, isOrdered: isOrdered,
        rowsEnd: UInt32(self.rows.count), gapsEnd: UInt32(gaps.count)))
  }

  func rows(ofLine line: Int) -> ArraySlice<UInt32> {
    rows[(line == 0 ? 0 : Int(lines[line - 1].rowsEnd))..<Int(lines[line].rowsEnd)]
  }

  func gaps(ofLine line: Int) -> ArraySlice<UInt32> {
    gaps[(line == 0 ? 0 : Int(lines[line - 1].gapsEnd))..<Int(lines[line].gapsEnd)]
  }
}

extension EventLayout {
  var lineCount: Int { lines?.lines.count ?? rowCount }
  var longestLine: Int { lines?.longest ?? longestRow }

  @inline(__always) func line(_ number: Int) -> LineLayout.Line {
    if let lines { return lines.lines[number] }
    let row = rows[number]
    return LineLayout.Line(
      first: row.first, count: rows[number + 1].first - row.first, number: row.number, category: row.category,
      isOrdered: false, rowsEnd: 0, gapsEnd: 0)
  }

  /// The seat at a place of a line.
  @inline(__always) func seat(_ line: LineLayout.Line, _ place: Int) -> Int {
    let index = Int(line.first) + place
    guard line.isOrdered, let lines else { return index }
    return Int(lines.order[index])
  }

  @inline(__always) func line(ofRow row: Int) -> Int {
    if let lines { Int(lines.lineOfRow[row]) } else { row }
  }

  func lines(ofSection section: Int) -> Range<Int> { lines?.sections[section] ?? sections[section].rows }

  func gaps(ofLine line: Int) -> ArraySlice<UInt32> { lines?.gaps(ofLine: line) ?? [] }
}
