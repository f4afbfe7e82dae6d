internal import Glibc
import Time

/// Takes JSON lines from any thread and writes them to a file through a thread of its own: who logs never waits for a
/// disk.
///
/// The queue is bounded: lines that do not fit are dropped and counted, and the count is logged once there is room
/// again.
public final class LogSink: Sendable {
  public struct OpenError: Error, Sendable, CustomStringConvertible {
    public let path: String
    public let reason: String
    public var description: String { "the log \(path) cannot be opened: \(reason)" }
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
    queueBytesMax: Int = queueBytesMax
  ) {
    (self.level, self.process, self.name) = (level, process, name)
    queue = LogQueue(descriptor: descriptor, bytesMax: queueBytesMax)
    queue.start()
  }

  /// Appends to the file at `path`, which is made if it does not exist; nil: writes to stdout. The file stays open as
  /// long as the process lives; `reopen` exchanges it.
  public init(
    path: String?, process: StaticString, name: String = "", level: LogLevel = .info
  ) throws(OpenError) {
    (self.level, self.process, self.name) = (level, process, name)
    if let path {
      queue = LogQueue(try LogFile(path), bytesMax: Self.queueBytesMax)
    } else {
      queue = LogQueue(descriptor: STDOUT_FILENO, bytesMax: Self.queueBytesMax)
    }
    queue.start()
  }

  /// Bytes of lines that may wait.
  public static let queueBytesMax = 4 << 20

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

  /// Opens the file anew, by its path: somebody has given the old one another name. What happened says a line, which is
  /// the first of the new file. Returns at once; from any thread.
  public func reopen() {
    let hasFile = queue.reopen { [weak self] error in
      if let error {
        self?.error("the log cannot be opened anew: it goes on in the old file") { $0.field("error", "\(error)") }
      } else {
        self?.info("the log was opened anew")
      }
    }
    if !hasFile { info("SIGHUP opens a log anew that has a file (--log); this one has none") }
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
