/// A point on one clock's line, in whole milliseconds. What stands on different clocks has different types, so that the
/// compiler refuses to compare, subtract or assign one to the other.
///
/// There are no literals: `Stamp(5)` says which clock is meant. `+` and `-` trap on overflow, as those of `Int64` do; a
/// number from a disk or a peer is bounded before it takes part in a sum, or takes part with `&+` or `&-`.
public protocol PointInTime: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// Milliseconds since the clock's zero.
  var rawValue: Int64 { get }
  init(_ rawValue: Int64)
}

extension PointInTime {
  /// The clock's own zero. Where a field says so, it stands for "never".
  @inlinable @inline(__always) public static var zero: Self { Self(0) }
  @inlinable @inline(__always) public static var distantPast: Self { Self(.min) }
  @inlinable @inline(__always) public static var distantFuture: Self { Self(.max) }

  /// The digits alone: people read the unit beside it.
  public var description: String { rawValue.description }

  @inlinable @inline(__always) public static func == (a: Self, b: Self) -> Bool { a.rawValue == b.rawValue }
  @inlinable @inline(__always) public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
  @inlinable @inline(__always) public static func <= (a: Self, b: Self) -> Bool { a.rawValue <= b.rawValue }
  @inlinable @inline(__always) public static func > (a: Self, b: Self) -> Bool { a.rawValue > b.rawValue }
  @inlinable @inline(__always) public static func >= (a: Self, b: Self) -> Bool { a.rawValue >= b.rawValue }

  @inlinable @inline(__always) public static func + (time: Self, length: Milliseconds) -> Self {
    Self(time.rawValue + length.rawValue)
  }
  @inlinable @inline(__always) public static func += (time: inout Self, length: Milliseconds) { time = time + length }
  @inlinable @inline(__always) public static func - (time: Self, length: Milliseconds) -> Self {
    Self(time.rawValue - length.rawValue)
  }
  @inlinable @inline(__always) public static func - (later: Self, earlier: Self) -> Milliseconds {
    Milliseconds(later.rawValue - earlier.rawValue)
  }
  @inlinable @inline(__always) public static func &- (later: Self, earlier: Self) -> Milliseconds {
    Milliseconds(later.rawValue &- earlier.rawValue)
  }
  @inlinable @inline(__always) public static func &+ (time: Self, length: Milliseconds) -> Self {
    Self(time.rawValue &+ length.rawValue)
  }
}

/// Milliseconds since 1970-01-01T00:00:00Z: a calendar's time, a wall clock's, and the time of a shard's log, which its
/// primary stamps with its wall clock and never sets back.
@frozen public struct Stamp: PointInTime {
  public let rawValue: Int64
  @inlinable @inline(__always) public init(_ rawValue: Int64) { self.rawValue = rawValue }
}

/// Milliseconds of a clock that never jumps, within one process; its zero means nothing to another. A node's is
/// `CLOCK_BOOTTIME`, a router's `CLOCK_MONOTONIC`.
@frozen public struct MonotonicTime: PointInTime {
  public let rawValue: Int64
  @inlinable @inline(__always) public init(_ rawValue: Int64) { self.rawValue = rawValue }
}
