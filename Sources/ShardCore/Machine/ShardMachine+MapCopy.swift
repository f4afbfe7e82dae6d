import Inventory
import Octets
import Proto

/// A read of so many seats that copying their states takes several turns. The shard has at most one.
struct MapCopy {
  let read: LargeReads.Read
  let event: Bytes
  var states: SeatStatesCopy

  init?(_ read: LargeReads.Read, _ inventory: borrowing Inventory, longerThan seatsMax: Int) {
    switch read.query {
    case .seats(let id), .subscribe(let id):
      guard let states = inventory.beginStates(of: id), states.seatCount > seatsMax else { return nil }
      (self.read, event, self.states) = (read, id, states)
    case .event, .seat, .availability, .terms, .hold, .order, .orders, .holds, .events, .unsubscribe, .queue, .place:
      return nil
    }
  }
}

// Ten million seats take longer than a turn may: they are copied over several, and what changes meanwhile is applied to
// the copy as to any router's.
extension ShardMachine {
  /// Begins to copy for this read, if it is that large. What it takes counts as waiting until it is answered.
  mutating func beginCopy(_ read: LargeReads.Read) -> Bool {
    guard let copy = MapCopy(read, inventory, longerThan: options.seatsCopiedPerTurn) else { return false }
    inventory.watch(copy.event)
    mapCopy = copy
    return true
  }

  /// Copies this turn's seats. False: more turns are needed.
  mutating func goOnCopying() -> Bool {
    guard mapCopy != nil else { return true }
    guard inventory.copyStates(into: &mapCopy!.states, seats: options.seatsCopiedPerTurn) else {
      endCopy(failing: .overloaded)
      return true
    }
    return mapCopy!.states.isWhole
  }

  /// Answers the read whose states are whole, behind the turn's last frame and the feed's updates.
  mutating func answerCopied(_ barrier: Barrier) {
    guard let copy = mapCopy, copy.states.isWhole else { return }
    mapCopy = nil
    let (read, event) = (copy.read, copy.event)
    let answer = inventory.answer(read.query, with: copy.states)
    if case .subscribed(let ref, _, _, _) = answer, feeds.add(read.connection, ref, id: event) {
      inventory.watch(event)
    }
    inventory.unwatch(copy.states.event)
    queue(answer, to: read, barrier)
  }

  /// Gives the copy up, if it is made for a read that `isMeant`.
  ///
  /// - Parameter failure: what its router is told; nil: nothing.
  mutating func endCopy(failing failure: Reply.Failure?, where isMeant: (LargeReads.Read) -> Bool = { _ in true }) {
    guard let copy = mapCopy, isMeant(copy.read) else { return }
    mapCopy = nil
    inventory.unwatch(copy.states.event)
    if let failure { fail(copy.read, failure) }
  }
}
