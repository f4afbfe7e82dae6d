public import Proto

/// A snapshot on its way to a joiner.
struct Transfer: Equatable, Sendable {
  /// nil: not ready yet.
  var position: LogPosition?
  var sent: UInt64 = 0
  var received: UInt64 = 0
  var isAllSent = false
  /// The edge is sending.
  var isSending = false
}

// How a primary brings a joiner, or a follower that missed something, up to its own end.
extension Replica {
  /// A replica shows its table and wants to be taken in.
  mutating func takeIn(
    _ request: JoinRequest, from sender: ReplicaID, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {
    guard role == .primary, let entry = register?.entry else { return }
    if entry.follower != nil || proposal != nil || !lead.isOpen || lead.drain != nil || lead.resigns {
      if entry.follower == sender { inform(sender, of: 0, now: now, into: &effects) }
      return
    }
    if let peer = lead.peer {
      if peer.id != sender, now - peer.lastHeard < 4 * config.failureTimeout { return }
      closeTransfer(peer, into: &effects)
    }
    number += 1
    var peer = Peer(
      sender, isNamed: false, stage: .cutting(.start), sentThrough: 0, now: now, timeout: config.failureTimeout)
    peer.session = number
    peer.admitWait = readmissions.wait(for: sender, now: now, config: config)
    peer.admitAt = now + peer.admitWait
    lead.peer = peer
    (lead.agreed, lead.replay, lead.mustGoAlone) = (nil, nil, false)
    recommit(into: &effects)
    if request.wantsSnapshot { return offerSnapshot(into: &effects) }
    guard let last = request.table.last else {
      return offer(cut: .start, into: &effects)
    }
    guard let (mine, theirs) = table.lastCommon(with: request.table) else { return offerSnapshot(into: &effects) }
    _ = last
    // The cut is the smaller of the two ends of the last common epoch, verified by hash.
    if theirs.lastIndex > mine.lastIndex {
      offer(cut: LogPosition(epoch: mine.epoch, index: mine.lastIndex, chain: mine.lastChain), into: &effects)
    } else if theirs.lastIndex == mine.lastIndex {
      guard theirs.lastChain == mine.lastChain else { return offerSnapshot(into: &effects) }
      offer(cut: LogPosition(epoch: mine.epoch, index: mine.lastIndex, chain: mine.lastChain), into: &effects)
    } else {
      let token = nextToken()
      let position = LogPosition(epoch: theirs.epoch, index: theirs.lastIndex, chain: theirs.lastChain)
      lead.peer?.stage = .looking(position, token: token)
      effects.append(.lookUpChain(index: position.index, token: token))
    }
  }

  /// The chain hash that an `Effect.lookUpChain` found; nil: no frame ends there, or the log no longer reaches back.
  public mutating func chainFound(
    _ chain: UInt64?, token: UInt64, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {
    if role == .primary {
      guard let peer = lead.peer, case .looking(let position, token) = peer.stage else { return }
      if chain == position.chain { offer(cut: position, into: &effects) } else { offerSnapshot(into: &effects) }
    } else if role == .joining {
      verified(chain, token: token, now: now, into: &effects)
    }
  }

  private mutating func offer(cut: LogPosition, into effects: inout [Effect]) {
    guard let peer = lead.peer else { return }
    if end.index - min(cut.index, end.index) > config.snapshotBehind { return offerSnapshot(into: &effects) }
    lead.peer?.stage = .cutting(cut)
    effects.append(.send(.joinAnswer(JoinAnswer(epoch: epoch, number: peer.session, way: .cut(cut))), to: peer.id))
  }

  private mutating func offerSnapshot(into effects: inout [Effect]) {
    guard let peer = lead.peer else { return }
    lead.peer?.stage = .snapshot(Transfer())
    effects.append(.send(.joinAnswer(JoinAnswer(epoch: epoch, number: peer.session, way: .snapshot)), to: peer.id))
    effects.append(.openSnapshot(session: peer.session, for: peer.id))
  }

  /// The joiner's first acknowledgement: it stands at the cut, at the snapshot or, if it had been told before, further.
  mutating func beginStreaming(
    _ ack: Acknowledgement, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) -> Bool {
    guard var peer = lead.peer, ack.number >= peer.session, ack.end <= end.index else { return false }
    switch peer.stage {
    case .looking: return false
    case .cutting(let position): if ack.end < position.index { return false }
    case .snapshot(let transfer):
      guard let position = transfer.position, ack.end >= position.index else { return false }
    case .streaming: return true
    }
    closeTransfer(peer, into: &effects)
    peer.stage = .streaming
    peer.sentThrough = ack.end
    peer.isLive = ack.end == end.index
    peer.numberAge = AgeRing(timeout: config.failureTimeout)
    peer.durableAge = AgeRing(timeout: config.failureTimeout)
    if !peer.isLive { peer.durableAge.begin(end.index, now: now) }
    lead.peer = peer
    return true
  }

  /// Asks for the next frames of a peer that is behind, if the window allows.
  mutating func readOn(now: MonotonicMilliseconds, into effects: inout [Effect]) {
    guard let peer = lead.peer, peer.stage == .streaming, !peer.isLive, peer.readToken == nil, peer.readEnds.count < 2,
      !isReloading
    else { return }
    if peer.sentThrough >= end.index {
      lead.peer?.isLive = true
      return
    }
    let token = nextToken()
    lead.peer?.readToken = token
    effects.append(.readFrames(token: token, first: peer.sentThrough &+ 1, bytes: config.catchUpBytes))
  }

  /// One frame of a `readFrames`, in order. `sendFrame` follows, or nothing if the read is no longer wanted.
  public mutating func streamed(
    _ frame: LogFrame, token: UInt64, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {
    guard role == .primary, let peer = lead.peer, peer.readToken == token, frame.firstIndex == peer.sentThrough &+ 1,
      frame.lastIndex <= end.index
    else { return }
    let envelope = nextEnvelope(now: now)
    lead.peer?.sentThrough = frame.lastIndex
    effects.append(.sendFrame(envelope, to: peer.id))
  }

  /// A `readFrames` has no more.
  public mutating func streamEnded(
    _ ending: StreamEnding, token: UInt64, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {
    guard role == .primary, let peer = lead.peer, peer.readToken == token else { return }
    lead.peer?.readToken = nil
    switch ending {
    case .done:
      if peer.sentThrough > (peer.readEnds.last ?? peer.durable) { lead.peer?.readEnds.append(peer.sentThrough) }
      readOn(now: now, into: &effects)
    case .later: break  // the next tick reads again
    case .gone:
      if peer.isNamed { part(into: &effects) } else { offerSnapshotAnew(into: &effects) }
    }
    refresh(into: &effects)
  }

  /// The log no longer reaches back to where the joiner stands.
  private mutating func offerSnapshotAnew(into effects: inout [Effect]) {
    number += 1
    lead.peer?.session = number
    lead.peer?.demandedSince = nil
    offerSnapshot(into: &effects)
    recommit(into: &effects)
  }

  // MARK: Snapshots

  /// The snapshot that `openSnapshot` asked for can be sent. It ends at `position`, which is durable.
  public mutating func snapshotReady(
    session: UInt64, position: LogPosition, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {
    guard role == .primary, let peer = lead.peer, peer.session == session, case .snapshot(var transfer) = peer.stage
    else {
      effects.append(.closeSnapshot(session: session))
      return
    }
    precondition(position.index <= durable, "what is sent as a snapshot is on stable storage here")
    transfer.position = position
    lead.peer?.stage = .snapshot(transfer)
    sendOn(into: &effects)
  }

  private mutating func sendOn(into effects: inout [Effect]) {
    guard let peer = lead.peer, case .snapshot(var transfer) = peer.stage, transfer.position != nil,
      !transfer.isAllSent,
      !transfer.isSending
    else { return }
    let waiting = transfer.sent - min(transfer.received, transfer.sent)
    guard waiting <= config.snapshotWindowBytes / 2 else { return }
    transfer.isSending = true
    lead.peer?.stage = .snapshot(transfer)
    effects.append(
      .sendSnapshot(
        session: peer.session, epoch: epoch, offset: transfer.sent, bytes: config.snapshotWindowBytes - waiting,
        to: peer.id))
  }

  /// Chunks were sent up to `offset`; `isLast`: the snapshot ends there.
  public mutating func snapshotSent(
    session: UInt64, through offset: UInt64, isLast: Bool, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {
    guard role == .primary, let peer = lead.peer, peer.session == session, case .snapshot(var transfer) = peer.stage
    else {
      return
    }
    transfer.isSending = false
    transfer.sent = max(offset, transfer.sent)
    transfer.isAllSent = isLast
    lead.peer?.stage = .snapshot(transfer)
    sendOn(into: &effects)
  }

  /// The joiner says how much has come. The same number twice: the rest was lost on the way.
  mutating func progressed(
    _ progress: SnapshotProgress, from sender: ReplicaID, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {
    guard role == .primary, let peer = lead.peer, peer.id == sender,
      peer.session == progress.session, case .snapshot(var transfer) = peer.stage
    else { return }
    lead.peer?.lastHeard = now
    if progress.received > transfer.received {
      transfer.received = min(progress.received, transfer.sent)
    } else if progress.received == transfer.received, !transfer.isSending, transfer.sent > transfer.received {
      transfer.sent = transfer.received
      transfer.isAllSent = false
    }
    lead.peer?.stage = .snapshot(transfer)
    sendOn(into: &effects)
  }

  /// `openSnapshot`, `sendSnapshot` or `installSnapshot` failed.
  public mutating func snapshotFailed(now: MonotonicMilliseconds, into effects: inout [Effect]) {
    if role == .primary, let peer = lead.peer, case .snapshot = peer.stage {
      closeTransfer(peer, into: &effects)
      lead.peer = nil
      recommit(into: &effects)
    } else if isReloading, case .installing = join.phase {
      isReloading = false
      join.phase = .asking
      rebuild = .log
      if entersLater {
        entersLater = false
        enter(now: now, into: &effects)
      }
    }
    refresh(into: &effects)
  }

  func closeTransfer(_ peer: Peer?, into effects: inout [Effect]) {
    if let peer, case .snapshot = peer.stage { effects.append(.closeSnapshot(session: peer.session)) }
  }

  // MARK: Taking in

  /// Proposes a joiner as follower: its acknowledgements are demanded first, so that nothing was answered that it does
  /// not have.
  mutating func admit(now: MonotonicMilliseconds, into effects: inout [Effect]) {
    guard role == .primary, lead.isOpen, proposal == nil, lead.drain == nil, !lead.resigns, !isReloading,
      let peer = lead.peer, !peer.isNamed, peer.stage == .streaming
    else { return }
    if let agreed = lead.agreed, agreed.mine != agreed.theirs { return }
    guard let since = peer.demandedSince else {
      guard peer.isLive, !peer.isFull, now >= peer.admitAt, peer.echoed > peer.session,
        peer.durableAge.oldest(now: now) < config.failureTimeout / 4
      else { return }
      lead.peer?.demandedSince = now
      recommit(into: &effects)
      return admit(now: now, into: &effects)
    }
    if peer.durable >= committed {
      propose(primary: me, follower: peer.id, now: now, into: &effects)
    } else if now - since > config.failureTimeout / 2 {
      lead.peer?.demandedSince = nil
      lead.peer?.admitAt = now + config.failureTimeout
      recommit(into: &effects)
    }
  }
}
