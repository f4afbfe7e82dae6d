public import Proto
public import Time

/// One router loop's way to the shards, as a pure value: requests, map changes, links, replies and time go in; frames
/// and completions come out. It owns no socket and no clock, so that a simulator can drive it.
///
/// - All requests of one shard and loop turn leave as one frame. What comes while a frame is on its way waits for its
///   answer and leaves together, and with it what the clients that were answered ask next: `mayLeave`,
///   `worthWaitingFor` and `Gathering` say how long.
/// - A request without a reply is sent again when its link is lost or another node becomes primary; commands carry
///   keys, so that the second copy repeats the first one's outcome.
/// - Requests of one shard are sent, and sent again, in the order of their submission. A door must have at most one
///   frame of a client connection's commands on its way to a shard (`turn` tells): then effects keep their order even
///   if a node takes back one frame and not the next.
public struct Forwarder: Sendable {
  public let limits: ForwarderLimits
  /// Random, drawn when the router's loop started: names the loop in `RouterHello` and in the keys it makes.
  public let router: UInt64
  /// Grows with each flush. Requests submitted in one turn to one shard leave in one frame.
  public private(set) var turn: UInt64 = 1
  /// Results since the last `takeCompletions`.
  var completions: [Completion] = []
  /// Granted holds since the last `takeHeld`.
  var held: [HeldCompletion] = []

  var pending: [Pending] = []
  var freePending: [UInt32] = []
  var batches: [Batch] = []
  var freeBatches: [Int32] = []
  var shards: [ShardQueue]
  /// Shards whose open frame is not empty and may be sent.
  var ready: [UInt16] = []
  var links: [LinkID: LinkState] = [:]
  /// Drained before use: `ready` holds each shard at most once.
  var isReady: [Bool]

  var nextSequence: UInt64 = 0
  private var keyCounter: UInt64 = 0
  /// No pending request has an earlier deadline.
  var earliestDeadline: MonotonicTime = .distantFuture
  /// No paused shard may go on earlier.
  var earliestResume: MonotonicTime = .distantFuture

  /// Large requests that have not left, oldest first, each a batch of its own; and the bytes of the answers to those
  /// reads that have.
  var loneRequests: [Int32] = []
  var largeAnswerBytes = 0
  /// The doors have too much to write already: no large read leaves.
  public var holdsLargeReads = false

  /// Links that must be closed, because the node at their end was deposed while it owed replies.
  var linksToClose: [LinkID] = []

  struct LinkState: Sendable {
    var node: NodeName
    var loop: Int
    var loopCount: Int
  }

  /// - Parameter shardCount: 0 while the cluster is not known: then it takes nothing.
  public init(router: UInt64, shardCount: Int, limits: ForwarderLimits = ForwarderLimits()) {
    precondition((0...65_535).contains(shardCount), "a cluster has 1 to 65,535 shards")
    precondition(limits.deadline <= ForwarderLimits.resendMax, "keys of routers are kept for so long only")
    (self.router, self.limits) = (router, limits)
    shards = Array(repeating: ShardQueue(), count: shardCount)
    isReady = Array(repeating: false, count: shardCount)
  }

  public var shardCount: Int { shards.count }
  /// Requests that were submitted and have no completion yet, and abandoned ones whose reply may still come.
  public var pendingCount: Int { pending.count - freePending.count }
  /// Whether a frame to this shard could leave now.
  public func isReachable(_ shard: ShardID) -> Bool { shards[Int(shard.rawValue)].link != nil }
  /// Epoch and primary, as the map last said.
  public func location(of shard: ShardID) -> (epoch: UInt64, primary: NodeName?) {
    let route = shards[Int(shard.rawValue)]
    return (route.epoch, route.primary)
  }
  /// The link that carries a shard's requests now.
  public func link(of shard: ShardID) -> LinkID? { shards[Int(shard.rawValue)].link }

  /// Whether `takeCompletions` or `takeHeld` would give any.
  public var hasCompletions: Bool { !completions.isEmpty || !held.isEmpty }

  /// Takes the results out, granted holds excepted. `into` should be empty; its storage is used again.
  public mutating func takeCompletions(into out: inout [Completion]) { swap(&completions, &out) }

  /// Takes the granted holds out. `into` should be empty; its storage is used again.
  public mutating func takeHeld(into out: inout [HeldCompletion]) { swap(&held, &out) }

  /// Links that were given up since the last call: close them, and connect anew with a higher connection number.
  public mutating func takeLinksToClose() -> [LinkID] {
    defer { linksToClose.removeAll() }
    return linksToClose
  }

  // MARK: Submitting

  /// A key that no other router makes: 16 bytes, `router` and a counter.
  public mutating func makeKey() -> (UInt64, UInt64) {
    keyCounter &+= 1
    return (router, keyCounter)
  }

  /// Queues one request; `body` appends the command record or the query.
  ///
  /// - Parameter deadline: nil: as the limits say.
  /// - Returns: false if too much is waiting: nothing was queued, and there will be no completion.
  @inline(__always)
  public mutating func submit(
    _ what: Request.What, to shard: ShardID, handle: RequestHandle, now: MonotonicTime, deadline: MonotonicTime? = nil,
    body: (inout [UInt8]) -> Void
  ) -> Bool {
    let index = Int(shard.rawValue)
    guard index < shards.count, canTake(index), let id = takeID() else { return false }
    if shards[index].open.isEmpty { beginOpen(index) }
    let range = shards[index].append(id, what, body)
    nextSequence &+= 1
    let deadline = deadline ?? now &+ limits.deadline
    pending[Int(id)] = Pending(
      handle: handle, sequence: nextSequence, deadline: deadline, batch: -1, offset: UInt32(range.lowerBound),
      byteCount: UInt32(range.count), shard: shard, state: .queued, what: what)
    if deadline < earliestDeadline { earliestDeadline = deadline }
    markReady(index)
    return true
  }

  func canTake(_ shard: Int) -> Bool {
    shards[shard].openIDs.isEmpty || shards[shard].open.count < limits.queuedBytesMax
  }

  mutating func takeID() -> UInt32? {
    if let id = freePending.popLast() { return id }
    guard pending.count < limits.pendingMax else { return nil }
    pending.append(Pending())
    return UInt32(pending.count - 1)
  }

  mutating func release(_ id: UInt32) {
    pending[Int(id)].state = .free
    freePending.append(id)
  }

  /// Leaves room for the frame's header, which is written when the frame is sent.
  mutating func beginOpen(_ shard: Int) {
    _ = WireFrame.begin(.requests, shard: ShardID(UInt16(shard)), into: &shards[shard].open)
  }

  mutating func markReady(_ shard: Int) {
    guard !isReady[shard] else { return }
    isReady[shard] = true
    ready.append(UInt16(shard))
  }

  // MARK: Sending

  /// Ends the turn: every shard that has something to send and a link to its primary sends one frame, unless it waits
  /// for more. What is past its deadline is not sent: it may leave completions.
  ///
  /// - Parameter gathers: whether a frame may be held back because more for it is about to come: see `worthWaitingFor`.
  /// - Returns: what was. `Gathering` says when to flush again.
  @discardableResult
  package mutating func flush(
    now: MonotonicTime, gathers: Bool = false, send: (LinkID, borrowing [UInt8]) -> Void
  ) -> HeldBack {
    turn &+= 1
    // A process that stood still ends what is too late before it sends anything again: nodes may have forgotten its
    // keys by now.
    if now >= earliestDeadline { tick(now: now) }
    if !loneRequests.isEmpty { sendLoneRequests(now: now, send) }
    guard !ready.isEmpty else { return HeldBack() }
    var kept = 0
    var heldBack = HeldBack()
    for place in 0..<ready.count {
      let shard = Int(ready[place])
      if shards[shard].openIDs.isEmpty {
        isReady[shard] = false
      } else if let link = shards[shard].link, shards[shard].pausedUntil <= now, mayLeave(shard, now: now) {
        if gathers, let missing = worthWaitingFor(shard, now: now) {
          heldBack.count += shards[shard].openIDs.count
          heldBack.missing += missing
          ready[kept] = ready[place]
          kept += 1
          continue
        }
        isReady[shard] = false
        learn(shard, now: now)
        sendOpen(shard, on: link, now: now, send)
      } else {
        if shards[shard].inFlight > 0 { lookAgain(at: max(now + 1, shards[shard].sentAt + limits.slowFrame)) }
        ready[kept] = ready[place]
        kept += 1
      }
    }
    ready.removeLast(ready.count - kept)
    return heldBack
  }

  mutating func lookAgain(at time: MonotonicTime) { earliestResume = min(earliestResume, time) }

  private func mayLeave(_ shard: Int, now: MonotonicTime) -> Bool {
    let waiting = shards[shard].openIDs.count
    if now &- shards[shard].sentAt >= limits.slowFrame, shards[shard].inFlight < limits.fullFramesInFlightMax {
      return true
    }
    switch shards[shard].inFlight {
    case 0: return true
    case 1 where shards[shard].awaited + waiting <= limits.fewRequests: return true
    case let frames: return waiting >= limits.fullFrameRequests && frames < limits.fullFramesInFlightMax
    }
  }

  /// Clients that were answered a moment ago are writing their next requests right now: a frame with the first few of
  /// those would keep the primary busy with a sync of its own while the rest wait for the next. So all of them travel
  /// together, and nodes do the least for each. Returns how many are missing; nil: none.
  private func worthWaitingFor(_ shard: Int, now: MonotonicTime) -> Int? {
    guard shards[shard].unwaiting.left == 0, isExpecting(shard, now: now) else { return nil }
    let missing = min(shards[shard].expected.count, limits.fullFrameRequests) - shards[shard].openIDs.count
    return missing > 0 ? missing : nil
  }

  /// Whether enough requests were answered so short a time ago that the next ones may be waited for.
  func isExpecting(_ shard: Int, now: MonotonicTime) -> Bool {
    let expected = shards[shard].expected
    return expected.count >= limits.fewRequests && now &- expected.since <= Self.expectedFor
  }

  /// Learns from a frame that leaves whether waiting is worth it. Clients that do not wait for their answers are as
  /// many as they are, whenever they were answered: a frame would wait in vain for each of them. So after a frame that
  /// was not filled two leave without waiting, then four, up to 64.
  private mutating func learn(_ shard: Int, now: MonotonicTime) {
    if shards[shard].unwaiting.left > 0 {
      shards[shard].unwaiting.left -= 1
    } else if worthWaitingFor(shard, now: now) != nil {
      let count = min(64, max(2, shards[shard].unwaiting.first * 2))
      shards[shard].unwaiting = (count, count)
    } else if isExpecting(shard, now: now) {
      shards[shard].unwaiting.first = 0
    }
  }

  /// Milliseconds after which nobody is expected any more.
  private static var expectedFor: Milliseconds { 3 }

  private mutating func sendOpen(
    _ shard: Int, on link: LinkID, now: MonotonicTime, _ send: (LinkID, borrowing [UInt8]) -> Void
  ) {
    WireFrame.end(0, in: &shards[shard].open)
    send(link, shards[shard].open)
    let index = takeBatch()
    swap(&batches[Int(index)].bytes, &shards[shard].open)
    swap(&batches[Int(index)].ids, &shards[shard].openIDs)
    batches[Int(index)].firstSequence = pending[Int(batches[Int(index)].ids[0])].sequence
    batches[Int(index)].link = link
    batches[Int(index)].shard = ShardID(UInt16(shard))
    batches[Int(index)].epoch = shards[shard].epoch
    batches[Int(index)].unanswered = batches[Int(index)].ids.count
    batches[Int(index)].refused = 0
    batches[Int(index)].awaited = batches[Int(index)].ids.count
    for id in batches[Int(index)].ids {
      pending[Int(id)].state = .sent
      pending[Int(id)].batch = index
    }
    shards[shard].sent.append(index)
    shards[shard].sentAt = now
    shards[shard].inFlight += 1
    shards[shard].awaited += batches[Int(index)].awaited
    shards[shard].expected.count = 0
  }

  /// An entry of the batch has its reply, or its door was told that it will not wait. A frame that nobody waits for,
  /// because the node is silent, keeps none back.
  @inline(__always)
  mutating func awaitsOneLess(_ batch: Int32) {
    let shard = Int(batches[Int(batch)].shard.rawValue)
    batches[Int(batch)].awaited &-= 1
    if batches[Int(batch)].isAlone { return }
    shards[shard].awaited &-= 1
    if batches[Int(batch)].awaited == 0 { shards[shard].inFlight -= 1 }
  }

  mutating func takeBatch() -> Int32 {
    if let index = freeBatches.popLast() { return index }
    batches.append(Batch())
    return Int32(batches.count - 1)
  }

  /// Gives a settled batch back; its storage is used again unless it is unusually large.
  mutating func release(batch index: Int32) {
    let place = Int(index)
    let shard = Int(batches[place].shard.rawValue)
    if let position = shards[shard].sent.firstIndex(of: index) { shards[shard].sent.remove(at: position) }
    if batches[place].isAlone {
      batches[place].expectedBytes = 0
      batches[place].awaited = 0
    } else {
      if batches[place].awaited > 0 { shards[shard].inFlight -= 1 }
      shards[shard].awaited -= batches[place].awaited
    }
    batches[place].bytes.removeAll(keepingCapacity: batches[place].bytes.capacity <= 256 << 10)
    batches[place].ids.removeAll(keepingCapacity: batches[place].ids.capacity <= 16 << 10)
    freeBatches.append(index)
  }
}
