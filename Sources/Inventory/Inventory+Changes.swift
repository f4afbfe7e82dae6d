public import Proto

/// Reports of what changed, for the listener.
extension Inventory {
  /// Starts or stops to collect changes. Not part of the state: replicas may differ in it. While somebody listens,
  /// every hold goes the general way.
  public mutating func listen(_ listens: Bool) {
    isListening = listens
    changes = []
  }

  /// What changed since the last call, in order. The caller asks after each record that it logs, so that all of them
  /// have that record's index: what time ended before it belongs to it.
  public mutating func takeChanges(index: UInt64) -> [ChangeRecord] {
    var taken: [Change] = []
    swap(&taken, &changes)
    return taken.enumerated().map {
      ChangeRecord(shard: shard, index: index, ordinal: UInt32(truncatingIfNeeded: $0.offset), change: $0.element)
    }
  }

  mutating func noteCreation(of event: UInt32) {
    guard isListening else { return }
    changes.append(.eventCreated(events[event].ref, id: events[event].id, version: events[event].version))
  }

  mutating func noteTerms(of event: UInt32) {
    guard isListening else { return }
    let (ref, id, version) = (events[event].ref, events[event].id, events[event].version)
    changes.append(.eventChanged(ref, id: id, version: version, events[event].terms))
  }

  mutating func noteBlock(_ block: SeatBlock, of event: UInt32) {
    guard isListening else { return }
    let (ref, id, version) = (events[event].ref, events[event].id, events[event].version)
    changes.append(.blocked(ref, id: id, version: version, block))
  }

  mutating func noteDeletion(of event: UInt32) {
    guard isListening else { return }
    changes.append(.eventDeleted(events[event].ref, id: events[event].id, version: events[event].version))
  }

  /// After the event's version has grown, with the record as it is now.
  @inline(__always) mutating func note(_ change: Change.HoldChange, _ slot: UInt32, _ record: HoldRecord) {
    if isListening { changes.append(.hold(change, info(slot, record))) }
  }

  /// As above, of an order.
  @inline(__always) mutating func note(_ change: Change.OrderChange, _ slot: UInt32, _ record: HoldRecord) {
    if isListening { changes.append(.order(change, orderInfo(slot, record))) }
  }

  /// Everything about a hold or order that is about to lose its content; nil: nobody listens.
  func farewell(_ slot: UInt32, _ record: HoldRecord) -> HoldInfo? { isListening ? info(slot, record) : nil }

  /// Notes the end of one of those, once the event's version has grown.
  mutating func noteEnd(_ change: Change.HoldChange, _ farewell: HoldInfo?, event: UInt32) {
    guard var info = farewell else { return }
    info.version = events[event].version
    changes.append(.hold(change, info))
  }
}
