internal import Glibc
internal import Synchronization
import Threads

/// The signals of a server. At SIGTERM and SIGINT it ends in good order, but ends in any case: at once at a second one,
/// and when the good order takes too long. SIGHUP, which would end it by default, opens its log anew.
public final class Termination: Sendable {
  private enum State { case starting, serving, ending }
  private let state = Lock(State.starting)
  private let signals: AsyncStream<Void>
  private let loop: EventLoop

  /// Of the signals that end a process by default, these mean nothing to a server, or nothing yet: a script that sends
  /// one to all must not stop the sale. First of all in a process.
  public static func ignoreOthers() {
    for other in [SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2] { signal(other, SIG_IGN) }
  }

  /// Takes the signals from now on.
  ///
  /// - Parameters:
  ///   - hungUp: called on another thread with each SIGHUP.
  ///   - patience: from the first signal until the process ends, with status 1, whatever it is waiting for.
  ///   - whileStarting: called on another thread if the first signal comes before `serving` was called: what has not
  ///     begun needs no good order. The process then ends with status 0.
  public init(
    patience: Duration, hungUp: @escaping @Sendable () -> Void, whileStarting: @escaping @Sendable () -> Void
  ) throws(SocketError) {
    let (signals, continuation) = AsyncStream<Void>.makeStream()
    self.signals = signals
    loop = try EventLoop(name: "signals")
    let (loop, state) = (loop, state)
    try SignalWatch(SignalWatch.terminating + [SIGHUP], on: loop) { signal in
      if signal == SIGHUP { return hungUp() }
      let before = state.withLock { state in
        defer { state = .ending }
        return state
      }
      switch before {
      case .starting:
        whileStarting()
        SocketFile.removeAll()
        _exit(0)
      case .serving:
        loop.schedule(after: patience) {
          SocketFile.removeAll()
          _exit(1)
        }
        continuation.yield()
      case .ending:
        SocketFile.removeAll()
        _exit(1)
      }
    }
    try loop.start()
  }

  /// The process serves now: from here on it ends in good order.
  public func serving() {
    state.withLock { state in
      if case .starting = state { state = .serving }
    }
  }

  /// Returns when the process is asked to end. Once.
  public func asked() async {
    var iterator = signals.makeAsyncIterator()
    _ = await iterator.next()
  }
}
