import Octets
public import Proto
public import Time

/// One node's replica of one shard: who may decide, who must repeat, what may be answered. The rules of primary and
/// follower as a pure value: no I/O, no clock, no randomness but its seed. Every call says what the edge must do next
/// as `Effect`s.
///
/// # How the edge drives it
///
/// Every call may append effects. Carry them out first in, first out; carrying one out may call the replica again (its
/// effects queue up behind). Times are `MonotonicTime` and must not go back.
///
/// **Start.** `init`, then `start(log:)` with what recovery read. It asks for the map (`readMap`); give what was read
/// to `mapRead`, with its token, and everything that a watch brings with token 0. Where the register is absent and the
/// cluster's birth is known, call `bear`. Call `tick` at least every 25 ms, whatever the role.
///
/// **A primary's turn** (a batch of requests that was read from a socket), while `acceptsCommands`:
/// 1. `let tag = replyTag()` once, after the batch was read;
/// 2. let the inventory apply it at `stamp(now:)`; if a record must be logged, build one frame with `epoch`, `end.index
///   + 1`, `end.chain`, `committed` and that stamp; hand it to the log's writer; call `appended(frame, digest:)`;
/// 3. queue every reply as (reply, `end.index`, tag);
/// 4. `flush` at the end of the loop's turn (one call serves the whole turn). Without `acceptsCommands`, answer what
///   was not applied `not primary`. Ticks of the primary's own are logged in the same way, only while
///   `acceptsCommands`.
///
/// **When the log's writer has synced**: `durable(through:)`, for primary and follower alike. Callbacks keep the log's
/// order, and none from before a cut comes after its `reloaded`.
///
/// **When a message came**: `receive`, with the frame's decoded header if its payload is a frame; then carry out the
/// effects at once, while the payload is still at hand (`appendFrame`, `storeChunk`).
///
/// **At the end of every turn**: `flush`; then send the queued replies that `answerable` covers at that moment. It may
/// shrink (a joiner is being taken in, an epoch is not open yet); the queue then waits. When `role` is no longer
/// `.primary`, the queue ends: what was in a frame as unknown, the rest as not primary.
///
/// **Log space**: keep the log from `neededFrom` on.
public struct Replica: Sendable {
  public let me: ReplicaID
  public let shard: ShardID
  public let config: ReplicaConfig

  /// What this replica is, and what only this role keeps: see `role`, `lead`, `follow`, `join`.
  var state = RoleStorage(.starting(Start()))

  // What outlives a role. A proposal, a reload of memory or a read of the map goes on through a change of role. What is
  // known of the log, the map and the clock is true in any.

  /// The epoch that the map says is the newest, as far as known here; 0 before the shard's birth. A primary's frames
  /// carry it.
  public internal(set) var epoch: UInt64 = 0
  /// The end of what was appended, durable or not.
  public internal(set) var end: LogPosition = .start
  /// Through which index the own log is on stable storage.
  public internal(set) var durable: UInt64 = 0
  /// The highest index known to be committed: on stable storage wherever it must be.
  public internal(set) var committed: UInt64 = 0
  /// How far a primary's replies may leave.
  public internal(set) var answerable: Answerable = .nothing
  /// Whether commands and reads may be handed to the inventory, and records (ticks too) to the log.
  public internal(set) var acceptsCommands = false
  public internal(set) var clock = StampClock()
  /// The newest register known: a fact, even if the coordinator has forgotten it.
  public internal(set) var register: MapRegister?
  /// The revision that the coordinator's register has now, as far as known: what a proposal compares. Goes back with
  /// the coordinator.
  var base: UInt64 = 0

  // The own log.
  var hasLog = false
  var table = EpochTable()
  var suspicion: Suspicion = .none
  /// A `cut` or `installSnapshot` is under way: nothing is appended or acknowledged meanwhile.
  var isReloading = false
  /// How much of this replica's own must be rebuilt before it may follow again.
  var rebuild: Rebuild = .nothing
  var isFull = false
  /// The inventory's digest at `end`, if known.
  var lastDigest: UInt64?

  // The map.
  /// The epoch that the first fresh read found: an earlier process may have led it, so this one never does.
  var bootEpoch: UInt64 = 0
  /// The entry that the present role was taken under.
  var entered: MapEntry?
  /// The epoch in which this process last acknowledged what its primary sent.
  var acknowledgedIn: UInt64 = 0
  /// A register came while memory was being reloaded.
  var entersLater = false
  var proposal: PendingProposal?
  var reading: MapReading?
  /// When the register was last asked for.
  var mapAskedAt: MonotonicTime?
  /// When it was last asked for because a peer spoke of a newer epoch: in any role, one may.
  var newsAskedAt: MonotonicTime?
  /// The coordinator was found to have gone back, and that is not settled yet.
  var isBehindMap = false
  /// The log holds an epoch that the map does not: it is proposed to raise the map's, and nothing else is done before.
  var isRaising = false
  /// An operator accepted the loss on a replica that has no role: once its own end is believed, it proposes itself.
  var takesAll = false
  /// The proposal's id that the disk's note holds.
  var noted: UInt64?
  /// The newest entry that the disk says named this replica.
  var noteOfEntry: EpochNote?
  /// The id of the last own proposal.
  var lastProposed: UInt64?
  /// The process is about to end.
  var ending: Ending?
  /// It takes no more commands.
  var isClosed = false

  // The process.
  /// Who was taken in when: it damps flapping, so it counts over all epochs that this process leads.
  var readmissions = Readmissions()
  /// The last send number that was used.
  var number: UInt64 = 0
  var tokens: UInt64 = 0
  var randomState: UInt64
  var lastTick: MonotonicTime?
  /// What the edge was last told by `roleChanged`.
  var told: Told?

  /// - Parameter seed: random bits, new for every process and shard: proposal ids and jitter come from them.
  public init(me: ReplicaID, shard: ShardID, config: ReplicaConfig = ReplicaConfig(), seed: UInt64) {
    (self.me, self.shard, self.config) = (me, shard, config)
    randomState = seed
  }

  // MARK: What the edge knows

  /// The log was read. Called once.
  public mutating func start(log: LogState, now: MonotonicTime, into effects: inout [Effect]) {
    precondition(!hasLog, "a process reads its log once")
    hasLog = true
    take(log)
    suspicion = log.suspicion
    (noted, noteOfEntry) = (log.noted, log.entered)
    if role == .starting { readMap(for: .boot, now: now, into: &effects) }
    refresh(into: &effects)
  }

  /// The cluster's birth gives the shard to these. Does nothing unless the map was read and has no entry; may be called
  /// before.
  public mutating func assignFirstRoles(_ roles: FirstRoles, now: MonotonicTime, into effects: inout [Effect]) {
    switch role {
    case .starting: start.firstRoles = roles
    case .unborn:
      unborn.firstRoles = roles
      proposeBirth(now: now, into: &effects)
    case .comparing, .primary, .follower, .joining, .idle, .halted: break
    }
  }

  /// A frame was handed to the log: the primary's own, or the one that `appendFrame` asked for. `digest`: the
  /// inventory's, after it.
  public mutating func appended(
    _ frame: LogFrame, digest: UInt64, now: MonotonicTime, into effects: inout [Effect]
  ) {
    precondition(
      frame.shard == shard && frame.firstIndex == end.index &+ 1 && frame.previousChain == end.chain,
      "frames are built on the replica's own end")
    let before = end.index
    table.append(frame)
    end = LogPosition(epoch: frame.epoch, index: frame.lastIndex, chain: frame.chain)
    lastDigest = digest
    clock.note(frame.stamp)
    switch role {
    case .primary: appendedAsPrimary(frame, before: before, now: now, into: &effects)
    case .follower, .joining: compareDigests(now: now, into: &effects)
    case .starting, .unborn, .comparing, .idle, .halted: break
    }
  }

  /// The own log is on stable storage through the frame that ends at `index`.
  public mutating func durable(through index: UInt64, now: MonotonicTime, into effects: inout [Effect]) {
    guard !isReloading, index > durable else { return }
    durable = min(index, end.index)
    switch role {
    case .primary:
      lead.ownAge.settle(through: durable)
      recommit(into: &effects)
    case .follower, .joining: intake.wantsAcknowledgement = true
    case .starting, .unborn, .comparing, .idle, .halted: break
    }
  }

  /// The send number that replies to everything read until now must wait for. The next `flush` sees to it that one is
  /// sent.
  public mutating func replyTag() -> UInt64 {
    let tag = number &+ 1
    if role == .primary { lead.tag(tag) }
    return tag
  }

  /// The loop's turn ends: sends what one message can say for the whole turn (an empty envelope, an acknowledgement).
  public mutating func flush(now: MonotonicTime, into effects: inout [Effect]) {
    switch role {
    case .primary: flushAsPrimary(now: now, into: &effects)
    case .follower, .joining: acknowledge(now: now, into: &effects)
    case .starting, .unborn, .comparing, .idle, .halted: break
    }
  }

  /// Time passed.
  public mutating func tick(now: MonotonicTime, into effects: inout [Effect]) {
    if let lastTick, now - lastTick > config.failureTimeout / 2 {
      // This process stood still. What peers said meanwhile may wait in a socket: nobody is silent just because we
      // slept.
      if role == .primary { lead.forgive(now: now) }
      if takesFramesIn { intake.lastHeard = now }
    }
    lastTick = now
    tickMap(now: now, into: &effects)
    switch role {
    case .primary: tickAsPrimary(now: now, into: &effects)
    case .follower: tickAsFollower(now: now, into: &effects)
    case .joining: tickAsJoiner(now: now, into: &effects)
    case .comparing: tickComparing(now: now, into: &effects)
    case .halted: tickHalted(now: now, into: &effects)
    case .starting, .unborn, .idle: break
    }
    if isEnding { tickEnding(now: now, into: &effects) }
  }

  /// The connection to a peer is there (again): what waits for a timer is said at once.
  public mutating func connected(to peer: ReplicaID, now: MonotonicTime, into effects: inout [Effect]) {
    switch role {
    case .primary:
      if let place = lead.peers.index(of: peer) { sendHeartbeat(to: place, now: now, into: &effects) }
    case .joining: join.askedAt = nil
    case .comparing: comparison.askedAt = nil
    case .follower: follow.askedAt = nil
    case .starting, .unborn, .idle, .halted: break
    }
  }

  /// A peer said something. `frame`: the header at the start of an envelope's payload, verified.
  public mutating func receive(
    _ message: ReplicaMessage, frame: LogFrame?, from sender: ReplicaID, now: MonotonicTime,
    into effects: inout [Effect]
  ) {
    guard role != .starting, sender != me else { return }
    if role == .halted { return heardHalted(message) }
    meet(sender, now: now, into: &effects)
    if let theirs = message.epoch, theirs != epoch {
      inform(sender, of: theirs, now: now, into: &effects)
      return refresh(into: &effects)
    }
    switch message {
    case .envelope(let envelope): follow(envelope, frame, from: sender, now: now, into: &effects)
    case .acknowledgement(let ack): acknowledged(ack, by: sender, now: now, into: &effects)
    case .map(let register): adopt(register, now: now, into: &effects)
    case .compare(let theirs): compared(theirs, by: sender, now: now, into: &effects)
    case .ends(let theirs): ended(theirs, from: sender, now: now, into: &effects)
    case .cleared: cleared(by: sender, now: now, into: &effects)
    case .join(let request): takeIn(request, from: sender, now: now, into: &effects)
    case .joinAnswer(let answer): joinAnswered(answer, by: sender, now: now, into: &effects)
    case .goAlone(_, let reason): askedToGoAlone(by: sender, reason, now: now, into: &effects)
    case .resign: resigned(sender, now: now, into: &effects)
    case .dispute(_, let theirs): disputed(theirs, by: sender, now: now, into: &effects)
    case .snapshotChunk(let chunk): received(chunk, from: sender, now: now, into: &effects)
    case .snapshotProgress(let progress): progressed(progress, from: sender, now: now, into: &effects)
    case .ending(_, isAnswer: false): peerEnds(sender, now: now, into: &effects)
    case .ending(_, isAnswer: true): mayEnd(says: sender)
    }
    refresh(into: &effects)
  }

  // MARK: The clock

  /// Begins to give out stamps; see `StampClock.lead`.
  public mutating func lead(now: MonotonicTime, wall: Stamp) -> Milliseconds? {
    clock.lead(now: now, wall: wall)
  }

  /// The primary's running stamp.
  @inlinable public func stamp(now: MonotonicTime) -> Stamp { clock.stamp(now: now) }

  // MARK: What others may look at

  /// The first index that a follower or joiner still needs from this log; nil: none needs any.
  public var neededFrom: UInt64? {
    role == .primary ? lead.peers.neededFrom : nil
  }

  public var summary: RoleSummary {
    var summary = RoleSummary(
      role: role, epoch: epoch, primary: register?.entry.primary, follower: register?.entry.follower,
      suspicion: suspicion, draining: false, isOpen: false, end: end.index, durable: durable, committed: committed)
    switch role {
    case .primary:
      let peer = lead.peers.first
      (summary.draining, summary.isOpen) = (lead.drain != nil, lead.isOpen)
      summary.joining = peer.flatMap { $0.isFollower ? nil : $0.id }
      summary.peerDurable = peer?.progress.durable
      (summary.checkpoint, summary.peerCheckpoint) = (peer?.agreed?.mine, peer?.agreed?.theirs)
    case .follower: summary.checkpoint = intake.checkpoint
    case .joining: (summary.joining, summary.checkpoint) = (me, intake.checkpoint)
    case .halted: summary.haltReason = halt.reason
    case .starting, .unborn, .comparing, .idle: break
    }
    return summary
  }

  /// Whether a proposal of this replica is not settled yet.
  public var hasProposal: Bool { proposal != nil }

  // MARK: Helpers

  mutating func nextRandom() -> UInt64 {
    randomState &+= 0x9E37_79B9_7F4A_7C15
    return mix64(randomState)
  }

  mutating func nextToken() -> UInt64 {
    tokens += 1
    return tokens
  }

  /// A failure time-out with fresh jitter.
  mutating func drawTimeout() -> Milliseconds {
    let most = config.failureJitter.rawValue
    let jitter = most > 0 ? Int64(nextRandom() % UInt64(most + 1)) : 0
    return config.failureTimeout + Milliseconds(jitter)
  }

  /// Believes what was read from the log.
  mutating func take(_ log: LogState) {
    table = EpochTable(log.table)
    end = log.end
    durable = log.end.index
    committed = min(max(committed, log.committed), log.end.index)
    lastDigest = log.digest
    clock.note(log.lastStamp)
  }

  /// Works out what is allowed now, and tells the edge if that or the role changed.
  mutating func refresh(into effects: inout [Effect]) {
    let isOpen: Bool
    switch role {
    case .primary:
      let isSilenced = isSilenced
      isOpen = lead.isOpen
      acceptsCommands = lead.openIndex > 0 && lead.drain == nil && !isSilenced && !isReloading && !isClosed
      if isSilenced { answerable = .nothing }
    case .starting, .unborn, .comparing, .follower, .joining, .idle, .halted:
      isOpen = false
      acceptsCommands = false
      answerable = .nothing
    }
    let now = Told(role: role, epoch: epoch, accepts: acceptsCommands, isOpen: isOpen)
    if now != told {
      told = now
      effects.append(.roleChanged)
    }
  }

  /// Whether this primary may log and answer nothing: it proposed another, or its memory is known to be wrong.
  var isSilenced: Bool {
    if lead.resignation != nil { return true }
    guard let proposal else { return false }
    return proposal.entry.primary != me
  }
}

extension ReplicaMessage {
  /// The epoch that the sender speaks in; nil: news of the map, which are true in any.
  fileprivate var epoch: UInt64? {
    switch self {
    case .envelope(let envelope): envelope.epoch
    case .acknowledgement(let ack): ack.epoch
    case .map: nil
    case .compare(let end), .ends(let end): end.epoch
    case .cleared(let epoch), .goAlone(let epoch, _), .resign(let epoch), .dispute(let epoch, _): epoch
    case .join(let request): request.epoch
    case .joinAnswer(let answer): answer.epoch
    case .snapshotChunk(let chunk): chunk.epoch
    case .snapshotProgress(let progress): progress.epoch
    case .ending(let epoch, _): epoch
    }
  }
}

/// How much of a replica's own must be rebuilt before it may follow again.
enum Rebuild: Sendable {
  case nothing
  /// The log is right, the memory is not.
  case memory
  /// The log cannot be trusted: a snapshot must replace it.
  case log
}

/// What `roleChanged` is about.
struct Told: Equatable, Sendable {
  var role: Role
  var epoch: UInt64
  var accepts: Bool
  var isOpen: Bool
}

/// How a `readFrames` ended.
public enum StreamEnding: UInt8, Sendable, CaseIterable {
  /// All that was wanted was given.
  case done = 1
  /// The frames that come next are not there to be read yet.
  case later
  /// The log no longer reaches back that far.
  case gone
}
