package import Budgets
import Plan
package import Proto
import Threads
package import Time

/// The process's copy of one event's seats, for fresh reads: fed by every loop that relays the event's shard's replies,
/// so that it is never older than an answer that this router already gave, on whichever loop.
///
/// - A loop's feed is *live* from the answer to its subscription until its link is lost. Updates come before the
///   replies of the batch that caused them, on the same connection. So while every loop's feed is live, whoever relays
///   a reply has applied what came before it.
/// - The copy is served only while all feeds are live and one of them was heard of within `staleAfter`.
/// - The seat map is there from the first feed's answer until no loop feeds it any more.
package final class SeatCopy: Sendable {
  /// A shard's connection says something at least every 100 ms; a copy must not be more than 250 ms behind.
  static let staleAfter: Milliseconds = 225

  private let state: Lock<State>
  let ref: EventRef
  /// Counts pieces of the map that are still being sent after they have changed.
  private let outputBudget: MemoryBudget?

  package struct State: Sendable {
    /// nil: nobody feeds the copy.
    package internal(set) var body: SeatMapBody?
    package internal(set) var counts = Availability(categories: [], areas: [])
    package internal(set) var version: UInt64 = 0
    /// Bit n: loop n has subscribed, or is about to.
    var engaged: UInt64 = 0
    /// Bit n: loop n's feed is live.
    package var live: UInt64 = 0
    /// When a live feed was last heard of, monotonic.
    package internal(set) var freshAt: MonotonicTime = .zero
    /// When it was last read, monotonic: an idle copy is given up.
    var readAt: MonotonicTime = .zero
    /// Its memory is wanted for other copies: it is given up as soon as the loops look at it.
    var isUnwanted = false
    /// When the other loops were last asked to feed it too, monotonic.
    var spreadAt: MonotonicTime = MonotonicTime(-1_000)
    /// The availability body of `version`, once somebody wanted it.
    package var availability: SharedBytes?
    var availabilityVersion: UInt64 = 0

    /// The body of availability, made once for each version.
    package mutating func availabilityBody(_ definition: EventDefinition, _ budget: MemoryBudget?) -> SharedBytes {
      if let availability, availabilityVersion == version { return availability }
      var bytes: [UInt8] = []
      AvailabilityDocument.write(definition, version: version, availability: counts, into: &bytes)
      let fresh = SharedBytes(bytes)
      if let budget { availability?.retire(to: budget) }
      (availability, availabilityVersion) = (fresh, version)
      return fresh
    }
  }

  init(ref: EventRef, outputBudget: MemoryBudget? = nil) {
    (self.ref, self.outputBudget) = (ref, outputBudget)
    state = Lock(State())
  }

  /// Serves a read if the copy is fresh enough; notes in any case that somebody wants it.
  ///
  /// - Parameter loops: bit n is set for each of the process's loops.
  /// - Returns: what `body` returns; nil: read from the primary.
  func serve<Result>(now: MonotonicTime, loops: UInt64, _ body: (inout State, SeatMapBody) -> Result) -> Result? {
    state.withLock { state in
      state.readAt = now
      guard let map = state.body, Self.isFresh(state, now: now, loops: loops) else { return nil }
      return body(&state, map)
    }
  }

  private static func isFresh(_ state: borrowing State, now: MonotonicTime, loops: UInt64) -> Bool {
    state.body != nil && state.live & loops == loops && now - state.freshAt <= staleAfter
  }

  func isFresh(now: MonotonicTime, loops: UInt64) -> Bool {
    state.withLock { Self.isFresh($0, now: now, loops: loops) }
  }

  /// Whether the other loops should be asked now to feed it too: not for each read that finds it wanting.
  func shouldSpread(now: MonotonicTime) -> Bool {
    state.withLock { state in
      guard now - state.spreadAt >= 50 else { return false }
      state.spreadAt = now
      return true
    }
  }

  /// A loop is about to subscribe. True: it is the first, and the copy's memory has to be asked for.
  func engage(loop: Int, now: MonotonicTime) -> Bool {
    state.withLock { state in
      let isFirst = state.engaged == 0
      if isFirst { (state.isUnwanted, state.readAt) = (false, now) }
      state.engaged |= 1 << UInt64(loop)
      return isFirst
    }
  }

  /// A loop has ended its subscription. True: it was the last, and the copy's memory is free.
  func disengage(loop: Int) -> Bool {
    state.withLock { state in
      let was = state.engaged
      state.engaged &= ~(1 << UInt64(loop))
      return was != 0 && state.engaged == 0
    }
  }

  /// Whether the answer to a subscription brings anything new: then its map must be made.
  func needsBody(version: UInt64) -> Bool { state.withLock { $0.body == nil || version > $0.version } }

  /// A loop's subscription was answered.
  ///
  /// - Parameter body: the map of that version; nil: `needsBody` said that none is needed.
  /// - Returns: false if it is needed by now.
  func subscribed(
    loop: Int, version: UInt64, body: SeatMapBody?, counts: Availability, now: MonotonicTime
  ) -> Bool {
    state.withLock { state in
      if state.body == nil || version > state.version {
        guard let body else { return false }
        state.body?.json.retire(to: outputBudget)
        (state.body, state.version, state.counts) = (body, version, counts)
      }
      state.live |= 1 << UInt64(loop)
      state.freshAt = max(state.freshAt, now)
      return true
    }
  }

  /// Applies an update that came on a loop's live feed. Another loop may have applied it, or a part of it, before.
  ///
  /// - Returns: false if an update is missing: subscribe again.
  func apply(_ update: FeedUpdate, loop: Int, now: MonotonicTime) -> Bool {
    state.withLock { state in
      guard state.body != nil, update.fromVersion <= state.version else {
        state.live &= ~(1 << UInt64(loop))
        return false
      }
      state.freshAt = max(state.freshAt, now)
      guard update.version > state.version else { return true }
      for change in update.seats where state.body?.set(change, outputBudget) != true {
        drop(&state)
        return false
      }
      (state.version, state.counts) = (update.version, update.availability)
      return true
    }
  }

  private func drop(_ state: inout State) {
    state.body?.json.retire(to: outputBudget)
    if let outputBudget { state.availability?.retire(to: outputBudget) }
    (state.body, state.availability) = (nil, nil)
  }

  /// Nothing changed until now, as the shard's connection says.
  func confirm(now: MonotonicTime) {
    state.withLock { $0.freshAt = max($0.freshAt, now) }
  }

  func feedLost(loop: Int) {
    state.withLock { state in
      state.live &= ~(1 << UInt64(loop))
      // Nobody feeds it: what it says is history.
      if state.live == 0 { drop(&state) }
    }
  }

  /// `giveUp` was called since a loop first subscribed.
  var isGivenUp: Bool { state.withLock { $0.isUnwanted } }

  /// Its memory is wanted for others. False: it has none.
  func giveUp() -> Bool {
    state.withLock { state in
      guard state.engaged != 0, !state.isUnwanted else { return false }
      state.isUnwanted = true
      return true
    }
  }

  /// For the metrics and for giving up: when it was last read (long ago if it is unwanted), and how old it is if it is
  /// live.
  package func status(now: MonotonicTime) -> (readAt: MonotonicTime, age: Milliseconds?) {
    state.withLock { state in
      (
        state.isUnwanted ? MonotonicTime(.min / 2) : state.readAt,
        state.body != nil && state.live != 0 ? now - state.freshAt : nil
      )
    }
  }
}
