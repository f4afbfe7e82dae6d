internal import Threads

/// How actors run here. A `SerialExecutor` only, which runs jobs with `runSynchronously(on:)`: awaiting another actor
/// of the same loop then costs tens of nanoseconds; a task executor beside it made that several times as much.
extension EventLoop {
  public func enqueue(_ job: consuming ExecutorJob) {
    add(.job(UnownedJob(job)))
  }

  public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    // Safe: an actor keeps its loop in a `let`, so the loop outlives the reference.
    unsafe UnownedSerialExecutor(ordinary: self)
  }

  public func isIsolatingCurrentContext() -> Bool? { isCurrent }

  public func checkIsolated() { preconditionOnLoop() }

  /// Runs `body` on the loop and returns what it returned. From any task.
  public func perform<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    let outcome: Swift.Result<Result, any Error> = await handedOver { handOver in
      submit { handOver(Swift.Result { try body() }) }
    }
    return try outcome.get()
  }

  /// As above, for what cannot fail.
  public func perform<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
    await handedOver { handOver in submit { handOver(body()) } }
  }
}
