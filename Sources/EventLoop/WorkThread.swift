internal import Synchronization

/// A thread for what takes longer than a loop's turn may: jobs run one after the other, in order, and only so many
/// wait.
public final class WorkThread: Sendable {
  private let loop: EventLoop
  private let waiting = Atomic<Int>(0)
  /// Jobs that may wait or run.
  public let jobsMax: Int

  /// `name`: at most 15 bytes.
  public init(name: String, jobsMax: Int) throws(SocketError) {
    self.jobsMax = jobsMax
    loop = try EventLoop(name: name)
    try loop.start()
  }

  /// Jobs that wait or run now.
  public var jobCount: Int { waiting.load(ordering: .relaxed) }

  /// Hands a job over. False: too many wait; it was not taken. From any thread.
  public func run(_ job: @escaping @Sendable () -> Void) -> Bool {
    if waiting.add(1, ordering: .relaxed).newValue > jobsMax {
      waiting.subtract(1, ordering: .relaxed)
      return false
    }
    loop.submit {
      job()
      self.waiting.subtract(1, ordering: .relaxed)
    }
    return true
  }

  /// For what only costs time, such as letting go of a million small arrays: never refused.
  public func runAnyway(_ job: @escaping @Sendable () -> Void) { loop.submit(job) }

  /// Ends the thread after the job at hand; what is handed over later still runs.
  public func stop() {
    loop.stop()
    loop.join()
  }
}
