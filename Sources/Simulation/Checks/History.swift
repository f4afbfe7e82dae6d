import Octets
import Proto
import Time

/// All calls and returns of a run.
struct History {
  private(set) var operations: [ClientOperation] = []
  private(set) var unknown = 0
  private(set) var acknowledged = 0
  /// What was answered with anything but a refusal.
  private(set) var done: Set<SimulatedCall> = []

  mutating func began(_ operation: ClientOperation) { operations.append(operation) }
  mutating func returned(_ operation: ClientOperation, at time: Int) {
    operation.returned = time
    acknowledged += 1
    if case .refused = operation.outcome { return }
    if case .refused = operation.answer { return }
    done.insert(operation.what.call)
  }
  mutating func gaveUp(_ operation: ClientOperation) { unknown += 1 }

  /// What the calls say of each seat of one event, and of its area, and when holds and orders may have ended by
  /// themselves.
  func calls(
    on event: SimulatedEvent, _ checks: Checks
  ) -> (seats: [[CheckedCall<SeatEffect>]], area: [CheckedCall<AreaEffect>]) {
    var seats = [[CheckedCall<SeatEffect>]](repeating: [], count: SimulatedEvent.seatCount)
    var area: [CheckedCall<AreaEffect>] = []
    let mine = operations.filter { $0.shard == event.shard && !$0.neverHappened && !$0.what.isOnOwnEvent }
    for operation in mine {
      let called = operation.copied?.since ?? operation.called
      let returned = operation.copied?.at ?? operation.returned
      for (seat, effect) in seatEffects(of: operation) {
        seats[seat].append(CheckedCall(called: called, returned: returned, effect: effect))
      }
      if let effect = areaEffect(of: operation) {
        area.append(CheckedCall(called: called, returned: returned, effect: effect))
      }
    }
    for hold in mine where hold.isHold && (!hold.seats.isEmpty || hold.places > 0 || hold.isUnknownBest) {
      guard let endings = endings(of: hold, mine, checks) else { continue }
      for seat in self.seats(of: hold) { seats[seat] += endings }
      if hold.places > 0 {
        area += endings.map { CheckedCall(called: $0.called, returned: $0.returned, effect: .holder($0.effect)) }
      }
    }
    return (seats, area)
  }

  private func seats(of hold: ClientOperation) -> [Int] {
    hold.isUnknownBest ? Array(0..<SimulatedEvent.seatCount) : hold.seats.map { Int($0.rawValue) }
  }

  // MARK: What a call says of a hold's seats and places

  /// Of what is about a hold: what it says of everything in it.
  private func effect(on operation: ClientOperation) -> SeatEffect? {
    let holder = (operation.what.hold ?? operation).holder
    if operation.returned == .max {
      return switch operation.what {
      case .hold, .best: .hold(holder)
      case .block(_, _, let isBlocked): isBlocked ? .tryToBlock : .unblock
      case .release: .release(holder, repeats: false)
      case .checkout: .checkout(holder)
      case .confirm: .confirm(holder)
      case .cancel: .cancel(holder, repeats: false)
      case .create, .set, .delete, .extend, .seat, .seats, .availability, .holdInfo, .orderInfo: nil
      }
    }
    if let answer = operation.answer { return effect(of: answer, operation, holder) }
    switch operation.outcome {
    case .held, .heldBest: return .hold(holder)
    case .released:
      return .release(holder, repeats: hasBefore(operation) { if case .release = $0 { true } else { false } })
    case .extended: return .extend(holder)
    case .checkedOut(let info):
      // A second checkout says what became of the order by then.
      return switch info.status {
      case .pendingPayment: .checkout(holder)
      case .confirmed: .seenSold(holder)
      case .cancelled, .expired, .refunded: .notOrdered(holder)
      }
    case .order(.confirm, _): return .confirm(holder)
    case .order(.cancel, _):
      return .cancel(holder, repeats: hasBefore(operation) { if case .cancel = $0 { true } else { false } })
    case .refused(.noSuchHold), .refused(.noSuchOrder): return .forgotten
    case .refused(.holdExpired), .refused(.checkedOut): return .notHeld(holder)
    case .refused(.orderExpired), .refused(.orderState): return .notOrdered(holder)
    case .blocked:
      guard case .block(_, _, let isBlocked) = operation.what else { return nil }
      return isBlocked ? .block : .unblock
    case .created, .termsSet, .deleted, .place, .queue, .placeGivenUp, .noted, .refused, nil: return nil
    }
  }

  private func effect(of answer: Answer, _ operation: ClientOperation, _ holder: UInt64) -> SeatEffect? {
    switch answer {
    case .hold: return .seenHeld(holder)
    case .order(let info):
      return switch info.status {
      case .pendingPayment: .seenPending(holder)
      case .confirmed: .seenSold(holder)
      case .cancelled, .expired, .refunded: .notOrdered(holder)
      }
    case .refused(.noSuchHold), .refused(.noSuchOrder): return .forgotten
    case .refused:
      guard operation.what.hold != nil else { return nil }
      if case .orderInfo = operation.what { return .notOrdered(holder) }
      return .notHeld(holder)
    case .event, .encodedEvent, .availability, .terms, .events, .orders, .holds, .seat, .seats, .subscribed,
      .unsubscribed, .queue, .place:
      return nil
    }
  }

  private func seatEffects(of operation: ClientOperation) -> [(Int, SeatEffect)] {
    switch operation.answer {
    case .seat(let state, _):
      guard case .seat(_, let seat) = operation.what else { return [] }
      return [(Int(seat.rawValue), .seen(state))]
    case .seats(_, _, let states):
      return states.array.enumerated().compactMap { place, byte in
        SeatState(rawValue: byte).map { (place, .seen($0)) }
      }
    case .event, .encodedEvent, .availability, .terms, .hold, .order, .orders, .holds, .events, .subscribed,
      .unsubscribed, .queue, .place, .refused, nil:
      break
    }
    if case .hold(_, let seats, let places, _) = operation.what {
      switch operation.outcome {
      case .refused(.seatsTaken(let lost)):
        return seats.enumerated().map { place, seat in
          guard let seen = lost.first(where: { $0.place == UInt16(place) }) else {
            return (Int(seat.rawValue), .seen(.free))
          }
          return (Int(seat.rawValue), seen.state.map { .seen($0) } ?? .taken)
        }
      // Seats are looked at first.
      case .refused(.soldOut) where places > 0: return seats.map { (Int($0.rawValue), .seen(.free)) }
      case .created, .termsSet, .blocked, .deleted, .held, .heldBest, .released, .extended, .checkedOut, .order, .place,
        .queue, .placeGivenUp, .noted, .refused, nil:
        break
      }
    }
    guard let effect = effect(on: operation) else { return [] }
    return seats(of: operation.what.hold ?? operation).map { ($0, effect) }
  }

  private func areaEffect(of operation: ClientOperation) -> AreaEffect? {
    if case .availability(_, _, let counts) = operation.answer, let counts = counts.areas.first {
      return .counts(counts)
    }
    let hold = operation.what.hold ?? operation
    guard hold.places > 0 else { return nil }
    if operation === hold {
      switch operation.outcome {
      case .refused(.soldOut): return .soldOut(hold.places)
      case .held: return .hold(hold.holder, hold.places)
      case nil where operation.returned == .max: return .hold(hold.holder, hold.places)
      case .created, .termsSet, .blocked, .deleted, .heldBest, .released, .extended, .checkedOut, .order, .place,
        .queue, .placeGivenUp, .noted, .refused, nil:
        return nil
      }
    }
    return effect(on: operation).map { .holder($0) }
  }

  /// Whether the same hold was asked for the same before this call returned.
  private func hasBefore(_ operation: ClientOperation, _ isSame: (ClientOperation.What) -> Bool) -> Bool {
    operations.contains { other in
      other !== operation && other.what.hold === operation.what.hold && other.called < operation.returned
        && isSame(other.what)
    }
  }

  // MARK: Time alone

  /// When a hold, and the order that became of it, may end and must have ended by time alone.
  private func endings(
    of hold: ClientOperation, _ mine: [ClientOperation], _ checks: Checks
  ) -> [CheckedCall<SeatEffect>]? {
    let shard = hold.shard
    var least: [Stamp] = []
    var most: [Stamp] = []
    var isSure = hold.returned != .max
    switch hold.outcome {
    case .held(let held), .heldBest(let held, _):
      least.append(held.expiresAt)
      most.append(held.expiresAt)
    case nil: least.append(checks.leastStamp(at: hold.called, shard) + 1_000)
    case .created, .termsSet, .blocked, .deleted, .released, .extended, .checkedOut, .order, .place, .queue,
      .placeGivenUp, .noted, .refused:
      return nil
    }
    var orders: [(Stamp, isSure: Bool)] = []
    for operation in mine where operation.what.hold === hold {
      switch operation.what {
      case .extend:
        if case .extended(let info) = operation.outcome {
          least.append(info.expiresAt)
          most.append(info.expiresAt)
        } else if operation.outcome == nil {
          least.append(checks.leastStamp(at: operation.called, shard) + 1_000)
          isSure = false
        }
      case .checkout:
        if case .checkedOut(let info) = operation.outcome {
          orders.append((info.payBy, true))
        } else if operation.outcome == nil {
          let first =
            checks.leastStamp(at: operation.called, shard) + .seconds(SimulatedEvent.paymentTTL)
          orders.append((first, false))
        }
      case .create, .delete, .set, .block, .hold, .best, .release, .confirm, .cancel, .seat, .seats, .availability,
        .holdInfo, .orderInfo:
        break
      }
    }
    let holder = hold.holder
    var calls: [CheckedCall<SeatEffect>] = []
    func add(_ effect: SeatEffect, _ least: Stamp, _ most: Stamp?) {
      let from = checks.earliest(least, shard)
      guard from != .max else { return }
      let until = most.map { checks.latest($0, shard) } ?? .max
      calls.append(CheckedCall(called: from, returned: max(from, until), effect: effect))
    }
    add(.expireHold(holder), least.min() ?? .zero, isSure ? most.max() : nil)
    if let first = orders.map(\.0).min() {
      let sure = orders.filter(\.isSure).map(\.0).max()
      add(.expireOrder(holder), first, orders.allSatisfy(\.isSure) ? sure : nil)
    }
    return calls
  }
}
