internal import CHoldfast

/// What moves to another loop.
///
/// Sendable without the compiler's check: it is made by one loop, which has let go of the socket and the TLS session
/// before it submits it, and is taken apart once by the other.
private struct MovingConnection: @unchecked Sendable {
  let fd: Int32
  let peer: SocketAddress?
  let hostName: String
  let options: ConnectionOptions
  let tls: TLSSession?
  let rest: [UInt8]
  let output: OutputQueue
  let encrypted: OutputQueue
  let inputEnded: Bool
  let endUntold: Bool
  let onClosed: (@Sendable () -> Void)?
}

extension Connection {
  /// Moves the socket to `target`, with what was received and not consumed and what was written and not sent. There
  /// `makeHandler` is called with the new connection, then the handler's `opened`, then `received` with the rest. This
  /// connection ends, once no handler is running, with `closed(.handedOver)`. Inside `received`: return what was
  /// consumed as always.
  public func handOver(to target: EventLoop, _ makeHandler: @escaping @Sendable (Connection) -> any ConnectionHandler) {
    loop.preconditionOnLoop()
    guard state == .open else { return }
    handOver = { connection in connection.move(to: target, makeHandler) }
    if !isDelivering { wantsAnotherLook() }
  }

  func moveIfWanted() -> Bool {
    guard let move = handOver, state == .open else { return false }
    handOver = nil
    move(self)
    return true
  }

  private func move(to target: EventLoop, _ makeHandler: @escaping @Sendable (Connection) -> any ConnectionHandler) {
    detach()
    let moving = MovingConnection(
      fd: fd, peer: peer, hostName: hostName, options: options, tls: tls, rest: rest, output: output,
      encrypted: encrypted,
      inputEnded: inputEnded, endUntold: endUntold, onClosed: onClosed)
    onClosed = nil
    finish(.handedOver)
    target.submit { Connection.arrive(moving, on: target, makeHandler) }
  }

  private static func arrive(
    _ moving: MovingConnection, on loop: EventLoop, _ makeHandler: (Connection) -> any ConnectionHandler
  ) {
    let connection = Connection(loop: loop, options: moving.options, peer: moving.peer, state: .open)
    connection.fd = moving.fd
    connection.hostName = moving.hostName
    connection.tls = moving.tls
    connection.rest = moving.rest
    connection.output = moving.output
    connection.encrypted = moving.encrypted
    connection.inputEnded = moving.inputEnded
    connection.endUntold = moving.endUntold
    connection.onClosed = moving.onClosed
    connection.handler = makeHandler(connection)
    guard connection.attach() else { return }
    connection.chargeInput()
    connection.chargeOutput()
    connection.handler?.opened(connection)
    connection.wantsAnotherLook()
    connection.wantsFlush()
  }

  /// Lets the loop watch the socket. False: it could not, and the connection has ended.
  func attach() -> Bool {
    if loop.stopping {
      end(.loopStopped)
      return false
    }
    token = loop.sources.insert(self)
    let flags = EpollFlags.input | EpollFlags.output | EpollFlags.peerEnded
    let error = chf_epoll_add(loop.epoll.rawValue, fd, flags, token)
    guard error == 0 else {
      end(.broken(SocketError(call: "epoll_ctl", errno: error, address: peerText)))
      return false
    }
    return true
  }
}
