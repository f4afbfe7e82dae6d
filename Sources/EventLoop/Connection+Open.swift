internal import CHoldfast
internal import Glibc
import Threads

extension EventLoop {
  /// Begins to connect; the connection is returned at once and may be written to. The handler hears `opened`, or
  /// `closed` with `.connectFailed`; neither before this returns. Numeric hosts and `localhost` (IPv4, then IPv6) are
  /// tried at once; for other names a thread asks the resolver. On the loop's thread.
  @discardableResult
  public func connect(
    host: String, port: UInt16, options: ConnectionOptions = ConnectionOptions(), handler: any ConnectionHandler
  ) -> Connection {
    preconditionOnLoop()
    let connection = Connection(loop: self, options: options, peer: nil, state: .connecting)
    connection.handler = handler
    connection.hostName = HostPort(host: host, port: port).description
    connection.tlsName = options.tlsServerName ?? host
    connection.token = sources.insert(connection)
    connection.setOwnDeadline(after: options.openTimeout)
    if let addresses = SocketAddress.resolveImmediately(host: host, port: port) {
      submit { connection.tryAddresses(.success(addresses)) }
    } else {
      connection.askResolver(host: host, port: port)
    }
    return connection
  }

  /// As above, for an address as flags and the map spell it.
  @discardableResult
  public func connect(
    to address: HostPort, options: ConnectionOptions = ConnectionOptions(), handler: any ConnectionHandler
  ) -> Connection {
    connect(host: address.host, port: address.port, options: options, handler: handler)
  }
}

extension EventLoop {
  /// As above, for an address or a file of this machine.
  @discardableResult
  public func connect(
    to endpoint: Endpoint, options: ConnectionOptions = ConnectionOptions(), handler: any ConnectionHandler
  ) -> Connection {
    switch endpoint {
    case .internet(let address): return connect(to: address, options: options, handler: handler)
    case .unix(let path):
      preconditionOnLoop()
      let connection = Connection(loop: self, options: options, peer: nil, state: .connecting)
      connection.handler = handler
      connection.hostName = endpoint.description
      connection.tlsName = options.tlsServerName ?? "localhost"
      connection.token = sources.insert(connection)
      submit { connection.tryFile(path) }
      return connection
    }
  }
}

extension Connection {
  /// A UNIX socket is connected at once or not at all.
  fileprivate func tryFile(_ path: String) {
    guard state == .connecting else { return }
    // Safe: Swift lends the path for the call only.
    let opened = unsafe chf_connect_unix(path)
    guard opened >= 0 else { return openFailed(SocketError(call: "connect", errno: -opened, address: peerText)) }
    fd = opened
    let flags = EpollFlags.input | EpollFlags.output | EpollFlags.peerEnded
    let error = chf_epoll_add(loop.epoll.rawValue, fd, flags, token)
    guard error == 0 else { return openFailed(SocketError(call: "epoll_ctl", errno: error, address: peerText)) }
    beginSession(isServer: false)
  }

  fileprivate func askResolver(host: String, port: UInt16) {
    let loop = loop
    do throws(Thread.Failure) {
      try Thread(name: "resolver") {
        let result = Result { () throws(SocketError) in try SocketAddress.resolve(host: host, port: port) }
        loop.submit { self.tryAddresses(result) }
      }.detach()
    } catch {
      let failure = SocketError(call: "pthread_create", errno: error.errno, address: peerText)
      loop.submit { self.tryAddresses(.failure(failure)) }
    }
  }

  fileprivate func tryAddresses(_ result: Result<[SocketAddress], SocketError>) {
    guard state == .connecting else { return }
    switch result {
    case .success(let addresses):
      candidates = addresses
      tryNextAddress()
    case .failure(let error):
      openFailed(error)
    }
  }

  private func tryNextAddress() {
    while !candidates.isEmpty {
      let address = candidates.removeFirst()
      peer = address
      var raw = address.raw
      var inProgress: Int32 = 0
      // Safe: the shim reads one address and writes one flag.
      let opened = unsafe chf_connect(&raw, &inProgress)
      guard opened >= 0 else {
        lastError = SocketError(call: "connect", errno: -opened, address: address.description)
        if [EMFILE, ENFILE, ENOMEM, ENOBUFS].contains(-opened) { DescriptorBudget.process.noteFailure() }
        continue
      }
      fd = opened
      let flags = EpollFlags.input | EpollFlags.output | EpollFlags.peerEnded
      let error = chf_epoll_add(loop.epoll.rawValue, fd, flags, token)
      guard error == 0 else { return openFailed(SocketError(call: "epoll_ctl", errno: error, address: peerText)) }
      if inProgress == 0 { connected() }
      return
    }
    openFailed(lastError ?? .nameNotFound(host: hostName, detail: "no address"))
  }

  /// epoll says that the attempt has ended.
  func connectDone() {
    let error = chf_socket_error(fd)
    if error == 0 { return connected() }
    lastError = SocketError(call: "connect", errno: error, address: peerText)
    _ = chf_epoll_remove(loop.epoll.rawValue, fd)
    _ = Glibc.close(fd)
    fd = -1
    sawHangUp = false
    tryNextAddress()
  }

  private func connected() {
    _ = chf_no_delay(fd)
    beginSession(isServer: false)
  }

  /// The socket is connected: straight to the handler, or into the TLS handshake.
  func beginSession(isServer: Bool) {
    guard let context = options.tls else { return didOpen() }
    do {
      tls = try TLSSession(context, isServer: isServer, serverName: isServer ? nil : tlsName)
      state = .handshaking
      if ownDeadline == Self.never { setOwnDeadline(after: options.openTimeout) }
      continueHandshake()
    } catch {
      openFailed(error)
    }
  }

  func didOpen() {
    state = .open
    ownDeadline = Self.never
    handler?.opened(self)
    if !output.isEmpty { wantsFlush() }
  }

  func openFailed(_ error: SocketError) { end(.connectFailed(error)) }
}
