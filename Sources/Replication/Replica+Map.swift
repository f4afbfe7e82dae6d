public import Proto

/// The one proposal that a replica may have under way. Settled only when the register holds its id, or its revision moved on.
struct PendingProposal: Equatable, Sendable {
  var entry: MapEntry
  /// What the compare-and-set compares.
  var revision: UInt64
  var sentAt: MonotonicMilliseconds
}

/// A read of the map that is under way.
struct MapReading: Equatable, Sendable {
  enum Purpose { case boot, news, takeover, swap }
  var purpose: Purpose
  var token: UInt64
  var at: MonotonicMilliseconds
  /// The epoch when it began.
  var epoch: UInt64
}

extension Replica {
  /// The shard's register was read (`token` of the `readMap`), or a proposal's answer or a watch brought it (`token` 0). nil: absent.
  public mutating func mapRead(
    _ register: MapRegister?, token: UInt64, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {
    guard hasMap else {
      // Only a read that began after this process did says which epochs an earlier process cannot have led.
      guard hasLog, let reading, reading.token == token else {
        if let register, register.revision > early?.revision ?? 0 { early = register }
        return
      }
      self.reading = nil
      boot(register, now: now, into: &effects)
      return refresh(into: &effects)
    }
    var answered: MapReading?
    if let reading, reading.token == token { (answered, self.reading) = (reading, nil) }
    if let register { adopt(register, now: now, into: &effects) }
    if let answered, answered.epoch == epoch {
      switch answered.purpose {
      case .takeover: takeOver(now: now, into: &effects)
      case .swap: proposeSwap(now: now, into: &effects)
      case .boot, .news: break
      }
    }
    refresh(into: &effects)
  }

  /// A `readMap` got no answer.
  public mutating func mapUnreachable(token: UInt64, now: MonotonicMilliseconds, into effects: inout [Effect]) {
    guard let reading, reading.token == token else { return }
    // The slot stays taken until `askAgain` has passed: see `tickMap`.
    switch reading.purpose {
    case .swap:
      self.reading = nil
      giveUpDrain(into: &effects)
      refresh(into: &effects)
    case .boot, .news, .takeover: break
    }
  }

  private mutating func boot(_ register: MapRegister?, now: MonotonicMilliseconds, into effects: inout [Effect]) {
    hasMap = true
    guard let register else {
      if end.index > 0 { return halt(.mapLost, now: now, into: &effects) }
      role = .unborn
      proposeBirth(now: now, into: &effects)
      if let early { adopt(early, now: now, into: &effects) }
      return
    }
    if end.epoch > register.entry.epoch { return halt(.mapOlderThanLog, now: now, into: &effects) }
    bootEpoch = register.entry.epoch
    self.register = register
    epoch = register.entry.epoch
    enter(now: now, into: &effects)
    if let early { adopt(early, now: now, into: &effects) }
  }

  /// A register is known. Older ones than the newest known say nothing.
  mutating func adopt(_ new: MapRegister, now: MonotonicMilliseconds, into effects: inout [Effect]) {
    #if PLANTED_BUGS
    if planted == .oldRevisionSettles, let proposal, proposal.revision == new.revision {
      self.proposal = nil
      lead.peer?.demandedSince = nil
      lead.peer?.admitAt = now + config.failureTimeout
      recommit(into: &effects)
    }
    #endif
    guard new.revision > register?.revision ?? 0, new.entry.epoch > epoch else { return }
    register = new
    epoch = new.entry.epoch
    if let pending = proposal, new.revision > pending.revision {
      proposal = nil
      if new.entry.proposal != pending.entry.proposal {
        effects.append(.note(.proposalLost(epoch: pending.entry.epoch)))
      }
    }
    if haltReason == nil { enter(now: now, into: &effects) }
  }

  /// Takes the role that the newest register gives.
  mutating func enter(now: MonotonicMilliseconds, into effects: inout [Effect]) {
    guard let entry = register?.entry else { return }
    if isReloading {
      entersLater = true
      return
    }
    let old = entered
    let oldRole = role
    entered = entry
    if oldRole == .primary || oldRole == .comparing, entry.primary != me, let register {
      // Who goes on should not have to wait for its watch.
      effects.append(.send(.map(register), to: entry.primary))
    }
    if entry.primary == me {
      // Whoever leads an epoch knows that it was named in the one before, in this process: then nothing answered can be missing here,
      // and no earlier process of this replica led this epoch.
      let wasNamed =
        old.map { ($0.primary == me || $0.follower == me) && $0.epoch &+ 1 == entry.epoch } ?? (entry.epoch == 1)
      var mayLead = entry.epoch != bootEpoch && wasNamed && oldRole != .joining
      #if PLANTED_BUGS
      if planted == .resumeOldEpoch { mayLead = true }
      #endif
      if mayLead {
        beginLead(entry, from: old, now: now, into: &effects)
      } else {
        leaveLead(into: &effects)
        beginComparing(entry, now: now, into: &effects)
      }
    } else if entry.follower == me {
      leaveLead(into: &effects)
      beginFollow(entry, from: oldRole, now: now, into: &effects)
    } else {
      leaveLead(into: &effects)
      beginJoin(entry, from: oldRole, now: now, into: &effects)
    }
    refresh(into: &effects)
  }

  /// Proposes an entry of the next epoch. A shard's replica has one proposal at a time.
  mutating func propose(
    primary: ReplicaID, follower: ReplicaID?, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {
    guard proposal == nil else { return }
    let entry = MapEntry(epoch: epoch &+ 1, primary: primary, follower: follower, proposal: nextRandom())
    let revision = register?.revision ?? 0
    proposal = PendingProposal(entry: entry, revision: revision, sentAt: now)
    effects.append(.note(.proposed(entry)))
    effects.append(.propose(entry, revision: revision))
    refresh(into: &effects)
  }

  mutating func proposeBirth(now: MonotonicMilliseconds, into effects: inout [Effect]) {
    guard role == .unborn, let birth, birth.primary == me, proposal == nil, end.index == 0 else { return }
    propose(primary: me, follower: birth.follower == me ? nil : birth.follower, now: now, into: &effects)
  }

  mutating func readMap(for purpose: MapReading.Purpose, now: MonotonicMilliseconds, into effects: inout [Effect]) {
    if purpose == .news, reading != nil { return }
    let reading = MapReading(purpose: purpose, token: nextToken(), at: now, epoch: epoch)
    self.reading = reading
    effects.append(.readMap(token: reading.token))
  }

  /// What is still unanswered by the coordinator is asked again.
  mutating func tickMap(now: MonotonicMilliseconds, into effects: inout [Effect]) {
    if var pending = proposal, now - pending.sentAt >= config.proposalResend {
      pending.sentAt = now
      proposal = pending
      effects.append(.propose(pending.entry, revision: pending.revision))
    }
    if let reading, now - reading.at >= 2 * config.askAgain {
      self.reading = nil
      switch reading.purpose {
      case .boot: readMap(for: .boot, now: now, into: &effects)
      case .swap:
        giveUpDrain(into: &effects)
        refresh(into: &effects)
      case .news, .takeover: break  // whoever still needs it asks again
      }
    }
    // A watch may have died unnoticed where nobody would tell us of a new epoch.
    if role == .unborn || role == .comparing || role == .joining && join.phase == .asking {
      if join.readAt.map({ now - $0 >= 1_000 }) ?? true {
        join.readAt = now
        readMap(for: .news, now: now, into: &effects)
      }
    }
  }
}
