internal import CHoldfast
internal import Glibc
import Threads

/// One thread that waits for sockets, timers and work, and runs them; the executor of the actors pinned to it.
///
/// ```swift
/// actor Shard {
///   nonisolated let loop: EventLoop
///   nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }
/// }
/// ```
///
/// **Isolation.** Everything a loop calls (connection handlers, timers, end-of-turn callbacks, submitted closures) runs
/// on its thread, which is where its actors run: there `actor.assumeIsolated { … }` holds and costs about 40 ns. A
/// closure made inside an actor's method and given to `schedule` or `atEndOfTurn` is isolated to that actor by the
/// compiler's own rules. Only `submit`, `enqueue`, `perform`, `stop` and `join` may be called from other threads; the
/// rest stops the process when it is.
///
/// **A turn**: the clock is read; ready sockets are read and their handlers called; due timers run; submitted work and
/// actors' jobs run until none is left; end-of-turn callbacks run (and what they cause, again); written connections are
/// flushed, one system call each; then the loop waits.
///
/// Sendable without the compiler's check: `inbox` has a lock, the `let`s are Sendable, and every other stored property
/// is touched by the loop's thread only, which `preconditionOnLoop` guards in each public method that is not for other
/// threads.
public final class EventLoop: SerialExecutor, @unchecked Sendable {
  /// Its place in its group, from 0.
  public let index: Int
  /// The thread's name, at most 15 bytes.
  public let name: String

  let epoll: FileDescriptor
  private let wakeUp: FileDescriptor
  let inbox = Inbox()
  private let thread = LoopThread()

  // Below: the loop's thread only.
  private var clock: UInt64
  private(set) var stopping = false
  private var local: [LoopItem] = []
  private var spare: [LoopItem] = []
  private var turnEnds: [TurnEnd] = []
  private var turnBegins: [any TurnBeginHandler] = []
  var timers = TimerHeap()
  private var timerSequence: UInt64 = 0
  var wheel: DeadlineWheel
  var sources = SourceTable()
  /// Sources with more to do that the kernel will not announce again: looked at in the next turn.
  private var again: [any EventSource] = []
  // Each list's other half: what is gone through and what is added to change places, so that a turn allocates nothing.
  private var spareAgain: [any EventSource] = []
  private var spareTurnEnds: [TurnEnd] = []
  private var spareUnflushed: [Connection] = []
  /// Nanoseconds for `nap`.
  private var napTime: UInt64 = 0
  /// Connections with output to send at the end of the turn.
  private var unflushed: [Connection] = []
  var buffers = BufferPool()
  let input = InputBuffer()
  /// What this loop did so far.
  public internal(set) var counters = LoopCounters()
  /// How long its turns took so far.
  public private(set) var turnTimes = TurnTimes()
  /// When the last turn ended, if a clock was read then.
  private var turnEndedAt: UInt64?

  private enum TurnEnd {
    case closure(() -> Void)
    case object(any TurnEndHandler)
  }

  /// A loop that does not run yet; `start` it.
  public init(index: Int = 0, name: String? = nil) throws(SocketError) {
    self.index = index
    self.name = name ?? "loop-\(index)"
    let epollRaw = chf_epoll_create()
    guard epollRaw >= 0 else { throw SocketError(call: "epoll_create", errno: -epollRaw, address: "") }
    epoll = FileDescriptor(owning: epollRaw)
    let wakeRaw = chf_eventfd()
    guard wakeRaw >= 0 else { throw SocketError(call: "eventfd", errno: -wakeRaw, address: "") }
    wakeUp = FileDescriptor(owning: wakeRaw)
    clock = chf_monotonic_ns()
    wheel = DeadlineWheel(now: clock)
    // Edge-triggered: a wake-up needs no read to be taken back.
    let error = chf_epoll_add(epollRaw, wakeRaw, EpollFlags.input, SourceTable.noSource)
    guard error == 0 else { throw SocketError(call: "epoll_ctl", errno: error, address: "") }
  }

  /// The loop whose thread this is; nil on other threads.
  public var isCurrent: Bool {
    // Safe: addresses are compared, not followed.
    unsafe chf_current_loop() == UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
  }

  @inline(__always)
  func preconditionOnLoop() {
    precondition(isCurrent, "called from another thread than the event loop's own")
  }

  /// Nanoseconds of the monotonic clock, read once a turn. On the loop's thread.
  public var nowNanoseconds: UInt64 { clock }

  // MARK: Life

  /// Starts the thread, which keeps the loop alive until `stop`. Once.
  public func start() throws(SocketError) {
    do throws(Thread.Failure) {
      try thread.start(self, name: name)
    } catch {
      throw SocketError(call: "pthread_create", errno: error.errno, address: "")
    }
  }

  /// Ends the loop after the current turn: connections are aborted, timers dropped. From any thread. See
  /// `LoopGroup.shutdown` for the gentle way.
  public func stop() { submit { [unowned self] in self.stopping = true } }

  /// Waits until the thread has ended. Not from the loop itself.
  public func join() {
    precondition(!isCurrent, "a loop cannot wait for itself")
    thread.join()
  }

  /// The thread's body.
  func run() {
    // Safe: the address is compared only; `LoopThread` keeps the loop alive while its thread runs.
    unsafe chf_set_current_loop(Unmanaged.passUnretained(self).toOpaque())
    let events = EventBuffer()
    chf_precise_timers()
    while !stopping { turn(events) }
    for source in sources.all { source.loopEnds() }
    timers.removeAll()
    again = []
    unflushed = []
    turnBegins = []
    var rounds = 0
    while runItems() || runTurnEnds(), rounds < 1_000 { rounds += 1 }
    inbox.locked { state in
      state.ended = true
      state.items.insert(contentsOf: local, at: 0)
      local = []
    }
    chf_set_current_loop(nil)
    if inbox.locked({ state in
      let late = !state.items.isEmpty && !state.lateThreadRuns
      if late { state.lateThreadRuns = true }
      return late
    }) {
      startLateThread()
    }
  }

  private func turn(_ events: EventBuffer) {
    if napTime > 0 {
      // Not with work at hand, nor when the last look left some out.
      if local.isEmpty, again.isEmpty, turnEnds.isEmpty, !events.isFull {
        turnEndedAt = chf_monotonic_ns()
        chf_nap(napTime)
      }
      napTime = 0
    }
    let timeout = sleepTime()
    let count = events.wait(epoll.rawValue, timeout: timeout)
    inbox.wokeUp()
    let now = chf_monotonic_ns()
    // A turn that no wait followed ended where this one begins: most clocks are read already.
    turnTimes.note(nanoseconds: (turnEndedAt ?? now) &- clock)
    turnEndedAt = nil
    clock = now
    counters.turns &+= 1
    for handler in turnBegins { handler.turnBegan() }

    for position in 0..<count {
      let (token, flags) = events[position]
      if let source = sources[token] { source.ready(flags) }
    }
    if !again.isEmpty {
      var list: [any EventSource] = []
      swap(&list, &spareAgain)
      swap(&list, &again)
      for source in list { source.readyAgain() }
      list.removeAll(keepingCapacity: list.count < Self.keptCount)
      swap(&list, &spareAgain)
    }
    runTimers()
    for (token, tick) in wheel.takeDue(now: clock) { sources[token]?.wheelReached(tick: tick, now: clock) }

    // What runs at the end of a turn may cause jobs, those may write and ask for another end: go round until it is
    // quiet, but not for ever, because sockets wait too.
    var rounds = 0
    repeat {
      while rounds < Self.roundsMax, runItems() { rounds += 1 }
      rounds += 1
    } while runTurnEnds() && rounds < Self.roundsMax
    flushConnections()
  }

  /// How long `epoll_wait` may sleep, in nanoseconds.
  private func sleepTime() -> Int64 {
    if !local.isEmpty || !again.isEmpty || !turnEnds.isEmpty || !unflushed.isEmpty || stopping { return 0 }
    guard inbox.goToSleep() else { return 0 }
    var wake = wheel.nextWake ?? .max
    if let timer = timers.first { wake = min(wake, timer.deadline) }
    let now = chf_monotonic_ns()
    if turnEndedAt == nil { turnEndedAt = now }
    guard wake != .max else { return -1 }
    return wake <= now ? 0 : Int64(clamping: wake - now)
  }

  /// Rounds of jobs in one turn.
  private static let roundsMax = 256
  /// So much is sent in one turn, and what is small beside it: a hundred readers of large answers must not keep the
  /// others' waiting.
  private static let turnBytesMax: UInt64 = 1 << 20
  private static let smallOutput = 64 << 10
  /// Lists that were longer give their storage back.
  private static let keptCount = 65_536

  // MARK: Work

  /// Runs `work` on the loop's thread, soon, after what was submitted before from the same thread. From any thread.
  public func submit(_ work: @escaping @Sendable () -> Void) { add(.work(work)) }

  func add(_ item: LoopItem) {
    if isCurrent {
      local.append(item)
      return
    }
    switch inbox.push(item) {
    case .queued: break
    case .wake: wake()
    case .startLateThread: startLateThread()
    }
  }

  private func wake() {
    var one: UInt64 = 1
    // Safe: an eventfd takes eight bytes. A full counter fails, and has woken the loop already.
    _ = unsafe write(wakeUp.rawValue, &one, 8)
  }

  /// Runs one round of jobs and closures; false when there was nothing.
  private func runItems() -> Bool {
    inbox.take(into: &local)
    if local.isEmpty { return false }
    var batch: [LoopItem] = []
    swap(&batch, &spare)
    swap(&batch, &local)
    for item in batch {
      switch item {
      case .job(let job): unsafe job.runSynchronously(on: asUnownedSerialExecutor())
      case .work(let work): work()
      }
    }
    counters.items &+= UInt64(batch.count)
    batch.removeAll(keepingCapacity: batch.count < Self.keptCount)
    spare = batch
    return true
  }

  /// Work for a loop whose thread has ended still runs, one item after the other, on a thread of its own: a task that
  /// waits for one of its actors would never go on otherwise. There are no sockets and no timers any more.
  func runLate() {
    // Safe: the thread that runs this keeps the loop until it returns.
    unsafe chf_set_current_loop(Unmanaged.passUnretained(self).toOpaque())
    while true {
      while runItems() || runTurnEnds() {}
      let done = inbox.locked { state in
        if state.items.isEmpty { state.lateThreadRuns = false }
        return state.items.isEmpty
      }
      if done { break }
    }
    chf_set_current_loop(nil)
  }

  private func startLateThread() {
    Thread.needed(name: "late-\(index)") { self.runLate() }.detach()
  }

  // MARK: The beginning of a turn

  /// Calls the handler in every turn from the next one on, as soon as the turn's `nowNanoseconds` are known and before
  /// anything else; the loop keeps it until its own end. On the loop's thread.
  public func atBeginOfTurns(_ handler: any TurnBeginHandler) {
    preconditionOnLoop()
    if !stopping { turnBegins.append(handler) }
  }

  // MARK: The end of a turn

  /// Calls `work` once, after all that is readable in this turn was read, before sockets are flushed and the loop
  /// waits. It may register again (that runs in the same turn, if work came up, or the next). A stored closure costs no
  /// allocation here. On the loop's thread.
  public func atEndOfTurn(_ work: @escaping () -> Void) {
    preconditionOnLoop()
    turnEnds.append(.closure(work))
  }

  /// As above, for hot paths: an object and no closure.
  public func atEndOfTurn(_ handler: any TurnEndHandler) {
    preconditionOnLoop()
    turnEnds.append(.object(handler))
  }

  private func runTurnEnds() -> Bool {
    if turnEnds.isEmpty { return false }
    var list: [TurnEnd] = []
    swap(&list, &spareTurnEnds)
    swap(&list, &turnEnds)
    for end in list {
      switch end {
      case .closure(let work): work()
      case .object(let handler): handler.turnEnded()
      }
    }
    list.removeAll(keepingCapacity: list.count < Self.keptCount)
    swap(&list, &spareTurnEnds)
    return true
  }

  /// Sleeps once at the end of this turn, whatever comes meanwhile: who writes to a socket that nobody waits at has
  /// nobody to wake, and what came is one turn's work. For a fraction of a millisecond in which it is known that many
  /// are about to write and none is worth answering alone. 0: not after all. On the loop's thread.
  public func nap(nanoseconds: UInt64) {
    preconditionOnLoop()
    napTime = min(nanoseconds, 1_000_000)
  }

  // MARK: Timers

  /// Calls `work` on the loop once `delay` has passed, counted from this turn's `nowNanoseconds`; timers of the same
  /// instant run in the order they were scheduled in. On the loop's thread.
  @discardableResult
  public func schedule(after delay: Duration, _ work: @escaping () -> Void) -> LoopTimer {
    schedule(atNanoseconds: clock &+ delay.nanoseconds, work)
  }

  /// As above, at an instant of the monotonic clock.
  @discardableResult
  public func schedule(atNanoseconds deadline: UInt64, _ work: @escaping () -> Void) -> LoopTimer {
    preconditionOnLoop()
    timerSequence &+= 1
    let timer = LoopTimer(loop: self, deadline: deadline, sequence: timerSequence, work: work)
    // A loop that has ended has no time any more.
    if !stopping { timers.insert(timer) }
    return timer
  }

  private func runTimers() {
    // One that schedules another for now gets it in the next turn.
    let last = timerSequence
    while let timer = timers.first, timer.deadline <= clock, timer.sequence <= last {
      timers.remove(timer)
      let work = timer.work
      timer.work = nil
      work?()
    }
  }

  // MARK: Sources

  /// After the end there are no turns: what were listed then would never be let go.
  func lookAgain(_ source: any EventSource) {
    if !stopping { again.append(source) }
  }

  func flushLater(_ connection: Connection) {
    if !stopping { unflushed.append(connection) }
  }

  private func flushConnections() {
    // A flush that closes a connection calls its handler, which may write to another one.
    var rounds = 0
    while !unflushed.isEmpty && rounds < 8 {
      rounds += 1
      var list: [Connection] = []
      swap(&list, &spareUnflushed)
      swap(&list, &unflushed)
      for connection in list where connection.options.isFlushedFirst { connection.flush() }
      let sentBefore = counters.bytesOut
      var postponed: [Connection] = []
      for connection in list where !connection.options.isFlushedFirst {
        if connection.outputByteCount < Self.smallOutput || counters.bytesOut &- sentBefore < Self.turnBytesMax {
          connection.flush()
        } else {
          postponed.append(connection)
        }
      }
      // Before those that were listed again meanwhile: each gets its turn.
      if !postponed.isEmpty {
        unflushed.insert(contentsOf: postponed, at: 0)
        rounds = 8
      }
      list.removeAll(keepingCapacity: list.count < Self.keptCount)
      swap(&list, &spareUnflushed)
    }
  }
}

/// Called at the beginning of each turn; see `EventLoop.atBeginOfTurns`.
public protocol TurnBeginHandler: AnyObject {
  func turnBegan()
}

/// Called at the end of a turn; see `EventLoop.atEndOfTurn`.
public protocol TurnEndHandler: AnyObject {
  func turnEnded()
}

/// What a loop did since it started. System calls are counted so that tests can hold the hot path to them.
public struct LoopCounters: Sendable, Equatable {
  public var turns: UInt64 = 0
  /// Actors' jobs and submitted closures.
  public var items: UInt64 = 0
  public var socketReads: UInt64 = 0
  public var socketWrites: UInt64 = 0
  public var bytesIn: UInt64 = 0
  public var bytesOut: UInt64 = 0
  public var accepted: UInt64 = 0
  /// Met a listener's limit, or could not be accepted.
  public var refused: UInt64 = 0
  /// Connections open now.
  public var connections: Int = 0
}
