internal import CHoldfast
public import Time

/// Nanoseconds of `CLOCK_MONOTONIC`: for intervals inside one process; stands still while the machine sleeps.
public func monotonicNanoseconds() -> UInt64 { chf_monotonic_ns() }

/// The same clock in milliseconds.
public func monotonicTime() -> MonotonicTime { MonotonicTime(Int64(chf_monotonic_ns() / 1_000_000)) }

/// `CLOCK_BOOTTIME`: like the monotonic clock, but counts the machine's sleep. What holds' deadlines run on.
public func bootTime() -> MonotonicTime { MonotonicTime(Int64(chf_boottime_ns() / 1_000_000)) }

/// The wall clock, which people and time servers move at will.
public func wallClock() -> Stamp { Stamp(chf_realtime_ns() / 1_000_000) }

/// Processors that this process may run on; at least 1.
public func processorCount() -> Int { Int(chf_cpu_count()) }

extension Duration {
  /// Whole nanoseconds, negative durations as 0, those beyond 146 years as 146 years.
  public var nanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    guard seconds < 4_611_686_018 else { return UInt64(Int64.max) / 2 }
    return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
  }
}
