import Admin
import ClusterMap
import Foundation
import Octets
import Proto
import Synchronization
import Testing
import Threads

/// What one run of the CLI wrote and ended with.
struct Ran {
  var code: Int32
  var out: String
  var error: String
  var json: JSONValue? { JSONValue(parsing: out) }
}

/// Runs the CLI in this process.
func holdfast(_ words: String..., environment: [String: String] = [:]) async -> Ran {
  await holdfast(words, environment: environment)
}

func holdfast(_ words: [String], environment: [String: String] = [:]) async -> Ran {
  final class Texts: Sendable {
    let out = Mutex("")
    let error = Mutex("")
  }
  let texts = Texts()
  let console = Console(
    out: { text in texts.out.withLock { $0 += text } }, error: { text in texts.error.withLock { $0 += text } },
    environment: { environment[$0] }, isTerminal: false)
  let code = await Holdfast.run(words, console: console)
  return Ran(code: code, out: texts.out.withLock { $0 }, error: texts.error.withLock { $0 })
}

func temporaryDirectory() -> String {
  let path = NSTemporaryDirectory() + "/holdfast-admin-\(getpid())-\(UInt64.random(in: 0 ... .max))"
  try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  return path
}

/// A server on a free port that answers each connection by `serve`, one after the other, on a thread of its own.
final class PretendServer: Sendable {
  let address: String
  private let descriptor: Mutex<Int32?>

  init(_ serve: @escaping @Sendable (Int32) -> Void) {
    let listening = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    descriptor = Mutex(listening)
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &place) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = bind(listening, $0, length)
        _ = listen(listening, 16)
        _ = getsockname(listening, $0, &length)
      }
    }
    address = "127.0.0.1:\(UInt16(bigEndian: place.sin_port))"
    Thread.detachNewThread {
      while true {
        let connection = accept(listening, nil, nil)
        guard connection >= 0 else {
          // Only here: closed elsewhere, its number could be another server's by the next `accept`.
          close(listening)
          return
        }
        serve(connection)
        close(connection)
      }
    }
  }

  /// Again: nothing happens, because the number may be somebody else's by then.
  func stop() {
    descriptor.withLock { descriptor in
      if let open = descriptor { shutdown(open, Int32(SHUT_RDWR)) }
      descriptor = nil
    }
  }
}

private func readSome(_ descriptor: Int32, into bytes: inout [UInt8]) -> Bool {
  var buffer = [UInt8](repeating: 0, count: 65_536)
  let count = recv(descriptor, &buffer, buffer.count, 0)
  guard count > 0 else { return false }
  bytes += buffer[..<count]
  return true
}

private func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) {
  var offset = 0
  while offset < bytes.count {
    let count = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress! + offset, bytes.count - offset, 0x4000) }
    if count <= 0 { return }
    offset += count
  }
}

/// A node's admin side: answers with what a closure says and remembers what was asked.
final class PretendNode: Sendable {
  let server: PretendServer
  private let asked: Requests
  var requests: [AdminRequest] { asked.list.withLock { $0 } }
  var address: String { server.address }

  private final class Requests: Sendable {
    let list = Mutex<[AdminRequest]>([])
  }

  init(_ answer: @escaping @Sendable (AdminRequest) -> AdminReply) {
    let asked = Requests()
    self.asked = asked
    server = PretendServer { connection in
      var bytes: [UInt8] = []
      while readSome(connection, into: &bytes) {
        guard let request = Self.decode(bytes) else { continue }
        asked.list.withLock { $0.append(request) }
        var out: [UInt8] = []
        WireFrame.encode(.adminReply, into: &out) { answer(request).encode(into: &$0) }
        writeAll(connection, out)
        bytes = []
      }
    }
  }

  private static func decode(_ bytes: [UInt8]) -> AdminRequest? {
    guard let frame = try? WireFrame(header: bytes.rawSpan), let body = try? frame.body(of: bytes.rawSpan) else {
      return nil
    }
    var reader = ByteReader(body)
    return try? AdminRequest(decoding: &reader)
  }

  deinit { server.stop() }
}

/// A router's HTTP door: answers by method and path, and remembers bodies.
final class PretendRouter: Sendable {
  struct Call: Equatable, Sendable {
    var line: String
    var head: String
    var body: String
  }
  let server: PretendServer
  private let seen: Calls
  var calls: [Call] { seen.list.withLock { $0 } }
  var address: String { server.address }

  private final class Calls: Sendable {
    let list = Mutex<[Call]>([])
  }

  /// `answer`: status and body for `POST /v1/events`.
  init(_ answer: @escaping @Sendable (String) -> (Int, String)) {
    let seen = Calls()
    self.seen = seen
    server = PretendServer { connection in
      var bytes: [UInt8] = []
      while readSome(connection, into: &bytes) {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else { continue }
        let head = String(text[..<end.lowerBound])
        let wanted =
          head.components(separatedBy: "\r\n").compactMap { line in
            line.hasPrefix("Content-Length: ") ? Int(line.dropFirst(16)) : nil
          }.first ?? 0
        let body = String(text[end.upperBound...])
        guard body.utf8.count >= wanted else { continue }
        let line = head.components(separatedBy: " HTTP/1.1").first ?? ""
        seen.list.withLock { $0.append(Call(line: line, head: head, body: body)) }
        let (status, reply) = answer(line)
        // In chunks, which the CLI must understand too.
        writeAll(
          connection,
          Array(
            "HTTP/1.1 \(status) X\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
              .utf8)
            + (reply.isEmpty ? [] : Array("\(String(reply.utf8.count, radix: 16))\r\n\(reply)\r\n".utf8))
            + Array("0\r\n\r\n".utf8))
        return
      }
    }
  }

  deinit { server.stop() }
}
