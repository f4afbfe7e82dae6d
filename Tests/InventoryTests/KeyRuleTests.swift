import Inventory
import Proto
import Testing

@Suite struct KeyRules {
  @Test(arguments: [false, true]) func aRetryGetsTheFirstOutcome(fromRouter: Bool) throws {
    let box = Box()
    let first = box.hold(seats(0), key: "key", fromRouter: fromRouter)
    #expect(first.mustLog)
    let digest = box.inventory.digest
    let again = box.hold(seats(0), key: "key", fromRouter: fromRouter)
    #expect(again == Applied(outcome: first.outcome, mustLog: false))
    #expect(box.hold(seats(1), key: "key", fromRouter: fromRouter).outcome == .refused(.keyReused))
    #expect(box.hold(seats(0), buyer: "bob", key: "key", fromRouter: fromRouter).outcome == .refused(.keyReused))
    #expect(box.inventory.digest == digest)
    // The other kind of key is another key.
    #expect(box.hold(seats(0), key: "key", fromRouter: !fromRouter).outcome == .refused(.seatsTaken([0])))
  }

  @Test func refusalsAreStoredUnderClientKeysOnly() throws {
    let box = Box()
    let id = try box.held(0)
    let refused = Outcome.refused(.seatsTaken([0]))
    #expect(box.hold(seats(0), key: "client") == Applied(outcome: refused, mustLog: true))
    #expect(box.hold(seats(0), key: "router", fromRouter: true) == Applied(outcome: refused, mustLog: false))
    #expect(box.hold(seats(0)) == Applied(outcome: refused, mustLog: false))
    _ = box.outcome(.release(id))
    #expect(box.hold(seats(0), key: "client") == Applied(outcome: refused, mustLog: false))
    guard case .held = box.hold(seats(0), key: "router", fromRouter: true).outcome else { return #expect(Bool(false)) }
  }

  @Test func everyCommandRepeatsItself() throws {
    let box = Box()
    let hold = try box.held(0)
    let extended = box.outcome(.extend(hold, ttl: 700), key: "a")
    box.wait(5_000)
    #expect(box.outcome(.extend(hold, ttl: 700), key: "a") == extended)
    let checkedOut = box.outcome(.checkout(hold, secret: 7), key: "b")
    guard case .checkedOut(let info) = checkedOut, let order = info.order else { return #expect(Bool(false)) }
    let confirmed = box.outcome(.confirm(order), key: "c")
    let cancelled = box.outcome(.cancel(order), key: "d")
    box.wait(5_000)
    #expect(box.outcome(.checkout(hold, secret: 8), key: "b") == checkedOut)
    #expect(box.outcome(.confirm(order), key: "c") == confirmed)
    #expect(box.outcome(.cancel(order), key: "d") == cancelled)
    #expect(box.outcome(.confirm(order), key: "d") == .refused(.keyReused))
    #expect(box.outcome(.release(hold), key: "a") == .refused(.keyReused))
    let best = box.inventory.apply(
      .holdBest(.init(event: box.event, secret: 1, buyer: "ann", count: 2)), key: "e")
    let again = box.inventory.apply(
      .holdBest(.init(event: box.event, secret: 2, buyer: "ann", count: 2)), key: "e")
    #expect(again == Applied(outcome: best.outcome, mustLog: false))
    let created = box.inventory.apply(.createEvent(hall(id: "new"), incarnation: 1), key: "f")
    let repeated = box.inventory.apply(.createEvent(hall(id: "new"), incarnation: 2), key: "f")
    #expect(repeated == Applied(outcome: created.outcome, mustLog: false))
    #expect(
      box.inventory.apply(.createEvent(hall(id: "new", rows: 1), incarnation: 2), key: "f").outcome
        == .refused(.keyReused))
  }

  /// A release is repeated by its key even when the slot has long been another hold's.
  @Test func aReleaseIsRepeatedAfterTheHoldIsForgotten() throws {
    let box = Box()
    let hold = try box.held(0, ttl: 5)
    let released = box.outcome(.release(hold), key: "key")
    box.wait(5_000)
    let next = try box.held(0)
    #expect(next.slot == hold.slot)
    #expect(box.outcome(.release(hold), key: "key") == released)
    #expect(box.outcome(.release(hold), key: "other") == .refused(.holdExpired))
    #expect(box.states.hasPrefix("h"))
  }

  @Test func keysHaveTheEventAsScope() throws {
    let box = Box()
    guard case .created(let other, _) = box.outcome(.createEvent(hall(id: "other"), incarnation: 3)) else { return }
    _ = box.hold(seats(0), key: "key")
    let second = box.inventory.apply(
      .hold(.init(event: other, secret: 4, buyer: "ann", seats: seats(7))), key: "key")
    guard case .held = second.outcome else { return #expect(Bool(false), "\(second)") }
  }

  @Test func routerKeysLastAMinuteAndClientKeysADay() throws {
    let box = Box(hall(holdTTL: 1))
    _ = box.hold(seats(0), key: "router", fromRouter: true)
    _ = box.hold(seats(1), key: "client")
    box.wait(59_999)
    guard case .held(let router) = box.hold(seats(0), key: "router", fromRouter: true).outcome else {
      return #expect(Bool(false))
    }
    #expect(router.expiresAt < box.inventory.now)
    box.wait(1)
    guard case .held(let fresh) = box.hold(seats(0), key: "router", fromRouter: true).outcome else {
      return #expect(Bool(false))
    }
    #expect(fresh.expiresAt > box.inventory.now)
    box.wait(86_400_000 - 60_001)
    #expect(box.hold(seats(1), key: "client").mustLog == false)
    box.wait(1)
    #expect(box.hold(seats(1), key: "client").mustLog)
    for _ in 0..<4 { _ = box.outcome(.tick) }
    #expect(box.inventory.stats.routerKeys == 0)
    #expect(box.inventory.stats.clientKeys == 1)
  }

  @Test func keysOfLivingHoldsOutliveTheByteLimit() throws {
    let box = Box(hall(rows: 50, seats: 40), keyLimits: KeyLimits(clientBytes: 2_000))
    let living = box.hold(seats(0), key: "living")
    guard case .held(let held) = living.outcome else { return #expect(Bool(false)) }
    let dead = box.hold(seats(0), key: "refused")
    for number in 1..<100 {
      let hold = box.hold(seats(UInt32(number)), key: Bytes("key \(number)"))
      guard case .held(let held) = hold.outcome else { return #expect(Bool(false)) }
      _ = box.outcome(.release(held.id))
    }
    #expect(box.hold(seats(0), key: "living") == Applied(outcome: living.outcome, mustLog: false))
    #expect(box.hold(seats(0), key: "refused").mustLog, "dropped, so it is decided anew")
    #expect(dead.mustLog)
    #expect(box.inventory.stats.keyBytes < 2_200)
    _ = box.outcome(.release(held.id))
    guard case .held = box.hold(seats(0), key: "living").outcome else { return #expect(Bool(false)) }
    #expect(box.hold(seats(0), key: "living").mustLog == false)
  }

  @Test func manyKeysAreFoundAndDropped() throws {
    let box = Box(hall(rows: 200, seats: 100, holdTTL: 1))
    // Enough for the index to split its pages.
    for number in UInt32(0)..<20_000 {
      #expect(box.hold(seats(number), key: Bytes("number \(number)"), fromRouter: true).mustLog)
    }
    for number in UInt32(0)..<20_000 {
      #expect(!box.hold(seats(number), key: Bytes("number \(number)"), fromRouter: true).mustLog)
    }
    box.wait(60_000)
    for _ in 0..<2_500 { _ = box.outcome(.tick) }
    #expect(box.inventory.stats.routerKeys == 0)
    #expect(box.inventory.stats.keyBytes == 0)
  }
}
