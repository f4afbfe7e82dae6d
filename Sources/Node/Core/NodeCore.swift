import Budgets
import ClusterMap
import EventLoop
import Inventory
import Journal
import Logging
import Proto
import Replication
import ShardCore
import Threads
import Time

/// The loops of a node, for those who must name them before they exist.
///
/// Sendable without the compiler's check: `loops` is set once, before any of them runs or the log's writer has anything
/// to tell.
final class LoopTable: @unchecked Sendable {
  fileprivate(set) var loops: [NodeLoop] = []

  /// Runs `body` on each loop.
  func each(_ body: @escaping @Sendable (isolated NodeLoop) -> Void) {
    for nodeLoop in loops { nodeLoop.loop.submit { nodeLoop.assumeIsolated { body($0) } } }
  }
}

/// What a node's loops share: who it is, its log, its coordinator. Its tasks carry what waits for the coordinator.
final class NodeCore: Sendable {
  let configuration: NodeConfiguration
  let me: ReplicaID
  let cluster: UInt64
  let shardCount: Int
  let machineOptions: ShardMachine.Options
  let log: LogSink
  /// When this process began to serve.
  let startedAt = bootTime()
  let loopCount: Int
  /// Bounds unfinished messages on all connections that others opened.
  let inputBudget: MemoryBudget
  let journal: Log
  let oldSegments: OldSegments
  let writer: LogWriter
  let coordinator: any Coordinator
  let birth: BirthRecord
  /// Which of this node's starts the process is.
  let identity: NodeIdentity
  let desk: ProposalDesk
  let reads: MapReads
  /// This node's record as the coordinator should have it, once it serves.
  let record = Lock<NodeRecord?>(nil)
  let sign = Lock(SignOfLife())
  /// Whether the coordinator answers.
  let reachability = Lock(Reachability())
  /// When routers' records were looked at last.
  let routersLookedAt = Lock(MonotonicTime.zero)
  /// What replicas noted and the log does not say yet.
  let notes = Lock(NoteGathering())
  /// The newest start of each other node that was heard of.
  let starts = Lock<[NodeName: UInt64]>([:])
  /// Encodes snapshots, one after the other.
  let snapshots = Worker(name: "snapshots", isBackground: true)
  let table = LoopTable()
  private let state = Lock(State())
  private let randomness = Lock(RandomPool())
  private let onFailure: @Sendable (String) -> Void

  struct State {
    var isRecovering = true
    var haltReason: String?
    var isStopping = false
  }

  /// - Parameter onFailure: told once, on any thread, that the node can do nothing more, and why.
  init(
    _ configuration: NodeConfiguration, journal: Log, birth: BirthRecord, identity: NodeIdentity, desk: ProposalDesk,
    coordinator: any Coordinator, loops: LoopGroup, onFailure: @escaping @Sendable (String) -> Void
  ) {
    self.configuration = configuration
    (me, cluster, shardCount) = (journal.replica, birth.cluster, birth.shardCount)
    (self.journal, self.coordinator, self.onFailure) = (journal, coordinator, onFailure)
    (self.birth, self.identity, self.desk) = (birth, identity, desk)
    oldSegments = OldSegments(journal)
    loopCount = loops.count
    inputBudget = MemoryBudget(limit: configuration.inputBytesMax)
    log = configuration.log
    var options = ShardMachine.Options()
    options.snapshotBytes = configuration.snapshotBytes
    options.requestDeadline = configuration.requestDeadline
    machineOptions = options
    let table = table
    let relay = FailureRelay()
    reads = MapReads(
      coordinator, as: journal.replica.node, start: identity.start, replaced: { relay.node?.met($0) }
    ) { relay.node?.mapAnswered($0, $1, $2) }
    writer = LogWriter(journal) { event in
      switch event {
      case .durable(let group): tell(group, table)
      case .full:
        relay.node?.log.error("the disk is full: commands are refused, reads go on")
        table.each { $0.takeAll(.diskFull(true)) }
      case .spaceAgain:
        relay.node?.log.warning("there is room again on the disk: commands are taken")
        table.each { $0.takeAll(.diskFull(false)) }
      case .failed(let error): relay.node?.fail("the log failed: \(error)")
      }
    }
    relay.node = self
    table.loops = loops.loops.enumerated().map { NodeLoop($0.offset, on: $0.element, node: self) }
  }

  var loops: [NodeLoop] { table.loops }
  func loop(of shard: ShardID) -> NodeLoop { loops[Int(shard.rawValue) % loops.count] }
  func random() -> UInt64 { randomness.withLock { $0.next() } }

  // MARK: State

  var isStopping: Bool { state.withLock { $0.isStopping } }
  var status: (state: NodeStatus.State, reason: String) {
    state.withLock { state in
      if let reason = state.haltReason { return (.halted, reason) }
      return (state.isRecovering ? .recovering : .up, "")
    }
  }

  var isCoordinatorReachable: Bool { reachability.withLock(\.isReachable) }

  func recovered() { state.withLock { $0.isRecovering = false } }

  /// The node begins to end. False: it did already.
  func beginStop() -> Bool {
    state.withLock { state in
      defer { state.isStopping = true }
      return !state.isStopping
    }
  }

  /// A write or sync failed, or something that cannot be: this process acknowledges nothing any more.
  func fail(_ reason: String, as why: HaltReason = .diskFailed) {
    let isFirst = state.withLock { state in
      guard state.haltReason == nil else { return false }
      state.haltReason = reason
      return true
    }
    guard isFirst else { return }
    writeNotes(all: true)
    log.error("the node stops") { $0.field("reason", reason) }
    table.each { $0.takeAll(.halt(why)) }
    onFailure(reason)
  }

  /// Tells a shard's machine something on its loop.
  func post(_ input: ShardInput, to shard: ShardID) {
    let home = loop(of: shard)
    home.loop.submit { home.assumeIsolated { nodeLoop in _ = nodeLoop.take(input, for: shard) } }
  }

  func stopThreads() {
    snapshots.stop()
    desk.stop()
    writer.stop()
  }
}

/// Lets the writer name the node that makes it.
///
/// Sendable without the compiler's check: set once, before the writer has anything to tell.
private final class FailureRelay: @unchecked Sendable {
  weak var node: NodeCore?
}

/// Tells each loop what one group made durable, with one hand-over a loop.
private func tell(_ group: DurableGroup, _ table: LoopTable) {
  let loops = table.loops
  guard !loops.isEmpty else { return }
  for (index, nodeLoop) in loops.enumerated() {
    let ends = group.ends.filter { Int($0.shard.rawValue) % loops.count == index }
    let markers = group.markers.filter { Int($0.shard.rawValue) % loops.count == index }
    if ends.isEmpty && markers.isEmpty { continue }
    nodeLoop.loop.submit { nodeLoop.assumeIsolated { $0.durable(ends, markers) } }
  }
}
