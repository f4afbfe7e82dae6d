import Proto
import Time

// What a primary makes of its peers: what they acknowledge, when one must go, and when this primary must.
extension Replica {
  mutating func acknowledged(
    _ ack: Acknowledgement, by sender: ReplicaID, now: MonotonicTime, into effects: inout [Effect]
  ) {
    guard role == .primary, let place = lead.peers.index(of: sender), ack.number <= number, ack.durable <= ack.end
    else { return }
    if !lead.peers[place].isStreaming, !beginStreaming(to: place, ack, now: now, into: &effects) { return }
    // In place: a copy of the peer would copy its rings.
    switch lead.peers[place].take(ack, sent: number, now: now) {
    case .old: return
    case .foreign: return part(from: place, into: &effects)
    case .lost(let acknowledged):
      effects.append(.note(.lostAcknowledged(sender, acknowledged: acknowledged, end: ack.end)))
      return part(from: place, into: &effects)
    case .fine: break
    }
    if let theirs = ack.checkpoint { lead.compare(theirs, of: place) }
    recommit(into: &effects)
    readOn(now: now, into: &effects)
    admit(now: now, into: &effects)
    drainOn(now: now, into: &effects)
  }

  /// The peer cannot stay: one that answers may need is left behind as soon as the map says so, another at once.
  mutating func part(from place: Int, into effects: inout [Effect]) {
    if lead.peers[place].isFollower || proposal?.entry.follower == lead.peers[place].id {
      lead.peers[place].mustGo = true
    } else {
      drop(place, into: &effects)
    }
  }

  /// Alone, hand over, or leave it as it is.
  mutating func judgePeers(now: MonotonicTime, into effects: inout [Effect]) {
    guard !isEnding else { return }
    for place in lead.peers.indices.reversed() where proposal == nil {
      if lead.peers[place].isFollower {
        judgeFollower(place, now: now, into: &effects)
      } else {
        judgeJoiner(place, now: now, into: &effects)
      }
    }
  }

  /// A silent joiner gives its place free.
  private mutating func judgeJoiner(_ place: Int, now: MonotonicTime, into effects: inout [Effect]) {
    let patience = lead.peers[place].isStreaming ? 2 * config.failureTimeout : 120_000
    if now - lead.peers[place].lastHeard >= patience || lead.peers[place].mustGo { drop(place, into: &effects) }
  }

  private mutating func judgeFollower(_ place: Int, now: MonotonicTime, into effects: inout [Effect]) {
    let late = lead.peers[place].late(now: now)
    let ownLate = lead.ownAge.oldest(now: now)
    if lead.peers[place].mustGo {
      propose(primary: me, follower: nil, now: now, into: &effects)
    } else if late >= config.failureTimeout, ownLate < config.failureTimeout {
      effects.append(.note(.peerSilent(lead.peers[place].id, milliseconds: late)))
      propose(primary: me, follower: nil, now: now, into: &effects)
    } else if lead.drain == nil, lead.peers[place].mayLead(now: now, config),
      now >= lead.handOverAt, ownLate >= config.failureTimeout || isFull
    {
      effects.append(.note(isFull ? .ownDiskFull : .ownDiskSlow(milliseconds: ownLate)))
      beginDrain(.handOver, now: now)
    }
  }

  /// A follower asks to be left behind.
  ///
  /// - Parameter reason: nil: it can do nothing more.
  mutating func askedToGoAlone(
    by sender: ReplicaID, _ reason: ReplicaMessage.AloneReason?, now: MonotonicTime, into effects: inout [Effect]
  ) {
    guard role == .primary, let place = lead.peers.index(of: sender) else { return }
    if lead.peers[place].isFollower, !lead.peers[place].mustGo {
      let ends = reason == nil && lead.peers[place].isEnding(now: now, config)
      effects.append(.note(ends ? .peerEnded(sender) : .peerGaveUp(sender, reason)))
    }
    part(from: place, into: &effects)
    if lead.resignation == nil { judgePeers(now: now, into: &effects) }
  }

  /// The follower (or joiner) says that its memory differs after a replay of its log: this primary replays its own.
  mutating func disputed(
    _ theirs: Checkpoint, by sender: ReplicaID, now: MonotonicTime, into effects: inout [Effect]
  ) {
    guard role == .primary, lead.resignation == nil, let place = lead.peers.index(of: sender),
      lead.peers[place].replay == nil, !lead.peers[place].mustGo
    else { return }
    let token = nextToken()
    lead.peers[place].replay = (token, theirs)
    effects.append(.replay(index: theirs.index, token: token))
  }

  mutating func replayedAsPrimary(
    _ digest: UInt64?, token: UInt64, now: MonotonicTime, into effects: inout [Effect]
  ) {
    guard let place = lead.peers.firstIndex(where: { $0.replay?.token == token }),
      let theirs = lead.peers[place].replay?.theirs
    else { return }
    lead.peers[place].replay = nil
    if digest == theirs.digest {
      // The other is right, and so is this log: the memory here is not.
      rebuild = .memory
      resign(now: now, into: &effects)
    } else {
      part(from: place, into: &effects)
    }
  }

  // MARK: When this primary must go

  /// Answers nothing more in this epoch, and asks the follower to take over.
  mutating func resign(now: MonotonicTime, into effects: inout [Effect]) {
    lead.resignation = Resignation(since: now, saidAt: now)
    answerable = .nothing
    if let follower = register?.entry.follower { effects.append(.send(.resign(epoch: epoch), to: follower)) }
  }

  /// A primary that resigned keeps saying so. If its follower does not take over, and only memory was wrong, it loads
  /// that again and begins like a restarted one.
  mutating func tickResigned(
    _ resignation: Resignation, now: MonotonicTime, into effects: inout [Effect]
  ) {
    guard proposal == nil else { return }
    let mayTakeOver = register?.entry.follower != nil && lead.peers.firstIndex { $0.mustGo } == nil
    if rebuild == .log || mayTakeOver && now - resignation.since < 2 * config.failureTimeout {
      guard now - resignation.saidAt >= config.heartbeat, let follower = register?.entry.follower else { return }
      lead.resignation?.saidAt = now
      effects.append(.send(.resign(epoch: epoch), to: follower))
    } else if let entry = register?.entry {
      bootEpoch = epoch
      beginComparing(entry, now: now, into: &effects)
      believeOwnEnd(into: &effects)
    }
  }
}
