import Admin
import ClusterMap
import Coordinators
import Foundation
import Octets
import Proto
import Testing
import Time

/// A file coordinator with some registers, and nodes that are pretended.
private final class Place {
  let directory = temporaryDirectory()
  let coordinator: FileCoordinator
  var flag: String { "file:" + directory }

  init(shards: Int) async throws {
    coordinator = try FileCoordinator(directory: directory)
    _ = try await coordinator.birth(proposing: BirthRecord(cluster: 1, shardCount: shards))
  }

  func name(_ shard: UInt16, epoch: UInt64, primary: String, follower: String?) async throws {
    let entry = MapEntry(
      epoch: epoch, primary: ReplicaID(node: NodeName(Bytes(primary))!, disk: 1),
      follower: follower.map { ReplicaID(node: NodeName(Bytes($0))!, disk: 2) }, proposal: UInt64(shard) + 1)
    guard case .won = await coordinator.propose(entry, for: ShardID(shard), expecting: 0) else {
      Issue.record("the register must be free")
      return
    }
  }

  func register(_ name: String, at address: String, pid: Int = 4_711) async throws {
    try await coordinator.register(
      NodeRecord(name: NodeName(Bytes(name))!, disk: 1, address: address, loops: 1, pid: pid, startedAt: 1))
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }
}

/// A node whose digest of a shard at an index is the index times 16 plus its salt, known at multiples of `step`.
private func status(
  _ name: String, _ replicas: [ReplicaStatus], cluster: UInt64 = 1, step: UInt64 = 1, salt: UInt64 = 0,
  state: NodeStatus.State = .up
) -> @Sendable (AdminRequest) -> AdminReply {
  { request in
    guard case .status(let queries) = request else { return .refused("only status here") }
    let answered = replicas.map { replica in
      var replica = replica
      if let query = queries.first(where: { $0.shard == replica.shard }) {
        let index = query.index / step * step
        replica.digest = .init(index: index, value: index * 16 + salt)
      }
      return replica
    }
    return .status(
      NodeStatus(
        node: NodeName(Bytes(name))!, cluster: cluster, disk: 1, pid: 1, state: state,
        reason: state == .halted ? "sync failed" : "",
        replicas: answered))
  }
}

private func replica(_ shard: UInt16, _ role: ReplicaStatus.Role, index: UInt64) -> ReplicaStatus {
  ReplicaStatus(
    shard: ShardID(shard), role: role, epoch: 3, durableIndex: index, committedIndex: index, appliedIndex: index)
}

/// With patience, as the machine may be busy.
private func status(_ words: String..., patience: Int = 60) async -> Ran {
  await holdfast(words + ["--timeout", String(patience)])
}

@Suite struct StatusTests {
  /// The contract's example, member by member.
  @Test func jsonHasTheContractsShape() async throws {
    let place = try await Place(shards: 2)
    try await place.name(0, epoch: 3, primary: "n1", follower: "n2")
    try await place.name(1, epoch: 5, primary: "n2", follower: nil)
    let one = PretendNode(status("n1", [replica(0, .primary, index: 812), replica(1, .joining, index: 7)], step: 5))
    let two = PretendNode(status("n2", [replica(0, .follower, index: 811), replica(1, .primary, index: 9)], step: 10))
    let router = PretendRouter { _ in (200, "{}") }
    try await place.register("n1", at: one.address)
    try await place.register("n2", at: two.address, pid: 4_712)
    try await place.coordinator.register(
      RouterRecord(http: [router.address], tcp: ["127.0.0.1:7400"], host: "", pid: 4_713, startedAt: 1))
    try await place.coordinator.register(
      RouterRecord(http: ["127.0.0.1:1"], tcp: ["127.0.0.1:2"], host: "", pid: 4_714, startedAt: 1))
    // Files of another machine: nobody here can ask.
    try await place.coordinator.register(
      RouterRecord(
        http: ["unix:/tmp/h.sock"], tcp: ["[::1]:7400", "unix:/tmp/r.sock"], host: "elsewhere", pid: 4_715, startedAt: 1
      ))
    let ran = await status("status", "--json", "--coordinator", place.flag)
    #expect(ran.code == 0, "\(ran.error)")
    let expected = """
      {"nodes":[{"node":"n1","address":"\(one.address)","pid":4711,"state":"up"},\
      {"node":"n2","address":"\(two.address)","pid":4712,"state":"up"}],\
      "routers":[{"http":"127.0.0.1:1","tcp":"127.0.0.1:2","pid":4714,"state":"down"},\
      {"http":"\(router.address)","tcp":"127.0.0.1:7400","pid":4713,"state":"up"},\
      {"http":"unix:/tmp/h.sock","tcp":"[::1]:7400","pid":4715,"state":"unknown","more_tcp":["unix:/tmp/r.sock"]}],\
      "shards":[{"shard":0,"epoch":3,"primary":"n1","follower":"n2","joining":null,"primary_index":812,"follower_index":811,\
      "digests":{"index":810,"n1":"00000000000032a0","n2":"00000000000032a0"}},\
      {"shard":1,"epoch":5,"primary":"n2","follower":null,"joining":"n1","primary_index":9,"follower_index":7,\
      "digests":{"index":0,"n1":"0000000000000000","n2":"0000000000000000"}}]}

      """
    // Routers come by address; the pretended one's port decides the order.
    let routers = ran.json?["routers"]?.items ?? []
    for router in JSONValue(parsing: expected)?["routers"]?.items ?? [] {
      #expect(routers.contains { has($0, router) }, "\(router.compact)")
    }
    #expect(has(ran.json?["shards"], JSONValue(parsing: expected)?["shards"]), "\(ran.out)")
    #expect(has(ran.json?["nodes"], JSONValue(parsing: expected)?["nodes"]), "\(ran.out)")
    #expect(ran.json?["summary"]?.text?.hasPrefix("2 shards: 1 with two copies, ") ?? false, "\(ran.out)")
  }

  @Test func whatNobodyAnsweredForIsUnknown() async throws {
    let place = try await Place(shards: 2)
    for shard in UInt16(0)..<2 { try await place.name(shard, epoch: 3, primary: "n1", follower: "n2") }
    try await place.register("n1", at: "127.0.0.1:1")
    try await place.register("n2", at: "127.0.0.1:2")
    let ran = await status("status", "--coordinator", place.flag)
    #expect(ran.code == 0)
    #expect(ran.out.hasPrefix("2 shards: 2 unknown (n1 does not answer; n2 does not answer)\n"), "\(ran.out)")
    #expect(!ran.out.contains("two copies"))
    let check = await status("status", "--check", "--coordinator", place.flag)
    #expect(check.code == 2)
    #expect(check.out == "2 shards: 2 unknown (n1 does not answer; n2 does not answer)\n")
    let json = await status("status", "--json", "--check", "--coordinator", place.flag)
    #expect(json.code == 2)
    #expect(json.json?["shards"]?.items?[0]["sells"] == .null)
  }

  @Test func monitorsAreToldByTheStatus() async throws {
    let place = try await Place(shards: 2)
    try await place.name(0, epoch: 3, primary: "n1", follower: "n2")
    try await place.name(1, epoch: 3, primary: "n1", follower: nil)
    var alone = replica(1, .primary, index: 9)
    alone.reason = "n2 has been silent since 12:04:31 UTC"
    let one = PretendNode(status("n1", [replica(0, .primary, index: 812), alone]))
    let two = PretendNode(status("n2", [replica(0, .follower, index: 812)]))
    try await place.register("n1", at: one.address)
    try await place.register("n2", at: two.address)
    let missing = await status("status", "--check", "--coordinator", place.flag)
    #expect(missing.code == 1)
    #expect(missing.out == "2 shards: 1 with two copies, 1 with one (n2 has been silent since 12:04:31 UTC)\n")
    // The follower of shard 0 is gone now too.
    two.server.stop()
    let lost = await status("status", "--check", "--coordinator", place.flag)
    #expect(lost.code == 1)
    #expect(lost.out == "2 shards: 2 with one (n2 has been silent since 12:04:31 UTC)\n")
  }

  @Test func aFullDiskSellsNothing() async throws {
    let place = try await Place(shards: 1)
    try await place.name(0, epoch: 3, primary: "n1", follower: "n2")
    let one = PretendNode { _ in
      .status(
        NodeStatus(
          node: NodeName("n1")!, cluster: 1, disk: 1, pid: 1, state: .up, reason: NodeStatus.diskFull,
          replicas: [replica(0, .primary, index: 5)]))
    }
    let two = PretendNode(status("n2", [replica(0, .follower, index: 5)]))
    try await place.register("n1", at: one.address)
    try await place.register("n2", at: two.address)
    let ran = await status("status", "--check", "--coordinator", place.flag)
    #expect(ran.code == 2)
    #expect(ran.out == "1 shard: 1 that cannot sell (n1: its disk is full)\n")
  }

  /// A process that stands still takes connections and says nothing. Asked one after the other, these would take 200 s.
  @Test func stoppedNodesAreNotWaitedForOneAfterTheOther() async throws {
    let place = try await Place(shards: 1)
    try await place.name(0, epoch: 3, primary: "n1", follower: nil)
    let one = PretendNode(status("n1", [replica(0, .primary, index: 5)]))
    try await place.register("n1", at: one.address)
    let silent = (2...9).map { _ in PretendServer { _ in sleep(60) } }
    for (number, server) in silent.enumerated() { try await place.register("n\(number + 2)", at: server.address) }
    let began = ContinuousClock.now
    let ran = await status("status", "--check", "--coordinator", place.flag, patience: 25)
    #expect(ContinuousClock.now - began < .seconds(150))
    #expect(ran.code == 1)
    #expect(ran.out.contains("n9 does not answer") || ran.out.contains("…"), "\(ran.out)")
  }

  @Test func nodesAnswerWithoutTheCoordinator() async throws {
    let one = PretendNode(status("n1", [replica(0, .primary, index: 8), replica(1, .follower, index: 7)]))
    let two = PretendNode(status("n2", [replica(0, .follower, index: 8), replica(1, .primary, index: 7)]))
    let folder = temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let given = await status(
      "status", "--json", "--nodes", "\(one.address),\(two.address)", "--coordinator", "file:\(folder)/none")
    #expect(given.code == 0, "\(given.error)")
    #expect(given.json?["shards"]?.items?.map { $0["primary"]?.text } == ["n1", "n2"])
    #expect(given.json?["shards"]?.items?.map { $0["follower"]?.text } == ["n2", "n1"])
    #expect(given.json?["check"] == .number(0))
    // As `holdfast up` keeps them.
    let file =
      "{\"coordinator\":\"file:\(folder)/none\",\"http\":\"127.0.0.1:1\","
      + "\"flags\":{\"nodes\":\"\(one.address),\(two.address)\"}}"
    try file.write(toFile: folder + "/cluster.json", atomically: true, encoding: .utf8)
    let kept = await status("status", "--check", "--data", folder)
    #expect(kept.code == 0, "\(kept.error)")
    #expect(kept.out.hasPrefix("2 shards: 2 with two copies ("), "\(kept.out)")
    one.server.stop()
    two.server.stop()
    #expect(await status("status", "--data", folder).code == 3)
  }

  @Test func aRouterThatIsGoneSaysSo() async throws {
    let place = try await Place(shards: 1)
    try await place.coordinator.register(
      RouterRecord(
        http: ["127.0.0.1:1"], tcp: ["127.0.0.1:2"], host: "", pid: 4_714, startedAt: 1, seenAt: Stamp(43_471_000)))
    let ran = await status("status", "--coordinator", place.flag)
    #expect(ran.out.contains("gone (last sign of life 12:04:31 UTC)"), "\(ran.out)")
  }

  /// A process that stands still, a door that this user may not use and a plain door that is asked with `--tls` are not
  /// gone.
  @Test func aRouterThatDoesNotAnswerIsNotGone() async throws {
    let place = try await Place(shards: 1)
    let folder = temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func register(_ http: String, pid: Int) async throws {
      try await place.coordinator.register(
        RouterRecord(http: [http], tcp: ["127.0.0.1:2"], host: "", pid: pid, startedAt: 1, seenAt: Stamp(43_471_000)))
    }
    let silent = PretendServer { _ in sleep(60) }
    let plain = PretendRouter { _ in (200, "{}") }
    try await register(silent.address, pid: 1)
    try await register(plain.address, pid: 2)
    try await register("unix:\(folder)/nobody", pid: 3)
    let ran = await status("status", "--tls", "--coordinator", place.flag, patience: 4)
    func line(_ start: String) -> String {
      ran.out.split(separator: "\n").first { $0.hasPrefix(start) }.map(String.init) ?? ""
    }
    #expect(line(silent.address).hasSuffix("does not answer (last sign of life 12:04:31 UTC)"), "\(ran.out)")
    #expect(line(plain.address).hasSuffix("up"), "\(ran.out)")
    #expect(line("unix:").hasSuffix("gone (last sign of life 12:04:31 UTC)"), "\(ran.out)")
  }

  /// A primary that waits for its follower, or for the coordinator, sells nothing.
  @Test func aStalledPrimaryDoesNotSell() async throws {
    var stalled = replica(0, .primary, index: 8)
    stalled.isStalled = true
    stalled.reason = "waits for n2, which has been silent for 3 s"
    let one = PretendNode(status("n1", [stalled, replica(1, .primary, index: 7)]))
    let folder = temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    // Nobody listens at port 1.
    let words = ["--nodes", "\(one.address),127.0.0.1:1", "--coordinator", "file:\(folder)/none"]
    let check = await holdfast(["status", "--check", "--timeout", "60"] + words)
    #expect(check.code == 2)
    #expect(check.out.hasPrefix("2 shards: 1 with one, 1 that cannot sell ("), "\(check.out)")
    #expect(check.out.contains("n1 waits for n2, which has been silent for 3 s"), "\(check.out)")
    #expect(check.out.contains("no node answers at 127.0.0.1:1"), "\(check.out)")
    let json = await holdfast(["status", "--json", "--timeout", "60"] + words)
    #expect(json.json?["shards"]?.items?.map { $0["sells"] } == [.bool(false), .bool(true)])
    #expect(json.json?["nodes"]?.items?.map { $0["address"]?.text } == [one.address, "127.0.0.1:1"])
    #expect(await holdfast(["status", "--timeout", "60"] + words).out.contains("?     127.0.0.1:1"))
  }

  /// Nothing is known of the primary that a follower follows, if nobody names it.
  @Test func aFollowerAloneKnowsNotWhetherItsPrimarySells() async throws {
    let two = PretendNode(status("n2", [replica(0, .follower, index: 8)]))
    let folder = temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let words = ["--nodes", two.address, "--coordinator", "file:\(folder)/none", "--timeout", "60"]
    let check = await holdfast(["status", "--check"] + words)
    #expect(check.code == 2)
    #expect(check.out.hasPrefix("1 shard: 1 unknown ("), "\(check.out)")
    #expect(await holdfast(["status"] + words).out.contains("unknown: no primary answers, and nobody says who it is"))
  }

  /// What a file says that cannot be understood is not replaced by defaults in silence.
  @Test func aDamagedClusterFileIsNamed() async throws {
    let folder = temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for text in ["{", "{\"coordinator\":\"file:x\"}"] {
      try text.write(toFile: folder + "/cluster.json", atomically: true, encoding: .utf8)
      for words in [["status"], ["event", "list"], ["up"]] {
        let ran = await holdfast(words + ["--data", folder])
        #expect(ran.code == 1)
        #expect(ran.error.contains("\(folder)/cluster.json cannot be understood"), "\(words): \(ran.error)")
      }
    }
  }

  @Test func aRouterThatSpeaksTLSIsNamed() async throws {
    let place = try await Place(shards: 1)
    try await place.coordinator.register(
      RouterRecord(http: ["127.0.0.1:1"], tcp: ["127.0.0.1:2"], host: "", pid: 1, startedAt: 1, usesTLS: true))
    let ran = await holdfast("event", "list", "--coordinator", place.flag)
    #expect(ran.code == 3)
    #expect(ran.error.contains("the router at 127.0.0.1:1 speaks TLS: give --tls, or --ca FILE"), "\(ran.error)")
  }

  /// Of a node that is there again the past is not told.
  @Test func whoCatchesUpIsNotSilent() async throws {
    let place = try await Place(shards: 1)
    try await place.name(0, epoch: 3, primary: "n2", follower: nil)
    var alone = replica(0, .primary, index: 9)
    alone.reason = "n1 has been silent since 12:04:31 UTC"
    let one = PretendNode(status("n1", [replica(0, .joining, index: 4)]))
    let two = PretendNode(status("n2", [alone]))
    try await place.register("n1", at: one.address)
    try await place.register("n2", at: two.address)
    let check = await status("status", "--check", "--coordinator", place.flag)
    #expect(check.code == 1)
    #expect(check.out == "1 shard: 1 with one (n1 catches up)\n")
  }

  @Test func nodesOfAnotherClusterAreNotCounted() async throws {
    let place = try await Place(shards: 1)
    try await place.name(0, epoch: 3, primary: "n1", follower: "n2")
    let one = PretendNode(status("n1", [replica(0, .primary, index: 8)]))
    let other = PretendNode(status("n2", [replica(0, .follower, index: 8)], cluster: 2))
    try await place.register("n1", at: one.address)
    try await place.register("n2", at: other.address)
    let ran = await status("status", "--check", "--coordinator", place.flag)
    #expect(ran.code == 1)
    #expect(ran.out.contains("\(other.address) answers as node n2 of another cluster"), "\(ran.out)")
    // Without the coordinator the first that is named says which cluster is meant.
    let third = PretendNode(status("n3", [replica(0, .follower, index: 8)], cluster: 2))
    let words = ["--nodes", "\(one.address),\(third.address)", "--coordinator", "file:/nowhere/at/all"]
    let check = await holdfast(["status", "--check", "--timeout", "60"] + words)
    #expect(check.code == 1)
    #expect(check.out.contains("\(third.address) answers as node n3 of another cluster"), "\(check.out)")
  }

  /// Whether all that is expected stands in what was found, which may have more members.
  private func has(_ found: JSONValue?, _ expected: JSONValue?) -> Bool {
    if let items = expected?.items {
      guard let others = found?.items, others.count == items.count else { return false }
      return zip(others, items).allSatisfy { has($0, $1) }
    }
    guard let members = expected?.members else { return found == expected }
    return members.allSatisfy { has(found?[$0.name], $0.value) }
  }

  @Test func whatIsDownOrHaltedSaysSo() async throws {
    let place = try await Place(shards: 2)
    try await place.name(0, epoch: 1, primary: "n1", follower: "n2")
    let halted = PretendNode(status("n2", [], state: .halted))
    try await place.register("n1", at: "127.0.0.1:1")
    try await place.register("n2", at: halted.address)
    let ran = await status("status", "--json", "--coordinator", place.flag)
    let states = ran.json?["nodes"]?.items?.compactMap { $0["state"]?.text }
    #expect(states == ["down", "halted"])
    #expect(ran.json?["shards"]?.items?[0]["primary_index"] == .null)
    #expect(ran.json?["shards"]?.items?[0]["digests"] == .null)
    #expect(ran.json?["shards"]?.items?[1]["primary"] == .null)
    #expect(ran.json?["shards"]?.items?[1]["epoch"] == .null)
    let table = await status("status", "--coordinator", place.flag)
    #expect(table.out.contains("halted: sync failed"))
    #expect(table.out.contains("no primary yet"))
  }

  @Test func copiesThatDifferAreShouted() async throws {
    let place = try await Place(shards: 1)
    try await place.name(0, epoch: 1, primary: "n1", follower: "n2")
    let one = PretendNode(status("n1", [replica(0, .primary, index: 5)]))
    let two = PretendNode(status("n2", [replica(0, .follower, index: 5)], salt: 1))
    try await place.register("n1", at: one.address)
    try await place.register("n2", at: two.address)
    let ran = await status("status", "--coordinator", place.flag)
    #expect(ran.out.contains("TWO COPIES THAT DIFFER at 5"))
  }

  @Test func anotherNodeAtTheAddressIsNotBelieved() async throws {
    let place = try await Place(shards: 1)
    let other = PretendNode(status("n9", []))
    try await place.register("n1", at: other.address)
    let ran = await status("status", "--json", "--coordinator", place.flag)
    #expect(ran.json?["nodes"]?.items?[0]["state"]?.text == "down")
  }

  /// A named replica without a role that gives a reason waits for its peer or for `--accept-loss`: that is what an
  /// operator looks for.
  @Test func whoWaitsSaysWhy() async throws {
    let place = try await Place(shards: 2)
    try await place.name(0, epoch: 1, primary: "n1", follower: nil)
    try await place.name(1, epoch: 1, primary: "n1", follower: nil)
    let suspect = ReplicaStatus(
      shard: ShardID(0), role: .none, epoch: 1, durableIndex: 5, committedIndex: 5, appliedIndex: 5,
      reason: "suspect by damage")
    let node = PretendNode(status("n1", [suspect, replica(1, .primary, index: 7)]))
    try await place.register("n1", at: node.address)
    let lines = await status("status", "--coordinator", place.flag).out.split(separator: "\n")
    #expect(lines.contains { $0.hasPrefix("0 ") && $0.hasSuffix("n1 waits: suspect by damage") }, "\(lines)")
    #expect(lines.contains { $0.hasPrefix("1 ") && $0.hasSuffix("one copy") }, "\(lines)")
  }

  @Test func shardOfAnEvent() async throws {
    let place = try await Place(shards: 16)
    let id = Bytes("arena")
    let shard = ShardID.owning(event: id.rawSpan, shardCount: 16).rawValue
    let ran = await holdfast("event", "shard", "arena", "--coordinator", place.flag)
    #expect(ran.out == "event arena lives on shard \(shard)\n")
    let json = await holdfast("event", "shard", "arena", "--json", "--coordinator", place.flag)
    #expect(json.out == "{\"event\":\"arena\",\"shard\":\(shard)}\n")
  }
}

@Suite struct FailoverTests {
  private func done(_ request: AdminRequest) -> AdminReply {
    switch request {
    case .status: .refused("not asked here")
    case .drain(let shards, _), .takeOver(_, let shards, _), .acceptLoss(let shards, _):
      .shards(shards.map { .init(shard: $0, result: .done, epoch: 9) })
    }
  }

  private func place() async throws -> (Place, PretendNode, PretendNode) {
    let place = try await Place(shards: 4)
    try await place.name(0, epoch: 1, primary: "n1", follower: "n2")
    try await place.name(1, epoch: 1, primary: "n2", follower: "n1")
    try await place.name(2, epoch: 1, primary: "n1", follower: nil)
    let (one, two) = (PretendNode(Self().done), PretendNode(Self().done))
    try await place.register("n1", at: one.address)
    try await place.register("n2", at: two.address)
    return (place, one, two)
  }

  @Test func aPlannedOneAsksThePrimaryToDrain() async throws {
    let (place, one, two) = try await place()
    let ran = await holdfast("failover", "--shard", "1", "--timeout", "7", "--coordinator", place.flag)
    #expect(ran.code == 0, "\(ran.error)")
    #expect(two.requests == [.drain(shards: [ShardID(1)], deadline: 7_000)])
    #expect(one.requests.isEmpty)
    #expect(ran.out == "shard 1  done  epoch 9\n")
  }

  /// A shard without a follower is named and left alone, and the command says by its status that not all was done.
  @Test func aNodesShardsAreDrainedButForThoseWithoutFollower() async throws {
    let (place, one, two) = try await place()
    let ran = await holdfast("failover", "--node", "n1", "--json", "--coordinator", place.flag)
    #expect(ran.code == 1)
    #expect(one.requests == [.drain(shards: [ShardID(0)], deadline: 10_000)])
    #expect(two.requests.isEmpty)
    #expect(ran.json?["shards"]?.items?.map { $0["result"]?.text } == ["done", "refused"])
    #expect(ran.json?["shards"]?.items?[1]["detail"]?.text == "has no follower; n1 alone has it")
  }

  @Test func forceTakesTheNodeOutEverywhere() async throws {
    let (place, one, two) = try await place()
    one.server.stop()
    let ran = await holdfast("failover", "--node", "n1", "--force", "--coordinator", place.flag)
    #expect(ran.code == 1, "shard 2 has no other copy")
    #expect(two.requests == [.takeOver(dead: NodeName("n1")!, shards: [ShardID(0), ShardID(1)], deadline: 10_000)])
    #expect(ran.out.contains("shard 2  refused"))
  }

  @Test func acceptLossGoesToTheOneThatWaits() async throws {
    let place = try await Place(shards: 3)
    for shard in 0..<3 as Range<UInt16> { try await place.name(shard, epoch: 1, primary: "n1", follower: "n2") }
    let two = PretendNode { request in
      guard case .status = request else { return Self().done(request) }
      let waiting = [replica(0, .follower, index: 4), replica(1, .halted, index: 5), replica(2, .halted, index: 5)]
      return .status(NodeStatus(node: NodeName("n2")!, cluster: 1, disk: 1, pid: 1, state: .up, replicas: waiting))
    }
    try await place.register("n1", at: "127.0.0.1:1")
    try await place.register("n2", at: two.address)
    let one = await holdfast("failover", "--shard", "1", "--accept-loss", "--coordinator", place.flag)
    #expect(one.code == 0, "\(one.error)")
    #expect(two.requests.last == .acceptLoss(shards: [ShardID(1)], deadline: 10_000))
    let all = await holdfast("failover", "--node", "n2", "--accept-loss", "--coordinator", place.flag)
    #expect(all.code == 0, "\(all.error)")
    #expect(two.requests.last == .acceptLoss(shards: [ShardID(1), ShardID(2)], deadline: 10_000))
    // Shard 0 waits for nobody; its primary would say so, if it were there.
    #expect(await holdfast("failover", "--shard", "0", "--accept-loss", "--coordinator", place.flag).code == 3)
  }

  @Test func unknownNamesAreRefused() async throws {
    let (place, _, _) = try await place()
    #expect(await holdfast("failover", "--node", "n7", "--coordinator", place.flag).code == 1)
    #expect(await holdfast("failover", "--shard", "4", "--coordinator", place.flag).code == 1)
  }

  @Test func aNodeThatIsGoneIsCannotReach() async throws {
    let (place, one, _) = try await place()
    one.server.stop()
    let ran = await holdfast("failover", "--shard", "0", "--coordinator", place.flag)
    #expect(ran.code == 3, "\(ran.error)")
  }
}
