import Inventory
import Journal
import MemoryDisk
import Node
import Octets
import Proto
import Replication
import RouterCore
import Seeded
import ShardCore
import Time

/// What a run must never see.
struct Violation: Error, CustomStringConvertible {
  /// What kind of promise was broken: short, for comparing runs.
  var rule: String
  var description: String
}

/// A whole cluster in one thread: nodes with their shards, logs and links, the coordinator, clients, operators, and
/// what goes wrong with them, all on one simulated clock and from one seed.
final class World {
  let seed: UInt64
  var random: SeededRandom
  /// Microseconds since the beginning.
  var time = 0
  /// Buyers only look, until the shard's roles change or time is up; those at a deaf router until then.
  var lull: (shard: ShardID, primary: NodeName, until: Int)?
  var schedule = TimedQueue<() -> Void>()
  var steps = 0
  /// A hash of all that happened, in order.
  var hash: UInt64 = 0
  let traces: Bool
  /// What one replica is told is written down; nil: nothing is.
  let recording: Recording?
  var trace: [String] = []
  var violation: Violation?

  let shardCount: Int
  var nodes: [SimulatedNode] = []
  /// Processes in whose place others were started: they may still stand still, and wake up.
  var ghosts: [SimulatedNode] = []
  var lastSerial = 0
  /// By node, what its directory once was, and in which start.
  var images: [(storage: MemoryStorage, start: UInt64)?] = []
  /// What happens as soon as it may.
  var wishes: Set<Wish> = []
  /// By shard on which nobody goes on, when an operator looks into it.
  var waitsUntil: [ShardID: Int] = [:]
  var routers: [SimulatedRouter] = []
  var network: Network!
  var coordinator: SimulatedCoordinator!
  var clients: [SimulatedClient] = []
  /// An event with a waiting room, in every fourth run.
  private(set) var queue: SimulatedQueue?
  let checks: Checks
  var history = History()
  var events: [SimulatedEvent] = []

  var faults = Faults.none
  private let plannedFaults: Faults
  /// Nothing goes wrong, but nodes are told to end: then more is promised.
  let hasOnlyEnds: Bool
  /// What the map said when all nodes were told to end.
  var mapAtEnd: [ShardID: MapRegister]?
  var counts = [Int](repeating: 0, count: FaultKind.allCases.count)
  var isHealing = false
  /// Until when every machine stands still.
  var standstillUntil = 0
  /// Grows when the operator begins anew to look every tenth of a second.
  var operatorRound = 0
  /// Only keys of clients outlive a minute: where time may leap, clients have them.
  let keysAreClients: Bool
  var freshReads = 0
  /// Holds that went the one-seat way from the door on.
  var quickHolds = 0
  var seatsChecked = 0
  var seatsUndecided = 0

  let machineOptions: ShardMachine.Options
  let replicaConfig: ReplicaConfig
  let segmentBytes: Int
  /// How long a router holds a request.
  let routerDeadline: Milliseconds

  /// - Parameter only: the faults; nil: drawn from the seed.
  init(seed: UInt64, traces: Bool, recording: Recording? = nil, only: Faults? = nil) {
    (self.seed, self.traces, self.recording) = (seed, traces, recording)
    var random = SeededRandom(seed: mix64(seed))
    let drawn = Faults(from: &random)
    (plannedFaults, hasOnlyEnds) = (only ?? drawn, only != nil)
    shardCount = random.chance(30) ? 2 : 1
    let nodeCount = random.chance(40) ? 3 : 2
    let routerCount = random.chance(50) ? 2 : random.chance(50) ? 1 : 3
    keysAreClients = plannedFaults.standstill > 0 || plannedFaults.wallJumpMax > 60_000
    routerDeadline = [1_000, 5_000, 20_000].randomElement(using: &random) ?? 5_000

    var options = ShardMachine.Options()
    options.snapshotBytes = [1_500, 6_000, 1 << 20].randomElement(using: &random) ?? 6_000
    options.recentBytesMax = [800, 4 << 20].randomElement(using: &random) ?? 800
    options.requestDeadline = [1_000, 5_000, 20_000].randomElement(using: &random) ?? 5_000
    // Whatever an answer takes, in every other run: nothing in a simulated cluster is large.
    if seed % 2 == 0 { (options.largeAnswerBytes, options.seatsCopiedPerTurn) = (1, 3) }
    // The same for records, and for a follower's frames.
    if seed / 2 % 2 == 0 { options.largeRecordBytes = 150 }
    // A listener turns the one-seat path off. Most runs have none, so that they take that path.
    options.tellsChanges = seed % 3 == 1
    machineOptions = options

    var config = ReplicaConfig()
    config.readmissionWait = 100
    config.readmissionWaitMax = 1_000
    config.heartbeat = 50
    config.checkpointEvery = 16
    // Three small frames, as each counts: or all there is.
    config.catchUpBytes = [12 << 10, 1 << 20].randomElement(using: &random) ?? 12 << 10
    config.snapshotBehind = [30, 2_000_000].randomElement(using: &random) ?? 30
    replicaConfig = config
    segmentBytes = [16 << 10, 64 << 10].randomElement(using: &random) ?? 16 << 10

    self.random = random
    checks = Checks(shardCount: shardCount)
    network = Network(self, endpointCount: nodeCount + routerCount)
    coordinator = SimulatedCoordinator(self)
    for index in 0..<nodeCount { nodes.append(SimulatedNode(index, self)) }
    images = Array(repeating: nil, count: nodeCount)
    for node in nodes { node.boot() }
    for index in 0..<routerCount { routers.append(SimulatedRouter(index, self)) }
    for router in routers { router.boot() }
    let clientCount = Int.random(in: 2...5, using: &self.random)
    for index in 0..<clientCount { clients.append(SimulatedClient(index, self)) }
    clients[0].createEvents()
    if seed % 4 == 3 { queue = SimulatedQueue(self, seed: seed) }
    plan(after: 50_000) { $0.assignFirstRoles() }
  }

  // MARK: Time

  func plan(after microseconds: Int, _ body: @escaping (World) -> Void) {
    schedule.plan(at: time + max(0, microseconds)) { [unowned self] in body(self) }
  }

  /// One step: the next thing happens.
  private func step() {
    guard let next = schedule.nextTime, let body = schedule.takeNext() else { return }
    time = max(time, next)
    steps += 1
    note(UInt64(bitPattern: Int64(time)))
    body()
  }

  private func run(until: Int, while condition: () -> Bool = { true }) {
    while violation == nil, condition(), let next = schedule.nextTime, next <= until { step() }
  }

  /// Sells in peace until the cluster is born, then for `steps` steps with everything going wrong, then heals and is
  /// looked at.
  func run(steps wanted: Int) {
    run(until: 20_000_000) { self.clients.contains { !$0.isReady } }
    if clients.contains(where: { !$0.isReady }) { fail("healing", "the cluster was not born within 20 s") }
    faults = plannedFaults
    say("faults begin: \(faults)")
    plan(after: 100_000) { $0.strike() }
    operate()
    if faults.coordinatorBack > 0 { coordinator.keepImage() }
    let last = steps + wanted
    run(until: .max) { self.steps < last }
    run(until: standstillUntil)
    guard violation == nil else { return }
    heal()
    // Long enough for every damped readmission.
    let until = time + 40_000_000
    while violation == nil, time < until {
      let turn = time + 100_000
      run(until: turn)
      time = max(time, turn)
      if isHealed, queue?.isServed ?? true { break }
    }
    if violation == nil, let queue, !queue.isServed {
      return fail("the waiting room", "not let in 40 s after the last fault: \(queue.summary); \(summary)")
    }
    if violation == nil, !isHealed {
      for node in nodes { for held in node.shards { say("\(node.name): \(held.machine.replica)") } }
      return fail("healing", "not healed 40 s after the last fault: \(summary)")
    }
    finish()
  }

  /// Goes on until nobody waits for an answer.
  func settle(until: Int) {
    while violation == nil, time < until, clients.contains(where: { !$0.isIdle }) || !isHealed {
      let turn = time + 50_000
      run(until: turn)
      time = max(time, turn)
    }
  }

  /// Lets go of everything: closures that wait hold on to nodes and clients.
  func end() {
    schedule = TimedQueue()
    for node in processes { node.end() }
    for router in routers { router.end() }
  }

  // MARK: What everybody uses

  func chance(_ probability: Double) -> Bool {
    probability > 0 && Double.random(in: 0..<1, using: &random) < probability
  }
  func draw(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

  func count(_ kind: FaultKind) { counts[kind.rawValue] += 1 }

  /// Adds to the hash of what happened.
  func note(_ value: UInt64) { hash = mix64(hash ^ value) }

  func say(_ text: @autoclosure () -> String) {
    guard traces else { return }
    trace.append("\(steps) \(time / 1_000).\(time % 1_000 / 100) ms: \(text())")
  }

  func fail(_ rule: String, _ text: @autoclosure () -> String) {
    guard violation == nil else { return }
    violation = Violation(rule: rule, description: text())
    say("VIOLATION of \(rule): \(violation?.description ?? "")")
  }

  /// All processes of nodes, also those that were replaced and do not know it.
  var processes: [SimulatedNode] { nodes + ghosts }

  func node(named name: NodeName) -> SimulatedNode? { nodes.first { $0.nodeName == name } }

  /// Microseconds until machines go on.
  var standstillLeft: Int { max(0, standstillUntil - time) }

  /// The id of a shard's event: the shard is the id's own.
  func eventID(_ shard: ShardID) -> Bytes {
    for number in 0... {
      let id = Bytes("event-\(number)")
      if ShardID.owning(event: id.rawSpan, shardCount: shardCount) == shard { return id }
    }
    preconditionFailure("each shard has events")
  }

  /// Which event an operation is about.
  func event(_ operation: ClientOperation) -> Bytes? {
    if operation.what.isOnOwnEvent { return nil }
    if case .create(let definition) = operation.what { return definition.id }
    return events.first { $0.shard == operation.shard }?.id
  }

  var shardIDs: [ShardID] { (0..<shardCount).map { ShardID(UInt16($0)) } }

  // MARK: First roles

  private func assignFirstRoles() {
    guard coordinator.registers.count < shardCount else { return }
    plan(after: 50_000) { $0.assignFirstRoles() }
    let replicas = nodes.map(\.id)
    for shard in shardIDs where coordinator.registers[shard] == nil {
      let roles = Placement.firstRoles(of: shard, on: replicas)
      for node in nodes {
        node.whileRunning { (node: SimulatedNode) in node.take(.assignFirstRoles(roles), for: shard) }
      }
    }
  }

  // MARK: The end

  var isHealed: Bool {
    guard clients.allSatisfy(\.isIdle), ghosts.allSatisfy({ !$0.isUp }), !coordinator.isUnsettled else { return false }
    return shardIDs.allSatisfy { shard in
      guard let entry = coordinator.registers[shard]?.entry, let follower = entry.follower,
        let first = node(named: entry.primary.node)?.machine(shard),
        let second = node(named: follower.node)?.machine(shard)
      else { return false }
      return first.machine.replica.role == .primary && second.machine.replica.role == .follower
        && first.machine.replica.epoch == entry.epoch && first.machine.replica.acceptsCommands
        && first.machine.replica.end == second.machine.replica.end
        && first.machine.replica.committed == first.machine.replica.end.index
        && second.machine.replica.durable == second.machine.replica.end.index
    }
  }

  var summary: String {
    var parts: [String] = []
    for shard in shardIDs {
      let entry = coordinator.registers[shard]?.entry
      parts.append(
        "shard \(shard.rawValue): map \(entry.map { "\($0.epoch) \($0.primary.node)/\($0.follower?.node.description ?? "-")" } ?? "absent")"
      )
      for node in nodes {
        guard let held = node.machine(shard) else {
          parts.append("\(node.name) down")
          continue
        }
        let replica = held.machine.replica
        let summary = replica.summary
        parts.append(
          "\(node.name) \(replica.role) epoch \(replica.epoch) end \(replica.end.index) durable \(replica.durable) committed \(replica.committed) open \(summary.isOpen) \(summary.suspicion) draining \(summary.draining) joining \(summary.joining?.node.description ?? "-") halt \(summary.haltReason.map { "\($0)" } ?? "-")"
        )
      }
    }
    for client in clients {
      for operation in client.pending {
        parts.append(
          "\(operation.name) \(operation.what) waits for \((time - operation.called) / 1_000) ms, asked \((time - operation.sentAt) / 1_000) ms ago, \(operation.key == nil ? "no key" : "key"), \(operation.door.map { "\($0.router.name) \($0.isOpen)" } ?? "nowhere")"
        )
      }
    }
    for router in routers {
      for loop in router.loops {
        let forwarder = loop.engine.forwarder
        parts.append(
          "\(router.name) has \(forwarder.pendingCount) pending, reaches \(shardIDs.map { forwarder.isReachable($0) })")
      }
    }
    return parts.joined(separator: "; ")
  }
}
