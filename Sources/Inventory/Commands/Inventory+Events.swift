import Proto

/// Commands on events.
extension Inventory {
  mutating func applyToEvent(
    _ kind: EventCommand.Kind, _ record: borrowing CommandRecord, _ prepared: PreparedRecord?
  ) -> Applied {
    switch kind {
    case .create: applyCreate(record, prepared)
    }
  }

  private mutating func applyCreate(_ record: borrowing CommandRecord, _ prepared: PreparedRecord?) -> Applied {
    guard let new = prepared ?? PreparedRecord(record) else { return Self.refuse(.invalid(.definition)) }
    var key = Key(arguments: new.argumentsHash)
    if let existing = events.slot(of: new.event.id) {
      if let repeated = repeated(record, event: existing, key: &key) { return repeated }
      return conclude(.refused(.eventExists), record, key, event: existing, subject: nil)
    }
    guard events.count < EventTable.countMax else {
      return Self.refuse(.limitExceeded(.shardCapacity, limit: Int64(EventTable.countMax)))
    }
    let slot = UInt32(events.count)
    add(EventState(new.event, slot: slot))
    stepVersion(slot)
    noteCreation(of: slot)
    let outcome = Outcome.created(events[slot].ref, version: events[slot].version)
    return conclude(outcome, record, key, event: slot, subject: nil)
  }

  /// Adds an event at version 0, whose slot is the next.
  mutating func add(_ event: EventState) {
    precondition(event.slot == events.count, "events stand in their slots' order")
    digest &+= event.creationTerm
    events.append(event)
  }
}
