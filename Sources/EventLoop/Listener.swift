internal import CHoldfast
internal import Glibc
internal import Synchronization
import Threads

/// A listening socket. Bind it first (errors are thrown there), then start it on a loop or a group.
///
/// Sendable without the compiler's check: `address` never changes, `openCount` is atomic, `startedOn` has a lock, and
/// every other stored property is touched only on the loop it was started on.
public final class Listener: @unchecked Sendable {
  /// Where it listens; the port is the real one when 0 was asked for.
  public let address: Endpoint
  /// Of a UNIX socket: removed with it.
  private let file: SocketFile?
  private(set) var fd: Int32
  private let openCount = Atomic<Int>(0)
  private let startedOn = Lock<EventLoop?>(nil)

  // Its loop's thread only, once started.
  private var loop: EventLoop?
  private var token = SourceTable.noSource
  private(set) var options = ConnectionOptions()
  private(set) var limits = AcceptLimits()
  var guests = Guests()
  /// Connections over the limit that were accepted in this turn.
  private var guestsNow = 0
  /// An open descriptor that can be given away; -1: none.
  var spare: Int32 = -1
  private var targets: [EventLoop] = []
  private var nextTarget = 0
  private var accept: (@Sendable (Connection) -> (any ConnectionHandler)?)?
  private var retry: LoopTimer?

  private init(address: Endpoint, fd: Int32, file: SocketFile? = nil) {
    (self.address, self.fd, self.file) = (address, fd, file)
  }

  deinit { closeSocket() }

  private func closeSocket() {
    file?.remove()
    if fd >= 0 { _ = Glibc.close(fd) }
    if spare >= 0 { _ = Glibc.close(spare) }
    (fd, spare) = (-1, -1)
  }

  /// Listens at `host` (its first address) and `port`; 0 takes a free one. With SO_REUSEADDR, so that a restart needs
  /// not wait.
  public static func bind(host: String, port: UInt16, backlog: Int = 4_096) throws(SocketError) -> Listener {
    let wanted = try SocketAddress.resolve(host: host, port: port)[0]
    var raw = wanted.raw
    // Safe: the shim reads one address.
    let opened = unsafe chf_listen(&raw, Int32(clamping: backlog), 0)
    guard opened >= 0 else { throw SocketError(call: "listen", errno: -opened, address: wanted.description) }
    let fd = FileDescriptor(owning: opened)
    // Safe: the shim writes one address.
    let error = unsafe chf_local_address(opened, &raw)
    guard error == 0 else { throw SocketError(call: "getsockname", errno: error, address: wanted.description) }
    let found = SocketAddress(raw)
    return Listener(address: .internet(HostPort(host: found.host, port: found.port)), fd: fd.take())
  }

  /// As above, or at a file. A file that a killed process left behind is replaced; one that a process listens on, or
  /// that is no socket, is not touched. The file goes when the listener stops.
  ///
  /// - Parameter mode: the file's permissions: to connect, one must be allowed to write.
  public static func bind(
    _ address: Endpoint, backlog: Int = 4_096, mode: UInt32 = 0o660
  ) throws(SocketError) -> Listener {
    switch address {
    case .internet(let address): return try bind(host: address.host, port: address.port, backlog: backlog)
    case .unix(let path):
      let (fd, file) = try SocketFile.listen(at: path, mode: mode, backlog: backlog)
      return Listener(address: address, fd: fd, file: file)
    }
  }

  /// Accepts on `loop`; connections live on `targets` in turn (default: that loop). For each one `accept` is called on
  /// its own loop and returns its handler, or nil to refuse it; the handler then hears `opened`. What happens over the
  /// limits, `limits` says. Once only; from any thread.
  public func start(
    on loop: EventLoop, targets: [EventLoop]? = nil, options: ConnectionOptions = ConnectionOptions(),
    limits: AcceptLimits = AcceptLimits(), accept: @escaping @Sendable (Connection) -> (any ConnectionHandler)?
  ) {
    startedOn.withLock { started in
      precondition(started == nil, "a listener is started once")
      started = loop
    }
    loop.submit {
      self.loop = loop
      self.targets = targets ?? [loop]
      self.options = options
      self.limits = limits
      self.accept = accept
      guard !loop.stopping else { return }
      self.spare = chf_spare_descriptor()
      self.token = loop.sources.insert(self)
      let error = chf_epoll_add(loop.epoll.rawValue, self.fd, EpollFlags.input, self.token)
      precondition(error == 0, "cannot watch a listening socket: \(errorText(error))")
    }
  }

  /// Accepts no more; what was accepted stays. From any thread; before the loop was told to stop listening, the kernel
  /// may still have let some in, which are reset.
  public func stop() {
    startedOn.withLock { $0 }?.submit { self.loopEnds() }
  }

  /// Connections open now that came in here.
  public var openConnections: Int { openCount.load(ordering: .relaxed) }
}

extension Listener: EventSource {
  func ready(_ flags: UInt32) { acceptSome() }
  func readyAgain() { acceptSome() }

  func loopEnds() {
    guard let loop, token != SourceTable.noSource else { return }
    _ = chf_epoll_remove(loop.epoll.rawValue, fd)
    loop.sources.remove(token)
    token = SourceTable.noSource
    retry?.cancel()
    retry = nil
    accept = nil
    closeSocket()
  }

  private func acceptSome() {
    guard let loop, let accept, retry == nil else { return }
    guestsNow = 0
    for _ in 0..<64 {
      // Those who make room for the newest guests are gone by the next turn.
      if guestsNow >= limits.budget.guestsMax { break }
      var raw = chf_address()
      // Safe: the shim writes one address.
      let accepted = unsafe chf_accept(fd, &raw)
      if accepted >= 0 {
        take(accepted, from: file == nil ? SocketAddress(raw) : nil, accept)
        continue
      }
      switch -accepted {
      case EAGAIN: return
      case ECONNABORTED, EINTR, EPROTO, EPERM: continue
      default:
        note(.failed(errno: -accepted))
        if refuseNext() { continue }
        // The connection stays in the backlog, and trying again at once would only spin.
        retry = loop.schedule(after: .milliseconds(50)) { [weak self] in
          self?.retry = nil
          self?.acceptSome()
        }
        return
      }
    }
    loop.lookAgain(self)
  }

  /// - Parameter peer: nil for the other end of a UNIX socket, which has no address.
  private func take(
    _ accepted: Int32, from peer: SocketAddress?, _ accept: @escaping @Sendable (Connection) -> (any ConnectionHandler)?
  ) {
    guard let loop else { return }
    let budget = limits.budget
    var hasRoom = budget.take()
    if !hasRoom {
      note(.overLimit(budget.connectionsMax))
    } else if openCount.load(ordering: .relaxed) >= limits.connectionsMax {
      hasRoom = false
      budget.noteOverLimit()
      note(.overLimit(limits.connectionsMax))
    }
    let isGuest = !hasRoom
    if isGuest { guestsNow += 1 }
    guard hasRoom || limits.takesGuests else {
      budget.give()
      refuse(accepted)
      return
    }
    openCount.add(1, ordering: .relaxed)
    loop.counters.accepted &+= 1
    if peer != nil {
      _ = chf_no_delay(accepted)
      if options.keepAliveSeconds > 0 { _ = chf_keep_alive(accepted, Int32(clamping: options.keepAliveSeconds)) }
    }
    let hostName = peer == nil ? address.description : ""
    let target = targets[nextTarget % targets.count]
    nextTarget &+= 1
    let options = options
    let begin: @Sendable () -> Void = {
      let connection = Connection(loop: target, options: options, peer: peer, state: .handshaking)
      connection.fd = accepted
      connection.hostName = hostName
      connection.onClosed = {
        self.openCount.subtract(1, ordering: .relaxed)
        budget.give()
      }
      if isGuest { self.admit(connection, on: loop) }
      guard let handler = accept(connection) else { return connection.end(.aborted) }
      connection.handler = handler
      guard connection.attach() else { return budget.noteFailure() }
      connection.beginSession(isServer: true)
    }
    if target === loop { begin() } else { target.submit(begin) }
  }

  /// On the connection's loop.
  private func admit(_ guest: Connection, on loop: EventLoop) {
    guest.isGuest = true
    let closed = guest.onClosed
    guest.onClosed = {
      closed?()
      loop.submit { self.forget(guest) }
    }
    let guestsMax = limits.budget.guestsMax
    loop.submit {
      self.makeRoomForGuest(of: guestsMax)
      self.guests.list.append(guest)
    }
  }

  private func note(_ trouble: AcceptTrouble) {
    loop?.counters.refused &+= 1
    if case .failed = trouble { limits.budget.noteFailure() }
    limits.trouble?(trouble)
  }
}
