public import Octets

/// The bytes of a definition, as they stand in a create command, in a snapshot and in the answer to a plan query.
///
/// Layout: `version: u8`, the scalar fields in order of declaration (optional ones behind a presence byte), then
/// categories, areas, seats not for sale, sections, and what else there is: a byte with bit 0 for a size and bit 1 for
/// a waiting room, then those. All little-endian.
extension EventDefinition {
  public func encode(into out: inout [UInt8]) {
    out.append(Format.version)
    out.putShort(id)
    out.putShort(name)
    out.put(optional: venue) { $0.putShort($1) }
    out.put(optional: startsAt) { $0.put($1) }
    out.put(optional: onSaleAt) { $0.put($1) }
    out.putShort(currency)
    out.put(holdTTL)
    out.put(maxHoldTTL)
    out.put(paymentTTL)
    out.put(optional: maxPerOrder) { $0.put($1) }
    out.put(optional: maxPerBuyer) { $0.put($1) }
    out.put(UInt32(categories.count))
    for category in categories {
      out.putShort(category.name)
      out.put(optional: category.price) { $0.put($1) }
      out.putShort(category.color)
    }
    out.put(UInt32(areas.count))
    for area in areas {
      out.putShort(area.name)
      out.put(area.capacity)
      out.put(optional: area.price) { $0.put($1) }
    }
    out.put(UInt32(notForSale.count))
    for seat in notForSale { out.put(seat.rawValue) }
    out.put(UInt32(sections.count))
    for section in sections { section.encode(into: &out) }
    out.append((size == nil ? 0 : 1) | (waitingRoom == nil ? 0 : 2))
    if let size {
      out.put(size.width.bitPattern)
      out.put(size.height.bitPattern)
    }
    waitingRoom?.encode(into: &out)
  }

  /// Reads a definition and checks what the machine relies on: limits, category numbers, ascending seats.
  public init(decoding reader: inout ByteReader) throws(DecodeError) {
    var sections = WholeSections()
    try self.init(decoding: &reader, &sections)
    self.sections = sections.list
  }

  /// As above, but the sections go to `sink`, and this definition has none.
  init(decoding reader: inout ByteReader, _ sink: inout some SectionSink) throws(DecodeError) {
    try DecodeError.check(version: try reader.u8())
    let id = try reader.shortBytes()
    let name = try reader.shortBytes()
    let venue = try !reader.isPresent() ? nil : try reader.shortBytes()
    let startsAt = try !reader.isPresent() ? nil : try reader.stamp()
    let onSaleAt = try !reader.isPresent() ? nil : try reader.stamp()
    let currency = try reader.shortBytes()
    let holdTTL = try reader.u32()
    let maxHoldTTL = try reader.u32()
    let paymentTTL = try reader.u32()
    let maxPerOrder = try !reader.isPresent() ? nil : try reader.u32()
    let maxPerBuyer = try !reader.isPresent() ? nil : try reader.u32()
    var categories: [Category] = []
    for _ in 0..<(try reader.count(limit: Limit.categories, field: "categories")) {
      let name = try reader.shortBytes()
      let price = try reader.price()
      categories.append(Category(name: name, price: price, color: try reader.shortBytes()))
    }
    var areas: [Area] = []
    for _ in 0..<(try reader.count(limit: Limit.areas, field: "areas")) {
      areas.append(
        Area(name: try reader.shortBytes(), capacity: try reader.u32(), price: try reader.price()))
    }
    var notForSale: [SeatIndex] = []
    for _ in 0..<(try reader.count(limit: Limit.seats, field: "not for sale")) {
      let seat = SeatIndex(try reader.u32())
      if let last = notForSale.last, seat <= last { throw .invalid(field: "not for sale") }
      notForSale.append(seat)
    }
    var seatCount = 0
    for _ in 0..<(try reader.count(limit: Limit.sections, field: "sections")) {
      try sink.take(&reader, categoryCount: categories.count, seatCount: &seatCount)
    }
    var size: Size?
    let extras = try reader.u8()
    guard extras <= 3 else { throw .invalid(field: "definition") }
    if extras & 1 != 0 {
      let width = Float(bitPattern: try reader.u32())
      size = Size(width: width, height: Float(bitPattern: try reader.u32()))
    }
    let waitingRoom = extras & 2 == 0 ? nil : try WaitingRoom(decoding: &reader)
    if let last = notForSale.last, last.rawValue >= seatCount { throw .invalid(field: "not for sale") }
    try EventTerms.check(holdTTL: holdTTL, maxHoldTTL: maxHoldTTL, paymentTTL: paymentTTL)
    self.init(
      id: id, name: name, venue: venue, startsAt: startsAt, onSaleAt: onSaleAt, currency: currency, holdTTL: holdTTL,
      maxHoldTTL: maxHoldTTL, paymentTTL: paymentTTL, maxPerOrder: maxPerOrder, maxPerBuyer: maxPerBuyer,
      categories: categories,
      sections: [], areas: areas, notForSale: notForSale, size: size, waitingRoom: waitingRoom)
  }
}

/// What a definition's sections are read into.
protocol SectionSink {
  /// Reads one section and adds its seats to `seatCount`.
  mutating func take(_ reader: inout ByteReader, categoryCount: Int, seatCount: inout Int) throws(DecodeError)
}

private struct WholeSections: SectionSink {
  var list: [EventDefinition.Section] = []

  mutating func take(
    _ reader: inout ByteReader, categoryCount: Int, seatCount: inout Int
  ) throws(DecodeError) {
    list.append(try EventDefinition.Section(decoding: &reader, categoryCount: categoryCount, seatCount: &seatCount))
  }
}

/// A price's limit in minor units: ten million seats at this price still fit an `Int64`.
public let maxPrice: Int64 = 100_000_000_000

extension EventDefinition.Section {
  fileprivate func encode(into out: inout [UInt8]) {
    out.putShort(name)
    switch rows {
    case .grid(let rows, let seatsPerRow, let category):
      out.append(0)
      out.put(rows)
      out.put(seatsPerRow)
      out.put(category.rawValue)
    case .listed(let rows):
      out.append(lines.isEmpty ? 1 : 2)
      out.put(UInt32(rows.count))
      for row in rows {
        out.putShort(row.name)
        out.put(UInt32(row.seats.count))
        for seat in row.seats {
          out.putShort(seat.label)
          out.putShort(seat.number)
          out.put(seat.category.rawValue)
          out.put(seat.x.bitPattern)
          out.put(seat.y.bitPattern)
        }
      }
      if !lines.isEmpty { SeatLine.encode(lines, into: &out) }
    }
  }

  fileprivate init(
    decoding reader: inout ByteReader, categoryCount: Int, seatCount: inout Int
  ) throws(DecodeError) {
    let name = try reader.shortBytes()
    switch try SectionForm(decoding: &reader) {
    case .grid:
      let grid = try SectionGrid(decoding: &reader, categoryCount: categoryCount, seatCount: &seatCount)
      self.init(
        name: name, rows: .grid(rows: grid.rows, seatsPerRow: grid.seatsPerRow, category: grid.category))
    case .listed(let hasLines):
      var rows: [EventDefinition.Row] = []
      for _ in 0..<(try reader.count(limit: EventDefinition.Limit.rows, field: "rows")) {
        let rowName = try reader.shortBytes()
        let count = try reader.count(limit: EventDefinition.Limit.seats, field: "seats")
        try EventDefinition.add(UInt64(count), to: &seatCount)
        var seats: [EventDefinition.Seat] = []
        for _ in 0..<count {
          let label = try reader.shortBytes()
          let number = try reader.shortBytes()
          let category = try CategoryIndex(decoding: &reader, below: categoryCount)
          let x = Float(bitPattern: try reader.u32())
          let y = Float(bitPattern: try reader.u32())
          seats.append(EventDefinition.Seat(label: label, number: number, category: category, x: x, y: y))
        }
        rows.append(EventDefinition.Row(name: rowName, seats: seats))
      }
      let lines =
        try hasLines
        ? SeatLine.lines(decoding: &reader, lengths: rows.map { UInt32($0.seats.count) }) : []
      self.init(name: name, rows: .listed(rows), lines: lines)
    }
  }
}

/// What a section's bytes begin with, behind its name.
enum SectionForm {
  case grid
  /// Rows; with lines behind them if they do not stand as they are listed. Plans of before there were lines have none,
  /// and mean what they meant.
  case listed(hasLines: Bool)

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    switch try reader.u8() {
    case 0: self = .grid
    case 1: self = .listed(hasLines: false)
    case 2: self = .listed(hasLines: true)
    default: throw .invalid(field: "section form")
    }
  }
}

/// A section in the short form, as its bytes say.
struct SectionGrid {
  var rows: UInt32
  var seatsPerRow: UInt32
  var category: CategoryIndex

  init(decoding reader: inout ByteReader, categoryCount: Int, seatCount: inout Int) throws(DecodeError) {
    rows = try reader.u32()
    seatsPerRow = try reader.u32()
    // An empty grid could have billions of rows, through which something would loop.
    guard rows > 0, seatsPerRow > 0 else { throw .invalid(field: "rows") }
    category = try CategoryIndex(decoding: &reader, below: categoryCount)
    let (product, overflow) = UInt64(rows).multipliedReportingOverflow(by: UInt64(seatsPerRow))
    guard !overflow else { throw .oversize(field: "seats", value: .max, limit: UInt64(EventDefinition.Limit.seats)) }
    try EventDefinition.add(product, to: &seatCount)
  }
}

extension EventDefinition {
  static func add(_ count: UInt64, to total: inout Int) throws(DecodeError) {
    guard count <= UInt64(Limit.seats), total + Int(count) <= Limit.seats else {
      throw .oversize(field: "seats", value: UInt64(total) &+ count, limit: UInt64(Limit.seats))
    }
    total += Int(count)
  }
}

extension CategoryIndex {
  init(decoding reader: inout ByteReader, below count: Int) throws(DecodeError) {
    let value = try reader.u16()
    guard Int(value) < count else { throw .invalid(field: "category") }
    self.init(value)
  }
}

extension ByteReader {
  /// What `put(optional:)` writes first.
  package mutating func isPresent() throws(DecodeError) -> Bool {
    let byte = try u8()
    guard byte <= 1 else { throw .invalid(field: "presence") }
    return byte == 1
  }
}

extension [UInt8] {
  /// A presence byte, then the value.
  package mutating func put<T>(optional value: T?, _ write: (inout [UInt8], T) -> Void) {
    append(value == nil ? 0 : 1)
    if let value { write(&self, value) }
  }
}
