internal import CHoldfast

/// A loop's thread: started once, joined once, by whom it may be.
final class LoopThread: Sendable {
  private enum State { case new, running(UInt64), joined }
  private let state = LoopLock(State.new)

  /// The closure's context crosses to the new thread in a box.
  private final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  func start(_ loop: EventLoop, name: String) -> Int32 {
    state.locked { state in
      guard case .new = state else { preconditionFailure("a loop is started once") }
      let (error, thread) = Self.spawn(name: name) { loop.run() }
      if error == 0 { state = .running(thread) }
      return error
    }
  }

  func join() {
    let thread: UInt64? = state.locked { state in
      guard case .running(let thread) = state else { return nil }
      state = .joined
      return thread
    }
    if let thread { _ = chf_thread_join(thread) }
  }

  static func startDetached(name: String, _ body: @escaping @Sendable () -> Void) -> Int32 {
    let (error, thread) = spawn(name: name, body)
    if error == 0 { _ = chf_thread_detach(thread) }
    return error
  }

  /// Nonisolated and not in a `main.swift`: a closure made there belongs to the main actor and stops the process on
  /// another thread.
  private nonisolated static func spawn(name: String, _ body: @escaping @Sendable () -> Void) -> (Int32, UInt64) {
    var thread: UInt64 = 0
    let box = unsafe Unmanaged.passRetained(Box(body))
    // Safe: the box is retained here and released by whoever runs or, if there is no thread, below.
    let error = unsafe chf_thread_start(
      &thread, name,
      { raw in
        let box = unsafe Unmanaged<Box>.fromOpaque(raw!).takeRetainedValue()
        box.body()
      }, box.toOpaque())
    if error != 0 { unsafe box.release() }
    return (error, thread)
  }
}
