import EventLoop
import Glibc
import Testing

@Suite struct AddressTests {
  @Test func hostsAndPortsAreReadAndWritten() throws {
    for text in ["127.0.0.1:7501", "[::1]:80", "localhost:0", "node-a.example:65535"] {
      #expect(try HostPort(text).description == text)
    }
    for text in ["", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:80", ":80", "[]:80"] {
      #expect(throws: SocketError.malformedAddress(text)) { try HostPort(text) }
    }
  }

  @Test func addressesHaveText() throws {
    #expect(try SocketAddress.resolve(host: "::1", port: 9).map(\.description) == ["[::1]:9"])
    #expect(try SocketAddress.resolve(host: "10.1.2.3", port: 9).map(\.description) == ["10.1.2.3:9"])
    #expect(try SocketAddress.resolve(host: "localhost", port: 9).map(\.description) == ["127.0.0.1:9", "[::1]:9"])
    #expect(throws: SocketError.self) { try SocketAddress.resolve(host: "no such host", port: 9) }
  }

  @Test func aTakenPortIsNamed() throws {
    let listener = try Listener.bind(host: "127.0.0.1", port: 0)
    let port = listener.address.port
    #expect(port != 0)
    #expect(throws: SocketError.addressInUse(address: "127.0.0.1:\(port)")) {
      try Listener.bind(host: "127.0.0.1", port: port)
    }
    #expect(throws: SocketError.addressNotAvailable(address: "203.0.113.7:0")) {
      try Listener.bind(host: "203.0.113.7", port: 0)
    }
  }

  @Test func aStoppedListenersPortIsFree() async throws {
    let group = try LoopGroup(count: 1)
    defer { group.stop() }
    let listener = try Listener.bind(host: "127.0.0.1", port: 0)
    listener.start(on: group[0]) { _ in Echo() }
    listener.stop()
    await group[0].perform {}
    _ = try Listener.bind(host: "127.0.0.1", port: listener.address.port)
  }

  private func connectFailure(
    host: String, port: UInt16, openTimeout: Duration = .seconds(10)
  ) async throws -> CloseReason? {
    let group = try LoopGroup(count: 1)
    defer { group.stop() }
    let loop = group[0]
    let ends = Mailbox<CloseReason>()
    await loop.perform {
      var options = ConnectionOptions()
      options.openTimeout = openTimeout
      loop.connect(
        host: host, port: port, options: options,
        handler: Script {
          $0.onOpened = { _ in Issue.record("opened") }
          $0.onClosed = { ends.put($1) }
        })
    }
    return await ends.next()
  }

  @Test func nobodyListens() async throws {
    var free: Listener? = try Listener.bind(host: "127.0.0.1", port: 0)
    let port = free!.address.port
    free = nil
    #expect(
      try await connectFailure(host: "127.0.0.1", port: port)
        == .connectFailed(.connectionRefused(address: "127.0.0.1:\(port)")))
  }

  @Test func nobodyKnowsTheName() async throws {
    let reason = try await connectFailure(host: "no such host", port: 80)
    guard case .connectFailed(.nameNotFound("no such host", _)) = reason else {
      Issue.record("\(reason as Any)")
      return
    }
  }

  /// A listener whose backlog is full answers nobody.
  @Test func nobodyAnswers() async throws {
    let listener = try Listener.bind(host: "127.0.0.1", port: 0, backlog: 0)
    let address = listener.address
    let client = RawClient(port: address.port)
    let reason = try await connectFailure(host: "127.0.0.1", port: address.port, openTimeout: .milliseconds(100))
    // The second one may still fit in; then the handshake of TCP is done and `opened` has recorded the issue.
    #expect(reason == .connectFailed(.connectTimedOut(address: address.description)))
    withExtendedLifetime(client) {}
  }

  @Test(.enabled("this machine has no IPv6") { (try? Listener.bind(host: "::1", port: 0)) != nil })
  func ipv6() async throws {
    let group = try LoopGroup(count: 1)
    defer { group.stop() }
    // A port that nobody else of this machine listens on at 127.0.0.1, kept so by a socket that does not listen either.
    var listener = try Listener.bind(host: "::1", port: 0)
    let keeper = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(keeper) }
    for _ in 0..<50 {
      if bindsAtLoopback(keeper, listener.address.port) { break }
      listener.stop()
      listener = try Listener.bind(host: "::1", port: 0)
    }
    listener.start(on: group[0]) { _ in Echo() }
    // `localhost` is tried at 127.0.0.1 first, where nobody listens, then at ::1.
    let (bytes, _) = await exchange([1, 2, 3], expecting: 3, port: listener.address.port, on: group[0])
    #expect(bytes == [1, 2, 3])
  }

  private func bindsAtLoopback(_ socket: Int32, _ port: UInt16) -> Bool {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }
}
