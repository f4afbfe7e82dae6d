import Proto
public import Time

extension Replica {
  /// An operator asks for something.
  public mutating func carryOut(
    _ directive: Directive, now: MonotonicTime, into effects: inout [Effect]
  ) -> DirectiveAnswer {
    defer { refresh(into: &effects) }
    switch directive {
    case .drain: return drain(now: now, into: &effects)
    case .force: return force(now: now, into: &effects)
    case .declareDead(let node): return declareDead(node, now: now, into: &effects)
    case .acceptLoss: return acceptLoss(now: now, into: &effects)
    }
  }

  mutating func drain(now: MonotonicTime, into effects: inout [Effect]) -> DirectiveAnswer {
    guard role == .primary else { return .refused(.wrongRole) }
    if lead.drain != nil { return .taken }
    guard let place = lead.peers.follower,
      !lead.peers[place].isEnding(now: now, config)
    else { return .refused(.noFollower) }
    guard lead.isOpen, proposal == nil, lead.resignation == nil, !lead.peers[place].mustGo, !isReloading else {
      return .refused(.busy)
    }
    beginDrain(.swap, now: now)
    // Its echo shows that it has all that was read before.
    lead.tag(number &+ 1)
    effects.append(.note(.drainStarted))
    flushAsPrimary(now: now, into: &effects)
    drainOn(now: now, into: &effects)
    return .taken
  }

  private mutating func force(now: MonotonicTime, into effects: inout [Effect]) -> DirectiveAnswer {
    switch role {
    case .follower:
      guard suspicion == .none, rebuild == .nothing else { return .refused(.suspect) }
      follow.isPrimaryDeclaredDead = true
      tryToTakeOver(now: now, into: &effects)
      return .taken
    case .joining, .idle: return .refused(.noFollower)
    case .starting, .unborn, .comparing, .primary, .halted: return .refused(.wrongRole)
    }
  }

  private mutating func declareDead(
    _ node: NodeName, now: MonotonicTime, into effects: inout [Effect]
  ) -> DirectiveAnswer {
    guard let entry = register?.entry else { return .nothingToDo }
    switch role {
    case .follower where entry.primary.node == node: return force(now: now, into: &effects)
    case .joining where entry.primary.node == node, .idle where entry.primary.node == node:
      return .refused(.noFollower)
    case .primary:
      guard let place = lead.peers.firstIndex(where: { $0.id.node == node }) else { return .nothingToDo }
      effects.append(.note(.peerDeclaredDead(lead.peers[place].id)))
      part(from: place, into: &effects)
      return .taken
    case .comparing where entry.follower?.node == node:
      comparison.isPeerGone = true
      tickComparing(now: now, into: &effects)
      return suspicion == .none ? .taken : .refused(.suspect)
    case .starting, .unborn, .comparing, .follower, .joining, .idle, .halted: return .nothingToDo
    }
  }

  /// Goes on with what is here.
  private mutating func acceptLoss(now: MonotonicTime, into effects: inout [Effect]) -> DirectiveAnswer {
    if role == .primary, lead.resignation != nil, rebuild == .log {
      // Damage was found while it ran, and the follower never took over: memory is all there is.
      lead.resignation = nil
      rebuild = .nothing
      effects.append(.note(.lossAccepted(behind: end)))
      return .taken
    }
    guard !isReloading, proposal == nil else { return .refused(.busy) }
    switch role {
    case .follower:
      guard suspicion != .none else { return .refused(.notSuspect) }
      follow.isPrimaryDeclaredDead = true
    case .comparing:
      guard suspicion != .none else { return .refused(.notSuspect) }
      comparison.decision = me
    // The map names others, and none of them is there any more.
    case .joining:
      guard join.phase == .asking, now - join.lastHeard >= 2 * config.failureTimeout else {
        return .refused(.primaryAnswers)
      }
      takesAll = true
    case .idle:
      if let since = idle.since, now - since < 2 * config.failureTimeout { return .refused(.primaryAnswers) }
      takesAll = true
    case .unborn:
      guard end.index > 0 else { return .refused(.notSuspect) }
      takesAll = true
    case .primary: return .refused(.notSuspect)
    case .starting, .halted: return .refused(.wrongRole)
    }
    effects.append(.note(.lossAccepted(behind: end)))
    believeOwnEnd(into: &effects)
    return .taken
  }

  // MARK: Draining

  mutating func beginDrain(_ kind: Drain.Kind, now: MonotonicTime) {
    lead.drain = Drain(kind: kind, since: now, number: number &+ 1)
  }

  /// Proposes the other as primary once it has everything.
  mutating func drainOn(now: MonotonicTime, into effects: inout [Effect]) {
    guard role == .primary, let drain = lead.drain, proposal == nil, let place = lead.peers.follower else { return }
    let (id, progress) = (lead.peers[place].id, lead.peers[place].progress)
    let hasAll = progress.durable == end.index && progress.echoed >= drain.number
    switch drain.kind {
    case .swap:
      if lead.peers[place].mustGo { return giveUpDrain(into: &effects) }
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
        propose(primary: id, follower: nil, now: now, into: &effects)
      } else if now - drain.since > config.failureTimeout {
        giveUpDrain(into: &effects)
        lead.handOverAt = now + config.failureTimeout
      }
    }
  }

  /// The map could be read and is unchanged.
  mutating func proposeSwap(now: MonotonicTime, into effects: inout [Effect]) {
    guard role == .primary, let drain = lead.drain, drain.kind == .swap, proposal == nil, lead.resignation == nil,
      let place = lead.peers.follower, !lead.peers[place].mustGo,
      lead.peers[place].progress.durable == end.index, durable == end.index
    else { return }
    let id = lead.peers[place].id
    // Who ends is no follower: the other goes on alone, and does not wait for it.
    propose(primary: id, follower: isEnding ? nil : me, now: now, into: &effects)
  }

  mutating func giveUpDrain(into effects: inout [Effect]) {
    guard role == .primary, lead.drain != nil, proposal == nil else { return }
    lead.drain = nil
    effects.append(.note(.drainGivenUp))
    refresh(into: &effects)
  }

  // MARK: What happens to this replica

  /// The log's next segment cannot be had (true), or can again (false).
  public mutating func diskFull(_ isFull: Bool, now: MonotonicTime, into effects: inout [Effect]) {
    self.isFull = isFull
    if role == .follower {
      if isFull {
        intake.wantsAcknowledgement = true
      } else if follow.plea == .diskFull {
        follow.plea = nil
      }
    }
  }

  /// Something that this replica had stored turned out to be unreadable, or a frame in sequence did not apply.
  public mutating func damageFound(now: MonotonicTime, into effects: inout [Effect]) {
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
      guard lead.peers.follower != nil else { return }
      rebuild = .log
      resign(now: now, into: &effects)
    case .starting, .unborn, .comparing, .idle, .halted: rebuild = .log
    }
    refresh(into: &effects)
  }

  /// Nothing more can be done in this process: a sync failed, for one.
  public mutating func halt(_ reason: HaltReason, now: MonotonicTime, into effects: inout [Effect]) {
    guard role != .halted else { return }
    become(.halted(Halt(reason: reason)), into: &effects)
    effects.append(.note(.halted(reason)))
    if saysSo(reason) { lastResign(into: &effects) }
    refresh(into: &effects)
  }

  /// Whether the other replica is told. Who was replaced speaks for nobody any more: the other process of this name has
  /// the roles. Where both processes end, both stay in the map, and the next ones find themselves named.
  private func saysSo(_ reason: HaltReason) -> Bool {
    switch reason {
    case .replaced: false
    case .ended: ending?.other == nil
    case .diskFailed, .wrongMemory, .edge: true
    }
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
  mutating func tickHalted(now: MonotonicTime, into effects: inout [Effect]) {
    guard saysSo(halt.reason),
      halt.saidAt.map({ now - $0 >= config.heartbeat }) ?? true
    else { return }
    halt.saidAt = now
    lastResign(into: &effects)
  }

  /// A halted replica listens to one thing: whom the map names now, and so whom it tells that it can do nothing more.
  mutating func heardHalted(_ message: ReplicaMessage) {
    if case .map(let register) = message, register.revision > self.register?.revision ?? 0 {
      self.register = register
      epoch = max(epoch, register.entry.epoch)
    }
  }

  /// A peer's disk id is looked at: the same node with another disk has nothing of what was acknowledged.
  mutating func meet(_ sender: ReplicaID, now: MonotonicTime, into effects: inout [Effect]) {
    guard let follower = register?.entry.follower, follower.node == sender.node, follower.disk != sender.disk else {
      return
    }
    if role == .primary {
      guard let place = lead.peers.index(of: follower), !lead.peers[place].mustGo else { return }
      effects.append(.note(.otherDisk(sender)))
      part(from: place, into: &effects)
    } else if role == .comparing {
      comparison.isPeerGone = true
    }
  }
}
