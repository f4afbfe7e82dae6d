public import Proto
public import Time

// How a primary brings a joiner, or a follower that missed something, up to its own end.
extension Replica {
  /// A replica shows its table and wants to be taken in.
  mutating func takeIn(
    _ request: JoinRequest, from sender: ReplicaID, now: MonotonicTime, into effects: inout [Effect]
  ) {
    guard role == .primary, let entry = register?.entry else { return }
    if entry.follower != nil || proposal != nil || !lead.isOpen || lead.drain != nil || lead.resignation != nil {
      if entry.follower == sender { inform(sender, of: 0, now: now, into: &effects) }
      return
    }
    // The next heartbeat is due from the last envelope on, of whatever attempt.
    var sentAt: MonotonicTime = .zero
    if let place = lead.peers.index(of: sender) {
      sentAt = lead.peers[place].sending.at
      remove(place, into: &effects)
    } else if lead.peers.isFull, let place = lead.peers.quietest {
      if now - lead.peers[place].lastHeard < 4 * config.failureTimeout { return }
      remove(place, into: &effects)
    }
    number += 1
    let wait = isEnding ? 0 : readmissions.wait(for: sender, now: now, config: config)
    var joiner = Peer.joiner(sender, session: number, wait: wait, now: now, timeout: config.failureTimeout)
    joiner.sending.at = sentAt
    let place = lead.peers.append(joiner)
    recommit(into: &effects)
    if request.wantsSnapshot { return offerSnapshot(to: place, into: &effects) }
    if request.table.isEmpty { return offer(cut: .start, to: place, into: &effects) }
    guard let (mine, theirs) = table.lastCommon(with: request.table) else {
      return offerSnapshot(to: place, into: &effects)
    }
    let myEnd = LogPosition(epoch: mine.epoch, index: mine.lastIndex, chain: mine.lastChain)
    // The cut is the smaller of the two ends of the last common epoch, verified by hash.
    if theirs.lastIndex > mine.lastIndex {
      offer(cut: myEnd, to: place, into: &effects)
    } else if theirs.lastIndex == mine.lastIndex {
      guard theirs.lastChain == mine.lastChain else { return offerSnapshot(to: place, into: &effects) }
      offer(cut: myEnd, to: place, into: &effects)
    } else {
      let token = nextToken()
      let position = LogPosition(epoch: theirs.epoch, index: theirs.lastIndex, chain: theirs.lastChain)
      lead.peers[place].joiner?.stage = .looking(position, token: token)
      effects.append(.lookUpChain(index: position.index, token: token))
    }
  }

  /// The chain hash that an `Effect.lookUpChain` found; nil: no frame ends there, or the log no longer reaches back.
  public mutating func chainFound(
    _ chain: UInt64?, token: UInt64, now: MonotonicTime, into effects: inout [Effect]
  ) {
    if role == .primary {
      for place in lead.peers.indices {
        guard case .looking(let position, token) = lead.peers[place].joiner?.stage else { continue }
        if chain != position.chain { return offerSnapshot(to: place, into: &effects) }
        return offer(cut: position, to: place, into: &effects)
      }
    } else if role == .joining {
      verified(chain, token: token, now: now, into: &effects)
    }
  }

  private mutating func offer(cut: LogPosition, to place: Int, into effects: inout [Effect]) {
    if end.index - min(cut.index, end.index) > config.snapshotBehind { return offerSnapshot(to: place, into: &effects) }
    lead.peers[place].joiner?.stage = .cutting(cut)
    answerJoin(of: place, .cut(cut), into: &effects)
  }

  private mutating func offerSnapshot(to place: Int, into effects: inout [Effect]) {
    lead.peers[place].joiner?.stage = .snapshot(Transfer())
    answerJoin(of: place, .snapshot, into: &effects)
    effects.append(.openSnapshot(session: lead.peers[place].session, for: lead.peers[place].id))
  }

  private func answerJoin(of place: Int, _ way: JoinAnswer.Way, into effects: inout [Effect]) {
    let answer = JoinAnswer(epoch: epoch, number: lead.peers[place].session, way: way)
    effects.append(.send(.joinAnswer(answer), to: lead.peers[place].id))
  }

  /// The joiner's first acknowledgement: it stands at the cut, at the snapshot or, if it had been told before, further.
  mutating func beginStreaming(
    to place: Int, _ ack: Acknowledgement, now: MonotonicTime, into effects: inout [Effect]
  ) -> Bool {
    var peer = lead.peers[place]
    guard ack.number >= peer.session, ack.end <= end.index else { return false }
    switch peer.joiner?.stage {
    case .looking: return false
    case .cutting(let position): if ack.end < position.index { return false }
    case .snapshot(let transfer):
      guard let position = transfer.position, ack.end >= position.index else { return false }
    case .streaming, nil: return true
    }
    closeTransfer(peer, into: &effects)
    peer.joiner?.stage = .streaming
    peer.sending.through = ack.end
    peer.sending.isLive = ack.end == end.index
    peer.progress.numberAge = AgeRing(timeout: config.failureTimeout)
    peer.progress.durableAge = AgeRing(timeout: config.failureTimeout)
    if !peer.sending.isLive { peer.progress.durableAge.begin(end.index, now: now) }
    lead.peers[place] = peer
    return true
  }

  /// Asks for the next frames of every peer that is behind, if its window allows.
  mutating func readOn(now: MonotonicTime, into effects: inout [Effect]) {
    if isReloading { return }
    for place in lead.peers.indices { readOn(for: place, now: now, into: &effects) }
  }

  private mutating func readOn(for place: Int, now: MonotonicTime, into effects: inout [Effect]) {
    guard lead.peers[place].wantsRead, !isReloading else { return }
    if lead.peers[place].sending.through >= end.index {
      lead.peers[place].sending.isLive = true
      return
    }
    let token = nextToken()
    lead.peers[place].sending.readToken = token
    let first = lead.peers[place].sending.through &+ 1
    effects.append(.readFrames(token: token, first: first, bytes: config.catchUpBytes))
  }

  /// One frame of a `readFrames`, in order. `sendFrame` follows, or nothing if the read is no longer wanted.
  public mutating func streamed(
    _ frame: LogFrame, token: UInt64, now: MonotonicTime, into effects: inout [Effect]
  ) {
    guard role == .primary, let place = lead.peers.reader(token), frame.lastIndex <= end.index,
      frame.firstIndex == lead.peers[place].sending.through &+ 1
    else { return }
    let envelope = nextEnvelope(to: place, through: frame.lastIndex, now: now)
    effects.append(.sendFrame(envelope, to: lead.peers[place].id))
  }

  /// A `readFrames` has no more.
  public mutating func streamEnded(
    _ ending: StreamEnding, token: UInt64, now: MonotonicTime, into effects: inout [Effect]
  ) {
    guard role == .primary, let place = lead.peers.reader(token) else { return }
    lead.peers[place].sending.readToken = nil
    switch ending {
    case .done:
      lead.peers[place].readEnded()
      readOn(for: place, now: now, into: &effects)
    case .later: break  // the next tick reads again
    case .gone:
      if lead.peers[place].isFollower {
        part(from: place, into: &effects)
      } else {
        offerSnapshotAnew(to: place, into: &effects)
      }
    }
    refresh(into: &effects)
  }

  /// The log no longer reaches back to where the joiner stands.
  private mutating func offerSnapshotAnew(to place: Int, into effects: inout [Effect]) {
    number += 1
    lead.peers[place].session = number
    lead.peers[place].joiner?.demandedSince = nil
    offerSnapshot(to: place, into: &effects)
    recommit(into: &effects)
  }

  // MARK: Snapshots

  /// The joiner whose snapshot this session is, and how far that has come.
  private func transfer(_ session: UInt64) -> (place: Int, Transfer)? {
    guard role == .primary, let place = lead.peers.sentSnapshot(session),
      case .snapshot(let transfer) = lead.peers[place].joiner?.stage
    else { return nil }
    return (place, transfer)
  }

  /// The snapshot that `openSnapshot` asked for can be sent. It ends at `position`, which is durable.
  public mutating func snapshotReady(
    session: UInt64, position: LogPosition, now: MonotonicTime, into effects: inout [Effect]
  ) {
    guard case (let place, var transfer)? = transfer(session) else {
      effects.append(.closeSnapshot(session: session))
      return
    }
    precondition(position.index <= durable, "what is sent as a snapshot is on stable storage here")
    transfer.position = position
    sendOn(transfer, to: place, into: &effects)
  }

  /// Keeps how far the transfer has come, and sends what the window allows.
  private mutating func sendOn(_ transfer: Transfer, to place: Int, into effects: inout [Effect]) {
    var transfer = transfer
    defer { lead.peers[place].joiner?.stage = .snapshot(transfer) }
    guard transfer.position != nil, !transfer.isAllSent, !transfer.isSending else { return }
    let waiting = transfer.sent - min(transfer.received, transfer.sent)
    guard waiting <= config.snapshotWindowBytes / 2 else { return }
    transfer.isSending = true
    effects.append(
      .sendSnapshot(
        session: lead.peers[place].session, epoch: epoch, offset: transfer.sent,
        bytes: config.snapshotWindowBytes - waiting, to: lead.peers[place].id))
  }

  /// Chunks were sent up to `offset`; `isLast`: the snapshot ends there.
  public mutating func snapshotSent(
    session: UInt64, through offset: UInt64, isLast: Bool, now: MonotonicTime, into effects: inout [Effect]
  ) {
    guard case (let place, var transfer)? = transfer(session) else { return }
    transfer.isSending = false
    transfer.sent = max(offset, transfer.sent)
    transfer.isAllSent = isLast
    sendOn(transfer, to: place, into: &effects)
  }

  /// The joiner says how much has come. The same number twice: the rest was lost on the way.
  mutating func progressed(
    _ progress: SnapshotProgress, from sender: ReplicaID, now: MonotonicTime, into effects: inout [Effect]
  ) {
    guard case (let place, var transfer)? = transfer(progress.session), lead.peers[place].id == sender else { return }
    lead.peers[place].lastHeard = now
    if progress.received > transfer.received {
      transfer.received = min(progress.received, transfer.sent)
    } else if progress.received == transfer.received, !transfer.isSending, transfer.sent > transfer.received {
      transfer.sent = transfer.received
      transfer.isAllSent = false
    }
    sendOn(transfer, to: place, into: &effects)
  }

  /// `openSnapshot`, `sendSnapshot` or `installSnapshot` failed.
  public mutating func snapshotFailed(now: MonotonicTime, into effects: inout [Effect]) {
    switch role {
    case .primary:
      if let place = lead.peers.firstIndex(where: { $0.isSentSnapshot }) { drop(place, into: &effects) }
    case .joining:
      guard isReloading, case .installing = join.phase else { break }
      isReloading = false
      join.phase = .asking
      rebuild = .log
      if entersLater {
        entersLater = false
        enter(now: now, into: &effects)
      }
    case .starting, .unborn, .comparing, .follower, .idle, .halted: break
    }
    refresh(into: &effects)
  }

  /// The peer is a peer no longer: answers do not need it.
  mutating func drop(_ place: Int, into effects: inout [Effect]) {
    remove(place, into: &effects)
    recommit(into: &effects)
  }

  private mutating func remove(_ place: Int, into effects: inout [Effect]) {
    closeTransfer(lead.peers[place], into: &effects)
    lead.peers.remove(at: place)
  }

  func closeTransfer(_ peer: Peer, into effects: inout [Effect]) {
    if peer.isSentSnapshot { effects.append(.closeSnapshot(session: peer.session)) }
  }

  // MARK: Taking in

  /// Proposes a joiner as follower: its acknowledgements are demanded first, so that nothing was answered that it does
  /// not have.
  mutating func admit(now: MonotonicTime, into effects: inout [Effect]) {
    guard role == .primary, lead.isOpen, lead.drain == nil, lead.resignation == nil, !isReloading else { return }
    for place in lead.peers.indices where proposal == nil { admit(place, now: now, into: &effects) }
  }

  private mutating func admit(_ place: Int, now: MonotonicTime, into effects: inout [Effect]) {
    if lead.peers[place].isFollower { return }
    guard let joiner = lead.peers[place].joiner, joiner.isStreaming else { return }
    if let agreed = lead.peers[place].agreed, agreed.mine != agreed.theirs { return }
    guard let since = joiner.demandedSince else {
      guard lead.peers[place].isReady(now: now, timeout: config.failureTimeout) else { return }
      lead.peers[place].joiner?.demandedSince = now
      recommit(into: &effects)
      return admit(place, now: now, into: &effects)
    }
    if lead.peers[place].progress.durable >= committed {
      let id = lead.peers[place].id
      propose(primary: me, follower: id, now: now, into: &effects)
    } else if now - since > config.failureTimeout / 2 {
      let later = now + config.failureTimeout
      lead.peers[place].joiner?.demandedSince = nil
      lead.peers[place].joiner?.admitAt = later
      recommit(into: &effects)
    }
  }
}
