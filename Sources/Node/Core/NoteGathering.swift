import Logging
package import Proto
package import Replication
package import Time

/// Gathers what a node's replicas note, so that one incident is one line of the log, however many shards it concerns.
///
/// Changes of roles are told together, once they are settled: why they began, what became of how many shards, and how
/// long it took. Any other note that several shards make at about the same time is told once, with their number.
package struct NoteGathering: Sendable {
  /// What a replica was said to be last.
  private enum Role: Equatable {
    case primary(follower: NodeName?)
    case follower
    case joining
    case unknown
  }

  /// Why roles change.
  private enum Cause: Equatable {
    case map
    case ended(NodeName)
    case silent(NodeName, Milliseconds)
    case gaveUp(NodeName, String)
    case declaredDead(NodeName)
    case planned
    case diskSlow(Milliseconds)
    case diskFull

    /// Why a shard has one copy, as `holdfast status` says it; nil: that says nothing.
    func sentence(at wall: Stamp) -> String? {
      let time = Timestamp.text(wall).dropFirst(11).prefix(8)
      switch self {
      case .map, .planned: return nil
      case .silent(let node, let length):
        return "\(node) has been silent since \(Timestamp.text(wall - length).dropFirst(11).prefix(8)) UTC"
      case .gaveUp(let node, let why): return "\(node) gave up at \(time) UTC: \(why)"
      case .ended(let node): return "\(node) has ended at \(time) UTC"
      case .declaredDead(let node): return "\(node) was declared dead at \(time) UTC"
      case .diskSlow: return "the other disk was too slow at \(time) UTC"
      case .diskFull: return "the other disk was full at \(time) UTC"
      }
    }

    /// The same incident, whatever its numbers.
    var key: String {
      switch self {
      case .map: "map"
      case .silent(let node, _): "silent \(node)"
      case .gaveUp(let node, _): "gave up \(node)"
      case .ended(let node): "ended \(node)"
      case .declaredDead(let node): "dead \(node)"
      case .planned: "planned"
      case .diskSlow: "slow"
      case .diskFull: "full"
      }
    }
  }

  private struct Incident {
    var cause = Cause.map
    let began: MonotonicTime
    var changedAt: MonotonicTime
    /// What each replica that it concerns was before.
    var before: [ShardID: Role] = [:]
    /// Replicas whose role is not settled.
    var pending: Set<ShardID> = []
  }

  private struct Gathered {
    var line: NoteLine
    var shards: Set<ShardID>
    let began: MonotonicTime
    var changedAt: MonotonicTime
  }

  private var roles: [ShardID: Role] = [:]
  /// Why a primary has no follower, if that is known.
  private var alone: [ShardID: String] = [:]
  private var incident: Incident?
  private var others: [Gathered] = []
  /// The incident that was said last to be unsettled, and when.
  private var unsettled: (key: String, at: MonotonicTime)?

  /// What is quiet for so long is over.
  private static let quiet: Milliseconds = 200
  /// So long at most a line is kept back.
  private static let patience: Milliseconds = 5_000
  private static let othersPatience: Milliseconds = 1_000
  /// The same incident that does not get on is told again after so long.
  private static let again: Milliseconds = 60_000

  package init() {}

  /// - Parameters:
  ///   - why: why a replica of this node is suspect, for people.
  ///   - wall: the time of day.
  package mutating func take(
    _ note: Note, of shard: ShardID, now: MonotonicTime, wall: Stamp, why: (Suspicion) -> String
  ) {
    switch note {
    case .peerSilent(let peer, let length): touch(shard, now, cause: .silent(peer.node, length))
    case .peerGaveUp(let peer, let reason):
      touch(shard, now, cause: .gaveUp(peer.node, reason?.sentence ?? "it can do nothing more"))
    case .peerEnded(let peer): touch(shard, now, cause: .ended(peer.node))
    case .peerDeclaredDead(let peer): touch(shard, now, cause: .declaredDead(peer.node))
    case .ownDiskSlow(let length): touch(shard, now, cause: .diskSlow(length))
    case .ownDiskFull: touch(shard, now, cause: .diskFull)
    case .drainStarted: touch(shard, now, cause: .planned, isPending: true)
    case .proposed: touch(shard, now, isPending: true)
    case .becamePrimary(_, let follower):
      change(shard, to: .primary(follower: follower?.node), now, wall, isPending: true)
    case .epochOpened, .proposalLost: touch(shard, now, isPending: false)
    case .becameFollower: change(shard, to: .follower, now, wall)
    case .joining: change(shard, to: .joining, now, wall)
    // The whole node halts, and says so itself.
    case .halted: break
    case .drainGivenUp:
      touch(shard, now, isPending: false)
      gather(NoteLine(note, why: why), of: shard, now: now)
    case .tailCut, .suspectCleared, .suspectWaits, .lossAccepted, .mapIsOlder, .digestDiffers, .otherDisk,
      .lostAcknowledged:
      gather(NoteLine(note, why: why), of: shard, now: now)
    }
  }

  /// A line that other shards may want to say too.
  package mutating func gather(_ line: NoteLine, of shard: ShardID, now: MonotonicTime) {
    let place = others.firstIndex { $0.line.sentence.description == line.sentence.description }
    if let place {
      others[place].shards.insert(shard)
      others[place].changedAt = now
    } else {
      others.append(Gathered(line: line, shards: [shard], began: now, changedAt: now))
    }
  }

  private mutating func touch(_ shard: ShardID, _ now: MonotonicTime, cause: Cause = .map, isPending: Bool? = nil) {
    var current = incident ?? Incident(began: now, changedAt: now)
    current.changedAt = now
    if current.before[shard] == nil { current.before[shard] = roles[shard] ?? .unknown }
    if let isPending {
      if isPending { current.pending.insert(shard) } else { current.pending.remove(shard) }
    }
    switch (current.cause, cause) {
    case (_, .map): break
    case (.map, _): current.cause = cause
    case (.silent(let node, let known), .silent(let other, let length)) where node == other:
      current.cause = .silent(node, max(known, length))
    case (.diskSlow(let known), .diskSlow(let length)): current.cause = .diskSlow(max(known, length))
    // What came first caused the rest.
    case (.silent, _), (.gaveUp, _), (.ended, _), (.declaredDead, _), (.planned, _), (.diskSlow, _), (.diskFull, _):
      break
    }
    incident = current
  }

  private mutating func change(
    _ shard: ShardID, to role: Role, _ now: MonotonicTime, _ wall: Stamp, isPending: Bool = false
  ) {
    touch(shard, now, isPending: isPending)
    roles[shard] = role
    guard case .primary(follower: nil) = role else { return alone[shard] = nil }
    if let text = incident?.cause.sentence(at: wall) { alone[shard] = text }
  }

  /// Why the shard's primary, which lives here, has no follower: for people; nil: that is not known.
  package func whyAlone(_ shard: ShardID) -> String? { alone[shard] }

  /// The lines whose time has come.
  ///
  /// - Parameter all: also those that could still grow: the process ends.
  package mutating func due(now: MonotonicTime, all: Bool = false) -> [NoteLine] {
    var lines: [NoteLine] = []
    if let current = incident {
      let isOver = current.pending.isEmpty && now - current.changedAt >= Self.quiet
      if isOver || all || now - current.began >= Self.patience {
        incident = nil
        if let line = line(of: current, now: now) { lines.append(line) }
      }
    }
    var left: [Gathered] = []
    for other in others {
      if all || now - other.changedAt >= Self.quiet || now - other.began >= Self.othersPatience {
        lines.append(other.line.of(other.shards))
      } else {
        left.append(other)
      }
    }
    others = left
    return lines
  }

  // MARK: What became of it

  private struct Changes {
    var tookOver = 0
    var handedOver = 0
    var follows = 0
    var catchesUp = 0
    var alone = 0
    var paired: [NodeName?: Int] = [:]
    var isAny: Bool { tookOver + handedOver + follows + catchesUp + alone > 0 || !paired.isEmpty }
  }

  private func changes(of incident: Incident) -> Changes {
    var found = Changes()
    for (shard, old) in incident.before {
      let new = roles[shard] ?? .unknown
      guard new != old else { continue }
      var wasPrimary = false
      if case .primary = old { wasPrimary = true }
      switch new {
      case .primary(let follower):
        if !wasPrimary { found.tookOver += 1 }
        if follower == nil { found.alone += 1 } else if wasPrimary { found.paired[follower, default: 0] += 1 }
      case .follower: found.follows += 1
      case .joining: found.catchesUp += 1
      case .unknown: break
      }
      if wasPrimary, new == .follower || new == .joining { found.handedOver += 1 }
    }
    return found
  }

  /// nil: it was said a short while ago, and nothing became of it since.
  private mutating func line(of incident: Incident, now: MonotonicTime) -> NoteLine? {
    let changes = changes(of: incident)
    if !changes.isAny {
      if let unsettled, unsettled.key == incident.cause.key, now - unsettled.at < Self.again { return nil }
      // Proposals of others were first, and nothing is different here.
      if incident.pending.isEmpty, incident.cause == .map { return nil }
      unsettled = (incident.cause.key, now)
    } else {
      unsettled = nil
    }
    var fields = NoteLine.Fields()
    let line = sentence(of: incident, changes, &fields)
    func count(_ name: StaticString, _ number: Int) { if number > 0 { fields.append((name, .number(UInt64(number)))) } }
    count("took_over", changes.tookOver)
    count("handed_over", changes.handedOver)
    count("follows", changes.follows)
    count("catches_up", changes.catchesUp)
    count("one_copy", changes.alone)
    count("two_copies", changes.paired.values.reduce(0, +))
    count("unsettled", incident.pending.count)
    fields.append(("took_ms", NoteLine.count(incident.changedAt - incident.began)))
    return line.with(fields)
  }

  private func sentence(of incident: Incident, _ changes: Changes, _ fields: inout NoteLine.Fields) -> NoteLine {
    switch incident.cause {
    case .silent(let node, let length):
      fields = [("peer", .text("\(node)")), ("silent_ms", NoteLine.count(length))]
      return changes.isAny
        ? NoteLine(.warning, "a node has been silent: its shards go on without it; look at that node")
        : NoteLine(.warning, "a node is silent and roles cannot change: look at that node and at the coordinator")
    case .gaveUp(let node, let why):
      fields = [("peer", .text("\(node)")), ("why", .text(why))]
      return NoteLine(.warning, "a node gave shards up: they go on without it")
    case .ended(let node):
      fields = [("peer", .text("\(node)"))]
      return NoteLine(.info, "a node has ended: its shards go on without it")
    case .declaredDead(let node):
      fields = [("peer", .text("\(node)"))]
      return NoteLine(.warning, "an operator declared a node dead: its shards go on without it")
    case .planned: return NoteLine(.info, "shards were handed over as planned")
    case .diskSlow(let length):
      fields = [("waiting_ms", NoteLine.count(length))]
      return NoteLine(.warning, "the disk is too slow: shards are handed over; look at this node's disk")
    case .diskFull:
      return NoteLine(.warning, "shards are handed over because the disk is full")
    case .map:
      guard changes.tookOver + changes.handedOver + changes.follows + changes.catchesUp + changes.alone == 0,
        let peer = changes.paired.keys.first ?? nil, changes.paired.count == 1
      else { return NoteLine(.info, "roles changed") }
      fields = [("peer", .text("\(peer)"))]
      return NoteLine(.info, "a node has caught up: its shards have two copies again")
    }
  }
}

extension ReplicaMessage.AloneReason {
  fileprivate var sentence: String {
    switch self {
    case .diskFull: "its disk is full"
    case .damaged: "its log is damaged"
    case .digest: "its copy differs"
    }
  }
}
