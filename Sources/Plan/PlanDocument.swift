internal import JSON
import Octets
public import Proto

/// The body of `GET /v1/events/{event}/plan`.
public enum PlanDocument {
  public static func write(_ event: EventDefinition, into out: inout [UInt8]) {
    let isShort = event.sections.allSatisfy { if case .grid = $0.rows { true } else { false } }
    out.putJSON("{\"event\":")
    out.putJSONString(event.id.rawSpan)
    if isShort { writeShort(event, into: &out) } else { writeListed(event, into: &out) }
  }

  private static func writeShort(_ event: EventDefinition, into out: inout [UInt8]) {
    out.putJSON(",\"sections\":[")
    for (place, section) in event.sections.enumerated() {
      guard case .grid(let rows, let seatsPerRow, let index) = section.rows else { continue }
      let category = event.categories[Int(index.rawValue)]
      out.putJSON(place > 0 ? ",{\"name\":" : "{\"name\":")
      out.putJSONString(section.name.rawSpan)
      out.putJSON(",\"category\":")
      out.putJSONString(category.name.rawSpan)
      out.putJSON(",\"price\":")
      out.put(category.price) { $0.putJSON($1) }
      out.putJSON(",\"rows\":")
      out.putJSON(rows)
      out.putJSON(",\"seats_per_row\":")
      out.putJSON(seatsPerRow)
      out.append(0x7D)
    }
    out.putJSON("]}")
  }

  private static func writeListed(_ event: EventDefinition, into out: inout [UInt8]) {
    out.putJSON(",\"size\":")
    out.put(event.size) {
      $0.putJSON("{\"width\":")
      $0.putJSON($1.width)
      $0.putJSON(",\"height\":")
      $0.putJSON($1.height)
      $0.append(0x7D)
    }
    out.putJSON(",\"sections\":[")
    // Each seat names its category: quoted once.
    let categories = event.categories.map { category in
      var name: [UInt8] = []
      name.putJSONString(category.name.rawSpan)
      return name
    }
    for (place, section) in event.sections.enumerated() {
      out.putJSON(place > 0 ? ",{\"name\":" : "{\"name\":")
      out.putJSONString(section.name.rawSpan)
      out.putJSON(",\"rows\":[")
      if case .listed(let rows) = section.rows {
        for (number, row) in rows.enumerated() {
          out.putJSON(number > 0 ? ",{\"name\":" : "{\"name\":")
          out.putJSONString(row.name.rawSpan)
          out.putJSON(",\"seats\":[")
          for (seatNumber, seat) in row.seats.enumerated() {
            out.putJSON(seatNumber > 0 ? ",{\"label\":" : "{\"label\":")
            out.putJSONString(seat.label.rawSpan)
            out.putJSON(",\"number\":")
            out.putJSONString(seat.number.rawSpan)
            out.putJSON(",\"category\":")
            out.append(contentsOf: categories[Int(seat.category.rawValue)])
            out.putJSON(",\"x\":")
            out.putJSON(seat.x)
            out.putJSON(",\"y\":")
            out.putJSON(seat.y)
            out.append(0x7D)
          }
          out.putJSON("]}")
        }
      }
      out.putJSON("]}")
    }
    out.putJSON("],\"categories\":{")
    for (place, category) in event.categories.enumerated() {
      if place > 0 { out.append(0x2C) }
      out.append(contentsOf: categories[place])
      out.putJSON(":{\"price\":")
      out.put(category.price) { $0.putJSON($1) }
      out.putJSON(",\"color\":")
      if category.color.isEmpty { out.putJSON("null") } else { out.putJSONString(category.color.rawSpan) }
      out.append(0x7D)
    }
    out.putJSON("}}")
  }
}
