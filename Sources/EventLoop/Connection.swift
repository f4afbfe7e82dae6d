public import Budgets
internal import CHoldfast
internal import Glibc

/// A stream socket on one loop: plain TCP or TLS, accepted or connected.
///
/// Reading goes through a buffer of the loop's; a connection keeps only what its handler did not consume. Writing
/// collects in a queue that is sent once, at the end of the loop's turn. So an idle connection holds no buffer, and the
/// answers to a pipeline of requests cost one system call.
///
/// Sendable without the compiler's check, so that actors pinned to the loop can store it and name it inside
/// `assumeIsolated`: every stored `var` is touched on the loop's thread only. Each public method stops the process when
/// it is called elsewhere; that check is one comparison.
public final class Connection: @unchecked Sendable {
  /// The loop it lives on, for ever: a hand-over makes a new connection there.
  public let loop: EventLoop
  /// The other end, as far as it is known.
  public internal(set) var peer: SocketAddress?
  public let options: ConnectionOptions
  /// Told what happens. May be replaced, also inside `received`: what the old one did not consume goes to the new one
  /// at once.
  public var handler: (any ConnectionHandler)? {
    didSet { if !rest.isEmpty, handler !== oldValue { wantsAnotherLook() } }
  }

  enum State {
    /// Waiting for the resolver or for the peer to accept.
    case connecting
    /// In the TLS handshake.
    case handshaking
    case open
    /// `close()` was called: output is sent, input is thrown away.
    case closing
    case closed
  }

  var state: State
  var fd: Int32 = -1
  var token = SourceTable.noSource
  /// What `closed` will say once the output was sent.
  var closeReason = CloseReason.closed

  /// It was accepted over the limit: say so, or serve what must be served in any case, and close it soon. It may be
  /// aborted for the next guest until its handler sets this to false.
  public var isGuest = false

  // Connecting.
  var candidates: [SocketAddress] = []
  var hostName = ""
  var tlsName = ""
  var lastError: SocketError?

  // TLS; nil on plain connections.
  var tls: TLSSession?

  // Input.
  /// Bytes that the handler left.
  var rest: [UInt8] = []
  /// The kernel may have more for us.
  var readReady = false
  /// The kernel said that an end, or an error, is behind what can be read.
  var sawHangUp = false
  /// The peer's end was read.
  public internal(set) var inputEnded = false
  /// `inputEnded` is still to be told, after what is left in the buffers.
  var endUntold = false
  /// What the handler waits for, in bytes; see `expectInput`.
  var expectedInput = 0
  /// In `received`: the bytes that are shown, if they were collected in an array: who keeps this keeps them without a
  /// copy. nil: they were not.
  public internal(set) var collectedInput: ArraySlice<UInt8>?
  /// The handler asked for a pause.
  public internal(set) var isReadingPaused = false
  /// Waiting output went over the soft limit, and is not yet below half of it.
  public internal(set) var isOverOutputLimit = false
  var isListedAgain = false
  /// A hand-over that was asked for and waits until no handler is running.
  var handOver: ((Connection) -> Void)?
  var isDelivering = false
  /// What the handler keeps of this connection's input, in bytes; see `setHeldInput`.
  var heldInput = (byteCount: 0, isPinned: false)
  /// In `ConnectionOptions.inputBudget`, once there was something to count, and what was said to it last.
  var inputShare: MemoryShare?
  var chargedInput = (byteCount: 0, isPinned: false)

  // Output.
  var output = OutputQueue()
  /// With TLS: records that wait to be sent.
  var encrypted = OutputQueue()
  /// In `ConnectionOptions.outputBudget`.
  var outputShare: MemoryShare?
  var chargedOutput = 0
  /// The kernel takes no more until epoll says so.
  var outputBlocked = false
  var isListedUnflushed = false
  var shutdownWanted = false
  var outputShut = false
  /// `abort()` was called, or `close()` before the connection was open: nothing is sent any more.
  var discardsOutput = false

  // Deadlines, in nanoseconds of the monotonic clock; `never` for none.
  static let never = UInt64.max
  var handlerDeadline = never
  /// Opening, stalled output, lingering: whichever the state says.
  var ownDeadline = never
  /// The earliest tick it is listed for in the wheel.
  var listedTick = UInt64.max

  /// A listener counts its connections with this; runs on whichever loop the connection ends on.
  var onClosed: (@Sendable () -> Void)?

  init(loop: EventLoop, options: ConnectionOptions, peer: SocketAddress?, state: State) {
    (self.loop, self.options, self.peer, self.state) = (loop, options, peer, state)
    loop.counters.connections += 1
  }

  /// Whether it can be written to and will send. False before `opened` has no meaning: what is written then is sent
  /// later.
  public var isOpen: Bool { state == .open }
  public var isClosed: Bool { state == .closed }
  /// The peer's address for logs: `127.0.0.1:51234`; of who came through a UNIX socket, that socket's.
  public var peerText: String { peer?.description ?? hostName }
  /// Bytes received that the handler has not consumed.
  public var inputByteCount: Int { rest.count }
  /// Bytes written and not yet taken by the kernel.
  public var outputByteCount: Int { output.byteCount + encrypted.byteCount }

  // MARK: Writing

  /// Appends to the output. After `close()`, or once the connection has ended, it goes nowhere.
  public func write(_ bytes: RawSpan) {
    guard beginWrite() else { return }
    output.append(bytes)
    endWrite()
  }

  /// As above. Arrays from 16 KiB on are not copied.
  public func write(_ bytes: [UInt8]) {
    guard !bytes.isEmpty, beginWrite() else { return }
    output.append(bytes)
    endWrite()
  }

  /// As above, for bytes that other connections send too: references are kept, no copies, unless they are short.
  public func write(_ shared: [SharedBytes]) {
    guard !shared.isEmpty, beginWrite() else { return }
    for bytes in shared { output.append(bytes) }
    endWrite()
  }

  /// Lets `body` append to the output's open end; it must only append. The connection must not be written to inside.
  @discardableResult
  public func write<Result>(_ body: (inout [UInt8]) throws -> Result) rethrows -> Result {
    loop.preconditionOnLoop()
    guard beginWrite() else {
      var nowhere: [UInt8] = []
      return try body(&nowhere)
    }
    defer {
      if output.tail.count >= OutputQueue.chunkBytes { output.seal() }
      endWrite()
    }
    return try body(&output.tail)
  }

  private func beginWrite() -> Bool {
    loop.preconditionOnLoop()
    switch state {
    case .closing, .closed: return false
    case .connecting, .handshaking, .open: break
    }
    // Past the hard limit nothing more is kept; the flush at the end of this turn closes the connection.
    if shutdownWanted || outputByteCount > options.outputHardLimit { return false }
    if output.tail.capacity == 0 { output.tail = loop.buffers.take() }
    return true
  }

  private func endWrite() {
    if outputByteCount > options.outputSoftLimit {
      isOverOutputLimit = true
      chargeOutput()
    }
    wantsFlush()
  }

  func wantsFlush() {
    guard !isListedUnflushed else { return }
    isListedUnflushed = true
    loop.flushLater(self)
  }

  // MARK: Reading

  /// `received` is not called until `resumeReading`, and nothing is read from the socket. A peer that goes away
  /// meanwhile may be noticed only then.
  public func pauseReading() {
    loop.preconditionOnLoop()
    isReadingPaused = true
  }

  public func resumeReading() {
    loop.preconditionOnLoop()
    guard isReadingPaused else { return }
    isReadingPaused = false
    wantsAnotherLook()
  }

  /// By a handler in `received`: the first of the bytes that it leaves make a message of so many bytes. They are
  /// collected in one place, instead of one that grows and is copied. Forgotten at the next call.
  public func expectInput(byteCount: Int) {
    loop.preconditionOnLoop()
    expectedInput = byteCount
  }

  func wantsAnotherLook() {
    guard !isListedAgain, state != .closed else { return }
    isListedAgain = true
    loop.lookAgain(self)
  }

  // MARK: Deadlines

  /// Calls the handler's `deadlinePassed` once `delay` has passed, at most 70 ms late, never early; replaces the
  /// deadline before.
  public func setDeadline(after delay: Duration) { setDeadline(afterNanoseconds: delay.nanoseconds) }

  /// As above, for every request: a `Duration` is 128 bits wide, and dividing it costs more than all the rest.
  public func setDeadline(afterNanoseconds delay: UInt64) {
    loop.preconditionOnLoop()
    handlerDeadline = loop.nowNanoseconds &+ delay
    listInWheel()
  }

  public func clearDeadline() {
    loop.preconditionOnLoop()
    handlerDeadline = Self.never
  }

  func setOwnDeadline(after delay: Duration) {
    ownDeadline = loop.nowNanoseconds &+ delay.nanoseconds
    listInWheel()
  }

  private func listInWheel() {
    let deadline = min(handlerDeadline, ownDeadline)
    guard deadline != Self.never, token != SourceTable.noSource else { return }
    // Already listed for the tick this deadline needs, or an earlier one?
    guard listedTick > (deadline >> DeadlineWheel.tickShift) &+ 1 else { return }
    listedTick = loop.wheel.insert(token, deadline: deadline)
  }

  func wheelReached(tick: UInt64, now: UInt64) {
    // Listed again for an earlier tick since: that entry counts.
    guard tick == listedTick else { return }
    listedTick = .max
    if ownDeadline <= now {
      ownDeadline = Self.never
      ownDeadlinePassed()
    }
    if handlerDeadline <= now, state != .closed {
      handlerDeadline = Self.never
      if state == .open { handler?.deadlinePassed(on: self) }
    }
    if state != .closed { listInWheel() }
  }

  private func ownDeadlinePassed() {
    switch state {
    case .connecting, .handshaking: openFailed(.connectTimedOut(address: peerText))
    case .open: end(.stalled)
    case .closing: end(output.isEmpty && encrypted.isEmpty ? closeReason : .stalled)
    case .closed: break
    }
  }
}
