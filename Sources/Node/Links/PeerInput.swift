import EventLoop
import Logging
import Octets
import Proto

/// A connection that another node opened: what its replicas say to those of this node.
///
/// Sendable without the compiler's check, so that its loop's actor can hold it: only that loop's thread touches it.
final class PeerInput: ConnectionHandler, @unchecked Sendable {
  private let sender: ReplicaID
  /// The sender's start.
  let start: UInt64
  private unowned let nodeLoop: NodeLoop
  private var connection: Connection?
  private var frames = PeerFrames()
  private var deadline = FrameDeadline(after: .seconds(30))

  init(_ hello: PeerHello, nodeLoop: NodeLoop) {
    (sender, start, self.nodeLoop) = (hello.sender, hello.start, nodeLoop)
  }

  func opened(_ connection: Connection) {
    self.connection = connection
    guard nodeLoop.node.met(sender.node, start: start) else {
      nodeLoop.node.log.warning("a process that was replaced still speaks as a node") {
        $0.field("node", sender.node.description)
        $0.field("start", start)
      }
      return connection.abort()
    }
    nodeLoop.assumeIsolated { $0.add(self, from: sender) }
    connection.write { out in
      nodeLoop.assumeIsolated { $0.writePeerHello(into: &out) }
    }
  }

  func received(_ bytes: RawSpan, on connection: Connection) -> Int {
    var consumed = 0
    var left = PeerFrames.messagesMax
    // All of it, as the connection collected it: what is large is kept instead of copied.
    let collected = connection.collectedInput
    do throws(DecodeError) {
      try frames.take(bytes, &left, consumed: &consumed) { item, end in
        let (shard, message, payload, sender) = (item.shard, item.message, item.payload, sender)
        // The last word of an earlier process, read late: the next one is up.
        if case .resign = message, !nodeLoop.node.met(sender.node, start: start) { return }
        // The payload is the end of what was taken.
        let kept = collected?.prefix(end).suffix(payload.byteCount)
        nodeLoop.assumeIsolated { $0.receive(message, payload: payload, kept: kept, for: shard, from: sender) }
      }
      if left == 0, consumed < bytes.byteCount {
        connection.pauseReading()
        nodeLoop.assumeIsolated { $0.pause(self) }
      }
    } catch .truncated(let missing, _) {
      connection.expectInput(byteCount: WireFrame.headerBytes + missing)
      deadline.look(consumed: consumed, of: bytes.byteCount, connection)
      return consumed
    } catch {
      nodeLoop.node.log.warning("a peer's message cannot be read") {
        $0.field("peer", sender.node.description)
        $0.field("error", "\(error)")
      }
      connection.abort()
      return bytes.byteCount
    }
    deadline.look(consumed: consumed, of: bytes.byteCount, connection)
    return consumed
  }

  func deadlinePassed(on connection: Connection) { deadline.passed(connection) }

  func closed(_ connection: Connection, reason: CloseReason) {
    self.connection = nil
    nodeLoop.assumeIsolated { $0.remove(self, from: sender) }
  }

  /// A turn has ended.
  func goOn() { connection?.resumeReading() }

  func drop() { connection?.abort() }
}
