internal import Glibc
import Threads

/// Lets one event through in a while and counts the others.
package struct LogThrottle: Sendable {
  private let interval: UInt64
  private var next: UInt64 = 0
  private var left: UInt64 = 0

  /// - Parameter seconds: between two that pass.
  package init(seconds: UInt64) { interval = seconds * 1_000_000_000 }

  /// - Parameter now: nanoseconds of any clock that only grows.
  /// - Returns: how many were left out since the last; nil: this one is left out too.
  package mutating func pass(now: UInt64) -> UInt64? {
    guard now >= next else {
      left += 1
      return nil
    }
    defer { left = 0 }
    next = now + interval
    return left
  }
}

/// A warning about what strangers can cause as often as they like: written at most every ten seconds, with the number
/// of those that were left out.
public final class ThrottledWarning: Sendable {
  private let sink: LogSink
  private let message: StaticString
  private let throttle = Lock(LogThrottle(seconds: 10))

  public init(_ sink: LogSink, _ message: StaticString) { (self.sink, self.message) = (sink, message) }

  /// Writes the line, or counts it. `fields` runs only if it is written.
  public func log(_ fields: (inout LogLine) -> Void = { _ in }) {
    var time = timespec()
    // Safe: the pointer is to a local value and is used only inside the call.
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    let now = UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    guard let leftOut = throttle.withLock({ $0.pass(now: now) }) else { return }
    sink.warning(message) {
      fields(&$0)
      $0.field("left_out", leftOut)
    }
  }
}
