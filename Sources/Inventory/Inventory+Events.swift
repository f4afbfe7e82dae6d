import Proto

/// Commands on events.
extension Inventory {
  mutating func applyToEvent(_ kind: EventCommand.Kind, _ record: borrowing CommandRecord) -> Applied {
    switch kind {
    case .create: applyCreate(record)
    }
  }

  private mutating func applyCreate(_ record: borrowing CommandRecord) -> Applied {
    guard let (outline, incarnation) = try? creation(record.body), !outline.definition.id.isEmpty else {
      return Self.refuse(.invalid(.definition))
    }
    let definition = outline.definition
    var key = Key()
    if let existing = events.slot(of: definition.id) {
      if let repeated = repeated(record, event: existing, key: &key) { return repeated }
      return conclude(.refused(.eventExists), record, key, event: existing, subject: nil)
    }
    guard events.count < EventTable.countMax else {
      return Self.refuse(.limitExceeded(.shardCapacity, limit: Int64(EventTable.countMax)))
    }
    let slot = UInt32(events.count)
    add(outline, incarnation: incarnation)
    stepVersion(slot)
    noteCreation(of: slot)
    let outcome = Outcome.created(events[slot].ref, version: events[slot].version)
    return conclude(outcome, record, key, event: slot, subject: nil)
  }

  /// What `EventCommand.create` decodes, without the seats' labels.
  private func creation(_ body: RawSpan) throws(DecodeError) -> (DefinitionOutline, incarnation: UInt64) {
    var reader = ByteReader(body)
    let incarnation = try reader.u64()
    let outline = try DefinitionOutline(decoding: &reader)
    try reader.finish()
    return (outline, incarnation)
  }

  /// Adds an event at version 0.
  mutating func add(_ outline: DefinitionOutline, incarnation: UInt64) {
    let event = EventState(EventLayout(outline), slot: UInt32(events.count), incarnation: incarnation)
    digest &+= event.creationTerm
    events.append(event)
  }
}
