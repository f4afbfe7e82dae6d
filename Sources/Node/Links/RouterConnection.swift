import EventLoop
import Logging
import Octets
import Proto
import ShardCore

/// A router's connection to one loop: batches of requests in, replies and feeds out.
///
/// Sendable without the compiler's check, so that its loop's actor can hold it: only that loop's thread touches it.
final class RouterConnection: ConnectionHandler, @unchecked Sendable {
  let id: ConnectionID
  let hello: RouterHello
  private unowned let nodeLoop: NodeLoop
  private var connection: Connection?
  /// A newer connection of the same router was met: nothing more is read here.
  private var isSuperseded = false
  private var deadline = FrameDeadline(after: .seconds(30))

  init(_ id: ConnectionID, hello: RouterHello, nodeLoop: NodeLoop) {
    (self.id, self.hello, self.nodeLoop) = (id, hello, nodeLoop)
  }

  func opened(_ connection: Connection) {
    self.connection = connection
    let isNewest = nodeLoop.assumeIsolated { $0.add(self) }
    guard isNewest else { return connection.abort() }
    connection.write { out in
      nodeLoop.assumeIsolated { $0.writeNodeHello(into: &out) }
    }
  }

  func received(_ bytes: RawSpan, on connection: Connection) -> Int {
    var consumed = 0
    do throws(DecodeError) {
      while consumed < bytes.byteCount, !isSuperseded, !connection.isOverOutputLimit {
        if nodeLoop.assumeIsolated({ $0.isBehind }) {
          // What was read does not fit the loop's turns: what follows waits in the socket, and its sender with it.
          connection.pauseReading()
          nodeLoop.assumeIsolated { $0.pause(self) }
          break
        }
        let rest = bytes.extracting(consumed..<bytes.byteCount)
        let frame = try WireFrame(header: rest)
        guard frame.kind == .requests else { throw .invalid(field: "frame kind") }
        let body = try frame.body(of: rest)
        let (id, shard) = (id, frame.shard)
        let kept = connection.collectedInput?.dropFirst(consumed + WireFrame.headerBytes).prefix(frame.bodyBytes)
        if let error = nodeLoop.assumeIsolated({ $0.requests(body, kept: kept, for: shard, from: id) }) { throw error }
        consumed += WireFrame.headerBytes + frame.bodyBytes
      }
    } catch .truncated(let missing, _) {
      connection.expectInput(byteCount: WireFrame.headerBytes + missing)
      deadline.look(consumed: consumed, of: bytes.byteCount, connection)
      return consumed
    } catch {
      nodeLoop.node.log.warning("a router's request cannot be read") {
        $0.field("peer", connection.peerText)
        $0.field("error", "\(error)")
      }
      connection.close()
      return bytes.byteCount
    }
    deadline.look(consumed: consumed, of: bytes.byteCount, connection)
    return isSuperseded ? bytes.byteCount : consumed
  }

  func deadlinePassed(on connection: Connection) { deadline.passed(connection) }

  /// What was read is worked off.
  func goOn() { connection?.resumeReading() }

  /// Bytes that the router has not taken.
  var outputByteCount: Int { connection?.outputByteCount ?? 0 }

  /// A newer connection of this router came: what waits is still answered here, nothing more is read.
  func supersede() {
    isSuperseded = true
    connection?.close()
  }

  /// - Parameter tail: the end of the frame, if it stands in another array.
  func write(_ frame: [UInt8], tail: [UInt8] = []) {
    connection?.write(frame)
    if !tail.isEmpty { connection?.write(tail) }
  }

  func closed(_ connection: Connection, reason: CloseReason) {
    self.connection = nil
    nodeLoop.assumeIsolated { $0.remove(self) }
  }
}
