import Octets
import Proto

/// Commands on events.
extension Inventory {
  mutating func applyToEvent(
    _ kind: EventCommand.Kind, _ record: borrowing CommandRecord, _ prepared: PreparedRecord?
  ) -> Applied {
    switch kind {
    case .create: applyCreate(record, prepared)
    case .set: applySet(record)
    case .block: applyBlock(record)
    case .delete: applyDelete(record)
    }
  }

  private mutating func applyCreate(_ record: borrowing CommandRecord, _ prepared: PreparedRecord?) -> Applied {
    guard let new = prepared ?? PreparedRecord(record) else { return Self.refuse(.invalid(.definition)) }
    // A retry means the event that it made, which may have been deleted since, and another made.
    if let repeated = repeatedOfDead(record, arguments: new.argumentsHash) { return repeated }
    if let repeated = repeatedWithoutEvent(record, arguments: new.argumentsHash) { return repeated }
    var key = Key(arguments: new.argumentsHash)
    if let existing = events.slot(of: new.event.id) {
      if let repeated = repeated(record, event: existing, key: &key) { return repeated }
      return conclude(.refused(.eventExists), record, key, event: existing, subject: nil, byArguments: true)
    }
    guard let slot = events.nextSlot else {
      return Self.refuse(.limitExceeded(.shardCapacity, limit: Int64(EventTable.countMax)))
    }
    var event = EventState(new.event, slot: slot)
    event.createdAt = now
    add(event)
    stepVersion(slot)
    fitRoom(slot)
    noteCreation(of: slot)
    let outcome = Outcome.created(events[slot].ref, version: events[slot].version)
    return conclude(outcome, record, key, event: slot, subject: nil, byArguments: true)
  }

  private mutating func applySet(_ record: borrowing CommandRecord) -> Applied {
    guard case .event(.set(let ref, let change)) = try? Command(decoding: record) else {
      return Self.refuse(.invalid(.terms))
    }
    guard events.knows(ref) else { return Self.refuse(.staleEvent) }
    let event = ref.slot.rawValue
    var key = Key()
    if let repeated = repeated(record, event: event, key: &key) { return repeated }
    return conclude(set(change, event), record, key, event: event, subject: nil)
  }

  mutating func set(_ change: TermsChange, _ event: UInt32) -> Outcome {
    let before = events[event].terms
    guard let terms = before.with(change) else { return .refused(.invalid(.terms)) }
    if terms == before { return .termsSet(version: events[event].version) }
    let isForRemovals = change.prices.allSatisfy { $0.price == nil }
    guard let former = events[event].formerPrices(after: terms, before: nextSequence, isForRemovals: isForRemovals)
    else {
      return .refused(.limitExceeded(.priceChanges, limit: Int64(FormerPrice.countMax)))
    }
    let version = stepVersion(event)
    events[event].adopt(terms, former, version: version, &digest)
    if terms.maxPerBuyer != nil { countBuyers(event) }
    fitRoom(event)
    noteTerms(of: event)
    return .termsSet(version: version)
  }

  /// Begins to count what each buyer has, of an event that had no limit for it.
  private mutating func countBuyers(_ event: UInt32) {
    guard events[event].beginCountingBuyers() else { return }
    for slot in 0..<UInt32(holds.count) {
      let record = holds[slot]
      guard record.status.lives, record.event == event else { continue }
      buyers.add(unitCount(record), event, cells.unpack(record.buyer).rawSpan, &cells)
    }
  }

  private mutating func applyBlock(_ record: borrowing CommandRecord) -> Applied {
    guard case .event(.block(let ref, let block)) = try? Command(decoding: record) else {
      return Self.refuse(.invalid(.seats))
    }
    guard events.knows(ref) else { return Self.refuse(.staleEvent) }
    let event = ref.slot.rawValue
    var key = Key()
    if let repeated = repeated(record, event: event, key: &key) { return repeated }
    return conclude(self.block(block, event), record, key, event: event, subject: nil)
  }

  private mutating func block(_ block: SeatBlock, _ event: UInt32) -> Outcome {
    if let refusal = events[event].refusal(of: block) { return .refused(refusal) }
    let changed = events[event].changes(of: block)
    guard !changed.seats.isEmpty || !changed.areas.isEmpty else {
      return .blocked(version: events[event].version, changed: 0)
    }
    let version = stepVersion(event)
    events[event].apply(changed, &digest)
    noteBlock(changed, of: event)
    return .blocked(version: version, changed: changed.areas.reduce(UInt32(changed.seats.count)) { $0 + $1.count })
  }

  private mutating func applyDelete(_ record: borrowing CommandRecord) -> Applied {
    guard case .event(.delete(let id, let isForced)) = try? Command(decoding: record) else {
      return Self.refuse(.noSuchEvent)
    }
    // A retry must not delete the next event of this id, nor may the key of a deletion be used for another.
    if let repeated = repeatedOfDead(record) { return repeated }
    if wasUsed(record, for: .event(.delete(id: id, isForced: !isForced))) { return Self.refuse(.keyReused) }
    if let repeated = repeatedWithoutEvent(record, arguments: record.argumentsHash) { return repeated }
    guard let event = events.slot(of: id) else { return Self.refuse(.noSuchEvent) }
    var key = Key()
    if let repeated = repeated(record, event: event, key: &key) { return repeated }
    let (holds, orders) = (events[event].holdCount, events[event].orderCount)
    guard isForced || holds == 0 && orders == 0 else {
      return conclude(
        .refused(.eventInUse(holds: holds, orders: orders)), record, key, event: event, subject: nil, byArguments: true)
    }
    delete(event)
    return conclude(.deleted, record, key, event: event, subject: nil, byArguments: true)
  }

  /// Whether the record's key was used with this command.
  private func wasUsed(_ record: borrowing CommandRecord, for command: Command) -> Bool {
    var bytes: [UInt8] = []
    command.encode(key: Bytes(record.key), keyIsFromRouter: record.keyIsFromRouter, into: &bytes)
    var reader = ByteReader(bytes.rawSpan)
    guard let other = try? CommandRecord(decoding: &reader) else { return false }
    return repeatedOfDead(other) != nil
  }

  /// Nobody finds the event from now on. What belongs to it goes later, in slices.
  private mutating func delete(_ event: UInt32) {
    stepVersion(event)
    events[event].askAgain()
    noteDeletion(of: event)
    events.delete(event, at: now)
    digest &+= events[event].deletionTerm
    fitRoom(event)
    sweep.waiting.append(event)
  }

  /// Adds an event at version 0, whose slot is the next.
  private mutating func add(_ event: EventState) {
    var event = event
    event.creation = event.creationTerm
    digest &+= event.creation
    events.append(event)
  }
}
