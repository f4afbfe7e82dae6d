public import Glibc

/// A lock around some state, with conditions to wait for: one for each of two kinds of threads, so that waking the one
/// does not cost the other a look. The lock is pthread's because Thread Sanitizer knows it;
/// `Synchronization.Mutex` makes it report false races.
///
/// `unsafe` in this file: mutex and conditions are this object's own, keep their address from `init` to `deinit`, and
/// nobody waits on them when it ends.
///
/// Sendable without the compiler's check: `state` is only ever touched with the mutex held.
@safe public final class Monitor<State>: @unchecked Sendable {
  @usableFromInline let mutex: UnsafeMutablePointer<pthread_mutex_t>
  /// One for each kind of waiter.
  @usableFromInline let conditions: UnsafeMutablePointer<pthread_cond_t>
  @usableFromInline var state: State

  public enum Waiters: Int, Sendable, CaseIterable {
    case first = 0, second
  }

  public init(_ state: sending State) {
    self.state = state
    unsafe mutex = .allocate(capacity: 1)
    unsafe conditions = .allocate(capacity: Waiters.allCases.count)
    unsafe pthread_mutex_init(mutex, nil)
    // Waits are counted on the clock that nobody moves.
    var attributes = pthread_condattr_t()
    unsafe pthread_condattr_init(&attributes)
    unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    for kind in Waiters.allCases { unsafe pthread_cond_init(conditions + kind.rawValue, &attributes) }
    unsafe pthread_condattr_destroy(&attributes)
  }

  deinit {
    for kind in Waiters.allCases { unsafe pthread_cond_destroy(conditions + kind.rawValue) }
    unsafe pthread_mutex_destroy(mutex)
    unsafe conditions.deallocate()
    unsafe mutex.deallocate()
  }

  @inlinable public func withLock<Result, Failure: Error>(
    _ body: (inout State) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    unsafe pthread_mutex_lock(mutex)
    // Safe: this object owns the mutex as long as it lives.
    defer { unsafe pthread_mutex_unlock(mutex) }
    return try body(&state)
  }

  /// Wakes all that wait in `wait`.
  public func wakeAll() { for kind in Waiters.allCases { wake(kind) } }

  /// Wakes those of one kind.
  public func wake(_ kind: Waiters) {
    // Safe: this object owns its conditions as long as it lives.
    unsafe pthread_cond_broadcast(conditions + kind.rawValue)
  }

  /// Waits until `body` gives a value: called with the lock held, at first and after each wake-up, and after each
  /// `milliseconds`.
  @inlinable public func wait<Result>(
    as kind: Waiters = .first, everyMilliseconds milliseconds: Int? = nil, _ body: (inout State) -> Result?
  ) -> Result {
    unsafe pthread_mutex_lock(mutex)
    // Safe: this object owns the mutex and the condition as long as it lives.
    defer { unsafe pthread_mutex_unlock(mutex) }
    while true {
      if let result = body(&state) { return result }
      if let milliseconds {
        var until = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &until)
        until.tv_sec += milliseconds / 1_000
        until.tv_nsec += milliseconds % 1_000 * 1_000_000
        if until.tv_nsec >= 1_000_000_000 {
          until.tv_nsec -= 1_000_000_000
          until.tv_sec += 1
        }
        unsafe pthread_cond_timedwait(conditions + kind.rawValue, mutex, &until)
      } else {
        unsafe pthread_cond_wait(conditions + kind.rawValue, mutex)
      }
    }
  }
}
