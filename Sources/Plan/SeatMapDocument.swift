internal import JSON
public import Octets
public import Proto

/// The body of `GET /v1/events/{event}/seats`.
public enum SeatMapDocument {
  /// - Parameter states: one byte a seat in the plan's order; what is missing at its end is written as not for sale.
  public static func write(
    _ event: EventDefinition, version: UInt64, states: RawSpan, into out: inout [UInt8]
  ) {
    writeHead(event.id, version: version, into: &out)
    writeSections(event, into: &out) { $0.putStates(states, $1) }
  }

  /// The body up to `"sections"`, which is all that the version changes.
  public static func writeHead(_ event: Bytes, version: UInt64, into out: inout [UInt8]) {
    out.putJSON("{\"event\":")
    out.putJSONString(event.rawSpan)
    out.putJSON(",\"version\":")
    out.putJSON(version)
    out.append(0x2C)
  }

  /// The body from `"sections"` on. `seats` writes the characters of a row's seats; it may take `out` away and leave it
  /// empty, so that a large body is made in pieces.
  public static func writeSections(
    _ event: EventDefinition, into out: inout [UInt8], seats writeSeats: (inout [UInt8], Range<Int>) -> Void
  ) {
    out.putJSON("\"sections\":[")
    var firstSeat = 0
    for (place, section) in event.sections.enumerated() {
      out.putJSON(place > 0 ? ",{\"name\":" : "{\"name\":")
      out.putJSONString(section.name.rawSpan)
      out.putJSON(",\"rows\":[")
      section.forEachRow(from: firstSeat) { row, name, seats in
        out.putJSON(row > 0 ? ",{\"name\":\"" : "{\"name\":\"")
        out.putJSONText(name)
        out.putJSON("\",\"seats\":\"")
        writeSeats(&out, seats)
        out.putJSON("\"}")
      }
      firstSeat += section.seatCount
      out.putJSON("]}")
    }
    out.putJSON("]}")
  }

  /// Calls `body` for each row of the event in order, with section name, row name and the row's seats: for the `SEATS`
  /// command.
  public static func forEachRow(
    _ event: EventDefinition, _ body: (_ section: RawSpan, _ row: RawSpan, _ seats: Range<Int>) -> Void
  ) {
    var firstSeat = 0
    for section in event.sections {
      section.forEachRow(from: firstSeat) { _, name, seats in body(section.name.rawSpan, name, seats) }
      firstSeat += section.seatCount
    }
  }

  /// Rows of all sections.
  public static func rowCount(_ event: EventDefinition) -> Int {
    event.sections.reduce(0) { sum, section in
      switch section.rows {
      case .grid(let rows, _, _): sum + Int(rows)
      case .listed(let rows): sum + rows.count
      }
    }
  }
}

extension EventDefinition.Section {
  var seatCount: Int {
    switch rows {
    case .grid(let rows, let seatsPerRow, _): Int(rows) * Int(seatsPerRow)
    case .listed(let rows): rows.reduce(0) { $0 + $1.seats.count }
    }
  }

  /// Calls `body` with each row's number, name and seats.
  func forEachRow(from firstSeat: Int, _ body: (Int, RawSpan, Range<Int>) -> Void) {
    var seat = firstSeat
    switch rows {
    case .grid(let rows, let seatsPerRow, _):
      var name: [UInt8] = []
      for row in 0..<Int(rows) {
        name.removeAll(keepingCapacity: true)
        RowNames.write(row, into: &name)
        body(row, name.rawSpan, seat..<(seat + Int(seatsPerRow)))
        seat += Int(seatsPerRow)
      }
    case .listed(let rows):
      for (number, row) in rows.enumerated() {
        body(number, row.name.rawSpan, seat..<(seat + row.seats.count))
        seat += row.seats.count
      }
    }
  }
}

extension [UInt8] {
  /// The states of some seats, which are characters already.
  fileprivate mutating func putStates(_ states: RawSpan, _ seats: Range<Int>) {
    let known = Swift.min(seats.lowerBound, states.byteCount)..<Swift.min(seats.upperBound, states.byteCount)
    put(states.extracting(known))
    for _ in known.count..<seats.count { append(SeatState.notForSale.rawValue) }
  }
}
