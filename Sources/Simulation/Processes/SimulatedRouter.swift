import Octets
import Proto
import Replication
import RouterCore
import Time

/// One router's process: the engines that ship, one for each of its loops, on simulated links; doors for clients. Keeps
/// no truth: it may be killed at any time.
final class SimulatedRouter: SimulatedProcess {
  let index: Int
  private let loopCount: Int
  private(set) var loops: [SimulatedRouterLoop] = []
  private var map: [ShardID: MapRegister] = [:]
  /// By node's place: the process that it is, as far as known here.
  private var addresses: [SimulatedNode] = []
  private var newestStarts: [UInt64] = []
  private var doors: [SimulatedDoor] = []
  private var directory = EventDirectory()
  /// By event, the highest version that this process said: no later answer's copy may be older.
  var saidVersions: [Bytes: UInt64] = [:]
  /// By shard and by when it came in (engine's milliseconds): what is known of the state then at least.
  private var heard: [ShardID: [(at: MonotonicTime, mark: Int)]] = [:]

  init(_ index: Int, _ world: World) {
    self.index = index
    loopCount = world.draw(1...2)
    super.init("r\(index + 1)", endpoint: world.nodes.count + index, world)
  }

  override var isUp: Bool { !loops.isEmpty }
  /// Bit n for loop n.
  var loopBits: UInt64 { 1 << UInt64(loopCount) - 1 }

  func boot() {
    guard !isUp else { return }
    changeLife()
    world.say("\(name) starts")
    directory = EventDirectory()
    (map, saidVersions, heard) = ([:], [:], [:])
    newestStarts = world.nodes.map { _ in 0 }
    addresses = world.nodes.map { world.coordinator.records[$0.nodeName]?.process ?? $0 }
    loops = (0..<loopCount).map { SimulatedRouterLoop($0, self, directory) }
    for loop in loops { loop.start() }
    followMap()
  }

  /// The process ends at once; another starts a little later.
  func crash() {
    guard isUp else { return }
    world.say("\(name) is killed")
    changeLife()
    for loop in loops { loop.end() }
    loops = []
    for door in doors { door.routerIsGone() }
    doors = []
    world.plan(after: world.isHealing ? 1_000 : world.draw(1_000...800_000) + world.standstillLeft) {
      [unowned self] _ in boot()
    }
  }

  /// The run is over.
  func end() {
    for loop in loops { loop.end() }
    loops = []
    doors = []
  }

  func resetLinks() { for loop in loops { loop.resetLinks() } }

  override func turnBegan() { for loop in loops { loop.turnBegan() } }

  // MARK: The map

  /// Reads the map at the start, and again and again, should the watch have lost something.
  private func followMap() {
    for shard in world.shardIDs { world.coordinator.read(shard, for: self) }
    world.coordinator.readRecords(for: self)
    later(world.draw(300_000...600_000)) { [unowned self] in followMap() }
  }

  func learn(_ register: MapRegister, _ shard: ShardID) {
    guard !isDeaf, register.entry.epoch > map[shard]?.entry.epoch ?? 0 else { return }
    map[shard] = register
    for loop in loops {
      later(world.draw(0...500)) { [unowned loop] in loop.mapChanged(shard, register.entry) }
    }
  }

  func address(_ place: Int) -> SimulatedNode { addresses[place] }

  /// A node is this process now.
  func met(_ node: SimulatedNode, start: UInt64) {
    guard !isDeaf, start >= newestStarts[node.index] else { return }
    newestStarts[node.index] = start
    guard addresses[node.index] !== node else { return }
    addresses[node.index] = node
    for loop in loops { loop.moved(node.index) }
  }

  // MARK: Doors

  func open(_ door: SimulatedDoor) {
    doors.removeAll { !$0.isOpen }
    doors.append(door)
  }

  // MARK: What copies may say

  /// A frame of a shard arrived. It shows subscribers the state at `mark` or later.
  func hear(_ shard: ShardID, _ mark: Int, at: MonotonicTime) {
    var list = heard[shard] ?? []
    list.removeAll { $0.at < at - 1_000 }
    list.append((at, mark))
    heard[shard] = list
  }

  /// The time since which a copy that was confirmed at `freshAt` can have been wrong, at the latest.
  func mark(_ shard: ShardID, freshAt: MonotonicTime) -> Int? {
    heard[shard]?.filter { $0.at == freshAt }.map(\.mark).min()
  }
}

/// One loop of a router: the engine, and the links that a loop of the process would keep.
final class SimulatedRouterLoop: EngineHost {
  let index: Int
  unowned let router: SimulatedRouter
  let engine: Engine
  private let driver: EngineDriver
  private var links: [LinkID: RouterLink] = [:]
  private var byNode: [RouterLink?]
  private var retries: [LinkRetry]
  private var nextLink: UInt32 = 1
  private var turnEndAsked = false

  init(_ index: Int, _ router: SimulatedRouter, _ directory: EventDirectory) {
    (self.index, self.router) = (index, router)
    let world = router.world
    byNode = Array(repeating: nil, count: world.nodes.count)
    retries = Array(repeating: LinkRetry(), count: world.nodes.count)
    var limits = ForwarderLimits()
    limits.deadline = world.routerDeadline
    if world.draw(0...1) == 0 {
      // Few clients must fill frames and wait for each other too.
      limits.fewRequests = world.draw(1...4)
      limits.fullFrameRequests = world.draw(2...8)
    } else {
      // Two frames on their way, and none waits.
      limits.fewRequests = 64
    }
    engine = Engine(
      router: world.random.next(), shardCount: world.shardCount, loopIndex: index, limits: limits,
      directory: directory, random: RandomSource { [unowned world] in world.random.next() })
    driver = EngineDriver(engine)
    engine.host = self
    engine.loopBits = router.loopBits
    // Some loops make every map as if it were a large one.
    if index % 2 == 1 { engine.largeMapBytes = 0 }
  }

  private var world: World { router.world }

  func start() {
    turnBegan()
    for place in world.nodes.indices { connect(router.address(place)) }
    housekeep()
  }

  func end() {
    for link in sortedLinks { link.broke() }
    links = [:]
    byNode = []
  }

  func turnBegan() { driver.beginTurn(at: UInt64(router.monotonic) * 1_000) }

  private func housekeep() {
    driver.housekeep()
    router.later(Int(EngineDriver.housekeepingEvery.rawValue) * 1_000) { [unowned self] in housekeep() }
  }

  // MARK: Turns

  func wantsTurnEnd() {
    guard !turnEndAsked else { return }
    turnEndAsked = true
    router.later(max(1, world.draw(0...150))) { [unowned self] in
      turnEndAsked = false
      endTurn()
    }
  }

  private func endTurn() {
    let plans = driver.endTurn(doorsAreCrowded: false) { links[$0]?.send(copy $1) }
    if let gathersUntil = plans.gathersUntil {
      router.later(max(1, Int(gathersUntil / 1_000) - router.monotonic)) { [unowned self] in driver.gatheringEnded() }
    }
    if let tickAt = plans.tickAt {
      router.later(Int(driver.wait(until: tickAt).rawValue) * 1_000) { [unowned self] in driver.tick(planned: tickAt) }
    }
  }

  // MARK: Links

  private var sortedLinks: [RouterLink] { links.values.sorted { $0.id.rawValue < $1.id.rawValue } }

  private func connect(_ node: SimulatedNode) {
    guard byNode.count > node.index, byNode[node.index] == nil else { return }
    let link = RouterLink(LinkID(nextLink), to: node, self)
    nextLink += 1
    byNode[node.index] = link
    links[link.id] = link
    link.connect()
  }

  func ready(_ link: RouterLink) {
    retries[link.node.index] = LinkRetry()
    engine.linkUp(link.id, node: link.node.nodeName, loop: 0, loopCount: 1)
  }

  func ended(_ link: RouterLink) {
    guard links.removeValue(forKey: link.id) != nil else { return }
    if link.isReady { engine.linkDown(link.id) }
    let place = link.node.index
    guard byNode.count > place, byNode[place] === link else { return }
    byNode[place] = nil
    router.later(Int(retries[place].next().rawValue) * 1_000) { [unowned self] in connect(router.address(place)) }
  }

  /// A node has another address.
  func moved(_ place: Int) {
    retries[place] = LinkRetry()
    byNode[place]?.broke()
  }

  func resetLinks() { for link in sortedLinks { link.broke() } }

  func mapChanged(_ shard: ShardID, _ entry: MapEntry) {
    for lost in engine.mapChanged(shard, epoch: entry.epoch, primary: entry.primary.node) { links[lost]?.close() }
  }

  /// - Parameter mark: the time at which what the frame says was surely so, if nothing came since.
  func received(_ bytes: [UInt8], _ mark: Int?, on link: RouterLink) {
    guard links[link.id] === link else { return }
    do throws(DecodeError) {
      let frame = try WireFrame(header: bytes.rawSpan)
      let body = try frame.body(of: bytes.rawSpan)
      if let mark { router.hear(frame.shard, mark, at: engine.now) }
      switch frame.kind {
      case .replies: try engine.received(replies: body, from: link.id, shard: frame.shard)
      case .feed: try engine.received(feed: body, from: link.id, shard: frame.shard)
      case .feedFresh: engine.receivedFeedFresh(from: link.id, shard: frame.shard)
      case .routerHello, .nodeHello, .requests, .peerHello, .peerMessages, .adminRequest, .adminReply:
        throw .invalid(field: "frame kind")
      }
    } catch {
      world.fail("codec", "\(router.name) cannot read what \(link.node.name) sent: \(error)")
    }
  }

  // MARK: EngineHost

  func prepare(_ info: EventInfo, for id: Bytes) -> Bool {
    preconditionFailure("the simulator's events are small")
  }

  func letGo(of info: EventInfo) {}

  func build(_ build: CopyBuild) -> Bool {
    router.later(world.draw(0...20_000)) { [unowned self] in
      engine.built(build, build.makeBody())
    }
    return true
  }

  func render(_ rendering: SeatRendering) -> Bool {
    router.later(world.draw(0...20_000)) { [unowned self] in
      engine.rendered(rendering, rendering.bodies())
    }
    return true
  }

  func renderPlan(of event: EventEntry) -> Bool { false }

  func wakeLater(_ event: EventEntry) {
    router.later(1) { [unowned self] in
      engine.wakeCopyWaits(event)
    }
  }

  func spreadCopy(of event: EventEntry) {
    for other in router.loops where other !== self {
      router.later(world.draw(0...500)) { [unowned other] in
        other.engine.subscribe(event)
      }
    }
  }
}
