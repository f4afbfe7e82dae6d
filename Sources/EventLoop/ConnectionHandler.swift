public import Budgets

/// What a connection's owner is told. All calls are made on the loop's thread, never from inside a call that the
/// handler made to the connection (`write`, `close` … only take note).
///
/// Both a plain class that lives on the loop and an actor pinned to it can be a handler; the latter with `nonisolated`
/// methods that say `assumeIsolated { $0.… }`. A connection keeps its handler until `closed` was called.
public protocol ConnectionHandler: AnyObject {
  /// The connection is ready: connected or accepted, and its TLS handshake done. Also the first call after a hand-over.
  func opened(_ connection: Connection)

  /// Bytes came: what was left over before and what is new, in place. Returns how many were consumed (0 to all); the
  /// rest is kept and shown again with what comes next, or after `resumeReading`. A rest over
  /// `ConnectionOptions.inputLimit` closes the connection. Stop consuming when `connection.isOverOutputLimit`: the rest
  /// is shown again once the output has drained.
  func received(_ bytes: RawSpan, on connection: Connection) -> Int

  /// The peer will send no more (half-close). Unless overridden: `close()`, which still sends what was written.
  func inputEnded(on connection: Connection)

  /// The output was over its soft limit and is below half of it again. Who pushes unasked goes on here.
  func drained(_ connection: Connection)

  /// The instant set with `setDeadline` passed. Unless overridden: the connection closes with `.deadline`.
  func deadlinePassed(on connection: Connection)

  /// The sum of what all connections keep of unfinished input is over its limit, and this connection is the oldest that
  /// keeps some: give it up and end the connection, maybe with an answer. What it keeps from now on is not counted any
  /// more. Unless overridden: the connection is thrown away with `.memory`.
  func memoryIsShort(_ connection: Connection)

  /// The process is asked to stop: finish what was asked for and `close()`. Unless overridden: `close()`.
  func shuttingDown(_ connection: Connection)

  /// It is over; the last call. Comes exactly once for each connection, also for one that never opened.
  func closed(_ connection: Connection, reason: CloseReason)
}

extension ConnectionHandler {
  public func opened(_ connection: Connection) {}
  public func inputEnded(on connection: Connection) { connection.close() }
  public func drained(_ connection: Connection) {}
  public func deadlinePassed(on connection: Connection) { connection.close(reason: .deadline) }
  public func memoryIsShort(_ connection: Connection) { connection.abort(reason: .memory) }
  public func shuttingDown(_ connection: Connection) { connection.close() }
  public func closed(_ connection: Connection, reason: CloseReason) {}
}

/// Why a connection ended.
public enum CloseReason: Equatable, Sendable, CustomStringConvertible {
  /// We closed it, after sending what was written.
  case closed
  /// We threw it away.
  case aborted
  /// A deadline passed.
  case deadline
  /// The peer took nothing for `ConnectionOptions.stallTimeout`.
  case stalled
  /// More output waited than the hard limit allows.
  case outputLimit(byteCount: Int)
  /// More input was left unconsumed than the limit allows.
  case inputLimit(byteCount: Int)
  /// The sum over all connections was over its limit, and this one kept something for the longest time.
  case memory
  /// The peer ended the connection without an orderly close, or the network did.
  case broken(SocketError)
  /// It never opened.
  case connectFailed(SocketError)
  /// It lives on another loop now, with another handler.
  case handedOver
  /// The loop stopped.
  case loopStopped

  public var description: String {
    switch self {
    case .closed: "closed"
    case .aborted: "aborted"
    case .deadline: "deadline passed"
    case .stalled: "the peer does not read"
    case .outputLimit(let byteCount): "\(byteCount) bytes of output are waiting"
    case .inputLimit(let byteCount): "\(byteCount) bytes of input were not understood"
    case .memory: "all connections together keep too much"
    case .broken(let error), .connectFailed(let error): error.description
    case .handedOver: "handed over to another loop"
    case .loopStopped: "the event loop stopped"
    }
  }
}

/// A connection's limits. The defaults suit a server's client.
public struct ConnectionOptions: Sendable {
  /// Waiting output over this pauses reading, in bytes.
  public var outputSoftLimit = 256 << 10
  /// Waiting output over this closes the connection, in bytes. A single large answer must fit.
  public var outputHardLimit = 64 << 20
  /// At the end of a turn its output leaves before other connections' does: for those whose other end others wait for.
  public var isFlushedFirst = false
  /// Unconsumed input over this closes the connection, in bytes.
  public var inputLimit = 1 << 20
  /// Bounds the sum of unconsumed input over many connections; nil: it is not counted.
  public var inputBudget: MemoryBudget?
  /// Bounds the sum of waiting output over many connections; nil: it is not counted.
  public var outputBudget: MemoryBudget?
  /// How long a peer may take none of the waiting output.
  public var stallTimeout: Duration = .seconds(30)
  /// How long connecting may take, TLS handshake included; for accepted connections, the handshake alone.
  public var openTimeout: Duration = .seconds(10)
  /// How long `close()` waits for the peer's own end after everything was sent.
  public var lingerTimeout: Duration = .seconds(1)
  /// After so many seconds of silence the kernel asks the peer whether it is still there; 0: never. For accepted
  /// connections without a deadline, which a peer that lost its power would keep for ever.
  public var keepAliveSeconds = 0
  /// TLS on this connection; nil: plain TCP.
  public var tls: TLSContext?
  /// The name in the peer's certificate, for clients; nil: the host that was connected to.
  public var tlsServerName: String?

  public init() {}
}
