import EventLoop
import Proto

/// A connection at the RESP door that there is no room for: it is told so.
final class RESPRefusal: ConnectionHandler {
  static let text = Array("-ERR max number of clients reached\r\n".utf8)

  func opened(_ connection: Connection) {
    connection.write(Self.text)
    connection.close()
  }

  func received(_ bytes: RawSpan, on connection: Connection) -> Int { bytes.byteCount }
}
