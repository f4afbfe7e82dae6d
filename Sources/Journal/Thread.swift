internal import Glibc

/// A thread of its own: for what waits for a disk.
@safe struct Thread: Sendable {
  private let handle: pthread_t

  /// `name`: at most 15 bytes, for `top` and `strace`.
  init(name: String, _ body: @escaping @Sendable () -> Void) {
    var handle = pthread_t()
    // Safe: the box is retained here and released by the thread, once.
    let box = unsafe Unmanaged.passRetained(Body(name: name, run: body)).toOpaque()
    let code = unsafe pthread_create(&handle, nil, runBody, box)
    precondition(code == 0, "the system gives no thread: error \(code)")
    self.handle = handle
  }

  /// Waits for its end. Call once.
  func join() { unsafe pthread_join(handle, nil) }
}

private final class Body: Sendable {
  let name: String
  let run: @Sendable () -> Void
  init(name: String, run: @escaping @Sendable () -> Void) { (self.name, self.run) = (name, run) }
}

/// Not a closure: one that is written in isolated code would be isolated itself, and die on another thread.
private nonisolated func runBody(_ box: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let box = unsafe box else { return nil }
  // Safe: `init` retained a `Body` for this call.
  let body = unsafe Unmanaged<Body>.fromOpaque(box).takeRetainedValue()
  unsafe pthread_setname_np(pthread_self(), body.name)
  body.run()
  return nil
}
