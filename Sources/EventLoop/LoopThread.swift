internal import Threads

/// A loop's thread: started once, joined once, from any thread.
final class LoopThread: Sendable {
  private enum State { case new, running(Thread), joined }
  private let state = Lock(State.new)

  func start(_ loop: EventLoop, name: String) throws(Thread.Failure) {
    try state.withLock { state throws(Thread.Failure) in
      guard case .new = state else { preconditionFailure("a loop is started once") }
      state = .running(try Thread(name: name) { loop.run() })
    }
  }

  func join() {
    let thread: Thread? = state.withLock { state in
      guard case .running(let thread) = state else { return nil }
      state = .joined
      return thread
    }
    thread?.join()
  }
}
