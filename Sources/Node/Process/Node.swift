public import ClusterMap
import EventLoop
import Inventory
import Journal
import Logging
public import Proto
import Replication
import ShardCore
import Synchronization
import Threads

/// Why a node could not start: one sentence that names what is wrong.
public struct NodeStartError: Error, Equatable, Sendable, CustomStringConvertible {
  public let description: String
  init(_ description: String) { self.description = description }
}

/// A node: its loops, shards, log and connections, in this process. Several can run side by side, each with a directory
/// of its own.
public final class Node: Sendable {
  private let core: NodeCore
  private let group: LoopGroup
  private let listener: Listener
  private let metricsListener: Listener?
  private let watch: MapWatch
  private let tasks: [Task<Void, Never>]

  /// The port it listens on: the real one if 0 was asked for.
  public let port: UInt16
  /// Where the metrics are served, if they are.
  public var metricsPort: UInt16? { metricsListener?.address.port }
  public var address: String { core.configuration.address(listeningAt: port) }
  /// The cluster's random id.
  package var cluster: UInt64 { core.cluster }
  /// This node and its disk.
  public var replica: ReplicaID { core.me }

  private init(
    _ core: NodeCore, _ group: LoopGroup, _ listener: Listener, _ metricsListener: Listener?, _ watch: MapWatch,
    _ tasks: [Task<Void, Never>]
  ) {
    (self.core, self.group, self.listener, self.metricsListener) = (core, group, listener, metricsListener)
    (self.watch, self.tasks) = (watch, tasks)
    port = listener.address.port
  }

  /// Starts a node: takes its directory and port, reads its log, joins the cluster. Returns once it serves.
  ///
  /// - Parameters:
  ///   - progress: sentences about a recovery that takes long.
  ///   - onFailure: told once, on any thread, that the node can do nothing more, and why: the process should end.
  public static func start(
    _ configuration: NodeConfiguration, coordinator: any Coordinator,
    progress: @escaping @Sendable (String) -> Void = { _ in },
    onFailure: @escaping @Sendable (String) -> Void = { _ in }
  ) async throws -> Node {
    try await refuseTwin(configuration, coordinator)
    let listener: Listener
    var metricsListener: Listener?
    do throws(SocketError) {
      listener = try Listener.bind(host: configuration.host, port: configuration.port)
      if let (host, port) = configuration.metrics { metricsListener = try Listener.bind(host: host, port: port) }
    } catch {
      throw NodeStartError("cannot listen: \(error)")
    }
    let began = monotonicNanoseconds()
    let (journal, storage) = try openLog(configuration, progress)
    let verified = monotonicNanoseconds()
    do {
      let birth = try await NodeIdentity.findCluster(
        storage, shardCount: configuration.shardCount, coordinator: coordinator)
      let record = NodeRecord(
        name: journal.replica.node, disk: journal.replica.disk,
        address: configuration.address(listeningAt: listener.address.port),
        loops: configuration.loopCount, pid: Int(processID()), startedAt: wallClock())
      let identity = try await NodeIdentity.claim(
        record, in: birth, storage, coordinator: coordinator, log: configuration.log)
      coordinator.bind(to: birth)
      let desk = try ProposalDesk(storage, shardCount: birth.shardCount)
      let group = try LoopGroup(count: configuration.loopCount)
      let core = NodeCore(
        configuration, journal: journal, birth: birth, identity: identity, desk: desk, coordinator: coordinator,
        loops: group, onFailure: onFailure)
      return try await start(core, group, listener, metricsListener, began: began, verified: verified, progress)
    } catch {
      journal.close()
      throw (error as? NodeStartError) ?? NodeStartError("\(error)")
    }
  }

  private static func start(
    _ core: NodeCore, _ group: LoopGroup, _ listener: Listener, _ metricsListener: Listener?, began: UInt64,
    verified: UInt64, _ progress: @escaping @Sendable (String) -> Void
  ) async throws -> Node {
    var options = ConnectionOptions()
    options.inputLimit = WireFrame.bodyBytesMax + (1 << 20)
    options.inputBudget = core.inputBudget
    options.outputSoftLimit = 8 << 20
    options.outputHardLimit = 128 << 20
    // Routers read whatever their clients do.
    options.stallTimeout = .seconds(10)
    var limits = AcceptLimits()
    limits.takesGuests = true
    let noRoom = ThrottledWarning(core.log, "no room for a connection")
    limits.trouble = { trouble in noRoom.log { $0.field("reason", "\(trouble)") } }
    listener.start(on: group[0], options: options, limits: limits) { _ in FirstFrame(nodeLoop: core.loops[0]) }
    var forMetrics = ConnectionOptions()
    forMetrics.inputLimit = 64 << 10
    forMetrics.inputBudget = core.inputBudget
    limits.connectionsMax = 256
    metricsListener?.start(on: group[0], options: forMetrics, limits: limits) { _ in
      MetricsDoor(node: core, nodeLoop: core.loops[0])
    }
    let port = listener.address.port

    let recovered = try await recover(core, progress)
    noteRecovery(recovered, core, began: began, verified: verified)
    let known = try await core.coordinator.nodes()
    // Before any shard speaks: from here on, what this start does counts.
    let record = NodeRecord(
      name: core.me.node, disk: core.me.disk, address: core.configuration.address(listeningAt: port),
      loops: core.loops.count, pid: Int(processID()), startedAt: wallClock(), start: core.identity.start)
    guard try await core.coordinator.register(record) else {
      throw NodeStartError("another process took the name \(core.me.node) while this one read its log")
    }
    core.record.withLock { $0 = record }
    for shard in recovered {
      await core.loop(of: shard.shard).adopt(shard, config: core.replicaConfig)
    }
    core.recovered()
    for nodeLoop in core.loops { await nodeLoop.start() }
    for record in known { core.met(record) }
    let watch = core.coordinator.watch { [weak core] change in core?.heard(change) }
    let tasks = [Task { await core.assignFirstRoles() }, Task { await core.watchCoordinator() }]
    core.log.info("node is up") {
      $0.field("node", core.me.node.description)
      $0.field("address", record.address)
      if let metricsListener { $0.field("metrics", "\(metricsListener.address)") }
      $0.field("shards", core.shardCount)
      $0.field("loops", core.loops.count)
      $0.field("start", core.identity.start)
    }
    return Node(core, group, listener, metricsListener, watch, tasks)
  }

  /// Two processes must not be one node. Whoever answers at the address that the coordinator has for this name is it.
  private static func refuseTwin(_ configuration: NodeConfiguration, _ coordinator: any Coordinator) async throws {
    let known: NodeRecord?
    do throws(CoordinatorError) {
      known = try await coordinator.nodes().first { $0.name == configuration.name }
    } catch {
      throw NodeStartError("\(error)")
    }
    guard let known, let found = await whoAnswers(at: known.address, patience: .seconds(1)),
      found.node == configuration.name
    else { return }
    throw NodeStartError(
      "node \(configuration.name) runs already: process \(found.pid) answers at \(known.address) (start \(known.start)). Stop it "
        + "first, or give this process another --name and an empty directory")
  }

  /// How long it took to read the log, and what was in it.
  private static func noteRecovery(_ shards: [RecoveredShard], _ core: NodeCore, began: UInt64, verified: UInt64) {
    let found = core.journal.recovery
    core.log.info("the log is read") {
      $0.field("records", found.recordCount)
      $0.field("bytes", found.byteCount)
      $0.field("replayed", shards.reduce(0) { $0 + $1.replayedRecords })
      $0.field("holds", shards.reduce(0) { $0 + $1.start.loaded.inventory.stats.holds })
      $0.field("verify_ms", Int((verified - began) / 1_000_000))
      $0.field("load_ms", Int((monotonicNanoseconds() - verified) / 1_000_000))
    }
  }

  /// What `holdfast status` asks for.
  public func status() async -> NodeStatus { await core.status([]) }

  /// Ends in good order: hands its primaries over and leaves its followers' pairs if that is quick, answers what it was
  /// asked, says what could not be had in time, writes what it has, gives the directory back.
  public func stop(handOver milliseconds: UInt32 = 2_000) async {
    guard core.beginStop() else { return }
    if core.status.state == .up, milliseconds > 0 {
      for nodeLoop in core.loops { await nodeLoop.tellAll(.endBegins) }
      await core.wait(atMost: .milliseconds(Int64(milliseconds))) { await !$0.isLeaving }
      for nodeLoop in core.loops { await nodeLoop.tellAll(.endCloses) }
      // The other may be ending too: who was named last must have the record that says so.
      await core.wait(atMost: .seconds(1)) { await $0.mayEnd }
      await core.giveLastSign(patience: .milliseconds(500))
      if core.status.state == .up { for nodeLoop in core.loops { await nodeLoop.tellAll(.halt(.ended)) } }
    }
    await end()
  }

  /// Ends at once, as if the process were killed: nothing is handed over, what waits is not written.
  package func kill() async {
    guard core.beginStop() else { return }
    await end()
  }

  private func end() async {
    for task in tasks { task.cancel() }
    watch.cancel()
    listener.stop()
    metricsListener?.stop()
    for nodeLoop in core.loops { await nodeLoop.stop() }
    group.shutdown(grace: .milliseconds(200))
    let (core, group) = (core, group)
    await onOwnThread(name: "joiner") {
      group.join()
      core.stopThreads()
      core.journal.close()
    }
    core.writeNotes(all: true)
    core.log.info("node has stopped")
  }
}

func randomWord() -> UInt64 {
  var pool = RandomPool()
  return pool.next()
}
