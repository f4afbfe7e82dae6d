import EventLoop
import Flags
import HTTP
import Inventory
import Journal
import Logging
import Octets
import Proto
import ShardCore
import Time

/// A connection to the node's metrics listener: `GET /metrics` and `GET /healthz`, one after the other. For operators,
/// not for buyers: what it does not understand it refuses, and closes.
final class MetricsDoor: ConnectionHandler {
  private let node: NodeCore
  private let nodeLoop: NodeLoop
  private var parser = RequestParser()
  private var isBusy = false
  private var keepsAlive = true
  private var isVersion10 = false
  private var isHead = false

  init(node: NodeCore, nodeLoop: NodeLoop) { (self.node, self.nodeLoop) = (node, nodeLoop) }

  func opened(_ connection: Connection) { connection.setDeadline(after: .seconds(75)) }

  func received(_ bytes: RawSpan, on connection: Connection) -> Int {
    if isBusy { return 0 }
    let head: RequestHead
    do throws(HTTPError) {
      guard let parsed = try parser.parse(bytes) else { return 0 }
      head = parsed
    } catch {
      (keepsAlive, isHead) = (false, false)
      answer(error.status, "text/plain", Array("\(error.detail)\n".utf8), on: connection)
      return bytes.byteCount
    }
    (keepsAlive, isHead) = (
      head.keepsAlive && head.framing == .none && !connection.isGuest, head.method == .head
    )
    isVersion10 = !head.isVersion11
    let path = head.path.bytes(in: bytes)
    guard head.method == .get || head.method == .head, head.framing == .none else {
      keepsAlive = false
      answer(405, "text/plain", Array("Only GET and HEAD.\n".utf8), on: connection)
      return bytes.byteCount
    }
    if path.equals(Bytes("/metrics").rawSpan) {
      begin(on: connection)
    } else if path.equals(Bytes("/healthz").rawSpan) {
      let state = node.status.state
      let text = "{\"status\":\"\(state == .up ? "ok" : "\(state)")\",\"version\":\"\(Version.current)\"}"
      answer(state == .up ? 200 : 503, "application/json", Array(text.utf8), on: connection)
    } else {
      answer(404, "text/plain", Array("There are /metrics and /healthz.\n".utf8), on: connection)
    }
    return head.byteCount
  }

  private func begin(on connection: Connection) {
    isBusy = true
    connection.pauseReading()
    let (node, nodeLoop) = (node, nodeLoop)
    // The handler is told on its own loop: the box only carries it there.
    let me = HandlerBox(handler: self)
    Task {
      var text: [UInt8] = []
      await node.metrics().write(into: &text)
      let body = text
      nodeLoop.loop.submit {
        me.handler.isBusy = false
        me.handler.answer(200, "text/plain; version=0.0.4; charset=utf-8", body, on: connection)
        connection.resumeReading()
      }
    }
  }

  private func answer(_ status: Int, _ type: StaticString, _ body: [UInt8], on connection: Connection) {
    connection.setDeadline(after: .seconds(75))
    connection.write { out in
      out.putStatus(status)
      out.putHeader("Content-Type", type)
      if status == 405 { out.putHeader("Allow", "GET, HEAD") }
      if !keepsAlive || isVersion10 { out.putHeader("Connection", keepsAlive ? "keep-alive" : "close") }
      let mark = out.beginBody()
      out.append(contentsOf: body)
      out.endBody(mark, isHead: isHead)
    }
    if !keepsAlive { connection.close() }
  }

  /// Sendable without the compiler's check: opened only on the handler's own loop.
  private struct HandlerBox: @unchecked Sendable {
    let handler: MetricsDoor
  }
}

extension NodeCore {
  func metrics() async -> NodeMetrics {
    var shards: [NodeMetrics.Shard] = []
    var turnTimes = TurnTimes()
    for nodeLoop in loops {
      shards += await nodeLoop.metrics(isCoordinatorThere: isCoordinatorReachable)
      turnTimes.add(await nodeLoop.turnTimes())
    }
    shards.sort { $0.status.shard < $1.status.shard }
    var suspects = 0
    for nodeLoop in loops { suspects += await nodeLoop.suspectCount() }
    let size = journal.size
    let positions = journal.positions
    return NodeMetrics(
      state: status.state, uptime: bootTime() - startedAt, loopCount: loops.count,
      turnTimes: turnTimes, shards: shards, logBytes: size.bytes, segments: size.segments, written: positions.written,
      durable: positions.durable, isFull: writer.isFull, syncs: writer.times, start: identity.start,
      suspects: suspects, logLinesDropped: log.droppedCount,
      isCoordinatorReachable: isCoordinatorReachable)
  }
}

extension NodeLoop {
  fileprivate func turnTimes() -> TurnTimes { loop.turnTimes }

  fileprivate func metrics(isCoordinatorThere: Bool) -> [NodeMetrics.Shard] {
    let now = bootTime()
    return shardList.map { shard in
      shard.assumeIsolated { shard in
        shard.look { machine in
          NodeMetrics.Shard(
            status: machine.status(digestAtMost: nil, now: now, isCoordinatorThere: isCoordinatorThere),
            stats: machine.inventory.stats)
        }
      }
    }
  }
}
