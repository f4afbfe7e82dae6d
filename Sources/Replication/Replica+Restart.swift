import Proto
import Time

/// What a restarted primary knows of its follower's end.
struct Comparison: Sendable {
  var askedAt: MonotonicTime?
  var deadline: MonotonicTime = .zero
  /// The follower's disk is another, it resigned, or an operator declared it dead.
  var isPeerGone = false
  var hasWarned = false
  /// What to propose once the own end is believed.
  var decision: ReplicaID?
}

extension Replica {
  /// The map names this replica primary of an epoch that an earlier process of it may have led.
  mutating func beginComparing(_ entry: MapEntry, now: MonotonicTime, into effects: inout [Effect]) {
    become(.comparing(Comparison(deadline: now + drawTimeout())), into: &effects)
  }

  mutating func tickComparing(now: MonotonicTime, into effects: inout [Effect]) {
    guard role == .comparing, proposal == nil, !isReloading, !isEnding, let entry = register?.entry else { return }
    guard let follower = entry.follower else {
      // No other copy is named. What a torn write may have held was never answered; what damage ate may have been.
      if !suspicion.mayGoOnAlone { return warn(into: &effects) }
      return decide(for: me, now: now, into: &effects)
    }
    let isSilent = comparison.isPeerGone || now >= comparison.deadline
    if isSilent, suspicion == .none { return decide(for: me, now: now, into: &effects) }
    if isSilent { warn(into: &effects) }
    guard comparison.askedAt.map({ now - $0 >= config.askAgain }) ?? true else { return }
    comparison.askedAt = now
    effects.append(.send(.compare(ReplicaEnd(epoch: epoch, end: end, suspicion: suspicion)), to: follower))
  }

  private mutating func warn(into effects: inout [Effect]) {
    guard !comparison.hasWarned else { return }
    comparison.hasWarned = true
    effects.append(.note(.suspectWaits(suspicion)))
  }

  /// Proposes `winner` to go on; if that is this replica and its end is suspect, a marker comes first.
  mutating func decide(for winner: ReplicaID, now: MonotonicTime, into effects: inout [Effect]) {
    comparison.decision = winner
    if winner == me, suspicion != .none { return believeOwnEnd(into: &effects) }
    conclude(now: now, into: &effects)
  }

  mutating func conclude(now: MonotonicTime, into effects: inout [Effect]) {
    guard let winner = comparison.decision else { return }
    propose(primary: winner, follower: nil, now: now, into: &effects)
  }

  /// Another replica shows its end and asks for this one's.
  mutating func compared(
    _ theirs: ReplicaEnd, by sender: ReplicaID, now: MonotonicTime, into effects: inout [Effect]
  ) {
    guard let entry = register?.entry else { return }
    switch role {
    case .follower where entry.primary == sender:
      intake.lastHeard = now
      if isReloading || rebuild != .nothing || follow.plea == .damaged {
        // A replica that waits to be rebuilt has no end to speak for.
        effects.append(.send(.resign(epoch: epoch), to: sender))
      } else {
        effects.append(.send(.ends(ReplicaEnd(epoch: epoch, end: end, suspicion: suspicion)), to: sender))
      }
    case .primary where entry.follower == sender:
      vouchFor(theirs, of: sender, now: now, into: &effects)
    case .starting, .unborn, .comparing, .primary, .follower, .joining, .idle, .halted: break
    }
  }

  /// A suspect follower asks this primary whether its end is what it should be.
  private mutating func vouchFor(
    _ theirs: ReplicaEnd, of sender: ReplicaID, now: MonotonicTime, into effects: inout [Effect]
  ) {
    guard let place = lead.peers.index(of: sender) else { return }
    // All that was answered lies before this epoch, or was acknowledged in it.
    let needed = max(lead.peers[place].progress.durable, lead.openIndex > 0 ? lead.openIndex &- 1 : end.index)
    if theirs.end.index >= needed, theirs.end.index <= end.index, theirs.suspicion != .stale {
      lead.peers[place].lastHeard = now
      // What it acknowledged before it lost its end may still be on the way: only what answers a later number counts.
      lead.peers[place].session = number &+ 1
      effects.append(.send(.cleared(epoch: epoch), to: sender))
    } else {
      effects.append(.note(.lostAcknowledged(sender, acknowledged: needed, end: theirs.end.index)))
      part(from: place, into: &effects)
    }
  }

  mutating func cleared(by sender: ReplicaID, now: MonotonicTime, into effects: inout [Effect]) {
    guard role == .follower, register?.entry.primary == sender, suspicion != .none, !isReloading
    else { return }
    intake.lastHeard = now
    believeOwnEnd(into: &effects)
  }

  /// The follower's end came: the further goes on, this one if they are equal.
  mutating func ended(
    _ theirs: ReplicaEnd, from sender: ReplicaID, now: MonotonicTime, into effects: inout [Effect]
  ) {
    guard let entry = register?.entry else { return }
    guard role == .comparing, entry.follower == sender, proposal == nil, !isReloading else { return }
    if suspicion != .none, theirs.suspicion != .none, suspicion.isGrave || theirs.suspicion.isGrave {
      return warn(into: &effects)
    }
    let followerWins: Bool
    switch (suspicion.isGrave, theirs.suspicion.isGrave) {
    // A sound copy has all that was acknowledged, however far the other one goes.
    case (true, _): followerWins = true
    case (false, true): followerWins = false
    case (false, false): followerWins = theirs.end.isFurther(than: end)
    }
    decide(for: followerWins ? sender : me, now: now, into: &effects)
  }
}
