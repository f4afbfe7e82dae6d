import EventLoop
import Glibc
import Testing

/// Sends back what it receives.
final class Echo: ConnectionHandler {
  func received(_ bytes: RawSpan, on connection: Connection) -> Int {
    connection.write(bytes)
    return bytes.byteCount
  }
}

/// A handler made of closures; what is not given takes everything and does nothing.
final class Script: ConnectionHandler {
  var onOpened: (Connection) -> Void = { _ in }
  var onReceived: (RawSpan, Connection) -> Int = { bytes, _ in bytes.byteCount }
  var onInputEnded: (Connection) -> Void = { $0.close() }
  var onDrained: (Connection) -> Void = { _ in }
  var onDeadline: (Connection) -> Void = { $0.close(reason: .deadline) }
  var onShuttingDown: (Connection) -> Void = { $0.close() }
  var onClosed: (Connection, CloseReason) -> Void = { _, _ in }

  init(_ configure: (Script) -> Void = { _ in }) { configure(self) }

  func opened(_ connection: Connection) { onOpened(connection) }
  func received(_ bytes: RawSpan, on connection: Connection) -> Int { onReceived(bytes, connection) }
  func inputEnded(on connection: Connection) { onInputEnded(connection) }
  func drained(_ connection: Connection) { onDrained(connection) }
  func deadlinePassed(on connection: Connection) { onDeadline(connection) }
  func shuttingDown(_ connection: Connection) { onShuttingDown(connection) }
  func closed(_ connection: Connection, reason: CloseReason) { onClosed(connection, reason) }
}

extension RawSpan {
  var array: [UInt8] { withUnsafeBytes { [UInt8]($0) } }
  var text: String { String(decoding: array, as: UTF8.self) }
}

/// What other threads tell a test, which waits for it.
final class Mailbox<Value: Sendable>: Sendable {
  private let stream: AsyncStream<Value>
  private let continuation: AsyncStream<Value>.Continuation

  init() { (stream, continuation) = AsyncStream.makeStream(of: Value.self) }

  func put(_ value: Value) { continuation.yield(value) }

  /// The next value; nil after ten seconds without one.
  func next() async -> Value? {
    await withTaskGroup(of: Value?.self) { group in
      group.addTask {
        var iterator = self.stream.makeAsyncIterator()
        return await iterator.next()
      }
      group.addTask {
        try? await Task.sleep(for: .seconds(10))
        return nil
      }
      let first = await group.next() ?? nil
      group.cancelAll()
      return first
    }
  }
}

/// Waits until a condition holds; false after ten seconds.
func eventually(_ condition: () async -> Bool) async -> Bool {
  for _ in 0..<5_000 {
    if await condition() { return true }
    try? await Task.sleep(for: .milliseconds(2))
  }
  return false
}

func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) } }

/// Sends `message` to a port and collects until as many bytes came back or the connection ended.
func exchange(
  _ message: [UInt8], expecting count: Int, port: UInt16, on loop: EventLoop,
  options: ConnectionOptions = ConnectionOptions()
) async -> (bytes: [UInt8], ended: CloseReason?) {
  await withCheckedContinuation { continuation in
    loop.submit {
      var bytes: [UInt8] = []
      var isDone = false
      let handler = Script {
        $0.onReceived = { span, connection in
          bytes.append(contentsOf: span.array)
          if bytes.count >= count, !isDone {
            isDone = true
            connection.close()
            continuation.resume(returning: (bytes, nil))
          }
          return span.byteCount
        }
        $0.onClosed = { _, reason in
          if !isDone { continuation.resume(returning: (bytes, reason)) }
          isDone = true
        }
      }
      loop.connect(host: "localhost", port: port, options: options, handler: handler).write(message)
    }
  }
}

/// A plain blocking socket, for peers that misbehave: closes itself.
final class RawClient: @unchecked Sendable {
  let fd: Int32

  init(port: UInt16, receiveBufferBytes: Int32? = nil) {
    fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    if var size = receiveBufferBytes { setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, 4) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    precondition(result == 0, "cannot connect: \(errorText(errno))")
    var timeout = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(fd) }

  func send(_ text: String) { _ = text.withCString { Glibc.send(fd, $0, strlen($0), Int32(MSG_NOSIGNAL)) } }
  func endOutput() { shutdown(fd, Int32(SHUT_WR)) }

  /// What comes next; empty at the end, nil after ten seconds or a reset.
  func receive(_ limit: Int = 65_536) -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: limit)
    let count = recv(fd, &buffer, limit, 0)
    return count < 0 ? nil : Array(buffer[..<count])
  }

  /// Everything up to the end; nil if that does not come.
  func receiveAll() -> [UInt8]? {
    var all: [UInt8] = []
    while let part = receive() {
      if part.isEmpty { return all }
      all += part
    }
    return nil
  }
}
