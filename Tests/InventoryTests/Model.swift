import Octets
import Proto
import Time

/// The inventory's rules once more, slow and obvious: dictionaries, arrays, and a look at everything.
struct Model {
  struct Place {
    var section: Int
    var category: Int
  }

  /// Seats as they stand.
  struct Line {
    var section: Int
    /// 0-based from the section's front.
    var number: Int
    var seats: [Int]
    /// Places in front of which a gap is.
    var gaps: Set<Int>
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
    var lines: [Line] = []
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
    /// `noEvent`: the command was about a hold or order that was no more.
    var event: Int
    var command: Command
    var outcome: Outcome
    var stamp: Stamp
    var hold: UInt64?
    var bytes: Int
    var isParked = false
  }

  static let noEvent = -1

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
    if isAboutALife(command), let before = keyWithoutEvent(key, fromRouter) {
      return before.command == bare(command) ? (before.outcome, false) : (.refused(.keyReused), false)
    }
    guard let event = event(of: command) else {
      // The event of a hold that is over is not known any more: only the very same command is a repeat.
      if !key.isEmpty, isFoundWithoutEvent(command),
        let before = visibleKey({ $0.key == key && $0.fromRouter == fromRouter && $0.command == bare(command) })
      {
        return (before.outcome, false)
      }
      if case .event(.create) = command { return create(command, key, fromRouter) }
      return refuseWithoutEvent(command, key, fromRouter)
    }
    if !key.isEmpty,
      let before = visibleKey({ $0.key == key && $0.fromRouter == fromRouter && $0.event == event })
    {
      return before.command == bare(command) ? (before.outcome, false) : (.refused(.keyReused), false)
    }
    if let before = keyWithoutEvent(key, fromRouter) {
      return before.command == bare(command) ? (before.outcome, false) : (.refused(.keyReused), false)
    }
    let (outcome, hold) = decide(command, event)
    if case .refused = outcome, key.isEmpty || fromRouter { return (outcome, false) }
    remember(command, key, fromRouter, event, outcome, hold)
    return (outcome, true)
  }

  /// A refusal because a hold or order is no more: a client's key counts for every event.
  private mutating func refuseWithoutEvent(_ command: Command, _ key: Bytes, _ fromRouter: Bool) -> (Outcome, Bool) {
    let outcome = refusalWithoutEvent(command)
    switch command {
    case .event, .hold, .holdBest, .passHold, .passHoldBest, .onQueue, .onPlace, .tick, .openEpoch:
      return (outcome, false)
    case .onHold, .onOrder: break
    }
    if key.isEmpty || fromRouter { return (outcome, false) }
    let newest = keys.last { $0.key == key && !$0.fromRouter && !$0.isParked && now - $0.stamp < clientWindow }
    if let newest, newest.command != bare(command) { return (.refused(.keyReused), false) }
    if let before = keyWithoutEvent(key, fromRouter) { return (before.outcome, false) }
    remember(command, key, fromRouter, Self.noEvent, outcome, nil)
    return (outcome, true)
  }

  private func keyWithoutEvent(_ key: Bytes, _ fromRouter: Bool) -> Key? {
    if key.isEmpty || fromRouter { return nil }
    return visibleKey { $0.key == key && !$0.fromRouter && $0.event == Self.noEvent }
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
    case .passHold, .passHoldBest, .onQueue, .onPlace, .tick, .openEpoch: return nil
    }
  }

  private func isAboutALife(_ command: Command) -> Bool {
    switch command {
    case .event(.create), .event(.delete): true
    case .event(.set), .event(.block), .hold, .holdBest, .passHold, .passHoldBest, .onHold, .onOrder, .onQueue,
      .onPlace, .tick, .openEpoch:
      false
    }
  }

  /// Whether a retry is answered by its key though nobody knows the event any more.
  private func isFoundWithoutEvent(_ command: Command) -> Bool {
    switch command {
    case .onHold, .event(.create), .event(.delete): true
    case .event(.set), .event(.block), .hold, .holdBest, .passHold, .passHoldBest, .onOrder, .onQueue, .onPlace, .tick,
      .openEpoch:
      false
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
    case .passHold, .passHoldBest, .onQueue, .onPlace: preconditionFailure("rooms have a test of their own")
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
    case .event(.set), .event(.block), .event(.delete), .passHold, .passHoldBest, .onOrder, .onQueue, .onPlace, .tick,
      .openEpoch:
      return command
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
}
