import Proto

/// Creating events.
extension Inventory {
  mutating func applyCreate(_ record: borrowing CommandRecord) -> Applied {
    guard case .createEvent(let definition, let incarnation) = try? Command(decoding: record),
      !definition.id.isEmpty
    else { return Self.refuse(.invalid(.definition)) }
    var key = Key()
    if let existing = events.slot(of: definition.id) {
      if let repeated = repeated(record, event: existing, key: &key) { return repeated }
      return conclude(.refused(.eventExists), record, key, event: existing, ticket: nil)
    }
    guard events.count < EventTable.countMax else {
      return Self.refuse(.limitExceeded(.shardCapacity, limit: Int64(EventTable.countMax)))
    }
    let slot = UInt32(events.count)
    add(definition, incarnation: incarnation)
    stepVersion(slot)
    let outcome = Outcome.created(events[slot].ref, version: events[slot].version)
    return conclude(outcome, record, key, event: slot, ticket: nil)
  }

  /// Adds an event at version 0.
  mutating func add(_ definition: EventDefinition, incarnation: UInt64) {
    let event = EventState(EventLayout(definition), slot: UInt32(events.count), incarnation: incarnation)
    digest &+= event.creationTerm
    events.append(event)
  }
}
