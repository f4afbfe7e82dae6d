/// How long a loop holds frames back for more requests to come: for as long as they do come. Nanoseconds of the monotonic clock.
package struct Gathering: Sendable {
  /// Until when, unless more comes; nil: nothing is held back.
  package private(set) var until: UInt64?
  private var latest: UInt64 = 0
  private var heldBack = 0

  /// After so long without a new request nobody is about to ask. A client needs some 10 microseconds for an answer and its next request, but the
  /// router needs longer to write 64 answers, and hears nothing meanwhile.
  package static let gap: UInt64 = 300_000
  /// The first one waits no longer than this.
  package static let longest: UInt64 = 1_000_000

  /// Whether what is held back may still wait.
  package func goesOn(at now: UInt64) -> Bool { now < until ?? .max }

  package init() {}

  /// `count` requests are held back now.
  package mutating func note(_ count: Int, at now: UInt64) {
    guard count > 0 else {
      (until, heldBack) = (nil, 0)
      return
    }
    if until == nil { latest = now + Self.longest }
    if count > heldBack { until = min(latest, now + Self.gap) }
    heldBack = count
  }
}
