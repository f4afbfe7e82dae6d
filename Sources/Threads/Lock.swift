public import CHoldfast
public import Synchronization

/// A lock around the value it protects: the only way in is `withLock`. Not recursive; never hold it across an `await`
/// or a system call. To wait for something, use a `Monitor`.
///
/// Thread Sanitizer cannot see the futex inside `Synchronization.Mutex` and would report a race on everything it
/// protects; this tells it the order.
public final class Lock<Value: ~Copyable>: Sendable {
  @usableFromInline let mutex: Mutex<Value>

  public init(_ value: consuming sending Value) { mutex = Mutex(value) }

  @inlinable public func withLock<Result: ~Copyable, Failure: Error>(
    _ body: (inout sending Value) throws(Failure) -> sending Result
  ) throws(Failure) -> sending Result {
    // Safe: the address only names this lock to the sanitizer.
    let name = unsafe Unmanaged.passUnretained(self).toOpaque()
    return try mutex.withLock { value throws(Failure) in
      unsafe chf_tsan_acquire(name)
      defer { unsafe chf_tsan_release(name) }
      return try body(&value)
    }
  }
}
