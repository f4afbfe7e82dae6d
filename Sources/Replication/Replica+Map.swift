public import Proto
public import Time

/// The one proposal that a replica may have under way. Settled only when the register holds its id, or its revision
/// moved on.
struct PendingProposal: Equatable, Sendable {
  var entry: MapEntry
  /// What the compare-and-set compares.
  var revision: UInt64
  var sentAt: MonotonicTime
  /// Whether the disk must know of it first: who wins an epoch by its own proposal may lack its opening record, and
  /// nothing else.
  var isNoted: Bool
}

/// A read of the map that is under way.
struct MapReading: Equatable, Sendable {
  enum Purpose { case boot, news, takeover, swap }
  var purpose: Purpose
  var token: UInt64
  var at: MonotonicTime
  /// The epoch when it began.
  var epoch: UInt64
}

extension Replica {
  /// The shard's register was read (`token` of the `readMap`), or a proposal's answer or a watch brought it (`token`
  /// 0). nil: absent.
  public mutating func mapRead(
    _ register: MapRegister?, token: UInt64, now: MonotonicTime, into effects: inout [Effect]
  ) {
    if role == .starting {
      // Only a read that began after this process did says which epochs an earlier process cannot have led.
      guard let reading, reading.token == token else {
        if let register, register.entry.epoch > start.early?.entry.epoch ?? 0 { start.early = register }
        return
      }
      self.reading = nil
      let (early, firstRoles) = (start.early, start.firstRoles)
      boot(register, firstRoles, now: now, into: &effects)
      if let early { adopt(early, now: now, into: &effects) }
      return refresh(into: &effects)
    }
    var answered: MapReading?
    if let reading, reading.token == token { (answered, self.reading) = (reading, nil) }
    let confirmation = role == .primary ? lead.takeConfirmation(token) : nil
    let before = epoch
    if let register { adopt(register, now: now, into: &effects) }
    // A read that began after this epoch was known, and does not show it: the coordinator is not what it was.
    if epoch == before, answered?.epoch == epoch || confirmation?.epoch == epoch {
      compare(with: register, now: now, into: &effects)
    }
    if let confirmation, role == .primary, confirmation.epoch == epoch, !isBehindMap {
      lead.confirmed = max(lead.confirmed, confirmation.number)
      recommit(into: &effects)
      confirmAlone(now: now, into: &effects)
    }
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
  public mutating func mapUnreachable(token: UInt64, now: MonotonicTime, into effects: inout [Effect]) {
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

  private mutating func boot(
    _ register: MapRegister?, _ firstRoles: FirstRoles?, now: MonotonicTime, into effects: inout [Effect]
  ) {
    base = register?.revision ?? 0
    guard let register else {
      become(.unborn(Unborn(firstRoles: firstRoles)), into: &effects)
      let known = max(end.epoch, noteOfEntry?.epoch ?? 0)
      if end.index > 0 || known > 0 {
        // Somebody lost the register. What it said is not known here: a live replica that knows writes it anew, or an
        // operator decides.
        epoch = known
        suspicion = suspicion.worse(.unproven)
        effects.append(.note(.mapIsOlder(found: nil, known: epoch)))
        effects.append(.note(.suspectWaits(suspicion)))
      }
      proposeBirth(now: now, into: &effects)
      return
    }
    if hasOutlived(register.entry) {
      epoch = max(end.epoch, noteOfEntry?.epoch ?? 0)
      bootEpoch = epoch
      suspicion = suspicion.worse(.unproven)
      become(.idle(Idle(since: nil)), into: &effects)
      effects.append(.note(.mapIsOlder(found: register.entry.epoch, known: epoch)))
      raise(register, now: now, into: &effects)
      return
    }
    if register.entry.names(me), end.epoch < register.entry.epoch, register.entry.proposal != noted {
      suspicion = suspicion.worse(.unproven)
    }
    bootEpoch = register.entry.epoch
    self.register = register
    epoch = register.entry.epoch
    enter(now: now, into: &effects)
  }

  /// Whether the coordinator has forgotten what this replica's disk knows: a later epoch, or that this one was won by
  /// another proposal.
  private func hasOutlived(_ entry: MapEntry) -> Bool {
    if end.epoch > entry.epoch { return true }
    guard let noteOfEntry else { return false }
    return noteOfEntry.epoch > entry.epoch
      || noteOfEntry.epoch == entry.epoch && noteOfEntry.proposal != entry.proposal
  }

  /// A fresh read showed `found` in this replica's newest epoch. If the coordinator has gone back behind that, it is
  /// settled above: nobody ever goes back behind an epoch.
  private mutating func compare(
    with found: MapRegister?, now: MonotonicTime, into effects: inout [Effect]
  ) {
    let isSame = found.map { $0.entry.epoch == epoch && (register == nil || $0.entry == register?.entry) }
    guard !(isSame ?? (epoch == 0)) else {
      base = found?.revision ?? 0
      isBehindMap = false
      // What the register holds may have been written again, by a coordinator that was put back and settled.
      return aimAnew(now: now, into: &effects)
    }
    base = found?.revision ?? 0
    if !isBehindMap { effects.append(.note(.mapIsOlder(found: found?.entry.epoch, known: epoch))) }
    isBehindMap = true
    if role == .primary { recommit(into: &effects) }
    if isRaising {
      proposal = nil
      if let found { raise(found, now: now, into: &effects) }
    } else if proposal != nil {
      aimAnew(now: now, into: &effects)
    } else if role == .primary, lead.resignation == nil {
      // What was true before is said again, in a new epoch: with the follower that answers need, or without.
      let place = lead.peers.firstIndex { $0.isFollower && !$0.mustGo }
      let follower = place.map { lead.peers[$0].id }
      lead.drain = nil
      propose(primary: me, follower: follower, now: now, into: &effects)
    } else if let register, register.entry.primary != me {
      // Who leads may have started since, and know only what the coordinator does.
      effects.append(.send(.map(register), to: register.entry.primary))
    }
  }

  /// The proposal that is under way, to the register as a fresh read showed it: with another revision it can never win.
  private mutating func aimAnew(now: MonotonicTime, into effects: inout [Effect]) {
    guard var pending = proposal, pending.revision != base else { return }
    (pending.revision, pending.sentAt) = (base, now)
    proposal = pending
    effects.append(.propose(pending.entry, revision: base, noted: pending.isNoted))
  }

  /// The log holds an epoch that the map does not, and who was named in it is not known: all that the older entry
  /// names, and this replica, are named in an epoch above both, in which each of them finds itself suspect. So they
  /// compare their ends.
  private mutating func raise(
    _ found: MapRegister, now: MonotonicTime, into effects: inout [Effect]
  ) {
    isRaising = true
    let follower = found.entry.follower ?? (found.entry.primary == me ? nil : me)
    propose(primary: found.entry.primary, follower: follower, isNoted: false, now: now, into: &effects)
  }

  /// A register is known. Older ones than the newest known say nothing.
  mutating func adopt(_ new: MapRegister, now: MonotonicTime, into effects: inout [Effect]) {
    guard new.entry.epoch > epoch else { return }
    register = new
    epoch = new.entry.epoch
    base = new.revision
    isBehindMap = false
    isRaising = false
    if let pending = proposal {
      proposal = nil
      if new.entry.proposal != pending.entry.proposal {
        effects.append(.note(.proposalLost(epoch: pending.entry.epoch)))
      }
    }
    enter(now: now, into: &effects)
  }

  /// Takes the role that the newest register gives, unless this replica can do nothing more.
  mutating func enter(now: MonotonicTime, into effects: inout [Effect]) {
    guard role != .halted, let entry = register?.entry else { return }
    if isReloading {
      entersLater = true
      return
    }
    let old = entered
    let oldRole = role
    entered = entry
    if entry.names(me) { effects.append(.noteEntry(entry)) }
    if oldRole == .primary || oldRole == .comparing, entry.primary != me, let register {
      // Who goes on should not have to wait for its watch.
      effects.append(.send(.map(register), to: entry.primary))
    }
    if entry.primary == me {
      // Whoever leads an epoch knows that it was named in the one before, in this process: then nothing answered can be
      // missing here, and no earlier process of this replica led this epoch.
      let wasNamed =
        old.map { ($0.primary == me || $0.follower == me) && $0.epoch &+ 1 == entry.epoch } ?? (entry.epoch == 1)
      // Its primary's own name again, proposed by another: a replica raised the epoch, because it knows of one that the
      // coordinator forgot.
      let isRaised = old?.primary == me && entry.proposal != lastProposed && entry.proposal != noted
      if entry.epoch != bootEpoch, wasNamed, oldRole != .joining, !isRaised {
        beginLead(entry, from: old, now: now, into: &effects)
      } else {
        beginComparing(entry, now: now, into: &effects)
      }
    } else if entry.follower == me {
      if !isNamedInTurn(entry, after: old) { suspicion = suspicion.worse(.unproven) }
      beginFollow(entry, now: now, into: &effects)
    } else {
      beginJoin(entry, now: now, into: &effects)
    }
    refresh(into: &effects)
  }

  /// Whether this process knows that its log is the one that an entry names as follower: it was named in the epoch
  /// before, or it caught up in it. Otherwise another process of this name may have done that, from another disk.
  private func isNamedInTurn(_ entry: MapEntry, after old: MapEntry?) -> Bool {
    // What the first read showed was judged by the log.
    guard let old else { return true }
    return old.epoch &+ 1 == entry.epoch && (old.names(me) || acknowledgedIn == old.epoch)
  }

  /// Proposes an entry of the next epoch. A shard's replica has one proposal at a time.
  mutating func propose(
    primary: ReplicaID, follower: ReplicaID?, isNoted: Bool = true, now: MonotonicTime,
    into effects: inout [Effect]
  ) {
    guard proposal == nil else { return }
    let entry = MapEntry(epoch: epoch &+ 1, primary: primary, follower: follower, proposal: nextRandom())
    lastProposed = entry.proposal
    // What names another as primary is no proof of this replica's log.
    let isNoted = isNoted && primary == me
    proposal = PendingProposal(entry: entry, revision: base, sentAt: now, isNoted: isNoted)
    effects.append(.note(.proposed(entry)))
    effects.append(.propose(entry, revision: base, noted: isNoted))
    refresh(into: &effects)
  }

  mutating func proposeBirth(now: MonotonicTime, into effects: inout [Effect]) {
    guard role == .unborn, let roles = unborn.firstRoles, roles.primary == me, proposal == nil,
      end.index == 0
    else { return }
    propose(primary: me, follower: roles.follower == me ? nil : roles.follower, now: now, into: &effects)
  }

  mutating func readMap(for purpose: MapReading.Purpose, now: MonotonicTime, into effects: inout [Effect]) {
    if purpose == .news, reading != nil { return }
    let reading = MapReading(purpose: purpose, token: nextToken(), at: now, epoch: epoch)
    self.reading = reading
    mapAskedAt = now
    effects.append(.readMap(token: reading.token))
  }

  /// What is still unanswered by the coordinator is asked again.
  mutating func tickMap(now: MonotonicTime, into effects: inout [Effect]) {
    if var pending = proposal, now - pending.sentAt >= config.proposalResend {
      pending.sentAt = now
      proposal = pending
      effects.append(.propose(pending.entry, revision: pending.revision, noted: pending.isNoted))
      // It may compare a revision that the coordinator no longer has.
      readMap(for: .news, now: now, into: &effects)
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
    // A watch may have died unnoticed, and a coordinator that went back tells nobody.
    if role != .starting, role != .halted, mapAskedAt.map({ now - $0 >= config.mapEvery }) ?? true {
      readMap(for: .news, now: now, into: &effects)
    }
    confirmAlone(now: now, into: &effects)
  }

  /// A primary without a follower has nobody to fence it: before it answers, the coordinator must have said, in a read
  /// begun after the requests were read, that nobody else was named.
  mutating func confirmAlone(now: MonotonicTime, into effects: inout [Effect]) {
    guard role == .primary, !needsPeer, lead.tagged > lead.confirmed, number >= lead.tagged else { return }
    if let last = lead.confirmations.last {
      guard now - last.at >= 2 * config.askAgain else { return }
      // The answer to an earlier one still counts, should it come.
      if lead.confirmations.count >= 4 { lead.confirmations.removeFirst() }
    }
    let confirmation = Confirmation(token: nextToken(), number: number, epoch: epoch, at: now)
    lead.confirmations.append(confirmation)
    mapAskedAt = now
    effects.append(.readMap(token: confirmation.token))
  }
}
