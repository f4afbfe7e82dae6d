import Octets
import Proto
import Time

/// The inventory's rules once more, slow and obvious: dictionaries, arrays, and a look at everything.
struct Model {
  struct Place {
    var section: Int
    /// 0-based from the section's front.
    var row: Int
    /// 0-based in the row.
    var number: Int
    var rowLength: Int
    var category: Int
  }

  struct Event {
    /// With the terms of now.
    var definition: EventDefinition
    var created: EventDefinition
    var slot: UInt32
    /// When it was deleted; nil: it is there.
    var deletedAt: Stamp?
    /// Nothing is left of it.
    var isCleared = false
    var isPaused = false
    var termsVersion: UInt64 = 0
    var incarnation: UInt64
    var version: UInt64 = 1
    var places: [Place] = []
    var states: [SeatState] = []
    var areasHeld: [Int]
    var areasSold: [Int]
    func areaFree(_ area: Int) -> Int {
      definition.areas[area].price == nil ? 0 : vacantPlaces(area)
    }
    func vacantPlaces(_ area: Int) -> Int {
      Int(definition.areas[area].capacity) - areasHeld[area] - areasSold[area] - blockedPlaces[area]
    }
    /// Seats and places that were taken off sale by themselves.
    var blockedSeats: Set<Int> = []
    var blockedPlaces: [Int]
    /// What a seat is that nobody has.
    func vacant(_ seat: Int) -> SeatState {
      blockedSeats.contains(seat) || definition.categories[places[seat].category].price == nil ? .notForSale : .free
    }
  }

  enum Life: Equatable { case held, released, over, pending, confirmed, cancelled, expired }

  struct Hold {
    var slot: UInt32
    var secret: UInt64
    var event: Int
    var buyer: Bytes
    var seats: [Int]
    var areas: [AreaCount]
    var life = Life.held
    /// What it was asked to pay.
    var total: Int64 = 0
    var deadline: Stamp
    var latestDeadline: Stamp
    var orderSecret: UInt64 = 0
    var createdAt: Stamp = 0
    var holdDeadline: Stamp = 0
    var reference = Bytes()
    var confirmedAt: Stamp?
    var endedAt: Stamp = 0
    /// Which of the shard's orders it is.
    var orderNumber = 0
    var lives: Bool { life == .held || life == .pending || life == .confirmed }
    var isOrder: Bool { [.pending, .confirmed, .cancelled, .expired].contains(life) }
    var count: Int { seats.count + areas.reduce(0) { $0 + Int($1.count) } }
  }

  struct Key {
    var key: Bytes
    var fromRouter: Bool
    var event: Int
    var command: Command
    var outcome: Outcome
    var stamp: Stamp
    var hold: UInt64?
    var bytes: Int
    var isParked = false
  }

  var shard: ShardID
  var now: Stamp = 0
  var events: [Event] = []
  /// By sequence number, all that ever were.
  var holds: [Hold] = []
  var freeSlots: [UInt32] = []
  var slotCount: UInt32 = 0
  var orderCount = 0
  /// Deleted events that the next tick clears away.
  var waiting: [Int] = []
  var keys: [Key] = []
  var clientBytes: Int
  var clientWindow: Milliseconds
  var routerWindow: Milliseconds

  // MARK: Time

  mutating func advance(to stamp: Stamp) -> Bool {
    now = max(now, stamp)
    var changed = false
    let due = holds.indices.filter {
      [.held, .pending, .released].contains(holds[$0].life) && holds[$0].deadline <= now
    }
    for hold in due.sorted(by: { (holds[$0].deadline, holds[$0].slot) < (holds[$1].deadline, holds[$1].slot) }) {
      changed = true
      guard events[holds[hold].event].deletedAt == nil else {
        clear(hold)
        continue
      }
      switch holds[hold].life {
      case .held:
        giveBack(hold)
        holds[hold].life = .over
        freeSlots.append(holds[hold].slot)
        events[holds[hold].event].version += 1
      case .released:
        holds[hold].life = .over
        freeSlots.append(holds[hold].slot)
      default:
        giveBack(hold)
        holds[hold].life = .expired
        holds[hold].endedAt = holds[hold].deadline
        events[holds[hold].event].version += 1
      }
    }
    return changed
  }

  private mutating func clear(_ hold: Int) {
    holds[hold].life = .over
    freeSlots.append(holds[hold].slot)
  }

  /// A tick clears deleted events away: first their holds and orders, by slot.
  mutating func sweep() {
    for hold in holds.indices.filter({ holds[$0].life != .over && events[holds[$0].event].deletedAt != nil })
      .sorted(by: { holds[$0].slot < holds[$1].slot })
    { clear(hold) }
    for event in waiting where now > events[event].deletedAt ?? 0 { events[event].isCleared = true }
    waiting.removeAll { events[$0].isCleared }
  }

  /// The lowest that no event has.
  private var freeEventSlot: UInt32 {
    let taken = Set(events.filter { !$0.isCleared }.map(\.slot))
    return (0...).first { !taken.contains($0) } ?? 0
  }

  mutating func giveBack(_ hold: Int) {
    let isSold = holds[hold].life == .confirmed
    for seat in holds[hold].seats { events[holds[hold].event].states[seat] = events[holds[hold].event].vacant(seat) }
    for area in holds[hold].areas {
      if isSold {
        events[holds[hold].event].areasSold[Int(area.area.rawValue)] -= Int(area.count)
      } else {
        events[holds[hold].event].areasHeld[Int(area.area.rawValue)] -= Int(area.count)
      }
    }
  }

  // MARK: Commands and keys

  mutating func apply(_ command: Command, key: Bytes, fromRouter: Bool) -> (outcome: Outcome, mustLog: Bool) {
    if command == .tick {
      sweep()
      return (.noted, true)
    }
    // A retry must mean the event that was meant first, not the next one of this id.
    if isAboutALife(command), !key.isEmpty,
      let before = visibleKey({ $0.key == key && $0.fromRouter == fromRouter && $0.command == bare(command) })
    {
      return (before.outcome, false)
    }
    if case .event(.delete(let id, let isForced)) = command, !key.isEmpty {
      let other = Command.event(.delete(id: id, isForced: !isForced))
      if visibleKey({ $0.key == key && $0.fromRouter == fromRouter && $0.command == other }) != nil {
        return (.refused(.keyReused), false)
      }
    }
    guard let event = event(of: command) else {
      // The event of a hold that is over is not known any more: only the very same command is a repeat.
      if !key.isEmpty, isFoundWithoutEvent(command),
        let before = visibleKey({ $0.key == key && $0.fromRouter == fromRouter && $0.command == bare(command) })
      {
        return (before.outcome, false)
      }
      if case .event(.create) = command { return create(command, key, fromRouter) }
      return (refusalWithoutEvent(command), false)
    }
    if !key.isEmpty,
      let before = visibleKey({ $0.key == key && $0.fromRouter == fromRouter && $0.event == event })
    {
      return before.command == bare(command) ? (before.outcome, false) : (.refused(.keyReused), false)
    }
    let (outcome, hold) = decide(command, event)
    if case .refused = outcome, key.isEmpty || fromRouter { return (outcome, false) }
    remember(command, key, fromRouter, event, outcome, hold)
    return (outcome, true)
  }

  private mutating func create(_ command: Command, _ key: Bytes, _ fromRouter: Bool) -> (Outcome, Bool) {
    guard case .event(.create(let definition, let incarnation)) = command else { return (.noted, false) }
    var new = Self.newEvent(definition, incarnation)
    new.slot = freeEventSlot
    events.append(new)
    let event = events.count - 1
    let outcome = Outcome.created(ref(event), version: 1)
    remember(command, key, fromRouter, event, outcome, nil)
    return (outcome, true)
  }

  func ref(_ event: Int) -> EventRef {
    EventRef(slot: EventSlot(events[event].slot), incarnation: events[event].incarnation)
  }

  func event(of command: Command) -> Int? {
    switch command {
    case .event(.create(let definition, _)): return living(definition.id)
    case .event(.delete(let id, _)): return living(id)
    case .event(.set(let ref, _)), .event(.block(let ref, _)): return knows(ref)
    case .hold(let hold): return knows(hold.event)
    case .holdBest(let best): return knows(best.event)
    case .onHold(let id, _): return find(id).map { holds[$0].event }
    case .onOrder(let id, _): return find(id).map { holds[$0].event }
    case .tick, .openEpoch: return nil
    }
  }

  private func isAboutALife(_ command: Command) -> Bool {
    switch command {
    case .event(.create), .event(.delete): true
    case .event(.set), .event(.block), .hold, .holdBest, .onHold, .onOrder, .tick, .openEpoch: false
    }
  }

  /// Whether a retry is answered by its key though nobody knows the event any more.
  private func isFoundWithoutEvent(_ command: Command) -> Bool {
    switch command {
    case .onHold, .event(.create), .event(.delete): true
    case .event(.set), .event(.block), .hold, .holdBest, .onOrder, .tick, .openEpoch: false
    }
  }

  func knows(_ ref: EventRef) -> Int? {
    events.indices.first { self.ref($0) == ref && events[$0].deletedAt == nil }
  }

  /// The last event that had this slot.
  func latest(in slot: EventSlot) -> Event { events.last { $0.slot == slot.rawValue } ?? events[0] }

  func living(_ id: Bytes) -> Int? {
    events.indices.first { events[$0].definition.id == id && events[$0].deletedAt == nil }
  }

  /// Whether the hold's event is there.
  private func isThere(_ hold: Hold) -> Bool { events[hold.event].deletedAt == nil }

  func find(_ id: HoldID) -> Int? {
    guard id.sequence < holds.count else { return nil }
    let hold = holds[Int(id.sequence)]
    return hold.life != .over && isThere(hold) && hold.slot == id.slot && hold.secret == id.secret
      ? Int(id.sequence) : nil
  }

  func find(_ id: OrderID) -> Int? {
    guard id.sequence < holds.count else { return nil }
    let hold = holds[Int(id.sequence)]
    return hold.isOrder && isThere(hold) && hold.slot == id.slot && hold.orderSecret == id.secret
      ? Int(id.sequence) : nil
  }

  func refusalWithoutEvent(_ command: Command) -> Outcome {
    switch command {
    case .hold, .holdBest, .event(.set), .event(.block): return .refused(.staleEvent)
    case .onOrder: return .refused(.noSuchOrder)
    case .onHold(let id, _):
      let isOver =
        id.sequence < holds.count && (holds[Int(id.sequence)].life == .over || !isThere(holds[Int(id.sequence)]))
        && id.slot < slotCount
      return .refused(isOver ? .holdExpired : .noSuchHold)
    case .event(.delete): return .refused(.noSuchEvent)
    case .event(.create), .tick, .openEpoch: return .noted
    }
  }

  /// The command without its random bits.
  func bare(_ command: Command) -> Command {
    switch command {
    case .event(.create(let definition, _)): return .createEvent(definition, incarnation: 0)
    case .hold(var hold):
      hold.secret = 0
      return .hold(hold)
    case .holdBest(var best):
      best.secret = 0
      return .holdBest(best)
    case .onHold(let id, let command): return .onHold(id, command.with(randomBits: 0))
    case .event(.set), .event(.block), .event(.delete), .onOrder, .tick, .openEpoch: return command
    }
  }

  func visibleKey(_ matches: (Key) -> Bool) -> Key? {
    keys.last { key in
      guard matches(key) else { return false }
      if key.fromRouter { return now - key.stamp < routerWindow }
      let lives = key.hold.map { holds[Int($0)].lives } ?? false
      return lives || !key.isParked && now - key.stamp < clientWindow
    }
  }

  mutating func remember(
    _ command: Command, _ key: Bytes, _ fromRouter: Bool, _ event: Int, _ outcome: Outcome, _ hold: UInt64?
  ) {
    guard !key.isEmpty else { return }
    var words = 4 + (key.count + 7) / 8
    if case .held = outcome {
      words += 3
    } else {
      var bytes: [UInt8] = []
      outcome.encode(into: &bytes)
      words += 1 + (bytes.count + 7) / 8
    }
    keys.append(
      Key(
        key: key, fromRouter: fromRouter, event: event, command: bare(command), outcome: outcome, stamp: now,
        hold: hold, bytes: words * 8))
    // The newest client keys stay that fit the limit together; older ones only while their hold or order lives.
    var sum = 0
    var count = 0
    for place in keys.indices.reversed() where !keys[place].fromRouter && !keys[place].isParked {
      sum += keys[place].bytes
      count += 1
      if sum > clientBytes, count > 1 { keys[place].isParked = true }
    }
    keys.removeAll { $0.isParked && !($0.hold.map { holds[Int($0)].lives } ?? false) }
  }

  // MARK: Decisions

  mutating func decide(_ command: Command, _ event: Int) -> (Outcome, hold: UInt64?) {
    switch command {
    case .event(.create): return (.refused(.eventExists), nil)
    case .event(.set(_, let change)): return (set(change, event), nil)
    case .event(.block(_, let block)): return (self.block(block, event), nil)
    case .event(.delete(_, let isForced)): return (delete(event, isForced), nil)
    case .hold(let hold):
      if let refusal = refusal(of: hold, event) { return (.refused(refusal), nil) }
      let held = enter(
        event, hold.seats.map { Int($0.rawValue) }, hold.areas, hold.buyer, hold.ttl, hold.secret)
      return (.held(held), held.id.sequence)
    case .holdBest(let best):
      if let refusal = refusal(of: best, event) { return (.refused(refusal), nil) }
      guard let seats = bestSeats(event, Int(best.count), best.category.map { Int($0.rawValue) }) else {
        return (.refused(.soldOut(best.category.map { .category($0) } ?? .event)), nil)
      }
      let held = enter(event, seats, [], best.buyer, best.ttl, best.secret)
      return (.heldBest(held, seats: seats.map { SeatIndex(UInt32($0)) }), held.id.sequence)
    case .onHold(let id, .release): return (release(Int(id.sequence)), id.sequence)
    case .onHold(let id, .extend(let ttl)): return (extend(Int(id.sequence), ttl), id.sequence)
    case .onHold(let id, .checkout(let secret, let reference)):
      return (checkout(Int(id.sequence), secret, reference), id.sequence)
    case .onOrder(let id, .confirm): return (confirm(Int(id.sequence)), id.sequence)
    case .onOrder(let id, .cancel): return (cancel(Int(id.sequence)), id.sequence)
    case .tick, .openEpoch: return (.noted, nil)
    }
  }

  mutating func set(_ change: TermsChange, _ event: Int) -> Outcome {
    var before = EventTerms(events[event].definition)
    before.isPaused = events[event].isPaused
    guard let terms = before.with(change) else { return .refused(.invalid(.terms)) }
    if terms != before {
      events[event].version += 1
      events[event].termsVersion = events[event].version
      events[event].definition = events[event].definition.with(terms)
      events[event].isPaused = terms.isPaused
      for seat in events[event].states.indices where [.free, .notForSale].contains(events[event].states[seat]) {
        events[event].states[seat] = events[event].vacant(seat)
      }
    }
    return .termsSet(version: events[event].version)
  }

  mutating func delete(_ event: Int, _ isForced: Bool) -> Outcome {
    let mine = holds.filter { $0.event == event }
    let held = mine.count { $0.life == .held }
    let orders = mine.count { $0.life == .pending || $0.life == .confirmed }
    guard isForced || held + orders == 0 else {
      return .refused(.eventInUse(holds: UInt32(held), orders: UInt32(orders)))
    }
    events[event].version += 1
    events[event].deletedAt = now
    waiting.append(event)
    return .deleted
  }

  mutating func block(_ block: SeatBlock, _ number: Int) -> Outcome {
    var event = events[number]
    if block.seats.isEmpty && block.areas.isEmpty { return .refused(.invalid(.seats)) }
    let seats = block.seats.map { Int($0.rawValue) }
    if seats.contains(where: { $0 >= event.places.count }) || Set(seats).count < seats.count {
      return .refused(.invalid(.seats))
    }
    let areas = block.areas.map { (number: Int($0.area.rawValue), count: Int($0.count)) }
    if areas.contains(where: { $0.number >= event.areasHeld.count || $0.count == 0 })
      || Set(areas.map(\.number)).count < areas.count
    {
      return .refused(.invalid(.areas))
    }
    if block.isBlocked {
      let taken = seats.indices.filter { [.held, .sold].contains(event.states[seats[$0]]) }
      if !taken.isEmpty { return .refused(.seatsTaken(taken.map { UInt16($0) })) }
      for area in areas where event.vacantPlaces(area.number) < area.count {
        return .refused(.soldOut(.area(AreaIndex(UInt16(area.number)))))
      }
    } else {
      for area in areas where event.blockedPlaces[area.number] < area.count {
        return .refused(.limitExceeded(.blockedPlaces, limit: Int64(event.blockedPlaces[area.number])))
      }
    }
    var changed = 0
    for seat in seats where ![.held, .sold].contains(event.states[seat]) {
      if event.blockedSeats.contains(seat) != block.isBlocked { changed += 1 }
      if block.isBlocked { event.blockedSeats.insert(seat) } else { event.blockedSeats.remove(seat) }
      event.states[seat] = event.vacant(seat)
    }
    for area in areas {
      changed += area.count
      event.blockedPlaces[area.number] += block.isBlocked ? area.count : -area.count
    }
    if changed > 0 { event.version += 1 }
    events[number] = event
    return .blocked(version: event.version, changed: UInt32(changed))
  }

  func refusal(of hold: Command.Hold, _ event: Int) -> Refusal? {
    let event = (index: event, value: events[event])
    if let refusal = refusal(ttl: hold.ttl, event.index) { return refusal }
    if hold.buyer.isEmpty || hold.buyer.count > 128 { return .invalid(.buyer) }
    if hold.seats.isEmpty && hold.areas.isEmpty { return .invalid(.seats) }
    if hold.seats.contains(where: { $0.rawValue >= event.value.places.count }) { return .invalid(.seats) }
    if Set(hold.seats).count < hold.seats.count { return .invalid(.seats) }
    if hold.areas.contains(where: { $0.area.rawValue >= event.value.definition.areas.count || $0.count == 0 }) {
      return .invalid(.areas)
    }
    if Set(hold.areas.map(\.area)).count < hold.areas.count { return .invalid(.areas) }
    let count = hold.seats.count + hold.areas.reduce(0) { $0 + Int($1.count) }
    if let refusal = saleRefusal(event.index, count, hold.buyer) { return refusal }
    let lost = hold.seats.indices.filter { event.value.states[Int(hold.seats[$0].rawValue)] != .free }
    if !lost.isEmpty { return .seatsTaken(lost.map { UInt16($0) }) }
    for area in hold.areas where Int(area.count) > event.value.areaFree(Int(area.area.rawValue)) {
      return .soldOut(.area(area.area))
    }
    return nil
  }

  func refusal(of best: Command.HoldBest, _ event: Int) -> Refusal? {
    if let refusal = refusal(ttl: best.ttl, event) { return refusal }
    if best.buyer.isEmpty || best.buyer.count > 128 { return .invalid(.buyer) }
    if best.count == 0 || best.count > 65_535 { return .invalid(.count) }
    if let category = best.category, category.rawValue >= events[event].definition.categories.count {
      return .invalid(.category)
    }
    return saleRefusal(event, Int(best.count), best.buyer)
  }

  func refusal(ttl: UInt32, _ event: Int) -> Refusal? {
    let most = events[event].definition.maxHoldTTL
    return ttl > most ? .limitExceeded(.maxHoldTTL, limit: Int64(most)) : nil
  }

  func saleRefusal(_ event: Int, _ count: Int, _ buyer: Bytes) -> Refusal? {
    let definition = events[event].definition
    if events[event].isPaused { return .notOnSale(at: nil) }
    if let onSaleAt = definition.onSaleAt, now < onSaleAt { return .notOnSale(at: onSaleAt) }
    if let limit = definition.maxPerOrder, count > limit { return .limitExceeded(.maxPerOrder, limit: Int64(limit)) }
    if let limit = definition.maxPerBuyer {
      let has = holds.filter { $0.lives && $0.event == event && $0.buyer == buyer }.reduce(0) { $0 + $1.count }
      if has + count > limit { return .limitExceeded(.maxPerBuyer, limit: Int64(limit)) }
    }
    return nil
  }

  mutating func enter(
    _ event: Int, _ seats: [Int], _ areas: [AreaCount], _ buyer: Bytes, _ ttl: UInt32, _ secret: UInt64
  ) -> Outcome.Held {
    var slot = slotCount
    if let free = freeSlots.popLast() { slot = free } else { slotCount += 1 }
    let length = Milliseconds.seconds(ttl == 0 ? events[event].definition.holdTTL : ttl)
    for seat in seats { events[event].states[seat] = .held }
    for area in areas { events[event].areasHeld[Int(area.area.rawValue)] += Int(area.count) }
    events[event].version += 1
    holds.append(
      Hold(
        slot: slot, secret: secret, event: event, buyer: buyer, seats: seats, areas: areas, deadline: now + length,
        latestDeadline: now + 3 * length))
    let sequence = UInt64(holds.count - 1)
    holds[holds.count - 1].total = price(holds.count - 1)
    return Outcome.Held(
      id: HoldID(shard: shard, slot: slot, sequence: sequence, secret: secret), expiresAt: now + length,
      total: holds[holds.count - 1].total, version: events[event].version)
  }

  private func price(_ hold: Int) -> Int64 {
    let event = events[holds[hold].event]
    let seats = holds[hold].seats.reduce(Int64(0)) {
      $0 + (event.definition.categories[event.places[$1].category].price ?? 0)
    }
    return holds[hold].areas.reduce(seats) {
      $0 + (event.definition.areas[Int($1.area.rawValue)].price ?? 0) * Int64($1.count)
    }
  }

  func orderID(_ hold: Int) -> OrderID {
    OrderID(shard: shard, slot: holds[hold].slot, sequence: UInt64(hold), secret: holds[hold].orderSecret)
  }

  mutating func release(_ hold: Int) -> Outcome {
    let event = holds[hold].event
    if holds[hold].isOrder { return .refused(.checkedOut(orderID(hold))) }
    if holds[hold].life == .held {
      giveBack(hold)
      holds[hold].life = .released
      events[event].version += 1
    }
    return .released(version: events[event].version)
  }

  mutating func extend(_ hold: Int, _ ttl: UInt32) -> Outcome {
    if ttl == 0 { return .refused(.invalid(.ttl)) }
    if let refusal = refusal(ttl: ttl, holds[hold].event) { return .refused(refusal) }
    if holds[hold].life == .released { return .refused(.holdExpired) }
    if holds[hold].isOrder { return .refused(.checkedOut(orderID(hold))) }
    let deadline = now + Milliseconds.seconds(ttl)
    if deadline > holds[hold].latestDeadline {
      return .refused(.limitExceeded(.holdLength, limit: (holds[hold].latestDeadline - now).seconds))
    }
    holds[hold].deadline = deadline
    events[holds[hold].event].version += 1
    return .extended(info(hold))
  }

  mutating func checkout(_ hold: Int, _ secret: UInt64, _ reference: Bytes) -> Outcome {
    if holds[hold].isOrder { return .checkedOut(orderInfo(hold)) }
    if holds[hold].life == .released { return .refused(.holdExpired) }
    let event = holds[hold].event
    orderCount += 1
    holds[hold].orderNumber = orderCount
    holds[hold].reference = reference
    holds[hold].life = .pending
    holds[hold].orderSecret = secret
    holds[hold].createdAt = now
    holds[hold].holdDeadline = holds[hold].deadline
    holds[hold].deadline = now + Milliseconds.seconds(events[event].definition.paymentTTL)
    events[event].version += 1
    return .checkedOut(orderInfo(hold))
  }

  mutating func confirm(_ hold: Int) -> Outcome {
    switch holds[hold].life {
    case .confirmed: return .order(.confirm, orderInfo(hold))
    case .expired: return .refused(.orderExpired)
    case .cancelled: return .refused(.orderState(.cancelled))
    default: break
    }
    let event = holds[hold].event
    holds[hold].life = .confirmed
    holds[hold].confirmedAt = now
    for seat in holds[hold].seats { events[event].states[seat] = .sold }
    for area in holds[hold].areas {
      events[event].areasHeld[Int(area.area.rawValue)] -= Int(area.count)
      events[event].areasSold[Int(area.area.rawValue)] += Int(area.count)
    }
    events[event].version += 1
    return .order(.confirm, orderInfo(hold))
  }

  mutating func cancel(_ hold: Int) -> Outcome {
    switch holds[hold].life {
    case .cancelled: return .order(.cancel, orderInfo(hold))
    case .expired: return .refused(.orderExpired)
    default: break
    }
    giveBack(hold)
    holds[hold].life = .cancelled
    holds[hold].endedAt = now
    events[holds[hold].event].version += 1
    return .order(.cancel, orderInfo(hold))
  }

  func info(_ number: Int) -> HoldInfo {
    let hold = holds[number]
    return HoldInfo(
      hold: HoldID(shard: shard, slot: hold.slot, sequence: UInt64(number), secret: hold.secret),
      event: ref(hold.event), eventID: events[hold.event].definition.id, buyer: hold.buyer,
      seats: hold.seats.map { SeatIndex(UInt32($0)) }, areas: hold.areas, total: hold.total,
      expiresAt: hold.isOrder ? hold.holdDeadline : hold.deadline, version: events[hold.event].version)
  }

  func orderInfo(_ number: Int) -> OrderInfo {
    let hold = holds[number]
    let state: OrderState =
      switch hold.life {
      case .confirmed: .confirmed(at: hold.confirmedAt ?? 0)
      case .cancelled: .cancelled(at: hold.endedAt, confirmedAt: hold.confirmedAt)
      case .expired: .expired(at: hold.endedAt)
      case .pending, .held, .released, .over: .pendingPayment
      }
    return OrderInfo(
      order: orderID(number), state: state, createdAt: hold.createdAt, payBy: hold.deadline, reference: hold.reference,
      hold: info(number))
  }

  /// An event's orders that fit, in the order of their checkouts.
  func orders(of event: Int, _ filter: OrderFilter) -> [OrderInfo] {
    holds.indices.filter { holds[$0].isOrder && holds[$0].event == event }
      .sorted { holds[$0].orderNumber < holds[$1].orderNumber }
      .map { orderInfo($0) }
      .filter { order in
        (filter.buyer.map { $0 == order.hold.buyer } ?? true) && (filter.status.map { $0 == order.status } ?? true)
          && (filter.reference.map { $0 == order.reference } ?? true)
      }
  }

  /// A buyer's holds of an event that are not checked out, by slot.
  func holds(of event: Int, buyer: Bytes) -> [HoldInfo] {
    holds.indices.filter { holds[$0].life == .held && holds[$0].event == event && holds[$0].buyer == buyer }
      .sorted { holds[$0].slot < holds[$1].slot }.map { info($0) }
  }
}
