import EventLoop
import Testing

/// Sends back what it receives.
final class Echo: ConnectionHandler {
  func received(_ bytes: RawSpan, on connection: Connection) -> Int {
    connection.write(bytes)
    return bytes.byteCount
  }
}

/// Collects what it receives until there is enough of it, or the connection ends.
final class Collector: ConnectionHandler {
  var bytes: [UInt8] = []
  let wanted: Int
  let done: @Sendable ([UInt8], CloseReason?) -> Void
  var isDone = false

  init(wanted: Int, done: @escaping @Sendable ([UInt8], CloseReason?) -> Void) {
    (self.wanted, self.done) = (wanted, done)
  }

  func received(_ span: RawSpan, on connection: Connection) -> Int {
    span.withUnsafeBytes { bytes.append(contentsOf: $0) }
    if bytes.count >= wanted, !isDone {
      isDone = true
      done(bytes, nil)
    }
    return span.byteCount
  }

  func closed(_ connection: Connection, reason: CloseReason) {
    if !isDone {
      isDone = true
      done(bytes, reason)
    }
  }
}

@Test func echoOverARealSocket() async throws {
  let group = try LoopGroup(count: 2)
  defer { group.stop() }
  let listener = try Listener.bind(host: "127.0.0.1", port: 0)
  listener.start(on: group[0]) { _ in Echo() }
  let message = [UInt8]((0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
  let port = listener.address.port
  let (bytes, reason) = await withCheckedContinuation { continuation in
    group[1].submit {
      let connection = group[1].connect(
        host: "localhost", port: port,
        handler: Collector(wanted: message.count) { continuation.resume(returning: ($0, $1)) })
      connection.write(message)
    }
  }
  #expect(bytes == message)
  #expect(reason == nil)
}
