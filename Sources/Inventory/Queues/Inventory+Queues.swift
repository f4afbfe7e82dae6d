import Digests
import Octets
import Proto
import Time

/// Commands on waiting rooms and their places.
extension Inventory {
  /// Changes an event's room in place, and the digest with it; nil: there is none.
  private mutating func change<Result>(_ event: UInt32, _ body: (inout Room) -> Result) -> Result? {
    rooms[event]?.change(&digest, body)
  }

  /// The event's room follows its terms: it is made, stays, or goes with everybody in it.
  mutating func fitRoom(_ event: UInt32) {
    let isWanted = events[event].life == .living && events[event].layout.definition.waitingRoom != nil
    if isWanted == (rooms[event] != nil) { return }
    if isWanted {
      let room = Room(slot: event, incarnation: events[event].incarnation, salt: tableSalt)
      rooms[event] = room
      digest &+= room.digestTerm
    } else if let room = rooms.removeValue(forKey: event) {
      digest &-= room.digestTerm
    }
  }

  /// When calls begin; nil: as soon as the room is open.
  func startsAt(_ event: UInt32) -> Stamp? {
    let definition = events[event].layout.definition
    return definition.waitingRoom?.startsAt ?? definition.onSaleAt
  }

  /// Brings a room to the present: it starts when its time has come, calls and passes end. Every record about the room
  /// does so first, and where there is none the primary logs an empty call.
  private mutating func settle(_ event: UInt32) {
    guard let terms = events[event].layout.definition.waitingRoom else { return }
    let (now, startsAt) = (now, startsAt(event) ?? .distantPast)
    _ = change(event) { room in
      if room.keys != nil, room.draw == nil, now >= startsAt { room.start(terms.order) }
      room.end(by: now)
    }
  }

  mutating func applyToQueue(_ kind: QueueCommand.Kind, _ record: borrowing CommandRecord) -> Applied {
    guard case .onQueue(let ref, let command) = try? Command(decoding: record) else {
      return Self.refuse(.invalid(.buyer))
    }
    guard events.knows(ref) else { return Self.refuse(.staleEvent) }
    let event = ref.slot.rawValue
    guard let terms = events[event].layout.definition.waitingRoom, rooms[event] != nil else {
      return Self.refuse(.noWaitingRoom)
    }
    switch command {
    case .join(let buyer): return join(buyer, event, terms)
    case .control(let control):
      var key = Key()
      if let repeated = repeated(record, event: event, key: &key) { return repeated }
      return conclude(self.control(control, event, terms), record, key, event: event, subject: nil)
    case .open(let secret, let placeKey):
      guard let secret = Digest256(secret.array), let placeKey = Digest256(placeKey.array) else {
        return Self.refuse(.invalid(.definition))
      }
      _ = change(event) { room in
        if room.keys == nil { room.keys = Room.Keys(secret: secret, placeKey: placeKey) }
      }
      settle(event)
      logged()
      return Applied(outcome: .noted, mustLog: true)
    case .call(let calls):
      settle(event)
      let now = now
      _ = change(event) { room in
        if room.draw != nil { room.call(calls, claimTTL: terms.claimTTL, at: now) }
      }
      logged()
      return Applied(outcome: .noted, mustLog: true)
    }
  }

  /// A buyer has one place, so that a join may be repeated and keeps no key.
  private mutating func join(_ buyer: Bytes, _ event: UInt32, _ terms: WaitingRoom) -> Applied {
    if buyer.isEmpty || buyer.count > 128 { return Self.refuse(.invalid(.buyer)) }
    if let join = rooms[event]?.find(buyer.rawSpan) {
      let info = placeInfo(join, event, terms)
      if info.state != .left { return Applied(outcome: .place(info), mustLog: false) }
    }
    // Looked at in place: a copy that is kept would make the join copy pages.
    if rooms[event]?.keys == nil { return Self.refuse(.queueClosed(opensAt: terms.opensAt)) }
    if rooms[event]?.isDrained == true { return Self.refuse(.queueClosed(opensAt: nil)) }
    if rooms[event]?.isFull == true { return Self.refuse(.limitExceeded(.shardCapacity, limit: Int64(Room.joinsMax))) }
    settle(event)
    let shard = shard
    guard let join = change(event, { $0.join(buyer.rawSpan, shard: shard) }) else {
      return Self.refuse(.noWaitingRoom)
    }
    logged()
    return Applied(outcome: .place(placeInfo(join, event, terms)), mustLog: true)
  }

  private mutating func control(_ control: QueueControl, _ event: UInt32, _ terms: WaitingRoom) -> Outcome {
    var other = WaitingRoomChange()
    other.admitPerMinute = control.admitPerMinute
    if let limit = control.maxInside { other.maxInside = limit.map { .set($0) } ?? .remove }
    let wanted = terms.with(other)
    guard wanted.isPossible, control.message?.count ?? 0 <= Room.messageBytesMax else {
      return .refused(.invalid(.terms))
    }
    settle(event)
    if wanted != terms {
      var change = TermsChange()
      change.waitingRoom = .set(other)
      let outcome = set(change, event)
      if case .refused = outcome { return outcome }
    }
    _ = change(event) { room in
      if let message = control.message { room.message = message }
      switch control.action {
      case nil: break
      case .pause: room.isPaused = true
      case .resume: (room.isPaused, room.isDrained) = (false, false)
      case .drain: room.isDrained = true
      case .reset: room.reset()
      }
    }
    guard let info = queueInfo(event) else { return .refused(.noWaitingRoom) }
    return .queue(info)
  }

  // MARK: Places

  /// What an id of a place names.
  private enum PlaceFound {
    case found(join: UInt32, event: UInt32, WaitingRoom)
    /// The room was emptied since, or the place was given up.
    case left
    case unknown
  }

  private func find(_ id: PlaceID) -> PlaceFound {
    guard id.shard == shard, let room = rooms[id.slot], let terms = events[id.slot].layout.definition.waitingRoom else {
      return .unknown
    }
    if id.round < room.round { return .left }
    guard id.round == room.round, id.join < room.joined, room.id(id.join, shard: shard) == id else { return .unknown }
    return state(id.join, room) == .left ? .left : .found(join: id.join, event: id.slot, terms)
  }

  /// A place's state now: a deadline that has come has ended it, whether a record says so already or not.
  private func state(_ join: UInt32, _ room: Room) -> PlaceState {
    let state = room.state(join)
    guard let active = room.active[join], active.until <= now else { return state }
    return state == .called ? .passedOver : .left
  }

  mutating func applyToPlace(_ kind: PlaceCommand.Kind, _ record: borrowing CommandRecord) -> Applied {
    guard case .onPlace(let id, let command) = try? Command(decoding: record) else {
      return Self.refuse(.noSuchPlace)
    }
    let (join, event, terms): (UInt32, UInt32, WaitingRoom)
    switch find(id) {
    case .unknown: return Self.refuse(.noSuchPlace)
    case .left:
      // Given up is given up: a second time changes nothing.
      return command == .leave ? Applied(outcome: .placeGivenUp, mustLog: false) : Self.refuse(.placeLeft)
    case .found(let placeJoin, let placeEvent, let placeTerms):
      (join, event, terms) = (placeJoin, placeEvent, placeTerms)
    }
    settle(event)
    let now = now
    switch command {
    case .claim:
      let before = rooms[event]?.state(join)
      _ = change(event) { $0.claim(join, passTTL: terms.passTTL, at: now) }
      let info = placeInfo(join, event, terms)
      if info.state == .left { return Self.refuse(.placeLeft) }
      guard before != rooms[event]?.state(join) else { return Applied(outcome: .place(info), mustLog: false) }
      logged()
      return Applied(outcome: .place(info), mustLog: true)
    case .leave:
      _ = change(event) { if $0.state(join) != .left { $0.leave(join) } }
      logged()
      return Applied(outcome: .placeGivenUp, mustLog: true)
    }
  }

  /// Refuses a hold that comes without a pass where one is needed, or with one that is not good for it now.
  ///
  /// - Parameter place: whose pass it is, as a router has verified; nil: there is none.
  func checkPass(_ place: PlaceID?, _ event: UInt32, buyer: RawSpan) -> Refusal? {
    guard events[event].layout.needsPass else { return nil }
    guard let place else { return .passRequired }
    guard place.slot == event else { return .passForeign }
    switch find(place) {
    case .unknown: return .passForeign
    case .left: return .passExpired
    case .found(let join, _, _):
      guard let room = rooms[event], state(join, room) == .inside else { return .passExpired }
      return room.isBuyer(join, buyer) ? nil : .passForeign
    }
  }

  // MARK: Reading

  func answer(queue id: Bytes) -> Answer {
    guard let event = events.slot(of: id) else { return .refused(.noSuchEvent) }
    guard let info = queueInfo(event) else { return .refused(.noWaitingRoom) }
    return .queue(info)
  }

  func answer(place id: PlaceID) -> Answer {
    switch find(id) {
    case .unknown: .refused(.noSuchPlace)
    case .left: .refused(.placeLeft)
    case .found(let join, let event, let terms): .place(placeInfo(join, event, terms))
    }
  }

  private func queueInfo(_ event: UInt32) -> QueueInfo? {
    guard let room = rooms[event], let terms = events[event].layout.definition.waitingRoom else { return nil }
    let state: QueueState =
      if room.keys == nil {
        .closed
      } else if room.isDrained {
        .drained
      } else if room.isPaused {
        .paused
      } else {
        room.draw == nil ? .open : .running
      }
    let (first, last) = (room.milestones.first, room.milestones.last)
    return QueueInfo(
      event: events[event].ref, eventID: events[event].id, state: state, waiting: room.waiting,
      called: room.count(.called), inside: room.count(.inside), admitted: room.admitted,
      nextPosition: room.nextPosition, joined: room.joined, drawn: room.draw?.count ?? 0,
      recentPositions: (last?.position ?? 0) - (first?.position ?? 0),
      recentTime: (last?.stamp ?? .zero) - (first?.stamp ?? .zero), room: terms, startsAt: startsAt(event),
      commitment: room.keys.map { Bytes(sha256(of: $0.secret).bytes) } ?? Bytes(),
      secret: room.draw == nil ? Bytes() : Bytes(room.keys?.secret.bytes ?? []),
      seed: Bytes(room.draw?.seed.bytes ?? []), message: room.message)
  }

  private func placeInfo(_ join: UInt32, _ event: UInt32, _ terms: WaitingRoom) -> PlaceInfo {
    guard let room = rooms[event], let queue = queueInfo(event) else {
      preconditionFailure("callers have found the place in its room")
    }
    let state = state(join, room)
    let active = state == .called || state == .inside ? room.active[join] : nil
    return PlaceInfo(
      place: room.id(join, shard: shard), buyer: room.buyer(join), state: state,
      position: room.position(join, terms.order), calledAt: active?.calledAt, until: active?.until, queue: queue)
  }
}

extension Inventory {
  /// Whether any event has a waiting room: what a primary asks before it asks anything else of them.
  public var hasQueues: Bool { !rooms.isEmpty }

  /// Whether any room has not opened yet.
  public var hasUnopenedQueues: Bool { rooms.contains { $0.value.keys == nil } }
}
