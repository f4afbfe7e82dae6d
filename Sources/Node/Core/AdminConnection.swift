import EventLoop
import Journal
import Octets
import Proto
import Replication

/// A connection of the CLI: requests one after the other, each with one answer.
final class AdminConnection: ConnectionHandler {
  private let node: NodeCore
  private let nodeLoop: NodeLoop
  private var isBusy = false
  private var deadline = FrameDeadline(after: .seconds(5))

  init(node: NodeCore, nodeLoop: NodeLoop) { (self.node, self.nodeLoop) = (node, nodeLoop) }

  func received(_ bytes: RawSpan, on connection: Connection) -> Int {
    // One after the other: the next is read when this one is answered.
    if isBusy { return 0 }
    do throws(DecodeError) {
      let frame = try WireFrame(header: bytes)
      guard frame.kind == .adminRequest else { throw .invalid(field: "frame kind") }
      var reader = ByteReader(try frame.body(of: bytes))
      let request = try AdminRequest(decoding: &reader)
      isBusy = true
      connection.clearDeadline()
      connection.pauseReading()
      connection.clearDeadline()
      begin(request, connection)
      return WireFrame.headerBytes + frame.bodyBytes
    } catch .truncated {
      deadline.look(consumed: 0, of: bytes.byteCount, connection)
      return 0
    } catch {
      connection.abort()
      return bytes.byteCount
    }
  }

  private func begin(_ request: AdminRequest, _ connection: Connection) {
    let (node, nodeLoop) = (node, nodeLoop)
    // The handler is told on its own loop: the box only carries it there.
    let me = HandlerBox(handler: self)
    Task {
      let reply = await node.answer(request)
      nodeLoop.loop.submit { me.handler.answer(reply, on: connection) }
    }
  }

  private func answer(_ reply: AdminReply, on connection: Connection) {
    connection.write { out in
      WireFrame.encode(.adminReply, into: &out) { reply.encode(into: &$0) }
    }
    isBusy = false
    deadline = FrameDeadline(after: .seconds(5))
    connection.setDeadline(after: .seconds(75))
    connection.resumeReading()
  }

  /// Sendable without the compiler's check: opened only on the handler's own loop.
  private struct HandlerBox: @unchecked Sendable {
    let handler: AdminConnection
  }
}
