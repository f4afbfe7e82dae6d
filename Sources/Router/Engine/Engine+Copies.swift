package import Proto

/// One loop's subscription to one event's changes.
struct Subscription {
  enum State {
    /// Not asked for, or lost.
    case wanted
    case asked
    case live(LinkID)
  }

  var event: EventEntry
  var state = State.wanted
}

/// Fresh copies: subscribe on the first read, apply what comes, let go of what nobody reads.
extension Engine {
  /// A copy that was not read for so long is given up.
  static var idleAfter: Milliseconds { 60_000 }

  /// Serves a read from the event's copy. If that is not fresh enough, it is asked for.
  ///
  /// - Parameter loops: bit n is set for each of the process's loops.
  /// - Returns: what `body` returns; nil: read from the primary.
  package func serveFresh<Result>(
    _ event: EventEntry, loops: UInt64, _ body: (inout SeatCopy.State) -> Result
  ) -> Result? {
    if let served = event.copy.serve(now: now, loops: loops, body) { return served }
    subscribe(event)
    if event.copy.shouldSpread(now: now) { host?.spreadCopy(of: event) }
    return nil
  }

  /// Asks for the event's feed on this loop, unless that is done.
  package func subscribe(_ event: EventEntry) {
    if let subscription = subscriptions[event.id], subscription.event === event {
      if case .wanted = subscription.state { ask(subscription.event) }
      return
    }
    if let other = subscriptions[event.id] { drop(other) }
    subscriptions[event.id] = Subscription(event: event)
    ask(event)
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
      forwarder.link(of: event.shard) == link, event.fits(counts), ref == event.ref,
      event.copy.subscribed(loop: loopIndex, version: version, states: states, counts: counts, now: now)
    else {
      subscriptions[event.id]?.state = .wanted
      if case .answer(.subscribed(let ref, _, _, _)) = result, ref != event.ref { forget(event) }
      return
    }
    subscriptions[event.id]?.state = .live(link)
    slotFeeds[event.shard, default: [:]][event.ref.slot] = event.id
  }

  /// Takes a `feed` frame.
  package func received(feed body: RawSpan, from link: LinkID, shard: ShardID) throws(DecodeError) {
    var reader = ByteReader(body)
    while reader.bytesLeft > 0 {
      let update = try FeedUpdate(decoding: &reader)
      guard let id = slotFeeds[shard]?[update.event.slot], let subscription = subscriptions[id],
        case .live(link) = subscription.state, subscription.event.ref == update.event
      else { continue }
      let event = subscription.event
      if !event.fits(update.availability) || !event.copy.apply(update, loop: loopIndex, now: now) {
        event.copy.feedLost(loop: loopIndex)
        subscriptions[id]?.state = .wanted
      }
    }
  }

  /// The shard's copies are as new as this frame.
  package func receivedFeedFresh(from link: LinkID, shard: ShardID) {
    for id in (slotFeeds[shard] ?? [:]).values {
      guard let subscription = subscriptions[id], case .live(link) = subscription.state else { continue }
      subscription.event.copy.confirm(now: now)
    }
  }

  /// The shard's roles have changed: a node that was deposed has forgotten who subscribed, also if it is primary again.
  func subscriptionsLost(of shard: ShardID) {
    for id in (slotFeeds[shard] ?? [:]).values {
      guard let subscription = subscriptions[id], case .live = subscription.state else { continue }
      subscription.event.copy.feedLost(loop: loopIndex)
      subscriptions[id]?.state = .wanted
    }
  }

  func subscriptionsLost(on link: LinkID) {
    for (id, subscription) in subscriptions {
      guard case .live(link) = subscription.state else { continue }
      subscription.event.copy.feedLost(loop: loopIndex)
      subscriptions[id]?.state = .wanted
    }
  }

  /// Feeds that were lost are asked for again, and those of copies that nobody reads are given up. Call it every 50 to 1,000 ms.
  package func renewSubscriptions() {
    // In one order in every process: what a seed gives must not hang on how this one hashes.
    let inOrder = subscriptions.count > 1 ? subscriptions.sorted { $0.key < $1.key } : Array(subscriptions)
    for (_, subscription) in inOrder {
      let event = subscription.event
      if now - event.copy.status(now: now).readAt > Self.idleAfter {
        unsubscribe(event.id)
        continue
      }
      switch subscription.state {
      case .wanted: ask(event)
      case .asked: break
      case .live(let link):
        // The shard has moved, or its link was replaced.
        if forwarder.link(of: event.shard) != link {
          event.copy.feedLost(loop: loopIndex)
          subscriptions[event.id]?.state = .wanted
          ask(event)
        }
      }
    }
  }

  func unsubscribe(_ id: Bytes) {
    guard let subscription = subscriptions.removeValue(forKey: id) else { return }
    drop(subscription)
  }

  private func drop(_ subscription: Subscription) {
    let event = subscription.event
    event.copy.feedLost(loop: loopIndex)
    if slotFeeds[event.shard]?[event.ref.slot] == event.id { slotFeeds[event.shard]?[event.ref.slot] = nil }
    if case .live = subscription.state {
      _ = submit(.unsubscribe(id: event.id), to: event.shard, .unsubscribe, deadline: deadline)
    }
  }
}
