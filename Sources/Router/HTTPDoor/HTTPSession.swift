import EventLoop
import Proto

final class HTTPSession: ConnectionHandler {
  init(loop: RouterLoop, connection: Connection) {}
  func received(_ bytes: RawSpan, on connection: Connection) -> Int { 0 }
}
