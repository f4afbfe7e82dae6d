public import Octets
public import Proto

/// Answering queries, and telling watchers what changed.
extension Inventory {
  /// What `query` finds at `now`. `.subscribe` is answered with a copy; to hear of changes, call `watch` as well.
  public func answer(_ query: Query) -> Answer {
    switch query {
    case .event(let id):
      guard let slot = events.slot(of: id) else { return .refused(.noSuchEvent) }
      return .encodedEvent(
        events[slot].ref, version: events[slot].version, events[slot].layout.terms, events[slot].availability,
        definition: events[slot].layout.encoded)
    case .seats(let id):
      guard let slot = events.slot(of: id) else { return .refused(.noSuchEvent) }
      return .seats(events[slot].ref, version: events[slot].version, states: events[slot].states)
    case .seat(let id, let seat):
      guard let slot = events.slot(of: id) else { return .refused(.noSuchEvent) }
      guard Int(seat.rawValue) < events[slot].layout.seatCount else { return .refused(.invalid(.seats)) }
      let state = EventState.Seat.state(events[slot].seats[Int(seat.rawValue)])
      return .seat(state, version: events[slot].version)
    case .availability(let id):
      guard let slot = events.slot(of: id) else { return .refused(.noSuchEvent) }
      return .availability(events[slot].ref, version: events[slot].version, events[slot].availability)
    case .terms(let id):
      guard let slot = events.slot(of: id) else { return .refused(.noSuchEvent) }
      return .terms(events[slot].ref, version: events[slot].termsVersion, events[slot].terms)
    case .hold(let id):
      guard case .living(let slot, let record) = find(id) else {
        if case .over = find(id) { return .refused(.holdExpired) }
        return .refused(.noSuchHold)
      }
      if record.status == .released { return .refused(.holdExpired) }
      return record.status.isOrder ? .order(orderInfo(slot, record)) : .hold(info(slot, record))
    case .order(let id):
      guard case .living(let slot, let record) = find(id) else { return .refused(.noSuchOrder) }
      return .order(orderInfo(slot, record))
    case .orders(let id, let filter, let after, let limit):
      return orders(of: id, filter, after: after, limit: Int(limit))
    case .holds(let id, let buyer, let after, let limit):
      return holds(of: id, buyer: buyer, after: after, limit: Int(limit))
    case .events(let after, let limit):
      return .events(
        events.slots(after: after, limit: Int(limit)).map { slot in
          let definition = events[slot].layout.definition
          return EventSummary(
            id: events[slot].id, name: definition.name, venue: definition.venue, startsAt: definition.startsAt,
            version: events[slot].version, counts: events[slot].total)
        })
    case .subscribe(let id):
      guard let slot = events.slot(of: id) else { return .refused(.noSuchEvent) }
      return .subscribed(
        events[slot].ref, version: events[slot].version, states: events[slot].states, events[slot].availability)
    case .unsubscribe: return .unsubscribed
    case .queue(let id): return answer(queue: id)
    case .place(let id): return answer(place: id)
    }
  }

  /// Bytes of the encoded answer to a query whose answer may be large, at most; 0: such a query's answers are bounded
  /// by a command's size.
  public func largeAnswerBytes(_ query: Query) -> Int {
    switch query {
    case .event(let id):
      guard let slot = events.slot(of: id) else { return 0 }
      return events[slot].layout.encoded.count + countBytes(slot)
    case .seats(let id), .subscribe(let id):
      guard let slot = events.slot(of: id) else { return 0 }
      return events[slot].layout.seatCount + countBytes(slot)
    case .availability(let id), .terms(let id): return events.slot(of: id).map { countBytes($0) } ?? 0
    case .orders(_, _, _, let limit), .holds(_, _, _, let limit): return Query.listBytes(limit: Int(limit))
    case .events(_, let limit): return min(Int(limit), events.livingCount) * Self.summaryBytesMax
    case .seat, .hold, .order, .unsubscribe, .queue, .place: return 0
    }
  }

  /// An id and a name of 128 bytes at most, version and counts.
  private static var summaryBytesMax: Int { 282 }

  private func countBytes(_ slot: UInt32) -> Int {
    Query.answerBytes(seats: 0, categories: events[slot].categories.count, areas: events[slot].areas.count)
  }

  /// Whether this event is there, in this life of it.
  public func knows(_ event: EventRef) -> Bool { events.knows(event) }

  /// Starts to collect changes of an event, by its id; as often as it is called, so often `unwatch` must be. Not part
  /// of the replicated state. Unknown events are ignored.
  public mutating func watch(_ event: Bytes) {
    guard let slot = events.slot(of: event) else { return }
    if events[slot].watchers == 0 { events[slot].toldVersion = events[slot].version }
    events[slot].watchers += 1
  }

  /// Of an event that was deleted meanwhile: nothing.
  public mutating func unwatch(_ event: EventRef) {
    let slot = event.slot.rawValue
    guard events.knows(event), events[slot].watchers > 0 else { return }
    events[slot].watchers -= 1
    if events[slot].watchers == 0 {
      events[slot].changedSeats = []
      events[slot].wasForgotten = false
      changedEvents.removeAll { $0 == slot }
    }
  }

  /// The changes of watched events since the last call, in the order in which events changed first. A copy that was
  /// answered in between is newer than an update's `fromVersion` and never newer than its `version`: apply the update
  /// to it as well, it says what seats are now.
  public mutating func takeFeedUpdates() -> [FeedUpdate] {
    if changedEvents.isEmpty { return [] }
    let changed = changedEvents
    changedEvents.removeAll(keepingCapacity: true)
    return changed.map { takeFeedUpdate($0) }
  }

  private mutating func takeFeedUpdate(_ slot: UInt32) -> FeedUpdate {
    var changes: [SeatChange] = []
    if events[slot].wasForgotten {
      // Nobody's copy is that new already, so everybody asks for another.
      events[slot].toldVersion = events[slot].version
      events[slot].changedSeats = []
      events[slot].wasForgotten = false
    }
    events[slot].changedSeats.sort()
    var last: UInt32?
    for seat in events[slot].changedSeats where seat != last {
      changes.append(
        SeatChange(seat: SeatIndex(seat), state: EventState.Seat.state(events[slot].seats[Int(seat)])))
      last = seat
    }
    events[slot].changedSeats.removeAll(keepingCapacity: true)
    defer { events[slot].toldVersion = events[slot].version }
    return FeedUpdate(
      event: events[slot].ref, fromVersion: events[slot].toldVersion, version: events[slot].version, seats: changes,
      availability: events[slot].availability)
  }
}
