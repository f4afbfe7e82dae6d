internal import CHoldfast
internal import Glibc

/// Signals as calls on a loop. One watch in a process.
///
/// Sendable without the compiler's check: the `let`s are set before the loop sees it; `token` is touched on the loop
/// only.
public final class SignalWatch: @unchecked Sendable {
  private let loop: EventLoop
  private let fd: Int32
  private let handler: (Int32) -> Void
  private var token = SourceTable.noSource

  /// SIGTERM and SIGINT.
  public static let terminating: [Int32] = [SIGTERM, SIGINT]

  /// Calls `handler` on `loop` with each of `signals` that comes (default: SIGTERM and SIGINT), from now on. The
  /// handlers stay installed for the process's life.
  @discardableResult
  public init(
    _ signals: [Int32] = SignalWatch.terminating, on loop: EventLoop,
    handler: @escaping @Sendable (_ signal: Int32) -> Void
  ) throws(SocketError) {
    // Safe: the shim reads the array's own count.
    let fd = unsafe chf_signals_watch(signals, Int32(signals.count))
    guard fd >= 0 else { throw SocketError(call: "sigaction", errno: -fd, address: "") }
    self.loop = loop
    self.fd = fd
    self.handler = handler
    loop.submit {
      self.token = loop.sources.insert(self)
      let error = chf_epoll_add(loop.epoll.rawValue, fd, EpollFlags.input, self.token)
      precondition(error == 0, "cannot watch signals: \(errorText(error))")
    }
  }
}

extension SignalWatch: EventSource {
  func ready(_ flags: UInt32) {
    let seen = chf_signals_take()
    for signal in Int32(1)..<64 where seen & (1 << UInt64(signal)) != 0 { handler(signal) }
  }

  func loopEnds() {
    guard token != SourceTable.noSource else { return }
    _ = chf_epoll_remove(loop.epoll.rawValue, fd)
    loop.sources.remove(token)
    token = SourceTable.noSource
  }
}

/// A peer that went away is an error of `write`, not the end of the process.
func ignoreSIGPIPE() { chf_ignore_sigpipe() }
