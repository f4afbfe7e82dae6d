import Budgets
import Octets
import Plan
package import Proto

/// The seat map's JSON from the sections on, patched in place as seats change: one character a seat.
package struct SeatMapBody: Sendable {
  /// `"sections":[…]}`, with one character for each seat.
  package private(set) var json = SharedBody()
  /// For each run of seats that stand side by side in one piece (a row, or a part of a long one), its first seat and
  /// where that one's character is.
  private var runs: [Run] = []
  private let seatCount: Int

  private struct Run: Sendable {
    var firstSeat: UInt32
    var piece: UInt32
    var offset: UInt32
  }

  /// - Parameter states: one byte a seat; there must be as many as the event has seats.
  /// - Complexity: O(seats + rows): 10 million seats take 20 ms.
  init(_ definition: EventDefinition, seatCount: Int, states: RawSpan) {
    precondition(states.byteCount == seatCount, "an answer's length is checked where it comes in")
    self.seatCount = seatCount
    var json = SharedBody()
    var runs: [Run] = []
    var text: [UInt8] = []
    SeatMapDocument.writeSections(definition, into: &text) { out, seats in
      var next = seats.lowerBound
      while next < seats.upperBound {
        json.addIfWhole(&out)
        let end = min(seats.upperBound, next + max(1, SharedBody.pieceBytes - out.count))
        runs.append(
          Run(firstSeat: UInt32(next), piece: UInt32(json.pieces.count), offset: UInt32(out.count)))
        out.put(states.extracting(next..<end))
        next = end
      }
    }
    json.add(text)
    (self.json, self.runs) = (json, runs)
  }

  /// Sets one seat's character; false if there is no such seat.
  mutating func set(_ change: SeatChange, _ budget: MemoryBudget?) -> Bool {
    let seat = change.seat.rawValue
    guard seat < seatCount else { return false }
    var low = 0
    var high = runs.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if runs[middle].firstSeat <= seat { low = middle } else { high = middle }
    }
    json.set(
      change.state.rawValue, inPiece: Int(runs[low].piece), at: Int(runs[low].offset + (seat - runs[low].firstSeat)),
      budget)
    return true
  }

  /// About what the body of an event takes, in bytes.
  package static func byteCount(_ definition: EventDefinition, seatCount: Int) -> Int {
    let rows = SeatMapDocument.rowCount(definition)
    return seatCount + rows * 48 + definition.sections.count * 160 + 4_096
  }
}
