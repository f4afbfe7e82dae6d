import Budgets
import EventLoop
import Logging
import Proto
import RouterCore
import Threads
import Time

/// What the bounds of a router's memory have seen.
struct MemoryCounts: Sendable {
  var input = MemoryBudget.Counts()
  var output = MemoryBudget.Counts()
  var copies = EventDirectory.Counts()
  /// Limits, in bytes.
  var inputLimit = 0
  var outputLimit = 0
  var copyLimit = 0
  /// Large things that are being made on other threads, or wait for it.
  var jobs = 0

  init() {}

  init(_ context: DoorContext, _ directory: EventDirectory) {
    (input, output, copies) = (context.inputBudget.counts, context.outputBudget.counts, directory.counts)
    (inputLimit, outputLimit) = (context.inputBudget.limit, context.outputBudget.limit)
    copyLimit = directory.bytesMax
    jobs = context.plans.jobCount + context.copies.jobCount
  }
}

/// Looks at a router's memory now and then: says in the log when a bound has closed or refused something, drops what
/// nobody uses, and gives freed memory back to the kernel after a peak.
struct RouterMemoryWatch {
  private static let logEvery: Milliseconds = 1_000
  private static let dropEvery: Milliseconds = 5_000

  private var logged = MemoryCounts()
  private var logsAt = MonotonicTime.zero
  private var dropsAt = MonotonicTime.zero
  private var wasCrowded = false
  private var resident = MemoryWatch()
  private let gaveBack = Lock<Int?>(nil)

  mutating func look(_ context: DoorContext, _ directory: EventDirectory, _ log: LogSink, now: MonotonicTime) {
    if now >= logsAt {
      logsAt = now + Self.logEvery
      say(MemoryCounts(context, directory), log)
    }
    if now >= dropsAt {
      dropsAt = now + Self.dropEvery
      directory.dropIdle(now: now)
      // Large answers wait while half of the bound is used: a reader that takes a byte now and then must not hold it
      // for ever.
      if context.outputBudget.isCrowded {
        if wasCrowded { context.outputBudget.closeOldest() }
        wasCrowded = true
      } else {
        wasCrowded = false
      }
    }
    if let bytes = gaveBack.withLock({ $0 }) {
      gaveBack.withLock { $0 = nil }
      resident.done(resident: bytes)
    }
    guard resident.mustLook(now: now), resident.look(resident: residentBytes(), now: now) else { return }
    let gaveBack = gaveBack
    context.copies.runAnyway {
      giveBackMemory()
      gaveBack.withLock { $0 = residentBytes() }
    }
  }

  /// One line a second at most for each bound that was reached.
  private mutating func say(_ counts: MemoryCounts, _ log: LogSink) {
    func warn(_ text: StaticString, _ before: UInt64, _ after: UInt64, _ used: Int, _ limit: Int) {
      guard after > before else { return }
      log.warning(text) {
        $0.field("count", after - before)
        $0.field("bytes", used)
        $0.field("limit", limit)
      }
    }
    warn(
      "connections closed: too much unfinished input", logged.input.closed, counts.input.closed, counts.input.used,
      counts.inputLimit)
    warn(
      "bodies refused: too much unfinished input", logged.input.refused, counts.input.refused, counts.input.used,
      counts.inputLimit)
    warn(
      "connections closed: too much output waits", logged.output.closed, counts.output.closed, counts.output.used,
      counts.outputLimit)
    warn(
      "reads refused: no room for copies", logged.copies.refused, counts.copies.refused, counts.copies.used,
      counts.copyLimit)
    logged = counts
  }
}
