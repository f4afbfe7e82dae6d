internal import JSON
public import Octets
public import Proto

/// A seating plan in pretix's open format (`zones[].rows[].seats[]`, `categories[]`, `size`), as its schema describes
/// it in all its versions. Zones become sections; the positions of zone, row and seat add up.
public struct PretixPlan: Sendable {
  /// The plan's own name; empty without one.
  public var name = Bytes()
  public var size: EventDefinition.Size?
  /// Without prices: the format has none.
  public var categories: [EventDefinition.Category] = []
  public var sections: [EventDefinition.Section] = []
  public var seatCount = 0
  /// Nothing is wrong with the categories, so that another name is none.
  public private(set) var areCategoriesKnown = false

  /// What is wrong with it; the rest of it was read.
  var problems = Problems()
  /// Sections that are not called as their zones are, because another zone is called so.
  var renamed = ListOfSome()
  /// Seats without a category that the plan defines.
  var uncategorised: Uncategorised?

  struct Uncategorised {
    /// The category that they were put into, which nobody gave a price.
    var category: CategoryIndex
    var seats = ListOfSome()
  }

  /// Reads a plan that stands alone, as far as it can be read.
  ///
  /// - Returns: the plan, of which only the categories count if something is wrong, and what is.
  public static func read(_ text: RawSpan) -> (plan: PretixPlan, wrong: PlanError?) {
    var plan = PretixPlan()
    do throws(JSONError) {
      var reader = JSONReader(text)
      try plan.read(&reader)
      try reader.finish()
    } catch {
      plan.problems.end(with: error)
    }
    return (plan, plan.problems.isEmpty ? nil : PlanError(plan.problems, in: text))
  }

  /// What is needed while reading and not afterwards.
  struct Reading {
    /// Categories as seats name them, which may come before they are defined; one that is left out is empty.
    var used = NameTable()
    var lastUsed = Bytes()
    var lastUsedNumber = 0
    var labels = NameTable()
    /// By label, where it stands.
    var labelsAt: [UInt32] = []
    /// By section.
    var zones: [ZoneName] = []
    var rowCount = 0
    /// By section and row, whether every seat has a position; and where each seat is.
    var hasPositions: [[Bool]] = []
    var points: [[[Point]]] = []
    /// Where everybody looks.
    var focus: Point?
  }

  /// What a zone is called in the plan; either may be empty.
  struct ZoneName {
    var name = Bytes()
    var id = Bytes()
  }

  /// Reads a plan to its end. What is wrong with it goes to `problems`; then the sections are not complete.
  ///
  /// - Throws: what ends the reading: the text is no JSON, the plan is no object, or there is too much of something.
  mutating func read(_ reader: inout JSONReader) throws(JSONError) {
    var reading = Reading()
    var object = try reader.beginObject()
    while let field = try reader.nextField(planFields, &object, &problems) {
      let mark = reader.mark
      do throws(JSONError) {
        switch field {
        case 0: name = Bytes(try reader.string())
        case 1:
          var zones = try reader.beginArray()
          while try reader.next(&zones) { try readZone(&reader, &reading) }
        case 2:
          let before = problems.count
          try readCategories(&reader)
          areCategoriesKnown = problems.count == before
        case 3:
          if try reader.nullIfNext() { continue }
          let (x, y) = try reader.position()
          reading.focus = Point(x: x, y: y)
        default: size = try readSize(&reader)
        }
      } catch {
        try problems.keep(error)
        try reader.skip(from: mark)
      }
    }
    object.require(1, of: planFields, &problems)
    object.require(2, of: planFields, &problems)
    if areCategoriesKnown { try resolveCategories(reading, at: object.start) }
    guard problems.isEmpty else { return }
    let lines = LineFinder.lines(
      zip(sections, zip(reading.points, reading.hasPositions)).map { section, places in
        guard case .listed(let rows) = section.rows else {
          return LineFinder.Zone(rows: [], points: [], hasPositions: [])
        }
        return LineFinder.Zone(rows: rows, points: places.0, hasPositions: places.1)
      }, focus: reading.focus)
    for section in sections.indices { sections[section].lines = lines[section] }
    keepPositions(reading)
    // Behind the lines: rows without a name may continue each other.
    nameSections(reading.zones)
    nameRows()
  }

  /// Positions are kept for drawing, as 32-bit numbers, which tell places apart that are a hundredth of a unit from
  /// each other only near the plan's origin. A plan that lies far from it, as one in metres of a map does, is moved
  /// there. Lines were found from the positions as they stood in the text.
  private mutating func keepPositions(_ reading: Reading) {
    var least = Point(x: .infinity, y: .infinity)
    var most = Point(x: 0, y: 0)
    for (rows, hasPositions) in zip(reading.points, reading.hasPositions) {
      for (row, isPlaced) in zip(rows, hasPositions) where isPlaced {
        for point in row {
          least = Point(x: min(least.x, point.x), y: min(least.y, point.y))
          most = Point(x: max(most.x, point.x.magnitude), y: max(most.y, point.y.magnitude))
        }
      }
    }
    let x = most.x > Self.nearMax ? least.x.rounded(.down) : 0
    let y = most.y > Self.nearMax ? least.y.rounded(.down) : 0
    for section in sections.indices {
      guard case .listed(var rows) = sections[section].rows else { continue }
      // Here only: otherwise each row would be copied.
      sections[section].rows = .listed([])
      for (row, points) in reading.points[section].enumerated() {
        for (seat, point) in points.enumerated() {
          rows[row].seats[seat].x = Float(point.x - x)
          rows[row].seats[seat].y = Float(point.y - y)
        }
      }
      sections[section].rows = .listed(rows)
    }
  }

  /// Up to here a `Float` is exact within a hundredth.
  private static let nearMax = 65_536.0

  private func readSize(_ reader: inout JSONReader) throws(JSONError) -> EventDefinition.Size {
    var size = EventDefinition.Size(width: 0, height: 0)
    var object = try reader.beginObject()
    while let field = try reader.nextField(sizeFields, &object) {
      let value = try reader.coordinate()
      if field == 0 { size.width = Float(value) } else { size.height = Float(value) }
    }
    try object.require(0, of: sizeFields)
    try object.require(1, of: sizeFields)
    return size
  }

  private mutating func readZone(_ reader: inout JSONReader, _ reading: inout Reading) throws(JSONError) {
    guard sections.count < EventLimit.sections.value else { throw .tooMany(.sections, at: reader.offset) }
    var zone = ZoneName()
    var nameAt = -1
    var idAt = -1
    var x = 0.0
    var y = 0.0
    var rows: [EventDefinition.Row] = []
    var points: [[Point]] = []
    var hasPositions: [Bool] = []
    guard var object = try reader.beginObject(&problems) else { return }
    while let field = try reader.nextField(zoneFields, &object, &problems) {
      let mark = reader.mark
      do throws(JSONError) {
        switch field {
        case 0:
          zone.name = Bytes(try reader.string())
          nameAt = reader.valueStart
        case 1:
          zone.id = Bytes(try reader.string())
          idAt = reader.valueStart
        case 2: (x, y) = try reader.position()
        case 3:
          var array = try reader.beginArray()
          while try reader.next(&array) {
            guard reading.rowCount < EventLimit.rows.value else { throw .tooMany(.rows, at: reader.offset) }
            reading.rowCount += 1
            guard let (row, places, isPlaced) = try readRow(&reader, &reading) else { continue }
            rows.append(row)
            points.append(places)
            hasPositions.append(isPlaced)
          }
        default: try reader.skip()
        }
      } catch {
        try problems.keep(error)
        try reader.skip(from: mark)
      }
    }
    object.require(3, of: zoneFields, &problems)
    let (called, calledAt) = zone.name.isEmpty ? (zone.id, idAt) : (zone.name, nameAt)
    if !called.isEmpty, !Names.isName(called.rawSpan) {
      problems.add(
        .refused("a zone's name has 1 to 128 bytes of printable text", at: calledAt, limit: Int64(Names.bytesMax)))
    }
    if x != 0 || y != 0 {
      for row in points.indices {
        for seat in points[row].indices { points[row][seat].move(x, y) }
      }
    }
    reading.points.append(points)
    reading.hasPositions.append(hasPositions)
    reading.zones.append(zone)
    sections.append(EventDefinition.Section(name: "", rows: .listed(rows)))
  }

  /// - Returns: nil: the value is no object.
  private mutating func readRow(
    _ reader: inout JSONReader, _ reading: inout Reading
  ) throws(JSONError) -> (EventDefinition.Row, [Point], hasPositions: Bool)? {
    var hasPositions = true
    var points: [Point] = []
    var row = EventDefinition.Row(name: "", seats: [])
    var x = 0.0
    var y = 0.0
    guard var object = try reader.beginObject(&problems) else { return nil }
    while let field = try reader.nextField(rowFields, &object, &problems) {
      let mark = reader.mark
      do throws(JSONError) {
        switch field {
        case 0:
          if try reader.nullIfNext() { continue }
          row.name = try reader.text(max: Names.bytesMax)
        case 1:
          var array = try reader.beginArray()
          while try reader.next(&array) {
            guard seatCount < EventLimit.seats.value else { throw .tooMany(.seats, at: reader.offset) }
            seatCount += 1
            guard let (seat, point) = try readSeat(&reader, &reading) else { continue }
            row.seats.append(seat)
            points.append(point ?? Point(x: 0, y: 0))
            if point == nil { hasPositions = false }
          }
        case 2: (x, y) = try reader.position()
        default: try reader.skip()
        }
      } catch {
        try problems.keep(error)
        try reader.skip(from: mark)
      }
    }
    object.require(1, of: rowFields, &problems)
    if x != 0 || y != 0 {
      for seat in points.indices { points[seat].move(x, y) }
    }
    return (row, points, hasPositions)
  }

  /// - Returns: nil: the value is no object.
  private mutating func readSeat(
    _ reader: inout JSONReader, _ reading: inout Reading
  ) throws(JSONError) -> (EventDefinition.Seat, at: Point?)? {
    var point: Point?
    var category: CategoryIndex?
    var seat = EventDefinition.Seat(label: "", number: "", category: CategoryIndex(0), x: 0, y: 0)
    guard var object = try reader.beginObject(&problems) else { return nil }
    while let field = try reader.nextField(seatFields, &object, &problems) {
      let mark = reader.mark
      do throws(JSONError) {
        switch field {
        case 0: seat.label = try readLabel(&reader, &reading)
        case 1: seat.number = try reader.text(max: Names.labelBytesMax)
        case 2: category = try readCategory(&reader, &reading)
        case 3:
          // A seat without a position is drawn where its row is.
          if try reader.nullIfNext() { continue }
          let (x, y) = try reader.position()
          point = Point(x: x, y: y)
        default: try reader.skip()
        }
      } catch {
        try problems.keep(error)
        try reader.skip(from: mark)
      }
    }
    for field in 0..<2 { object.require(field, of: seatFields, &problems) }
    if let category {
      seat.category = category
    } else {
      seat.category = try use("", at: object.start, &reading)
    }
    return (seat, point)
  }

  private mutating func readLabel(_ reader: inout JSONReader, _ reading: inout Reading) throws(JSONError) -> Bytes {
    let label = Bytes(try reader.string())
    let at = reader.valueStart
    guard Names.isLabel(label.rawSpan) else {
      throw .refused(
        "a seat is called by 1 to 64 bytes without control characters that do not begin with #",
        at: at, limit: Int64(Names.labelBytesMax))
    }
    if let other = reading.labels.insert(label.rawSpan) {
      problems.add(.refused("two seats are called `\(label)`", at: at), other: Int(reading.labelsAt[other]))
    } else {
      reading.labelsAt.append(UInt32(truncatingIfNeeded: at))
    }
    return label
  }
}

// Every name that a version of the format's schema has; those that say nothing about what is sold are read past. The
// schema has no focal point: `focal_point` is Holdfast's own, and may be left out.
private let planFields = JSONFields("name", "zones", "categories", "focal_point", "size")
private let sizeFields = JSONFields("width", "height")
private let positionFields = JSONFields("x", "y")
private let zoneFields = JSONFields("name", "zone_id", "position", "rows", "areas", "uuid", "displayed")
private let rowFields = JSONFields(
  "row_number", "seats", "position", "uuid", "row_number_position", "row_label", "seat_label", "number_of_seats",
  "seats_spacing")
private let seatFields = JSONFields(
  "seat_guid", "seat_number", "category", "position", "uuid", "radius", "start_direction")

extension Point {
  fileprivate mutating func move(_ dx: Double, _ dy: Double) {
    x += dx
    y += dy
  }
}

extension JSONReader {
  /// A number that a `Float` can hold.
  fileprivate mutating func coordinate() throws(JSONError) -> Double {
    let value = try double()
    guard value.magnitude <= 1e9 else {
      throw .refused("a position is within a billion", at: valueStart, limit: 1_000_000_000)
    }
    return value
  }

  fileprivate mutating func position() throws(JSONError) -> (x: Double, y: Double) {
    var x = 0.0
    var y = 0.0
    var object = try beginObject()
    while let field = try nextField(positionFields, &object) {
      if field == 0 { x = try coordinate() } else { y = try coordinate() }
    }
    try object.require(0, of: positionFields)
    try object.require(1, of: positionFields)
    return (x, y)
  }

  /// A name of 1 to 128 bytes.
  mutating func name() throws(JSONError) -> Bytes {
    let name = Bytes(try string())
    guard Names.isName(name.rawSpan) else {
      throw .refused("a name has 1 to 128 bytes of printable text", at: valueStart, limit: Int64(Names.bytesMax))
    }
    return name
  }

  /// Printable text, which may be empty.
  mutating func text(min: Int = 0, max: Int) throws(JSONError) -> Bytes {
    let text = Bytes(try string())
    guard text.count >= min, text.count <= max, Names.isPrintable(text.rawSpan) else {
      throw .refused(
        "the text has \(min) to \(max) bytes without control characters", at: valueStart, limit: Int64(max))
    }
    return text
  }
}
