internal import Glibc
import Time

/// Takes JSON lines from any thread and writes them to a file through a thread of its own: who logs never waits for a
/// disk.
///
/// The queue is bounded: lines that do not fit are dropped and counted, and the count is logged once there is room
/// again.
public final class LogSink: Sendable {
  public struct OpenError: Error, Sendable {
    public let path: String
    public let reason: String
  }

  public let level: LogLevel
  public let process: StaticString
  /// Which of the processes of this kind: `n1`; empty: not said.
  public let name: String
  private let queue: LogQueue

  /// Writes to `descriptor`, which stays the caller's.
  ///
  /// - Parameters:
  ///   - process: what stands in each line's `process` field: `node`, `router`.
  ///   - name: what stands in its `name` field.
  public init(
    descriptor: Int32, process: StaticString, name: String = "", level: LogLevel = .info,
    queueBytesMax: Int = 4 << 20
  ) {
    (self.level, self.process, self.name) = (level, process, name)
    queue = LogQueue(descriptor: descriptor, bytesMax: queueBytesMax)
    queue.start()
  }

  /// Appends to the file at `path`, which is made if it does not exist. The file stays open as long as the process
  /// lives.
  public convenience init(path: String, process: StaticString, level: LogLevel = .info) throws(OpenError) {
    // Safe: the path is passed as a C string for the call only.
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      // Safe: `strerror` returns a string of the C library's, which is copied at once.
      throw OpenError(path: path, reason: unsafe String(cString: strerror(errno)))
    }
    self.init(descriptor: descriptor, process: process, level: level)
  }

  /// A sink that drops everything, for tests.
  public static let none = LogSink(descriptor: -1, process: "none", level: .error)

  @inlinable public func wants(_ level: LogLevel) -> Bool { level >= self.level }

  /// Queues one line. `fields` runs only if the line is wanted.
  public func log(_ level: LogLevel, _ message: StaticString, _ fields: (inout LogLine) -> Void = { _ in }) {
    guard wants(level) else { return }
    var line = LogLine(time: Self.wallClock, level: level, process: process, name: name, message: message)
    fields(&line)
    queue.add(line.finish())
  }

  public func debug(_ message: StaticString, _ fields: (inout LogLine) -> Void = { _ in }) {
    log(.debug, message, fields)
  }
  public func info(_ message: StaticString, _ fields: (inout LogLine) -> Void = { _ in }) {
    log(.info, message, fields)
  }
  public func warning(_ message: StaticString, _ fields: (inout LogLine) -> Void = { _ in }) {
    log(.warning, message, fields)
  }
  public func error(_ message: StaticString, _ fields: (inout LogLine) -> Void = { _ in }) {
    log(.error, message, fields)
  }

  /// Waits until all that was queued before is written, but no longer than a second: a reader that does not read must
  /// not keep a process from ending. Call it before the process ends.
  ///
  /// - Returns: whether all is written.
  @discardableResult
  public func flush() -> Bool { queue.flush(milliseconds: 1_000) }

  /// Lines that were lost since the start: they did not fit the queue, or could not be written.
  public var droppedCount: UInt64 { queue.dropped }

  private static var wallClock: Stamp {
    var now = timespec()
    // Safe: the pointer is to a local value and is used only inside the call.
    unsafe clock_gettime(CLOCK_REALTIME, &now)
    return Stamp(Int64(now.tv_sec) * 1_000 + Int64(now.tv_nsec) / 1_000_000)
  }
}
