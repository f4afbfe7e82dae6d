import Node
import Proto

/// One thing that a client asked for, and what it was told.
final class Operation {
  indirect enum What: CustomStringConvertible {
    case create(EventDefinition)
    case hold(SimulatedEvent, [SeatIndex], ttl: UInt32, secret: UInt64)
    case best(SimulatedEvent, UInt32, secret: UInt64)
    case release(HoldID, Operation)
    case extend(HoldID, Operation, ttl: UInt32)
    case checkout(HoldID, Operation, secret: UInt64)
    case confirm(OrderID, Operation)
    case cancel(OrderID, Operation)
    case seat(SimulatedEvent, SeatIndex)
    case seats(SimulatedEvent)
    case holdInfo(HoldID, Operation)
    case orderInfo(OrderID, Operation)

    /// The call that made the hold that this is about.
    var hold: Operation? {
      switch self {
      case .release(_, let hold), .extend(_, let hold, _), .checkout(_, let hold, _), .confirm(_, let hold),
        .cancel(_, let hold), .holdInfo(_, let hold), .orderInfo(_, let hold):
        hold
      case .create, .hold, .best, .seat, .seats: nil
      }
    }

    var description: String {
      switch self {
      case .create: "create"
      case .hold(_, let seats, let ttl, let secret):
        "hold \(seats.map { Int($0.rawValue) }) ttl \(ttl) ticket \(secret % 10_000)"
      case .best(_, let count, let secret): "hold best \(count) ticket \(secret % 10_000)"
      case .release(let id, _): "release \(id.secret % 10_000)"
      case .extend(let id, _, let ttl): "extend \(id.secret % 10_000) by \(ttl) s"
      case .checkout(let id, _, _): "checkout \(id.secret % 10_000)"
      case .confirm(_, let hold): "confirm \(hold.ticket % 10_000)"
      case .cancel(_, let hold): "cancel \(hold.ticket % 10_000)"
      case .seat(_, let seat): "seat \(seat.rawValue)"
      case .seats: "seats"
      case .holdInfo(let id, _): "hold info \(id.secret % 10_000)"
      case .orderInfo(_, let hold): "order info \(hold.ticket % 10_000)"
      }
    }
  }

  let number: UInt32
  let client: Int
  let shard: ShardID
  let what: What
  let key: Bytes
  let keyIsFromRouter: Bool
  /// Microseconds.
  var called: Int
  var returned = Int.max
  var outcome: Outcome?
  var answer: Answer?
  var sentAt = 0
  var sentOn: Pipe?
  var isRepeated = false
  /// Of a hold: the order that became of it.
  var order: OrderID?

  init(
    number: UInt32, client: Int, shard: ShardID, what: What, called: Int, key: Bytes, keyIsFromRouter: Bool
  ) {
    (self.number, self.client, self.shard, self.what) = (number, client, shard, what)
    (self.called, self.key, self.keyIsFromRouter) = (called, key, keyIsFromRouter)
  }

  var holdID: HoldID? {
    switch outcome {
    case .held(let held), .heldBest(let held, _): held.id
    default: nil
    }
  }

  /// The secret that the client drew for its hold.
  var ticket: UInt64 {
    switch what {
    case .hold(_, _, _, let secret), .best(_, _, let secret): secret
    default: 0
    }
  }

  var seats: [SeatIndex] {
    if case .heldBest(_, let seats) = outcome { return seats }
    if case .hold(_, let seats, _, _) = what { return seats }
    return []
  }

  func encode(into out: inout [UInt8]) {
    if let query {
      Request.encodeHeader(id: number, what: .query, into: &out)
      query.encode(into: &out)
    } else if let command {
      Request.encodeHeader(id: number, what: .command, into: &out)
      command.encode(key: key, keyIsFromRouter: keyIsFromRouter, into: &out)
    }
  }

  private var query: Query? {
    switch what {
    case .seat(let event, let seat): .seat(id: event.id, seat)
    case .seats(let event): .seats(id: event.id)
    case .holdInfo(let id, _): .hold(id)
    case .orderInfo(let id, _): .order(id)
    case .create, .hold, .best, .release, .extend, .checkout, .confirm, .cancel: nil
    }
  }

  private var command: Command? {
    switch what {
    case .create(let definition): .createEvent(definition, incarnation: 1)
    case .hold(let event, let seats, let ttl, let secret):
      .hold(Command.Hold(event: event.ref, ttl: ttl, secret: secret, buyer: Bytes("b\(client)"), seats: seats))
    case .best(let event, let count, let secret):
      .holdBest(Command.HoldBest(event: event.ref, secret: secret, buyer: Bytes("b\(client)"), count: count))
    case .release(let id, _): .release(id)
    case .extend(let id, _, let ttl): .extend(id, ttl: ttl)
    case .checkout(let id, _, let secret): .checkout(id, secret: secret)
    case .confirm(let id, _): .confirm(id)
    case .cancel(let id, _): .cancel(id)
    case .seat, .seats, .holdInfo, .orderInfo: nil
    }
  }
}

/// All calls and returns of a run.
struct History {
  private(set) var operations: [Operation] = []
  private(set) var unknown = 0
  private(set) var acknowledged = 0

  mutating func began(_ operation: Operation) { operations.append(operation) }
  mutating func returned(_ operation: Operation, at time: Int) {
    operation.returned = time
    acknowledged += 1
  }
  mutating func gaveUp(_ operation: Operation) { unknown += 1 }

  /// What the calls say of each seat of one event, and when its holds and orders may have ended by themselves.
  func calls(on event: SimulatedEvent, _ checks: Checks) -> [[SeatCall]] {
    var calls = [[SeatCall]](repeating: [], count: SimulatedEvent.seatCount)
    let mine = operations.filter { $0.shard == event.shard }
    for operation in mine {
      for (seat, effect) in effects(of: operation) {
        calls[seat].append(SeatCall(called: operation.called, returned: operation.returned, effect: effect))
      }
    }
    for hold in mine where !hold.seats.isEmpty || hold.isUnknownBest {
      guard let endings = endings(of: hold, mine, checks) else { continue }
      for seat in seats(of: hold) { calls[seat] += endings }
    }
    return calls
  }

  private func seats(of hold: Operation) -> [Int] {
    hold.isUnknownBest ? Array(0..<SimulatedEvent.seatCount) : hold.seats.map { Int($0.rawValue) }
  }

  private func effects(of operation: Operation) -> [(Int, SeatEffect)] {
    let ticket = operation.what.hold?.ticket ?? operation.ticket
    let concerned = seats(of: operation.what.hold ?? operation)
    func all(_ effect: SeatEffect) -> [(Int, SeatEffect)] { concerned.map { ($0, effect) } }
    if operation.returned == .max {
      switch operation.what {
      case .hold, .best: return all(.hold(ticket))
      case .release: return all(.release(ticket, repeats: false))
      case .checkout: return all(.checkout(ticket))
      case .confirm: return all(.confirm(ticket))
      case .cancel: return all(.cancel(ticket, repeats: false))
      case .create, .extend, .seat, .seats, .holdInfo, .orderInfo: return []
      }
    }
    if let answer = operation.answer { return effects(of: answer, operation, ticket, concerned) }
    switch operation.outcome {
    case .held, .heldBest: return all(.hold(ticket))
    case .released:
      return all(.release(ticket, repeats: hasBefore(operation) { if case .release = $0 { true } else { false } }))
    case .extended: return all(.extend(ticket))
    case .checkedOut: return all(.checkout(ticket))
    case .confirmed: return all(.confirm(ticket))
    case .cancelled:
      return all(.cancel(ticket, repeats: hasBefore(operation) { if case .cancel = $0 { true } else { false } }))
    case .refused(.seatsTaken(let places)):
      guard case .hold(_, let seats, _, _) = operation.what else { return [] }
      return seats.enumerated().map { place, seat in
        (Int(seat.rawValue), places.contains(UInt16(place)) ? .taken : .seen(.free))
      }
    case .refused(.noSuchHold), .refused(.noSuchOrder): return all(.forgotten)
    case .refused(.holdExpired), .refused(.checkedOut): return all(.notHeld(ticket))
    case .refused(.orderExpired), .refused(.orderState): return all(.notOrdered(ticket))
    case .created, .noted, .refused, nil: return []
    }
  }

  private func effects(
    of answer: Answer, _ operation: Operation, _ ticket: UInt64, _ concerned: [Int]
  ) -> [(Int, SeatEffect)] {
    switch answer {
    case .seat(let state, _):
      guard case .seat(_, let seat) = operation.what else { return [] }
      return [(Int(seat.rawValue), .seen(state))]
    case .seats(_, _, let states):
      return states.array.enumerated().compactMap { place, byte in
        SeatState(rawValue: byte).map { (place, .seen($0)) }
      }
    case .hold(let info), .order(let info):
      switch info.status {
      case .none: return concerned.map { ($0, .seenHeld(ticket)) }
      case .pendingPayment: return concerned.map { ($0, .seenPending(ticket)) }
      case .confirmed: return concerned.map { ($0, .seenSold(ticket)) }
      case .cancelled, .expired, .refunded: return concerned.map { ($0, .notOrdered(ticket)) }
      }
    case .refused(.noSuchHold), .refused(.noSuchOrder): return concerned.map { ($0, .forgotten) }
    case .refused:
      guard operation.what.hold != nil else { return [] }
      if case .orderInfo = operation.what { return concerned.map { ($0, .notOrdered(ticket)) } }
      return concerned.map { ($0, .notHeld(ticket)) }
    case .event, .encodedEvent, .availability, .events, .subscribed, .unsubscribed: return []
    }
  }

  /// Whether the same hold was asked for the same before this call returned.
  private func hasBefore(_ operation: Operation, _ isSame: (Operation.What) -> Bool) -> Bool {
    operations.contains { other in
      other !== operation && other.what.hold === operation.what.hold && other.called < operation.returned
        && isSame(other.what)
    }
  }

  /// When a hold, and the order that became of it, may end and must have ended by time alone.
  private func endings(of hold: Operation, _ mine: [Operation], _ checks: Checks) -> [SeatCall]? {
    let shard = hold.shard
    var least: [Milliseconds] = []
    var most: [Milliseconds] = []
    var isSure = hold.returned != .max
    switch hold.outcome {
    case .held(let held), .heldBest(let held, _):
      least.append(held.expiresAt)
      most.append(held.expiresAt)
    case nil: least.append(checks.leastStamp(at: hold.called, shard) + 1_000)
    default: return nil
    }
    var orders: [(Milliseconds, isSure: Bool)] = []
    for operation in mine where operation.what.hold === hold {
      switch (operation.what, operation.outcome) {
      case (.extend, .extended(let info)):
        least.append(info.expiresAt)
        most.append(info.expiresAt)
      case (.extend, nil):
        least.append(checks.leastStamp(at: operation.called, shard) + 1_000)
        isSure = false
      case (.checkout, .checkedOut(let info)): orders.append((info.payBy, true))
      case (.checkout, nil):
        orders.append(
          (
            checks.leastStamp(at: operation.called, shard) + Milliseconds(SimulatedEvent.paymentTTL) * 1_000,
            false
          ))
      default: break
      }
    }
    let ticket = hold.ticket
    var calls: [SeatCall] = []
    func add(_ effect: SeatEffect, _ least: Milliseconds, _ most: Milliseconds?) {
      let from = checks.earliest(least, shard)
      guard from != .max else { return }
      let until = most.map { checks.latest($0, shard) } ?? .max
      calls.append(SeatCall(called: from, returned: max(from, until), effect: effect))
    }
    add(.expireHold(ticket), least.min() ?? 0, isSure ? most.max() : nil)
    if let first = orders.map(\.0).min() {
      let sure = orders.filter(\.isSure).map(\.0).max()
      add(.expireOrder(ticket), first, orders.allSatisfy(\.isSure) ? sure : nil)
    }
    return calls
  }
}

extension Operation {
  /// A search for the best seats whose outcome nobody heard: any seat may be held.
  var isUnknownBest: Bool {
    if case .best = what { return returned == .max }
    return false
  }
}
