package import Octets
package import Proto

/// The states of an event's seats, copied piece by piece while the event goes on changing.
///
/// Watch the event from before the first piece until the copy is used, and apply each of its updates: then the copy,
/// once whole, is what the event's seats are.
package struct SeatStatesCopy: Sendable {
  package let event: EventRef
  package let seatCount: Int
  /// One byte a seat, of the first seats.
  package private(set) var states: [UInt8] = []

  package var isWhole: Bool { states.count == seatCount }

  /// What has changed in the part that is copied; the rest is copied as it is then.
  package mutating func apply(_ update: FeedUpdate) {
    guard update.event == event else { return }
    // Too much changed at once to be told: begin anew.
    if update.fromVersion == update.version { states.removeAll(keepingCapacity: true) }
    for change in update.seats where change.seat.rawValue < states.count {
      states[Int(change.seat.rawValue)] = change.state.rawValue
    }
  }

  fileprivate init(_ state: EventState) {
    (event, seatCount) = (state.ref, state.layout.seatCount)
    states.reserveCapacity(seatCount)
  }

  fileprivate mutating func append(_ count: Int, of state: EventState) {
    state.appendStates(states.count..<min(seatCount, states.count + count), to: &states)
  }
}

extension Inventory {
  /// A copy with nothing in it yet; nil: there is no such event.
  package func beginStates(of event: Bytes) -> SeatStatesCopy? {
    events.slot(of: event).map { SeatStatesCopy(events[$0]) }
  }

  /// Copies so many seats more. False: the event is not there any more.
  package func copyStates(into copy: inout SeatStatesCopy, seats count: Int) -> Bool {
    guard events.knows(copy.event) else { return false }
    copy.append(count, of: events[copy.event.slot.rawValue])
    return true
  }

  /// The answer to `.seats` or `.subscribe` with states that were copied before.
  package func answer(_ query: Query, with copy: consuming SeatStatesCopy) -> Answer {
    guard events.knows(copy.event) else { return .refused(.noSuchEvent) }
    let slot = copy.event.slot.rawValue
    let states = Bytes(copy.states)
    if case .subscribe = query {
      return .subscribed(copy.event, version: events[slot].version, states: states, events[slot].availability)
    }
    return .seats(copy.event, version: events[slot].version, states: states)
  }
}
