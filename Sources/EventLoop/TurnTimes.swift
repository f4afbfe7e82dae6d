/// How long a loop's turns took, from what woke it to the next wait: the longest that anything else on the loop had to
/// wait for its turn. A histogram of wall-clock time, so that a busy machine's pauses are in it.
public struct TurnTimes: Sendable {
  /// Upper bounds of the buckets, in milliseconds; behind the last: what took longer.
  public static let bounds: [UInt64] = [1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 75, 100, 200, 500, 1_000]

  /// By bucket, one more than there are bounds.
  public private(set) var counts = [UInt64](repeating: 0, count: bounds.count + 1)
  public private(set) var sumNanoseconds: UInt64 = 0

  public init() {}

  @inline(__always) mutating func note(nanoseconds: UInt64) {
    sumNanoseconds &+= nanoseconds
    if nanoseconds <= 1_000_000 {
      counts[0] &+= 1
    } else {
      noteLong(nanoseconds)
    }
  }

  private mutating func noteLong(_ nanoseconds: UInt64) {
    let place = Self.bounds.firstIndex { nanoseconds <= $0 * 1_000_000 } ?? Self.bounds.count
    counts[place] &+= 1
  }

  public mutating func add(_ other: TurnTimes) {
    for place in counts.indices { counts[place] &+= other.counts[place] }
    sumNanoseconds &+= other.sumNanoseconds
  }

  /// Turns so far.
  public var count: UInt64 { counts.reduce(0, &+) }
}

extension [UInt8] {
  /// The samples of a Prometheus histogram of this name, in seconds.
  public mutating func putTurnTimes(_ times: TurnTimes, _ name: StaticString) {
    var sum: UInt64 = 0
    for (place, count) in times.counts.enumerated() {
      sum &+= count
      let bound = place < TurnTimes.bounds.count ? "\(Double(TurnTimes.bounds[place]) / 1_000)" : "+Inf"
      append(contentsOf: "\(name)_bucket{le=\"\(bound)\"} \(sum)\n".utf8)
    }
    append(contentsOf: "\(name)_sum \(Double(times.sumNanoseconds) / 1e9)\n\(name)_count \(sum)\n".utf8)
  }
}
