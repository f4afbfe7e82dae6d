import Proto

/// What a follower, or a joiner to whom frames flow, keeps for its epoch.
struct Follow: Sendable {
  /// The highest send number of this epoch that came.
  var number: UInt64 = 0
  var wantsAcknowledgement = false
  /// An envelope showed that something was missed.
  var misses = false
  var lastHeard: MonotonicMilliseconds = 0
  /// When it became follower, and whether it was said since that it waits as a suspect.
  var since: MonotonicMilliseconds = 0
  var hasWarned = false
  /// Silence after which this follower tries to take over.
  var timeout: MonotonicMilliseconds = 0
  /// The primary resigned, or an operator declared it dead.
  var mustTakeOver = false
  /// Why the primary is asked to go on alone, until the map says that it does.
  var plea: ReplicaMessage.AloneReason?
  /// When the plea, or the comparison of a suspect follower, was sent last.
  var askedAt: MonotonicMilliseconds?
  var readAt: MonotonicMilliseconds?
  /// When the primary was told last that this process is about to end, and whether it answered.
  var toldEndAt: MonotonicMilliseconds?
  var mayEnd = false
  /// The primary's digest, to be compared when the record is reached.
  var theirs: Checkpoint?
  /// The own digest at the last checkpoint.
  var checkpoint: Checkpoint?
  /// A replay that settles whose digest is right.
  var replay: (token: UInt64, mine: Checkpoint, theirs: Checkpoint)?
  /// The replay showed that this replica's own log gives this digest: the primary must look.
  var dispute: Checkpoint?
}

extension Replica {
  mutating func beginFollow(
    _ entry: MapEntry, from oldRole: Role, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {
    role = .follower
    follow = Follow(lastHeard: now, since: now, timeout: drawTimeout())
    if rebuild != .nothing { follow.plea = .damaged }
    effects.append(.note(.becameFollower(epoch: entry.epoch, primary: entry.primary)))
    acknowledgeSoon()
    if isFull { follow.plea = nil }
  }

  private mutating func acknowledgeSoon() { follow.wantsAcknowledgement = follow.number > 0 }

  /// Whether this replica repeats what `sender` says in this epoch.
  private func follows(_ sender: ReplicaID) -> Bool {
    guard let entry = register?.entry, entry.primary == sender, !isReloading else { return false }
    switch role {
    case .follower: return suspicion == .none && rebuild != .log && follow.plea != .damaged
    case .joining: return join.phase.isStreaming
    case .starting, .unborn, .comparing, .primary, .idle, .halted: return false
    }
  }

  /// An envelope of the primary, with or without a frame.
  mutating func follow(
    _ envelope: Envelope, _ frame: LogFrame?, from sender: ReplicaID, now: MonotonicMilliseconds,
    into effects: inout [Effect]
  ) {
    guard register?.entry.primary == sender else { return }
    clock.hear(envelope.stamp, now: now)
    if role == .follower { follow.lastHeard = now }
    guard follows(sender) else { return }
    if role == .joining {
      guard case .streaming(let session) = join.phase, envelope.number >= session else { return }
    }
    follow.lastHeard = now
    follow.number = max(follow.number, envelope.number)
    if let checkpoint = envelope.checkpoint { follow.theirs = checkpoint }
    if let frame { return take(frame, of: envelope, into: &effects) }
    follow.wantsAcknowledgement = true
    if envelope.previous > end.index { follow.misses = true }
    committed = max(committed, min(envelope.committed, end.index))
    compareDigests(now: now, into: &effects)
  }

  private mutating func take(_ frame: LogFrame, of envelope: Envelope, into effects: inout [Effect]) {
    defer { committed = max(committed, min(envelope.committed, end.index)) }
    guard frame.shard == shard, frame.kind == .records, frame.count > 0, frame.epoch <= envelope.epoch else { return }
    if frame.lastIndex <= end.index {
      // A frame of an epoch that this log never reached, or another at its very end: not the same log.
      if frame.epoch > end.epoch || frame.lastIndex == end.index && frame.chain != end.chain {
        return doubtOwnLog(into: &effects)
      }
      follow.wantsAcknowledgement = true
    } else if frame.firstIndex > end.index &+ 1 {
      follow.misses = true
      follow.wantsAcknowledgement = true
    } else if frame.firstIndex == end.index &+ 1, frame.previousChain == end.chain, frame.epoch >= end.epoch {
      if isFull {
        follow.wantsAcknowledgement = true
        if role == .follower { follow.plea = follow.plea ?? .diskFull }
      } else {
        effects.append(.appendFrame)
      }
    } else {
      // It stands in sequence but does not chain: one of the two logs is not what it was.
      doubtOwnLog(into: &effects)
    }
  }

  /// This log cannot go on from here: leave the pair, then be rebuilt.
  private mutating func doubtOwnLog(into effects: inout [Effect]) {
    rebuild = .log
    switch role {
    case .follower: follow.plea = .damaged
    case .joining: join.phase = .asking
    case .starting, .unborn, .comparing, .primary, .idle, .halted: break
    }
  }

  mutating func appendedAsFollower(now: MonotonicMilliseconds, into effects: inout [Effect]) {
    compareDigests(now: now, into: &effects)
  }

  /// Compares the digests if this replica stands at the primary's checkpoint.
  private mutating func compareDigests(now: MonotonicMilliseconds, into effects: inout [Effect]) {
    guard let theirs = follow.theirs, theirs.index <= end.index else { return }
    follow.theirs = nil
    guard theirs.index == end.index, let lastDigest else { return }
    let mine = Checkpoint(index: end.index, digest: lastDigest)
    follow.checkpoint = mine
    guard mine.digest != theirs.digest, follow.replay == nil, follow.dispute == nil, follow.plea == nil,
      rebuild == .nothing
    else { return }
    effects.append(.note(.digestDiffers(index: mine.index, mine: mine.digest, theirs: theirs.digest)))
    let token = nextToken()
    follow.replay = (token, mine, theirs)
    effects.append(.replay(index: mine.index, token: token))
  }

  /// The digest that the own log gives at the index of an `Effect.replay`; nil: it no longer reaches back.
  public mutating func replayed(
    _ digest: UInt64?, token: UInt64, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {
    defer { refresh(into: &effects) }
    if role == .primary { return replayedAsPrimary(digest, token: token, now: now, into: &effects) }
    guard let replay = follow.replay, replay.token == token, role == .follower || role == .joining else { return }
    follow.replay = nil
    if digest == replay.mine.digest {
      // The own log says the same as the memory: the primary must replay its own.
      follow.dispute = replay.mine
    } else if digest == replay.theirs.digest {
      rebuildInPlace(.memory)
    } else {
      rebuildInPlace(.log)
    }
  }

  /// A named follower asks to be left behind first; a joiner begins again.
  private mutating func rebuildInPlace(_ what: Rebuild) {
    rebuild = what
    if role == .follower {
      follow.plea = .digest
    } else {
      join.phase = .asking
    }
  }

  /// Sends what one acknowledgement can say for the whole turn.
  mutating func acknowledge(now: MonotonicMilliseconds, into effects: inout [Effect]) {
    guard follow.wantsAcknowledgement, follow.number > 0, let primary = register?.entry.primary,
      follows(primary)
    else { return }
    follow.wantsAcknowledgement = false
    let ack = Acknowledgement(
      epoch: epoch, durable: durable, number: follow.number, end: end.index, missing: follow.misses, full: isFull,
      checkpoint: follow.checkpoint)
    follow.misses = false
    acknowledgedIn = epoch
    effects.append(.send(.acknowledgement(ack), to: primary))
  }

  mutating func tickAsFollower(now: MonotonicMilliseconds, into effects: inout [Effect]) {
    guard let entry = register?.entry else { return }
    let isTimeToAsk = follow.askedAt.map { now - $0 >= config.askAgain } ?? true
    if let plea = follow.plea, isTimeToAsk {
      follow.askedAt = now
      effects.append(.send(.goAlone(epoch: epoch, reason: plea), to: entry.primary))
    } else if let dispute = follow.dispute, isTimeToAsk {
      follow.askedAt = now
      effects.append(.send(.dispute(epoch: epoch, dispute), to: entry.primary))
    } else if suspicion != .none, !isReloading, isTimeToAsk {
      follow.askedAt = now
      effects.append(
        .send(.compare(ReplicaEnd(epoch: epoch, end: end, suspicion: suspicion)), to: entry.primary))
    }
    if suspicion != .none, !follow.hasWarned, now - follow.since > 2 * config.failureTimeout {
      follow.hasWarned = true
      effects.append(.note(.suspectWaits(suspicion)))
    }
    if isEnding, follow.toldEndAt.map({ now - $0 >= config.heartbeat }) ?? true {
      follow.toldEndAt = now
      effects.append(.send(.ending(epoch: epoch, isAnswer: false), to: entry.primary))
    }
    tryToTakeOver(now: now, into: &effects)
  }

  /// The primary will not name this replica primary while it ends.
  mutating func mayEnd(says sender: ReplicaID) {
    if role == .follower, register?.entry.primary == sender { follow.mayEnd = true }
  }

  /// Whether this follower's log may be led with: it is not damaged, and not being exchanged.
  private var isSound: Bool {
    return suspicion == .none && rebuild == .nothing && !isReloading && follow.plea != .damaged
  }

  /// Starts a takeover if the primary is silent: the map is read afresh first.
  mutating func tryToTakeOver(now: MonotonicMilliseconds, into effects: inout [Effect]) {
    guard role == .follower, isSound, proposal == nil, !isFull, !isEnding else { return }
    let silence = now - follow.lastHeard
    guard follow.mustTakeOver || silence >= follow.timeout else { return }
    if let reading, reading.purpose == .takeover { return }
    effects.append(.note(.peerSilent(register?.entry.primary ?? me, milliseconds: silence)))
    readMap(for: .takeover, now: now, into: &effects)
  }

  /// The map was read afresh, and says the same as before.
  mutating func takeOver(now: MonotonicMilliseconds, into effects: inout [Effect]) {
    guard role == .follower, isSound, proposal == nil,
      follow.mustTakeOver || now - follow.lastHeard >= follow.timeout
    else { return }
    propose(primary: me, follower: nil, now: now, into: &effects)
  }

  /// The other one can do nothing more: that counts as silence.
  mutating func resigned(_ sender: ReplicaID, now: MonotonicMilliseconds, into effects: inout [Effect]) {
    guard let entry = register?.entry else { return }
    if role == .follower, entry.primary == sender {
      follow.mustTakeOver = true
      tryToTakeOver(now: now, into: &effects)
    } else if role == .primary, entry.follower == sender {
      askedToGoAlone(by: sender, now: now, into: &effects)
    } else if role == .comparing, entry.follower == sender {
      comparison.isPeerGone = true
    }
  }

  /// Tells a peer that speaks of an old epoch what the map says; asks the map about a newer one.
  mutating func inform(
    _ peer: ReplicaID, of theirEpoch: UInt64, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {
    if theirEpoch > epoch {
      if follow.readAt.map({ now - $0 >= 20 }) ?? true {
        follow.readAt = now
        readMap(for: .news, now: now, into: &effects)
      }
    } else if theirEpoch < epoch, let register {
      effects.append(.send(.map(register), to: peer))
    }
  }
}
