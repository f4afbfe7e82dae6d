import Proto
public import Time

/// Time: what is due ends, and nothing ends before.
extension Inventory {
  /// The earliest deadline of a hold, a pending order or a released hold's memory; nil: nothing will be due. Looks at
  /// all that are due within the same quarter of a second.
  public var nextDeadline: Stamp? { holds.firstDeadline }

  /// Whether a deadline of those has come by `stamp`.
  @inline(__always) public mutating func isDue(by stamp: Stamp) -> Bool { holds.isDue(by: stamp) }

  /// Whether routers' keys wait for a record, so that they are forgotten: a primary without work logs a tick.
  public var keysAreDue: Bool { ring.isDue(at: now, window: keyLimits.routerWindow) }

  /// Whether deleted events wait to be cleared away, a slice with each tick: a primary without work logs one.
  public var sweepIsDue: Bool { sweep.isDue }

  /// The stamp to advance to first: `stamp` itself if fewer than `limit` deadlines are due by then, else the `limit`-th
  /// due deadline. Holds that share that deadline end together.
  public mutating func catchUpStamp(to stamp: Stamp, limit: Int = 1_000) -> Stamp {
    holds.dueDeadline(rank: limit, by: stamp) ?? stamp
  }

  /// Takes a log's stamp before its records are repeated. A primary looks at later times in which nothing comes due and
  /// which its log never hears of: one that became follower goes back to the log's time, or its keys would age ahead of
  /// everybody else's.
  public mutating func repeatTime(of stamp: Stamp) {
    if stamp < now, stamp >= loggedStamp { now = stamp }
    _ = advance(to: stamp)
  }

  /// Ends all that is due at `stamp`. Returns whether anything ended: then at least a tick must be logged at this
  /// stamp. Stamps below `now` change nothing.
  public mutating func advance(to stamp: Stamp) -> Bool {
    now = max(now, min(stamp, Self.stampMax))
    var ended = false
    while let slot = holds.takeFirst(by: now) {
      end(slot)
      ended = true
    }
    return ended
  }

  /// Ends a slot whose deadline has come.
  private mutating func end(_ slot: UInt32) {
    let record = holds[slot]
    guard events[record.event].life == .living else { return clear(slot, record) }
    switch record.status {
    case .held:
      digest &-= stateTerm(slot, record)
      let farewell = farewell(slot, record)
      saveRouterKey(record)
      giveBack(slot, record)
      digest &-= contentTerm(slot, record)
      forgetContent(record)
      stepVersion(record.event)
      heldCount -= 1
      events[record.event].holdCount -= 1
      free(slot)
      noteEnd(.expired, farewell, event: record.event)
    case .pending:
      giveBack(slot, record)
      events[record.event].orderCount -= 1
      let expired = move(slot, record, to: .expired, at: record.deadline)
      stepVersion(record.event)
      note(Change.OrderChange.expired, slot, expired)
    case .released:
      digest &-= stateTerm(slot, record)
      releasedCount -= 1
      free(slot)
    case .free, .sold, .closed:
      preconditionFailure("only what has a deadline is due")
    }
  }
}
