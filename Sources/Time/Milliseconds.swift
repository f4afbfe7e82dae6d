/// A length of time, in milliseconds. Points in time are other types: see `PointInTime`.
///
/// `+`, `-` and `*` trap on overflow, as those of `Int64` do.
@frozen
public struct Milliseconds: Hashable, Comparable, Sendable, BitwiseCopyable, ExpressibleByIntegerLiteral,
  CustomStringConvertible
{
  public let rawValue: Int64
  @inlinable @inline(__always) public init(_ rawValue: Int64) { self.rawValue = rawValue }
  @inlinable @inline(__always) public init(integerLiteral value: Int64) { rawValue = value }

  @inlinable @inline(__always) public static var zero: Milliseconds { 0 }

  /// Users, plans and commands give lengths in seconds.
  @inlinable @inline(__always) public static func seconds(_ count: some FixedWidthInteger) -> Milliseconds {
    Milliseconds(Int64(count) * 1_000)
  }

  /// Whole seconds, rounded towards zero.
  @inlinable @inline(__always) public var seconds: Int64 { rawValue / 1_000 }

  /// The digits alone: people read the unit beside it.
  public var description: String { rawValue.description }

  @inlinable @inline(__always) public static func == (a: Self, b: Self) -> Bool { a.rawValue == b.rawValue }
  @inlinable @inline(__always) public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
  @inlinable @inline(__always) public static func <= (a: Self, b: Self) -> Bool { a.rawValue <= b.rawValue }
  @inlinable @inline(__always) public static func > (a: Self, b: Self) -> Bool { a.rawValue > b.rawValue }
  @inlinable @inline(__always) public static func >= (a: Self, b: Self) -> Bool { a.rawValue >= b.rawValue }

  @inlinable @inline(__always) public static func + (a: Self, b: Self) -> Self { Self(a.rawValue + b.rawValue) }
  @inlinable @inline(__always) public static func - (a: Self, b: Self) -> Self { Self(a.rawValue - b.rawValue) }
  @inlinable @inline(__always) public static func * (a: Self, factor: Int64) -> Self { Self(a.rawValue * factor) }
  @inlinable @inline(__always) public static func * (factor: Int64, a: Self) -> Self { Self(factor * a.rawValue) }
  @inlinable @inline(__always) public static func / (a: Self, divisor: Int64) -> Self { Self(a.rawValue / divisor) }
}
