internal import Octets
internal import Proto

/// Finds out how the seats of a section stand next to each other (`SeatLine`) from their positions.
/// docs/architecture.md has the rules in words.
struct LineFinder {
  /// A row whose positions say how it stands, as a part of a line.
  private struct Piece {
    var row: Int
    var shape: RowShape
    var steps: [Double]
    var usual: Double?
    /// The pieces behind its two ends, and the end of each that is there.
    var links: [(piece: Int, end: Int)?] = [nil, nil]

    init(row: Int, _ shape: RowShape) {
      (self.row, self.shape) = (row, shape)
      steps = Steps.of(shape.points)
      usual = Steps.usual(steps)
    }

    /// - Parameter end: 0 is the first seat, 1 the last.
    func point(_ end: Int) -> Point { shape.points[end == 0 ? 0 : shape.points.count - 1] }

    /// The direction in which the row would go on there; nil: it has one seat.
    func direction(_ end: Int) -> Point? {
      let here = point(end)
      let inner = end == 0 ? shape.points.first { $0 != here } : shape.points.last { $0 != here }
      return inner.map { here - $0 }
    }
  }

  private struct Line {
    /// Row and place in it of each seat, along the line.
    var seats: [(row: Int, place: Int)]
    /// Empty: positions say nothing.
    var points: [Point]
    var firstRow: Int
  }

  /// More rows of one name than these are not joined: each is compared with each.
  private static let piecesMax = 256

  private let rows: [EventDefinition.Row]
  private var pieces: [Piece] = []
  private var lines: [Line] = []
  private var usual: Double?

  /// - Parameters:
  ///   - hasPositions: by row, whether all of its seats have one.
  ///   - focus: where everybody looks; nil: to where y is least.
  /// - Returns: nothing if the seats stand as they are listed.
  static func lines(_ rows: [EventDefinition.Row], hasPositions: [Bool], focus: Point?) -> [SeatLine] {
    var finder = LineFinder(rows, hasPositions)
    finder.join()
    finder.assemble()
    return finder.result(focus: focus)
  }

  private init(_ rows: [EventDefinition.Row], _ hasPositions: [Bool]) {
    self.rows = rows
    for (place, row) in rows.enumerated() where !row.seats.isEmpty {
      let points = row.seats.map { Point(x: Double($0.x), y: Double($0.y)) }
      if hasPositions[place], let shape = RowShape(points) {
        pieces.append(Piece(row: place, shape))
      } else {
        let seats = row.seats.indices.map { (row: place, place: $0) }
        lines.append(Line(seats: seats, points: [], firstRow: place))
      }
    }
    usual = Steps.usual(pieces.flatMap(\.steps))
  }

  // MARK: Rows that continue each other

  private mutating func join() {
    var named: [Bytes: [Int]] = [:]
    for place in pieces.indices { named[rows[pieces[place].row].name, default: []].append(place) }
    for own in named.values where own.count > 1 && own.count <= Self.piecesMax { join(own) }
  }

  private struct Candidate {
    var distance: Double
    var one: (piece: Int, end: Int)
    var other: (piece: Int, end: Int)
  }

  /// The nearest ends first. Each end continues once, and no line comes back to itself.
  private mutating func join(_ own: [Int]) {
    var candidates: [Candidate] = []
    for (place, one) in own.enumerated() {
      for other in own[(place + 1)...] {
        for ends in [(0, 0), (0, 1), (1, 0), (1, 1)] {
          guard let distance = continues((one, ends.0), (other, ends.1)) else { continue }
          candidates.append(Candidate(distance: distance, one: (one, ends.0), other: (other, ends.1)))
        }
      }
    }
    candidates.sort {
      ($0.distance, $0.one.piece, $0.other.piece, $0.one.end, $0.other.end)
        < ($1.distance, $1.one.piece, $1.other.piece, $1.one.end, $1.other.end)
    }
    for each in candidates
    where pieces[each.one.piece].links[each.one.end] == nil && pieces[each.other.piece].links[each.other.end] == nil {
      if end(of: each.one) == each.other.piece { continue }
      pieces[each.one.piece].links[each.one.end] = each.other
      pieces[each.other.piece].links[each.other.end] = each.one
    }
  }

  /// The piece at the other end of the line that the piece's free end belongs to.
  private func end(of start: (piece: Int, end: Int)) -> Int {
    var here = start.piece
    var out = 1 - start.end
    while let next = pieces[here].links[out] { (here, out) = (next.piece, 1 - next.end) }
    return here
  }

  /// How far two ends are from each other; nil: the one row does not go on with the other.
  private func continues(_ one: (piece: Int, end: Int), _ other: (piece: Int, end: Int)) -> Double? {
    let (first, second) = (pieces[one.piece], pieces[other.piece])
    let step = second.point(other.end) - first.point(one.end)
    let distance = step.length
    // What both take as usual lies between what each of them takes.
    guard distance > 0, let most = [first.usual, second.usual].compactMap({ $0 }).max() ?? usual,
      !Steps.isGap(distance, usual: most), let both = Steps.usual(first.steps + second.steps) ?? usual,
      !Steps.isGap(distance, usual: both)
    else { return nil }
    for (direction, step) in [
      (first.direction(one.end), step), (second.direction(other.end), Point(x: -step.x, y: -step.y)),
    ] {
      // A turn of up to 45 degrees: rows are curved, but no row goes on with the one behind it.
      if let direction, direction.dot(step) * 1.415 < direction.length * step.length { return nil }
    }
    return distance
  }

  // MARK: Lines

  private mutating func assemble() {
    var isDone = [Bool](repeating: false, count: pieces.count)
    for start in pieces.indices where !isDone[start] {
      guard let free = pieces[start].links.firstIndex(where: { $0 == nil }) else { continue }
      var line = Line(seats: [], points: [], firstRow: pieces[start].row)
      var (here, entry) = (start, free)
      while true {
        isDone[here] = true
        let piece = pieces[here]
        let order = entry == 0 ? piece.shape.order : piece.shape.order.reversed()
        line.seats += order.map { (row: piece.row, place: $0) }
        line.points += entry == 0 ? piece.shape.points : piece.shape.points.reversed()
        line.firstRow = min(line.firstRow, piece.row)
        guard let next = piece.links[1 - entry] else { break }
        (here, entry) = next
      }
      // From the end that is listed first.
      if line.seats[line.seats.count - 1] < line.seats[0] {
        line.seats.reverse()
        line.points.reverse()
      }
      lines.append(line)
    }
    lines.sort { $0.firstRow < $1.firstRow }
  }

  private func result(focus: Point?) -> [SeatLine] {
    let numbers = numbers(focus: focus)
    var isListed = true
    var result: [SeatLine] = []
    result.reserveCapacity(lines.count)
    for (number, line) in zip(numbers, lines) {
      let own = Set(line.seats.map(\.row)).sorted()
      var seatLine = SeatLine(number: number, rows: own.map { UInt32($0) })
      let listed = zip(line.seats, line.seats.dropFirst()).allSatisfy { $0 < $1 }
      if !listed {
        var starts: [Int: Int] = [:]
        var start = 0
        for row in own {
          starts[row] = start
          start += rows[row].seats.count
        }
        seatLine.order = line.seats.map { UInt32(starts[$0.row]! + $0.place) }
      }
      seatLine.gaps = gaps(line)
      if number != line.firstRow || own.count > 1 || !listed || !seatLine.gaps.isEmpty { isListed = false }
      result.append(seatLine)
    }
    return isListed ? [] : result
  }

  private func gaps(_ line: Line) -> [UInt32] {
    guard let usual = Steps.usual(Steps.of(line.points)) else { return [] }
    return (1..<line.points.count).filter {
      Steps.isGap(line.points[$0 - 1].distance(line.points[$0]), usual: usual)
    }.map { UInt32($0) }
  }

  // MARK: The front

  /// How far each line is from the front: by where its middle is, if that is known of every line and says anything;
  /// otherwise the first row that is listed is in front.
  private func numbers(focus: Point?) -> [UInt32] {
    let listed = lines.map { UInt32($0.firstRow) }
    guard lines.allSatisfy({ !$0.points.isEmpty }) else { return listed }
    let depths = lines.map { line in
      let (one, other) = (line.points[(line.points.count - 1) / 2], line.points[line.points.count / 2])
      let middle = Point(x: (one.x + other.x) / 2, y: (one.y + other.y) / 2)
      return focus.map { middle.distance($0) } ?? middle.y
    }
    // Lines beside each other are equally far, whatever was rounded.
    let same = (usual ?? 0) / 4
    var numbers = listed
    var number: UInt32 = 0
    var start = -Double.infinity
    for line in lines.indices.sorted(by: { (depths[$0], $0) < (depths[$1], $1) }) {
      if depths[line] - start > same {
        if start > -.infinity { number += 1 }
        start = depths[line]
      }
      numbers[line] = number
    }
    return number > 0 || lines.count == 1 ? numbers : listed
  }
}
