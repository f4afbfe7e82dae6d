import ClusterMap
import EventLoop
import Journal
import Logging
import Proto
import Replication
import ShardCore
import Threads
import Time

// What waits for the coordinator, and what is made of its not being what it was.
extension NodeCore {
  /// A register was read afresh, or could not be.
  func mapAnswered(_ shard: ShardID, _ token: UInt64, _ result: Result<MapRegister?, CoordinatorError>) {
    switch result {
    case .success(let register): post(.mapRead(register, token: token), to: shard)
    case .failure(let error):
      log.debug("the map cannot be read") { $0.field("error", "\(error)") }
      post(.mapUnreachable(token: token), to: shard)
    }
  }

  func propose(_ entry: MapEntry, for shard: ShardID, expecting revision: UInt64, noted: Bool) {
    let go: @Sendable () -> Void = { [self] in
      Task {
        // A process that was replaced must not take a role from the one that was started in its place. What it does not
        // know when it looks is newer than the revision that the proposal compares.
        switch await reads.laterStart() {
        case .success(nil): break
        case .success(let record?): return met(record)
        case .failure: return
        }
        switch await coordinator.propose(entry, for: shard, expecting: revision) {
        case .won(let register): post(.mapRead(register, token: 0), to: shard)
        case .lost(let current): post(.mapRead(current, token: 0), to: shard)
        case .unsettled(let error):
          log.debug("a proposal is not settled") {
            $0.field("shard", shard.rawValue)
            $0.field("error", "\(error)")
          }
        }
      }
    }
    guard noted else { return go() }
    desk.note(entry, of: shard, fail: { [self] in fail("a proposal cannot be noted: \($0)") }, go: go)
  }

  /// The watch saw a change. Registers are read again, for this cluster only: a coordinator that now holds another one
  /// tells of that one's as well.
  func heard(_ change: MapChange) {
    switch change {
    case .entry(let shard, _):
      guard Int(shard.rawValue) < shardCount else { return }
      reads.read(shard, token: 0)
    case .node(let record): met(record)
    }
  }

  /// A node's record is known: where it is, and which of its starts is the newest.
  func met(_ record: NodeRecord) {
    guard record.name != me.node else {
      if record.start > identity.start {
        replaced(by: "start \(record.start), process \(record.pid) at \(record.address)")
      }
      return
    }
    met(record.name, start: record.start)
    table.each { $0.met(record.name, at: record.address) }
  }

  /// Somebody spoke as this node, in a start of its own. False: an earlier one, which has nothing more to say.
  @discardableResult func met(_ name: NodeName, start: UInt64) -> Bool {
    let (isNewest, isNews) = starts.withLock { starts in
      let known = starts[name] ?? 0
      starts[name] = max(known, start)
      return (start >= known, start > known && known > 0)
    }
    if isNews { table.each { $0.drop(name, before: start) } }
    return isNewest
  }

  /// Another process goes on as this node: whatever this one would still say could be wrong.
  func replaced(by other: String) {
    fail("this process, start \(identity.start) of node \(me.node), was replaced by another: \(other)", as: .replaced)
  }

  /// Waits until something is so on each loop.
  func wait(atMost patience: Duration, until isSo: (NodeLoop) async -> Bool) async {
    let end = ContinuousClock.now + patience
    for nodeLoop in loops {
      while await !isSo(nodeLoop), ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(5)) }
    }
  }

  // MARK: Looking at it

  /// Looks again and again whether the coordinator still is what it was: the birth record, and this node's own.
  func watchCoordinator() async {
    var trouble = Trouble()
    while !Task.isCancelled, !isStopping {
      try? await Task.sleep(for: .milliseconds(500))
      do throws(CoordinatorError) {
        try await checkBirth(&trouble)
        try await checkOwnRecord(&trouble)
        try await giveSign(after: .seconds(3))
        try await forgetRouters()
        coordinatorAnswered()
        trouble.end(log)
      } catch {
        // It is away: nothing is known, and nothing is lost.
        if !isStopping { coordinatorFailed(error) }
      }
    }
  }

  private func coordinatorFailed(_ error: CoordinatorError) {
    guard case .lost(let error) = reachability.withLock({ $0.failed(error, now: bootTime()) }) else { return }
    log.warning("the coordinator cannot be reached: sales go on, and roles cannot change") {
      $0.field("error", "\(error)")
    }
  }

  private func coordinatorAnswered() {
    guard case .back(let length) = reachability.withLock({ $0.answered(now: bootTime()) }) else { return }
    log.warning("the coordinator can be reached again") { $0.field("away_ms", length.rawValue) }
  }

  /// Once a minute takes out the records of routers that have given no sign of life for long. One that lives after all
  /// finds that out, and registers anew.
  private func forgetRouters() async throws(CoordinatorError) {
    let now = bootTime()
    let isTime = routersLookedAt.withLock { last in
      guard now - last >= 60_000 else { return false }
      last = now
      return true
    }
    guard isTime else { return }
    for router in try await coordinator.routers() where router.isGone(at: wallClock()) {
      try await coordinator.unregister(router)
      log.info("a router that is gone was forgotten") {
        $0.field("http", router.http)
        $0.field("silent_s", (wallClock() - router.seenAt).seconds)
      }
    }
  }

  /// What is wrong with the coordinator, said when it begins, every ten seconds while it lasts, and when it is over.
  private struct Trouble {
    var saidAt: ContinuousClock.Instant?
    var isNew = false

    mutating func mustSay() -> Bool {
      isNew = true
      guard saidAt.map({ ContinuousClock.now - $0 > .seconds(10) }) ?? true else { return false }
      saidAt = .now
      return true
    }

    mutating func end(_ log: LogSink) {
      if !isNew, saidAt != nil {
        saidAt = nil
        log.warning("the coordinator is in order again")
      }
      isNew = false
    }
  }

  /// When the last sign of life was given, and where the log stood.
  struct SignOfLife: Sendable {
    var number: UInt64 = 0
    var givenAt = ContinuousClock.now
    var position: UInt64?
  }

  /// Every few seconds in which something was logged, directory and coordinator get a higher number, in this order: a
  /// copy of the directory that was taken before is known by it, however it was copied. An orderly end gives the last
  /// one.
  func giveSign(after pause: Duration) async throws(CoordinatorError) {
    let position = journal.positions.written
    let next: UInt64? = sign.withLock { sign in
      guard ContinuousClock.now - sign.givenAt >= pause, position != sign.position else { return nil }
      sign = SignOfLife(number: sign.number + 1, givenAt: .now, position: position)
      return sign.number
    }
    guard let number = next else { return }
    let isWritten = Lock(false)
    let isNoted = await desk.ran { [self] in
      do throws(JournalError) {
        let isThere = try identity.raisePresence(to: number)
        isWritten.withLock { $0 = isThere }
      } catch {
        fail("the directory's record cannot be written: \(error)")
      }
    }
    guard isNoted, isWritten.withLock({ $0 }), status.state == .up else { return }
    let mine = record.withLock { record in
      record?.presence = number
      return record
    }
    if let mine, try await !coordinator.register(mine) { replaced(by: "a later start, in the coordinator") }
  }

  /// A coordinator that is away is not waited for: then the sign of some seconds ago is the last one.
  func giveLastSign(patience: Duration) async {
    let isGiven = Lock(false)
    Task { [self] in
      do throws(CoordinatorError) { try await giveSign(after: .zero) } catch {}
      isGiven.withLock { $0 = true }
    }
    let end = ContinuousClock.now + patience
    while !isGiven.withLock({ $0 }), ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(5)) }
  }

  private func checkBirth(_ trouble: inout Trouble) async throws(CoordinatorError) {
    let found = try await coordinator.birth()
    guard found?.cluster != birth.cluster else { return }
    guard let found else {
      if trouble.mustSay() {
        log.error("the coordinator's data are gone: this node writes the cluster's birth record and its roles anew")
      }
      _ = try await coordinator.birth(proposing: birth)
      return
    }
    if trouble.mustSay() {
      log.error("the coordinator holds another cluster: roles cannot change until it holds this one again") {
        $0.field("cluster", hex(birth.cluster))
        $0.field("found", hex(found.cluster))
      }
    }
  }

  private func checkOwnRecord(_ trouble: inout Trouble) async throws(CoordinatorError) {
    guard try await coordinator.birth()?.cluster == birth.cluster, let mine = record.withLock({ $0 }) else { return }
    let found = try await coordinator.nodes().first { $0.name == me.node }
    if let found, found.start > mine.start { return met(found) }
    guard found != mine else { return }
    if trouble.mustSay() {
      log.error(
        "the coordinator has an older record of this node, or none: it went back, and the record is written anew"
      ) {
        $0.field("found_start", found?.start ?? 0)
        $0.field("start", mine.start)
      }
    }
    if try await !coordinator.register(mine) { replaced(by: "a later start, in the coordinator") }
  }
}
