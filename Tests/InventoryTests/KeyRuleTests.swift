import Inventory
import Octets
import Proto
import Testing
import Time

@Suite struct KeyRules {
  @Test(arguments: [false, true]) func aRetryGetsTheFirstOutcome(fromRouter: Bool) throws {
    let box = Box()
    let first = box.hold(seats(0), key: "key", fromRouter: fromRouter)
    #expect(first.mustLog)
    let digest = box.inventory.digest
    let again = box.hold(seats(0), key: "key", fromRouter: fromRouter)
    #expect(again == Applied(outcome: first.outcome, mustLog: false, isRepeat: true))
    #expect(box.hold(seats(1), key: "key", fromRouter: fromRouter).outcome == .refused(.keyReused))
    #expect(box.hold(seats(0), buyer: "bob", key: "key", fromRouter: fromRouter).outcome == .refused(.keyReused))
    #expect(box.inventory.digest == digest)
    // The other kind of key is another key.
    #expect(box.hold(seats(0), key: "key", fromRouter: !fromRouter).outcome == .refused(.seatsTaken([.init(0, .held)])))
  }

  @Test func refusalsAreStoredUnderClientKeysOnly() throws {
    let box = Box()
    let id = try box.held(0)
    let refused = Outcome.refused(.seatsTaken([.init(0, .held)]))
    #expect(box.hold(seats(0), key: "client") == Applied(outcome: refused, mustLog: true))
    #expect(box.hold(seats(0), key: "router", fromRouter: true) == Applied(outcome: refused, mustLog: false))
    #expect(box.hold(seats(0)) == Applied(outcome: refused, mustLog: false))
    _ = box.outcome(.release(id))
    #expect(box.hold(seats(0), key: "client") == Applied(outcome: refused, mustLog: false, isRepeat: true))
    guard case .held = box.hold(seats(0), key: "router", fromRouter: true).outcome else { return #expect(Bool(false)) }
  }

  @Test func everyCommandRepeatsItself() throws {
    let box = Box()
    let hold = try box.held(0)
    let extended = box.outcome(.extend(hold, ttl: 500), key: "a")
    box.wait(5_000)
    #expect(box.outcome(.extend(hold, ttl: 500), key: "a") == extended)
    let checkedOut = box.outcome(.checkout(hold, secret: 7), key: "b")
    guard case .checkedOut(let info) = checkedOut else { return #expect(Bool(false)) }
    let order = info.order
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
    #expect(again == Applied(outcome: best.outcome, mustLog: false, isRepeat: true))
    let created = box.inventory.apply(.createEvent(hall(id: "new"), incarnation: 1), key: "f")
    let repeated = box.inventory.apply(.createEvent(hall(id: "new"), incarnation: 2), key: "f")
    #expect(repeated == Applied(outcome: created.outcome, mustLog: false, isRepeat: true))
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

  /// A key that was used is refused for another command, also if that is about a hold that is gone; and what such a
  /// command got under a key, the key gets again.
  @Test(arguments: [false, true]) func aKeyIsUsedUpByWhatIsGone(throughASnapshot: Bool) throws {
    let box = Box()
    let (gone, other) = (try box.held(0, ttl: 5), try box.held(1, ttl: 5))
    let living = box.hold(seats(2), key: "held")
    box.wait(5_000)
    // Their slots are others' now.
    for seat in UInt32(3)..<6 { _ = try box.held(seat) }
    let expired = box.inventory.apply(.release(gone), key: "gone")
    #expect(expired == Applied(outcome: .refused(.holdExpired), mustLog: true))
    if throughASnapshot { box.inventory = try Inventory(snapshot: box.inventory.snapshot(), shard: shard) }
    let digest = box.inventory.digest
    // The used key, with a hold that is gone.
    #expect(box.outcome(.release(gone), key: "held") == .refused(.keyReused))
    #expect(box.outcome(.extend(gone, ttl: 5), key: "held") == .refused(.keyReused))
    #expect(box.hold(seats(2), key: "held") == Applied(outcome: living.outcome, mustLog: false, isRepeat: true))
    // The key that got a 410, with the same command, and with others.
    let again = box.inventory.apply(.release(gone), key: "gone")
    #expect(again == Applied(outcome: expired.outcome, mustLog: false, isRepeat: true))
    #expect(box.outcome(.release(other), key: "gone") == .refused(.keyReused))
    #expect(box.hold(seats(9), key: "gone").outcome == .refused(.keyReused))
    #expect(box.outcome(.createEvent(hall(id: "new"), incarnation: 9), key: "gone") == .refused(.keyReused))
    #expect(box.outcome(.event(.delete(id: "hall", isForced: true)), key: "gone") == .refused(.keyReused))
    #expect(box.inventory.digest == digest)
    // A router's key is spent on nothing by that.
    #expect(!box.inventory.apply(.release(gone), key: "router", fromRouter: true).mustLog)
    guard case .held = box.hold(seats(9), key: "router", fromRouter: true).outcome else { return #expect(Bool(false)) }
    // After a day the key is new.
    box.wait(86_400_000)
    guard case .held = box.hold(seats(9), key: "gone").outcome else { return #expect(Bool(false)) }
  }

  /// An order that never was, or that went with its event, uses a key up as well.
  @Test func aKeyIsUsedUpByAnOrderThatIsGone() throws {
    let box = Box()
    let order = try box.checkedOut(box.held(0)).order
    guard case .order = box.outcome(.confirm(order), key: "key") else { return #expect(Bool(false)) }
    #expect(box.outcome(.event(.delete(id: "hall", isForced: true))) == .deleted)
    #expect(box.outcome(.cancel(order), key: "key") == .refused(.keyReused))
    #expect(box.inventory.apply(.confirm(order), key: "key").mustLog, "it is decided anew: the order went")
    #expect(box.outcome(.confirm(order), key: "key") == .refused(.noSuchOrder))
    #expect(box.outcome(.createEvent(hall(id: "new"), incarnation: 9), key: "key") == .refused(.keyReused))
  }

  @Test func keysHaveTheEventAsScope() throws {
    let box = Box()
    guard case .created(let other, _) = box.outcome(.createEvent(hall(id: "other"), incarnation: 3)) else {
      return #expect(Bool(false))
    }
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
    #expect(box.hold(seats(0), key: "living") == Applied(outcome: living.outcome, mustLog: false, isRepeat: true))
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

  /// A key as a router makes it.
  private func routerKey(_ router: UInt64, _ number: UInt64) -> Bytes {
    var key: [UInt8] = []
    key.put(router)
    key.put(number)
    return Bytes(key)
  }

  /// What a hold's slot no longer says is remembered as long as its key.
  @Test(arguments: [false, true]) func aRoutersKeyOutlivesItsHold(throughASnapshot: Bool) throws {
    let box = Box(hall(holdTTL: 2))
    let floor = routerKey(5, 1)
    let first = box.hold(seats(0, 1, 2), buyer: "a buyer with a long name", key: floor, fromRouter: true)
    guard case .held(let held) = first.outcome else { return #expect(Bool(false)) }
    let short = box.hold(seats(5), key: routerKey(5, 2), fromRouter: true)
    let best = box.inventory.apply(
      .holdBest(.init(event: box.event, secret: 9, buyer: "ann", count: 2)), key: routerKey(5, 3), fromRouter: true)
    #expect(box.inventory.stats.routerKeys == 3)
    _ = box.outcome(.release(held.id))
    box.wait(3_000)
    _ = box.outcome(.tick)
    #expect(box.inventory.stats.holds == 0)
    // Their slots are others' now.
    for seat in UInt32(10)..<16 { _ = try box.held(seat) }
    if throughASnapshot { box.inventory = try Inventory(snapshot: box.inventory.snapshot(), shard: shard) }
    let again = box.hold(seats(0, 1, 2), buyer: "a buyer with a long name", key: floor, fromRouter: true)
    #expect(again == Applied(outcome: first.outcome, mustLog: false, isRepeat: true))
    #expect(
      box.hold(seats(5), key: routerKey(5, 2), fromRouter: true)
        == Applied(outcome: short.outcome, mustLog: false, isRepeat: true))
    let bestAgain = box.inventory.apply(
      .holdBest(.init(event: box.event, secret: 8, buyer: "ann", count: 2)), key: routerKey(5, 3), fromRouter: true)
    #expect(bestAgain == Applied(outcome: best.outcome, mustLog: false, isRepeat: true))
    #expect(box.hold(seats(6), key: routerKey(5, 2), fromRouter: true).outcome == .refused(.keyReused))
  }

  @Test func routersKeysAreForgottenBySlices() throws {
    let box = Box(hall(rows: 100, seats: 100))
    for number in UInt32(0)..<9_000 {
      // Now and then a number comes late: it is found as well.
      let key = routerKey(1 + UInt64(number % 3), UInt64(number) * 2 - (number % 100 == 7 ? 7 : 0))
      #expect(box.hold(seats(number), key: key, fromRouter: true).mustLog)
      if number % 1_000 == 0 { box.wait(3_000) }
    }
    for number in UInt32(0)..<9_000 {
      let key = routerKey(1 + UInt64(number % 3), UInt64(number) * 2 - (number % 100 == 7 ? 7 : 0))
      #expect(!box.hold(seats(number), key: key, fromRouter: true).mustLog)
    }
    #expect(!box.inventory.keysAreDue)
    box.wait(70_000)
    #expect(box.inventory.keysAreDue)
    for _ in 0..<40 { _ = box.outcome(.tick) }
    #expect(!box.inventory.keysAreDue)
    #expect(box.inventory.stats.routerKeys == 0)
    #expect(box.inventory.stats.keyBytes == 0)
  }

  /// More routers than have rows at one time: the others' keys are kept as any others are.
  @Test func manyRouters() throws {
    let box = Box(hall(rows: 100, seats: 100))
    for number in UInt32(0)..<2_000 {
      #expect(
        box.hold(seats(number), key: routerKey(UInt64(number % 400), 7 + UInt64(number)), fromRouter: true).mustLog)
    }
    for number in UInt32(0)..<2_000 {
      #expect(
        !box.hold(seats(number), key: routerKey(UInt64(number % 400), 7 + UInt64(number)), fromRouter: true).mustLog)
    }
    #expect(try Inventory(snapshot: box.inventory.snapshot(), shard: shard).digest == box.inventory.digest)
  }
}
