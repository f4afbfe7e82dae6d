internal import CHoldfast

/// Waits for a value that another thread hands over by calling what `start` is given, exactly once.
///
/// A continuation with what Thread Sanitizer needs: it cannot see the order between `resume` and the code behind
/// `await`, because the runtime is not compiled for it, and would report a race on everything that is handed over.
public func handedOver<Value: Sendable>(
  isolation: isolated (any Actor)? = #isolation, _ start: (@escaping @Sendable (Value) -> Void) -> Void
) async -> Value {
  let meeting = Meeting()
  let value = await withCheckedContinuation { continuation in
    start { value in
      meeting.leave()
      continuation.resume(returning: value)
    }
  }
  meeting.arrive()
  return value
}

/// Runs what blocks on a thread of its own, which a task must not wait on, and returns what it returned.
///
/// - Parameter name: as a `Thread`'s.
public func onOwnThread<Value: Sendable>(
  name: String, isolation: isolated (any Actor)? = #isolation, _ body: @escaping @Sendable () -> Value
) async -> Value {
  await handedOver { handOver in Thread.needed(name: name) { handOver(body()) }.detach() }
}

/// An object whose address names one hand-over to the sanitizer.
private final class Meeting: Sendable {
  func leave() {
    // Safe: the address is only a name.
    unsafe chf_tsan_release(Unmanaged.passUnretained(self).toOpaque())
  }

  func arrive() {
    // Safe: as above.
    unsafe chf_tsan_acquire(Unmanaged.passUnretained(self).toOpaque())
  }
}
