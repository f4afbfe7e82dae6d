package import Logging
package import Proto
package import Replication
import ShardCore
import Time

/// A replica's note as it stands in the node's log: a sentence that says what happened and, where an operator should
/// act, what to do; then the values that belong to it.
package struct NoteLine: Sendable {
  package enum Value: Sendable {
    case number(UInt64)
    case text(String)
  }

  package var level: LogLevel
  package var sentence: StaticString
  package typealias Fields = [(name: StaticString, value: Value)]
  package var fields: Fields

  init(_ level: LogLevel, _ sentence: StaticString, _ fields: Fields = []) {
    (self.level, self.sentence, self.fields) = (level, sentence, fields)
  }

  func with(_ more: Fields) -> NoteLine { NoteLine(level, sentence, fields + more) }

  /// The same, of these shards.
  func of(_ shards: Set<ShardID>) -> NoteLine {
    let list = shards.sorted().map(\.rawValue)
    guard list.count > 1 else { return NoteLine(level, sentence, list.map { ("shard", .number(UInt64($0))) } + fields) }
    let shown = list.prefix(16).map(String.init).joined(separator: " ") + (list.count > 16 ? " …" : "")
    return NoteLine(level, sentence, [("shards", .number(UInt64(list.count))), ("which", .text(shown))] + fields)
  }

  package func put(into line: inout LogLine) {
    for (name, value) in fields {
      switch value {
      case .number(let number): line.field(name, number)
      case .text(let text): line.field(name, text)
      }
    }
  }

  /// - Parameter why: why a replica of this node is suspect, for people.
  package init(_ note: Note, why: (Suspicion) -> String) {
    switch note {
    case .proposed(let entry):
      self.init(
        .info, "asks the coordinator for new roles",
        [
          ("epoch", .number(entry.epoch)), ("primary", Self.node(entry.primary)),
          ("follower", Self.node(entry.follower)),
        ])
    case .proposalLost(let epoch):
      self.init(
        .warning, "the coordinator gave the shard other roles than this node asked for: nothing to do",
        [("epoch", .number(epoch))])
    case .becamePrimary(let epoch, let follower):
      self.init(.info, "became primary", [("epoch", .number(epoch)), ("follower", Self.node(follower))])
    case .becameFollower(let epoch, let primary):
      self.init(.info, "became follower", [("epoch", .number(epoch)), ("primary", Self.node(primary))])
    case .joining(let epoch, let primary):
      self.init(
        .info, "catches up with the primary, to become its follower",
        [("epoch", .number(epoch)), ("primary", Self.node(primary))])
    case .epochOpened(let epoch):
      self.init(.info, "answers as primary from now on", [("epoch", .number(epoch))])
    case .peerSilent(let peer, let milliseconds):
      self.init(
        .warning, "no message from the other replica for the time-out: roles change by themselves",
        [("peer", Self.node(peer)), ("silent_ms", Self.count(milliseconds))])
    case .peerGaveUp(let peer, _):
      self.init(.warning, "the other replica gave up: roles change by themselves", [("peer", Self.node(peer))])
    case .peerEnded(let peer):
      self.init(.info, "the other replica's process has ended: roles change by themselves", [("peer", Self.node(peer))])
    case .peerDeclaredDead(let peer):
      self.init(.warning, "the other replica was declared dead", [("peer", Self.node(peer))])
    case .ownDiskSlow(let milliseconds):
      self.init(
        .warning, "the disk is too slow, so the follower is asked to take over",
        [("waiting_ms", Self.count(milliseconds))])
    case .ownDiskFull: self.init(.warning, "the disk is full, so the follower is asked to take over")
    case .tailCut(let from, let to):
      self.init(
        .warning, "discards records that only this copy has, because the primary goes on without them",
        [("from_index", .number(from)), ("to_index", .number(to))])
    case .suspectCleared:
      self.init(.warning, "the copy is no longer suspect: nothing to do")
    case .suspectWaits(let suspicion):
      self.init(
        .error, "a suspect replica waits for a copy that has all, or for holdfast failover --shard N --accept-loss",
        [("suspect", .text("\(suspicion)")), ("why", .text(why(suspicion)))])
    case .lossAccepted(let end):
      self.init(
        .warning, "continues with this copy, because an operator accepted that records may be missing",
        [("behind_index", .number(end.index)), ("behind_epoch", .number(end.epoch))])
    case .mapIsOlder(let found, let known):
      self.init(
        .error, "the coordinator went back: roles are settled above the newest epoch that this replica knows",
        [("found_epoch", .number(found ?? 0)), ("known_epoch", .number(known))])
    case .digestDiffers(let index, let mine, let theirs):
      self.init(
        .warning,
        "the two copies differ: each is compared with its log, and the wrong one rebuilds itself; report this",
        [("index", .number(index)), ("own_digest", .number(mine)), ("primary_digest", .number(theirs))])
    case .otherDisk(let peer):
      self.init(
        .warning, "the follower came back with another disk: the shard goes on without it until it has caught up",
        [("peer", Self.node(peer))])
    case .lostAcknowledged(let peer, let acknowledged, let end):
      self.init(
        .warning, "the follower lost records that it had acknowledged: it is taken in anew; look at its node's disk",
        [("peer", Self.node(peer)), ("acknowledged_index", .number(acknowledged)), ("end_index", .number(end))])
    case .drainStarted: self.init(.info, "a planned failover begins")
    case .drainGivenUp:
      self.init(.warning, "a planned failover was given up and the roles stay: look at the follower, then try again")
    case .halted(let reason):
      self.init(
        .warning, "this replica can do nothing more until its node is started again",
        [("reason", .text(reason.sentence))])
    }
  }

  private static func node(_ replica: ReplicaID?) -> Value { .text(replica?.node.description ?? "") }

  static func count(_ length: Milliseconds) -> Value { .number(UInt64(max(length, 0).rawValue)) }
}
