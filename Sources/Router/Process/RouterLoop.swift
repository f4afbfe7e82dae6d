import Budgets
import EventLoop
import HTTP
import Logging
import Octets
import Proto
import RESP
import RouterCore
import Threads
import Time

/// One event loop of a router: its engine, its links to the nodes, and the doors' connections that live on it.
///
/// Sendable without the compiler's check: everything in it is touched on `loop` only; other threads reach it through
/// `loop.submit`.
final class RouterLoop: EngineHost, TurnBeginHandler, TurnEndHandler, @unchecked Sendable {
  let loop: EventLoop
  let engine: Engine
  private let driver: EngineDriver
  var metrics = LoopMetrics()
  var passes = PassBook()
  /// The RESP door's open connections, by id.
  var respSessions: [UInt64: RESPSession] = [:]
  let log: LogSink
  let context: DoorContext
  /// Set once, before the first connection: the process's loops.
  var siblings: [RouterLoop] = []
  /// Why there is nobody to ask yet; nil: the cluster is known.
  private(set) var absence: ClusterAbsence? = .asking
  /// The cluster's random id, once it is known.
  private(set) var cluster: UInt64 = 0

  private var nodes: [NodeName: Peer] = [:]
  private var links: [LinkID: NodeLink] = [:]
  private var nextLink: UInt32 = 1
  private var timer: LoopTimer?
  private var isShuttingDown = false
  private let badInput: ThrottledWarning
  /// Of the process's first loop.
  private var memoryWatch = RouterMemoryWatch()
  /// The lines that every answer has, made once a second because of the date.
  private(set) var commonLines: [UInt8] = []
  /// The same, for a connection that goes on.
  private(set) var goingOnLines: [UInt8] = []
  private var dateSecond: Int64 = -1
  /// Used within one call, for its storage.
  var scratch: [UInt8] = []

  /// A node, and how the links to its loops are.
  private struct Peer {
    var address: HostPort
    /// As the node's hello says; 1 until then.
    var loopCount = 1
    /// By the node's loop.
    var links: [Int: NodeLink] = [:]
    var retries: [Int: LinkRetry] = [:]
  }

  init(
    loop: EventLoop, limits: ForwarderLimits, directory: EventDirectory, context: DoorContext, log: LogSink
  ) {
    (self.loop, self.log, self.context) = (loop, log, context)
    badInput = ThrottledWarning(log, "closed a connection at the RESP door")
    var pool = RandomPool()
    engine = Engine(
      router: pool.next(), shardCount: 0, loopIndex: loop.index, limits: limits, directory: directory,
      surroundings: EventSurroundings(outputBudget: context.outputBudget, elsewhere: context.copies),
      random: RandomSource { pool.next() })
    engine.loopBits = context.loops
    driver = EngineDriver(engine)
    engine.host = self
  }

  /// Begins the loop's timers. On the loop, before anything else is asked of this object.
  func start() {
    loop.atBeginOfTurns(self)
    turnBegan()
    housekeep()
  }

  // MARK: Turns and time

  func turnBegan() {
    driver.beginTurn(at: loop.nowNanoseconds)
    if engine.now.rawValue / 1_000 != dateSecond {
      dateSecond = engine.now.rawValue / 1_000
      commonLines.removeAll(keepingCapacity: true)
      HTTPDate.writeHeader(unixSeconds: wallClock().rawValue / 1_000, into: &commonLines)
      commonLines.append(contentsOf: context.crossOrigin.commonLines.utf8)
      goingOnLines = commonLines
      goingOnLines.append(contentsOf: "Keep-Alive: timeout=\(context.idleTimeout / 1_000_000_000)\r\n".utf8)
    }
  }

  func wantsTurnEnd() { loop.atEndOfTurn(self) }

  func turnEnded() {
    let plans = driver.endTurn(doorsAreCrowded: context.outputBudget.isCrowded) { link, frame in
      metrics.framesSent &+= 1
      links[link]?.send(frame)
    }
    loop.nap(nanoseconds: plans.nap)
    if let gathersUntil = plans.gathersUntil {
      loop.schedule(atNanoseconds: gathersUntil) { [unowned self] in driver.gatheringEnded() }
    }
    if let tickAt = plans.tickAt {
      timer?.cancel()
      timer = loop.schedule(after: .milliseconds(driver.wait(until: tickAt).rawValue)) { [unowned self] in
        driver.tick(planned: tickAt)
      }
    }
  }

  private func housekeep() {
    driver.housekeep()
    if loop.index == 0 {
      watchMemory()
      writeNews()
    }
    if isShuttingDown, metrics.httpConnections + metrics.respConnections == 0 {
      for link in links.values { link.connection?.close() }
      return
    }
    let pause = isShuttingDown ? 5 : EngineDriver.housekeepingEvery
    loop.schedule(after: .milliseconds(pause.rawValue)) { [unowned self] in
      housekeep()
    }
  }

  private func watchMemory() {
    memoryWatch.look(context, engine.directory, log, now: engine.now)
  }

  /// Writes the lines whose time has come; all of them, if the process ends.
  func writeNews(all: Bool = false) {
    for line in context.news.value.withLock({ $0.due(now: monotonicTime(), all: all) }) { log.write(line) }
  }

  /// How long an idle HTTP connection may still ask for one thing once the router ends.
  private(set) var lastRequestWithin = Duration.zero

  /// The doors' connections are asked to end: when the last has, the links to the nodes close. On the loop.
  func shutDown(lastRequestWithin: Duration) {
    (isShuttingDown, self.lastRequestWithin) = (true, lastRequestWithin)
  }

  // MARK: The map

  /// There is still no cluster, for this reason. On the loop, as all of these.
  func wait(for absence: ClusterAbsence) { self.absence = absence }

  /// The cluster is known: from here on operations go to its shards.
  func begin(cluster: UInt64, shardCount: Int) {
    engine.begin(shardCount: shardCount)
    (self.cluster, absence) = (cluster, nil)
  }

  func mapChanged(_ shard: ShardID, epoch: UInt64, primary: NodeName) {
    for link in engine.mapChanged(shard, epoch: epoch, primary: primary) { links[link]?.connection?.abort() }
  }

  func nodeChanged(_ name: NodeName, address: HostPort) {
    guard !isShuttingDown else { return }
    if let known = nodes[name] {
      if known.address == address {
        // It has just come up, so that what is missing can be had at once.
        for number in 0..<known.loopCount { connect(name, number) }
        return
      }
      for link in known.links.values { link.connection?.abort() }
    }
    nodes[name] = Peer(address: address)
    connect(name, 0)
  }

  // MARK: Links

  private func connect(_ name: NodeName, _ number: Int) {
    guard let peer = nodes[name], peer.links[number] == nil, number < peer.loopCount, !isShuttingDown else { return }
    let link = NodeLink(id: LinkID(nextLink), node: name, loopNumber: number, owner: self)
    nextLink += 1
    nodes[name]?.links[number] = link
    links[link.id] = link
    link.connect(to: peer.address, on: loop)
  }

  func linkReady(_ link: NodeLink) {
    guard let peer = nodes[link.node], peer.links[link.loopNumber] === link else {
      link.connection?.abort()
      return
    }
    let loopCount = link.loopCount
    // The number says which shards go where: links that were told another would keep shards from being reached.
    for other in peer.links.values where other.isReady && other.loopCount != loopCount { other.connection?.abort() }
    nodes[link.node]?.loopCount = loopCount
    nodes[link.node]?.retries[link.loopNumber] = nil
    engine.linkUp(link.id, node: link.node, loop: link.loopNumber, loopCount: loopCount)
    for number in 0..<loopCount { connect(link.node, number) }
    context.news.value.withLock { $0.linkReady(link.node, now: monotonicTime()) }
    log.debug("link to node ready") {
      $0.field("node", link.node.bytes)
      $0.field("loop", link.loopNumber)
    }
  }

  func linkEnded(_ link: NodeLink, _ reason: String) {
    links[link.id] = nil
    if link.isReady {
      metrics.linksLost &+= 1
      if !isShuttingDown {
        context.news.value.withLock { $0.linkLost(link.node, reason: reason, now: monotonicTime()) }
      }
      log.debug("link to node lost") {
        $0.field("node", link.node.bytes)
        $0.field("loop", link.loopNumber)
        $0.field("reason", reason)
      }
      engine.linkDown(link.id)
    }
    guard nodes[link.node]?.links[link.loopNumber] === link, !isShuttingDown else { return }
    nodes[link.node]?.links[link.loopNumber] = nil
    let (name, number) = (link.node, link.loopNumber)
    let delay = nodes[name]?.retries[number, default: LinkRetry()].next() ?? 0
    loop.schedule(after: .milliseconds(delay.rawValue)) { [unowned self] in connect(name, number) }
  }

  /// Links that carry requests now.
  var readyLinkCount: Int { links.values.reduce(0) { $0 + ($1.isReady ? 1 : 0) } }

  // MARK: Metrics

  /// Asks all loops for their counts and calls `done` here with the sum.
  func collectMetrics(_ done: @escaping @Sendable (MetricsSample) -> Void) {
    var start = MetricsSample()
    start.loopCount = max(1, siblings.count)
    start.shardCount = engine.shardCount
    start.logLinesDropped = log.droppedCount
    start.isCoordinatorReachable = context.isCoordinatorReachable
    start.uptime = engine.now - context.startedAt
    start.memory = MemoryCounts(context, engine.directory)
    for shard in 0..<engine.shardCount where engine.forwarder.isReachable(ShardID(UInt16(shard))) {
      start.shardsReachable += 1
    }
    gather(start, { other, sample in other.count(into: &sample) }, done)
  }

  /// Lets each loop in turn add what it has, on its own thread, and calls `done` here with the whole.
  func gather<Sum: Sendable>(
    _ start: Sum, _ add: @escaping @Sendable (RouterLoop, inout Sum) -> Void, _ done: @escaping @Sendable (Sum) -> Void
  ) {
    let all = siblings.isEmpty ? [self] : siblings
    let whole = Lock((sum: start, loopsLeft: all.count))
    for other in all {
      other.loop.submit { [self] in
        let finished: Sum? = whole.withLock { whole in
          add(other, &whole.sum)
          whole.loopsLeft -= 1
          return whole.loopsLeft == 0 ? whole.sum : nil
        }
        guard let finished else { return }
        loop.submit { done(finished) }
      }
    }
  }

  private func count(into sample: inout MetricsSample) {
    sample.counters.add(metrics)
    sample.copyRefusals &+= engine.copyRefusals
    sample.turnTimes.add(loop.turnTimes)
    sample.pending += engine.forwarder.pendingCount
    sample.knownEvents += engine.events.count
    sample.links += readyLinkCount
    sample.copyWaits += engine.copyWaitCount
    for subscription in engine.subscriptions.values {
      sample.copies += 1
      if case .live = subscription.state { sample.copiesLive += 1 }
      if let age = subscription.event.copy.status(now: engine.now).age {
        sample.oldestCopy = max(sample.oldestCopy, age)
      }
    }
  }

  // MARK: What strangers send

  /// Bytes at the RESP door that are no commands: the connection ends.
  func noteBadInput(_ error: RESPError, from connection: Connection) {
    metrics.respProtocolErrors &+= 1
    badInput.log {
      $0.field("peer", connection.peerText)
      $0.field("reason", error.message.description)
    }
  }

  // MARK: Large definitions, and copies on all loops

  func prepare(_ info: EventInfo, for id: Bytes) -> Bool {
    let (shard, surroundings) = (engine.shard(of: id), engine.surroundings)
    return context.copies.run { [self] in
      let entry = EventEntry(info, shard: shard, surroundings: surroundings)
      loop.submit { [self] in
        engine.ready(engine.directory.insert(entry, now: engine.now))
      }
    }
  }

  func letGo(of info: EventInfo) {
    guard info.definition.isLarge else { return }
    context.copies.runAnyway { _ = info.definition.sections.count }
  }

  func build(_ build: CopyBuild) -> Bool {
    context.copies.run { [self] in
      let body = build.makeBody()
      loop.submit { [self] in
        engine.built(build, body)
      }
    }
  }

  func render(_ rendering: SeatRendering) -> Bool {
    context.copies.run { [self] in
      let bodies = rendering.bodies()
      loop.submit { [self] in
        engine.rendered(rendering, bodies)
      }
    }
  }

  func renderPlan(of event: EventEntry) -> Bool {
    context.copies.run { [self] in
      _ = event.planBody()
      loop.submit { [self] in
        engine.planMade(event)
      }
    }
  }

  func wakeLater(_ event: EventEntry) {
    loop.schedule(after: .zero) { [unowned self] in
      engine.wakeCopyWaits(event)
    }
  }

  func spreadCopy(of event: EventEntry) {
    for sibling in siblings where sibling !== self {
      sibling.loop.submit {
        sibling.engine.subscribe(event)
      }
    }
  }
}
