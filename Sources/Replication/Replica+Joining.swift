import Proto
public import Time

/// What a replica that the map does not name does to be taken in.
struct Join: Sendable {
  enum Phase: Equatable {
    case asking
    /// The own hash at the primary's cut is being looked up.
    case verifying(JoinAnswer, LogPosition, token: UInt64)
    case cutting(session: UInt64)
    /// Bytes of a snapshot that came, and those of them that the disk has taken: a primary sends no faster than that.
    case receiving(session: UInt64, received: UInt64, stored: UInt64)
    case installing(session: UInt64)
    /// Frames flow; numbers below the session's are of an earlier attempt.
    case streaming(session: UInt64)

    var isStreaming: Bool { if case .streaming = self { true } else { false } }
  }
  var phase: Phase = .asking
  var askedAt: MonotonicTime?
  /// When the primary was told last that its digest is disputed.
  var disputedAt: MonotonicTime?
  /// When the primary was last heard in this attempt.
  var lastHeard: MonotonicTime
}

extension Replica {
  mutating func beginJoin(_ entry: MapEntry, now: MonotonicTime, into effects: inout [Effect]) {
    if role == .follower, rebuild == .nothing, intake.dispute != nil { rebuild = .log }
    newsAskedAt = nil
    guard config.joins else { return become(.idle(Idle(since: now)), into: &effects) }
    become(.joining(Join(lastHeard: now), Intake(lastHeard: now)), into: &effects)
    effects.append(.note(.joining(epoch: entry.epoch, primary: entry.primary)))
  }

  mutating func tickAsJoiner(now: MonotonicTime, into effects: inout [Effect]) {
    guard let primary = register?.entry.primary else { return }
    switch join.phase {
    case .asking:
      guard !isFull, !isReloading, !isEnding, join.askedAt.map({ now - $0 >= config.askAgain }) ?? true else { return }
      join.askedAt = now
      effects.append(
        .send(.join(JoinRequest(epoch: epoch, table: table.entries, wantsSnapshot: rebuild == .log)), to: primary))
    case .streaming:
      if now - intake.lastHeard >= 2 * config.failureTimeout {
        // A primary that was told of another digest, and found its own right, is silent for good.
        if intake.dispute != nil { rebuild = .log }
        askAnew()
      } else if let dispute = intake.dispute, join.disputedAt.map({ now - $0 >= config.askAgain }) ?? true {
        join.disputedAt = now
        effects.append(.send(.dispute(epoch: epoch, dispute), to: primary))
      }
    case .receiving(let session, let received, let stored):
      if now - join.lastHeard >= 4 * config.failureTimeout { return askAnew() }
      // What is still being stored was not lost.
      guard received == stored, join.askedAt.map({ now - $0 >= config.askAgain }) ?? true else { return }
      join.askedAt = now
      effects.append(
        .send(.snapshotProgress(SnapshotProgress(epoch: epoch, session: session, received: stored)), to: primary))
    case .verifying:
      if now - join.lastHeard >= 4 * config.failureTimeout { askAnew() }
    case .cutting, .installing: break  // the edge will say when it is done
    }
  }

  private mutating func askAnew() {
    join.phase = .asking
    join.askedAt = nil
  }

  /// The primary says where to cut, or that a snapshot comes.
  mutating func joinAnswered(
    _ answer: JoinAnswer, by sender: ReplicaID, now: MonotonicTime, into effects: inout [Effect]
  ) {
    guard role == .joining, register?.entry.primary == sender else { return }
    join.lastHeard = now
    switch join.phase {
    case .asking, .verifying: break
    case .cutting(let session):
      // Asked twice, answered twice: a log that is being cut is cut to the same place.
      if answer.number > session, case .cut = answer.way { join.phase = .cutting(session: answer.number) }
      return
    case .receiving(let session, _, _):
      if answer.number <= session { return }
    case .installing: return
    case .streaming(let session):
      guard answer.number > session else { return }
      switch answer.way {
      case .snapshot: break  // the primary's log no longer reaches back to this end
      case .cut:
        join.phase = .streaming(session: answer.number)
        intake.number = max(intake.number, answer.number)
        intake.wantsAcknowledgement = true
        return
      }
    }
    switch answer.way {
    case .snapshot:
      join.phase = .receiving(session: answer.number, received: 0, stored: 0)
      join.askedAt = now
    case .cut(let position):
      guard rebuild != .log, position.index <= end.index else { return askAnew() }
      if position == end || position.index == 0 { return cut(to: position, answer, now: now, into: &effects) }
      if let chain = table.chain(at: position.index) {
        guard chain == position.chain else { return refuse(now: now, into: &effects) }
        return cut(to: position, answer, now: now, into: &effects)
      }
      let token = nextToken()
      join.phase = .verifying(answer, position, token: token)
      effects.append(.lookUpChain(index: position.index, token: token))
    }
  }

  /// The hash at the cut was looked up; an absent one counts as different.
  mutating func verified(
    _ chain: UInt64?, token: UInt64, now: MonotonicTime, into effects: inout [Effect]
  ) {
    guard case .verifying(let answer, let position, token) = join.phase else { return }
    guard chain == position.chain else { return refuse(now: now, into: &effects) }
    cut(to: position, answer, now: now, into: &effects)
  }

  /// No common prefix could be shown: a snapshot must replace this log.
  private mutating func refuse(now: MonotonicTime, into effects: inout [Effect]) {
    rebuild = .log
    askAnew()
  }

  private mutating func cut(
    to position: LogPosition, _ answer: JoinAnswer, now: MonotonicTime, into effects: inout [Effect]
  ) {
    if position == end, suspicion == .none, rebuild == .nothing {
      return beginStream(session: answer.number, now: now)
    }
    if position.index < end.index { effects.append(.note(.tailCut(from: end.index, to: position.index))) }
    join.phase = .cutting(session: answer.number)
    isReloading = true
    effects.append(.cut(to: position))
  }

  private mutating func beginStream(session: UInt64, now: MonotonicTime) {
    join.phase = .streaming(session: session)
    join.disputedAt = nil
    intake = Intake(number: session, wantsAcknowledgement: true, lastHeard: now)
  }

  mutating func received(
    _ chunk: SnapshotChunk, from sender: ReplicaID, now: MonotonicTime, into effects: inout [Effect]
  ) {
    guard role == .joining, register?.entry.primary == sender, !isReloading,
      case .receiving(let session, let received, let stored) = join.phase, chunk.session == session
    else { return }
    join.lastHeard = now
    guard chunk.offset == received else { return }
    effects.append(.storeChunk(chunk))
    join.askedAt = now
    join.phase = .receiving(session: session, received: received + UInt64(chunk.byteCount), stored: stored)
    if chunk.isLast {
      join.phase = .installing(session: session)
      isReloading = true
      effects.append(.installSnapshot)
    }
  }

  /// The chunks of this session before `offset` were stored, or cannot be and spoil the whole, as `installSnapshot`
  /// will find.
  public mutating func chunkStored(
    session: UInt64, through offset: UInt64, now: MonotonicTime, into effects: inout [Effect]
  ) {
    guard role == .joining, let primary = register?.entry.primary,
      case .receiving(session, let received, let stored) = join.phase, offset > stored, offset <= received
    else { return }
    (join.lastHeard, join.askedAt) = (now, now)
    join.phase = .receiving(session: session, received: received, stored: offset)
    effects.append(
      .send(.snapshotProgress(SnapshotProgress(epoch: epoch, session: session, received: offset)), to: primary))
  }

  /// A `cut` or `installSnapshot` is done: marker durable, memory loaded.
  public mutating func reloaded(_ log: LogState, now: MonotonicTime, into effects: inout [Effect]) {
    precondition(isReloading, "the edge reloads when it is asked to")
    isReloading = false
    committed = 0
    take(log)
    if suspicion != .none { effects.append(.note(.suspectCleared)) }
    suspicion = .none
    rebuild = .nothing
    if role == .halted { return refresh(into: &effects) }
    if entersLater {
      entersLater = false
      takesAll = false
      enter(now: now, into: &effects)
      return refresh(into: &effects)
    }
    if takesAll {
      takesAll = false
      propose(primary: me, follower: nil, now: now, into: &effects)
      return refresh(into: &effects)
    }
    switch role {
    case .joining:
      switch join.phase {
      case .cutting(let session), .installing(let session): beginStream(session: session, now: now)
      // Damage was found meanwhile: the joiner asks anew.
      case .asking, .verifying, .receiving, .streaming: break
      }
    case .follower:
      intake.lastHeard = now
      intake.wantsAcknowledgement = intake.number > 0
    case .comparing: conclude(now: now, into: &effects)
    case .primary: askToOpen(now: now, into: &effects)
    case .starting, .unborn, .idle, .halted: break
    }
    refresh(into: &effects)
  }

  /// A marker says that the own end is the end, although something unreadable follows it.
  mutating func believeOwnEnd(into effects: inout [Effect]) {
    isReloading = true
    effects.append(.cut(to: end))
  }
}
