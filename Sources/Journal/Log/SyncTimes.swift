/// How long group writes took, from the first byte to the end of the sync: a histogram with bounds that double.
package struct SyncTimes: Equatable, Sendable {
  /// Up to 1 µs · 2ⁿ; the last one has no bound.
  package private(set) var buckets = [UInt64](repeating: 0, count: 24)
  package private(set) var count: UInt64 = 0
  package private(set) var sum: Duration = .zero

  package init() {}

  package mutating func note(_ time: Duration) {
    let (seconds, attoseconds) = time.components
    let microseconds = UInt64(clamping: seconds) &* 1_000_000 &+ UInt64(clamping: attoseconds / 1_000_000_000_000)
    let bits = UInt64.bitWidth - (max(microseconds, 1) - 1).leadingZeroBitCount
    buckets[min(bits, buckets.count - 1)] += 1
    count += 1
    sum += time
  }
}
