import Plan
package import Proto

/// The process's copy of one event's seats, for fresh reads: fed by every loop that relays the event's shard's replies, so that
/// it is never older than an answer that this router already gave, on whichever loop.
///
/// - A loop's feed is *live* from the answer to its subscription until its link is lost. Updates come before the replies of the
///   batch that caused them, on the same connection. So while every loop's feed is live, whoever relays a reply has applied what
///   came before it.
/// - The copy is served only while all feeds are live and one of them was heard of within `staleAfter`.
package final class SeatCopy: Sendable {
  /// A shard's connection says something at least every 100 ms; a copy must not be more than 250 ms behind.
  static let staleAfter: Milliseconds = 225

  private let state: Lock<State>
  let ref: EventRef

  package struct State: Sendable {
    package internal(set) var body: SeatMapBody
    package internal(set) var counts = Availability(categories: [], areas: [])
    package internal(set) var version: UInt64 = 0
    var hasData = false
    /// Bit n: loop n's feed is live.
    var live: UInt64 = 0
    /// When a live feed was last heard of, monotonic.
    package internal(set) var freshAt: Milliseconds = 0
    /// When it was last read, monotonic: an idle copy is given up.
    var readAt: Milliseconds = 0
    /// When the other loops were last asked to feed it too, monotonic.
    var spreadAt: Milliseconds = -1_000
    /// The availability body of `version`, once somebody wanted it.
    var availability: [UInt8] = []
    var availabilityVersion: UInt64 = 0
  }

  init(definition: EventDefinition, ref: EventRef) {
    self.ref = ref
    state = Lock(State(body: SeatMapBody(definition)))
  }

  /// Serves a read if the copy is fresh enough; notes in any case that somebody wants it.
  ///
  /// - Parameter loops: bit n is set for each of the process's loops.
  /// - Returns: what `body` returns; nil: read from the primary.
  func serve<Result>(now: Milliseconds, loops: UInt64, _ body: (inout State) -> Result) -> Result? {
    state.withLock { state in
      state.readAt = now
      guard state.hasData, state.live & loops == loops, now - state.freshAt <= Self.staleAfter else { return nil }
      return body(&state)
    }
  }

  /// Whether the other loops should be asked now to feed it too: not for each read that finds it wanting.
  func shouldSpread(now: Milliseconds) -> Bool {
    state.withLock { state in
      guard now - state.spreadAt >= 50 else { return false }
      state.spreadAt = now
      return true
    }
  }

  /// A loop's subscription was answered.
  ///
  /// - Returns: false if the answer cannot be of this event: the feed is of no use.
  func subscribed(loop: Int, version: UInt64, states: Bytes, counts: Availability, now: Milliseconds) -> Bool {
    state.withLock { state in
      if !state.hasData || version > state.version {
        guard state.body.replace(states) else { return false }
        (state.version, state.counts, state.hasData) = (version, counts, true)
      }
      state.live |= 1 << UInt64(loop)
      state.freshAt = max(state.freshAt, now)
      return true
    }
  }

  /// Applies an update that came on a loop's live feed. Another loop may have applied it, or a part of it, before.
  ///
  /// - Returns: false if an update is missing: subscribe again.
  func apply(_ update: FeedUpdate, loop: Int, now: Milliseconds) -> Bool {
    state.withLock { state in
      guard state.hasData, update.fromVersion <= state.version else {
        state.live &= ~(1 << UInt64(loop))
        return false
      }
      state.freshAt = max(state.freshAt, now)
      guard update.version > state.version else { return true }
      for change in update.seats where !state.body.set(change) {
        state.hasData = false
        return false
      }
      (state.version, state.counts) = (update.version, update.availability)
      return true
    }
  }

  /// Nothing changed until now, as the shard's connection says.
  func confirm(now: Milliseconds) {
    state.withLock { $0.freshAt = max($0.freshAt, now) }
  }

  func feedLost(loop: Int) {
    #if PLANTED_BUGS
    if unsafe PlantedMistake.chosen == .serveLostCopy { return }
    #endif
    state.withLock { state in
      state.live &= ~(1 << UInt64(loop))
      // Nobody feeds it: what it says is history.
      if state.live == 0 { state.hasData = false }
    }
  }

  /// For the metrics and for giving up: when it was last read, and how old it is if it is live.
  func status(now: Milliseconds) -> (readAt: Milliseconds, age: Milliseconds?) {
    state.withLock { ($0.readAt, $0.hasData && $0.live != 0 ? now - $0.freshAt : nil) }
  }
}

/// The seat map's JSON from the sections on, patched in place as seats change: one character a seat.
package struct SeatMapBody: Sendable {
  /// `"sections":[…]}`, with one character for each seat.
  package private(set) var tail: [UInt8] = []
  /// For each run of seats that stand side by side in `tail` (a row): its first seat and where that one's character is.
  private var runs: [Run] = []
  private let seatCount: Int

  private struct Run: Sendable {
    var firstSeat: UInt32
    var offset: UInt32
  }

  init(_ definition: EventDefinition) {
    seatCount = definition.seatCount
    let free = [UInt8](repeating: SeatState.free.rawValue, count: seatCount)
    SeatMapDocument.write(definition, version: 0, states: free.rawSpan, into: &tail)
    var head: [UInt8] = []
    head.putSeatMapHead(definition.id, version: 0)
    tail.removeFirst(head.count)
    // In names quotation marks are escaped, so this stands only where a row's seats begin.
    let mark = Array(",\"seats\":\"".utf8)
    var runs: [Run] = []
    var place = 0
    SeatMapDocument.forEachRow(definition) { _, _, seats in
      while !tail[place...].starts(with: mark) { place += 1 }
      place += mark.count
      runs.append(Run(firstSeat: UInt32(seats.lowerBound), offset: UInt32(place)))
      place += seats.count
    }
    self.runs = runs
  }

  /// Sets one seat's character; false if there is no such seat.
  mutating func set(_ change: SeatChange) -> Bool {
    let seat = change.seat.rawValue
    guard seat < seatCount else { return false }
    var low = 0
    var high = runs.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if runs[middle].firstSeat <= seat { low = middle } else { high = middle }
    }
    tail[Int(runs[low].offset + (seat - runs[low].firstSeat))] = change.state.rawValue
    return true
  }

  /// Sets all seats; false if there are more or fewer of them.
  mutating func replace(_ states: Bytes) -> Bool {
    guard states.count == seatCount else { return false }
    for (place, run) in runs.enumerated() {
      let first = Int(run.firstSeat)
      let end = place + 1 < runs.count ? Int(runs[place + 1].firstSeat) : seatCount
      let offset = Int(run.offset)
      for seat in first..<end { tail[offset + seat - first] = states.array[seat] }
    }
    return true
  }
}
