package import EventLoop
import Inventory
import Journal
import Logging
import Octets
import Proto
import Replication
import ShardCore
import Time

/// What of a node lives on one of its loops: shards, connections, and what a turn collects for log and peers.
///
/// Everything here happens on the loop's thread. Its end-of-turn call flushes the shards that had something to do: one
/// hand-over to the log and one message to each peer for all of them.
package actor NodeLoop {
  package nonisolated let loop: EventLoop
  nonisolated let node: NodeCore
  nonisolated let index: Int
  package nonisolated var unownedExecutor: UnownedSerialExecutor {
    // Safe: `loop` is a constant of the actor and keeps its executor alive.
    unsafe loop.asUnownedSerialExecutor()
  }

  private let tools = LoopTools()
  private(set) var shards: [ShardID: Shard] = [:]
  private(set) var shardList: [Shard] = []
  private let turns = ShardTurns()
  /// The loop's turn that the allowance was made for.
  private var allowedTurn = UInt64.max
  /// Connections that are not read from while a shard is behind.
  private var paused: [RouterConnection] = []

  // Routers.
  private var nextConnection: UInt64 = 1
  private var routers: [ConnectionID: RouterConnection] = [:]
  /// The newest connection number of each router, also of those that are gone.
  private var newest: [UInt64: (number: UInt64, connection: ConnectionID)] = [:]

  // Peers.
  private var links: [NodeName: PeerLink] = [:]
  private var inputs: [ReplicaID: [PeerInput]] = [:]
  /// Those that gave this turn all that it takes of one.
  private var pausedInputs: [PeerInput] = []

  private var ticks: UInt64 = 0
  /// When a batch or a frame came last.
  private var workedAt = MonotonicTime.zero
  /// Keys that shards had forgotten when memory was given back last.
  private var keysGivenBack = 0
  private var memory = MemoryWatch()
  private(set) var isStopping = false
  private let disk: ShardDisk

  init(_ index: Int, on loop: EventLoop, node: NodeCore) {
    (self.index, self.loop, self.node) = (index, loop, node)
    disk = ShardDisk(node: node, index: index)
    tools.value.allowance.clock = { monotonicNanoseconds() }
    let bytesMax = max(4 << 20, Self.answerBytesMax / max(1, node.loopCount))
    tools.value.allowance.answerBytesMax = bytesMax
    tools.value.allowance.replyBytesMax = bytesMax
  }

  /// Bytes of answers that may wait in one node, for commits and for routers.
  private static let answerBytesMax = 32 << 20
  /// Nanoseconds of a turn after which requests wait for the next one, so that heartbeats and acknowledgements do not.
  private static let requestTime: UInt64 = 10_000_000
  /// A connection with more than this to send gets no more large answers.
  private static let crowdedBytes = 4 << 20

  // MARK: Life

  /// Takes a shard that recovery has loaded.
  func adopt(_ recovered: RecoveredShard, config: ReplicaConfig) {
    let shard = Shard(
      recovered.shard, at: shardList.count, on: loop, tools: tools, me: node.me, options: node.machineOptions,
      config: config, seed: node.random())
    shards[recovered.shard] = shard
    shardList.append(shard)
    take(.start(recovered.start), for: shard)
  }

  /// Begins to look at the clock.
  func start() { tick() }

  private func tick() {
    guard !isStopping else { return }
    loop.schedule(after: .milliseconds(10)) { [weak self] in
      self?.assumeIsolated { $0.tick() }
    }
    for shard in shardList {
      take(.tick(node.writer.room(for: shard.assumeIsolated { $0.backlog().pendingBytes })), for: shard)
    }
    for (_, link) in links { link.connectIfNeeded(now: clock.now) }
    ticks &+= 1
    if index == 0 { node.writeNotes() }
    if index == 0, let shard = node.oldSegments.shardToSnapshot(now: clock.now) {
      node.post(.takeSnapshot(again: true), to: shard)
    }
    if ticks % 64 == 0 { giveBackMemoryIfIdle() }
    if index == 0, memory.mustLook(now: clock.now), memory.look(resident: residentBytes(), now: clock.now) {
      trimMemory()
    }
  }

  /// What a peak left behind goes back, under load too.
  private func trimMemory() {
    _ = disk.trim { [weak self] resident in
      guard let self else { return }
      loop.submit { self.assumeIsolated { $0.memory.done(resident: resident) } }
    }
  }

  /// Keys that were forgotten leave holes in the heap. Under load the next ones fill them; an idle node gives them
  /// back, with the newest frames, which a joiner then reads from the disk.
  private func giveBackMemoryIfIdle() {
    let forgotten = shardList.reduce(0) { sum, shard in
      sum + shard.assumeIsolated { $0.look { machine in machine.inventory.keysForgotten } }
    }
    guard abs(forgotten - keysGivenBack) >= 50_000, clock.now - workedAt >= 1_000 else { return }
    takeAll(.forgetRecent)
    if disk.trim({ _ in }) { keysGivenBack = forgotten }
  }

  /// No more turns: the node ends.
  func stop() {
    isStopping = true
    for (_, link) in links { link.close() }
  }

  // MARK: Time and turns

  /// The time of this turn: the same for all that happens in it.
  var clock: TurnTime {
    askForTurnEnd()
    return turns.begin(readClock)
  }

  private func readClock() -> TurnTime {
    beginAllowance()
    return TurnTime(now: bootTime(), wall: wallClock())
  }

  private func beginAllowance() {
    // A loop's turn may have several ends.
    let turn = loop.counters.turns
    if turn != allowedTurn {
      allowedTurn = turn
      tools.value.allowance.begin(endsAt: loop.nowNanoseconds &+ Self.requestTime)
    }
    var waiting = 0
    if !tools.value.allowance.crowded.isEmpty { tools.value.allowance.crowded.removeAll() }
    for (id, router) in routers {
      let byteCount = router.outputByteCount
      waiting += byteCount
      if byteCount > Self.crowdedBytes { tools.value.allowance.crowded.insert(id) }
    }
    tools.value.allowance.outputBytes = waiting
  }

  private func askForTurnEnd() { if turns.mustAskForEnd() { loop.atEndOfTurn(self) } }

  /// Tells a shard's machine something, and flushes it at the end of the turn.
  @discardableResult
  func take(_ input: ShardInput, for shard: Shard) -> DirectiveAnswer? {
    let time = clock
    turns.list(shard.place)
    return shard.assumeIsolated { $0.take(input, time) }
  }

  /// As above, by its number; nil also if it does not live here.
  @discardableResult
  func take(_ input: ShardInput, for id: ShardID) -> DirectiveAnswer? {
    guard let shard = shards[id] else { return nil }
    return take(input, for: shard)
  }

  /// Tells all shards of the loop the same.
  func takeAll(_ input: ShardInput) { for shard in shardList { take(input, for: shard) } }

  private func endTurn() {
    let rest = turns.end(readClock) { place, time in
      shardList[place].assumeIsolated { $0.endTurn(time) }
    } carryOut: { action, place in
      carryOut(action, of: shardList[place])
      return true
    } handOver: { entries in
      if !entries.isEmpty, !isStopping, !node.writer.submit(entries) { node.fail("the log takes no more") }
      for (_, link) in links { link.flush() }
    }
    if rest.mustEndAgain { loop.atEndOfTurn(self) }
    // A timer of this instant runs in the loop's next turn.
    if rest.goesOn {
      loop.schedule(atNanoseconds: loop.nowNanoseconds) { [weak self] in self?.assumeIsolated { $0.goOn() } }
    }
    if rest.readsOn, !paused.isEmpty {
      for connection in paused { connection.goOn() }
      paused.removeAll()
    }
    // They are looked at in the next turn.
    for input in pausedInputs { input.goOn() }
    pausedInputs.removeAll(keepingCapacity: true)
  }

  private func goOn() {
    _ = clock
    turns.goOn()
  }

  /// Requests that were read still wait, so no more are read.
  var isBehind: Bool { turns.isBehind }

  /// The connection has paused until nothing is left of what was read.
  func pause(_ connection: RouterConnection) { paused.append(connection) }

  // MARK: Carrying out

  private func carryOut(_ action: ShardAction, of shard: Shard) {
    switch action {
    case .log(let list): turns.log(list)
    case .send(let message, let payload, let peer):
      links[peer.node]?.add(message, payload: payload, shard: shard.id, to: peer)
    case .reply(let frame, let tail, let connection):
      tools.value.allowance.outputBytes += frame.count + tail.count
      routers[connection]?.write(frame, tail: tail)
    case .dropPeer(let peer): for input in inputs[peer] ?? [] { input.drop() }
    case .noteEntry(let entry):
      node.desk.enter(entry, of: shard.id) { [node] in node.fail("an entry of the map cannot be noted: \($0)") }
    case .readMap(let token): node.reads.read(shard.id, token: token)
    case .propose(let entry, let revision, let noted):
      node.propose(entry, for: shard.id, expecting: revision, noted: noted)
    case .keep(let index): node.journal.keep(shard.id, from: index)
    case .roleChanged: break
    case .note(let note): node.note(note, of: shard.id)
    case .clockLeapt(let milliseconds):
      let length = milliseconds.rawValue
      node.say(
        NoteLine(
          .warning, "the wall clock differs from the last stamp of a shard",
          [(length < 0 ? "behind_ms" : "ahead_ms", .number(length.magnitude))]),
        of: shard.id)
    case .disk(let job): disk.carryOut(job, of: shard.id)
    }
  }

  // MARK: Routers

  nonisolated func makeRouterConnection(_ hello: RouterHello) -> RouterConnection {
    let id = assumeIsolated { nodeLoop in
      defer { nodeLoop.nextConnection += 1 }
      return ConnectionID(nodeLoop.nextConnection)
    }
    return RouterConnection(id, hello: hello, nodeLoop: self)
  }

  /// False: a newer connection of the same router was met already.
  func add(_ connection: RouterConnection) -> Bool {
    let hello = connection.hello
    if let known = newest[hello.router] {
      guard hello.connection > known.number else { return false }
      routers[known.connection]?.supersede()
    } else if newest.count >= 4_096 {
      // Routers that are gone for good: those without an open connection.
      newest = newest.filter { routers[$0.value.connection] != nil }
    }
    newest[hello.router] = (hello.connection, connection.id)
    routers[connection.id] = connection
    return true
  }

  func remove(_ connection: RouterConnection) {
    guard routers.removeValue(forKey: connection.id) != nil else { return }
    takeAll(.closed(connection.id))
  }

  /// What is wrong with the batch, if anything: then the connection should be closed.
  ///
  /// - Parameter kept: the body as an array, if it stands in one that nobody changes.
  func requests(
    _ body: RawSpan, kept: ArraySlice<UInt8>?, for id: ShardID, from connection: ConnectionID
  ) -> DecodeError? {
    guard let shard = shards[id] else {
      guard Int(id.rawValue) < node.shardCount else { return .invalid(field: "shard") }
      // Of another loop, or not read from the log yet.
      if let frame = refusal(ofRequests: body, .notPrimary, shard: id) { routers[connection]?.write(frame) }
      return nil
    }
    let time = clock
    workedAt = time.now
    turns.list(shard.place)
    let (error, backlog) = shard.assumeIsolated { [writer = node.writer] shard in
      let room = writer.room(for: body.byteCount + shard.backlog().pendingBytes, ofRequests: true)
      let requests = ShardRequests(body, kept: kept, from: connection, room: room)
      return (shard.take(requests, time), shard.backlog())
    }
    turns.note(backlog, of: shard.place)
    return error
  }

  func writeNodeHello(into out: inout [UInt8]) {
    let hello = NodeHello(
      node: node.me.node.bytes, shardCount: UInt16(node.shardCount), loopCount: UInt16(node.loops.count))
    WireFrame.encode(.nodeHello, into: &out) { hello.encode(into: &$0) }
  }

  // MARK: Peers

  nonisolated func makePeerInput(_ hello: PeerHello) -> PeerInput { PeerInput(hello, nodeLoop: self) }

  /// A later start of this node is known: messages of and to earlier starts are dropped.
  func drop(_ name: NodeName, before start: UInt64) {
    for (sender, list) in inputs where sender.node == name {
      for input in list where input.start < start { input.drop() }
    }
    links[name]?.drop(before: start)
  }

  /// The connection goes on with the next turn.
  func pause(_ input: PeerInput) {
    askForTurnEnd()
    pausedInputs.append(input)
  }

  func add(_ input: PeerInput, from sender: ReplicaID) { inputs[sender, default: []].append(input) }

  func remove(_ input: PeerInput, from sender: ReplicaID) {
    inputs[sender]?.removeAll { $0 === input }
    if inputs[sender]?.isEmpty == true { inputs[sender] = nil }
  }

  func writePeerHello(into out: inout [UInt8]) {
    let hello = PeerHello(cluster: node.cluster, sender: node.me, start: node.identity.start, loop: UInt16(index))
    WireFrame.encode(.peerHello, into: &out) { hello.encode(into: &$0) }
  }

  /// A node registered, or did so again.
  func met(_ name: NodeName, at address: String) {
    guard name != node.me.node else { return }
    if let link = links[name] { return link.moved(to: address) }
    let link = PeerLink(name, address: address, nodeLoop: self)
    links[name] = link
    link.connectIfNeeded(now: clock.now)
  }

  func peerConnected(_ peer: ReplicaID) {
    takeAll(.connected(peer))
  }

  /// - Parameter kept: the payload as an array, if it stands in one that nobody changes.
  func receive(
    _ message: ReplicaMessage, payload: RawSpan, kept: ArraySlice<UInt8>?, for id: ShardID, from sender: ReplicaID
  ) {
    guard let shard = shards[id] else {
      // The peer has another number of loops: the shard lives on another of ours.
      guard Int(id.rawValue) < node.shardCount else { return }
      let home = node.loop(of: id)
      guard home !== self else { return }
      let copy = kept ?? Bytes(payload).array[...]
      home.loop.submit {
        home.assumeIsolated { $0.receive(message, payload: copy.rawSpan, kept: copy, for: id, from: sender) }
      }
      return
    }
    let time = clock
    // Heartbeats and the empty envelopes of reads are no work.
    if payload.byteCount > 0 { workedAt = time.now }
    turns.list(shard.place)
    shard.assumeIsolated { [writer = node.writer] shard in
      let room = writer.room(for: payload.byteCount + shard.backlog().pendingBytes)
      shard.take(ShardMessage(message, payload: payload, kept: kept, from: sender, room: room), time)
    }
  }

  // MARK: The log's notices

  func durable(_ ends: [(shard: ShardID, end: LogEnd)], _ markers: [(shard: ShardID, kind: LogFrame.Kind)]) {
    for (id, end) in ends { take(.durable(through: end.index), for: id) }
    for (id, kind) in markers { take(.markerDurable(kind), for: id) }
  }

  // MARK: For the operator

  func statuses(_ digests: [AdminRequest.DigestQuery], isCoordinatorThere: Bool) -> [ReplicaStatus] {
    let now = bootTime()
    let asked = Dictionary(digests.map { ($0.shard, $0.index) }, uniquingKeysWith: { first, _ in first })
    return shardList.map { shard in
      let index = asked[shard.id]
      return shard.assumeIsolated { shard in
        shard.look { machine in
          machine.status(digestAtMost: index, now: now, isCoordinatorThere: isCoordinatorThere)
        }
      }
    }
  }

  func summary(of id: ShardID) -> RoleSummary? {
    guard let shard = shards[id] else { return nil }
    return shard.assumeIsolated { shard in shard.look { machine in machine.replica.summary } }
  }

  /// The process ends: see `Node.stop`.
  func tellAll(_ input: ShardInput) { takeAll(input) }

  /// Whether something may still come of waiting for the other node.
  var isLeaving: Bool {
    shardList.contains { shard in
      shard.assumeIsolated { shard in shard.look { machine in machine.replica.isLeaving } }
    }
  }

  /// Whether the next process will find each log whole, and nothing that was begun is unanswered.
  var mayEnd: Bool {
    shardList.allSatisfy { shard in
      shard.assumeIsolated { shard in shard.look { machine in machine.replica.mayEnd && !machine.owesReplies } }
    }
  }

  /// Replicas that may lack what was acknowledged.
  func suspectCount() -> Int {
    shardList.count { shard in
      shard.assumeIsolated { shard in shard.look { machine in machine.replica.summary.suspicion != .none } }
    }
  }

  func carryOut(_ directive: Directive, shard id: ShardID) -> DirectiveAnswer? {
    take(.directive(directive), for: id)
  }
}

extension NodeLoop: TurnEndHandler {
  package nonisolated func turnEnded() { assumeIsolated { $0.endTurn() } }
}
