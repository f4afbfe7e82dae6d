import Proto
package import Time

/// Takes one loop's engine through its turns, in a router and in the simulator, so that the one cannot drift from the
/// other: when time is told, what is sent, which timers are needed and what they do.
///
/// The engine's time is set here, where a turn begins, and nowhere else: it is the same in the whole turn, doors and
/// links call in many times a turn, and as an argument it would be carried along all of a call's way to say nothing
/// new. Nobody outside this module can set it, and no way in can forget to.
package final class EngineDriver {
  package let engine: Engine
  /// A timer for the end of the engine's gathering is set.
  private var isGathering = false
  /// When the timer that is set for the forwarder goes off.
  private var tickAt = MonotonicTime.distantFuture

  /// Time between two calls of `housekeep`.
  package static let housekeepingEvery: Milliseconds = 100

  package init(_ engine: Engine) { self.engine = engine }

  /// A turn of the loop begins. Before anything else in it, at monotonic nanoseconds that never go back.
  package func beginTurn(at nanoseconds: UInt64) { engine.nowNanoseconds = nanoseconds }

  /// What the caller does when a turn has ended.
  package struct Plans {
    /// Call `gatheringEnded` at these monotonic nanoseconds.
    package var gathersUntil: UInt64?
    /// Call `tick` with this at that time; an earlier plan may be forgotten.
    package var tickAt: MonotonicTime?
    /// So many nanoseconds the loop need not look at its sockets.
    package var nap: UInt64
  }

  /// The loop's turn ends: sends what was queued.
  ///
  /// - Parameter doorsAreCrowded: they have too much to write already.
  package func endTurn(doorsAreCrowded: Bool, send: (LinkID, borrowing [UInt8]) -> Void) -> Plans {
    engine.holdLargeReads(doorsAreCrowded)
    let gathersUntil = engine.turnEnded(send: send)
    var plans = Plans(nap: engine.gathering.nap)
    if let gathersUntil, !isGathering {
      isGathering = true
      plans.gathersUntil = gathersUntil
    }
    if let next = engine.forwarder.nextTick, next < tickAt {
      tickAt = next
      plans.tickAt = next
    }
    return plans
  }

  /// How long from now until a planned tick.
  package func wait(until tick: MonotonicTime) -> Milliseconds { max(1, tick - engine.now) }

  package func gatheringEnded() {
    isGathering = false
    engine.askForTurnEnd()
  }

  /// - Parameter planned: what `endTurn` said. One that was planned anew is nobody's any more.
  package func tick(planned: MonotonicTime) {
    guard planned == tickAt else { return }
    tickAt = .distantFuture
    engine.tick()
    engine.askForTurnEnd()
  }

  /// Again and again, however little happens.
  package func housekeep() {
    engine.renewSubscriptions()
    // Answers that were too many to add to may have been read meanwhile.
    if engine.forwarder.hasLoneRequests { engine.askForTurnEnd() }
  }
}

/// How long to wait before a link that broke is tried again: longer each time, until it was up.
package struct LinkRetry {
  private var delay: Milliseconds = 10
  private static let delayMax: Milliseconds = 500

  package init() {}

  /// How long until the next attempt.
  package mutating func next() -> Milliseconds {
    defer { delay = min(delay * 2, Self.delayMax) }
    return delay
  }
}
