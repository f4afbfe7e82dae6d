/// What a flush held back.
package struct HeldBack: Equatable, Sendable {
  /// Requests in the frames that did not leave.
  package var count = 0
  /// How many more those wait for.
  package var missing = 0
  package init() {}
}

/// How long a loop holds frames back for more requests to come: for as long as they do come. Nanoseconds of the
/// monotonic clock.
package struct Gathering: Sendable {
  /// Until when, unless more comes; nil: nothing is held back.
  package private(set) var until: UInt64?
  /// How long the loop should not look at its sockets, because so many are missing; 0: it should.
  package private(set) var nap: UInt64 = 0
  private var latest: UInt64 = 0
  private var heldBack = HeldBack()

  /// After so long without a new request nobody is about to ask. A client needs some 10 microseconds for an answer and
  /// its next request, but the router needs longer to write 64 answers, and hears nothing meanwhile.
  package static let gap: UInt64 = 300_000
  /// The first one waits no longer than this.
  package static let longest: UInt64 = 1_000_000
  /// While so many are missing, the loop sleeps for as long as some of them need: waking it for each costs the loop and
  /// whoever writes several microseconds.
  package static let missingToNap = 16
  package static let napTime: UInt64 = 40_000

  package init() {}

  /// Whether what is held back may still wait.
  package func goesOn(at now: UInt64) -> Bool { now < until ?? .max }

  /// So much is held back now.
  package mutating func note(_ held: HeldBack, at now: UInt64) {
    nap = held.count > 0 && held.missing >= Self.missingToNap ? Self.napTime : 0
    if held.count == 0 {
      until = nil
    } else {
      if until == nil { latest = now + Self.longest }
      if held.count > heldBack.count { until = min(latest, now + Self.gap) }
    }
    heldBack = held
  }
}
