import Octets

/// A row as it stands in the hall, where the plan lists it otherwise: one listed row, or several that continue each
/// other, with its seats in the order in which they stand. Neighbours are seats that follow each other in a line,
/// unless a gap is between them.
///
/// Lines are found once, from the seats' positions, by who reads the plan: the state machine sees whole numbers only,
/// and an event keeps its neighbours whatever becomes of the rule.
public struct SeatLine: Equatable, Sendable {
  /// How far it is from the front, counted in lines; lines that are equally far have one number. Events of before have
  /// one front for each section.
  public var number: UInt32
  /// Places of its rows in the section, each of which has seats and is in no other line.
  public var rows: [UInt32]
  /// The seats along the line, by their places among the line's seats as the rows list them, one row behind the other;
  /// empty: as listed.
  public var order: [UInt32]
  /// The places along the line in front of which a gap is, ascending; none is 0.
  public var gaps: [UInt32]

  public init(number: UInt32, rows: [UInt32], order: [UInt32] = [], gaps: [UInt32] = []) {
    (self.number, self.rows, self.order, self.gaps) = (number, rows, order, gaps)
  }
}

extension SeatLine {
  /// Layout, all of it little-endian `u32`, but `isOrdered: u8`: the count of lines, and for each its number, its rows
  /// with their count, whether it has an order, that order, and the gaps with their count.
  static func encode(_ lines: [SeatLine], into out: inout [UInt8]) {
    out.put(UInt32(lines.count))
    for line in lines {
      out.put(line.number)
      out.put(UInt32(line.rows.count))
      for row in line.rows { out.put(row) }
      out.append(line.order.isEmpty ? 0 : 1)
      for place in line.order { out.put(place) }
      out.put(UInt32(line.gaps.count))
      for gap in line.gaps { out.put(gap) }
    }
  }

  /// Reads the lines of a section and checks that each of its seats stands in exactly one.
  ///
  /// - Parameter lengths: of the section's rows.
  static func lines(decoding reader: inout ByteReader, lengths: [UInt32]) throws(DecodeError) -> [SeatLine] {
    var lines: [SeatLine] = []
    var isPlaced = lengths.map { $0 == 0 }
    for _ in 0..<(try reader.count(limit: lengths.count, field: "lines")) {
      let number = try reader.count(limit: EventDefinition.Limit.rows, field: "line number")
      var line = SeatLine(number: UInt32(number), rows: [])
      var seats = 0
      for _ in 0..<(try reader.count(limit: lengths.count, field: "rows")) {
        let row = Int(try reader.u32())
        guard row < lengths.count, !isPlaced[row] else { throw .invalid(field: "row of a line") }
        isPlaced[row] = true
        seats += Int(lengths[row])
        line.rows.append(UInt32(row))
      }
      guard seats > 0 else { throw .invalid(field: "row of a line") }
      if try reader.isPresent() { line.order = try reader.permutation(of: seats) }
      for _ in 0..<(try reader.count(limit: seats, field: "gaps")) {
        let gap = try reader.u32()
        guard gap > line.gaps.last ?? 0, gap < seats else { throw .invalid(field: "gap of a line") }
        line.gaps.append(gap)
      }
      lines.append(line)
    }
    guard !lines.isEmpty, isPlaced.allSatisfy({ $0 }) else { throw .invalid(field: "row of a line") }
    return lines
  }
}

extension ByteReader {
  fileprivate mutating func permutation(of count: Int) throws(DecodeError) -> [UInt32] {
    // What is not there is not made room for.
    guard bytesLeft >= 4 * count else { throw .truncated(bytesNeeded: 4 * count, bytesAvailable: bytesLeft) }
    var order: [UInt32] = []
    order.reserveCapacity(count)
    var isSeen = [Bool](repeating: false, count: count)
    for _ in 0..<count {
      let place = try u32()
      guard place < count, !isSeen[Int(place)] else { throw .invalid(field: "order of a line") }
      isSeen[Int(place)] = true
      order.append(place)
    }
    return order
  }
}
