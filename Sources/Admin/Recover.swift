import Coordinators
internal import Glibc
internal import ClusterMap
internal import Flags
internal import Journal
internal import Proto
import Time

/// `holdfast recover`.
let recoverCommand = AdminCommand(
  CommandSpec(
    name: "holdfast recover",
    summary: "Gives a cluster whose coordinator's data are gone a new coordinator, from its nodes' directories.",
    arguments: ["DIR", "[DIR…]"], flags: [.json, .data, .coordinator],
    notes: """
      Stop all nodes first. DIR is a node's directory, such as var/n1. For each shard the copy whose log is furthest is named primary, \
      alone; whatever only other copies hold is given up when their nodes come back, so name every directory that there is. Then \
      start the nodes: those that were not named catch up. A coordinator that still has the cluster's roles is left as it is.
      """)
) { run async throws(AdminError) in
  let places = run.flags.arguments.map(realPath)
  if let twice = places.indices.first(where: { places[..<$0].contains(places[$0]) }) {
    throw .usage("\(run.flags.arguments[twice]) is named twice: name each node's directory once")
  }
  let copies = try run.flags.arguments.map { path throws(AdminError) in try Copy(path, run.console) }
  defer { for copy in copies { copy.storage.unlock() } }
  let plan = try RecoveryPlan(copies.map(\.known))
  let coordinator: any Coordinator
  let address = try run.coordinatorAddress()
  do throws(CoordinatorError) { coordinator = try address.open() } catch { throw AdminError(error) }
  let registers = try await takeOver(coordinator, plan)
  let chosen = plan.choices.filter { registers[$0.shard] == nil }
  guard !chosen.isEmpty else {
    throw .refused("the coordinator has this cluster's roles: there is nothing to recover (holdfast status shows them)")
  }
  for copy in copies { try copy.believe(chosen.filter { $0.entry.primary == copy.known.replica }) }
  try await write(chosen, copies, coordinator)
  coordinator.close()
  show(chosen, run)
}

/// A path without links and dots; the path itself if there is nothing.
private func realPath(_ path: String) -> String {
  // Safe: Swift lends the path for the call; the answer is ours, copied and freed.
  guard let found = unsafe realpath(path, nil) else { return path }
  defer { unsafe free(found) }
  return unsafe String(cString: found)
}

/// A stopped node's directory.
private struct Copy {
  let path: String
  let storage: DirectoryStorage
  let known: RecoveryPlan.Copy
  private let starts: StartRecord

  init(_ path: String, _ console: Console) throws(AdminError) {
    self.path = path
    guard readFile(path + "/identity") != nil else {
      throw .refused("\(path) is no node's directory: it has no file named identity")
    }
    do throws(StorageError) {
      storage = try DirectoryStorage(path, create: false)
      try storage.lock()
    } catch .locked {
      throw .refused("a node runs on \(path): stop all nodes first")
    } catch {
      throw .refused("\(path): \(error)")
    }
    let found: StartRecord?
    do throws(JournalError) { found = try StartRecord.read(storage) } catch { throw .refused("\(path): \(error)") }
    guard let starts = found else {
      throw .refused("\(path) does not say which cluster it belongs to: no node of this version ran on it")
    }
    do throws(JournalError) {
      let log = try LogInspection(storage)
      let notes = try ProposalNotes(storage, shardCount: starts.shardCount)
      var ends: [ShardID: RecoveryPlan.End] = [:]
      for shard in log.recovery.shards {
        var isDamaged = false
        if case .suspectByDamage = shard.state { isDamaged = true }
        ends[shard.shard] = RecoveryPlan.End(epoch: shard.end.epoch, index: shard.end.index, isDamaged: isDamaged)
      }
      var newest: [ShardID: UInt64] = [:]
      for number in 0..<starts.shardCount {
        let shard = ShardID(UInt16(number))
        newest[shard] = max(
          ends[shard]?.epoch ?? 0, try notes.note(.made, of: shard)?.epoch ?? 0,
          try notes.note(.entered, of: shard)?.epoch ?? 0)
      }
      self.starts = starts
      known = RecoveryPlan.Copy(
        replica: log.replica, cluster: starts.cluster, shardCount: starts.shardCount, ends: ends, newestEpochs: newest)
    } catch {
      throw .refused("\(path): \(error)")
    }
  }

  /// The operator says that this copy is the one: its node must not doubt it.
  func believe(_ choices: [RecoveryPlan.Choice]) throws(AdminError) {
    do {
      var record = starts
      record.place = try storage.place(of: "identity")
      record.stale.subtract(choices.map(\.shard))
      try record.write(to: storage)
      let notes = try ProposalNotes(storage, shardCount: starts.shardCount)
      try notes.write(
        .made,
        choices.map {
          (shard: $0.shard, note: ProposalNotes.Note(proposal: $0.entry.proposal, epoch: $0.entry.epoch))
        })
    } catch {
      throw .refused("\(path): \(error)")
    }
  }

  /// This node's record as it would be had it ended in good order.
  var record: NodeRecord {
    NodeRecord(
      name: known.replica.node, disk: known.replica.disk, address: "127.0.0.1:0", loops: 1, pid: 0, startedAt: .zero,
      start: starts.confirmed, isServing: false)
  }
}

/// The registers that the coordinator has of this cluster; the birth record is written if there is none.
private func takeOver(
  _ coordinator: any Coordinator, _ plan: RecoveryPlan
) async throws(AdminError) -> [ShardID: MapRegister] {
  let found = try await map { () async throws(CoordinatorError) in try await coordinator.birth(proposing: plan.birth) }
  guard found.cluster == plan.birth.cluster else {
    throw .refused(
      "the coordinator holds another cluster (\(hex(found.cluster)), the directories' is \(hex(plan.birth.cluster))): name an empty one"
    )
  }
  return try await map { () async throws(CoordinatorError) in try await coordinator.readAll() }
}

private func write(
  _ choices: [RecoveryPlan.Choice], _ copies: [Copy], _ coordinator: any Coordinator
) async throws(AdminError) {
  for copy in copies {
    // A record that is there is the node's own, and newer.
    _ = try await map { () async throws(CoordinatorError) in try await coordinator.claim(copy.record, after: nil) }
  }
  for choice in choices {
    switch await coordinator.propose(choice.entry, for: choice.shard, expecting: 0) {
    case .won: break
    case .lost:
      throw .refused("shard \(choice.shard.rawValue) was given roles by somebody else: are the nodes stopped?")
    case .unsettled(let error): throw AdminError(error)
    }
  }
}

private func show(_ choices: [RecoveryPlan.Choice], _ run: Invocation) {
  if run.wantsJSON {
    run.console.line(
      JSONValue.object([
        .init(
          "shards",
          .array(
            choices.map { choice in
              .object([
                .init("shard", .number(choice.shard.rawValue)),
                .init("primary", .text(choice.entry.primary.node.description)),
                .init("epoch", .number(choice.entry.epoch)), .init("index", .number(choice.end.index)),
                .init("damaged", .bool(choice.end.isDamaged)),
              ])
            }))
      ]).compact)
    return
  }
  for choice in choices {
    let damage = choice.end.isDamaged ? "  damaged: its node waits for --accept-loss" : ""
    run.console.line(
      "shard \(choice.shard.rawValue)  \(choice.entry.primary.node) alone, epoch \(choice.entry.epoch), with all up to index "
        + "\(choice.end.index)\(damage)")
  }
  run.console.line("Now start the nodes: cluster/up, or holdfast-node on each machine.")
}
