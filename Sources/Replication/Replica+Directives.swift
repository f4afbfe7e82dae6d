import Proto

extension Replica {
  /// An operator asks for something.
  public mutating func carryOut(
    _ directive: Directive, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) -> DirectiveAnswer {
    defer { refresh(into: &effects) }
    switch directive {
    case .drain: return drain(now: now, into: &effects)
    case .force: return force(now: now, into: &effects)
    case .declareDead(let node): return declareDead(node, now: now, into: &effects)
    case .acceptLoss: return acceptLoss(now: now, into: &effects)
    }
  }

  private mutating func drain(now: MonotonicMilliseconds, into effects: inout [Effect]) -> DirectiveAnswer {
    guard role == .primary else { return .refused(.wrongRole) }
    if lead.drain != nil { return .taken }
    guard let peer = lead.peer, peer.isNamed, !peer.isEnding(now: now, timeout: config.failureTimeout) else {
      return .refused(.noFollower)
    }
    guard lead.isOpen, proposal == nil, !lead.resigns, !lead.mustGoAlone, !isReloading else { return .refused(.busy) }
    beginDrain(.swap, now: now)
    lead.wantsEnvelope = true
    effects.append(.note(.drainStarted))
    flushAsPrimary(now: now, into: &effects)
    drainOn(now: now, into: &effects)
    return .taken
  }

  private mutating func force(now: MonotonicMilliseconds, into effects: inout [Effect]) -> DirectiveAnswer {
    switch role {
    case .follower:
      guard suspicion == .none, rebuild == .nothing else { return .refused(.suspect) }
      follow.mustTakeOver = true
      tryToTakeOver(now: now, into: &effects)
      return .taken
    case .joining, .idle: return .refused(.noFollower)
    case .starting, .unborn, .comparing, .primary, .halted: return .refused(.wrongRole)
    }
  }

  private mutating func declareDead(
    _ node: NodeName, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) -> DirectiveAnswer {
    guard let entry = register?.entry else { return .nothingToDo }
    switch role {
    case .follower where entry.primary.node == node: return force(now: now, into: &effects)
    case .joining where entry.primary.node == node, .idle where entry.primary.node == node:
      return .refused(.noFollower)
    case .primary:
      guard let peer = lead.peer, peer.id.node == node else { return .nothingToDo }
      part(into: &effects)
      return .taken
    case .comparing where entry.follower?.node == node:
      comparison.isPeerGone = true
      tickComparing(now: now, into: &effects)
      return suspicion == .none ? .taken : .refused(.suspect)
    case .starting, .unborn, .comparing, .follower, .joining, .idle, .halted: return .nothingToDo
    }
  }

  /// Goes on with what is here.
  private mutating func acceptLoss(now: MonotonicMilliseconds, into effects: inout [Effect]) -> DirectiveAnswer {
    if role == .primary, lead.resigns, rebuild == .log {
      // Damage was found while it ran, and the follower never took over: memory is all there is.
      lead.resigns = false
      rebuild = .nothing
      effects.append(.note(.lossAccepted(behind: end)))
      return .taken
    }
    guard !isReloading, proposal == nil else { return .refused(.busy) }
    switch role {
    case .follower:
      guard suspicion != .none else { return .refused(.notSuspect) }
      follow.mustTakeOver = true
    case .comparing:
      guard suspicion != .none else { return .refused(.notSuspect) }
      comparison.decision = me
    case .joining, .idle:
      // The map names others, and none of them is there any more.
      guard join.phase == .asking, now - join.lastHeard >= 2 * config.failureTimeout else {
        return .refused(.primaryAnswers)
      }
      takesAll = true
    case .unborn:
      guard end.index > 0 else { return .refused(.notSuspect) }
      takesAll = true
    case .starting, .primary, .halted: return .refused(role == .primary ? .notSuspect : .wrongRole)
    }
    effects.append(.note(.lossAccepted(behind: end)))
    believeOwnEnd(into: &effects)
    return .taken
  }

  // MARK: Draining

  mutating func beginDrain(_ kind: Drain.Kind, now: MonotonicMilliseconds) {
    lead.drain = Drain(kind: kind, since: now, number: number &+ 1)
  }

  /// Proposes the other as primary once it has everything.
  mutating func drainOn(now: MonotonicMilliseconds, into effects: inout [Effect]) {
    guard role == .primary, let drain = lead.drain, proposal == nil, let peer = lead.peer, peer.isNamed else { return }
    let hasAll = peer.durable == end.index && peer.echoed >= drain.number
    switch drain.kind {
    case .swap:
      if lead.mustGoAlone { return giveUpDrain(into: &effects) }
      if hasAll, durable == end.index {
        // The coordinator is asked first: once proposed, nothing is answered until it is settled.
        if let reading, reading.purpose == .swap { return }
        readMap(for: .swap, now: now, into: &effects)
      } else if now - drain.since > config.drainTimeout {
        giveUpDrain(into: &effects)
      }
    case .handOver:
      // Only who was heard to have everything since this began: a follower may have been hurt meanwhile without our
      // knowing.
      if hasAll {
        propose(primary: peer.id, follower: nil, now: now, into: &effects)
      } else if now - drain.since > config.failureTimeout {
        giveUpDrain(into: &effects)
        lead.handOverAt = now + config.failureTimeout
      }
    }
  }

  /// The map could be read and is unchanged.
  mutating func proposeSwap(now: MonotonicMilliseconds, into effects: inout [Effect]) {
    guard role == .primary, let drain = lead.drain, drain.kind == .swap, proposal == nil, let peer = lead.peer,
      peer.isNamed,
      peer.durable == end.index, durable == end.index, !lead.resigns, !lead.mustGoAlone
    else { return }
    propose(primary: peer.id, follower: me, now: now, into: &effects)
  }

  mutating func giveUpDrain(into effects: inout [Effect]) {
    guard role == .primary, lead.drain != nil, proposal == nil else { return }
    lead.drain = nil
    effects.append(.note(.drainGivenUp))
    refresh(into: &effects)
  }

  // MARK: What happens to this replica

  /// The log's next segment cannot be had (true), or can again (false).
  public mutating func diskFull(_ isFull: Bool, now: MonotonicMilliseconds, into effects: inout [Effect]) {
    self.isFull = isFull
    if role == .follower {
      if isFull {
        follow.wantsAcknowledgement = true
      } else if follow.plea == .diskFull {
        follow.plea = nil
      }
    }
  }

  /// Something that this replica had stored turned out to be unreadable, or a frame in sequence did not apply.
  public mutating func damageFound(now: MonotonicMilliseconds, into effects: inout [Effect]) {
    switch role {
    case .follower:
      rebuild = .log
      follow.plea = .damaged
    case .joining:
      rebuild = .log
      if !isReloading { join.phase = .asking }
    case .primary:
      // With a follower there is another copy: it takes over, and this one is rebuilt. Alone, memory is the best there
      // is.
      guard lead.peer?.isNamed == true else { return }
      rebuild = .log
      resign(now: now, into: &effects)
    case .starting, .unborn, .comparing, .idle, .halted: rebuild = .log
    }
    refresh(into: &effects)
  }

  /// Nothing more can be done in this process: a sync failed, for one.
  public mutating func halt(_ reason: HaltReason, now: MonotonicMilliseconds, into effects: inout [Effect]) {
    guard haltReason == nil else { return }
    leaveLead(into: &effects)
    haltReason = reason
    role = .halted
    effects.append(.note(.halted(reason)))
    // Who was replaced speaks for nobody any more: the other process of this name has the roles.
    if reason != .replaced { lastResign(into: &effects) }
    refresh(into: &effects)
  }

  private mutating func lastResign(into effects: inout [Effect]) {
    guard let entry = register?.entry else { return }
    if entry.primary == me, let follower = entry.follower {
      effects.append(.send(.resign(epoch: epoch), to: follower))
    } else if entry.follower == me {
      effects.append(.send(.resign(epoch: epoch), to: entry.primary))
    }
  }

  /// A halted replica keeps saying that it can do nothing more.
  mutating func tickHalted(now: MonotonicMilliseconds, into effects: inout [Effect]) {
    guard haltReason != .replaced, now - lead.lastSentAt >= config.heartbeat else { return }
    lead.lastSentAt = now
    lastResign(into: &effects)
  }

  mutating func answerHalted(_ message: ReplicaMessage, to sender: ReplicaID, into effects: inout [Effect]) {
    if case .map(let register) = message, register.revision > self.register?.revision ?? 0 {
      self.register = register
      epoch = max(epoch, register.entry.epoch)
    }
  }

  /// A peer's disk id is looked at: the same node with another disk has nothing of what was acknowledged.
  mutating func meet(_ sender: ReplicaID, now: MonotonicMilliseconds, into effects: inout [Effect]) {
    guard let follower = register?.entry.follower, follower.node == sender.node, follower.disk != sender.disk else {
      return
    }
    if role == .primary, let peer = lead.peer, peer.id == follower, !lead.mustGoAlone {
      effects.append(.note(.otherDisk(sender)))
      part(into: &effects)
    } else if role == .comparing {
      comparison.isPeerGone = true
    }
  }
}
