import Proto
public import Time

/// What a follower, and a joiner to whom frames flow, knows of what its primary sends.
///
/// A joiner keeps it through its next attempt: a replay of its log that began in this one may still end, and says
/// whether the log must be replaced.
struct Intake: Sendable {
  /// The highest send number of this epoch that came.
  var number: UInt64 = 0
  var wantsAcknowledgement = false
  /// An envelope showed that something was missed.
  var misses = false
  var lastHeard: MonotonicTime
  /// The primary's digest, to be compared when the record is reached.
  var theirs: Checkpoint?
  /// The own digest at the last checkpoint.
  var checkpoint: Checkpoint?
  /// A replay that settles whose digest is right.
  var replay: (token: UInt64, mine: Checkpoint, theirs: Checkpoint)?
  /// The replay showed that this replica's own log gives this digest: the primary must look.
  var dispute: Checkpoint?

  mutating func hear(_ envelope: Envelope, now: MonotonicTime) {
    lastHeard = now
    number = max(number, envelope.number)
    if let checkpoint = envelope.checkpoint { theirs = checkpoint }
  }

  /// What is acknowledged now; nothing more waits to be then.
  mutating func acknowledgement(epoch: UInt64, durable: UInt64, end: UInt64, isFull: Bool) -> Acknowledgement {
    defer { (wantsAcknowledgement, misses) = (false, false) }
    return Acknowledgement(
      epoch: epoch, durable: durable, number: number, end: end, missing: misses, full: isFull, checkpoint: checkpoint)
  }
}

/// What a follower keeps for its epoch.
struct Follow: Sendable {
  /// When it became follower, and whether it was said since that it waits as a suspect.
  var since: MonotonicTime
  var hasWarned = false
  /// Silence after which this follower tries to take over.
  var timeout: Milliseconds
  /// The primary resigned.
  var hasPrimaryResigned = false
  /// An operator declared the primary dead.
  var isPrimaryDeclaredDead = false
  /// Whether or not the primary is silent.
  var mustTakeOver: Bool { hasPrimaryResigned || isPrimaryDeclaredDead }
  /// Why the primary is asked to go on alone, until the map says that it does.
  var plea: ReplicaMessage.AloneReason?
  /// When the plea, the dispute or the comparison of a suspect follower was sent last.
  var askedAt: MonotonicTime?
  /// The primary said that its process is about to end.
  var primaryEnds = false
  /// The primary answered that it knows of this process's end.
  var mayEnd = false
}

extension Replica {
  mutating func beginFollow(_ entry: MapEntry, now: MonotonicTime, into effects: inout [Effect]) {
    newsAskedAt = nil
    let new = Follow(since: now, timeout: drawTimeout())
    become(.follower(new, Intake(lastHeard: now)), into: &effects)
    if rebuild != .nothing, !isFull { follow.plea = .damaged }
    effects.append(.note(.becameFollower(epoch: entry.epoch, primary: entry.primary)))
  }

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
    _ envelope: Envelope, _ frame: LogFrame?, from sender: ReplicaID, now: MonotonicTime,
    into effects: inout [Effect]
  ) {
    guard register?.entry.primary == sender else { return }
    clock.hear(envelope.stamp, now: now)
    if role == .follower { intake.lastHeard = now }
    guard follows(sender) else { return }
    if role == .joining {
      guard case .streaming(let session) = join.phase, envelope.number >= session else { return }
    }
    intake.hear(envelope, now: now)
    if let frame { return take(frame, of: envelope, into: &effects) }
    intake.wantsAcknowledgement = true
    if envelope.previous > end.index { intake.misses = true }
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
      intake.wantsAcknowledgement = true
    } else if frame.firstIndex > end.index &+ 1 {
      intake.misses = true
      intake.wantsAcknowledgement = true
    } else if frame.firstIndex == end.index &+ 1, frame.previousChain == end.chain, frame.epoch >= end.epoch {
      if isFull {
        intake.wantsAcknowledgement = true
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

  /// Compares the digests if this replica stands at the primary's checkpoint.
  mutating func compareDigests(now: MonotonicTime, into effects: inout [Effect]) {
    guard let theirs = intake.theirs, theirs.index <= end.index else { return }
    intake.theirs = nil
    guard theirs.index == end.index, let lastDigest else { return }
    let mine = Checkpoint(index: end.index, digest: lastDigest)
    intake.checkpoint = mine
    guard mine.digest != theirs.digest, intake.replay == nil, intake.dispute == nil, rebuild == .nothing else { return }
    if role == .follower, follow.plea != nil { return }
    effects.append(.note(.digestDiffers(index: mine.index, mine: mine.digest, theirs: theirs.digest)))
    let token = nextToken()
    intake.replay = (token, mine, theirs)
    effects.append(.replay(index: mine.index, token: token))
  }

  /// The digest that the own log gives at the index of an `Effect.replay`; nil: it no longer reaches back.
  public mutating func replayed(
    _ digest: UInt64?, token: UInt64, now: MonotonicTime, into effects: inout [Effect]
  ) {
    defer { refresh(into: &effects) }
    if role == .primary { return replayedAsPrimary(digest, token: token, now: now, into: &effects) }
    guard takesFramesIn, let replay = intake.replay, replay.token == token else { return }
    intake.replay = nil
    if digest == replay.mine.digest {
      // The own log says the same as the memory: the primary must replay its own.
      intake.dispute = replay.mine
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
  mutating func acknowledge(now: MonotonicTime, into effects: inout [Effect]) {
    guard intake.wantsAcknowledgement, intake.number > 0, let primary = register?.entry.primary, follows(primary)
    else { return }
    let ack = intake.acknowledgement(epoch: epoch, durable: durable, end: end.index, isFull: isFull)
    acknowledgedIn = epoch
    effects.append(.send(.acknowledgement(ack), to: primary))
  }

  mutating func tickAsFollower(now: MonotonicTime, into effects: inout [Effect]) {
    guard let entry = register?.entry else { return }
    let isTimeToAsk = follow.askedAt.map { now - $0 >= config.askAgain } ?? true
    if let plea = follow.plea, isTimeToAsk {
      follow.askedAt = now
      effects.append(.send(.goAlone(epoch: epoch, reason: plea), to: entry.primary))
    } else if let dispute = intake.dispute, isTimeToAsk {
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
    tryToTakeOver(now: now, into: &effects)
  }

  /// Whether this follower's log may be led with: it is not damaged, and not being exchanged.
  private var isSound: Bool {
    suspicion == .none && rebuild == .nothing && !isReloading && follow.plea != .damaged
  }

  /// Starts a takeover if the primary is silent: the map is read afresh first.
  mutating func tryToTakeOver(now: MonotonicTime, into effects: inout [Effect]) {
    guard role == .follower, isSound, proposal == nil, !isFull, !isEnding else { return }
    let silence = now - intake.lastHeard
    guard follow.mustTakeOver || silence >= follow.timeout else { return }
    if let reading, reading.purpose == .takeover { return }
    let primary = register?.entry.primary ?? me
    if follow.isPrimaryDeclaredDead {
      effects.append(.note(.peerDeclaredDead(primary)))
    } else if follow.hasPrimaryResigned {
      effects.append(.note(follow.primaryEnds ? .peerEnded(primary) : .peerGaveUp(primary, nil)))
    } else {
      effects.append(.note(.peerSilent(primary, milliseconds: silence)))
    }
    readMap(for: .takeover, now: now, into: &effects)
  }

  /// The map was read afresh, and says the same as before.
  mutating func takeOver(now: MonotonicTime, into effects: inout [Effect]) {
    guard role == .follower, isSound, proposal == nil, !isEnding,
      follow.mustTakeOver || now - intake.lastHeard >= follow.timeout
    else { return }
    propose(primary: me, follower: nil, now: now, into: &effects)
  }

  /// The other one can do nothing more: that counts as silence.
  mutating func resigned(_ sender: ReplicaID, now: MonotonicTime, into effects: inout [Effect]) {
    guard let entry = register?.entry else { return }
    if role == .follower, entry.primary == sender {
      follow.hasPrimaryResigned = true
      tryToTakeOver(now: now, into: &effects)
    } else if role == .primary, entry.follower == sender {
      askedToGoAlone(by: sender, nil, now: now, into: &effects)
    } else if role == .comparing, entry.follower == sender {
      comparison.isPeerGone = true
    }
  }

  /// Tells a peer that speaks of an old epoch what the map says; asks the map about a newer one.
  mutating func inform(
    _ peer: ReplicaID, of theirEpoch: UInt64, now: MonotonicTime, into effects: inout [Effect]
  ) {
    if theirEpoch > epoch {
      if newsAskedAt.map({ now - $0 >= 20 }) ?? true {
        newsAskedAt = now
        readMap(for: .news, now: now, into: &effects)
      }
    } else if theirEpoch < epoch, let register {
      effects.append(.send(.map(register), to: peer))
    }
  }
}
