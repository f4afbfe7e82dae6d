import ClusterMap
import Inventory
import Journal
import MemoryDisk
import Node
import Proto
import Replication
import Seeded
import ShardCore

/// A shard's machine with what only the simulator knows of it.
final class SimulatedShard {
  let id: ShardID
  var machine: ShardMachine
  var isListed = false
  /// How many microseconds this replica's stamps may lie behind the true time; nil: this process heard no stamp yet.
  var lag: Int?
  /// The newest epoch whose primary told this process the time, or that it led itself.
  var heardEpoch: UInt64 = 0
  /// The epoch in which it was last seen answering or logging as primary.
  var leads: UInt64 = 0
  /// When the newest acknowledgement that came in this process's time as primary was sent: until then nobody else led.
  var acknowledgedAt = 0
  /// When the map still named it, at the latest, as far as it has read.
  var confirmedAt = 0
  var stampsEpoch: UInt64 = 0
  /// Memory could not be loaded: only its peer can repair it.
  var isBroken = false
  /// By the index at its end, the chain hash of each frame that this process logged.
  var chains: [UInt64: UInt64] = [:]
  /// What its changes told, and the number of the last.
  var contents = InventoryContents()
  var toldIndex: UInt64 = 0
  init(_ id: ShardID, _ machine: consuming ShardMachine) {
    self.id = id
    self.machine = machine
  }
}

/// One node: the machines of its shards, its log on a disk in memory, its connections. Does what a node's loop, threads
/// and sockets do, one event at a time.
final class SimulatedNode: SimulatedProcess {
  let index: Int
  let nodeName: NodeName
  var storage: MemoryStorage
  private(set) var id: ReplicaID
  var log: Log?
  private(set) var shards: [SimulatedShard] = []
  private var tools = ShardTools()
  private(set) var links: [SimulatedPeerLink] = []
  private(set) var inputs: [PeerPipe] = []

  /// Tells this process's object from all others of its node.
  let serial: Int
  /// Which start of its node it is, and what directory and coordinator know of it.
  var start: UInt64 = 0
  var starts: StartRecord?
  var record: NodeRecord
  var notes: ProposalNotes?
  /// The newest note of each shard that this process wrote.
  var lastNotes: [ShardID: UInt64] = [:]
  /// By name, the newest start that this process heard of.
  var newestStarts: [NodeName: UInt64] = [:]
  /// It found that its name has a later start.
  var isReplaced = false
  /// Another process was started in its place: it does not come back.
  var isGhost = false
  /// Its connections to the coordinator end while it stands still: it hears of nothing that was decided meanwhile.
  var hasLostWatch = false
  /// An operator holds it until the map has changed.
  var isHeld = false
  /// Its disk was put back.
  var isSpent = false

  /// The wall clock minus true time, in milliseconds.
  var wallOffset: Int64

  // The turn.
  private var turnTime: TurnTime?
  private(set) var turnStartedAt = 0
  private var turnEndAsked = false
  private var listed: [SimulatedShard] = []
  private var entries: [LogEntry] = []

  var writer: SimulatedWriter?
  var disk: SimulatedReader?
  var routers: [ConnectionID: RouterSide] = [:]
  /// By router's loop, the newest connection number that was met, and who has it.
  private var newest: [UInt64: (number: UInt64, side: RouterSide)] = [:]
  private var nextConnection: UInt64 = 1
  var restartIsPlanned = false
  /// Its disk lost something since the beginning.
  var isDamaged = false
  private var pinnedAt: UInt64 = 0

  init(_ index: Int, _ world: World, _ disk: MemoryStorage? = nil) {
    self.index = index
    guard let name = NodeName(Bytes("n\(index + 1)")) else { preconditionFailure("n1 to n3 are names") }
    nodeName = name
    id = ReplicaID(node: name, disk: 0)
    storage = disk ?? MemoryStorage(seed: world.random.next())
    world.lastSerial += 1
    serial = world.lastSerial
    record = NodeRecord(name: name, disk: 0, address: "", loops: 1, pid: 0, startedAt: 0)
    wallOffset = Int64(world.draw(-1_000...1_000))
    super.init("n\(index + 1)", endpoint: index, world)
  }

  override var isUp: Bool { log != nil }
  override var isDeaf: Bool { super.isDeaf || hasLostWatch && isPaused }
  /// Whether it will not do anything for a while.
  var isStill: Bool { pausedUntil > world.time + 300_000 }
  var isBetweenTurns: Bool { turnTime == nil }
  func machine(_ shard: ShardID) -> SimulatedShard? { isUp ? shards[Int(shard.rawValue)] : nil }

  // MARK: Time

  private var clock: TurnTime {
    if let turnTime { return turnTime }
    let time = TurnTime(
      now: Int64(monotonic / 1_000), wall: World.epochMilliseconds + Int64(world.time / 1_000) + wallOffset)
    (turnTime, turnStartedAt) = (time, world.time)
    beginAllowance()
    askForTurnEnd()
    return time
  }

  /// Where large reads are simulated, some turns have no time for requests, and some have no room for large answers.
  private func beginAllowance() {
    guard world.machineOptions.largeAnswerBytes == 1 else { return tools.allowance.begin(endsAt: .max) }
    tools.allowance.begin(endsAt: world.chance(0.1) ? 0 : .max)
    tools.allowance.crowded = world.chance(0.2) ? Set(routers.keys) : []
  }

  func whileRunning(_ body: @escaping (SimulatedNode) -> Void) { whileRunning { [unowned self] in body(self) } }

  func later(_ microseconds: Int, _ body: @escaping (SimulatedNode) -> Void) {
    later(microseconds) { [unowned self] in body(self) }
  }

  // MARK: Life

  /// Starts the process: reads the disk, loads the shards.
  func boot() {
    guard !isUp else { return }
    restartIsPlanned = false
    changeLife()
    (turnTime, turnEndAsked, listed, entries) = (nil, false, [], [])
    tools = ShardTools()
    (isReplaced, lastNotes, links, inputs) = (false, [:], [], [])
    guard world.coordinator.answers(self) else {
      world.say("\(name) cannot start: the coordinator does not answer")
      return planRestart()
    }
    do throws(JournalError) {
      let log = try Log.open(
        storage, node: nodeName, newDisk: world.random.next() | 1, options: LogOptions(segmentBytes: world.segmentBytes)
      )
      self.log = log
      id = log.replica
      try claim(log)
      try recover(log)
    } catch {
      log = nil
      shards = []
      let isFull = if case .storage(.full) = error { true } else { error == .full }
      guard storage.hasCrashed || isFull || world.faults.failedSync > 0 || world.isHealing else {
        return world.fail("recovery", "\(name) cannot open its directory: \(error)")
      }
      world.say("\(name) cannot start: \(error)")
      changeLife()
      storage = storage.afterPowerLoss(seed: world.random.next())
      return planRestart()
    }
    world.say(
      "\(name) starts, number \(start): \(log.map { "\($0.recovery.shards.map { "\($0.state) end \($0.end.index)" })" } ?? "")"
    )
    writer?.makeSegment()
    links = world.nodes.filter { $0.index != index }.map { other in
      SimulatedPeerLink(to: world.coordinator.records[other.nodeName]?.process ?? other, from: self)
    }
    serve()
    tick()
  }

  private func recover(_ log: Log) throws(JournalError) {
    shards = []
    let writer = SimulatedWriter(log, self)
    self.writer = writer
    disk = SimulatedReader(log, self)
    pinnedAt = log.size.bytes
    let random = { self.world.random.next() }
    for (shard, result) in loadShards(
      world.shardIDs, from: log, keyLimits: world.machineOptions.keyLimits, salt: random)
    {
      let found = log.recovery.shard(shard)
      var suspicion = Suspicion.none
      switch found.state {
      case .clean: break
      case .suspectByTear: suspicion = .tear
      case .suspectByDamage: suspicion = .damage
      }
      var machine = ShardMachine(
        shard: shard, me: id, options: world.machineOptions, config: world.replicaConfig, seed: random())
      let loaded: LoadedShard
      var isBroken = false
      switch result {
      case .success(let value): loaded = value
      case .failure(let error):
        if storage.hasCrashed { throw error }
        suspicion = .damage
        isBroken = true
        loaded = LoadedShard(
          inventory: Inventory(shard: shard, keyLimits: world.machineOptions.keyLimits, tableSalt: random()),
          end: log.end(of: shard), epochs: log.epochs(of: shard))
      }
      if starts?.stale.contains(shard) == true { suspicion = suspicion.worse(.stale) }
      machine.start(
        loaded, suspicion: suspicion, committed: found.committed, noted: try notes?.note(.made, of: shard)?.proposal,
        entered: try notes?.note(.entered, of: shard).map { EpochNote(epoch: $0.epoch, proposal: $0.proposal) },
        time: clock, tools: &tools)
      let held = SimulatedShard(shard, machine)
      held.isBroken = isBroken
      shards.append(held)
      list(held)
    }
  }

  private func tick() {
    later(world.draw(14_000...20_000)) { $0.tick() }
    for shard in shards {
      let room = room(for: shard.machine.backlog().pendingBytes, shard.id)
      turn(shard) { machine, tools, time in machine.tick(room: room, time: time, tools: &tools) }
    }
    for link in links { link.connectIfNeeded() }
    freeOldSegments()
  }

  private func freeOldSegments() {
    guard let log else { return }
    let written = log.size.bytes
    if written < pinnedAt { pinnedAt = written }
    guard written - pinnedAt >= UInt64(world.segmentBytes) else { return }
    pinnedAt = written
    guard let shard = log.pinningShard else { return }
    later(50) { $0.turn(shard) { machine, _, _ in machine.takeSnapshot(again: true) } }
  }

  /// The process ends at once. `keepsPower`: what it wrote is there for the next; otherwise only what was synced is
  /// sure.
  ///
  /// - Parameter restartAfter: microseconds; nil: as it comes.
  func crash(keepsPower: Bool, restartAfter: Int? = nil) {
    guard isUp else { return }
    world.say("\(name) \(keepsPower ? "is killed" : "loses power")")
    changeLife()
    log = nil
    for link in links { link.drop() }
    for input in inputs { input.pipe.cut { self.world.draw($0) } }
    links = []
    inputs = []
    shards = []
    listed = []
    entries = []
    turnTime = nil
    turnEndAsked = false
    writer = nil
    disk = nil
    notes = nil
    for (_, router) in routers.sorted(by: { $0.key.rawValue < $1.key.rawValue }) { router.end() }
    routers = [:]
    newest = [:]
    storage = keepsPower ? storage.afterProcessEnd() : storage.afterPowerLoss(seed: world.random.next())
    planRestart(after: restartAfter)
  }

  func planRestart(after chosen: Int? = nil) {
    guard !restartIsPlanned, !isGhost else { return }
    restartIsPlanned = true
    let wait =
      chosen != nil
      ? chosen ?? 0
      : world.isHealing
        ? 1_000 : world.draw(1_000...([20_000, 300_000, 2_500_000].randomElement(using: &world.random) ?? 20_000))
    world.plan(after: wait + world.standstillLeft) { [unowned self] world in
      guard restartIsPlanned else { return }
      if !world.isHealing, world.chance(world.faults.crashInOperation), !world.isLastCopy(self) {
        storage.plan(.crash, at: world.draw(0...24))
      }
      boot()
    }
  }

  /// The run is over.
  func end() {
    log?.close()
    links = []
    inputs = []
    routers = [:]
    newest = [:]
    changeLife()
    writer = nil
    disk = nil
  }

  /// Comes back with an empty disk.
  func wipe() {
    crash(keepsPower: true)
    storage = MemoryStorage(seed: world.random.next())
  }

  /// A disk operation failed. True: it was a planned loss of power, and this process is gone.
  func diedOfDisk() -> Bool {
    guard storage.hasCrashed else { return false }
    crash(keepsPower: false)
    return true
  }

  /// A write or sync failed: the process says so to its peers and ends.
  func fail() {
    if diedOfDisk() { return }
    world.say("\(name): its disk failed")
    for shard in shards {
      turn(shard) { machine, tools, time in machine.halt(.diskFailed, time: time, tools: &tools) }
    }
    later(world.draw(1_000...100_000)) { $0.crash(keepsPower: true) }
  }

  // MARK: Turns

  private func askForTurnEnd() {
    guard !turnEndAsked else { return }
    turnEndAsked = true
    later(world.draw(0...200)) { $0.endTurn() }
  }

  private func list(_ shard: SimulatedShard) {
    if !shard.isListed {
      shard.isListed = true
      listed.append(shard)
    }
    askForTurnEnd()
  }

  typealias Body = (inout ShardMachine, inout ShardTools, TurnTime) -> Void

  /// Without room in the log nothing is brought up to date: what is read then may be late.
  private func room(for byteCount: Int, _ shard: ShardID) -> LogRoom {
    guard let writer else { return .full }
    let room = writer.room(for: byteCount)
    if case .open = room { return room }
    world.checks.promises[Int(shard.rawValue)].mayBeLate = true
    return room
  }

  func turn(_ id: ShardID, _ body: Body) {
    guard isUp, Int(id.rawValue) < shards.count else { return }
    turn(shards[Int(id.rawValue)], body)
  }

  private func turn(_ shard: SimulatedShard, _ body: Body) {
    let time = clock
    list(shard)
    body(&shard.machine, &tools, time)
  }

  private func endTurn() {
    turnEndAsked = false
    guard let time = turnTime ?? (listed.isEmpty ? nil : clock) else { return }
    let mine = life
    var rounds = 0
    while !listed.isEmpty, rounds < 64 {
      rounds += 1
      let flushing = listed
      listed = []
      for shard in flushing {
        shard.isListed = false
        shard.machine.flush(time: time, tools: &tools)
        world.checks.flushed(shard, self)
        if world.machineOptions.tellsChanges { listen(to: shard) }
        for action in shard.machine.takeActions() {
          carryOut(action, of: shard)
          guard life == mine else { return }
        }
      }
    }
    if !entries.isEmpty {
      writer?.submit(entries)
      entries = []
    }
    for link in links { link.flush() }
    turnTime = nil
    turnEndAsked = false
    if !listed.isEmpty { askForTurnEnd() }
  }

  private func carryOut(_ action: ShardAction, of shard: SimulatedShard) {
    switch action {
    case .log(let list):
      world.checks.logged(list, shard, self)
      entries += list
    case .send(let message, let payload, let peer):
      links.first { $0.target.nodeName == peer.node }?.add(message, payload: payload, shard: shard.id, to: peer)
    case .reply(let head, let tail, let connection):
      let frame = head + tail
      world.checks.replies(frame, shard, self)
      routers[connection]?.reply(frame)
    case .dropPeer(let peer):
      guard let other = world.node(named: peer.node) else { return }
      world.say("\(name) drops \(peer.node)'s connection")
      for process in world.processes where process.nodeName == other.nodeName {
        for link in process.links where link.target === self { link.drop() }
      }
    case .readMap(let token): world.coordinator.read(shard.id, token: token, for: self)
    case .noteEntry(let entry): enter(entry, shard: shard.id)
    case .propose(let entry, let revision, let noted):
      propose(entry, revision: revision, isNoted: noted, shard: shard.id)
    case .keep(let index): log?.keep(shard.id, from: index)
    case .note(let note):
      world.say("\(name) shard \(shard.id.rawValue): \(note)")
      if case .suspectCleared = note { trust(shard.id) }
    case .clockLeapt(let milliseconds): world.say("\(name): the wall clock is off by \(milliseconds) ms")
    case .roleChanged: break
    case .disk(let job): disk?.carryOut(job, of: shard.id)
    }
  }

  // MARK: Peers

  /// Another node's hello came on a new connection. False: an earlier start of it, which is not heard.
  func accepted(_ pipe: Pipe, from other: SimulatedNode) -> Bool {
    guard met(other.nodeName, start: other.start) else { return false }
    inputs.removeAll { !$0.pipe.isOpen }
    inputs.append(PeerPipe(pipe: pipe, name: other.nodeName, start: other.start))
    return true
  }

  func connected(to peer: ReplicaID) {
    for shard in shards {
      turn(shard) { machine, tools, time in machine.connected(to: peer, time: time, tools: &tools) }
    }
  }

  func dropLinks(to other: SimulatedNode) {
    for link in links where link.target.nodeName == other.nodeName { link.drop() }
  }

  /// - Parameters:
  ///   - start: the sender's.
  ///   - lags: the sender's, by shard.
  func receive(_ bytes: [UInt8], from sender: ReplicaID, start: UInt64, sentAt: Int, lags: [Int?]) {
    guard met(sender.node, start: start) else { return }
    if start < newestStarts[sender.node] ?? 0 {
      world.fail("one process speaks for a node", "\(name) hears start \(start) of \(sender.node) after a later one")
    }
    var reader = ByteReader(bytes.rawSpan)
    do throws(DecodeError) {
      while reader.bytesLeft > 0, isUp {
        let item = try PeerItem(decoding: &reader)
        let place = Int(item.shard.rawValue)
        guard place < shards.count else { continue }
        let replica = shards[place].machine.replica
        if case .envelope(let envelope) = item.message, envelope.epoch == replica.epoch,
          replica.register?.entry.primary == sender, lags.count > place, let theirs = lags[place]
        {
          let late = theirs + (world.time - sentAt)
          shards[place].lag = min(shards[place].lag ?? late, late)
          shards[place].heardEpoch = max(shards[place].heardEpoch, envelope.epoch)
        }
        if case .acknowledgement(let ack) = item.message, ack.epoch == replica.epoch {
          shards[place].acknowledgedAt = max(shards[place].acknowledgedAt, sentAt)
        }
        let (message, payload) = (item.message, item.payload)
        let room = room(for: payload.byteCount + shards[place].machine.backlog().pendingBytes, item.shard)
        let time = clock
        list(shards[place])
        shards[place].machine.receive(message, payload: payload, from: sender, room: room, time: time, tools: &tools)
      }
    } catch {
      world.fail("codec", "\(name) cannot read what \(sender.node) sent: \(error)")
    }
  }

  // MARK: Routers

  /// A router's connection said hello. nil: a newer one of the same router was met already.
  func accept(_ hello: RouterHello, _ link: RouterLink) -> RouterSide? {
    guard isUp else { return nil }
    if let known = newest[hello.router] {
      guard hello.connection > known.number else { return nil }
      known.side.supersede()
    }
    let side = RouterSide(ConnectionID(nextConnection), self, link)
    nextConnection += 1
    newest[hello.router] = (hello.connection, side)
    routers[side.id] = side
    return side
  }

  func closed(_ side: RouterSide) {
    guard routers.removeValue(forKey: side.id) != nil else { return }
    for shard in shards { turn(shard) { machine, _, _ in machine.closed(side.id) } }
  }

  /// A frame of requests came on a router's connection.
  func requests(_ bytes: [UInt8], on side: RouterSide) {
    guard !side.isSuperseded, routers[side.id] != nil else { return }
    do throws(DecodeError) {
      let frame = try WireFrame(header: bytes.rawSpan)
      let body = try frame.body(of: bytes.rawSpan)
      let room = room(for: body.byteCount + (machine(frame.shard)?.machine.backlog().pendingBytes ?? 0), frame.shard)
      guard isUp, Int(frame.shard.rawValue) < shards.count else { return }
      let (time, held) = (clock, shards[Int(frame.shard.rawValue)])
      list(held)
      try held.machine.requests(body, from: side.id, room: room, time: time, tools: &tools)
    } catch {
      world.fail("codec", "\(name) cannot read a request: \(error)")
    }
  }

  /// Since when what this frame to a router says may have been wrong, at the earliest; nil: a frame without a shard's
  /// state.
  func mark(of frame: [UInt8]) -> Int? {
    guard let shard = (try? WireFrame(header: frame.rawSpan))?.shard, let held = machine(shard) else { return nil }
    return min(world.time, held.machine.replica.needsPeer ? held.acknowledgedAt : held.confirmedAt)
  }
}

/// Another node's connection to this one, and which start of that node it belongs to.
struct PeerPipe {
  var pipe: Pipe
  var name: NodeName
  var start: UInt64
}

extension World {
  /// What the wall clock shows at the beginning of every run.
  static let epochMilliseconds: Int64 = 1_700_000_000_000
}
