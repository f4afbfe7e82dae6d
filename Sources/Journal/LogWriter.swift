/// The one thread that writes and syncs a node's log. Loops hand entries over; all that came meanwhile becomes one group: one
/// write, one sync.
package final class LogWriter: Sendable {
  package enum Event: Sendable {
    case durable(DurableGroup)
    /// No segment can be had: commands must be refused. / There is space again.
    case full, spaceAgain
    /// Final: a write or sync failed. What was not reported durable may or may not be.
    case failed(JournalError)
  }
  /// `report` is called on the writer's thread; it must hand over quickly.
  package init(_ log: Log, report: @escaping @Sendable (Event) -> Void) { preconditionFailure("being built") }

  /// Hands entries over, in order. Never waits. False: the queue is over its limit or the writer stopped, and nothing was taken.
  package func submit(_ entries: [LogEntry]) -> Bool { preconditionFailure("being built") }
  /// Whether a batch whose frame has up to `byteCount` bytes may be applied now.
  package func canAccept(_ byteCount: Int) -> Bool { preconditionFailure("being built") }
  package var isFull: Bool { preconditionFailure("being built") }
  /// Writes what was handed over, ends the thread, returns.
  package func stop() { preconditionFailure("being built") }
}

/// A thread for what may wait for a disk and is not the log itself: encoding snapshots, reading frames back, making segments.
package final class Worker: Sendable {
  package init(name: String) { preconditionFailure("being built") }
  /// False: over the limit, or stopped.
  package func run(_ job: @escaping @Sendable () -> Void) -> Bool { preconditionFailure("being built") }
  package func stop() {}
}
