import Proto
import Time

/// The other replicas, as their primary sees them, in the order in which they came.
struct Peers: Sendable {
  /// How many there may be: the map's entry has one place for a follower, and who joins is taken in only while that
  /// place is free.
  static let countMax = 1

  private var values: [Peer] = []

  var indices: Range<Int> { values.indices }
  var isFull: Bool { values.count >= Self.countMax }
  subscript(place: Int) -> Peer {
    _read { yield values[place] }
    _modify { yield &values[place] }
  }

  /// Returns its place, which is good until one is removed.
  @discardableResult mutating func append(_ peer: Peer) -> Int {
    precondition(!isFull && index(of: peer.id) == nil, "a primary has at most `countMax` peers, and each once")
    values.append(peer)
    return values.count - 1
  }

  mutating func remove(at place: Int) { values.remove(at: place) }

  func index(of id: ReplicaID) -> Int? { firstIndex { $0.id == id } }

  /// In place: `Array.firstIndex` would copy each peer, rings and all.
  @inline(__always) func firstIndex(where isWanted: (borrowing Peer) -> Bool) -> Int? {
    for place in values.indices where isWanted(values[place]) { return place }
    return nil
  }

  /// The peer that the map names.
  var follower: Int? { firstIndex { $0.isFollower } }
  var first: Peer? { values.first }

  /// For whom the read with this token is.
  func reader(_ token: UInt64) -> Int? { firstIndex { $0.sending.readToken == token } }

  /// Whom the snapshot of this session is for.
  func sentSnapshot(_ session: UInt64) -> Int? { firstIndex { $0.session == session && $0.isSentSnapshot } }

  /// The one that was heard longest ago.
  var quietest: Int? { values.indices.min { values[$0].lastHeard < values[$1].lastHeard } }

  /// What all have whose acknowledgement answers need; nil: none is needed.
  var required: Required? {
    var least = Required(durable: .max, echoed: .max)
    var isAny = false
    for place in values.indices where values[place].isRequired {
      isAny = true
      least.durable = min(least.durable, values[place].progress.durable)
      least.echoed = min(least.echoed, values[place].progress.echoed)
    }
    return isAny ? least : nil
  }

  struct Required {
    var durable: UInt64
    var echoed: UInt64
  }

  /// The first index that any of them still needs from the log.
  var neededFrom: UInt64? {
    var least: UInt64?
    for place in values.indices {
      let needed = values[place].neededFrom
      least = min(least ?? needed, needed)
    }
    return least
  }

  /// The index below which no peer's digest can come any more.
  var leastCompared: UInt64 { values.lazy.map { $0.agreed?.theirs.index ?? 0 }.min() ?? 0 }
}

/// Another replica, as its primary sees it.
struct Peer: Sendable {
  enum Kind: Sendable {
    /// The map names it.
    case follower
    /// It catches up to be named.
    case joiner(Joiner)
  }

  let id: ReplicaID
  var kind: Kind
  /// The send number that began this attempt to join: acknowledgements of a lower one are of an earlier life.
  var session: UInt64 = 0
  var sending: Sending
  var progress: Progress
  var lastHeard: MonotonicTime
  var isFull = false
  /// When it said last that its process is about to end.
  var saidEndAt: MonotonicTime?
  /// It must go, whatever the time-outs say.
  var mustGo = false
  /// The newest pair of digests at one index.
  var agreed: (mine: Checkpoint, theirs: Checkpoint)?
  /// A replay that settles its dispute.
  var replay: (token: UInt64, theirs: Checkpoint)?

  /// One that the map names, and that is thought to have everything.
  static func follower(
    _ id: ReplicaID, at end: UInt64, now: MonotonicTime, timeout: Milliseconds
  ) -> Peer {
    Peer(id, .follower, Sending(through: end, isLive: true), now: now, timeout: timeout)
  }

  /// One that asked to be taken in, and waits `wait` before it is.
  static func joiner(
    _ id: ReplicaID, session: UInt64, wait: Milliseconds, now: MonotonicTime,
    timeout: Milliseconds
  ) -> Peer {
    let joiner = Joiner(stage: .cutting(.start), admitAt: now + wait, admitWait: wait)
    var peer = Peer(id, .joiner(joiner), Sending(through: 0, isLive: false), now: now, timeout: timeout)
    peer.session = session
    return peer
  }

  private init(
    _ id: ReplicaID, _ kind: Kind, _ sending: Sending, now: MonotonicTime, timeout: Milliseconds
  ) {
    (self.id, self.kind, self.sending, lastHeard) = (id, kind, sending, now)
    progress = Progress(timeout: timeout)
  }

  /// The map named it for a new epoch while frames flowed: they go on to flow, and all else begins anew.
  func named(now: MonotonicTime, timeout: Milliseconds) -> Peer {
    var peer = Peer(id, .follower, sending, now: now, timeout: timeout)
    (peer.sending.rewoundAt, peer.sending.at) = (0, .zero)
    (peer.progress.durable, peer.progress.durableAge) = (progress.durable, progress.durableAge)
    (peer.isFull, peer.saidEndAt) = (isFull, saidEndAt)
    return peer
  }

  var isFollower: Bool {
    switch kind {
    case .follower: true
    case .joiner: false
    }
  }

  /// nil: it is the follower.
  var joiner: Joiner? {
    get {
      switch kind {
      case .follower: nil
      case .joiner(let joiner): joiner
      }
    }
    set { kind = newValue.map { .joiner($0) } ?? .follower }
  }

  /// Frames flow to it.
  var isStreaming: Bool {
    switch kind {
    case .follower: true
    case .joiner(let joiner): joiner.isStreaming
    }
  }

  /// Whether answers need its acknowledgement: the map names it, or an unsettled proposal does, or is about to.
  var isRequired: Bool {
    switch kind {
    case .follower: true
    case .joiner(let joiner): joiner.demandedSince != nil
    }
  }

  /// Whether its process is about to end. It repeats that, so one that is silent about it is the next process.
  func isEnding(now: MonotonicTime, _ config: ReplicaConfig) -> Bool {
    saidEndAt.map { now - $0 < 5 * config.endAgain } ?? false
  }

  var isSentSnapshot: Bool {
    guard case .snapshot = joiner?.stage else { return false }
    return true
  }

  /// Whether the next frames for it should be read from the log.
  var wantsRead: Bool {
    isStreaming && !sending.isLive && sending.readToken == nil && sending.readEnds.count < 2
  }

  /// It is sent an envelope with this number, and with a frame that ends at `index`. Returns the index through which it
  /// was sent frames before.
  mutating func begin(_ number: UInt64, through index: UInt64?, now: MonotonicTime) -> UInt64 {
    (sending.number, sending.at) = (number, now)
    progress.numberAge.begin(number, now: now)
    defer { if let index { sending.through = index } }
    return sending.through
  }

  /// A read that it was sent all of has ended.
  mutating func readEnded() {
    if sending.through > (sending.readEnds.last ?? progress.durable) { sending.readEnds.append(sending.through) }
  }

  /// Whether a joiner keeps pace, and its acknowledgements can be demanded.
  func isReady(now: MonotonicTime, timeout: Milliseconds) -> Bool {
    guard let joiner else { return false }
    return sending.isLive && !isFull && now >= joiner.admitAt && progress.echoed > session
      && progress.durableAge.oldest(now: now) < timeout / 4
  }

  /// Whether a follower is well enough for this primary to hand over to it.
  func mayLead(now: MonotonicTime, _ config: ReplicaConfig) -> Bool {
    !isFull && !isEnding(now: now, config) && progress.echoed > 0 && late(now: now) < config.failureTimeout
  }

  /// How long it owes an answer: an echo, or that a frame is durable.
  func late(now: MonotonicTime) -> Milliseconds {
    max(progress.numberAge.oldest(now: now), progress.durableAge.oldest(now: now))
  }

  /// This process stood still: nobody was silent meanwhile.
  mutating func forgive(now: MonotonicTime) {
    progress.numberAge.forgive(now: now)
    progress.durableAge.forgive(now: now)
    lastHeard = now
  }

  /// A frame was appended after `before`: whether it is sent at once.
  mutating func isSent(
    _ frame: LogFrame, after before: UInt64, now: MonotonicTime, timeout: Milliseconds
  ) -> Bool {
    guard isStreaming else { return false }
    progress.durableAge.begin(frame.firstIndex, now: now)
    if !isFollower, progress.durableAge.oldest(now: now) > timeout {
      // A joiner that cannot follow is fed from the log at its own pace: what is sent and not acknowledged stays
      // bounded.
      sending.isLive = false
    }
    return sending.isLive && sending.through == before
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

  /// - Parameter sent: the last send number that was used.
  mutating func take(_ ack: Acknowledgement, sent: UInt64, now: MonotonicTime) -> Verdict {
    guard ack.number >= session else { return .old }
    lastHeard = now
    isFull = ack.full
    guard ack.end <= sending.most else { return .foreign }
    let isNewest = ack.number >= progress.echoed
    if isNewest, ack.end < progress.durable { return .lost(acknowledged: progress.durable) }
    progress.note(ack)
    sending.settle(through: progress.durable)
    if isNewest, ack.missing, ack.number >= sending.rewoundAt, ack.end < sending.through {
      sending.rewind(to: ack.end, at: sent &+ 1)
    }
    return .fine
  }

  var neededFrom: UInt64 {
    switch joiner?.stage {
    case .looking(let position, _), .cutting(let position): return position.index &+ 1
    case .snapshot(let transfer): return (transfer.position?.index ?? sending.through) &+ 1
    case .streaming, nil:
      let durable = progress.durable
      return (durable == 0 ? sending.through : min(durable, sending.through)) &+ 1
    }
  }
}

/// What only a peer has that is not named yet.
struct Joiner: Sendable {
  enum Stage: Equatable, Sendable {
    /// The own log is being searched for the hash at the joiner's end.
    case looking(LogPosition, token: UInt64)
    /// The joiner was told where to cut its log.
    case cutting(LogPosition)
    case snapshot(Transfer)
    /// Frames flow.
    case streaming
  }
  var stage: Stage
  /// When it may be taken in, and how long that wait was.
  var admitAt: MonotonicTime
  var admitWait: Milliseconds
  /// Its acknowledgements are demanded since then, although the map does not name it yet.
  var demandedSince: MonotonicTime?

  var isStreaming: Bool { if case .streaming = stage { true } else { false } }
}

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

/// What a peer has been sent.
struct Sending: Sendable {
  var through: UInt64 {
    didSet { most = max(most, through) }
  }
  /// The highest index that it was sent, or was known to have.
  private(set) var most: UInt64
  /// The number of the last envelope, and when it was sent.
  var number: UInt64 = 0
  var at: MonotonicTime = .zero
  /// New frames are sent as they are appended; otherwise they are read from the log.
  var isLive: Bool
  var readToken: UInt64?
  /// Where reads ended that are not acknowledged yet, oldest first; at most two.
  var readEnds: [UInt64] = []
  /// A gap was repaired by going back: what was sent before this number tells nothing new.
  var rewoundAt: UInt64 = 0

  init(through index: UInt64, isLive: Bool) { (through, most, self.isLive) = (index, index, isLive) }

  mutating func settle(through durable: UInt64) {
    while let first = readEnds.first, durable >= first { readEnds.removeFirst() }
  }

  /// Something between `index` and what was sent is missing there.
  mutating func rewind(to index: UInt64, at number: UInt64) {
    through = index
    isLive = false
    readToken = nil
    readEnds = []
    rewoundAt = number
  }
}

/// What a peer has acknowledged.
struct Progress: Sendable {
  var durable: UInt64 = 0
  var echoed: UInt64 = 0
  /// Numbers that it has not echoed, and frames that are not durable there.
  var numberAge: AgeRing
  var durableAge: AgeRing

  init(timeout: Milliseconds) {
    numberAge = AgeRing(timeout: timeout)
    durableAge = AgeRing(timeout: timeout)
  }

  mutating func note(_ ack: Acknowledgement) {
    echoed = max(echoed, ack.number)
    durable = max(durable, ack.durable)
    numberAge.settle(through: ack.number)
    durableAge.settle(through: durable)
  }
}
