import Proto
import Time

// A primary's epoch: how it begins and ends, what is sent to the peers, what may be answered.
extension Replica {
  mutating func beginLead(
    _ entry: MapEntry, from old: MapEntry?, now: MonotonicTime, into effects: inout [Effect]
  ) {
    let oldPeers = role == .primary ? lead.peers : Peers()
    var new = Lead(tagged: number &+ 1, timeout: config.failureTimeout)
    // A follower to whom frames flow already goes on where it is.
    let kept = entry.follower.flatMap { oldPeers.index(of: $0) }.flatMap { oldPeers[$0].isStreaming ? $0 : nil }
    if let follower = entry.follower {
      if let kept {
        if let joiner = oldPeers[kept].joiner { readmissions.admitted(follower, after: joiner.admitWait, now: now) }
        new.peers.append(oldPeers[kept].named(now: now, timeout: config.failureTimeout))
      } else {
        new.peers.append(.follower(follower, at: end.index, now: now, timeout: config.failureTimeout))
      }
    }
    if durable < end.index { new.ownAge.begin(end.index, now: now) }
    if role == .follower, follow.primaryEnds, !follow.hasPrimaryResigned, let old, entry.follower == nil {
      effects.append(.note(.peerEnded(old.primary)))
    }
    state = RoleStorage(.primary(new))
    answerable = .nothing
    rebuild = .nothing
    for place in oldPeers.indices where place != kept { closeTransfer(oldPeers[place], into: &effects) }
    if let follower = entry.follower {
      effects.append(.send(.map(MapRegister(revision: register?.revision ?? 0, entry: entry)), to: follower))
    } else if let lost = old?.follower ?? (old?.primary == me ? nil : old?.primary), let register {
      effects.append(.send(.map(register), to: lost))
    }
    effects.append(.note(.becamePrimary(epoch: entry.epoch, follower: entry.follower)))
    // The edge ends or keeps its queue before it opens the epoch.
    refresh(into: &effects)
    if suspicion != .none {
      // Another found this log to be the best there is: a marker says so before anything is written behind it.
      believeOwnEnd(into: &effects)
    } else {
      askToOpen(now: now, into: &effects)
    }
  }

  /// This replica is about to be primary no longer: what others keep for it is given back. `become` calls this.
  mutating func leaveLead(into effects: inout [Effect]) {
    for place in lead.peers.indices { closeTransfer(lead.peers[place], into: &effects) }
    if lead.resignation != nil, rebuild == .nothing { rebuild = .memory }
    clock.follow()
    answerable = .nothing
  }

  mutating func askToOpen(now: MonotonicTime, into effects: inout [Effect]) {
    lead.openAskedAt = now
    effects.append(.openEpoch(epoch))
  }

  mutating func tickAsPrimary(now: MonotonicTime, into effects: inout [Effect]) {
    if lead.openIndex == 0, !isReloading, now - lead.openAskedAt >= config.heartbeat {
      askToOpen(now: now, into: &effects)
    }
    if let resignation = lead.resignation {
      tickResigned(resignation, now: now, into: &effects)
      return refresh(into: &effects)
    }
    for place in lead.peers.indices
    where now - lead.peers[place].sending.at >= config.heartbeat && !isStuckWithAnother(now: now) {
      sendHeartbeat(to: place, now: now, into: &effects)
    }
    judgePeers(now: now, into: &effects)
    readOn(now: now, into: &effects)
    admit(now: now, into: &effects)
    drainOn(now: now, into: &effects)
    refresh(into: &effects)
  }

  /// A primary that proposed its follower and hears nothing from the coordinator falls silent, so that the follower
  /// tries too.
  private func isStuckWithAnother(now: MonotonicTime) -> Bool {
    guard let proposal, let drain = lead.drain else { return false }
    return proposal.entry.primary != me && now - drain.since > config.failureTimeout + config.drainTimeout
  }

  // MARK: What is sent

  mutating func appendedAsPrimary(
    _ frame: LogFrame, before: UInt64, now: MonotonicTime, into effects: inout [Effect]
  ) {
    if lead.openIndex == 0 {
      precondition(frame.epoch == epoch, "an epoch begins with its own record")
      lead.openIndex = frame.lastIndex
      refresh(into: &effects)
    } else {
      precondition(acceptsCommands && frame.epoch == epoch, "a primary logs only while it accepts commands")
    }
    lead.ownAge.begin(frame.firstIndex, now: now)
    for place in lead.peers.indices {
      guard lead.peers[place].isSent(frame, after: before, now: now, timeout: config.failureTimeout) else { continue }
      var checkpoint: Checkpoint?
      if frame.lastIndex / config.checkpointEvery != before / config.checkpointEvery, let lastDigest {
        let mine = Checkpoint(index: frame.lastIndex, digest: lastDigest)
        lead.remember(mine)
        checkpoint = mine
      }
      let envelope = nextEnvelope(to: place, through: frame.lastIndex, checkpoint: checkpoint, now: now)
      effects.append(.sendFrame(envelope, to: lead.peers[place].id))
    }
  }

  /// Makes the next envelope for a peer, and counts it as sent.
  ///
  /// - Parameter index: where the frame ends that goes with it.
  mutating func nextEnvelope(
    to place: Int, through index: UInt64? = nil, checkpoint: Checkpoint? = nil, now: MonotonicTime
  ) -> Envelope {
    number += 1
    let previous = lead.peers[place].begin(number, through: index, now: now)
    return Envelope(
      epoch: epoch, number: number, stamp: clock.stamp(now: now), committed: committed, previous: previous,
      checkpoint: checkpoint)
  }

  /// An envelope without a frame: it shows that this primary is there, how far the log is committed, and the digest at
  /// its end if nothing else does.
  mutating func sendHeartbeat(to place: Int, now: MonotonicTime, into effects: inout [Effect]) {
    guard lead.peers[place].isStreaming else { return }
    var checkpoint: Checkpoint?
    if lead.peers[place].sending.isLive, lead.peers[place].sending.through == end.index, let lastDigest,
      lead.checkpoints.last?.index != end.index
    {
      let mine = Checkpoint(index: end.index, digest: lastDigest)
      lead.remember(mine)
      checkpoint = mine
    }
    let envelope = nextEnvelope(to: place, checkpoint: checkpoint, now: now)
    effects.append(.send(.envelope(envelope), to: lead.peers[place].id))
  }

  mutating func flushAsPrimary(now: MonotonicTime, into effects: inout [Effect]) {
    if lead.wantsEnvelope {
      lead.wantsEnvelope = false
      for place in lead.peers.indices
      where lead.peers[place].isStreaming && lead.peers[place].sending.number < lead.tagged {
        let envelope = nextEnvelope(to: place, now: now)
        effects.append(.send(.envelope(envelope), to: lead.peers[place].id))
      }
    }
    number = max(number, lead.tagged)
    confirmAlone(now: now, into: &effects)
  }

  // MARK: What may be answered

  /// What answers wait for at the peers; nil: for none of them.
  private var required: Peers.Required? {
    guard role == .primary else { return nil }
    return lead.peers.required
  }

  /// Whether answers need a peer's acknowledgement; see `Peer.isRequired`.
  package var needsPeer: Bool { required != nil }

  /// Something became durable, or what is needed changed: works out what is committed and what may be answered.
  mutating func recommit(into effects: inout [Effect]) {
    guard role == .primary else { return }
    let required = required
    var through = durable
    if let required { through = min(through, required.durable) }
    if !lead.isOpen {
      guard lead.openIndex > 0, through >= lead.openIndex else { return }
      lead.isOpen = true
      effects.append(.note(.epochOpened(epoch)))
      refresh(into: &effects)
    }
    if through > committed { committed = through }
    if isSilenced {
      answerable = .nothing
      return
    }
    var echoed = isBehindMap ? 0 : lead.confirmed
    if let required { echoed = required.echoed }
    answerable = Answerable(position: required == nil ? committed : min(committed, through), number: echoed)
  }
}
