public import Octets

/// An encoded definition as the state machine sees it: all but what people call the seats and where they are drawn. It
/// keeps the bytes as they came, and is read in one pass without anything allocated for a seat, so that creating an
/// event of 200,000 listed seats stops a shard for a few milliseconds.
public struct DefinitionOutline: Sendable {
  public enum Section: Equatable, Sendable {
    case grid(rows: UInt32, seatsPerRow: UInt32, category: CategoryIndex)
    /// These of `rows`, and how they stand; no lines: as listed.
    case listed(Range<Int>, lines: [SeatLine])
  }

  public struct Row: Equatable, Sendable {
    public var seatCount: UInt32
    /// nil: its seats have several.
    public var category: CategoryIndex?
  }

  /// The definition without its sections.
  public let definition: EventDefinition
  public let sections: [Section]
  /// The rows of the listed sections.
  public let rows: [Row]
  /// Categories of the listed seats, in the definition's order.
  public let seatCategories: [CategoryIndex]
  /// The whole definition's encoding.
  public let encoded: Bytes

  /// Of an event without anything, not even an id.
  public static let empty = DefinitionOutline()

  private init() {
    definition = EventDefinition(id: "", name: "", categories: [], sections: [])
    (sections, rows, seatCategories, encoded) = ([], [], [], Bytes())
  }

  /// Refuses exactly what `EventDefinition.init(decoding:)` refuses.
  public init(decoding reader: inout ByteReader) throws(DecodeError) {
    var whole = reader
    var outlines = SectionOutlines()
    definition = try EventDefinition(decoding: &reader, &outlines)
    (sections, rows, seatCategories) = (outlines.sections, outlines.rows, outlines.seatCategories)
    encoded = Bytes(try whole.bytes(reader.offset - whole.offset))
  }

  /// Whether any row's seats have several categories.
  public var isMixed: Bool { rows.contains { $0.category == nil && $0.seatCount > 0 } }
}

private struct SectionOutlines: SectionSink {
  var sections: [DefinitionOutline.Section] = []
  var rows: [DefinitionOutline.Row] = []
  var seatCategories: [CategoryIndex] = []

  mutating func take(
    _ reader: inout ByteReader, categoryCount: Int, seatCount: inout Int
  ) throws(DecodeError) {
    _ = try reader.bytes(Int(try reader.u8()))
    switch try SectionForm(decoding: &reader) {
    case .grid:
      let grid = try SectionGrid(decoding: &reader, categoryCount: categoryCount, seatCount: &seatCount)
      sections.append(.grid(rows: grid.rows, seatsPerRow: grid.seatsPerRow, category: grid.category))
    case .listed(let hasLines):
      let first = rows.count
      for _ in 0..<(try reader.count(limit: EventDefinition.Limit.rows, field: "rows")) {
        _ = try reader.bytes(Int(try reader.u8()))
        let count = try reader.count(limit: EventDefinition.Limit.seats, field: "seats")
        try EventDefinition.add(UInt64(count), to: &seatCount)
        try takeRow(count, &reader, categoryCount)
      }
      let lines =
        try hasLines ? SeatLine.lines(decoding: &reader, lengths: rows[first...].map(\.seatCount)) : []
      sections.append(.listed(first..<rows.count, lines: lines))
    }
  }

  private mutating func takeRow(
    _ count: Int, _ reader: inout ByteReader, _ categoryCount: Int
  ) throws(DecodeError) {
    var common: CategoryIndex?
    var isMixed = false
    for _ in 0..<count {
      _ = try reader.bytes(Int(try reader.u8()))
      _ = try reader.bytes(Int(try reader.u8()))
      let category = try CategoryIndex(decoding: &reader, below: categoryCount)
      _ = try reader.u32()
      _ = try reader.u32()
      if let common, common != category { isMixed = true }
      common = common ?? category
      seatCategories.append(category)
    }
    rows.append(DefinitionOutline.Row(seatCount: UInt32(count), category: isMixed ? nil : common))
  }
}
