import Octets
package import Proto
import Time

/// Asks every shard something small, to see which primaries decide at this moment.
final class Probe {
  private var left: Int
  private var silent: [ShardID] = []
  /// Told once, on the engine's loop: the shards that did not answer.
  private let done: ([ShardID]) -> Void

  init(shardCount: Int, done: @escaping ([ShardID]) -> Void) { (left, self.done) = (shardCount, done) }

  func answered(_ shard: ShardID, _ isAlive: Bool) {
    if !isAlive { silent.append(shard) }
    left -= 1
    if left == 0 { done(silent.sorted()) }
  }
}

extension Engine {
  /// How long a primary may take to answer a probe.
  static var probePatience: Milliseconds { 1_000 }

  /// Reads from every shard, as strongly as any read: an answer shows a primary whose epoch is open and whose follower,
  /// if it has one, acknowledges. A link alone shows none of that: a node that still reads its log has one too.
  package func probe(_ done: @escaping ([ShardID]) -> Void) {
    let probe = Probe(shardCount: shardCount, done: done)
    for number in 0..<shardCount {
      let shard = ShardID(UInt16(number))
      // No event has an empty id, so that this costs the shard one look-up.
      let isTaken = submit(
        .event(id: ""), to: shard, .probe(probe, shard),
        deadline: now + min(Self.probePatience, forwarder.limits.deadline))
      if !isTaken { probe.answered(shard, false) }
    }
  }

  func probed(_ probe: Probe, _ shard: ShardID, _ result: Completion.Result) {
    if case .answer = result { probe.answered(shard, true) } else { probe.answered(shard, false) }
  }
}
