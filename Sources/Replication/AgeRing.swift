import Time

/// How long the oldest of a growing sequence of numbers has been waiting to be settled, within an eighth of the
/// time-out: a few samples stand for all numbers between them.
struct AgeRing: Equatable, Sendable {
  private struct Sample: Equatable {
    var first: UInt64
    var at: MonotonicTime
  }
  private var samples: [Sample] = []
  private var newest: UInt64 = 0
  private let grain: Milliseconds

  init(timeout: Milliseconds) { grain = max(timeout / 8, 1) }

  /// `number` waits from now on. Numbers grow.
  mutating func begin(_ number: UInt64, now: MonotonicTime) {
    newest = number
    if let last = samples.last, samples.count >= 16 || now - last.at < grain { return }
    samples.append(Sample(first: number, at: now))
  }

  /// Everything up to `number` is settled.
  mutating func settle(through number: UInt64) {
    if samples.isEmpty { return }
    if number >= newest { return samples.removeAll(keepingCapacity: true) }
    while samples.count > 1, samples[1].first <= number { samples.removeFirst() }
  }

  /// How long the oldest has waited; 0 if none waits.
  func oldest(now: MonotonicTime) -> Milliseconds { samples.first.map { now - $0.at } ?? 0 }

  /// This process stood still: what waits is given its time again.
  mutating func forgive(now: MonotonicTime) {
    guard let first = samples.first else { return }
    samples.removeAll(keepingCapacity: true)
    samples.append(Sample(first: first.first, at: now))
  }
}
