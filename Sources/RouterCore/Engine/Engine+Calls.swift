import Octets
import Plan
import Proto

/// The way of one call: event, translation, shard, answer.
extension Engine {
  /// Begins a call. Its owner is told the result, possibly before this returns.
  ///
  /// - Returns: whether it is on its way to its shard (or has ended). If not, it waits for a definition, and a door
  ///   that lets the same client's next command pass would change the order of effects.
  @discardableResult
  package func start(_ call: Call) -> Bool {
    switch call.operation {
    case .createEvent(let new): create(new, call)
    case .deleteEvent(let id, let isForced):
      submit(.event(.delete(id: id, isForced: isForced)), to: shard(of: id), call)
    case .reserve(let reservation): return withEvent(reservation.event, call)
    case .setEvent(let id, _), .blockSeats(let id, _, _, _), .plan(let id), .seats(let id), .copy(let id),
      .availability(let id), .event(let id),
      .seat(let id, _),
      .orders(let id, _, _, _), .holds(let id, _, _, _), .onQueue(let id, _):
      return withEvent(id, call)
    case .queue(let id): ask(.queue(id: id), of: shard(of: id), call)
    case .place(let place):
      guard place.shard.rawValue < shardCount else {
        end(call, .refused(.noSuchPlace))
        break
      }
      ask(.place(place), of: place.shard, call)
    case .leavePlace(let place):
      submit(.onPlace(place, .leave), to: place.shard, call, otherwise: .noSuchPlace)
    case .onHold(let hold, let command):
      submit(.onHold(hold, command.with(randomBits: random.next())), to: hold.shard, call, otherwise: .noSuchHold)
    case .onOrder(let order, let command):
      submit(.onOrder(order, command), to: order.shard, call, otherwise: .noSuchOrder)
    case .hold(let hold):
      guard hold.shard.rawValue < shardCount else {
        end(call, .refused(.noSuchHold))
        break
      }
      call.expect(bytes: Self.holdAnswerBytes)
      ask(.hold(hold), of: hold.shard, call)
    case .order(let order):
      guard order.shard.rawValue < shardCount else {
        end(call, .refused(.noSuchOrder))
        break
      }
      call.expect(bytes: Self.holdAnswerBytes)
      ask(.order(order), of: order.shard, call)
    case .events(let after, let limit): list(after: after, limit: limit, call)
    }
    return true
  }

  /// Of a hold or an order: most have a few seats, some have thousands, and then a megabyte at a door. Below what makes
  /// a read large: a node answers these in their place.
  private static var holdAnswerBytes: Int { 12 << 10 }
  /// A seat's label in an answer.
  private static var labelBytes: Int { 24 }

  func end(_ call: Call, _ result: CallResult) {
    precondition(!call.isEnded, "a call ends once")
    call.isEnded = true
    if call.isDone, case .refused = result { return call.owner.ended(call, with: .refused(.unknown)) }
    call.owner.ended(call, with: result)
  }

  // MARK: Commands

  private func create(_ new: NewEvent, _ call: Call) {
    let incarnation = random.next()
    let handle = makeHandle(.call(call))
    let shard = shard(of: new.summary.id)
    let isTaken =
      switch new.encoding {
      case .small(let encoded):
        submit(.event(.create), to: shard, key: call.key, handle: handle, deadline: call.deadline) {
          $0.put(incarnation)
          $0.append(contentsOf: encoded)
        }
      case .large(let command):
        submit(command, .event(.create), to: shard, key: call.key, handle: handle, deadline: call.deadline) {
          $0.put(incarnation)
        }
      }
    if !isTaken { end(call, .refused(.unavailable)) }
  }

  /// - Parameter refusal: if the cluster has no such shard.
  private func submit(_ command: Command, to shard: ShardID, _ call: Call, otherwise refusal: CallRefusal) {
    guard shard.rawValue < shardCount else { return end(call, .refused(refusal)) }
    submit(command, to: shard, call)
  }

  /// - Parameter expectedBytes: of the answer; 0: as many as a command's.
  func ask(_ query: Query, of shard: ShardID, _ call: Call, expectedBytes: Int = 0) {
    call.expect(bytes: expectedBytes)
    let isTaken = submit(
      query, to: shard, .call(call), deadline: call.deadline, expectedBytes: expectedBytes)
    if !isTaken { end(call, .refused(.unavailable)) }
  }

  private func list(after: Bytes, limit: Int, _ call: Call) {
    call.partsLeft = shardCount
    for shard in 0..<shardCount where !call.isEnded {
      let query = Query.events(after: after, limit: UInt16(clamping: limit))
      let isTaken = submit(
        query, to: ShardID(UInt16(shard)), .listPart(call), deadline: call.deadline,
        expectedBytes: limit * Self.summaryBytes)
      if !isTaken {
        end(call, .refused(.unavailable))
      }
    }
  }

  /// Of one event in a list, as most are.
  private static var summaryBytes: Int { 64 }

  func listPart(_ call: Call, _ result: Completion.Result) {
    guard !call.isEnded else { return }
    guard case .answer(.events(let part)) = result else {
      end(call, .refused(refusal(of: result)))
      return
    }
    call.parts.append(contentsOf: part)
    call.partsLeft -= 1
    guard call.partsLeft == 0, case .events(_, let limit) = call.operation else { return }
    var all = call.parts.sorted { $0.id < $1.id }
    let hasMore = all.count > limit
    if hasMore { all.removeLast(all.count - limit) }
    end(call, .events(all, next: hasMore ? all.last?.id : nil))
  }

  // MARK: With an event's definition

  private func withEvent(_ id: Bytes, _ call: Call) -> Bool {
    if let event = findEvent(id.rawSpan) ?? known(id) {
      call.event = event
      proceed(call)
      return true
    }
    fetch(id, for: call)
    return false
  }

  /// What another loop has fetched.
  private func known(_ id: Bytes) -> EventEntry? {
    guard let event = directory.find(id) else { return nil }
    event.use(now: now)
    events.insert(event)
    return event
  }

  @inline(__always)
  package func findEvent(_ id: RawSpan) -> EventEntry? {
    guard let event = events.find(id) else { return nil }
    event.use(now: now)
    return event
  }

  /// The call has its definition: translate, and ask the shard.
  func proceed(_ call: Call) {
    guard let event = call.event else { preconditionFailure("set by who calls this") }
    if let decided = call.decided { return ended(call, decided) }
    let shard = event.shard
    switch call.operation {
    case .reserve(let reservation): reserve(reservation, event, call)
    case .setEvent(let id, let document):
      if call.isDone { return ask(.availability(id: id), of: shard, call, expectedBytes: event.answerBytes(seats: 0)) }
      command(call) { () throws(TranslationError) in
        .event(.set(event.ref, try Translation.change(for: document, event)))
      }
    case .blockSeats(_, let seats, let areas, let isBlocked):
      command(call) { () throws(TranslationError) in
        .event(.block(event.ref, try Translation.block(seats, areas, isBlocked: isBlocked, event)))
      }
    case .plan(let id):
      // Its prices may have changed, or the event be gone.
      ask(.terms(id: id), of: shard, call, expectedBytes: event.answerBytes(seats: 0))
    case .seats: askSeats(event, call)
    case .copy: awaitCopy(of: event, call)
    case .availability(let id), .event(let id):
      ask(.availability(id: id), of: shard, call, expectedBytes: event.answerBytes(seats: 0))
    case .seat(let id, let label):
      guard let seat = event.seat(label.rawSpan) else { return refuse(call, .noSuchSeats([label])) }
      ask(.seat(id: id, seat), of: shard, call)
    case .orders(_, _, let after, _), .holds(_, _, let after, _): askForSlice(call, event, after: after)
    case .onQueue(_, let queueCommand): command(call) { .onQueue(event.ref, queueCommand) }
    case .createEvent, .deleteEvent, .onHold, .onOrder, .hold, .order, .events, .queue, .place, .leavePlace:
      preconditionFailure("these need a definition only for their answer")
    }
  }

  private func reserve(_ reservation: Reservation, _ event: EventEntry, _ call: Call) {
    do throws(TranslationError) {
      let secret = random.next()
      if case .best(let count, _) = reservation.choice { call.expect(bytes: Int(count) * Self.labelBytes) }
      switch try Translation.command(for: reservation, event, secret: secret) {
      case .hold(let hold), .passHold(_, let hold):
        call.seats = hold.seats
        call.areas = hold.areas
        submit(reservation.pass.map { .passHold($0, hold) } ?? .hold(hold), to: event.shard, call)
      case let best: submit(best, to: event.shard, call)
      }
    } catch {
      refuse(call, error.refusal)
    }
  }

  /// Refuses words that mean nothing in the event's definition as it is known here. Names that it does not have may be
  /// those of another event of this id by now: its shard is asked first.
  private func refuse(_ call: Call, _ refusal: CallRefusal) {
    guard refusal.isAboutNames, let event = call.event, forwarder.isReachable(event.shard) else {
      return end(call, .refused(refusal))
    }
    call.doubted = refusal
    ask(.terms(id: event.id), of: event.shard, call, expectedBytes: event.answerBytes(seats: 0))
  }

  /// Submits a command to the event's shard, unless its words mean nothing.
  private func command(_ call: Call, _ translate: () throws(TranslationError) -> Command) {
    guard let event = call.event else { preconditionFailure("set by who calls this") }
    do throws(TranslationError) {
      submit(try translate(), to: event.shard, call)
    } catch {
      refuse(call, error.refusal)
    }
  }

  private func submit(_ command: Command, to shard: ShardID, _ call: Call) {
    let isTaken = submit(
      command.kind, to: shard, key: call.key, handle: makeHandle(.call(call)), deadline: call.deadline
    ) { command.encodeBody(into: &$0) }
    if !isTaken { end(call, .refused(.unavailable)) }
  }

  // MARK: Fetching definitions

  private func fetch(_ id: Bytes, for call: Call) {
    if let waiting = fetching[id] {
      guard waiting.count < Self.copyWaitsMax else { return end(call, .refused(.unavailable)) }
      fetching[id]?.append(call)
      return
    }
    fetching[id] = [call]
    if !submit(.event(id: id), to: shard(of: id), .fetch(id), deadline: call.deadline) {
      fetchFailed(id, .unavailable)
    }
  }

  func fetched(_ id: Bytes, _ result: Completion.Result) {
    switch result {
    case .answer(.event(let info)):
      if let known = directory.find(id, info.ref) {
        host?.letGo(of: info)
        ready(known)
      } else if info.definition.isLarge {
        guard host?.prepare(info, for: id) == true else { return fetchFailed(id, .unavailable) }
      } else {
        ready(directory.insert(EventEntry(info, shard: shard(of: id), surroundings: surroundings), now: now))
      }
    case .answer(.refused(.noSuchEvent)): fetchFailed(id, .noSuchEvent)
    case .answer, .outcome, .unavailable, .unknown, .diskFull, .overloaded, .malformed:
      fetchFailed(id, refusal(of: result))
    }
  }

  /// The definition is here: go on with who waited for it, in order.
  package func ready(_ event: EventEntry) {
    events.insert(event)
    for call in fetching.removeValue(forKey: event.id) ?? [] {
      call.event = event
      proceed(call)
    }
    askForTurnEnd()
  }

  private func fetchFailed(_ id: Bytes, _ refusal: CallRefusal) {
    for call in fetching.removeValue(forKey: id) ?? [] {
      // What the shard has decided is done, and only cannot be said: the caller must ask again.
      let isGone = refusal == .noSuchEvent
      end(call, .refused(call.decided == nil ? refusal : isGone ? gone(call) : .unknown))
    }
  }

  /// What the call is about went with its event.
  private func gone(_ call: Call) -> CallRefusal {
    // A key's outcome is not said again by this: the outcome is that the event is gone.
    call.isReplayed = false
    return switch call.operation {
    case .onOrder, .order: .noSuchOrder
    case .onHold, .hold: .holdExpired
    case .place, .leavePlace: .noSuchPlace
    case .createEvent, .setEvent, .deleteEvent, .blockSeats, .reserve, .event, .plan, .seats, .copy, .availability,
      .seat, .events, .orders, .holds, .onQueue, .queue:
      .noSuchEvent
    }
  }

  /// The cached definition is of another life of the event: read it again, once.
  func stale(_ call: Call) {
    guard let event = call.event, call.staleCount == 0 else {
      end(call, .refused(.unavailable))
      return
    }
    call.staleCount += 1
    call.doubted = nil
    (call.orders, call.holds, call.listedBytes) = ([], [], 0)
    call.event = nil
    forget(event)
    fetch(event.id, for: call)
  }

  func forget(_ event: EventEntry) {
    if let current = events.find(event.id), current === event { events.remove(event.id) }
    directory.remove(event)
    guard subscriptions[event.id]?.event === event else { return }
    let waiting = takeCopyWaits(event.id)
    unsubscribe(event.id)
    for call in waiting { stale(call) }
  }

  // MARK: What came of it

  func advance(_ call: Call, _ result: Completion.Result) {
    switch result {
    case .outcome(let outcome): advance(call, outcome)
    case .answer(let answer): advance(call, answer)
    case .unavailable, .unknown, .diskFull, .overloaded, .malformed: end(call, .refused(refusal(of: result)))
    }
  }

  private func advance(_ call: Call, _ outcome: Outcome) {
    switch outcome {
    case .created(let ref, let version):
      guard case .createEvent(let new) = call.operation else { return end(call, broken) }
      end(call, .created(new, ref, version: version))
    case .termsSet:
      guard case .setEvent = call.operation else { return end(call, broken) }
      // The event is said as it is by then.
      call.isDone = true
      proceed(call)
    case .deleted:
      guard case .deleteEvent(let id, _) = call.operation else { return end(call, broken) }
      if let event = events.find(id) ?? directory.find(id) { forget(event) }
      end(call, .deleted)
    case .blocked(let version, let changed):
      guard case .blockSeats = call.operation, let event = call.event else { return end(call, broken) }
      end(call, .blocked(event, version: version, changed: changed))
    case .held(let held):
      guard case .reserve(let reservation) = call.operation, let event = call.event, !reservation.choice.isBest
      else { return end(call, broken) }
      end(call, .held(event, held, buyer: reservation.buyer, seats: call.seats, areas: call.areas))
    case .heldBest(let held, let seats):
      guard case .reserve(let reservation) = call.operation, let event = call.event, reservation.choice.isBest,
        event.fits(seats)
      else { return end(call, broken) }
      end(call, .held(event, held, buyer: reservation.buyer, seats: seats, areas: []))
    case .released(let version):
      guard case .onHold(_, .release) = call.operation else { return end(call, broken) }
      end(call, .released(version: version))
    case .extended(let info):
      guard case .onHold(_, .extend) = call.operation else { return end(call, broken) }
      ended(call, .hold(info))
    case .checkedOut(let info):
      guard case .onHold(_, .checkout) = call.operation else { return end(call, broken) }
      ended(call, .order(info))
    case .order(let kind, let info):
      guard case .onOrder(_, let command) = call.operation, command.kind == kind else { return end(call, broken) }
      ended(call, .order(info))
    case .place(let info):
      switch call.operation {
      case .onQueue(_, .join), .place: end(call, .place(info))
      case .createEvent, .setEvent, .deleteEvent, .blockSeats, .reserve, .onHold, .onOrder, .hold, .order, .event,
        .plan, .seats, .copy, .availability, .seat, .events, .orders, .holds, .onQueue, .queue, .leavePlace:
        end(call, broken)
      }
    case .queue(let info):
      guard case .onQueue(_, .control) = call.operation else { return end(call, broken) }
      end(call, .queue(info))
    case .placeGivenUp:
      guard case .leavePlace = call.operation else { return end(call, broken) }
      end(call, .placeGivenUp)
    case .noted: end(call, broken)
    case .refused(.staleEvent): stale(call)
    case .refused(let refusal): end(call, .refused(Translation.refusal(refusal, call)))
    }
  }

  private func advance(_ call: Call, _ answer: Answer) {
    switch answer {
    case .hold(let info): ended(call, .hold(info))
    case .order(let info): ended(call, .order(info))
    case .orders(let orders, let next): tookSlice(call, orders: orders, next: next)
    case .holds(let holds, let next): tookSlice(call, holds: holds, next: next)
    case .seat(let state, let version): end(call, .seat(state, version: version))
    case .seats(let ref, let version, let states):
      guard let event = call.event, event.ref == ref else { return stale(call) }
      guard states.count == event.seatCount else { return end(call, broken) }
      let body = SeatRendering(event: event, version: version, states: states, forms: [call.seatForm]).bodies()
      end(call, .seats(event, version: version, states: states, body[call.seatForm] ?? SharedBody()))
    case .availability(let ref, let version, let counts):
      guard let event = call.event, event.ref == ref else { return stale(call) }
      guard event.fits(counts) else { return end(call, broken) }
      guard counts.terms <= event.termsVersion else { return askForTerms(call, event) }
      if case .availability = call.operation {
        end(call, .availability(event, version: version, counts))
      } else {
        end(call, .event(event, version: version, counts))
      }
    case .terms(let ref, let version, let terms):
      guard let event = call.event, event.ref == ref else { return stale(call) }
      guard event.adopt(terms, version: version) else { return end(call, broken) }
      if let refusal = call.doubted { return end(call, .refused(refusal)) }
      if case .plan = call.operation { awaitPlan(of: event, call) } else { proceed(call) }
    case .queue(let info):
      guard case .queue = call.operation else { return end(call, broken) }
      end(call, .queue(info))
    case .place(let info):
      guard case .place(let place) = call.operation else { return end(call, broken) }
      // Who was called and looks takes the pass by that.
      guard info.state == .called else { return end(call, .place(info)) }
      submit(.onPlace(place, .claim), to: place.shard, call)
    case .refused(.staleEvent): stale(call)
    case .refused(.noSuchEvent):
      // It was deleted: nobody should be told of it any more.
      if let event = call.event { forget(event) }
      end(call, .refused(.noSuchEvent))
    case .refused(let refusal): end(call, .refused(Translation.refusal(refusal, call)))
    case .event, .encodedEvent, .events, .subscribed, .unsubscribed: end(call, broken)
    }
  }

  /// The event's terms have changed since this process heard of them.
  private func askForTerms(_ call: Call, _ event: EventEntry) {
    // If the terms change faster than this router reads them, the call ends after three attempts.
    guard call.oldTermsCount < 3 else { return end(call, .refused(.unavailable)) }
    call.oldTermsCount += 1
    ask(.terms(id: event.id), of: event.shard, call, expectedBytes: event.answerBytes(seats: 0))
  }

  /// A hold or order is to be said in words, for which its event's definition is needed.
  private func ended(_ call: Call, _ decided: Call.Decided) {
    let info = decided.hold
    guard let event = call.event ?? findEvent(info.eventID.rawSpan) ?? known(info.eventID), event.ref == info.event
    else {
      // The event of now is another one.
      if call.staleCount > 0 { return end(call, .refused(gone(call))) }
      if let old = events.find(info.eventID) {
        call.staleCount += 1
        forget(old)
      }
      call.decided = decided
      call.event = nil
      return fetch(info.eventID, for: call)
    }
    guard event.fits(info) else { return end(call, broken) }
    switch decided {
    case .hold(let hold): end(call, .hold(event, hold))
    case .order(let order): end(call, .order(event, order))
    }
  }

  /// A node answered what cannot be: nobody knows what happened.
  var broken: CallResult { .refused(.unknown) }

  func refusal(of result: Completion.Result) -> CallRefusal {
    switch result {
    case .unavailable, .overloaded: .unavailable
    case .unknown, .outcome, .answer, .malformed: .unknown
    case .diskFull: .diskFull
    }
  }
}
