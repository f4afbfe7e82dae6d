import Inventory
import Octets
import Proto
import TestKit
import Testing
import Time

/// Goal: the inventory does what the model does. Method: random commands in batches from a seed, on a primary; what
/// must be logged, and only that, on a follower; both are now and then replaced by what their own snapshot says.
struct ModelRun {
  let seed: UInt64
  var random: SeededRandom
  var model: Model
  var primary: Inventory
  var follower: Inventory
  var now: Stamp = 1_700_000_000_000
  var past: [(command: Command, key: Bytes, fromRouter: Bool)] = []
  /// By event.
  var copies: [Int: (version: UInt64, states: [UInt8])] = [:]
  var outcomes: [String: Int] = [:]
  var routerNumbers: [UInt64] = [100, 1 << 33, .max - 1 << 20]
  var quickHolds = 0
  /// Of the last logged record.
  var index: UInt64 = 0
  /// Half of the runs have a listener; the others may take the way of frequent holds.
  var isListening = false
  var projection = Projection()

  init(seed: UInt64) {
    self.seed = seed
    random = SeededRandom(seed: seed)
    let limits = KeyLimits(
      clientBytes: [300, 2_000, 1 << 20].randomElement(using: &random)!,
      clientWindow: [20_000, 86_400_000].randomElement(using: &random)!, routerWindow: 60_000)
    model = Model(
      shard: shard, clientBytes: limits.clientBytes, clientWindow: limits.clientWindow,
      routerWindow: limits.routerWindow)
    primary = Inventory(shard: shard, keyLimits: limits)
    follower = Inventory(shard: shard, keyLimits: limits, tableSalt: random.next())
    isListening = seed % 2 == 0
    primary.listen(isListening)
    follower.listen(isListening)
  }

  mutating func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

  mutating func definition() -> EventDefinition {
    let categories = (0..<pick(1...3)).map {
      EventDefinition.Category(name: Bytes("C\($0)"), price: random.chance(85) ? Int64(pick(0...9_000)) : nil)
    }
    func category(_ run: inout ModelRun) -> CategoryIndex {
      CategoryIndex(UInt16(run.pick(0...(categories.count - 1))))
    }
    var sections: [EventDefinition.Section] = []
    for number in 0..<pick(0...3) {
      if random.chance(50) {
        let rows = EventDefinition.Rows.grid(
          rows: UInt32(pick(1...4)), seatsPerRow: UInt32(pick(1...8)), category: category(&self))
        sections.append(.init(name: Bytes("S\(number)"), rows: rows))
      } else {
        var rows: [EventDefinition.Row] = []
        for row in 0..<pick(0...4) {
          let isMixed = random.chance(40)
          let one = category(&self)
          let seats = (0..<pick(0...9)).map { seat in
            EventDefinition.Seat(
              label: Bytes("\(number)-\(row)-\(seat)"), number: "1", category: isMixed ? category(&self) : one, x: 0,
              y: 0)
          }
          rows.append(.init(name: Bytes("\(row)"), seats: seats))
        }
        sections.append(
          .init(name: Bytes("S\(number)"), rows: .listed(rows), lines: random.lines(rows.map(\.seats.count))))
      }
    }
    let areas = (0..<pick(0...2)).map {
      EventDefinition.Area(name: Bytes("A\($0)"), capacity: UInt32(pick(0...30)), price: Int64(pick(0...5_000)))
    }
    var definition = EventDefinition(
      id: Bytes("event-\(pick(0...5))"), name: "Event", onSaleAt: random.chance(10) ? now + 5_000 : nil,
      holdTTL: UInt32(pick(1...40)), paymentTTL: UInt32(pick(60...90)),
      maxPerOrder: random.chance(30) ? UInt32(pick(1...6)) : nil,
      maxPerBuyer: random.chance(30) ? UInt32(pick(1...9)) : nil, categories: categories, sections: sections,
      areas: areas)
    if random.chance(60) { definition.maxHoldTTL = UInt32(pick(Int(definition.holdTTL)...70)) }
    definition.notForSale = (0..<definition.seatCount).filter { _ in random.chance(5) }.map { SeatIndex(UInt32($0)) }
    return definition
  }

  mutating func eventRef() -> EventRef? {
    guard !model.events.isEmpty else { return nil }
    var ref = model.ref(pick(0...(model.events.count - 1)))
    if random.chance(95), let event = living.randomElement(using: &random) { ref = model.ref(event) }
    if random.chance(2) { ref.incarnation += 1 }
    return ref
  }

  mutating func holdID() -> HoldID? {
    guard !model.holds.isEmpty else { return nil }
    let recent = max(0, model.holds.count - 12)
    let number = random.chance(80) ? pick(recent...(model.holds.count - 1)) : pick(0...(model.holds.count - 1))
    let hold = model.holds[number]
    return HoldID(
      shard: shard, slot: hold.slot, sequence: UInt64(number) + (random.chance(2) ? 1_000 : 0),
      secret: hold.secret + (random.chance(2) ? 1 : 0))
  }

  mutating func orderID() -> OrderID? {
    let orders = model.holds.indices.filter { model.holds[$0].isOrder }
    guard let number = orders.randomElement(using: &random) else { return nil }
    var id = model.orderID(number)
    if random.chance(2) { id.secret += 1 }
    return id
  }

  mutating func ttl() -> UInt32 { random.chance(50) ? 0 : random.chance(3) ? 90_000 : UInt32(pick(1...60)) }

  mutating func buyer() -> Bytes {
    if random.chance(2) { return "" }
    return Bytes(["ann", "bob", "a-buyer-with-a-long-name", "é", "ninebytes"].randomElement(using: &random)!)
  }

  mutating func command() -> Command {
    if model.events.isEmpty || random.chance(3) { return .createEvent(definition(), incarnation: random.next()) }
    if random.chance(2) { return .event(.delete(id: Bytes("event-\(pick(0...5))"), isForced: random.chance(60))) }
    if random.chance(4), let event = eventRef() { return .event(.set(event, change())) }
    if random.chance(4), let event = eventRef() { return .event(.block(event, block(event))) }
    switch pick(0...99) {
    case ..<38:
      guard let event = eventRef() else { return .tick }
      let count = model.latest(in: event.slot).places.count
      var seats: [SeatIndex] = []
      if count > 0, random.chance(85) {
        for _ in 0..<pick(1...(random.chance(50) ? 1 : 4)) {
          seats.append(SeatIndex(UInt32(pick(0...(count - 1 + (random.chance(3) ? 1 : 0))))))
        }
        if random.chance(95) { seats = Array(Set(seats)).sorted().shuffled(using: &random) }
      }
      if count > 40, random.chance(4) { seats = (0..<UInt32(40)).map { SeatIndex($0) } }
      var areas: [AreaCount] = []
      let areaCount = model.latest(in: event.slot).definition.areas.count
      if areaCount > 0, random.chance(30) {
        for _ in 0..<pick(1...2) {
          areas.append(
            AreaCount(
              area: AreaIndex(UInt16(pick(0...(areaCount - 1)))), count: UInt32(pick(random.chance(5) ? 0...0 : 1...9)))
          )
        }
      }
      return .hold(
        .init(event: event, ttl: ttl(), secret: random.next() >> 1, buyer: buyer(), seats: seats, areas: areas))
    case ..<55:
      guard let event = eventRef() else { return .tick }
      let category: CategoryIndex? = random.chance(40) ? CategoryIndex(UInt16(pick(0...3))) : nil
      return .holdBest(
        .init(
          event: event, ttl: ttl(), secret: random.next() >> 1, buyer: buyer(),
          count: UInt32(pick(random.chance(3) ? 0...0 : 1...5)),
          category: category))
    case ..<65: return holdID().map { .release($0) } ?? .tick
    case ..<72:
      let ttl = random.chance(4) ? UInt32(0) : UInt32(pick(1...80))
      return holdID().map { .extend($0, ttl: ttl) } ?? .tick
    case ..<84:
      let secret = random.next() >> 1
      let reference: Bytes = random.chance(50) ? "" : random.chance(50) ? "r-1" : "invoice number 4711"
      return holdID().map { .checkout($0, secret: secret, reference: reference) } ?? .tick
    case ..<91: return orderID().map { .confirm($0) } ?? .tick
    case ..<97: return orderID().map { .cancel($0) } ?? .tick
    default: return .tick
    }
  }

  /// Other terms, one or a few of them; prices come and go, and sometimes name what the event does not have.
  mutating func change() -> TermsChange {
    var change = TermsChange()
    if random.chance(20) { change.name = random.chance(50) ? "Event" : "Other" }
    if random.chance(20) { change.venue = random.chance(50) ? .remove : .set("Hall") }
    if random.chance(10) { change.onSaleAt = random.chance(70) ? .remove : .set(now + 1_000) }
    if random.chance(20) { change.holdTTL = UInt32(pick(1...50)) }
    if random.chance(20) { change.paymentTTL = UInt32(pick(60...90)) }
    if random.chance(20) { change.maxPerOrder = random.chance(50) ? .remove : .set(UInt32(pick(1...6))) }
    if random.chance(30) { change.maxPerBuyer = random.chance(50) ? .remove : .set(UInt32(pick(1...9))) }
    if random.chance(40) { change.isPaused = random.chance(15) }
    for _ in 0..<pick(0...3) {
      let item = UInt16(pick(0...(random.chance(3) ? 9 : 1)))
      let price: Int64? = random.chance(25) ? nil : Int64(pick(0...9)) * 100
      change.prices.append(.init(random.chance(60) ? .category(CategoryIndex(item)) : .area(AreaIndex(item)), price))
    }
    return change
  }

  /// A few seats and places, among them sometimes what the event does not have.
  mutating func block(_ event: EventRef) -> SeatBlock {
    let event = model.latest(in: event.slot)
    var seats: [SeatIndex] = []
    if event.places.count > 0, random.chance(85) {
      for _ in 0..<pick(1...5) {
        seats.append(SeatIndex(UInt32(pick(0...(event.places.count - 1 + (random.chance(3) ? 1 : 0))))))
      }
      if random.chance(95) { seats = Array(Set(seats)).shuffled(using: &random) }
    }
    var areas: [AreaCount] = []
    if random.chance(40) {
      areas.append(
        AreaCount(area: AreaIndex(UInt16(pick(0...1))), count: UInt32(pick(random.chance(5) ? 0...0 : 1...6))))
    }
    return SeatBlock(isBlocked: random.chance(55), seats: seats, areas: areas)
  }

  mutating func step() throws {
    now += Milliseconds(Int64(pick(0...3) == 0 ? pick(0...15_000) : pick(0...200)))
    // A primary may look at the clock without logging anything; the follower hears only of what is logged.
    while true {
      let stamp = primary.catchUpStamp(to: now, limit: 3)
      let changed = primary.advance(to: stamp)
      let expected = model.advance(to: stamp)
      try #require(changed == expected, "seed \(seed)")
      if changed {
        try #require(primary.apply(.tick).mustLog, "seed \(seed)")
        model.sweep()
        _ = follower.advance(to: stamp)
        _ = follower.apply(.tick)
        try logged()
      }
      if stamp == now { break }
    }
    for _ in 0..<pick(0...6) { try applyOne() }
    try check()
  }

  /// A record has been logged: both replicas say the same of it, and the projection takes it.
  mutating func logged() throws {
    index += 1
    let changes = primary.takeChanges(index: index)
    try #require(changes == follower.takeChanges(index: index), "seed \(seed): replicas differ in what changed")
    for change in changes { try projection.apply(change, model.events.map(\.created)) }
  }

  mutating func applyOne() throws {
    var one = (command: command(), key: Bytes(""), fromRouter: false)
    if random.chance(60) {
      one.fromRouter = random.chance(50)
      one.key = random.chance(30) ? Bytes("k\(pick(0...9))") : Bytes("key-\(random.next())")
      if one.fromRouter, random.chance(80) { one.key = routerKey() }
    }
    if random.chance(15), let again = past.randomElement(using: &random) {
      one = again
      // A retry draws its own random bits.
      if case .event(.create(let definition, _)) = one.command {
        one.command = .createEvent(definition, incarnation: random.next())
      }
      if case .hold(var hold) = one.command {
        hold.secret = random.next() >> 1
        one.command = .hold(hold)
      }
    }
    past.append(one)
    if past.count > 40 { past.removeFirst() }
    let bytes = record(one.command, key: one.key, fromRouter: one.fromRouter)
    let before = primary.digest
    let quickly = (random.chance(50), random.chance(50))
    let applied = Self.apply(bytes, to: &primary, quickly: quickly.0, &quickHolds)
    let expected = model.apply(one.command, key: one.key, fromRouter: one.fromRouter)
    try #require(applied.outcome == expected.outcome, "seed \(seed): \(one)")
    try #require(applied.mustLog == expected.mustLog, "seed \(seed): \(one)")
    if applied.mustLog {
      _ = follower.advance(to: now)
      let repeated = Self.apply(bytes, to: &follower, quickly: quickly.1, &quickHolds)
      try #require(repeated == applied, "seed \(seed): the follower, \(one)")
      try logged()
    } else {
      try #require(primary.digest == before, "seed \(seed): changed without a record, \(one)")
    }
    outcomes["\(one.command.kind) \(Self.name(applied.outcome))", default: 0] += 1
  }

  /// As routers make them: an id and a number that mostly grows.
  mutating func routerKey() -> Bytes {
    let router = pick(0...2)
    routerNumbers[router] += UInt64(pick(1...3))
    var key: [UInt8] = []
    key.put(UInt64(router + 7))
    key.put(random.chance(10) ? routerNumbers[router] - UInt64(pick(1...9)) : routerNumbers[router])
    return Bytes(key)
  }

  /// `quickly`: by the way that frequent holds go, if it takes the record.
  static func apply(
    _ bytes: [UInt8], to inventory: inout Inventory, quickly: Bool, _ quickHolds: inout Int
  ) -> Applied {
    if quickly, let held = inventory.applyOne(bytes: bytes) {
      quickHolds += 1
      return Applied(outcome: .held(held), mustLog: true)
    }
    return inventory.apply(bytes: bytes)
  }

  static func name(_ outcome: Outcome) -> String {
    if case .refused(let refusal) = outcome {
      return "refused \(refusal)".split(separator: "(").prefix(2).joined(separator: " ")
    }
    return "\(outcome)".split(separator: "(").first.map(String.init) ?? ""
  }

  /// Lists of one event, read page after page.
  mutating func checkLists() throws {
    guard random.chance(20), let event = living.randomElement(using: &random) else { return }
    let id = model.events[event].definition.id
    let someone = random.chance(50) ? buyer() : "ann"
    let filter = OrderFilter(
      buyer: random.chance(50) ? someone : nil,
      status: random.chance(50) ? OrderStatus.allCases.randomElement(using: &random) : nil,
      reference: random.chance(30) ? "r-1" : random.chance(20) ? "invoice number 4711" : nil)
    let limit = UInt16(pick(1...5))
    var orders: [OrderInfo] = []
    var after: UInt32? = 0
    while let place = after {
      guard case .orders(let page, let next) = primary.answer(.orders(id: id, filter, after: place, limit: limit))
      else {
        throw Unexpected(outcome: .noted)
      }
      try #require(page.count <= Int(limit) && next.map { $0 > place } ?? true, "seed \(seed)")
      orders += page
      after = next
    }
    try #require(orders == model.orders(of: event, filter), "seed \(seed)")
    var holds: [HoldInfo] = []
    after = 0
    while let place = after {
      let query = Query.holds(id: id, buyer: someone, after: place, limit: limit)
      guard case .holds(let page, let next) = primary.answer(query) else { throw Unexpected(outcome: .noted) }
      try #require(page.count <= Int(limit) && next.map { $0 > place } ?? true, "seed \(seed)")
      holds += page
      after = next
    }
    try #require(holds == model.holds(of: event, buyer: someone), "seed \(seed)")
  }

  /// Events that are there.
  var living: [Int] { model.events.indices.filter { model.events[$0].deletedAt == nil } }

  mutating func check() throws {
    try #require(primary.digest == follower.digest, "seed \(seed)")
    for event in living {
      let id = model.events[event].definition.id
      let states = Bytes(model.events[event].states.map(\.rawValue))
      let version = model.events[event].version
      try #require(
        primary.answer(.seats(id: id)) == .seats(model.ref(event), version: version, states: states), "seed \(seed)")
      try #require(
        primary.answer(.availability(id: id))
          == .availability(model.ref(event), version: version, model.availability(event)), "seed \(seed)")
      if copies[event] == nil {
        primary.watch(id)
        copies[event] = (version, states.array)
      }
    }
    for update in primary.takeFeedUpdates() {
      let event = try #require(model.events.indices.first { model.ref($0) == update.event })
      guard model.events[event].deletedAt == nil, copies[event] != nil else {
        // Whoever has a copy asks again, and hears that it is gone.
        try #require(update.fromVersion == update.version, "seed \(seed)")
        continue
      }
      if update.fromVersion == update.version {
        // Too much changed at once to be told: routers ask again.
        copies[event] = (update.version, model.events[event].states.map(\.rawValue))
      }
      if isListening {
        try projection.check(
          update, isWhole: update.fromVersion == update.version, states: model.events[event].states.map(\.rawValue))
      }
      try #require(update.fromVersion <= copies[event]?.version ?? 0, "seed \(seed)")
      for change in update.seats { copies[event]?.states[Int(change.seat.rawValue)] = change.state.rawValue }
      copies[event]?.version = update.version
      try #require(update.availability == model.availability(event), "seed \(seed)")
    }
    for event in living {
      try #require(copies[event]?.version == model.events[event].version, "seed \(seed)")
      try #require(copies[event]?.states == model.events[event].states.map(\.rawValue), "seed \(seed)")
    }
    try checkLists()
    for number in model.holds.indices.suffix(20) {
      let hold = model.holds[number]
      let id = HoldID(shard: shard, slot: hold.slot, sequence: UInt64(number), secret: hold.secret)
      let isGone = model.events[hold.event].deletedAt != nil
      let isThere = !isGone && (hold.life == .held || hold.isOrder)
      try #require(
        primary.answer(.hold(id))
          == (hold.isOrder && !isGone
            ? .order(model.orderInfo(number)) : isThere ? .hold(model.info(number)) : .refused(.holdExpired)),
        "seed \(seed)")
      if hold.isOrder, !isGone {
        try #require(primary.answer(.order(model.orderID(number))) == .order(model.orderInfo(number)), "seed \(seed)")
      }
    }
    if isListening { try projection.check(primary) }
    if random.chance(10) { try snapshots() }
  }

  mutating func snapshots() throws {
    // Both stand at the same position, though the primary's clock may be ahead of the log.
    let bytes = primary.snapshot()
    try #require(bytes == follower.snapshot(), "seed \(seed): snapshots at one position")
    let decoded = try Inventory(snapshot: bytes, shard: shard)
    try #require(decoded.digest == primary.digest, "seed \(seed)")
    try #require(decoded.snapshot() == bytes, "seed \(seed): a snapshot of a snapshot")
    follower = decoded
    follower.listen(isListening)
    if random.chance(50) {
      primary = decoded
      primary.listen(isListening)
      _ = primary.advance(to: now)
      for event in living { primary.watch(model.events[event].definition.id) }
    }
  }
}

@Test(arguments: [UInt64](1...60)) func doesWhatTheModelDoes(seed: UInt64) throws {
  var run = ModelRun(seed: seed)
  for _ in 0..<250 { try run.step() }
}

/// The random commands must reach every outcome, or the comparison above means little.
@Test func randomCommandsReachEveryOutcome() throws {
  var seen: Set<String> = []
  var quickHolds = 0
  for seed in UInt64(1)...30 {
    var run = ModelRun(seed: seed)
    for _ in 0..<250 { try run.step() }
    seen.formUnion(run.outcomes.keys)
    quickHolds += run.quickHolds
  }
  #expect(quickHolds > 30)
  let wanted = [
    "createEvent created", "createEvent refused eventExists", "setEvent termsSet", "setEvent refused invalid",
    "setEvent refused staleEvent", "blockEvent blocked", "blockEvent refused seatsTaken", "blockEvent refused soldOut",
    "deleteEvent deleted", "deleteEvent refused eventInUse", "deleteEvent refused noSuchEvent",
    "blockEvent refused limitExceeded", "blockEvent refused invalid", "hold held", "hold refused staleEvent",
    "hold refused invalid", "hold refused notOnSale", "hold refused limitExceeded", "hold refused seatsTaken",
    "hold refused soldOut", "hold refused keyReused", "holdBest heldBest", "holdBest refused soldOut",
    "holdBest refused limitExceeded", "release released", "release refused holdExpired", "release refused noSuchHold",
    "release refused checkedOut", "extend extended", "extend refused limitExceeded", "extend refused checkedOut",
    "checkout checkedOut", "checkout refused holdExpired", "confirm order", "confirm refused orderExpired",
    "confirm refused orderState", "confirm refused noSuchOrder", "cancel order", "cancel refused orderExpired",
  ]
  for outcome in wanted { #expect(seen.contains { $0.hasPrefix(outcome) }, "\(outcome) in \(seen.sorted())") }
}
