import Proto
import Replication

/// A reply that waits.
struct WaitingReply {
  var position: LogPosition
  var number: UInt64
  /// Empty: a read.
  var records: [UInt64]
  /// The furthest index that anybody had been told of when the request was read.
  var revealedBefore: UInt64
}

/// One node: what survives its process, and its process.
final class SimulatedNode {
  let index: Int
  var id: ReplicaID
  let shard: ShardID
  let config: ReplicaConfig

  // The disk.
  var log = SimulatedLog()
  var isFull = false
  var slowUntil = 0
  /// Something durable was lost on purpose, and the log was not rebuilt since.
  var damage = false
  /// What recovery says of it until a marker stands behind the unreadable stretch.
  var suspicion: Suspicion = .none
  /// The proposal that its disk notes.
  var noted: UInt64?
  /// The newest entry that its disk says named it.
  var entered: EpochNote?

  // The process.
  var replica: Replica?
  var life = 0
  var pausedUntil = 0
  /// Another took its place without its knowing: it stands still until then, whatever heals.
  var isFrozen = false
  var restartsLater = false
  /// It was told to end.
  var isEnding = false
  var waiting: [WaitingReply] = []
  var isSyncing = false
  /// Grows with each cut: what was synced before it tells nothing.
  var generation = 0
  /// What a wrong bit in memory adds to every digest.
  var memoryError: UInt64 = 0
  var cutUnderWay: UInt64?
  var snapshotOut: (session: UInt64, id: Int, frames: [SimulatedFrame])?
  var snapshotIn: [World.SnapshotPart] = []
  var isInstalling = false

  init(index: Int, id: ReplicaID, shard: ShardID, config: ReplicaConfig) {
    (self.index, self.id, self.shard, self.config) = (index, id, shard, config)
  }
}

/// What every run watches.
struct Checks {
  /// The furthest place that an answer was computed from, and the chain of all before it.
  var revealed = LogPosition.start
  /// The chain hash at each frame's end up to there.
  var lineage: [UInt64: UInt64] = [0: 0]
  var answeredBy: [UInt64: Int] = [:]
  var committedChain: [UInt64: UInt64] = [:]
  var acknowledged: Set<UInt64> = []
  var readsAnswered = 0
  /// An operator accepted a loss.
  var isGivenUp = false
  var epochsOpened = 0
}

extension World {
  /// A reply leaves.
  func reveal(_ reply: WaitingReply, by node: SimulatedNode) throws {
    guard let replica = node.replica else { return }
    if let other = checks.answeredBy[replica.epoch], other != node.index {
      throw Violation(description: "\(node.id.node) and \(nodes[other].id.node) both answer in epoch \(replica.epoch)")
    }
    checks.answeredBy[replica.epoch] = node.index
    let position = reply.position
    if position.index < reply.revealedBefore {
      throw Violation(
        description: "\(node.id.node) answered from \(position.index), but \(reply.revealedBefore) had been told before"
      )
    }
    if !reply.records.isEmpty, position.index <= reply.revealedBefore {
      throw Violation(description: "\(node.id.node) acknowledged a write at \(position.index), which is old")
    }
    if position.index > checks.revealed.index {
      guard node.log.chain(at: checks.revealed.index) == checks.revealed.chain else {
        throw Violation(
          description:
            "\(node.id.node) answers in epoch \(replica.epoch) without what was told at \(checks.revealed.index)")
      }
      let first = node.log.count(through: checks.revealed.index)
      for frame in node.log.frames[first..<node.log.count(through: position.index)] {
        checks.lineage[frame.header.lastIndex] = frame.header.chain
      }
      checks.revealed = position
    }
    guard checks.lineage[position.index] == position.chain else {
      throw Violation(description: "\(node.id.node) told something at \(position.index) that was never so")
    }
    // Promise 1: on stable storage of all that the map names, whatever the primary thinks of the map.
    try checkNamed(replica.register?.entry, position, by: node)
    try checkNamed(forgotten?.register.entry ?? register?.entry, position, by: node)
    if reply.records.isEmpty { checks.readsAnswered += 1 }
    for record in reply.records { checks.acknowledged.insert(record) }
  }

  /// Everything that was answered is durable on every replica that an entry names.
  func checkNamed(_ entry: MapEntry?, _ position: LogPosition, by node: SimulatedNode?) throws {
    guard let entry else { return }
    for named in [entry.primary, entry.follower] {
      guard let named, let place = index(of: named), nodes[place].id == named, !nodes[place].damage else { continue }
      guard nodes[place].log.isDurable(position.index, chain: position.chain) else {
        throw Violation(
          description: "\(node.map { "\($0.id.node) answered" } ?? "the map says who has it, but what was answered") "
            + "from \(position.index) is not durable on \(named.node)")
      }
    }
  }

  /// What holds after every step of a node.
  func check(_ node: SimulatedNode) throws {
    guard let replica = node.replica else { return }
    let committed = replica.committed
    // One that stood still while an operator went on without it has committed alone what nobody was told of.
    let isCurrent = replica.role == .follower || replica.role == .primary && replica.epoch == register?.entry.epoch
    if checks.isGivenUp, !isCurrent { return }
    if committed > 0, node.cutUnderWay == nil, let chain = node.log.chain(at: committed) {
      if let known = checks.committedChain[committed], known != chain {
        throw Violation(description: "\(node.id.node) committed something else at \(committed)")
      }
      checks.committedChain[committed] = chain
    }
    if replica.end != node.log.end, node.cutUnderWay == nil, !node.isInstalling {
      throw Violation(description: "\(node.id.node): the replica's end is not the log's")
    }
    if replica.role != .primary, replica.answerable != .nothing {
      throw Violation(description: "\(node.id.node) may answer although it is \(replica.role)")
    }
  }
}
