import MemoryDisk
import Octets
import Proto
import Seeded
import Time

/// A buyer with several operations under way. The client sends each to any of the routers, repeats it with the same key
/// if it has one, and records the reply.
final class SimulatedClient {
  let index: Int
  unowned let world: World
  private var door: SimulatedDoor?
  private(set) var pending: [ClientOperation] = []
  private var toCreate: [(ShardID, EventDefinition)] = []
  private var holds: [ClientOperation] = []
  private var own: OwnEvent
  private var nextOperation: UInt32 = 1
  private let concurrency: Int
  /// Microseconds after which something is asked again.
  private let patience: Int

  init(_ index: Int, _ world: World) {
    (self.index, self.world) = (index, world)
    own = OwnEvent(client: index, shardCount: world.shardCount)
    concurrency = world.draw(1...3)
    patience = [200_000, 600_000, 1_500_000].randomElement(using: &world.random) ?? 200_000
    think()
    watchClock()
  }

  var isIdle: Bool { pending.isEmpty && toCreate.isEmpty }
  /// All events are known.
  var isReady: Bool { world.events.count >= world.shardCount && toCreate.isEmpty }

  // MARK: What buyers want

  func createEvents() {
    for shard in world.shardIDs {
      toCreate.append((shard, SimulatedEvent.definition(shard, id: world.eventID(shard))))
    }
  }

  private func think() {
    world.plan(after: world.draw(2_000...60_000) + world.standstillLeft) { [unowned self] world in
      think()
      if let (shard, definition) = toCreate.first, pending.isEmpty {
        toCreate.removeFirst()
        return begin(shard, .create(definition))
      }
      guard !world.events.isEmpty, !world.isHealing else { return }
      while pending.count < concurrency {
        want()
        if !world.random.chance(40) { break }
      }
    }
  }

  private var isLull: Bool {
    guard let lull = world.lull, world.time < lull.until else { return false }
    return door?.router.isDeaf == true || world.coordinator.registers[lull.shard]?.entry.primary.node == lull.primary
  }

  private func want() {
    guard let event = world.events.randomElement(using: &world.random) else { return }
    if isLull { return begin(event.shard, .seats(event, isFresh: false)) }
    let mine = holds.filter { $0.shard == event.shard }
    let dice = world.draw(0...99)
    if dice < 35 || mine.isEmpty && dice < 70 { return begin(event.shard, newHold(event)) }
    if dice < 40 { return begin(event.shard, .best(event, UInt32(world.draw(1...2)))) }
    if dice == 40 {
      return begin(event.shard, .set(event, isPaused: world.random.chance(30), price: Int64(world.draw(1...3)) * 50))
    }
    if dice == 41 || dice == 42 {
      let seat = SeatIndex(UInt32(world.draw(0...(SimulatedEvent.seatCount - 1))))
      return begin(event.shard, .block(event, seat, isBlocked: world.random.chance(40)))
    }
    if dice >= 43, dice < 46 {
      // One at a time, so that each answer is certain.
      guard !pending.contains(where: { $0.what.isOnOwnEvent }) else { return }
      return begin(own.event.shard, own.next(world))
    }
    if dice < 60 || mine.isEmpty { return begin(event.shard, look(event)) }
    guard let hold = mine.randomElement(using: &world.random) else { return }
    if let order = hold.order {
      switch world.draw(0...9) {
      case 0...3: begin(event.shard, .confirm(order, hold))
      case 4...7: begin(event.shard, .cancel(order, hold))
      default: begin(event.shard, .orderInfo(order, hold))
      }
    } else if let id = hold.holdID {
      switch world.draw(0...9) {
      case 0...4: begin(event.shard, .checkout(id, hold))
      case 5...6: begin(event.shard, .release(id, hold))
      case 7: begin(event.shard, .extend(id, hold, ttl: UInt32(world.draw(1...4))))
      default: begin(event.shard, .holdInfo(id, hold))
      }
    }
  }

  private func newHold(_ event: SimulatedEvent) -> ClientOperation.What {
    let ttl = UInt32(world.draw(0...4))
    let places = world.random.chance(35) ? UInt32(world.draw(1...3)) : 0
    if places > 0, world.random.chance(60) { return .hold(event, [], places: places, ttl: ttl) }
    let count = world.draw(1...2)
    let first = UInt32(world.draw(0...(SimulatedEvent.seatCount - count)))
    return .hold(event, (0..<UInt32(count)).map { SeatIndex(first + $0) }, places: places, ttl: ttl)
  }

  private func look(_ event: SimulatedEvent) -> ClientOperation.What {
    switch world.draw(0...9) {
    case 0...2: .seats(event, isFresh: true)
    case 3: .availability(event, isFresh: true)
    case 4...5: .seats(event, isFresh: false)
    case 6: .availability(event, isFresh: false)
    default: .seat(event, SeatIndex(UInt32(world.draw(0...(SimulatedEvent.seatCount - 1)))))
    }
  }

  func begin(_ shard: ShardID, _ what: ClientOperation.What) {
    var hasKey = world.keysAreClients || world.random.chance(60)
    if what.isOnOwnEvent { hasKey = true }
    if case .create = what { hasKey = true }
    let operation = ClientOperation(
      number: nextOperation, client: index, shard: shard, what: what, called: world.time,
      key: hasKey ? Bytes("c\(index)-\(nextOperation)") : nil)
    nextOperation += 1
    world.history.began(operation)
    pending.append(operation)
    send(operation)
  }

  /// Asks again for what was answered: the same key must have the same outcome.
  func repeats(_ operation: ClientOperation) {
    operation.isRepeated = true
    pending.append(operation)
    send(operation)
  }

  // MARK: Sending

  private func send(_ operation: ClientOperation) {
    operation.sentAt = world.time
    operation.door = nil
    guard let door = openDoor() else { return }
    operation.door = door
    door.send(operation)
  }

  /// A connection to some router, the one there is or another; nil: none answers.
  private func openDoor() -> SimulatedDoor? {
    if let door, door.isOpen, !world.random.chance(2) { return door }
    guard let router = world.routers.randomElement(using: &world.random), router.isUp,
      let loop = router.loops.randomElement(using: &world.random)
    else { return nil }
    let opened = SimulatedDoor(self, router, loop)
    door = opened
    return opened
  }

  /// The connection is gone: what was asked there, and not answered, is asked elsewhere if that can do no harm.
  func lost(_ lost: SimulatedDoor) {
    if door === lost { door = nil }
    for operation in pending where operation.door === lost {
      operation.door = nil
      if operation.mayBeRepeated {
        sendAgain(operation, after: world.draw(1_000...20_000))
      } else {
        giveUp(operation)
      }
    }
  }

  func reset() {
    guard let door else { return }
    door.close()
    lost(door)
  }

  private func sendAgain(_ operation: ClientOperation, after wait: Int) {
    let sentAt = operation.sentAt
    world.plan(after: wait) { [unowned self] _ in
      guard pending.contains(where: { $0 === operation }), operation.sentAt == sentAt else { return }
      send(operation)
    }
  }

  private func giveUp(_ operation: ClientOperation) {
    pending.removeAll { $0 === operation }
    if operation.what.isOnOwnEvent { own.isThere = nil }
    if !operation.neverHappened { world.history.gaveUp(operation) }
  }

  private func watchClock() {
    world.plan(after: 50_000 + world.standstillLeft) { [unowned self] world in
      watchClock()
      for operation in pending where world.time - operation.sentAt > patience {
        let waited = world.time - operation.called
        if operation.mayBeRepeated {
          if waited > 6_000_000, !world.isHealing, !operation.isRepeated, !operation.isCreation {
            giveUp(operation)
            continue
          }
          // The same question through another door; the first may still be answered.
          if world.random.chance(50) { door = nil }
          send(operation)
        } else if operation.door == nil {
          // It never left.
          send(operation)
        } else if waited > 4_000_000 + Int(world.routerDeadline.rawValue) * 1_000 {
          giveUp(operation)
        }
      }
    }
  }

  // MARK: Answers

  func received(_ reply: RouterReply, to operation: ClientOperation) {
    guard pending.contains(where: { $0 === operation }) else { return compare(reply, operation) }
    switch reply {
    case .unexpected(let text): world.fail("codec", "\(operation.what) is answered \(text)")
    case .unavailable:
      if operation.mayBeRepeated || world.random.chance(50) {
        sendAgain(operation, after: world.draw(5_000...100_000))
      } else {
        operation.neverHappened = true
        giveUp(operation)
      }
    case .unknown:
      if operation.mayBeRepeated {
        sendAgain(operation, after: world.draw(5_000...100_000))
      } else {
        giveUp(operation)
      }
    case .outcome(let outcome):
      pending.removeAll { $0 === operation }
      if operation.isRepeated { return compare(reply, operation) }
      operation.outcome = outcome
      world.history.returned(operation, at: world.time)
      took(operation, outcome)
    case .answer(let answer), .copy(let answer, _, _):
      pending.removeAll { $0 === operation }
      if case .copy(_, let since, let at) = reply { operation.copied = (since, at) }
      operation.answer = answer
      world.say("client \(index): \(operation.what) -> \(answer)")
      world.history.returned(operation, at: world.time)
    }
  }

  /// Every reply to a command with a client's key must have the same outcome.
  private func compare(_ reply: RouterReply, _ operation: ClientOperation) {
    guard case .outcome(let outcome) = reply, operation.key != nil, let first = operation.outcome, first != outcome
    else { return }
    // Without an event there is nothing that a key belongs to, and its id may come back.
    if first == .refused(.noSuchEvent) || operation.what.isOnOwnEvent && outcome == .refused(.noSuchEvent) { return }
    // Keys go with their event, but for those of creations and deletions: a hold that a slow router sends once more is
    // a new one of the event's next life.
    if case .hold = operation.what, operation.what.isOnOwnEvent, own.deletions > operation.deletions { return }
    world.fail("the same key, the same outcome", "\(operation.what): first \(first), then \(outcome)")
  }

  private func took(_ operation: ClientOperation, _ outcome: Outcome) {
    world.say("client \(index): \(operation.name) \(operation.what) -> \(outcome)")
    if operation.what.isOnOwnEvent {
      operation.deletions = own.deletions
      if let wrong = own.took(outcome) {
        world.fail("a deleted event is gone, a created one is there", "client \(index): \(operation.what): \(wrong)")
      }
      return
    }
    switch outcome {
    case .created(let ref, _):
      world.events.append(SimulatedEvent(shard: operation.shard, ref: ref, id: world.eventID(operation.shard)))
    case .held, .heldBest: holds.append(operation)
    case .checkedOut(let info): operation.what.hold?.order = info.order
    case .released, .order(.cancel, _):
      if world.random.chance(80) { holds.removeAll { $0 === operation.what.hold } }
    case .refused(.holdExpired), .refused(.orderExpired), .refused(.orderState), .refused(.noSuchHold),
      .refused(.noSuchOrder):
      if world.random.chance(80) { holds.removeAll { $0 === operation.what.hold } }
    case .order(.confirm, _), .extended, .termsSet, .blocked, .deleted, .place, .queue, .placeGivenUp, .noted, .refused:
      break
    }
    if holds.count > 8 { holds.removeFirst() }
  }
}

extension ClientOperation {
  fileprivate var isCreation: Bool {
    if case .create = what { return true }
    return false
  }
}
