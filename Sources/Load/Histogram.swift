/// Latencies in buckets whose width grows with their value: 128 for each power of two, so that any value is known to
/// better than one per cent (the idea of HdrHistogram; Tene 2012). Fixed size, whatever is recorded.
public struct Histogram: Sendable {
  private static let linearBits = 7
  private var counts = [UInt64](repeating: 0, count: 58 << 7)
  /// How many values were recorded.
  public private(set) var count: UInt64 = 0
  /// The largest one, exactly; nanoseconds.
  public private(set) var max: UInt64 = 0

  public init() {}

  public mutating func record(_ nanoseconds: UInt64) {
    counts[Self.bucket(nanoseconds)] += 1
    count += 1
    if nanoseconds > max { max = nanoseconds }
  }

  public mutating func add(_ other: Histogram) {
    for index in counts.indices { counts[index] += other.counts[index] }
    count += other.count
    max = Swift.max(max, other.max)
  }

  /// The value that a share of all values (0…1) does not exceed; nanoseconds, rounded up to its bucket's end. 0 if
  /// nothing was recorded.
  public func quantile(_ share: Double) -> UInt64 {
    guard count > 0 else { return 0 }
    let wanted = Swift.max(1, UInt64((share * Double(count)).rounded(.up)))
    var seen: UInt64 = 0
    for index in counts.indices {
      seen += counts[index]
      if seen >= wanted { return Swift.min(max, Self.upperBound(index)) }
    }
    return max
  }

  private static func bucket(_ value: UInt64) -> Int {
    let bits = 64 - value.leadingZeroBitCount
    if bits <= linearBits { return Int(value) }
    let shift = bits - linearBits - 1
    return (shift + 1) << linearBits + Int(value >> UInt64(shift)) - 1 << linearBits
  }

  private static func upperBound(_ bucket: Int) -> UInt64 {
    let group = bucket >> linearBits
    if group == 0 { return UInt64(bucket) }
    let shift = UInt64(group - 1)
    let mantissa = UInt64(bucket & (1 << linearBits - 1)) + 1 << UInt64(linearBits)
    // The last bucket ends where the numbers do: there the shift gives 0.
    return (mantissa + 1) << shift &- 1
  }
}
