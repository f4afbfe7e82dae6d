package import Octets
import Plan
package import Proto
import Time

/// One loop's subscription to one event's changes.
package struct Subscription {
  package enum State {
    /// Not asked for, or lost.
    case wanted
    case asked
    /// Answered; the map is being made on another thread. `number` tells this making from an older one.
    case building(LinkID, number: UInt64)
    case live(LinkID)
  }

  package var event: EventEntry
  package var state = State.wanted
  /// While the map is being made: what changed meanwhile, and how many seats that is.
  var backlog: [FeedUpdate] = []
  var backlogSeats = 0
  /// When a frame of the feed last arrived before it became live: the map will be as fresh as that.
  var heardAt: MonotonicTime = .zero
}

/// A map that is to be made from the answer to a subscription.
package struct CopyBuild: Sendable {
  package let event: EventEntry
  let version: UInt64
  let states: Bytes
  let counts: Availability
  let link: LinkID
  package let number: UInt64

  /// Takes long for a large event.
  package func makeBody() -> SeatMapBody {
    SeatMapBody(event.definition, seatCount: event.seatCount, states: states.rawSpan)
  }
}

/// Fresh copies: subscribe on the first read, apply what comes, let go of what nobody reads.
extension Engine {
  /// A copy that was not read for so long is given up.
  static var idleAfter: Milliseconds { 60_000 }
  /// Reads of this loop that may wait for a copy to become fresh.
  static var copyWaitsMax: Int { 10_000 }
  /// Reads that are answered in one turn once it is.
  private static var wakesMax: Int { 256 }
  /// Seats whose changes may wait while a map is being made.
  private static var backlogSeatsMax: Int { 100_000 }

  /// Serves a read from the event's copy. If that is not fresh enough, it is asked for.
  ///
  /// - Returns: what `body` returns; nil: read from the primary, or wait with `Operation.copy`.
  package func serveFresh<Result>(
    _ event: EventEntry, _ body: (inout SeatCopy.State, SeatMapBody) -> Result
  ) -> Result? {
    // A deleted event's copy may still be there on another loop.
    if event.isDropped { return nil }
    event.use(now: now)
    if let served = event.copy.serve(now: now, loops: loopBits, body) { return served }
    _ = wantCopy(of: event)
    return nil
  }

  /// False: there is no room for it.
  private func wantCopy(of event: EventEntry) -> Bool {
    guard subscribe(event) else { return false }
    if event.copy.shouldSpread(now: now) { host?.spreadCopy(of: event) }
    return true
  }

  /// Asks for the event's feed on this loop, unless that is done. False: there is no room for the copy.
  @discardableResult
  package func subscribe(_ event: EventEntry) -> Bool {
    if let subscription = subscriptions[event.id], subscription.event === event {
      if case .wanted = subscription.state { ask(subscription.event) }
      return true
    }
    if let other = subscriptions[event.id] { drop(other) }
    subscriptions[event.id] = nil
    guard directory.engage(event, loop: loopIndex, now: now) else { return false }
    subscriptions[event.id] = Subscription(event: event)
    ask(event)
    return true
  }

  private func ask(_ event: EventEntry) {
    // An unreachable shard is asked when its link is up again: see `renewSubscriptions`.
    guard forwarder.isReachable(event.shard) else { return }
    let isTaken = submit(
      .subscribe(id: event.id), to: event.shard, .subscribe(event), deadline: deadline,
      expectedBytes: event.answerBytes(seats: event.seatCount))
    if isTaken {
      subscriptions[event.id]?.state = .asked
    }
  }

  func subscribed(_ event: EventEntry, _ result: Completion.Result, _ link: LinkID?) {
    guard let subscription = subscriptions[event.id], subscription.event === event else { return }
    guard case .answer(.subscribed(let ref, let version, let states, let counts)) = result, let link,
      forwarder.link(of: event.shard) == link, event.fits(counts), ref == event.ref, states.count == event.seatCount
    else {
      subscriptions[event.id]?.state = .wanted
      if case .answer(.subscribed(let ref, _, _, _)) = result, ref != event.ref { forget(event) }
      // It was deleted.
      if case .answer(.refused(.noSuchEvent)) = result { forget(event) }
      return
    }
    slotFeeds[event.shard, default: [:]][event.ref.slot] = event.id
    subscriptions[event.id]?.heardAt = now
    buildNumber &+= 1
    let build = CopyBuild(
      event: event, version: version, states: states, counts: counts, link: link, number: buildNumber)
    if !event.copy.needsBody(version: version) {
      goLive(build, nil)
    } else if event.mapBytes < largeMapBytes {
      goLive(build, build.makeBody())
    } else if host?.build(build) == true {
      subscriptions[event.id]?.state = .building(link, number: buildNumber)
    } else {
      // Too much is being made: again soon.
      subscriptions[event.id]?.state = .wanted
    }
  }

  /// A map was made.
  package func built(_ build: CopyBuild, _ body: SeatMapBody) {
    guard let subscription = subscriptions[build.event.id], subscription.event === build.event,
      case .building(build.link, build.number) = subscription.state
    else { return }
    goLive(build, body)
  }

  private func goLive(_ build: CopyBuild, _ body: SeatMapBody?) {
    let event = build.event
    let backlog = subscriptions[event.id]?.backlog ?? []
    let heardAt = subscriptions[event.id]?.heardAt ?? .zero
    subscriptions[event.id]?.backlog = []
    subscriptions[event.id]?.backlogSeats = 0
    let isTaken = event.copy.subscribed(
      loop: loopIndex, version: build.version, body: body, counts: build.counts, now: heardAt)
    for update in backlog where isTaken {
      guard event.copy.apply(update, loop: loopIndex, now: heardAt) else { return lost(event) }
    }
    guard isTaken else { return lost(event) }
    subscriptions[event.id]?.state = .live(build.link)
    wakeCopyWaits(event)
  }

  /// The copy misses something: it is asked for again.
  private func lost(_ event: EventEntry) {
    event.copy.feedLost(loop: loopIndex)
    subscriptions[event.id]?.state = .wanted
    subscriptions[event.id]?.backlog = []
    subscriptions[event.id]?.backlogSeats = 0
  }

  /// Takes a `feed` frame.
  package func received(feed body: RawSpan, from link: LinkID, shard: ShardID) throws(DecodeError) {
    var reader = ByteReader(body)
    while reader.bytesLeft > 0 {
      let update = try FeedUpdate(decoding: &reader)
      guard let id = slotFeeds[shard]?[update.event.slot], let subscription = subscriptions[id],
        subscription.event.ref == update.event
      else { continue }
      let event = subscription.event
      switch subscription.state {
      case .live(link):
        if !event.fits(update.availability) || !event.copy.apply(update, loop: loopIndex, now: now) { lost(event) }
      case .building(link, _):
        let seats = subscription.backlogSeats + update.seats.count + 1
        if !event.fits(update.availability) || seats > Self.backlogSeatsMax {
          lost(event)
        } else {
          subscriptions[id]?.backlog.append(update)
          subscriptions[id]?.backlogSeats = seats
          subscriptions[id]?.heardAt = now
        }
      case .wanted, .asked, .building, .live: continue
      }
    }
  }

  /// The shard's copies are as new as this frame.
  package func receivedFeedFresh(from link: LinkID, shard: ShardID) {
    for id in (slotFeeds[shard] ?? [:]).values {
      guard let subscription = subscriptions[id] else { continue }
      switch subscription.state {
      case .live(link):
        subscription.event.copy.confirm(now: now)
        if !copyWaits.isEmpty { wakeCopyWaits(subscription.event) }
      case .building(link, _): subscriptions[id]?.heardAt = now
      case .wanted, .asked, .building, .live: continue
      }
    }
  }

  /// The shard's roles have changed: a node that was deposed has forgotten who subscribed, also if it is primary again.
  func subscriptionsLost(of shard: ShardID) {
    for id in (slotFeeds[shard] ?? [:]).values {
      guard let subscription = subscriptions[id] else { continue }
      switch subscription.state {
      case .live, .building: lost(subscription.event)
      case .wanted, .asked: continue
      }
    }
  }

  func subscriptionsLost(on link: LinkID) {
    for (_, subscription) in subscriptions {
      switch subscription.state {
      case .live(link), .building(link, _): lost(subscription.event)
      case .wanted, .asked, .live, .building: continue
      }
    }
  }

  /// Feeds that were lost are asked for again, and those of copies that nobody reads are given up. Call it every 50 to
  /// 1,000 ms.
  package func renewSubscriptions() {
    refuseLateWaits()
    if directory.generation != droppedGeneration {
      droppedGeneration = directory.generation
      events.removeAll { $0.isDropped }
    }
    // In one order in every process: what a seed gives must not hang on how this one hashes.
    let inOrder = subscriptions.count > 1 ? subscriptions.sorted { $0.key < $1.key } : Array(subscriptions)
    for (_, subscription) in inOrder {
      let event = subscription.event
      if now - event.copy.status(now: now).readAt > Self.idleAfter {
        // Its memory was wanted for others: who waits for it asks anew.
        let waits = takeCopyWaits(event.id)
        unsubscribe(event.id)
        for call in waits { awaitCopy(of: event, call) }
        continue
      }
      switch subscription.state {
      case .wanted: ask(event)
      case .asked: break
      case .building(let link, _), .live(let link):
        // The shard has moved, or its link was replaced.
        if forwarder.link(of: event.shard) != link {
          lost(event)
          ask(event)
        }
      }
    }
  }

  func unsubscribe(_ id: Bytes) {
    guard let subscription = subscriptions.removeValue(forKey: id) else { return }
    drop(subscription)
    for call in takeCopyWaits(id) { end(call, .refused(.unavailable)) }
  }

  private func drop(_ subscription: Subscription) {
    let event = subscription.event
    event.copy.feedLost(loop: loopIndex)
    directory.disengage(event, loop: loopIndex)
    if slotFeeds[event.shard]?[event.ref.slot] == event.id { slotFeeds[event.shard]?[event.ref.slot] = nil }
    switch subscription.state {
    case .live, .building:
      _ = submit(.unsubscribe(id: event.id), to: event.shard, .unsubscribe, deadline: deadline)
    case .wanted, .asked: break
    }
  }

  // MARK: Waiting for a copy

  /// The call ends with `.copy` once the copy is fresh enough to serve: one subscription, however many wait.
  func awaitCopy(of event: EventEntry, _ call: Call) {
    event.use(now: now)
    if event.copy.isFresh(now: now, loops: loopBits) { return end(call, .copy(event)) }
    guard copyWaitCount < Self.copyWaitsMax, wantCopy(of: event) else {
      copyRefusals &+= 1
      return end(call, .refused(.unavailable))
    }
    copyWaits[event.id, default: []].append(call)
    copyWaitCount += 1
  }

  func takeCopyWaits(_ id: Bytes) -> [Call] {
    guard let waits = copyWaits.removeValue(forKey: id) else { return [] }
    copyWaitCount -= waits.count
    return waits
  }

  /// Ends the calls that wait for this copy, if it is fresh: some now, the rest in the next turns.
  package func wakeCopyWaits(_ event: EventEntry) {
    guard let waits = copyWaits[event.id], event.copy.isFresh(now: now, loops: loopBits) else { return }
    let count = min(waits.count, Self.wakesMax)
    copyWaitCount -= count
    copyWaits[event.id] = count == waits.count ? nil : Array(waits[count...])
    for call in waits[..<count] { end(call, .copy(event)) }
    if copyWaits[event.id] != nil { host?.wakeLater(event) }
  }

  private func refuseLateWaits() {
    guard copyWaitCount > 0 else { return }
    for (id, waits) in copyWaits.sorted(by: { $0.key < $1.key }) {
      // In the order in which they came, and so of their deadlines.
      let late = waits.prefix { $0.deadline <= now }
      guard !late.isEmpty else { continue }
      copyWaitCount -= late.count
      copyWaits[id] = late.count == waits.count ? nil : Array(waits[late.count...])
      for call in late { end(call, .refused(.unavailable)) }
    }
  }
}
