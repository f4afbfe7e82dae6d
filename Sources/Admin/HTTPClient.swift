internal import ClusterMap
internal import HTTP
internal import Octets

/// A router's answer.
struct HTTPAnswer {
  var status: Int
  var body: [UInt8]
  /// nil: it is no JSON.
  var json: JSONValue? { JSONValue(parsing: body) }
}

/// One call of a router's HTTP API, on a connection of its own.
func call(
  _ method: String, _ path: String, at address: String, _ transport: Transport = .plain, body: [UInt8]? = nil,
  headers: [(String, String)] = [],
  timeout: Duration = .seconds(30)
) throws(AdminError) -> HTTPAnswer {
  let socket = try BlockingSocket(address, transport, timeout: min(timeout, .seconds(2)))
  socket.limit(timeout)
  // A file has no host's name.
  let host = address.hasPrefix("unix:") ? "localhost" : address
  var head = "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\nUser-Agent: holdfast\r\n"
  for (name, value) in headers { head += "\(name): \(value)\r\n" }
  if let body { head += "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n" }
  try socket.send(Array((head + "\r\n").utf8) + (body ?? []))
  return try answer(from: socket, address)
}

private func answer(from socket: BlockingSocket, _ address: String) throws(AdminError) -> HTTPAnswer {
  var bytes: [UInt8] = []
  var parser = ResponseParser()
  var head: ResponseHead?
  while true {
    let more = try socket.receive(into: &bytes)
    do throws(HTTPError) {
      while head == nil, let next = try parser.parse(bytes.rawSpan) {
        bytes.removeFirst(next.byteCount)
        if !next.isInterim { head = next }
      }
      if let head, let body = try whole(head.framing, bytes, ended: !more) {
        return HTTPAnswer(status: head.status, body: body)
      }
    } catch {
      throw .unreachable("\(address): its answer cannot be understood (\(error))")
    }
    guard more else { throw .unreachable("\(address): closed the connection within its answer") }
  }
}

/// The body once it is all there.
private func whole(_ framing: BodyFraming, _ bytes: [UInt8], ended: Bool) throws(HTTPError) -> [UInt8]? {
  var decoder = try BodyDecoder(framing, bytesMax: 1 << 30)
  var body: [UInt8] = []
  _ = try decoder.decode(bytes.rawSpan, into: &body)
  return decoder.isComplete || ended && decoder.mayEndHere ? body : nil
}

/// Text in a URL's path or query: everything but unreserved characters as %XX.
func percentEncoded(_ text: String) -> String {
  text.utf8.map { byte in
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: return String(Unicode.Scalar(byte))
    default: return "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }
  }.joined()
}
