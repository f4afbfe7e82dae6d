package import Octets
package import Proto
package import Time

/// Random values of everything that is encoded, small enough to be made a million times.
extension SeededRandom {
  package mutating func bytes(_ range: ClosedRange<Int>) -> Bytes {
    var all: [UInt8] = []
    for _ in 0..<Int.random(in: range, using: &self) { all.append(UInt8.random(in: 0...255, using: &self)) }
    return Bytes(all)
  }

  package mutating func word() -> UInt64 {
    switch Int.random(in: 0..<4, using: &self) {
    case 0: UInt64.random(in: 0..<10, using: &self)
    case 1: .max
    default: next()
    }
  }

  package mutating func half() -> UInt32 { UInt32(truncatingIfNeeded: word()) }
  package mutating func quarter() -> UInt16 { UInt16(truncatingIfNeeded: word()) }
  package mutating func time() -> Stamp { Stamp(Int64(bitPattern: word())) }
  package mutating func maybe<T>(_ make: (inout SeededRandom) -> T) -> T? { chance(50) ? make(&self) : nil }
  package mutating func list<T>(_ range: ClosedRange<Int>, _ make: (inout SeededRandom) -> T) -> [T] {
    var all: [T] = []
    for _ in 0..<Int.random(in: range, using: &self) { all.append(make(&self)) }
    return all
  }
  mutating func one<T>(of all: [T]) -> T { all[Int.random(in: 0..<all.count, using: &self)] }

  package mutating func ref() -> EventRef { EventRef(slot: EventSlot(half()), incarnation: word()) }
  package mutating func hold() -> HoldID {
    HoldID(shard: ShardID(quarter()), slot: half(), sequence: word() & HoldID.sequenceMax, secret: word())
  }
  package mutating func order() -> OrderID {
    OrderID(shard: ShardID(quarter()), slot: half(), sequence: word() & OrderID.sequenceMax, secret: word())
  }
  package mutating func place() -> PlaceID {
    PlaceID(shard: ShardID(quarter()), slot: half(), sequence: word() & PlaceID.sequenceMax, secret: word())
  }
  package mutating func waitingRoom() -> WaitingRoom {
    WaitingRoom(
      opensAt: maybe { $0.time() }, startsAt: maybe { $0.time() }, order: one(of: WaitingRoom.Order.allCases),
      admitPerMinute: UInt32.random(in: 0...WaitingRoom.admitPerMinuteMax, using: &self),
      maxInside: maybe { UInt32.random(in: 1 ... .max, using: &$0) },
      passTTL: UInt32.random(in: 10...86_400, using: &self), claimTTL: UInt32.random(in: 5...86_400, using: &self),
      leaveAfter: UInt32.random(in: 5...86_400, using: &self))
  }
  package mutating func waitingRoomChange() -> WaitingRoomChange {
    var change = WaitingRoomChange()
    change.opensAt = edit { $0.time() }
    change.startsAt = edit { $0.time() }
    change.order = maybe { $0.one(of: WaitingRoom.Order.allCases) }
    change.admitPerMinute = maybe { $0.half() }
    change.maxInside = edit { $0.half() }
    change.passTTL = maybe { $0.half() }
    change.claimTTL = maybe { $0.half() }
    change.leaveAfter = maybe { $0.half() }
    return change
  }
  package mutating func queueCommand() -> QueueCommand {
    switch one(of: QueueCommand.Kind.allCases) {
    case .join: .join(buyer: bytes(0...20))
    case .control:
      .control(
        QueueControl(
          action: maybe { $0.one(of: QueueControl.Action.allCases) }, admitPerMinute: maybe { $0.half() },
          maxInside: maybe { $0.maybe { $0.half() } }, message: maybe { $0.bytes(0...9) }))
    case .open: .open(secret: bytes(32...32), placeKey: bytes(32...32))
    case .call:
      .call(QueueCalls(nextPosition: half(), called: list(0...4) { $0.half() }, passedOver: list(0...4) { $0.half() }))
    }
  }
  package mutating func queueInfo() -> QueueInfo {
    QueueInfo(
      event: ref(), eventID: bytes(0...9), state: one(of: QueueState.allCases), waiting: half(), called: half(),
      inside: half(), admitted: half(), nextPosition: half(), joined: half(), drawn: half(), recentPositions: half(),
      recentTime: Milliseconds(time().rawValue), room: waitingRoom(), startsAt: maybe { $0.time() },
      commitment: bytes(0...32), secret: bytes(0...32), seed: bytes(0...32), message: bytes(0...9))
  }
  package mutating func placeInfo() -> PlaceInfo {
    PlaceInfo(
      place: place(), buyer: bytes(0...9), state: one(of: PlaceState.allCases), position: maybe { $0.half() },
      calledAt: maybe { $0.time() }, until: maybe { $0.time() }, queue: queueInfo())
  }
  package mutating func area() -> AreaCount { AreaCount(area: AreaIndex(quarter()), count: half()) }
  package mutating func counts() -> Counts { Counts(free: half(), held: half(), sold: half(), notForSale: half()) }
  package mutating func availability() -> Availability {
    Availability(categories: list(0...3) { $0.counts() }, areas: list(0...2) { $0.counts() }, terms: word())
  }
  package mutating func seatState() -> SeatState { one(of: SeatState.allCases) }
  package mutating func states() -> Bytes { Bytes(list(0...20) { $0.seatState().rawValue }) }

  package mutating func definition() -> EventDefinition {
    let categories = list(1...3) {
      EventDefinition.Category(
        name: $0.bytes(0...9), price: $0.maybe { Int64.random(in: 0...maxPrice, using: &$0) }, color: $0.bytes(0...7))
    }
    var seats: UInt32 = 0
    let sections = list(0...3) { random in
      let category = CategoryIndex(UInt16(Int.random(in: 0..<categories.count, using: &random)))
      guard random.chance(50) else {
        let (rows, seatsPerRow) = (UInt32.random(in: 1...9, using: &random), UInt32.random(in: 1...9, using: &random))
        seats += rows * seatsPerRow
        return EventDefinition.Section(
          name: random.bytes(0...9), rows: .grid(rows: rows, seatsPerRow: seatsPerRow, category: category))
      }
      let rows = random.list(0...3) { random in
        EventDefinition.Row(
          name: random.bytes(0...4),
          seats: random.list(0...3) {
            seats += 1
            return EventDefinition.Seat(
              label: $0.bytes(0...9), number: $0.bytes(0...3), category: category,
              x: Float(Int.random(in: -99...99, using: &$0)), y: Float.random(in: 0...1, using: &$0))
          })
      }
      return EventDefinition.Section(
        name: random.bytes(0...9), rows: .listed(rows), lines: random.lines(rows.map(\.seats.count)))
    }
    var closed: [SeatIndex] = []
    for seat in 0..<seats where chance(10) { closed.append(SeatIndex(seat)) }
    let holdTTL = UInt32.random(in: 1...86_400, using: &self)
    return EventDefinition(
      id: bytes(0...20), name: bytes(0...20), venue: maybe { $0.bytes(0...9) }, startsAt: maybe { $0.time() },
      onSaleAt: maybe { $0.time() }, currency: bytes(3...3), holdTTL: holdTTL,
      maxHoldTTL: maybe { UInt32.random(in: holdTTL...86_400, using: &$0) },
      paymentTTL: UInt32.random(in: 60...86_400, using: &self), maxPerOrder: maybe { $0.half() },
      maxPerBuyer: maybe { $0.half() }, categories: categories, sections: sections,
      areas: list(0...2) {
        EventDefinition.Area(
          name: $0.bytes(0...9), capacity: $0.half(), price: $0.maybe { Int64.random(in: 0...maxPrice, using: &$0) })
      }, notForSale: closed, size: maybe { EventDefinition.Size(width: Float($0.quarter()), height: 0.5) },
      waitingRoom: maybe { $0.waitingRoom() })
  }

  /// Lines of a section whose rows have these lengths; every second section has none.
  package mutating func lines(_ lengths: [Int]) -> [SeatLine] {
    var rows = lengths.indices.filter { lengths[$0] > 0 }.shuffled(using: &self)
    guard chance(50), !rows.isEmpty else { return [] }
    var lines: [SeatLine] = []
    while !rows.isEmpty {
      let own = (0..<Int.random(in: 1...min(3, rows.count), using: &self)).map { _ in rows.removeLast() }
      let count = own.reduce(0) { $0 + lengths[$1] }
      let number = UInt32.random(in: 0...UInt32(lengths.count), using: &self)
      var line = SeatLine(number: number, rows: own.map { UInt32($0) })
      if chance(50) { line.order = (0..<UInt32(count)).shuffled(using: &self) }
      for place in 1..<max(1, count) where chance(20) { line.gaps.append(UInt32(place)) }
      lines.append(line)
    }
    return lines
  }

  mutating func termsChange() -> TermsChange {
    var change = TermsChange()
    change.name = maybe { $0.bytes(0...9) }
    change.venue = edit { $0.bytes(0...9) }
    change.startsAt = edit { $0.time() }
    change.onSaleAt = edit { $0.time() }
    change.holdTTL = maybe { $0.half() }
    change.paymentTTL = maybe { $0.half() }
    change.maxPerOrder = edit { $0.half() }
    change.maxPerBuyer = edit { $0.half() }
    change.isPaused = maybe { $0.chance(50) }
    change.prices = list(0...3) { random in
      .init(
        random.chance(50) ? .category(CategoryIndex(random.quarter())) : .area(AreaIndex(random.quarter())),
        random.maybe { Int64.random(in: 0...maxPrice, using: &$0) })
    }
    change.waitingRoom = edit { $0.waitingRoomChange() }
    return change
  }

  private mutating func edit<T>(_ make: (inout SeededRandom) -> T) -> TermsChange.Edit<T> {
    chance(30) ? .keep : chance(30) ? .remove : .set(make(&self))
  }

  package mutating func command() -> Command {
    switch Int.random(in: 0..<19, using: &self) {
    case 18: .onQueue(ref(), queueCommand())
    case 17: .onPlace(place(), chance(50) ? .claim : .leave)
    case 16:
      .passHold(
        place(),
        .init(event: ref(), secret: word(), buyer: bytes(0...20), seats: list(0...6) { SeatIndex($0.half()) }))
    case 15: .passHoldBest(place(), .init(event: ref(), secret: word(), buyer: bytes(0...9), count: half()))
    case 14: .event(.delete(id: bytes(0...9), isForced: chance(50)))
    case 13:
      .event(
        .block(
          ref(),
          SeatBlock(
            isBlocked: chance(50), seats: list(0...5) { SeatIndex($0.half()) }, areas: list(0...2) { $0.area() })))
    case 12: .event(.set(ref(), termsChange()))
    case 0: .createEvent(definition(), incarnation: word())
    case 1:
      .holdBest(
        .init(
          event: ref(), ttl: half(), secret: word(), buyer: bytes(0...9), count: half(),
          category: maybe { CategoryIndex($0.quarter()) }))
    case 2: .release(hold())
    case 3: .extend(hold(), ttl: half())
    case 4: .checkout(hold(), secret: word(), reference: bytes(0...20))
    case 5: .confirm(order())
    case 6: .cancel(order())
    case 7: .tick
    case 8: .openEpoch(word())
    default:
      .hold(
        .init(
          event: ref(), ttl: half(), secret: word(), buyer: bytes(0...20), seats: list(0...6) { SeatIndex($0.half()) },
          areas: list(0...2) { $0.area() }))
    }
  }

  package mutating func info() -> HoldInfo {
    HoldInfo(
      hold: hold(), event: ref(), eventID: bytes(0...9), buyer: bytes(0...9),
      seats: list(0...5) { SeatIndex($0.half()) }, areas: list(0...2) { $0.area() }, total: time().rawValue,
      expiresAt: time(), version: word())
  }

  package mutating func orderInfo() -> OrderInfo {
    let state: OrderState =
      switch one(of: OrderStatus.allCases) {
      case .pendingPayment: .pendingPayment
      case .confirmed: .confirmed(at: time())
      case .cancelled: .cancelled(at: time(), confirmedAt: maybe { $0.time() })
      case .expired: .expired(at: time())
      case .refunded: .refunded(at: time(), confirmedAt: time())
      }
    return OrderInfo(
      order: order(), state: state, createdAt: time(), payBy: time(), reference: bytes(0...20), hold: info())
  }

  package mutating func held() -> Outcome.Held {
    .init(id: hold(), expiresAt: time(), total: time().rawValue, version: word())
  }

  package mutating func refusal() -> Refusal {
    switch Int.random(in: 0..<18, using: &self) {
    case 17: .queueClosed(opensAt: maybe { $0.time() })
    case 16:
      one(of: [.noWaitingRoom, .noSuchPlace, .placeLeft, .passRequired, .passExpired, .passForeign])
    case 15: .eventInUse(holds: half(), orders: half())
    case 0: .noSuchEvent
    case 1: .staleEvent
    case 2: .noSuchHold
    case 3: .noSuchOrder
    case 4: .eventExists
    case 5: .invalid(one(of: Refusal.Argument.allCases))
    case 6: .notOnSale(at: maybe { $0.time() })
    case 7: .limitExceeded(one(of: Refusal.LimitName.allCases), limit: time().rawValue)
    case 8:
      // All have a state, or none.
      if next() % 2 == 0 {
        .seatsTaken(list(1...5) { Refusal.LostSeat($0.quarter(), nil) })
      } else {
        .seatsTaken(list(0...5) { Refusal.LostSeat($0.quarter(), $0.seatState()) })
      }
    case 9: .soldOut([.event, .area(AreaIndex(quarter())), .category(CategoryIndex(quarter()))][Int(next() % 3)])
    case 10: .holdExpired
    case 11: .checkedOut(order())
    case 12: .orderState(one(of: OrderStatus.allCases))
    case 13: .orderExpired
    default: .keyReused
    }
  }

  package mutating func outcome() -> Outcome {
    switch Int.random(in: 0..<16, using: &self) {
    case 15: .place(placeInfo())
    case 14: .queue(queueInfo())
    case 13: .placeGivenUp
    case 12: .deleted
    case 11: .blocked(version: word(), changed: half())
    case 10: .termsSet(version: word())
    case 0: .created(ref(), version: word())
    case 1: .held(held())
    case 2: .heldBest(held(), seats: list(0...5) { SeatIndex($0.half()) })
    case 3: .released(version: word())
    case 4: .extended(info())
    case 5: .checkedOut(orderInfo())
    case 6: .order(.confirm, orderInfo())
    case 7: .order(.cancel, orderInfo())
    case 8: .noted
    default: .refused(refusal())
    }
  }

  package mutating func query() -> Query {
    switch Int.random(in: 0..<14, using: &self) {
    case 13: .place(place())
    case 12: .queue(id: bytes(0...9))
    case 11: .terms(id: bytes(0...9))
    case 9:
      .orders(
        id: bytes(0...9),
        OrderFilter(
          buyer: maybe { $0.bytes(0...9) }, status: maybe { $0.one(of: OrderStatus.allCases) },
          reference: maybe { $0.bytes(0...9) }), after: half(), limit: quarter())
    case 10: .holds(id: bytes(0...9), buyer: bytes(0...9), after: half(), limit: quarter())
    case 0: .event(id: bytes(0...9))
    case 1: .seats(id: bytes(0...9))
    case 2: .seat(id: bytes(0...9), SeatIndex(half()))
    case 3: .availability(id: bytes(0...9))
    case 4: .hold(hold())
    case 5: .order(order())
    case 6: .events(after: bytes(0...9), limit: quarter())
    case 7: .subscribe(id: bytes(0...9))
    default: .unsubscribe(id: bytes(0...9))
    }
  }

  mutating func eventInfo() -> EventInfo {
    let definition = definition()
    let terms = EventTerms(definition)
    return EventInfo(
      ref: ref(), version: word(), definition: definition,
      terms: maybe { _ in terms }, availability: availability())
  }

  package mutating func answer() -> Answer {
    switch Int.random(in: 0..<15, using: &self) {
    case 14: .place(placeInfo())
    case 13: .queue(queueInfo())
    case 12: .terms(ref(), version: word(), EventTerms(definition()))
    case 10: .orders(list(0...3) { $0.orderInfo() }, next: maybe { $0.half() })
    case 11: .holds(list(0...3) { $0.info() }, next: maybe { $0.half() })
    case 0: .event(eventInfo())
    case 1: .seats(ref(), version: word(), states: states())
    case 2: .seat(seatState(), version: word())
    case 3: .availability(ref(), version: word(), availability())
    case 4: .hold(info())
    case 5: .order(orderInfo())
    case 6:
      .events(
        list(0...3) {
          EventSummary(
            id: $0.bytes(0...9), name: $0.bytes(0...9), venue: $0.maybe { $0.bytes(0...9) },
            startsAt: $0.maybe { $0.time() }, version: $0.word(), counts: $0.counts())
        })
    case 7: .subscribed(ref(), version: word(), states: states(), availability())
    case 8: .unsubscribed
    default: .refused(refusal())
    }
  }

  package mutating func feed() -> FeedUpdate {
    FeedUpdate(
      event: ref(), fromVersion: word(), version: word(),
      seats: list(0...5) { SeatChange(seat: SeatIndex($0.half()), state: $0.seatState()) }, availability: availability()
    )
  }

  package mutating func reply() -> Reply {
    switch Int.random(in: 0..<4, using: &self) {
    case 0: .outcome(outcome())
    case 3: .repeated(outcome())
    case 1: .answer(answer())
    default: .failed(one(of: Reply.Failure.allCases))
    }
  }

  package mutating func nodeName() -> NodeName {
    NodeName(
      Bytes(list(1...1) { $0.one(of: Array("abZ09_-".utf8)) } + list(0...11) { $0.one(of: Array("abcXYZ019._-".utf8)) })
    )!
  }
  package mutating func replica() -> ReplicaID { ReplicaID(node: nodeName(), disk: word()) }
  package mutating func register() -> MapRegister {
    MapRegister(
      revision: word(),
      entry: MapEntry(epoch: word(), primary: replica(), follower: maybe { $0.replica() }, proposal: word()))
  }
  package mutating func position() -> LogPosition { LogPosition(epoch: word(), index: word(), chain: word()) }
  package mutating func checkpoint() -> Checkpoint { Checkpoint(index: word(), digest: word()) }
  mutating func replicaEnd() -> ReplicaEnd {
    ReplicaEnd(epoch: word(), end: position(), suspicion: one(of: Suspicion.allCases))
  }

  /// With the bytes that its payload must have.
  package mutating func replicaMessage() -> (message: ReplicaMessage, payload: [UInt8]) {
    switch Int.random(in: 0..<14, using: &self) {
    case 0:
      return (
        .envelope(
          Envelope(
            epoch: word(), number: word(), stamp: time(), committed: word(), previous: word(),
            checkpoint: maybe { $0.checkpoint() })), bytes(0...30).array
      )
    case 1:
      return (
        .acknowledgement(
          Acknowledgement(
            epoch: word(), durable: word(), number: word(), end: word(), missing: chance(50), full: chance(50),
            checkpoint: maybe { $0.checkpoint() })), []
      )
    case 2: return (.map(register()), [])
    case 3: return (.compare(replicaEnd()), [])
    case 4: return (.ends(replicaEnd()), [])
    case 5: return (.cleared(epoch: word()), [])
    case 6:
      var table: [EpochEntry] = []
      var last: UInt64 = 0
      for epoch in 0..<UInt64.random(in: 0...5, using: &self) {
        let first = last + UInt64.random(in: 1...9, using: &self)
        last = first + UInt64.random(in: 0...9, using: &self)
        table.append(EpochEntry(epoch: epoch, firstIndex: first, lastIndex: last, lastChain: word()))
      }
      return (.join(JoinRequest(epoch: word(), table: table, wantsSnapshot: chance(50))), [])
    case 7:
      return (
        .joinAnswer(JoinAnswer(epoch: word(), number: word(), way: chance(50) ? .snapshot : .cut(position()))), []
      )
    case 8: return (.goAlone(epoch: word(), reason: one(of: ReplicaMessage.AloneReason.allCases)), [])
    case 9: return (.resign(epoch: word()), [])
    case 10: return (.dispute(epoch: word(), checkpoint()), [])
    case 11:
      let payload = bytes(0...30).array
      return (
        .snapshotChunk(
          SnapshotChunk(
            epoch: word(), session: word(), offset: word(), byteCount: UInt32(payload.count), isLast: chance(50))),
        payload
      )
    case 12: return (.ending(epoch: word(), isAnswer: chance(50)), [])
    default: return (.snapshotProgress(SnapshotProgress(epoch: word(), session: word(), received: word())), [])
    }
  }

  package mutating func logFrame() -> LogFrame {
    let kind = one(of: LogFrame.Kind.allCases)
    let isLocal = kind != .records
    let count = UInt32.random(in: 1...200, using: &self)
    // As many bytes as the records need at least, in a block that could hold them.
    let rawBytes = isLocal ? 0 : count * UInt32.random(in: 8...90, using: &self)
    return LogFrame(
      kind: kind, shard: ShardID(quarter()), epoch: word(), firstIndex: (next() >> 1) | 1, count: count,
      rawBytes: rawBytes, blockBytes: isLocal ? 0 : rawBytes / 255 + UInt32.random(in: 1...500, using: &self),
      recordsCRC: half(), stamp: time(), committed: word(), previousChain: word())
  }

  package mutating func adminRequest() -> AdminRequest {
    let shards = list(0...3) { ShardID($0.quarter()) }
    return switch Int.random(in: 0..<4, using: &self) {
    case 0: .status(digests: list(0...3) { .init(shard: ShardID($0.quarter()), index: $0.word()) })
    case 1: .drain(shards: shards, deadline: half())
    case 2: .takeOver(dead: nodeName(), shards: shards, deadline: half())
    default: .acceptLoss(shards: shards, deadline: half())
    }
  }

  package mutating func adminReply() -> AdminReply {
    switch Int.random(in: 0..<3, using: &self) {
    case 0: .refused(bytes(0...9))
    case 1:
      .shards(
        list(0...3) {
          .init(
            shard: ShardID($0.quarter()), result: $0.one(of: AdminReply.ShardResult.Result.allCases), epoch: $0.word(),
            text: $0.bytes(0...9))
        })
    default:
      .status(
        NodeStatus(
          node: nodeName(), cluster: word(), disk: word(), pid: half(), state: one(of: NodeStatus.State.allCases),
          reason: bytes(0...9),
          replicas: list(0...2) { random in
            ReplicaStatus(
              shard: ShardID(random.quarter()), role: random.one(of: ReplicaStatus.Role.allCases), epoch: random.word(),
              durableIndex: random.word(), committedIndex: random.word(), appliedIndex: random.word(),
              digest: random.maybe { .init(index: $0.word(), value: $0.word()) }, isStalled: random.quarter() % 2 == 0,
              reason: random.bytes(0...9))
          }))
    }
  }
}
