import Logging
package import Proto
package import Time

/// Gathers what a router sees of nodes and map, so that one incident is one line of its log, however many shards, links
/// and loops it concerns.
package struct NodeNews: Sendable {
  /// A line, once its time has come.
  package enum Line: Equatable, Sendable {
    case nodeLost(NodeName, reason: String, moved: Int, left: Int, took: Milliseconds)
    case nodeBack(NodeName, away: Milliseconds)
    case moved(Int, to: [NodeName], took: Milliseconds)
    case mapKnown(Int)
  }

  private struct Loss {
    var reason: String
    let at: MonotonicTime
    /// Shards of which it was primary then.
    let shards: Set<ShardID>
    var isTold = false
    var backAt: MonotonicTime?
  }

  package init() {}

  private var primaries: [ShardID: NodeName] = [:]
  private var losses: [NodeName: Loss] = [:]
  private var moved: [ShardID: NodeName] = [:]
  private var first = 0
  private var began = MonotonicTime.zero
  private var changedAt = MonotonicTime.zero

  private static let quiet: Milliseconds = 300
  private static let patience: Milliseconds = 5_000

  package mutating func linkLost(_ node: NodeName, reason: String, now: MonotonicTime) {
    if losses[node] == nil {
      losses[node] = Loss(reason: reason, at: now, shards: Set(primaries.filter { $0.value == node }.keys))
    } else {
      losses[node]?.backAt = nil
    }
    touch(now)
  }

  package mutating func linkReady(_ node: NodeName, now: MonotonicTime) {
    guard losses[node] != nil else { return }
    losses[node]?.backAt = now
    touch(now)
  }

  package mutating func mapChanged(_ shard: ShardID, primary: NodeName, now: MonotonicTime) {
    let before = primaries[shard]
    guard before != primary else { return }
    primaries[shard] = primary
    if before == nil { first += 1 } else { moved[shard] = primary }
    touch(now)
  }

  private mutating func touch(_ now: MonotonicTime) {
    if began == .zero { began = now }
    changedAt = now
  }

  /// - Parameter all: also those that could still grow: the process ends.
  package mutating func due(now: MonotonicTime, all: Bool = false) -> [Line] {
    guard began != .zero else { return [] }
    let waits = losses.contains { name, loss in
      !loss.isTold && loss.backAt == nil && loss.shards.contains { primaries[$0] == name }
    }
    guard all || now - began >= Self.patience || now - changedAt >= Self.quiet && !waits else { return [] }
    var lines: [Line] = []
    if first > 0 { lines.append(.mapKnown(first)) }
    for (name, loss) in losses.sorted(by: { $0.key < $1.key }) {
      if !loss.isTold {
        let left = loss.shards.count { primaries[$0] == name }
        for shard in loss.shards { moved[shard] = nil }
        lines.append(
          .nodeLost(
            name, reason: loss.reason, moved: loss.shards.count - left, left: left, took: changedAt - loss.at))
        losses[name]?.isTold = true
      }
      if let backAt = loss.backAt {
        lines.append(.nodeBack(name, away: backAt - loss.at))
        losses[name] = nil
      }
    }
    if !moved.isEmpty {
      lines.append(.moved(moved.count, to: Set(moved.values).sorted(), took: changedAt - began))
    }
    (first, moved, began) = (0, [:], .zero)
    return lines
  }
}

extension LogSink {
  func write(_ line: NodeNews.Line) {
    switch line {
    case .nodeLost(let node, let reason, let moved, let left, let took):
      warning("a node was lost") {
        $0.field("node", node.bytes)
        $0.field("reason", reason)
        $0.field("shards_moved", moved)
        if left > 0 { $0.field("shards_left", left) }
        $0.field("took_ms", took.rawValue)
      }
    case .nodeBack(let node, let away):
      info("a node is back") {
        $0.field("node", node.bytes)
        $0.field("away_ms", away.rawValue)
      }
    case .moved(let count, let nodes, let took):
      info("shards moved to another node") {
        $0.field("shards", count)
        $0.field("to", nodes.map(\.description).joined(separator: " "))
        $0.field("took_ms", took.rawValue)
      }
    case .mapKnown(let count): info("the map is known") { $0.field("shards", count) }
    }
  }
}
