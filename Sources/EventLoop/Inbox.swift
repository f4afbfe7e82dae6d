internal import Synchronization
internal import Threads

/// One thing for a loop's thread to run: an actor's job or a closure.
enum LoopItem {
  case job(UnownedJob)
  case work(@Sendable () -> Void)
}

/// Where other threads leave work for a loop. First in, first out.
///
/// A wake-up is written only to a loop that is asleep, and only once: the loop says under the lock that it goes to
/// sleep, and who comes next finds the flag, clears it and wakes. So a busy loop costs its callers no system call.
///
/// Sendable without the compiler's check: everything mutable is behind the mutex.
final class Inbox: Sendable {
  struct State: ~Copyable {
    var items: [LoopItem] = []
    var asleep = false
    /// The loop's thread has ended; see `EventLoop.runLate`.
    var ended = false
    var lateThreadRuns = false
  }

  enum Pushed { case queued, wake, startLateThread }

  private let state = Lock(State())
  /// Whether something may wait: a look without the lock. Only a hint: going to sleep looks again, with it.
  private let mayHaveItems = Atomic<Bool>(false)

  func locked<Result>(_ body: (inout State) -> Result) -> Result { state.withLock { body(&$0) } }

  /// Adds an item and says what its caller must do.
  func push(_ item: LoopItem) -> Pushed {
    locked { state in
      state.items.append(item)
      mayHaveItems.store(true, ordering: .relaxed)
      if state.ended {
        if state.lateThreadRuns { return .queued }
        state.lateThreadRuns = true
        return .startLateThread
      }
      if state.asleep {
        state.asleep = false
        return .wake
      }
      return .queued
    }
  }

  /// Moves everything to the end of `items`; an empty `items` trades storage instead, so that neither side allocates.
  func take(into items: inout [LoopItem]) {
    guard mayHaveItems.load(ordering: .relaxed) else { return }
    locked { state in
      mayHaveItems.store(false, ordering: .relaxed)
      if state.items.isEmpty { return }
      if items.isEmpty {
        swap(&items, &state.items)
      } else {
        items.append(contentsOf: state.items)
        state.items.removeAll(keepingCapacity: true)
      }
    }
  }

  /// Whether the loop may sleep: nothing waits, and the next push will wake it.
  func goToSleep() -> Bool {
    locked { state in
      state.asleep = state.items.isEmpty
      return state.asleep
    }
  }

  /// The loop is awake: pushes need not wake it.
  func wokeUp() { locked { $0.asleep = false } }
}
