import Octets
import Proto
import Replication
import Time

let shardUnderTest = ShardID(3)

/// A replica's id by its node's number.
func id(_ node: Int, disk: UInt64 = 0) -> ReplicaID {
  ReplicaID(node: NodeName(Bytes("n\(node)"))!, disk: disk == 0 ? UInt64(node) : disk)
}

func entry(_ epoch: UInt64, _ primary: ReplicaID, _ follower: ReplicaID?, proposal: UInt64 = 1) -> MapEntry {
  MapEntry(epoch: epoch, primary: primary, follower: follower, proposal: proposal)
}

/// One replica on a stage: plays its edge by hand, and keeps what it asked for.
struct Player {
  var replica: Replica
  var log = SimulatedLog()
  var now: MonotonicTime = 10_000
  /// What was asked since the last `take`.
  var effects: [Effect] = []

  init(_ node: Int = 1, disk: UInt64 = 0, config: ReplicaConfig = ReplicaConfig()) {
    replica = Replica(me: id(node, disk: disk), shard: shardUnderTest, config: config, seed: 42)
  }

  /// Starts with a log, and reads this register.
  mutating func start(
    _ entry: MapEntry?, revision: UInt64 = 1, frames: [SimulatedFrame] = [], suspicion: Suspicion = .none,
    isProven: Bool = true, noted: UInt64? = nil, entered: EpochNote? = nil
  ) {
    log = SimulatedLog(frames: frames, durableCount: frames.count)
    var state = log.state(suspicion: suspicion)
    // As one that proposed the entry itself: what follows if it cannot show that has tests of its own.
    state.noted = noted ?? (isProven ? entry?.proposal : nil)
    state.entered = entered
    replica.start(log: state, now: now, into: &effects)
    readMap(entry, revision: revision)
  }

  /// Answers the last `readMap`.
  mutating func readMap(_ entry: MapEntry?, revision: UInt64) {
    guard let token = lastReadToken else { return }
    replica.mapRead(
      entry.map { MapRegister(revision: revision, entry: $0) }, token: token, now: now, into: &effects)
  }

  mutating func watch(_ entry: MapEntry, revision: UInt64) {
    replica.mapRead(MapRegister(revision: revision, entry: entry), token: 0, now: now, into: &effects)
  }

  /// Gives the replica what it proposed.
  mutating func win(revision: UInt64) {
    guard let proposed = lastProposal else { return }
    watch(proposed.entry, revision: revision)
  }

  mutating func hear(_ message: ReplicaMessage, _ frame: SimulatedFrame? = nil, from sender: ReplicaID) {
    let before = effects.count
    replica.receive(message, frame: frame?.header, from: sender, now: now, into: &effects)
    if let frame, effects[before...].contains(.appendFrame) { append(frame) }
  }

  mutating func append(_ frame: SimulatedFrame) {
    log.frames.append(frame)
    replica.appended(frame.header, digest: frame.digest, now: now, into: &effects)
  }

  /// The primary writes a frame.
  @discardableResult mutating func write(_ records: [UInt64]) -> SimulatedFrame {
    let frame = SimulatedFrame(
      shard: shardUnderTest, epoch: replica.epoch, after: log.end, records: records, stamp: replica.stamp(now: now),
      committed: replica.committed, digestBefore: log.digest)
    append(frame)
    return frame
  }

  mutating func open() {
    _ = replica.lead(now: now, wall: 1_000_000)
    write([0])
  }

  mutating func sync() {
    log.durableCount = log.frames.count
    replica.durable(through: log.end.index, now: now, into: &effects)
  }

  mutating func carryOut(_ directive: Directive) -> DirectiveAnswer {
    replica.carryOut(directive, now: now, into: &effects)
  }

  mutating func flush() { replica.flush(now: now, into: &effects) }

  /// Lets time pass in ticks.
  mutating func wait(_ milliseconds: Int) {
    for _ in 0..<(milliseconds / 20) {
      now += 20
      replica.tick(now: now, into: &effects)
    }
  }

  /// As `wait`, while the peer keeps talking.
  mutating func wait(_ milliseconds: Int, hearing message: (inout Player) -> ReplicaMessage, from sender: ReplicaID) {
    for _ in 0..<(milliseconds / 20) {
      now += 20
      let said = message(&self)
      hear(said, from: sender)
      replica.tick(now: now, into: &effects)
    }
  }

  mutating func acknowledge(
    _ durable: UInt64, number: UInt64? = nil, epoch: UInt64? = nil, end: UInt64? = nil, missing: Bool = false,
    from sender: ReplicaID
  ) {
    hear(
      .acknowledgement(
        Acknowledgement(
          epoch: epoch ?? replica.epoch, durable: durable, number: number ?? lastNumber, end: end ?? durable,
          missing: missing)), from: sender)
  }

  /// The turn ends, and the coordinator says that the map still is what this replica knows.
  mutating func confirm() {
    flush()
    let tokens = effects.compactMap { if case .readMap(let token) = $0 { token } else { nil } }
    for token in tokens { replica.mapRead(replica.register, token: token, now: now, into: &effects) }
  }

  /// Replies computed from the log's end after a request that was read now may leave.
  func answers(_ position: UInt64, tag: UInt64) -> Bool { replica.answerable.covers(position: position, number: tag) }

  // MARK: What was asked

  var lastReadToken: UInt64? {
    for case .readMap(let token) in effects.reversed() { return token }
    return nil
  }
  var lastProposal: (entry: MapEntry, revision: UInt64)? {
    for case .propose(let entry, let revision, _) in effects.reversed() { return (entry, revision) }
    return nil
  }
  var proposals: [MapEntry] { effects.compactMap { if case .propose(let entry, _, _) = $0 { entry } else { nil } } }
  var envelopes: [Envelope] {
    effects.compactMap {
      switch $0 {
      case .sendFrame(let envelope, _): envelope
      case .send(.envelope(let envelope), _): envelope
      default: nil
      }
    }
  }
  var lastNumber: UInt64 { envelopes.last?.number ?? 0 }
  var acknowledgements: [Acknowledgement] {
    effects.compactMap { if case .send(.acknowledgement(let ack), _) = $0 { ack } else { nil } }
  }
  func sent(_ isIt: (ReplicaMessage) -> Bool) -> Bool {
    effects.contains { if case .send(let message, _) = $0 { isIt(message) } else { false } }
  }
}

/// Frames of some epochs, one record each, chained.
func frames(_ epochs: [UInt64], salt: UInt64 = 0) -> [SimulatedFrame] {
  var log = SimulatedLog()
  for (place, epoch) in epochs.enumerated() {
    log.frames.append(
      SimulatedFrame(
        shard: shardUnderTest, epoch: epoch, after: log.end, records: [UInt64(place) + 100 + salt], stamp: 1,
        committed: 0, digestBefore: log.digest))
  }
  return log.frames
}

/// A primary of epoch 2 with a follower, open, that led before: the map says n1 and n2.
func openPrimary(config: ReplicaConfig = ReplicaConfig(), revision: UInt64 = 1) -> Player {
  var player = Player(1, config: config)
  player.start(nil)
  player.replica.assignFirstRoles(FirstRoles(primary: id(1), follower: id(2)), now: player.now, into: &player.effects)
  player.win(revision: revision)
  player.open()
  player.sync()
  player.acknowledge(1, from: id(2))
  return player
}

/// A primary that the map says goes alone, open.
func openAlone(config: ReplicaConfig = ReplicaConfig()) -> Player {
  var player = Player(1, config: config)
  player.start(nil)
  player.replica.assignFirstRoles(FirstRoles(primary: id(1), follower: nil), now: player.now, into: &player.effects)
  player.win(revision: 1)
  player.open()
  player.sync()
  return player
}

/// A follower (n2) of n1 in epoch 1 that has `count` durable frames.
func follower(_ count: Int = 3) -> Player {
  var player = Player(2)
  player.start(entry(1, id(1), id(2)), frames: frames(Array(repeating: 1, count: count)))
  player.hear(heartbeat(1, number: 1, previous: UInt64(count)), from: id(1))
  player.flush()
  player.effects = []
  return player
}

func heartbeat(_ epoch: UInt64, number: UInt64, previous: UInt64 = 0, stamp: Stamp = 0) -> ReplicaMessage {
  .envelope(Envelope(epoch: epoch, number: number, stamp: stamp, committed: 0, previous: previous))
}
