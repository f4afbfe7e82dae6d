/// A thread for what may wait for a disk and is not the log itself: encoding and writing snapshots, reading frames
/// back, removing segments. Jobs run one after the other, in order.
package final class Worker: Sendable {
  private let state = Guarded(State())
  private let thread = Guarded<Thread?>(nil)
  /// Jobs that may wait.
  package static let jobsMax = 1_024

  private struct State {
    var jobs: [@Sendable () -> Void] = []
    var isStopping = false
  }

  /// `name`: at most 15 bytes. `isBackground`: other threads go first. The thread runs until `stop`.
  package init(name: String, isBackground: Bool = false) {
    let state = self.state
    let running = Thread(name: name) {
      if isBackground { Thread.stepBack() }
      while let jobs = state.wait({ Self.take(&$0) }) {
        for job in jobs { job() }
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

  /// Hands a job over. False: too many wait, or the worker stopped; the job was not taken.
  package func run(_ job: @escaping @Sendable () -> Void) -> Bool {
    let isTaken = state.withLock { state in
      guard !state.isStopping, state.jobs.count < Self.jobsMax else { return false }
      state.jobs.append(job)
      return true
    }
    if isTaken { state.wakeAll() }
    return isTaken
  }

  /// Runs what was handed over, ends the thread, returns. Not from one of its own jobs.
  package func stop() {
    state.withLock { $0.isStopping = true }
    state.wakeAll()
    let running = thread.withLock { thread in
      defer { thread = nil }
      return thread
    }
    running?.join()
  }
}
