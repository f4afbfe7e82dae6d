import EventLoop
import HTTP
import Octets
import Proto
import RESP
import RouterCore

/// What operators ask: is it ready, and how is it.
extension HTTPSession {
  /// Ready: each shard's primary answers, now. Where there is not even a link to it, that is said at once.
  func answerReady() {
    if let absence = loop.absence { return respond(.busy(absence.reason)) }
    let unlinked = (0..<engine.shardCount).map { ShardID(UInt16($0)) }.filter { !engine.forwarder.isReachable($0) }
    if !unlinked.isEmpty { return answerReady("No link to the primary of shard ", unlinked) }
    engine.probe { [self] silent in
      guard case .working = state else { return }
      answerReady("No answer from the primary of shard ", silent)
    }
  }

  private func answerReady(_ what: StaticString, _ missing: [ShardID]) {
    let hasCoordinator = loop.context.isCoordinatorReachable
    guard !missing.isEmpty else {
      return respond(200) {
        $0.putText("{\"status\":\"ready\"")
        // Sales go on without it, so that this is no reason to send buyers elsewhere.
        if !hasCoordinator { $0.putText(",\"coordinator\":\"unreachable\"") }
        $0.putText("}")
      }
    }
    let numbers = missing.map { "\($0.rawValue)" }.joined(separator: ",")
    var problem = Problem(
      503, "unavailable", Bytes("\(what)\(numbers).\(hasCoordinator ? "" : " The coordinator cannot be reached.")"))
    problem.retryAfter = 1
    respond(problem)
  }

  func answerMetrics(_ sample: MetricsSample) {
    guard case .working = state else { return }
    respond(200, type: "text/plain; version=0.0.4; charset=utf-8") { sample.write(into: &$0) }
  }
}
