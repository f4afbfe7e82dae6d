public import Time

/// Tells a shard's time: a base and what elapsed since on a clock that never jumps. Never goes back.
public struct StampClock: Equatable, Sendable {
  /// The largest stamp that was given out, or found in the log.
  public private(set) var last: Stamp
  /// Stamp minus monotonic time: the largest of all that peers said, or the base of a primary. Only here do the two
  /// meet, and only here as plain numbers.
  private var offset: Int64?
  /// Whether this replica gives out stamps.
  public private(set) var isLeading = false

  public init(last: Stamp = .zero) { self.last = last }

  /// A peer's running stamp came at `now`.
  public mutating func hear(_ stamp: Stamp, now: MonotonicTime) {
    let (heard, overflow) = stamp.rawValue.subtractingReportingOverflow(now.rawValue)
    if overflow { return }
    offset = max(offset ?? heard, heard)
  }

  /// A frame with this stamp stands in the log.
  @inlinable public mutating func note(_ stamp: Stamp) { if stamp > last { raise(stamp) } }
  @usableFromInline mutating func raise(_ stamp: Stamp) { last = stamp }

  /// This replica gives out stamps from now on. The wall clock counts only if no peer was heard since the process's
  /// start.
  ///
  /// - Returns: by how much the wall clock is off the last stamp, if it was looked at, there was one, and they are more
  ///   than an hour apart or time went back: worth a warning.
  public mutating func lead(now: MonotonicTime, wall: Stamp) -> Milliseconds? {
    isLeading = true
    if offset != nil { return nil }
    // Time goes on from the last stamp if the wall clock is behind it: a clock that went back must not keep holds from
    // ending.
    offset = max(wall, last).rawValue &- now.rawValue
    guard last > .zero else { return nil }
    let leap = wall &- last
    return leap < 0 || leap > 3_600_000 ? leap : nil
  }

  /// This replica repeats another's stamps from now on.
  public mutating func follow() { isLeading = false }

  /// The running stamp.
  @inlinable public func stamp(now: MonotonicTime) -> Stamp { max(last, running(now)) }
  @usableFromInline func running(_ now: MonotonicTime) -> Stamp {
    guard let offset else { return last }
    let (stamp, overflow) = offset.addingReportingOverflow(now.rawValue)
    return overflow ? last : Stamp(stamp)
  }
}
