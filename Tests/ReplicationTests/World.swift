import Octets
import Proto
import Replication
import TestKit
import Time

/// What goes wrong in a run; each drawn from the seed.
struct Faults {
  var loss = 0.0
  var duplication = 0.0
  var reorders = false
  /// Microseconds.
  var delayMax = 2_000
  var slowDisk = 0.0
  var slowCoordinator = 0.0
  var lostWatch = 0.0
  /// Chance of each per hundred milliseconds.
  var crash = 0.0
  var end = 0.0
  var partition = 0.0
  var pause = 0.0
  var coordinatorAway = 0.0
  var directive = 0.0
  var damage = 0.0
  var wipe = 0.0
  var fullDisk = 0.0
  var wrongMemory = 0.0
  var trim = 0.0
  var coordinatorBack = 0.0
  var takeAll = 0.0

  static let none = Faults()

  init() {}

  init(from random: inout SeededRandom) {
    func chance(_ most: Double, _ random: inout SeededRandom) -> Double {
      Bool.random(using: &random) ? Double.random(in: 0...most, using: &random) : 0
    }
    loss = chance(0.1, &random)
    duplication = chance(0.1, &random)
    reorders = Bool.random(using: &random)
    delayMax = [300, 2_000, 20_000, 120_000].randomElement(using: &random)!
    slowDisk = chance(0.02, &random)
    slowCoordinator = chance(0.4, &random)
    lostWatch = chance(0.7, &random)
    crash = chance(0.12, &random)
    partition = chance(0.12, &random)
    pause = chance(0.12, &random)
    coordinatorAway = chance(0.08, &random)
    directive = chance(0.2, &random)
    damage = chance(0.05, &random)
    wipe = chance(0.03, &random)
    fullDisk = chance(0.05, &random)
    wrongMemory = chance(0.05, &random)
    trim = chance(0.3, &random)
    coordinatorBack = chance(0.1, &random)
    takeAll = chance(0.1, &random)
    end = chance(0.1, &random)
  }
}

/// What a run must never see.
struct Violation: Error, CustomStringConvertible {
  var description: String
}

/// A few replicas of one shard with their logs, a network, a register and clients, all on one simulated clock.
///
/// The same seed makes the same run.
final class World {
  struct Payload {
    var frame: SimulatedFrame?
    var snapshot: SnapshotPart?
  }
  struct SnapshotPart {
    var id: Int
    var part: Int
    var parts: Int
    var frames: [SimulatedFrame]
  }
  enum Event {
    case tick(node: Int, life: Int)
    case deliver(node: Int, from: ReplicaID, ReplicaMessage, Payload)
    case synced(node: Int, life: Int, generation: Int, count: Int)
    case cutDone(node: Int, life: Int, to: UInt64)
    case installed(node: Int, life: Int)
    case mapReply(node: Int, life: Int, MapRegister?, token: UInt64)
    case mapFailed(node: Int, life: Int, token: UInt64)
    case read(node: Int, life: Int, token: UInt64)
    case propose(node: Int, life: Int, MapEntry, revision: UInt64, era: Int)
    case edge(node: Int, life: Int, EdgeAnswer)
    case request(node: Int)
    /// A node that was told to end may be done with it.
    case mayEnd(node: Int, life: Int, until: Int)
    /// An operator goes on with this joiner's copy.
    case takeAll(node: Int)
    case clients
    case restart(node: Int)
    case faults
  }
  /// What the edge finds out a little later.
  enum EdgeAnswer {
    case chain(index: UInt64, token: UInt64)
    case frames(token: UInt64, first: UInt64, bytes: Int)
    case snapshotReady(session: UInt64)
    case chunkStored(session: UInt64, through: UInt64)
    case sendSnapshot(session: UInt64, epoch: UInt64, offset: UInt64, bytes: UInt64, to: ReplicaID)
    case replay(index: UInt64, token: UInt64)
    case room
  }

  let seed: UInt64
  var random: SeededRandom
  var time = 0
  var queue = TimedQueue<Event>()
  var nodes: [SimulatedNode] = []
  var faults: Faults
  var isHealing = false
  let shard = ShardID(3)

  // The network: when a link is open again, and when its last message arrives.
  var blockedUntil: [[Int]]
  var lastArrival: [[Int]]

  // The coordinator.
  var register: MapRegister?
  var coordinatorBackAt = 0
  /// Proposals that were sent and are not decided yet.
  var proposalsUnderWay: [MapEntry] = []
  /// What the register was, oldest first.
  var history: [MapRegister] = []
  /// Grows each time that the coordinator goes back: what was on its way to it then is lost.
  var era = 0
  /// What the register was when the coordinator went back, and when that was, until it is settled.
  var forgotten: (register: MapRegister, at: Int)?
  /// As soon as a primary is alone and another has all that was answered, the primary stands still and the other takes
  /// over.
  var wantsTakeAll = false

  // What was seen.
  var checks = Checks()
  var nextRecord: UInt64 = 1
  var steps = 0
  var trace: [String] = []
  var traces = false

  init(seed: UInt64, nodeCount: Int? = nil, faults: Faults? = nil, config: ((inout ReplicaConfig) -> Void)? = nil) {
    self.seed = seed
    var random = SeededRandom(seed: seed)
    let count = nodeCount ?? (Int.random(in: 0..<3, using: &random) == 0 ? 3 : 2)
    self.faults = faults ?? Faults(from: &random)
    blockedUntil = Array(repeating: Array(repeating: 0, count: count), count: count)
    lastArrival = blockedUntil
    self.random = random
    var settings = ReplicaConfig()
    settings.readmissionWait = 100
    settings.readmissionWaitMax = 1_000
    settings.checkpointEvery = 16
    settings.catchUpBytes = 400
    settings.snapshotWindowBytes = 64
    config?(&settings)
    for index in 0..<count {
      let name = NodeName(Bytes("n\(index + 1)"))!
      nodes.append(
        SimulatedNode(index: index, id: ReplicaID(node: name, disk: UInt64(index) + 1), shard: shard, config: settings))
    }
    for node in nodes { restart(node) }
    at(1_000, .clients)
    at(100_000, .faults)
  }

  func at(_ delay: Int, _ event: Event) { queue.plan(at: time + max(delay, 0), event) }
  var now: MonotonicTime { MonotonicTime(Int64(time / 1_000) + 1_000) }
  func chance(_ probability: Double) -> Bool {
    probability > 0 && Double.random(in: 0..<1, using: &random) < probability
  }
  func index(of id: ReplicaID) -> Int? { nodes.firstIndex { $0.id.node == id.node } }
  func log(_ text: @autoclosure () -> String) {
    if traces { trace.append("\(time / 1_000).\(time % 1_000 / 100) \(text())") }
  }

  /// Runs until `milliseconds` have passed.
  func run(milliseconds: Int) throws {
    let until = time + milliseconds * 1_000
    while let next = queue.nextTime, next <= until {
      time = next
      try step(queue.takeNext()!)
      steps += 1
    }
    time = until
  }

  /// Chaos, then calm: in the calm both replicas must be in sync and sales must go on.
  func run(chaos: Int, healWithin: Int) throws {
    do {
      try run(milliseconds: chaos)
      heal()
      var waited = 0
      while waited < healWithin {
        try run(milliseconds: 250)
        waited += 250
        if waited >= 1_000, isHealed { break }
        if waited >= 3_000 { operate() }
      }
      guard isHealed else { throw Violation(description: "not healed after \(healWithin) ms: \(summary)") }
      try finish()
    } catch let violation as Violation {
      throw Violation(description: "seed \(seed), \(time / 1_000) ms: \(violation.description)")
    }
  }

  func heal() {
    isHealing = true
    faults = .none
    coordinatorBackAt = 0
    for from in nodes.indices { for to in nodes.indices { blockedUntil[from][to] = 0 } }
    for node in nodes {
      if !node.isFrozen { node.pausedUntil = min(node.pausedUntil, time) }
      node.slowUntil = 0
      if node.isFull { setFull(node, false) }
      if node.replica == nil, !node.restartsLater { restart(node) }
    }
  }

  var isHealed: Bool {
    guard let entry = register?.entry, let follower = entry.follower, let first = index(of: entry.primary),
      let second = index(of: follower), let primary = nodes[first].replica, let other = nodes[second].replica
    else { return false }
    let summary = primary.summary
    return primary.role == .primary && other.role == .follower && summary.isOpen && primary.epoch == entry.epoch
      && primary.end == other.end && primary.committed == primary.end.index && other.durable == other.end.index
      && primary.acceptsCommands && nodes[first].memoryError == 0 && nodes[second].memoryError == 0
  }

  /// What must hold in the end: everything that was acknowledged is there once, in both logs.
  func finish() throws {
    guard let entry = register?.entry, let first = index(of: entry.primary) else { return }
    let log = nodes[first].log
    var places: [UInt64: Int] = [:]
    for frame in log.frames { for record in frame.records where record != 0 { places[record, default: 0] += 1 } }
    for record in checks.acknowledged where places[record] != 1 {
      throw Violation(description: "record \(record) was acknowledged and is there \(places[record] ?? 0) times")
    }
    guard log.chain(at: checks.revealed.index) == checks.revealed.chain else {
      throw Violation(description: "what was answered at \(checks.revealed.index) is not in the log")
    }
  }

  var summary: String {
    let entry = register.map {
      "\($0.entry.epoch) \($0.entry.primary.node)/\($0.entry.follower?.node.description ?? "-")"
    }
    let replicas = nodes.map { node in
      guard let replica = node.replica else { return "\(node.id.node) down" }
      let summary = replica.summary
      return
        "\(node.id.node):\(node.id.disk) \(replica.role) epoch \(replica.epoch) end \(replica.end.index) durable \(replica.durable) committed \(replica.committed) \(summary.suspicion) open \(summary.isOpen) draining \(summary.draining) full \(node.isFull) memory \(node.memoryError) halt \(String(describing: summary.haltReason)) joining \(summary.joining?.node.description ?? "-")"
    }
    return "map \(entry ?? "absent"); \(replicas.joined(separator: "; "))"
  }
}
