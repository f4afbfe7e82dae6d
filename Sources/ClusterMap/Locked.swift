internal import Glibc

/// A value behind a lock. The lock is pthread's, because Thread Sanitizer does not see `Synchronization.Mutex`'s futex.
///
/// `unsafe` in this file: the mutex is this object's own and keeps its address from `init` to `deinit`.
///
/// Sendable without the compiler's check: `value` is touched between lock and unlock only.
@safe final class Locked<Value: Sendable>: @unchecked Sendable {
  private var value: Value
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>

  init(_ value: Value) {
    self.value = value
    unsafe mutex = .allocate(capacity: 1)
    // Safe: the mutex keeps its address until `deinit`.
    unsafe pthread_mutex_init(mutex, nil)
  }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe mutex.deallocate()
  }

  func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe _ = pthread_mutex_unlock(mutex) }
    return body(&value)
  }
}
