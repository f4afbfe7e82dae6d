import Proto

/// What a primary keeps for its epoch.
struct Lead: Sendable {
  /// The index of the epoch's first record; 0: not written yet.
  var openIndex: UInt64 = 0
  var openAskedAt: MonotonicMilliseconds = 0
  /// The first record is durable on every replica that the epoch names: answers may leave.
  var isOpen = false
  /// The follower, or whoever catches up to become one.
  var peer: Peer?
  /// A reply waits for a number that was not sent yet.
  var wantsEnvelope = false
  /// The highest number that a reply may wait for.
  var tagged: UInt64 = 0
  /// Without a follower: the number up to which the coordinator confirmed that nobody else was named since, and what it
  /// was asked.
  var confirmed: UInt64 = 0
  var confirmations: [Confirmation] = []
  var lastSentAt: MonotonicMilliseconds = 0
  var drain: Drain?
  /// A hand-over that did not empty is not tried again before.
  var handOverAt: MonotonicMilliseconds = 0
  /// The follower must go, whatever the time-outs say.
  var mustGoAlone = false
  /// This primary's memory is wrong: it answers nothing and asks its follower to take over.
  var resigns = false
  var resignedAt: MonotonicMilliseconds = 0
  /// Frames that are not on the own stable storage.
  var ownAge: AgeRing
  /// Own digests that the follower's answer may still refer to, oldest first.
  var checkpoints: [Checkpoint] = []
  /// The newest pair of digests at one index.
  var agreed: (mine: Checkpoint, theirs: Checkpoint)?
  /// A replay that settles a follower's dispute.
  var replay: (token: UInt64, theirs: Checkpoint)?

  init(timeout: MonotonicMilliseconds) { ownAge = AgeRing(timeout: timeout) }

  mutating func forgive(now: MonotonicMilliseconds) {
    ownAge.forgive(now: now)
    peer?.numberAge.forgive(now: now)
    peer?.durableAge.forgive(now: now)
    peer?.lastHeard = now
  }
}

/// A fresh read of the register that an answer waits for.
struct Confirmation: Equatable, Sendable {
  var token: UInt64
  /// Replies that were tagged with this number, or a lower one, were computed before the read began.
  var number: UInt64
  var epoch: UInt64
  var at: MonotonicMilliseconds
}

/// A planned hand-over under way.
struct Drain: Sendable {
  enum Kind {
    /// The follower becomes primary and this replica its follower.
    case swap
    /// This replica's disk is slow or full: the follower goes on alone.
    case handOver
  }
  var kind: Kind
  var since: MonotonicMilliseconds
  /// A send number first used after the last request was read.
  var number: UInt64
}

/// The other replica, as its primary sees it.
struct Peer: Sendable {
  enum Stage: Equatable {
    /// The own log is being searched for the hash at the joiner's end.
    case looking(LogPosition, token: UInt64)
    /// The joiner was told where to cut its log.
    case cutting(LogPosition)
    case snapshot(Transfer)
    /// Frames flow.
    case streaming
  }
  let id: ReplicaID
  /// The map names it follower.
  var isNamed: Bool
  var stage: Stage
  /// The send number that began this attempt to join: acknowledgements of a lower one are of an earlier life.
  var session: UInt64 = 0
  var sentThrough: UInt64 {
    didSet { sentMost = max(sentMost, sentThrough) }
  }
  /// The highest index that it was sent, or was known to have.
  private(set) var sentMost: UInt64
  /// New frames are sent as they are appended; otherwise they are read from the log.
  var isLive: Bool
  var readToken: UInt64?
  /// Where reads ended that are not acknowledged yet, oldest first; at most two.
  var readEnds: [UInt64] = []
  /// A gap was repaired by going back: what was sent before this number tells nothing new.
  var rewoundAt: UInt64 = 0
  var durable: UInt64 = 0
  var echoed: UInt64 = 0
  var isFull = false
  /// When it said last that its process is about to end.
  var saidEndAt: MonotonicMilliseconds?
  var lastHeard: MonotonicMilliseconds
  /// Numbers that it has not echoed, and frames that are not durable there.
  var numberAge: AgeRing
  var durableAge: AgeRing
  /// When it may be taken in, and how long that wait was.
  var admitAt: MonotonicMilliseconds = 0
  var admitWait: MonotonicMilliseconds = 0
  /// Its acknowledgements are demanded since then, although the map does not name it yet.
  var demandedSince: MonotonicMilliseconds?

  init(
    _ id: ReplicaID, isNamed: Bool, stage: Stage, sentThrough: UInt64, now: MonotonicMilliseconds,
    timeout: MonotonicMilliseconds
  ) {
    (self.id, self.isNamed, self.stage, self.sentThrough) = (id, isNamed, stage, sentThrough)
    sentMost = sentThrough
    isLive = isNamed
    lastHeard = now
    numberAge = AgeRing(timeout: timeout)
    durableAge = AgeRing(timeout: timeout)
  }

  /// Whether its process is about to end. It repeats that with each heartbeat, so one that is silent about it is the
  /// next process.
  func isEnding(now: MonotonicMilliseconds, timeout: MonotonicMilliseconds) -> Bool {
    saidEndAt.map { now - $0 < timeout } ?? false
  }

  /// What an acknowledgement means.
  enum Verdict: Equatable {
    case fine
    /// Of an earlier attempt or life.
    case old
    /// It has frames that it was never sent: its log is another.
    case foreign
    /// It has less than it acknowledged.
    case lost(acknowledged: UInt64)
  }

  /// Takes an acknowledgement's numbers. `sent`: the last send number that was used.
  mutating func take(_ ack: Acknowledgement, sent: UInt64, now: MonotonicMilliseconds) -> Verdict {
    guard ack.number >= session else { return .old }
    lastHeard = now
    isFull = ack.full
    guard ack.end <= sentMost else { return .foreign }
    let isNewest = ack.number >= echoed
    if isNewest, ack.end < durable { return .lost(acknowledged: durable) }
    echoed = max(echoed, ack.number)
    durable = max(durable, ack.durable)
    numberAge.settle(through: ack.number)
    durableAge.settle(through: durable)
    while let first = readEnds.first, durable >= first { readEnds.removeFirst() }
    if isNewest, ack.missing, ack.number >= rewoundAt, ack.end < sentThrough {
      sentThrough = ack.end
      isLive = false
      readToken = nil
      readEnds = []
      rewoundAt = sent &+ 1
    }
    return .fine
  }

  var neededFrom: UInt64 {
    switch stage {
    case .looking(let position, _), .cutting(let position): position.index &+ 1
    case .snapshot(let transfer): (transfer.position?.index ?? sentThrough) &+ 1
    case .streaming: (durable == 0 ? sentThrough : min(durable, sentThrough)) &+ 1
    }
  }
}

extension Replica {
  mutating func beginLead(
    _ entry: MapEntry, from old: MapEntry?, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {
    let oldPeer = role == .primary ? lead.peer : nil
    lead = Lead(timeout: config.failureTimeout)
    // What waits from the epoch before was tagged at most so.
    (lead.tagged, lead.wantsEnvelope) = (number &+ 1, true)
    role = .primary
    answerable = .nothing
    rebuild = .nothing
    if let follower = entry.follower {
      if var peer = oldPeer, peer.id == follower, peer.stage == .streaming {
        if !peer.isNamed { readmissions.admitted(follower, after: peer.admitWait, now: now) }
        peer.isNamed = true
        peer.demandedSince = nil
        (peer.session, peer.echoed, peer.rewoundAt) = (0, 0, 0)
        peer.numberAge = AgeRing(timeout: config.failureTimeout)
        peer.lastHeard = now
        lead.peer = peer
      } else {
        closeTransfer(oldPeer, into: &effects)
        lead.peer = Peer(
          follower, isNamed: true, stage: .streaming, sentThrough: end.index, now: now, timeout: config.failureTimeout)
      }
      effects.append(.send(.map(MapRegister(revision: register?.revision ?? 0, entry: entry)), to: follower))
    } else {
      closeTransfer(oldPeer, into: &effects)
      if let lost = old?.follower ?? (old?.primary == me ? nil : old?.primary), let register {
        effects.append(.send(.map(register), to: lost))
      }
    }
    if durable < end.index { lead.ownAge.begin(end.index, now: now) }
    effects.append(.note(.becamePrimary(epoch: entry.epoch, follower: entry.follower)))
    // The edge ends or keeps its queue before it opens the epoch.
    refresh(into: &effects)
    if suspicion != .none {
      // Another found this log to be the best there is: a marker says so before anything is written behind it.
      believeOwnEnd(into: &effects)
    } else {
      askToOpen(now: now, into: &effects)
    }
  }

  /// This replica is no longer primary: nothing of that role may be left.
  mutating func leaveLead(into effects: inout [Effect]) {
    guard role == .primary else { return }
    closeTransfer(lead.peer, into: &effects)
    if lead.resigns, rebuild == .nothing { rebuild = .memory }
    lead = Lead(timeout: config.failureTimeout)
    clock.follow()
    answerable = .nothing
  }

  mutating func askToOpen(now: MonotonicMilliseconds, into effects: inout [Effect]) {
    lead.openAskedAt = now
    effects.append(.openEpoch(epoch))
  }

  mutating func appendedAsPrimary(
    _ frame: LogFrame, before: UInt64, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {
    if lead.openIndex == 0 {
      precondition(frame.epoch == epoch, "an epoch begins with its own record")
      lead.openIndex = frame.lastIndex
      refresh(into: &effects)
    } else {
      precondition(acceptsCommands && frame.epoch == epoch, "a primary logs only while it accepts commands")
    }
    lead.ownAge.begin(frame.firstIndex, now: now)
    guard lead.peer?.stage == .streaming else { return }
    lead.peer?.durableAge.begin(frame.firstIndex, now: now)
    if lead.peer?.isNamed == false, let age = lead.peer?.durableAge.oldest(now: now), age > config.failureTimeout {
      // A joiner that cannot follow is fed from the log at its own pace: what is sent and not acknowledged stays
      // bounded.
      lead.peer?.isLive = false
    }
    guard lead.peer?.isLive == true, lead.peer?.sentThrough == before, let follower = lead.peer?.id else { return }
    var checkpoint: Checkpoint?
    if frame.lastIndex / config.checkpointEvery != before / config.checkpointEvery, let lastDigest {
      let mine = Checkpoint(index: frame.lastIndex, digest: lastDigest)
      remember(mine)
      checkpoint = mine
    }
    let envelope = nextEnvelope(checkpoint: checkpoint, now: now)
    lead.peer?.sentThrough = frame.lastIndex
    effects.append(.sendFrame(envelope, to: follower))
  }

  /// Makes the next envelope for the peer, and counts it as sent.
  mutating func nextEnvelope(checkpoint: Checkpoint? = nil, now: MonotonicMilliseconds) -> Envelope {
    number += 1
    lead.wantsEnvelope = false
    lead.lastSentAt = now
    lead.peer?.numberAge.begin(number, now: now)
    return Envelope(
      epoch: epoch, number: number, stamp: clock.stamp(now: now), committed: committed,
      previous: lead.peer?.sentThrough ?? 0, checkpoint: checkpoint)
  }

  mutating func sendHeartbeat(now: MonotonicMilliseconds, into effects: inout [Effect]) {
    guard lead.peer?.stage == .streaming, let follower = lead.peer?.id else { return }
    var checkpoint: Checkpoint?
    if lead.peer?.isLive == true, lead.peer?.sentThrough == end.index, let lastDigest,
      lead.checkpoints.last?.index != end.index
    {
      let mine = Checkpoint(index: end.index, digest: lastDigest)
      remember(mine)
      checkpoint = mine
    }
    effects.append(.send(.envelope(nextEnvelope(checkpoint: checkpoint, now: now)), to: follower))
  }

  mutating func flushAsPrimary(now: MonotonicMilliseconds, into effects: inout [Effect]) {
    if lead.wantsEnvelope {
      lead.wantsEnvelope = false
      if lead.peer?.stage == .streaming, let follower = lead.peer?.id {
        effects.append(.send(.envelope(nextEnvelope(now: now)), to: follower))
      }
    }
    number = max(number, lead.tagged)
    confirmAlone(now: now, into: &effects)
  }

  private mutating func remember(_ checkpoint: Checkpoint) {
    if lead.checkpoints.count >= 64 { lead.checkpoints.removeFirst(32) }
    lead.checkpoints.append(checkpoint)
  }

  /// Whether answers need the peer's acknowledgement: the map names it, or an unsettled proposal does, or is about to.
  package var needsPeer: Bool {
    guard let peer = lead.peer else { return false }
    return peer.isNamed || peer.demandedSince != nil
  }

  /// Something became durable, or what is needed changed: works out what is committed and what may be answered.
  mutating func recommit(into effects: inout [Effect]) {
    guard role == .primary else { return }
    let needed = needsPeer
    var through = durable
    if needed, let peer = lead.peer { through = min(through, peer.durable) }
    if !lead.isOpen {
      guard lead.openIndex > 0, through >= lead.openIndex else { return }
      lead.isOpen = true
      effects.append(.note(.epochOpened(epoch)))
      refresh(into: &effects)
    }
    if through > committed { committed = through }
    if isSilenced {
      answerable = .nothing
      return
    }
    var echoed = isBehindMap ? 0 : lead.confirmed
    if needed, let peer = lead.peer { echoed = peer.echoed }
    answerable = Answerable(position: needed ? min(committed, through) : committed, number: echoed)
  }

  mutating func acknowledged(
    _ ack: Acknowledgement, by sender: ReplicaID, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {
    guard role == .primary, lead.peer?.id == sender, ack.number <= number, ack.durable <= ack.end else { return }
    if lead.peer?.stage != .streaming, !beginStreaming(ack, now: now, into: &effects) { return }
    // In place: a copy of the peer would copy its rings.
    switch lead.peer?.take(ack, sent: number, now: now) {
    case nil, .old: return
    case .foreign: return part(into: &effects)
    case .lost(let acknowledged):
      effects.append(.note(.lostAcknowledged(sender, acknowledged: acknowledged, end: ack.end)))
      return part(into: &effects)
    case .fine: break
    }
    if let theirs = ack.checkpoint, lead.agreed?.theirs != theirs,
      let mine = lead.checkpoints.last(where: { $0.index == theirs.index })
    {
      lead.agreed = (mine, theirs)
      lead.checkpoints.removeAll { $0.index < theirs.index }
    }
    recommit(into: &effects)
    readOn(now: now, into: &effects)
    admit(now: now, into: &effects)
    drainOn(now: now, into: &effects)
  }

  /// The peer cannot stay: a named one is left behind as soon as the map says so, a joiner at once.
  mutating func part(into effects: inout [Effect]) {
    guard let peer = lead.peer else { return }
    if peer.isNamed || proposal?.entry.follower == peer.id {
      lead.mustGoAlone = true
    } else {
      closeTransfer(peer, into: &effects)
      lead.peer = nil
      recommit(into: &effects)
    }
  }

  mutating func tickAsPrimary(now: MonotonicMilliseconds, into effects: inout [Effect]) {
    if lead.openIndex == 0, !isReloading, now - lead.openAskedAt >= config.heartbeat {
      askToOpen(now: now, into: &effects)
    }
    if lead.resigns {
      tickResigned(now: now, into: &effects)
      return refresh(into: &effects)
    }
    if now - lead.lastSentAt >= config.heartbeat, !isStuckWithAnother(now: now) {
      sendHeartbeat(now: now, into: &effects)
    }
    if proposal == nil, !lead.resigns { judgePeer(now: now, into: &effects) }
    readOn(now: now, into: &effects)
    admit(now: now, into: &effects)
    drainOn(now: now, into: &effects)
    refresh(into: &effects)
  }

  /// A primary that proposed its follower and hears nothing from the coordinator falls silent, so that the follower
  /// tries too.
  private func isStuckWithAnother(now: MonotonicMilliseconds) -> Bool {
    guard let drain = lead.drain, let proposal else { return false }
    return proposal.entry.primary != me && now - drain.since > config.failureTimeout + config.drainTimeout
  }

  /// Alone, hand over, or leave it as it is.
  private mutating func judgePeer(now: MonotonicMilliseconds, into effects: inout [Effect]) {
    guard !isEnding, let peer = lead.peer else { return }
    guard peer.isNamed else {
      // A joiner: a silent one gives its place free.
      let patience = peer.stage == .streaming ? 2 * config.failureTimeout : 120_000
      if now - peer.lastHeard >= patience || lead.mustGoAlone {
        lead.mustGoAlone = false
        closeTransfer(peer, into: &effects)
        lead.peer = nil
        recommit(into: &effects)
      }
      return
    }
    let late = max(peer.numberAge.oldest(now: now), peer.durableAge.oldest(now: now))
    let ownLate = lead.ownAge.oldest(now: now)
    if lead.mustGoAlone {
      propose(primary: me, follower: nil, now: now, into: &effects)
    } else if late >= config.failureTimeout, ownLate < config.failureTimeout {
      effects.append(.note(.peerSilent(peer.id, milliseconds: late)))
      propose(primary: me, follower: nil, now: now, into: &effects)
    } else if lead.drain == nil, !peer.isFull, !peer.isEnding(now: now, timeout: config.failureTimeout),
      peer.echoed > 0, late < config.failureTimeout, now >= lead.handOverAt,
      ownLate >= config.failureTimeout || isFull
    {
      effects.append(.note(.ownDiskSlow(milliseconds: ownLate)))
      beginDrain(.handOver, now: now)
    }
  }

  /// The follower's process is about to end. It stays in the map until it is silent: the next one finds itself named,
  /// and whole.
  mutating func peerEnds(_ sender: ReplicaID, now: MonotonicMilliseconds, into effects: inout [Effect]) {
    guard role == .primary, lead.peer?.id == sender else { return }
    lead.peer?.saidEndAt = now
    if let proposal, proposal.entry.primary == sender { return }
    giveUpDrain(into: &effects)
    effects.append(.send(.ending(epoch: epoch, isAnswer: true), to: sender))
  }

  /// A follower asks to be left behind.
  mutating func askedToGoAlone(
    by sender: ReplicaID, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {
    guard role == .primary, lead.peer?.id == sender else { return }
    part(into: &effects)
    if proposal == nil, !lead.resigns { judgePeer(now: now, into: &effects) }
  }

  /// The follower (or joiner) says that its memory differs after a replay of its log: this primary replays its own.
  mutating func disputed(
    _ theirs: Checkpoint, by sender: ReplicaID, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {
    guard role == .primary, lead.replay == nil, let peer = lead.peer, peer.id == sender, !lead.mustGoAlone,
      !lead.resigns
    else { return }
    let token = nextToken()
    lead.replay = (token, theirs)
    effects.append(.replay(index: theirs.index, token: token))
  }

  mutating func replayedAsPrimary(
    _ digest: UInt64?, token: UInt64, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {
    guard let replay = lead.replay, replay.token == token, lead.peer != nil else { return }
    lead.replay = nil
    if digest == replay.theirs.digest {
      // The other is right, and so is this log: the memory here is not.
      rebuild = .memory
      resign(now: now, into: &effects)
    } else {
      part(into: &effects)
    }
  }

  /// Answers nothing more in this epoch, and asks the follower to take over.
  mutating func resign(now: MonotonicMilliseconds, into effects: inout [Effect]) {
    lead.resigns = true
    lead.resignedAt = now
    lead.lastSentAt = now
    answerable = .nothing
    if let follower = register?.entry.follower { effects.append(.send(.resign(epoch: epoch), to: follower)) }
  }

  /// A primary that resigned keeps saying so. If its follower does not take over, and only memory was wrong, it loads
  /// that again and begins like a restarted one.
  private mutating func tickResigned(now: MonotonicMilliseconds, into effects: inout [Effect]) {
    guard proposal == nil else { return }
    let waits =
      register?.entry.follower != nil && !lead.mustGoAlone && now - lead.resignedAt < 2 * config.failureTimeout
    if waits || rebuild == .log {
      guard now - lead.lastSentAt >= config.heartbeat, let follower = register?.entry.follower else { return }
      lead.lastSentAt = now
      effects.append(.send(.resign(epoch: epoch), to: follower))
    } else if let entry = register?.entry {
      leaveLead(into: &effects)
      bootEpoch = epoch
      beginComparing(entry, now: now, into: &effects)
      believeOwnEnd(into: &effects)
    }
  }
}
