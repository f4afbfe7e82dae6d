internal import CHoldfast

/// A thread of its own: for what waits for a disk.
struct Thread: Sendable {
  private let handle: UInt64

  /// `name`: at most 15 bytes, for `top` and `strace`.
  init(name: String, _ body: @escaping @Sendable () -> Void) {
    var handle: UInt64 = 0
    // Safe: the body is retained here and released by the thread, once.
    let code = unsafe chf_thread_start(&handle, name, runBody, Unmanaged.passRetained(Body(body)).toOpaque())
    precondition(code == 0, "the system gives no thread: error \(code)")
    self.handle = handle
  }

  /// Lets other threads go before the calling one from now on: it gets a thirtieth of what they get where all want to
  /// run.
  static func stepBack() { chf_thread_nice(15) }

  /// Waits for its end. Call once.
  func join() { _ = chf_thread_join(handle) }
}

private final class Body: Sendable {
  let run: @Sendable () -> Void
  init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

/// Not a closure: one that is written in isolated code would be isolated itself, and die on another thread.
private nonisolated func runBody(_ body: UnsafeMutableRawPointer?) {
  guard let body = unsafe body else { return }
  // Safe: `init` retained a `Body` for this call.
  unsafe Unmanaged<Body>.fromOpaque(body).takeRetainedValue().run()
}
