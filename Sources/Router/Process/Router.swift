import Budgets
public import ClusterMap
public import EventLoop
import Flags
internal import Glibc
public import Logging
import Proto
import RouterCore
import Threads
import Time

/// A router process: the doors on their loops, following the map. A whole one runs inside a test.
public final class Router: Sendable {
  private let group: LoopGroup
  private let loops: [RouterLoop]
  private let coordinator: any Coordinator
  private let log: LogSink
  private let httpDoors: [Listener]
  private let tcpDoors: [Listener]
  private let tls: TLSContext?
  private let context: DoorContext
  private let watch = Lock<MapWatch?>(nil)
  private let registering = Lock<Task<Void, Never>?>(nil)
  private let record: RouterRecord
  private let areDoorsOpen = Lock(false)

  /// Where the doors listen, in the order in which they were asked for.
  public var httpAddresses: [Endpoint] { httpDoors.map(\.address) }
  public var tcpAddresses: [Endpoint] { tcpDoors.map(\.address) }

  /// Binds the doors. They answer a second later at the latest: as far as that is possible without a cluster, until
  /// `join` has one.
  ///
  /// - Throws: `SocketError`: a door's port or file is taken, or a certificate cannot be used.
  public static func open(
    _ configuration: RouterConfiguration, coordinator: any Coordinator, log: LogSink
  ) throws -> Router {
    var tls: TLSContext?
    if let certificate = configuration.certificateFile, let key = configuration.keyFile {
      tls = try TLSContext.server(certificateFile: certificate, keyFile: key)
    }
    let mode = configuration.unixMode
    let httpDoors = try configuration.http.map { try Listener.bind($0, mode: mode) }
    let tcpDoors = try configuration.tcp.map { try Listener.bind($0, mode: mode) }
    let router = try Router(configuration, httpDoors, tcpDoors, tls, coordinator, log)
    let first = router.group[0]
    first.submit { first.schedule(after: Self.silenceMax) { [weak router] in router?.openDoors() } }
    return router
  }

  /// `open` and `join`.
  public static func start(
    _ configuration: RouterConfiguration, coordinator: any Coordinator, log: LogSink
  ) async throws -> Router {
    let router = try open(configuration, coordinator: coordinator, log: log)
    try await router.join()
    return router
  }

  private init(
    _ configuration: RouterConfiguration, _ httpDoors: [Listener], _ tcpDoors: [Listener], _ tls: TLSContext?,
    _ coordinator: any Coordinator, _ log: LogSink
  ) throws {
    (self.coordinator, self.log, self.httpDoors, self.tcpDoors) = (coordinator, log, httpDoors, tcpDoors)
    self.tls = tls
    group = try LoopGroup(count: min(64, max(1, configuration.loops)), name: "router")
    context = try DoorContext(configuration, loopCount: group.count, respDoors: tcpDoors.map(\.address))
    var limits = ForwarderLimits()
    // Who will not wait for a failover still waits for an ordinary answer.
    limits.deadline = min(max(100, configuration.failoverWait), ForwarderLimits.resendMax)
    let directory = EventDirectory(bytesMax: configuration.copyMemory)
    let context = context
    loops = group.loops.map {
      RouterLoop(loop: $0, limits: limits, directory: directory, context: context, log: log)
    }
    record = RouterRecord(
      http: RegisteredDoors.texts(
        httpDoors.map(\.address), advertised: configuration.advertisedHTTP, machine: machineName()),
      tcp: RegisteredDoors.texts(
        tcpDoors.map(\.address), advertised: configuration.advertisedTCP, machine: machineName()),
      host: machineName(), pid: Int(getpid()), startedAt: wallClock(), usesTLS: tls != nil)
    let all = loops
    for loop in loops {
      loop.loop.submit {
        loop.siblings = all
        loop.start()
      }
    }
  }

  // MARK: Joining the cluster

  /// So long nobody who connects hears anything: most coordinators answer at once, and then the doors' first word is
  /// not that there is no cluster.
  private static let silenceMax = Duration.seconds(1)
  private static let lookAgainAfter = Duration.milliseconds(50)

  /// Waits until the coordinator answers and the cluster was born, then serves it. Once.
  ///
  /// - Throws: `CoordinatorError.closed`, `CancellationError`.
  public func join() async throws {
    let birth = try await untilAnswered { () async throws(CoordinatorError) in try await coordinator.birth() }
    for loop in loops {
      loop.loop.submit { loop.begin(cluster: birth.cluster, shardCount: birth.shardCount) }
    }
    for node in try await untilAnswered({ () async throws(CoordinatorError) in try await coordinator.nodes() }) {
      tell(.node(node))
    }
    let (loops, log, news) = (loops, log, context.news)
    let watch = coordinator.watch { change in Self.tell(change, loops, log, news) }
    self.watch.withLock { $0 = watch }
    openDoors()
    let isRegistered = await register()
    registering.withLock { [self] in $0 = Task { await stayRegistered(isRegistered) } }
    log.info("serving") {
      $0.field("http", httpAddresses.map(\.description).joined(separator: ","))
      $0.field("tcp", tcpAddresses.map(\.description).joined(separator: ","))
      $0.field("registered_http", ([record.http] + record.moreHTTP).joined(separator: ","))
      $0.field("registered_tcp", ([record.tcp] + record.moreTCP).joined(separator: ","))
      $0.field("loops", loops.count)
      $0.field("shards", birth.shardCount)
      $0.field("connections_max", DescriptorBudget.process.connectionsMax)
    }
  }

  /// Asks until there is an answer, and lets the doors say what is waited for. A coordinator that is away comes back,
  /// and one whose data cannot be read may be mended: neither is a reason to end.
  private func untilAnswered<Answer: Sendable>(
    _ ask: () async throws(CoordinatorError) -> Answer?
  ) async throws -> Answer {
    var said = ClusterAbsence.asking
    while true {
      let absence: ClusterAbsence
      do throws(CoordinatorError) {
        let answer = try await ask()
        context.coordinatorAnswered(log)
        if let answer { return answer }
        absence = .unborn
      } catch {
        if case .closed = error { throw error }
        context.coordinatorFailed(error, isServing: false, log)
        absence = .noCoordinator(error)
      }
      if absence != said {
        if absence == .unborn { log.info("waiting for the cluster's first node") }
        for loop in loops { loop.loop.submit { loop.wait(for: absence) } }
        said = absence
      }
      openDoors()
      try await Task.sleep(for: Self.lookAgainAfter)
    }
  }

  /// Whether the coordinator knows this router now.
  private func register() async -> Bool {
    do throws(CoordinatorError) {
      try await coordinator.register(record)
      return true
    } catch {
      context.coordinatorFailed(error, log)
      return false
    }
  }

  /// Gives a sign of life every minute. A coordinator whose data were lost, or that went back, does not know this
  /// router: it is told again.
  private func stayRegistered(_ isRegistered: Bool) async {
    var (record, isRegistered) = (record, isRegistered)
    while !Task.isCancelled {
      try? await Task.sleep(for: .seconds(1))
      do throws(CoordinatorError) {
        // Without a birth record nothing is written: the nodes come first.
        let isBorn = try await coordinator.birth() != nil
        let isKnown = try await coordinator.routers().contains { $0.key == record.key && $0.pid == record.pid }
        if isBorn { try await renewPassKeys(context.passKeys, coordinator) }
        context.coordinatorAnswered(log)
        if Task.isCancelled { return }
        guard isBorn, !isKnown || wallClock() - record.seenAt >= RouterRecord.signEvery else { continue }
        if !isKnown, isRegistered {
          log.warning("the coordinator does not know this router any more: it is registered anew")
        }
        record.seenAt = wallClock()
        try await coordinator.register(record)
        isRegistered = true
      } catch {
        // It is away: later.
        context.coordinatorFailed(error, log)
      }
    }
  }

  private func tell(_ change: MapChange) { Self.tell(change, loops, log, context.news) }

  private static func tell(
    _ change: MapChange, _ loops: [RouterLoop], _ log: LogSink, _ news: SharedNews
  ) {
    switch change {
    case .entry(let shard, let register):
      news.value.withLock { $0.mapChanged(shard, primary: register.entry.primary.node, now: monotonicTime()) }
      log.debug("map changed") {
        $0.field("shard", shard.rawValue)
        $0.field("epoch", register.entry.epoch)
        $0.field("primary", register.entry.primary.node.bytes)
      }
      for loop in loops {
        loop.loop.submit {
          loop.mapChanged(shard, epoch: register.entry.epoch, primary: register.entry.primary.node)
        }
      }
    case .node(let node):
      guard let address = try? HostPort(node.address) else {
        log.error("a node's address cannot be read") { $0.field("address", node.address) }
        return
      }
      for loop in loops { loop.loop.submit { loop.nodeChanged(node.name, address: address) } }
    }
  }

  // MARK: The doors

  /// From now on connections are accepted. Those that came before wait in the kernel.
  private func openDoors() {
    let areOpen = areDoorsOpen.withLock { isOpen in
      defer { isOpen = true }
      return isOpen
    }
    if areOpen { return }
    var options = ConnectionOptions()
    // One of the largest commands, and what may be read behind it.
    options.inputLimit = 4 << 20
    options.inputBudget = context.inputBudget
    options.outputBudget = context.outputBudget
    let byLoop = loops
    var limits = AcceptLimits()
    limits.takesGuests = true
    for door in tcpDoors {
      options.keepAliveSeconds = DoorContext.respKeepAlive
      limits.refusal = RESPRefusal.text
      limits.trouble = Self.trouble(at: door, log)
      options.tls = door.address.path == nil ? tls : nil
      door.start(on: group[0], targets: group.loops, options: options, limits: limits) { connection in
        if connection.isGuest { return RESPRefusal() }
        let loop = byLoop[connection.loop.index]
        return RESPSession(loop: loop, connection: connection)
      }
    }
    options.keepAliveSeconds = 0
    for door in httpDoors {
      limits.refusal = HTTPSession.fullAnswer(context.crossOrigin)
      limits.trouble = Self.trouble(at: door, log)
      options.tls = door.address.path == nil ? tls : nil
      door.start(on: group[0], targets: group.loops, options: options, limits: limits) { connection in
        let loop = byLoop[connection.loop.index]
        return HTTPSession(loop: loop, connection: connection)
      }
    }
  }

  private static func trouble(at door: Listener, _ log: LogSink) -> @Sendable (AcceptTrouble) -> Void {
    let warning = ThrottledWarning(log, "a door has no room for a connection")
    let address = door.address.description
    return { trouble in
      warning.log {
        $0.field("address", address)
        $0.field("reason", "\(trouble)")
      }
    }
  }

  /// Ends in good order: no new connections; what was asked for is answered, for at most `grace`; then the loops stop.
  /// A connection without a request is not closed at once, because one may be on its way: for `idle` it can still ask,
  /// and the answer says that it was the last.
  public func stop(grace: Duration = .seconds(10), idle: Duration = .seconds(3)) async {
    log.info("stopping")
    let registering = registering.withLock { task in
      defer { task = nil }
      return task
    }
    if let registering {
      registering.cancel()
      await registering.value
      do { try await coordinator.unregister(record) } catch {
        log.warning("could not unregister") { $0.field("error", "\(error)") }
      }
    }
    watch.withLock { watch in
      watch?.cancel()
      watch = nil
    }
    for door in httpDoors + tcpDoors { door.stop() }
    for loop in loops { loop.loop.submit { loop.shutDown(lastRequestWithin: idle) } }
    group.shutdown(grace: grace)
    await onOwnThread(name: "joiner") { [group, context] in
      group.join()
      for worker in [context.plans, context.copies] { worker.stop() }
    }
    loops[0].writeNews(all: true)
    log.info("stopped")
    log.flush()
  }
}
