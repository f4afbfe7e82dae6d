import EventLoop
import HTTP
import Proto

/// What operators ask: is it ready, and how is it.
extension HTTPSession {
  func answerReady() {
    var unreachable: [UInt8] = []
    for shard in 0..<engine.shardCount where !engine.forwarder.isReachable(ShardID(UInt16(shard))) {
      if !unreachable.isEmpty { unreachable.append(UInt8(ascii: ",")) }
      unreachable.append(contentsOf: "\(shard)".utf8)
    }
    if unreachable.isEmpty {
      respond(200) { $0.putText("{\"status\":\"ready\"}") }
    } else {
      var problem = Problem(503, "unavailable", Bytes("No link to the primary of shard \(Bytes(unreachable))."))
      problem.retryAfter = 1
      respond(problem)
    }
  }

  func answerMetrics(_ sample: MetricsSample) {
    guard case .working = state else { return }
    respond(200, type: "text/plain; version=0.0.4; charset=utf-8") { sample.write(into: &$0) }
  }
}
