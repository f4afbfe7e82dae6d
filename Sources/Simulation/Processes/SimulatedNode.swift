import ClusterMap
import Inventory
import Journal
import MemoryDisk
import Node
import Octets
import Proto
import Replication
import Seeded
import ShardCore
import Time

/// One node: the machines of its shards, its log on a disk in memory, its connections. Does what a node's loop, threads
/// and sockets do, one event at a time.
final class SimulatedNode: SimulatedProcess {
  let index: Int
  let nodeName: NodeName
  var storage: MemoryStorage
  private(set) var id: ReplicaID
  var log: Log?
  private(set) var shards: [SimulatedShard] = []
  var tools = ShardTools()
  private(set) var links: [SimulatedPeerLink] = []
  var inputs: [PeerPipe] = []

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
  /// It was told to end.
  private(set) var isEnding = false

  /// The wall clock minus true time, in milliseconds.
  var wallOffset: Milliseconds
  /// The same when the turn's time was read: the clock may jump while the process stands still within a turn.
  var turnWallOffset: Milliseconds = 0

  var turns = ShardTurns()
  var turnStartedAt = 0

  var writer: SimulatedWriter?
  var disk: SimulatedReader?
  var routers: [ConnectionID: RouterSide] = [:]
  /// By router's loop, the newest connection number that was met, and who has it.
  var newest: [UInt64: (number: UInt64, side: RouterSide)] = [:]
  var nextConnection: UInt64 = 1
  var restartIsPlanned = false
  /// Its disk lost something since the beginning.
  var isDamaged = false
  private var oldSegments: OldSegments?

  init(_ index: Int, _ world: World, _ disk: MemoryStorage? = nil) {
    self.index = index
    guard let name = NodeName(Bytes("n\(index + 1)")) else { preconditionFailure("n1 to n3 are names") }
    nodeName = name
    id = ReplicaID(node: name, disk: 0)
    storage = disk ?? MemoryStorage(seed: world.random.next())
    world.lastSerial += 1
    serial = world.lastSerial
    record = NodeRecord(name: name, disk: 0, address: "", loops: 1, pid: 0, startedAt: .zero)
    wallOffset = Milliseconds(Int64(world.draw(-1_000...1_000)))
    super.init("n\(index + 1)", endpoint: index, world)
  }

  override var isUp: Bool { log != nil }
  override var isDeaf: Bool { super.isDeaf || hasLostWatch && isPaused }
  /// Whether it will not do anything for a while.
  var isStill: Bool { pausedUntil > world.time + 300_000 }
  var isBetweenTurns: Bool { turns.isBetweenTurns }
  func machine(_ shard: ShardID) -> SimulatedShard? { isUp ? shards[Int(shard.rawValue)] : nil }

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
    turns = ShardTurns()
    tools = ShardTools()
    (isReplaced, isEnding, lastNotes, links, inputs) = (false, false, [:], [], [])
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
    let oldSegments = OldSegments(log)
    self.oldSegments = oldSegments
    disk = SimulatedReader(log, oldSegments, self)
    let random = { self.world.random.next() }
    for (shard, result) in loadShards(
      world.shardIDs, from: log, keyLimits: world.machineOptions.keyLimits, salt: random)
    {
      var isBroken = false
      if case .failure(let error) = result {
        if storage.hasCrashed { throw error }
        isBroken = true
      }
      var start = ShardStart(
        of: shard, result, in: log, isStale: starts?.stale.contains(shard) == true,
        keyLimits: world.machineOptions.keyLimits, salt: random())
      start.noted = try notes?.note(.made, of: shard)?.proposal
      start.entered = try notes?.note(.entered, of: shard).map { EpochNote(epoch: $0.epoch, proposal: $0.proposal) }
      let seed = random()
      let held = SimulatedShard(
        shard, at: shards.count,
        ShardMachine(shard: shard, me: id, options: world.machineOptions, config: world.replicaConfig, seed: seed),
        world.recording?.recorder(of: shard, on: self, seed: seed))
      held.isBroken = isBroken
      shards.append(held)
      take(.start(start), for: held)
    }
  }

  private func tick() {
    later(world.draw(14_000...20_000)) { $0.tick() }
    for shard in shards { take(.tick(room(for: shard.backlog().pendingBytes, shard.id)), for: shard) }
    for link in links { link.connectIfNeeded() }
    if let shard = oldSegments?.shardToSnapshot(now: clock.now) {
      later(50) { $0.take(.takeSnapshot(again: true), for: shard) }
    }
    // As a node does that has been idle.
    if world.chance(0.002) { takeAll(.forgetRecent) }
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
    turns = ShardTurns()
    writer = nil
    disk = nil
    oldSegments = nil
    notes = nil
    for (_, router) in routers.sorted(by: { $0.key.rawValue < $1.key.rawValue }) { router.end() }
    routers = [:]
    newest = [:]
    storage = keepsPower ? storage.afterProcessEnd() : storage.afterPowerLoss(seed: world.random.next())
    planRestart(after: restartAfter)
  }

  /// The process is told to end: it leaves its peers, answers what it was asked, says what could not be had in time,
  /// and ends. As `Node.stop` does.
  ///
  /// - Parameter restartAfter: microseconds.
  func endInOrder(restartAfter: Int) {
    guard isUp, !isEnding else { return }
    isEnding = true
    world.say("\(name) is told to end")
    takeAll(.endBegins)
    wait(until: world.time + 2_000_000) {
      $0.shards.allSatisfy { !$0.machine.replica.isLeaving }
    } then: { node in
      node.takeAll(.endCloses)
      node.wait(until: node.world.time + 1_000_000) { node in
        node.shards.allSatisfy { $0.machine.replica.mayEnd && !$0.machine.owesReplies }
      } then: { node in
        node.takeAll(.halt(.ended))
        // The log's writer ends when all is written; on a full disk that is never.
        node.wait(until: node.world.time + 500_000) {
          $0.writer?.isIdle == true
        } then: { node in
          node.world.ended(node)
          node.crash(keepsPower: true, restartAfter: restartAfter)
        }
      }
    }
  }

  private func wait(
    until: Int, for isSo: @escaping (SimulatedNode) -> Bool, then goOn: @escaping (SimulatedNode) -> Void
  ) {
    later(1_000) { node in
      if isSo(node) || node.world.time >= until { return goOn(node) }
      node.wait(until: until, for: isSo, then: goOn)
    }
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
    takeAll(.halt(.diskFailed))
    later(world.draw(1_000...100_000)) { $0.crash(keepsPower: true) }
  }
}

extension World {
  /// What the wall clock shows at the beginning of every run.
  static let epoch = Stamp(1_700_000_000_000)
}
