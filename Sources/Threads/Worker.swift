/// A thread for what may wait for a disk or takes longer than a loop's turn may. Jobs run one after the other, in
/// order, and only so many wait.
public final class Worker: Sendable {
  private let state = Monitor(State())
  private let thread = Lock<Thread?>(nil)
  /// Jobs that may wait or run.
  public let jobsMax: Int

  private struct State {
    var jobs: [@Sendable () -> Void] = []
    /// Those that wait, and those that were taken and have not ended.
    var unfinished = 0
    var isStopping = false
  }

  /// The thread runs until `stop`.
  ///
  /// - Parameters:
  ///   - name: at most 15 bytes.
  ///   - isBackground: other threads go first.
  public init(name: String, jobsMax: Int = 1_024, isBackground: Bool = false) {
    self.jobsMax = jobsMax
    let state = self.state
    let running = Thread.needed(name: name) {
      if isBackground { Thread.stepBack() }
      while let jobs = state.wait({ Self.take(&$0) }) {
        for job in jobs {
          job()
          state.withLock { $0.unfinished -= 1 }
        }
      }
    }
    thread.withLock { $0 = running }
  }

  /// nil: keep waiting; `.some(nil)`: end.
  private static func take(_ state: inout State) -> [@Sendable () -> Void]?? {
    guard state.jobs.isEmpty else {
      defer { state.jobs = [] }
      return state.jobs
    }
    return state.isStopping ? .some(nil) : nil
  }

  /// Jobs that wait or run now.
  public var jobCount: Int { state.withLock { $0.unfinished } }

  /// Hands a job over. From any thread. False: too many wait, or the worker stopped; the job was not taken.
  public func run(_ job: @escaping @Sendable () -> Void) -> Bool { add(job, jobsMax: jobsMax) }

  /// For what only costs time, such as letting go of a million small arrays: never too many.
  public func runAnyway(_ job: @escaping @Sendable () -> Void) { _ = add(job, jobsMax: .max) }

  private func add(_ job: @escaping @Sendable () -> Void, jobsMax: Int) -> Bool {
    let isTaken = state.withLock { state in
      guard !state.isStopping, state.unfinished < jobsMax else { return false }
      state.jobs.append(job)
      state.unfinished += 1
      return true
    }
    if isTaken { state.wakeAll() }
    return isTaken
  }

  /// Runs what was handed over, ends the thread, returns. Not from one of its own jobs.
  public func stop() {
    state.withLock { $0.isStopping = true }
    state.wakeAll()
    let running: Thread? = thread.withLock { thread in
      defer { thread = nil }
      return thread
    }
    running?.join()
  }
}
