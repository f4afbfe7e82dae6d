import JSON
import Octets
import Plan
import Proto

extension [UInt8] {
  mutating func putEvents(_ events: [EventSummary], next: Bytes?) {
    putJSON("{\"events\":[")
    for (place, event) in events.enumerated() {
      if place > 0 { putJSON(",") }
      EventDocument.write(event, into: &self)
    }
    putJSON("],\"next_cursor\":")
    if let next { putJSONString(next.rawSpan) } else { putJSON("null") }
    putJSON("}")
  }

}

extension Availability {
  /// Seats and places together; what does not fit 32 bits is clamped.
  var sum: Counts {
    var free: UInt64 = 0
    var held: UInt64 = 0
    var sold: UInt64 = 0
    var notForSale: UInt64 = 0
    for part in [categories, areas] {
      for counts in part {
        free += UInt64(counts.free)
        held += UInt64(counts.held)
        sold += UInt64(counts.sold)
        notForSale += UInt64(counts.notForSale)
      }
    }
    return Counts(
      free: UInt32(clamping: free), held: UInt32(clamping: held), sold: UInt32(clamping: sold),
      notForSale: UInt32(clamping: notForSale))
  }
}
