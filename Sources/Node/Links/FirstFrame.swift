import EventLoop
import Octets
import Proto

/// A connection that was just accepted: its first frame says who is there, and on which loop it should live.
final class FirstFrame: ConnectionHandler {
  private unowned let nodeLoop: NodeLoop
  init(nodeLoop: NodeLoop) { self.nodeLoop = nodeLoop }

  func opened(_ connection: Connection) { connection.setDeadline(after: .seconds(5)) }

  func received(_ bytes: RawSpan, on connection: Connection) -> Int {
    let node = nodeLoop.node
    do throws(DecodeError) {
      let frame = try WireFrame(header: bytes)
      switch frame.kind {
      case .routerHello, .peerHello:
        var reader = ByteReader(try frame.body(of: bytes))
        connection.clearDeadline()
        if frame.kind == .routerHello {
          let hello = try RouterHello(decoding: &reader)
          guard hello.cluster == node.cluster else { throw .invalid(field: "cluster") }
          let target = node.loops[Int(hello.loop) % node.loops.count]
          connection.handOver(to: target.loop) { _ in target.makeRouterConnection(hello) }
        } else {
          let hello = try PeerHello(decoding: &reader)
          guard hello.cluster == node.cluster else { throw .invalid(field: "cluster") }
          let target = node.loops[Int(hello.loop) % node.loops.count]
          connection.handOver(to: target.loop) { _ in target.makePeerInput(hello) }
        }
        return WireFrame.headerBytes + frame.bodyBytes
      case .adminRequest:
        // The rest of the frame has as long as its beginning.
        connection.handler = AdminConnection(node: node, nodeLoop: nodeLoop)
        return 0
      case .nodeHello, .requests, .replies, .feed, .feedFresh, .peerMessages, .adminReply:
        throw .invalid(field: "first frame")
      }
    } catch .truncated {
      return 0
    } catch {
      connection.abort()
      return bytes.byteCount
    }
  }
}
