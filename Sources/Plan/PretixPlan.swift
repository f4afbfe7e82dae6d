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

  /// Reads a plan that stands alone.
  public static func parse(_ text: RawSpan) throws(PlanError) -> PretixPlan {
    var plan = PretixPlan()
    do {
      var reader = JSONReader(text)
      try plan.read(&reader)
      try reader.finish()
    } catch {
      throw PlanError(error, in: text)
    }
    return plan
  }

  /// What is needed while reading and not afterwards.
  private struct Reading {
    /// Categories as seats name them, which may come before they are defined, and where each was named first.
    var used = NameTable()
    var usedAt: [Int] = []
    var lastUsed = Bytes()
    var lastUsedNumber = 0
    var labels = NameTable()
    var sectionNames = NameTable()
    var rowCount = 0
    /// By section and row, whether every seat has a position.
    var hasPositions: [[Bool]] = []
    /// Where everybody looks.
    var focus: Point?
  }

  mutating func read(_ reader: inout JSONReader) throws(JSONError) {
    var reading = Reading()
    var object = try reader.beginObject()
    while let field = try reader.nextField(planFields, &object) {
      switch field {
      case 0: name = Bytes(try reader.string())
      case 1:
        var zones = try reader.beginArray()
        while try reader.next(&zones) { try readZone(&reader, &reading) }
      case 2: try readCategories(&reader)
      case 3:
        if try reader.nullIfNext() { continue }
        let (x, y) = try reader.position()
        reading.focus = Point(x: x, y: y)
      default: size = try readSize(&reader)
      }
    }
    try object.require(1, of: planFields)
    try object.require(2, of: planFields)
    try resolveCategories(reading)
    for section in sections.indices {
      guard case .listed(let rows) = sections[section].rows else { continue }
      sections[section].lines = LineFinder.lines(
        rows, hasPositions: reading.hasPositions[section], focus: reading.focus)
    }
  }

  private mutating func readCategories(_ reader: inout JSONReader) throws(JSONError) {
    var names = NameTable()
    var array = try reader.beginArray()
    while try reader.next(&array) {
      guard categories.count < EventLimit.categories.value else { throw .tooMany(.categories, at: reader.offset) }
      var category = EventDefinition.Category(name: "", price: nil)
      var object = try reader.beginObject()
      while let field = try reader.nextField(categoryFields, &object) {
        switch field {
        case 0:
          category.name = try reader.name()
          guard names.insert(category.name.rawSpan) == nil else {
            throw .refused("two categories have this name", at: reader.valueStart)
          }
        default:
          if try reader.nullIfNext() { continue }
          category.color = try reader.text(max: 64)
        }
      }
      try object.require(0, of: categoryFields)
      categories.append(category)
    }
  }

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
    var name = Bytes()
    var nameAt = -1
    var id = Bytes()
    var idAt = -1
    var x = 0.0
    var y = 0.0
    var rows: [EventDefinition.Row] = []
    var hasPositions: [Bool] = []
    var object = try reader.beginObject()
    while let field = try reader.nextField(zoneFields, &object) {
      switch field {
      case 0:
        name = Bytes(try reader.string())
        nameAt = reader.valueStart
      case 1:
        id = Bytes(try reader.string())
        idAt = reader.valueStart
      case 2: (x, y) = try reader.position()
      case 3:
        var array = try reader.beginArray()
        while try reader.next(&array) {
          guard reading.rowCount < EventLimit.rows.value else { throw .tooMany(.rows, at: reader.offset) }
          reading.rowCount += 1
          let (row, isPlaced) = try readRow(&reader, &reading)
          rows.append(row)
          hasPositions.append(isPlaced)
        }
      default: try reader.skip()
      }
    }
    try object.require(3, of: zoneFields)
    // A zone need not have a name: then it is called by its id, or by its place.
    if name.isEmpty { (name, nameAt) = (id, idAt) }
    if name.isEmpty { (name, nameAt) = (Bytes("Zone \(sections.count + 1)"), object.start) }
    guard Names.isName(name.rawSpan) else {
      throw .refused("a zone's name has 1 to 128 bytes of printable text", at: nameAt, limit: Int64(Names.bytesMax))
    }
    guard reading.sectionNames.insert(name.rawSpan) == nil else {
      throw .refused("two zones have this name", at: nameAt)
    }
    if x != 0 || y != 0 {
      for row in rows.indices {
        for seat in rows[row].seats.indices { rows[row].seats[seat].move(x, y) }
      }
    }
    reading.hasPositions.append(hasPositions)
    sections.append(EventDefinition.Section(name: name, rows: .listed(rows)))
  }

  private mutating func readRow(
    _ reader: inout JSONReader, _ reading: inout Reading
  ) throws(JSONError) -> (EventDefinition.Row, hasPositions: Bool) {
    var hasPositions = true
    var row = EventDefinition.Row(name: "", seats: [])
    var x = 0.0
    var y = 0.0
    var object = try reader.beginObject()
    while let field = try reader.nextField(rowFields, &object) {
      switch field {
      case 0: row.name = try reader.text(max: Names.bytesMax)
      case 1:
        var array = try reader.beginArray()
        while try reader.next(&array) {
          guard seatCount < EventLimit.seats.value else { throw .tooMany(.seats, at: reader.offset) }
          let (seat, isPlaced) = try readSeat(&reader, &reading)
          row.seats.append(seat)
          if !isPlaced { hasPositions = false }
          seatCount += 1
        }
      case 2: (x, y) = try reader.position()
      default: try reader.skip()
      }
    }
    try object.require(0, of: rowFields)
    try object.require(1, of: rowFields)
    if x != 0 || y != 0 {
      for seat in row.seats.indices { row.seats[seat].move(x, y) }
    }
    return (row, hasPositions)
  }

  private mutating func readSeat(
    _ reader: inout JSONReader, _ reading: inout Reading
  ) throws(JSONError) -> (EventDefinition.Seat, hasPosition: Bool) {
    var hasPosition = false
    var seat = EventDefinition.Seat(label: "", number: "", category: CategoryIndex(0), x: 0, y: 0)
    var object = try reader.beginObject()
    while let field = try reader.nextField(seatFields, &object) {
      switch field {
      case 0:
        seat.label = Bytes(try reader.string())
        guard Names.isLabel(seat.label.rawSpan) else {
          throw .refused(
            "a seat is called by 1 to 64 bytes without control characters that do not begin with #",
            at: reader.valueStart, limit: Int64(Names.labelBytesMax))
        }
        guard reading.labels.insert(seat.label.rawSpan) == nil else {
          throw .refused("two seats are called `\(seat.label)`", at: reader.valueStart)
        }
      case 1: seat.number = try reader.text(max: Names.labelBytesMax)
      case 2: seat.category = try readCategory(&reader, &reading)
      case 3:
        // A seat without a position is drawn where its row is.
        if try reader.nullIfNext() { continue }
        let (x, y) = try reader.position()
        (seat.x, seat.y) = (Float(x), Float(y))
        hasPosition = true
      default: try reader.skip()
      }
    }
    for field in 0..<3 { try object.require(field, of: seatFields) }
    return (seat, hasPosition)
  }

  /// A seat's category, as a number that `resolveCategories` translates. Neighbours mostly have the same.
  private func readCategory(_ reader: inout JSONReader, _ reading: inout Reading) throws(JSONError) -> CategoryIndex {
    if let range = try reader.plainString(), reader.bytes(range).equals(reading.lastUsed.rawSpan), !range.isEmpty {
      return CategoryIndex(UInt16(truncatingIfNeeded: reading.lastUsedNumber))
    }
    reader.rewind()
    let name = Bytes(try reader.string())
    let number: Int
    if let known = reading.used.insert(name.rawSpan) {
      number = known
    } else {
      number = reading.used.count - 1
      reading.usedAt.append(reader.valueStart)
      guard reading.used.count <= EventLimit.categories.value else {
        throw .tooMany(.categories, at: reader.valueStart)
      }
    }
    (reading.lastUsed, reading.lastUsedNumber) = (name, number)
    return CategoryIndex(UInt16(truncatingIfNeeded: number))
  }

  /// Puts each seat's category where the plan defines it.
  private mutating func resolveCategories(_ reading: Reading) throws(JSONError) {
    var defined = NameTable()
    for category in categories { _ = defined.insert(category.name.rawSpan) }
    var translation: [CategoryIndex] = []
    var isSame = true
    for number in 0..<reading.used.count {
      var name: [UInt8] = []
      reading.used.write(number, into: &name)
      guard let index = defined.find(name.rawSpan) else {
        throw .refused("the plan defines no category of this name", at: reading.usedAt[number])
      }
      if index != number { isSame = false }
      translation.append(CategoryIndex(UInt16(truncatingIfNeeded: index)))
    }
    if isSame { return }
    for section in sections.indices {
      guard case .listed(var rows) = sections[section].rows else { continue }
      sections[section].rows = .listed([])
      for row in rows.indices {
        for seat in rows[row].seats.indices {
          rows[row].seats[seat].category = translation[Int(rows[row].seats[seat].category.rawValue)]
        }
      }
      sections[section].rows = .listed(rows)
    }
  }
}

// Every name that a version of the format's schema has; those that say nothing about what is sold are read past. The
// schema has no focal point: `focal_point` is Holdfast's own, and may be left out.
private let planFields = JSONFields("name", "zones", "categories", "focal_point", "size")
private let categoryFields = JSONFields("name", "color")
private let sizeFields = JSONFields("width", "height")
private let positionFields = JSONFields("x", "y")
private let zoneFields = JSONFields("name", "zone_id", "position", "rows", "areas", "uuid", "displayed")
private let rowFields = JSONFields(
  "row_number", "seats", "position", "uuid", "row_number_position", "row_label", "seat_label", "number_of_seats",
  "seats_spacing")
private let seatFields = JSONFields(
  "seat_guid", "seat_number", "category", "position", "uuid", "radius", "start_direction")

extension EventDefinition.Seat {
  fileprivate mutating func move(_ dx: Double, _ dy: Double) {
    x = Float(Double(x) + dx)
    y = Float(Double(y) + dy)
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
