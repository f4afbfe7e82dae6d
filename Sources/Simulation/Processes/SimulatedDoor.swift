import Octets
import Proto
import RouterCore
import Time

/// A client's connection to one loop of a router, the client's end and the router's.
final class SimulatedDoor {
  let router: SimulatedRouter
  private let loop: SimulatedRouterLoop
  private unowned let client: SimulatedClient
  private let up = Pipe()
  private let down = Pipe()
  private let life: Int
  private(set) var isOpen = true

  init(_ client: SimulatedClient, _ router: SimulatedRouter, _ loop: SimulatedRouterLoop) {
    (self.client, self.router, self.loop) = (client, router, loop)
    life = router.life
    router.open(self)
  }

  private var world: World { router.world }

  func send(_ operation: ClientOperation) {
    world.network.send(on: up) { [self] in
      guard router.life == life else { return routerIsGone() }
      router.whileRunning { [self] in take(operation) }
    }
  }

  /// The client goes away: what it sent may still be read.
  func close() {
    guard isOpen else { return }
    isOpen = false
    up.cut { self.world.draw($0) }
    down.cut { $0.lowerBound }
  }

  func routerIsGone() {
    guard isOpen else { return }
    close()
    world.plan(after: world.draw(10...5_000)) { [self] _ in client.lost(self) }
  }

  // MARK: In the router

  private func take(_ operation: ClientOperation) {
    if serveFresh(operation) { return }
    if startQuickly(operation) { return }
    let call = Call(
      operation.inWords, key: operation.key ?? "", owner: Attempt(operation, self), number: 0,
      deadline: loop.engine.deadline, startedAt: loop.engine.nowNanoseconds)
    loop.engine.start(call)
  }

  /// As both doors do: one seat, or places in one area, of an event that this loop knows.
  private func startQuickly(_ operation: ClientOperation) -> Bool {
    guard case .hold(let event, let seats, let places, let ttl) = operation.what else { return false }
    let buyer = operation.buyer
    let plain: PlainHold?
    if seats.count == 1, places == 0 {
      let label = SimulatedEvent.label(seats[0])
      plain = loop.engine.plainHold(of: event.id.rawSpan, buyer: buyer.rawSpan, seat: label.rawSpan)
    } else if seats.isEmpty {
      let area = SimulatedEvent.area
      plain = loop.engine.plainHold(of: event.id.rawSpan, buyer: buyer.rawSpan, area: area.rawSpan, count: places)
    } else {
      plain = nil
    }
    guard let plain else { return false }
    let hold = QuickHold(
      plain, owner: Attempt(operation, self), number: 0, startedAt: loop.engine.nowNanoseconds)
    let key = operation.key ?? ""
    loop.engine.start(hold, buyer: buyer.rawSpan, ttl: ttl, key: key.rawSpan)
    world.quickHolds += 1
    return true
  }

  /// As the HTTP door does: from the copy, if there is one that is fresh enough.
  func serveFresh(_ operation: ClientOperation) -> Bool {
    let event: SimulatedEvent
    let isMap: Bool
    switch operation.what {
    case .seats(let wanted, isFresh: true): (event, isMap) = (wanted, true)
    case .availability(let wanted, isFresh: true): (event, isMap) = (wanted, false)
    case .seats, .availability, .create, .delete, .set, .block, .hold, .best, .release, .extend, .checkout, .confirm,
      .cancel, .seat, .holdInfo, .orderInfo:
      return false
    }
    let id = event.id
    guard let entry = loop.engine.findEvent(id.rawSpan) else { return false }
    let now = loop.engine.now
    let served = loop.engine.serveFresh(entry) { copy, map in
      (version: copy.version, tail: map.json.joined, counts: copy.counts, freshAt: copy.freshAt)
    }
    guard let served else { return false }
    let answer: Answer =
      isMap
      ? .seats(entry.ref, version: served.version, states: Self.states(served.tail))
      : .availability(entry.ref, version: served.version, served.counts)
    if now - served.freshAt > 250 {
      world.fail("fresh reads", "\(router.name) serves a copy that it heard of \(now - served.freshAt) ms ago")
    }
    if let said = router.saidVersions[event.id], served.version < said {
      world.fail("fresh reads", "\(router.name) serves version \(served.version) after it said \(said)")
    }
    guard let since = router.mark(event.shard, freshAt: served.freshAt) else {
      world.fail("fresh reads", "\(router.name) serves a copy that nothing has confirmed")
      return true
    }
    world.freshReads += 1
    send(.copy(answer, since: since, at: world.time), to: operation)
    return true
  }

  /// The seats' characters out of the body of a seat map.
  private static func states(_ tail: [UInt8]) -> Bytes {
    let mark = Array("\"seats\":\"".utf8)
    var states: [UInt8] = []
    var place = 0
    while place + mark.count < tail.count {
      guard tail[place...].starts(with: mark) else {
        place += 1
        continue
      }
      place += mark.count
      while place < tail.count, tail[place] != UInt8(ascii: "\"") {
        states.append(tail[place])
        place += 1
      }
    }
    return Bytes(states)
  }

  /// Checks a reply and sends it to the client.
  func send(_ reply: RouterReply, to operation: ClientOperation) {
    if let version = reply.version, let event = world.event(operation) {
      router.saidVersions[event] = max(router.saidVersions[event] ?? 0, version)
    }
    world.checks.compare(reply, world)
    world.network.send(on: down) { [self] in client.received(reply, to: operation) }
  }
}

/// One sending of an operation: its owner in a router.
final class Attempt: CallOwner, QuickHoldOwner {
  private let operation: ClientOperation
  private let door: SimulatedDoor

  init(_ operation: ClientOperation, _ door: SimulatedDoor) { (self.operation, self.door) = (operation, door) }

  func ended(_ call: Call, with result: CallResult) {
    if case .copy = result {
      if !door.serveFresh(operation) { door.send(.unavailable, to: operation) }
      return
    }
    door.send(RouterReply(result, to: operation), to: operation)
  }

  func ended(_ hold: borrowing QuickHold, held: Outcome.Held) { door.send(.outcome(.held(held)), to: operation) }

  func ended(_ hold: borrowing QuickHold, refused: CallRefusal) {
    door.send(RouterReply(.refused(refused), to: operation), to: operation)
  }

  func isStale(_ hold: borrowing QuickHold) { ended(hold, refused: .unavailable) }
}
