internal import JSON
import Octets
public import Proto

extension EventDocument {
  /// Appends the event as `GET /v1/events/{event}` and its creation answer with it: all that was given, without the
  /// plan. What was not given is null.
  ///
  /// - Parameters:
  ///   - event: with the terms of now.
  ///   - warnings: of its creation; nil: this answers something else, and has no such field.
  public static func write(
    _ event: EventDefinition, isPaused: Bool = false, version: UInt64, availability: Availability,
    warnings: [String]? = nil, into out: inout [UInt8]
  ) {
    out.putJSON("{\"id\":")
    out.putJSONString(event.id.rawSpan)
    out.putJSON(",\"name\":")
    out.putJSONString(event.name.rawSpan)
    out.putJSON(",\"venue\":")
    out.put(event.venue) { $0.putJSONString($1.rawSpan) }
    out.putJSON(",\"starts_at\":")
    out.put(event.startsAt) { $0.putJSONTime($1) }
    out.putJSON(",\"on_sale_at\":")
    out.put(event.onSaleAt) { $0.putJSONTime($1) }
    out.putJSON(",\"currency\":")
    out.putJSONString(event.currency.rawSpan)
    out.putJSON(",\"hold_ttl\":")
    out.putJSON(event.holdTTL)
    out.putJSON(",\"max_hold_ttl\":")
    out.putJSON(event.maxHoldTTL)
    out.putJSON(",\"payment_ttl\":")
    out.putJSON(event.paymentTTL)
    out.putJSON(",\"max_per_order\":")
    out.put(event.maxPerOrder) { $0.putJSON($1) }
    out.putJSON(",\"max_per_buyer\":")
    out.put(event.maxPerBuyer) { $0.putJSON($1) }
    out.putJSON(",\"paused\":")
    out.putJSON(isPaused)
    out.putJSON(",\"waiting_room\":")
    out.put(event.waitingRoom) { WaitingRoomDocument.write($1, into: &$0) }
    out.putJSON(",\"areas\":[")
    for (place, area) in event.areas.enumerated() {
      if place > 0 { out.append(0x2C) }
      out.putJSON("{\"name\":")
      out.putJSONString(area.name.rawSpan)
      out.putJSON(",\"capacity\":")
      out.putJSON(area.capacity)
      out.putJSON(",\"price\":")
      out.put(area.price) { $0.putJSON($1) }
      out.append(0x7D)
    }
    out.putJSON("],\"prices\":{")
    for (place, category) in event.categories.enumerated() {
      if place > 0 { out.append(0x2C) }
      out.putJSONString(category.name.rawSpan)
      out.append(0x3A)
      out.put(category.price) { $0.putJSON($1) }
    }
    out.putJSON("},")
    AvailabilityDocument.write(AvailabilityDocument.sum(availability), into: &out)
    out.putJSON(",\"version\":")
    out.putJSON(version)
    if let warnings {
      out.putJSON(",\"warnings\":[")
      for (place, warning) in warnings.enumerated() {
        if place > 0 { out.append(0x2C) }
        out.putJSONString(Bytes(warning).rawSpan)
      }
      out.append(0x5D)
    }
    out.append(0x7D)
  }

  /// Appends the event as it stands in the list of events.
  public static func write(_ event: EventSummary, into out: inout [UInt8]) {
    out.putJSON("{\"id\":")
    out.putJSONString(event.id.rawSpan)
    out.putJSON(",\"name\":")
    out.putJSONString(event.name.rawSpan)
    out.putJSON(",\"venue\":")
    out.put(event.venue) { $0.putJSONString($1.rawSpan) }
    out.putJSON(",\"starts_at\":")
    out.put(event.startsAt) { $0.putJSONTime($1) }
    out.append(0x2C)
    AvailabilityDocument.write(AvailabilityDocument.Sum(event.counts), into: &out)
    out.putJSON(",\"version\":")
    out.putJSON(event.version)
    out.append(0x7D)
  }
}

extension [UInt8] {
  /// The value, or null.
  mutating func put<T>(_ value: T?, _ write: (inout [UInt8], T) -> Void) {
    if let value { write(&self, value) } else { putJSON("null") }
  }
}
