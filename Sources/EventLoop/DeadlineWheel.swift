/// Coarse deadlines for many connections: setting a later one is a store, and nothing is allocated for it.
///
/// Time is cut into ticks; a bucket holds the tokens of the sources to look at in its tick. A source that moved its
/// deadline further stays where it is and is put into a later bucket when its old one comes round. So a deadline fires
/// at its time or up to a tick late, never early.
struct DeadlineWheel {
  /// About 67 ms; the wheel spans 137 s, and what lies beyond waits in the last bucket and goes round again.
  static let tickShift: UInt64 = 26
  static let bucketCount: UInt64 = 2_048

  private var buckets = [[UInt64]](repeating: [], count: Int(bucketCount))
  private var entryCount = 0
  /// The next tick to look at.
  private var nextTick: UInt64
  /// No bucket before this tick has an entry.
  private var firstTick = UInt64.max

  init(now: UInt64) { nextTick = now >> Self.tickShift }

  /// Lists `token` for `deadline` and returns the tick in which it will be looked at.
  mutating func insert(_ token: UInt64, deadline: UInt64) -> UInt64 {
    // One tick later than the one the deadline falls in: never early.
    let wanted = (deadline >> Self.tickShift) &+ 1
    let tick = min(max(wanted, nextTick), nextTick + Self.bucketCount - 1)
    buckets[Int(tick % Self.bucketCount)].append(token)
    entryCount += 1
    firstTick = min(firstTick, tick)
    return tick
  }

  /// When `takeDue` has something to do next, in nanoseconds; nil: nothing is listed.
  var nextWake: UInt64? { entryCount == 0 ? nil : firstTick << Self.tickShift }

  /// Takes out the tokens of every tick up to `now`, with the tick they were listed for.
  mutating func takeDue(now: UInt64) -> [(token: UInt64, tick: UInt64)] {
    let tickNow = now >> Self.tickShift
    guard entryCount > 0, firstTick <= tickNow else {
      nextTick = max(nextTick, tickNow)
      return []
    }
    var due: [(token: UInt64, tick: UInt64)] = []
    let last = min(tickNow, nextTick + Self.bucketCount - 1)
    while nextTick <= last {
      let bucket = Int(nextTick % Self.bucketCount)
      if !buckets[bucket].isEmpty {
        for token in buckets[bucket] { due.append((token, nextTick)) }
        entryCount -= buckets[bucket].count
        buckets[bucket] = []
      }
      nextTick += 1
    }
    nextTick = max(nextTick, tickNow)
    firstTick = .max
    if entryCount > 0 {
      for tick in nextTick..<(nextTick + Self.bucketCount) where !buckets[Int(tick % Self.bucketCount)].isEmpty {
        firstTick = tick
        break
      }
    }
    return due
  }
}
