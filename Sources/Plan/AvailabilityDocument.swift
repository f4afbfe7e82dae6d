internal import JSON
import Octets
public import Proto

/// The body of `GET /v1/events/{event}/availability`.
public enum AvailabilityDocument {
  /// Appends an event's counts at this version.
  public static func write(
    _ event: EventDefinition, version: UInt64, availability: Availability, into out: inout [UInt8]
  ) {
    out.putJSON("{\"event\":")
    out.putJSONString(event.id.rawSpan)
    out.putJSON(",\"version\":")
    out.putJSON(version)
    out.append(0x2C)
    write(sum(availability), into: &out)
    out.putJSON(",\"categories\":{")
    for (place, (category, counts)) in zip(event.categories, availability.categories).enumerated() {
      if place > 0 { out.append(0x2C) }
      out.putJSONString(category.name.rawSpan)
      out.putJSON(":{")
      write(Sum(counts), into: &out)
      out.putJSON(",\"price\":")
      out.put(category.price) { $0.putJSON($1) }
      out.append(0x7D)
    }
    out.putJSON("},\"areas\":{")
    for (place, (area, counts)) in zip(event.areas, availability.areas).enumerated() {
      if place > 0 { out.append(0x2C) }
      out.putJSONString(area.name.rawSpan)
      out.putJSON(":{")
      write(Sum(counts), into: &out)
      out.putJSON(",\"price\":")
      out.put(area.price) { $0.putJSON($1) }
      out.append(0x7D)
    }
    out.putJSON("}}")
  }

  /// As `Counts`, but wide enough for the sum of many.
  struct Sum {
    var free: UInt64 = 0
    var held: UInt64 = 0
    var sold: UInt64 = 0
    var notForSale: UInt64 = 0
    init() {}
    init(_ counts: Counts) { add(counts) }

    mutating func add(_ counts: Counts) {
      free += UInt64(counts.free)
      held += UInt64(counts.held)
      sold += UInt64(counts.sold)
      notForSale += UInt64(counts.notForSale)
    }
  }

  /// Seats and places of the whole event.
  static func sum(_ availability: Availability) -> Sum {
    var sum = Sum()
    for counts in availability.categories { sum.add(counts) }
    for counts in availability.areas { sum.add(counts) }
    return sum
  }

  /// The five numbers, without braces.
  static func write(_ sum: Sum, into out: inout [UInt8]) {
    out.putJSON("\"total\":")
    out.putJSON(sum.free + sum.held + sum.sold + sum.notForSale)
    out.putJSON(",\"free\":")
    out.putJSON(sum.free)
    out.putJSON(",\"held\":")
    out.putJSON(sum.held)
    out.putJSON(",\"sold\":")
    out.putJSON(sum.sold)
    out.putJSON(",\"not_for_sale\":")
    out.putJSON(sum.notForSale)
  }
}
