internal import Octets
internal import Proto

/// Finds out how the seats of a plan stand next to each other (`SeatLine`) from their positions.
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

  /// A zone of the plan: its rows, where their seats are, and by row, whether all of its seats have a position.
  struct Zone {
    var rows: [EventDefinition.Row]
    var points: [[Point]]
    var hasPositions: [Bool]
  }

  private let rows: [EventDefinition.Row]
  private var pieces: [Piece] = []
  private var lines: [Line] = []
  private var usual: Double?

  /// - Parameter focus: where everybody looks; nil: to where y is least.
  /// - Returns: by zone, nothing if its seats stand as they are listed.
  static func lines(_ zones: [Zone], focus: Point?) -> [[SeatLine]] {
    let finders = zones.map { zone in
      var finder = LineFinder(zone)
      finder.join()
      finder.assemble()
      return finder
    }
    return zip(finders, numbers(finders, focus: focus)).map { $0.result($1) }
  }

  private init(_ zone: Zone) {
    rows = zone.rows
    for (place, row) in rows.enumerated() where !row.seats.isEmpty {
      if zone.hasPositions[place], let shape = RowShape(zone.points[place]) {
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

  private func result(_ numbers: [UInt32]) -> [SeatLine] {
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

  /// How far each line is from the front, by zone, in lines: of a single zone how many stand nearer; of several, how
  /// many of the usual distance would. A zone in which that is not known of every line has a front of its own; there,
  /// and where all lines of a zone are equally far, the first row that is listed is in front.
  private static func numbers(_ finders: [LineFinder], focus: Point?) -> [[UInt32]] {
    let listed = finders.map { $0.lines.map { UInt32($0.firstRow) } }
    var numbers = listed
    let known = finders.indices.filter {
      !finders[$0].lines.isEmpty && finders[$0].lines.allSatisfy { !$0.points.isEmpty }
    }
    let step = Steps.usual(known.flatMap { finders[$0].pieces.flatMap(\.steps) }) ?? 0
    let ranks = Dictionary(uniqueKeysWithValues: known.map { ($0, Ranks(finders[$0], focus, same: step / 4)) })
    let front = ranks.values.map { $0.starts[0] }.min() ?? 0
    let distances = known.flatMap { zip(ranks[$0]!.starts, ranks[$0]!.starts.dropFirst()).map { $1 - $0 } }
    let usual = Steps.usual(distances) ?? (step > 0 ? step : 1)
    for zone in known {
      let own = ranks[zone]!
      // The number of each depth that its lines have: each at least one more than the one in front of it.
      var depths: [UInt32] = []
      for start in own.starts {
        let number = known.count == 1 ? 0 : UInt32(min((start - front) / usual, Self.farthest).rounded())
        depths.append(max(number, depths.last.map { $0 + 1 } ?? 0))
      }
      numbers[zone] = own.ranks.map { depths[$0] }
      if depths.count == 1, own.ranks.count > 1 {
        for line in numbers[zone].indices { numbers[zone][line] += listed[zone][line] }
      }
    }
    return numbers
  }

  /// What is farther than this many lines is equally far.
  private static let farthest = 1_000_000.0

  /// The depths that the lines of a zone have, the least first, and by line which of them it has. Lines beside each
  /// other are equally far, whatever was rounded.
  private struct Ranks {
    var starts: [Double] = []
    var ranks: [Int]

    init(_ finder: LineFinder, _ focus: Point?, same: Double) {
      let depths = finder.lines.map { finder.depth($0, focus) }
      ranks = .init(repeating: 0, count: depths.count)
      for line in depths.indices.sorted(by: { (depths[$0], $0) < (depths[$1], $1) }) {
        if starts.last.map({ depths[line] - $0 > same }) ?? true { starts.append(depths[line]) }
        ranks[line] = starts.count - 1
      }
    }
  }

  private func depth(_ line: Line, _ focus: Point?) -> Double {
    let (one, other) = (line.points[(line.points.count - 1) / 2], line.points[line.points.count / 2])
    let middle = Point(x: (one.x + other.x) / 2, y: (one.y + other.y) / 2)
    return focus.map { middle.distance($0) } ?? middle.y
  }
}
