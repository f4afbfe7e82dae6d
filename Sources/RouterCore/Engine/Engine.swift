package import Octets
package import Proto
package import Time

/// What an engine needs of the world around it.
package protocol EngineHost: AnyObject {
  /// Something was queued: call `turnEnded` before the loop waits. Asked for once a turn.
  func wantsTurnEnd()
  /// Decodes what is too large for a loop's turn on another thread, and hands it back to the loop.
  /// False: too much is being made.
  func prepare(_ info: EventInfo, for id: Bytes) -> Bool
  /// Asks the process's other loops to keep a copy of this event too.
  func spreadCopy(of event: EventEntry)
  /// Lets go of a definition that is known already, on another thread if it is large.
  func letGo(of info: EventInfo)
  // Each of these makes something on another thread and hands it back to the loop: `Engine.built`, `rendered`,
  // `planMade`. False: too much is being made.
  func build(_ build: CopyBuild) -> Bool
  func render(_ rendering: SeatRendering) -> Bool
  func renderPlan(of event: EventEntry) -> Bool
  /// Calls `wakeCopyWaits` in the next turn.
  func wakeLater(_ event: EventEntry)
}

/// One router loop's middle, between the doors and the nodes: knows events, translates operations to commands and
/// outcomes back, and keeps a forwarder. Owns no socket and no clock. All of it belongs to one loop.
package final class Engine {
  package internal(set) var forwarder: Forwarder
  package internal(set) var events = EventIndex()
  package let directory: EventDirectory
  package let surroundings: EventSurroundings
  package weak var host: (any EngineHost)?
  package var random: RandomSource
  /// Monotonic nanoseconds of the current turn. No argument of every call, because only `EngineDriver` can set them,
  /// once, where a turn begins: its comment says why.
  package internal(set) var nowNanoseconds: UInt64 = 0 {
    didSet { now = MonotonicTime(Int64(nowNanoseconds / 1_000_000)) }
  }
  /// The same in milliseconds.
  package private(set) var now: MonotonicTime = .zero
  /// Reads refused because their copy, map or plan body had no room, or too many waited.
  package internal(set) var copyRefusals: UInt64 = 0
  /// This loop's subscriptions, by event id.
  package internal(set) var subscriptions: [Bytes: Subscription] = [:]
  /// Which event a feed's slot means, by shard.
  var slotFeeds: [ShardID: [EventSlot: Bytes]] = [:]
  package let loopIndex: Int
  /// Bit n for each of the process's loops.
  package var loopBits: UInt64 = 1
  /// Maps and plan bodies of so many bytes are made on another thread.
  package var largeMapBytes = 256 << 10
  var buildNumber: UInt64 = 0
  /// Calls that wait for a copy, by event id, in order of arrival, and how many.
  var copyWaits: [Bytes: [Call]] = [:]
  package internal(set) var copyWaitCount = 0
  /// Strong reads of seats that are under way, by event id.
  var seatReads: [Bytes: SeatReads] = [:]
  /// Calls that wait for a plan's body, by event id.
  var planWaits: [Bytes: [Call]] = [:]
  /// The directory's generation when dropped entries were last looked for.
  var droppedGeneration: UInt64 = 0

  private var slots: [Slot] = []
  private var freeSlots: [UInt32] = []
  /// Calls that wait for an event's definition, in order of arrival.
  var fetching: [Bytes: [Call]] = [:]
  private var done: [Completion] = []
  /// The hot path's holds, which need no slot.
  var quickHolds = QuickHolds()
  /// Kept for its storage.
  var heldDone: [HeldCompletion] = []
  private var turnEndAsked = false
  package private(set) var gathering = Gathering()

  struct Slot {
    var generation: UInt32 = 0
    var waiting = Waiting.none
  }

  /// Who waits for a forwarder's completion.
  enum Waiting {
    case none
    case call(Call)
    case listPart(Call)
    case fetch(Bytes)
    case subscribe(EventEntry)
    case unsubscribe
    case seats(EventEntry)
    case probe(Probe, ShardID)
  }

  /// - Parameter shardCount: 0 while the cluster is not known; then `begin` says it, and no call is started before.
  package init(
    router: UInt64, shardCount: Int, loopIndex: Int, limits: ForwarderLimits, directory: EventDirectory,
    surroundings: EventSurroundings = EventSurroundings(), random: RandomSource
  ) {
    forwarder = Forwarder(router: router, shardCount: shardCount, limits: limits)
    (self.directory, self.random, self.loopIndex) = (directory, random, loopIndex)
    self.surroundings = surroundings
  }

  /// The cluster is known now. Once.
  package func begin(shardCount: Int) {
    precondition(self.shardCount == 0, "a cluster is born once")
    forwarder = Forwarder(router: forwarder.router, shardCount: shardCount, limits: forwarder.limits)
  }

  package var shardCount: Int { forwarder.shardCount }
  package func shard(of event: Bytes) -> ShardID {
    ShardID.owning(event: event.rawSpan, shardCount: forwarder.shardCount)
  }
  package var deadline: MonotonicTime { now + forwarder.limits.deadline }

  // MARK: Turns

  /// The doors have too much to write already: no large read leaves.
  func holdLargeReads(_ areHeld: Bool) { forwarder.holdsLargeReads = areHeld }

  package func askForTurnEnd() {
    guard !turnEndAsked else { return }
    turnEndAsked = true
    host?.wantsTurnEnd()
  }

  /// Sends what was queued.
  ///
  /// - Returns: until when, in monotonic nanoseconds, something was held back: call it again by then; nil: nothing was.
  func turnEnded(send: (LinkID, borrowing [UInt8]) -> Void) -> UInt64? {
    turnEndAsked = false
    let heldBack = forwarder.flush(now: now, gathers: gathering.goesOn(at: nowNanoseconds), send: send)
    gathering.note(heldBack, at: nowNanoseconds)
    if forwarder.hasCompletions { complete() }
    return gathering.until
  }

  /// Ends what is too late.
  func tick() {
    forwarder.tick(now: now)
    complete()
    if forwarder.pendingCount > 0 { askForTurnEnd() }
  }

  // MARK: What nodes say

  package func received(replies body: RawSpan, from link: LinkID, shard: ShardID) throws(DecodeError) {
    do throws(DecodeError) {
      try forwarder.receive(replies: body, from: link, shard: shard, now: now)
    } catch {
      complete()
      throw error
    }
    complete()
  }

  /// As above, for a frame that was too large to decode on the loop.
  package func received(
    decoded replies: [(id: UInt32, reply: Reply)], from link: LinkID, shard: ShardID
  ) throws(DecodeError) {
    do throws(DecodeError) {
      for (id, reply) in replies { try forwarder.receive(reply, to: id, from: link, shard: shard, now: now) }
    } catch {
      complete()
      throw error
    }
    complete()
  }

  package func linkDown(_ link: LinkID) {
    forwarder.linkDown(link)
    subscriptionsLost(on: link)
    complete()
    askForTurnEnd()
  }

  func complete() {
    repeat {
      done.removeAll(keepingCapacity: true)
      forwarder.takeCompletions(into: &done)
      var batch: [Completion] = []
      swap(&batch, &done)
      for completion in batch { complete(completion) }
      swap(&batch, &done)
      completeHeld()
    } while forwarder.hasCompletions
    askForTurnEnd()
  }

  func complete(_ completion: Completion) {
    if QuickHolds.isOne(completion.handle) { return end(quickHolds.remove(completion.handle), completion) }
    switch takeSlot(completion.handle) {
    case .none: break
    case .call(let call):
      if completion.isRepeat { call.isReplayed = true }
      advance(call, completion.result)
    case .listPart(let call): listPart(call, completion.result)
    case .fetch(let id): fetched(id, completion.result)
    case .subscribe(let event): subscribed(event, completion.result, completion.link)
    case .unsubscribe: break
    case .seats(let event): seatsRead(event, completion.result)
    case .probe(let probe, let shard): probed(probe, shard, completion.result)
    }
  }

  // MARK: Slots

  func makeHandle(_ waiting: Waiting) -> RequestHandle {
    let index: UInt32
    if let free = freeSlots.popLast() {
      index = free
    } else {
      slots.append(Slot())
      index = UInt32(slots.count - 1)
    }
    slots[Int(index)].waiting = waiting
    return RequestHandle(UInt64(slots[Int(index)].generation) << 32 | UInt64(index))
  }

  func takeSlot(_ handle: RequestHandle) -> Waiting {
    let index = Int(handle.rawValue & 0xFFFF_FFFF)
    precondition(slots[index].generation == UInt32(handle.rawValue >> 32), "the forwarder completes a handle once")
    // The highest bit marks quick holds.
    slots[index].generation = (slots[index].generation &+ 1) & 0x7FFF_FFFF
    freeSlots.append(UInt32(index))
    var waiting = Waiting.none
    swap(&waiting, &slots[index].waiting)
    return waiting
  }

  // MARK: Submitting

  /// Queues a command under the client's key, or under one of the router's.
  ///
  /// - Returns: false if too much is waiting; the handle's slot is free again.
  @inline(__always)
  func submit(
    _ kind: CommandKind, to shard: ShardID, key: Bytes, handle: RequestHandle, deadline: MonotonicTime,
    body: (inout [UInt8]) -> Void
  ) -> Bool {
    askForTurnEnd()
    let isTaken: Bool
    if key.isEmpty {
      let routerKey = forwarder.makeKey()
      isTaken = forwarder.submit(.command, to: shard, handle: handle, now: now, deadline: deadline) { out in
        CommandRecord.encode(kind, routerKey: routerKey, into: &out, body: body)
      }
    } else {
      isTaken = forwarder.submit(.command, to: shard, handle: handle, now: now, deadline: deadline) { out in
        CommandRecord.encode(kind, key: key.rawSpan, keyIsFromRouter: false, into: &out, body: body)
      }
    }
    if !isTaken { _ = takeSlot(handle) }
    return isTaken
  }

  /// The same for a command that was laid out beforehand, for a key of this length.
  ///
  /// - Parameter random: writes the beginning of the body.
  func submit(
    _ command: LargeCommand, _ kind: CommandKind, to shard: ShardID, key: Bytes, handle: RequestHandle,
    deadline: MonotonicTime, random: (inout [UInt8]) -> Void
  ) -> Bool {
    askForTurnEnd()
    var key = key
    let keyIsFromRouter = key.isEmpty
    if keyIsFromRouter {
      let made = forwarder.makeKey()
      key.array.put(made.0)
      key.array.put(made.1)
    }
    let isTaken = forwarder.submitLargeCommand(command, to: shard, handle: handle, now: now, deadline: deadline) {
      CommandRecord.encodeHead(
        kind, key: key.rawSpan, keyIsFromRouter: keyIsFromRouter, bodyBytes: $1, into: &$0)
      random(&$0)
    }
    if !isTaken { _ = takeSlot(handle) }
    return isTaken
  }

  /// - Parameter expectedBytes: of the answer: what is large travels apart from the rest.
  func submit(
    _ query: Query, to shard: ShardID, _ waiting: Waiting, deadline: MonotonicTime, expectedBytes: Int = 0
  ) -> Bool {
    askForTurnEnd()
    let handle = makeHandle(waiting)
    if expectedBytes >= Query.largeAnswerBytes {
      let isTaken = forwarder.submitLargeRead(
        query, to: shard, handle: handle, now: now, deadline: deadline, expectedBytes: expectedBytes)
      if !isTaken { _ = takeSlot(handle) }
      return isTaken
    }
    let isTaken = forwarder.submit(.query, to: shard, handle: handle, now: now, deadline: deadline) {
      query.encode(into: &$0)
    }
    if !isTaken { _ = takeSlot(handle) }
    return isTaken
  }
}

/// Random bits for ids: the system's generator at the edge, a seeded one in simulations.
package struct RandomSource {
  private let draw: () -> UInt64
  package init(_ draw: @escaping () -> UInt64) { self.draw = draw }
  package mutating func next() -> UInt64 { draw() }
}
