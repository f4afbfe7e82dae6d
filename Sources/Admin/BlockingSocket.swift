internal import Flags
internal import Glibc
internal import Octets
internal import Proto

/// A connection of the CLI, which does one thing at a time and may wait for it: no event loop needed. Every wait has a
/// limit.
final class BlockingSocket {
  private let descriptor: Int32
  private let address: String
  private var tls: TLSClient?

  /// Connects to `host:port` or `unix:path`.
  init(_ address: String, _ transport: Transport = .plain, timeout: Duration) throws(AdminError) {
    self.address = address
    let name: String
    switch try checked({ () throws(UsageError) in try StreamAddress(address, flag: "address") }) {
    case .port(let host, let port):
      descriptor = try Self.connected(host, port, address, timeout)
      name = host
    case .unix(let path):
      descriptor = try Self.connected(path, address, timeout)
      name = "localhost"
    }
    if transport != .plain { tls = try TLSClient(descriptor, host: name, transport, address: address) }
  }

  /// - Parameter path: at most `StreamAddress.pathBytesMax` bytes.
  private static func connected(_ path: String, _ address: String, _ timeout: Duration) throws(AdminError) -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw .unreachable("\(address): \(errorText(errno))") }
    limit(descriptor, timeout)
    var raw = sockaddr_un()
    raw.sun_family = sa_family_t(AF_UNIX)
    // Safe: the path is shorter than its place, whose rest stays zero; the address is used for the call only.
    let result = unsafe withUnsafeMutablePointer(to: &raw) { raw in
      unsafe withUnsafeMutableBytes(of: &raw.pointee.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
      return unsafe raw.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else {
      let code = errno
      close(descriptor)
      throw Self.failure(code, address)
    }
    return descriptor
  }

  private static func connected(
    _ host: String, _ port: UInt16, _ address: String, _ timeout: Duration
  ) throws(AdminError) -> Int32 {
    // Safe: plain integers; the pointers in it stay nil.
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    // Safe: the list is freed below, and nothing of it is kept.
    guard unsafe getaddrinfo(host, String(port), &hints, &found) == 0 else {
      throw .unreachable("\(address): no such host")
    }
    defer { unsafe freeaddrinfo(found) }
    var next = unsafe found
    var failure = AdminError.unreachable("\(address): no address")
    while let candidate = unsafe next {
      let descriptor = unsafe socket(
        candidate.pointee.ai_family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      guard descriptor >= 0 else { throw .unreachable("\(address): \(errorText(errno))") }
      limit(descriptor, timeout)
      if unsafe connect(descriptor, candidate.pointee.ai_addr, candidate.pointee.ai_addrlen) == 0 {
        return descriptor
      }
      failure = Self.failure(errno, address)
      close(descriptor)
      // Safe: the list is still there.
      unsafe next = candidate.pointee.ai_next
    }
    throw failure
  }

  /// Why a connection could not be made. With SO_SNDTIMEO set, connect gives up after that time.
  private static func failure(_ code: Int32, _ address: String) -> AdminError {
    switch code {
    case EAGAIN, EINPROGRESS: .unreachable("\(address): no answer")
    case ECONNREFUSED, ENOENT: .gone("\(address): \(errorText(code))")
    case EACCES, EPERM: .untrusted("\(address): \(errorText(code))")
    default: .unreachable("\(address): \(errorText(code))")
    }
  }

  deinit { close(descriptor) }

  /// How long each read and write from now on may take.
  func limit(_ timeout: Duration) { Self.limit(descriptor, timeout) }

  private static func limit(_ descriptor: Int32, _ timeout: Duration) {
    let (seconds, attoseconds) = timeout.components
    var time = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
    // Safe: the pointer is to a local value of the given size, for these calls only.
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
  }

  func send(_ bytes: [UInt8]) throws(AdminError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      // Safe: the pointer is the slice's own, with its own length, for this call only.
      let count = unsafe rest.withUnsafeBytes {
        if let tls { return unsafe tls.write($0) }
        return unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else {
        if count < 0, errno == EINTR { continue }
        throw .unreachable("\(address): \(failure(count))")
      }
      rest = rest.dropFirst(count)
    }
  }

  /// Appends what has arrived, at least one byte; false at the connection's end.
  func receive(into bytes: inout [UInt8]) throws(AdminError) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      // Safe: the pointer is the buffer's own, with its own length, for this call only.
      let count = unsafe buffer.withUnsafeMutableBytes {
        if let tls { return unsafe tls.read(into: $0) }
        return unsafe recv(descriptor, $0.baseAddress, $0.count, 0)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .unreachable("\(address): \(failure(count))") }
      bytes += buffer[..<count]
      return count > 0
    }
  }

  private func failure(_ count: Int) -> String {
    errno == EAGAIN || errno == EWOULDBLOCK ? "no answer in time" : errorText(errno)
  }
}

/// What the system calls this error.
func errorText(_ code: Int32) -> String {
  // Safe: the text is copied at once, and the CLI has one thread that asks for it.
  unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
}

/// Asks a node over its admin messages.
func ask(_ address: String, _ request: AdminRequest, timeout: Duration) throws(AdminError) -> AdminReply {
  let socket = try BlockingSocket(address, timeout: min(timeout, .seconds(2)))
  socket.limit(timeout)
  var out: [UInt8] = []
  WireFrame.encode(.adminRequest, into: &out) { request.encode(into: &$0) }
  try socket.send(out)
  var bytes: [UInt8] = []
  while true {
    guard try socket.receive(into: &bytes) else {
      throw .unreachable("\(address): closed the connection without an answer")
    }
    do throws(DecodeError) {
      let frame = try WireFrame(header: bytes.rawSpan)
      guard frame.kind == .adminReply else { throw .invalid(field: "kind of answer") }
      var reader = ByteReader(try frame.body(of: bytes.rawSpan))
      return try AdminReply(decoding: &reader)
    } catch .truncated {
      continue
    } catch {
      throw .unreachable("\(address): its answer cannot be understood (\(error))")
    }
  }
}
