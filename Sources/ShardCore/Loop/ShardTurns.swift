package import Journal
import Proto

/// Takes the shards of one loop through its turns, in a node and in the simulator, so that the one cannot drift from
/// the other: which shards a turn's end flushes, what is handed to the log, which shards go on in the next turn, and
/// while which of them nothing more is read.
///
/// A shard is known here by its place in the loop's list. What differs between the two, the clock, threads and sockets,
/// comes with each call as closures that do not escape: so they cost no allocation, and a node's stay isolated to its
/// actor. An object, because what is carried out may list shards again.
package final class ShardTurns {
  /// The time of this turn, the same for all that happens in it; nil: nothing has happened yet.
  private var time: TurnTime?
  private var isListed: [Bool] = []
  private var listed: [Int] = []
  /// The other half of `listed`: the two change places, so that a turn allocates nothing.
  private var flushing: [Int] = []
  /// Shards that asked for another turn.
  private var wanting: [Int] = []
  private var rotation: UInt64 = 0
  /// Shards with requests that were read and did not fit a turn.
  private var behind: Set<Int> = []
  /// What this turn hands to the log.
  private var entries: [LogEntry] = []
  private var isEndAsked = false
  private var isNextTurnAsked = false

  /// Rounds of flushes in one turn's end: what is carried out may cause more.
  private static let roundsMax = 64

  package init() {}

  // MARK: A turn

  /// The turn's time, which is read if the turn has only begun.
  package func begin(_ read: () -> TurnTime) -> TurnTime {
    if let time { return time }
    let now = read()
    time = now
    return now
  }

  /// Whether nothing has happened since the last turn's end.
  package var isBetweenTurns: Bool { time == nil }

  /// Whether the caller must see to it that `end` is called before it waits: once in a turn.
  package func mustAskForEnd() -> Bool {
    defer { isEndAsked = true }
    return !isEndAsked
  }

  /// The shard has something to do: the turn's end flushes it.
  package func list(_ place: Int) {
    while place >= isListed.count { isListed.append(false) }
    guard !isListed[place] else { return }
    isListed[place] = true
    listed.append(place)
  }

  /// These entries are handed to the log when all shards are flushed.
  package func log(_ list: [LogEntry]) { entries.append(contentsOf: list) }

  /// After an input: what the shard has left to do.
  package func note(_ backlog: ShardMachine.Backlog, of place: Int) {
    if backlog.isBehind {
      behind.insert(place)
    } else if !behind.isEmpty {
      behind.remove(place)
    }
  }

  /// Requests that were read still wait, so no more are read.
  package var isBehind: Bool { !behind.isEmpty }

  /// What the caller does after a turn's end.
  package struct Rest {
    /// See to it that `end` is called again.
    package var mustEndAgain = false
    /// Call `goOn` in the next turn: sockets, timers and peers come first.
    package var goesOn = false
    /// Nothing waits that was read: connections that paused go on.
    package var readsOn = false
  }

  /// Ends the turn: flushes the shards that had something to do and carries out what they ask for, until nothing comes
  /// of it; then hands over what the turn collected.
  ///
  /// - Parameters:
  ///   - read: the clock, if the turn has no time yet.
  ///   - flush: gives a shard its turn's end, and returns what comes of it.
  ///   - carryOut: what one action asks for. False: the process is gone, and so is this turn.
  ///   - handOver: the turn's entries to the log, in one piece, and to each peer what waits for it.
  package func end(
    _ read: () -> TurnTime, flush: (Int, TurnTime) -> (actions: [ShardAction], backlog: ShardMachine.Backlog),
    carryOut: (ShardAction, Int) -> Bool, handOver: ([LogEntry]) -> Void
  ) -> Rest {
    // Asking again from here on means another call: it must not be asked for by what is always done here, or the loop
    // never sleeps.
    isEndAsked = false
    let time = begin(read)
    var rounds = 0
    while !listed.isEmpty, rounds < Self.roundsMax {
      rounds += 1
      swap(&flushing, &listed)
      for place in flushing {
        isListed[place] = false
        let (actions, backlog) = flush(place, time)
        for action in actions where !carryOut(action, place) { return Rest() }
        if backlog.wantsTurn { wanting.append(place) }
        note(backlog, of: place)
      }
      flushing.removeAll(keepingCapacity: true)
    }
    var handed: [LogEntry] = []
    swap(&handed, &entries)
    handOver(handed)
    self.time = nil
    var rest = Rest(readsOn: behind.isEmpty)
    if !listed.isEmpty { rest.mustEndAgain = mustAskForEnd() }
    if !wanting.isEmpty, !isNextTurnAsked { (isNextTurnAsked, rest.goesOn) = (true, true) }
    return rest
  }

  /// Lists the shards that asked for another turn.
  package func goOn() {
    isNextTurnAsked = false
    var places: [Int] = []
    swap(&places, &wanting)
    // Another one begins each time: a turn may have room for one large answer only.
    rotation &+= 1
    let first = Int(rotation % UInt64(max(1, places.count)))
    for offset in places.indices { list(places[(offset + first) % places.count]) }
  }
}
