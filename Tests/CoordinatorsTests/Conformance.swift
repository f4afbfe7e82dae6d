import ClusterMap
import Octets
import Proto
import Testing
import Threads

/// What every coordinator must do. Each check gets a way to open the same, still empty place several times.
struct Conformance {
  var open: () throws -> any Coordinator

  enum Check: String, CaseIterable, Sendable {
    case oneBirthCounts, oneHistory, resending, race, watching, resuming, cancelling, registries, claims, otherCluster,
      closing
  }

  func run(_ check: Check) async throws {
    switch check {
    case .oneBirthCounts: try await oneBirthCounts()
    case .oneHistory: try await oneHistory()
    case .resending: try await resending()
    case .race: try await race()
    case .watching: try await watching()
    case .resuming: try await resuming()
    case .cancelling: try await cancelling()
    case .registries: try await registries()
    case .claims: try await claims()
    case .otherCluster: try await otherCluster()
    case .closing: try await closing()
    }
  }

  static func entry(_ epoch: UInt64, _ primary: String, _ follower: String? = nil, proposal: UInt64) -> MapEntry {
    MapEntry(
      epoch: epoch, primary: ReplicaID(node: NodeName(Bytes(primary))!, disk: 7),
      follower: follower.map { ReplicaID(node: NodeName(Bytes($0))!, disk: 8) }, proposal: proposal)
  }

  private func oneBirthCounts() async throws {
    let (one, two) = (try open(), try open())
    #expect(try await one.birth() == nil)
    #expect(try await one.readAll().isEmpty)
    let winner = try await one.birth(proposing: BirthRecord(cluster: 1, shardCount: 4))
    #expect(winner == BirthRecord(cluster: 1, shardCount: 4))
    #expect(try await two.birth(proposing: BirthRecord(cluster: 2, shardCount: 8)) == winner)
    #expect(try await two.birth() == winner)
  }

  private func oneHistory() async throws {
    let (one, two) = (try open(), try open())
    _ = try await one.birth(proposing: BirthRecord(cluster: 1, shardCount: 4))
    let shard = ShardID(3)
    #expect(try await two.read(shard) == nil)
    let first = Self.entry(1, "n1", proposal: 11)
    guard case .won(let register) = await one.propose(first, for: shard, expecting: 0) else {
      Issue.record("the first proposal must win")
      return
    }
    #expect(register.entry == first && register.revision > 0)
    #expect(try await two.read(shard) == register)
    #expect(await two.propose(Self.entry(1, "n2", proposal: 12), for: shard, expecting: 0) == .lost(current: register))
    #expect(
      await two.propose(Self.entry(9, "n2", proposal: 13), for: ShardID(1), expecting: register.revision)
        == .lost(current: nil), "a revision of nothing")
    let second = Self.entry(2, "n2", "n1", proposal: 14)
    guard case .won(let next) = await two.propose(second, for: shard, expecting: register.revision) else {
      Issue.record("the second proposal must win")
      return
    }
    #expect(next.revision > register.revision && next.entry == second)
    #expect(
      await one.propose(Self.entry(2, "n1", proposal: 15), for: shard, expecting: register.revision)
        == .lost(current: next))
    #expect(try await one.readAll() == [shard: next])
  }

  private func resending() async throws {
    let one = try open()
    _ = try await one.birth(proposing: BirthRecord(cluster: 1, shardCount: 1))
    let proposal = Self.entry(1, "n1", proposal: 5)
    let first = await one.propose(proposal, for: ShardID(0), expecting: 0)
    #expect(await one.propose(proposal, for: ShardID(0), expecting: 0) == first)
    guard case .won(let register) = first else {
      Issue.record("the proposal must win")
      return
    }
    let next = await one.propose(Self.entry(2, "n2", proposal: 6), for: ShardID(0), expecting: register.revision)
    guard case .won(let current) = next else {
      Issue.record("the next proposal must win")
      return
    }
    #expect(await one.propose(proposal, for: ShardID(0), expecting: 0) == .lost(current: current))
  }

  private func race() async throws {
    let proposers = try (0..<8).map { _ in try open() }
    _ = try await proposers[0].birth(proposing: BirthRecord(cluster: 1, shardCount: 2))
    var wins = [0, 0]
    for round in 0..<25 {
      let shard = ShardID(UInt16(round % 2))
      let results = await withTaskGroup(of: (UInt64, ProposalResult).self) { group in
        for (place, proposer) in proposers.enumerated() {
          group.addTask {
            let id = UInt64(round * 100 + place)
            let base = (try? await proposer.read(shard))??.revision ?? 0
            let entry = Self.entry(UInt64(round), "n\(place)", proposal: id)
            return (id, await proposer.propose(entry, for: shard, expecting: base))
          }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
      let current = try await proposers[0].read(shard)
      // Who read after another's win may win too: all winners have different revisions, and the last one stands.
      let winners = results.compactMap { id, result -> MapRegister? in
        guard case .won(let register) = result else { return nil }
        #expect(register.entry.proposal == id)
        return register
      }
      #expect(!winners.isEmpty)
      #expect(Set(winners.map(\.revision)).count == winners.count, "two proposals won one revision in round \(round)")
      #expect(winners.max { $0.revision < $1.revision } == current)
      wins[round % 2] += winners.count
    }
    #expect(wins[0] >= 13 && wins[1] >= 12)
  }

  private func watching() async throws {
    let (writer, reader) = (try open(), try open())
    let seen = Seen()
    let early = reader.watch { seen.append($0) }
    _ = try await writer.birth(proposing: BirthRecord(cluster: 1, shardCount: 3))
    var expected: [MapChange] = []
    var revision: UInt64 = 0
    for step in 1...10 {
      let result = await writer.propose(
        Self.entry(UInt64(step), "n1", proposal: UInt64(step)), for: ShardID(2), expecting: revision)
      guard case .won(let register) = result else {
        Issue.record("step \(step): \(result)")
        return
      }
      revision = register.revision
      expected.append(.entry(ShardID(2), register))
    }
    let last = try #require(expected.last)
    await waitUntil("the last change comes") { seen.changes.contains(last) }
    let told = seen.changes
    #expect(told == Array(expected.suffix(told.count)), "changes come in order and without gaps")
    // One that begins late begins with the present.
    let late = Seen()
    let second = reader.watch { late.append($0) }
    await waitUntil("the present comes") { !late.changes.isEmpty }
    #expect(late.changes == [last])
    early.cancel()
    second.cancel()
  }

  private func resuming() async throws {
    let one = try open()
    _ = try await one.birth(proposing: BirthRecord(cluster: 1, shardCount: 2))
    var registers: [MapRegister] = []
    for step in 1...6 {
      let base = registers.last?.revision ?? 0
      let result = await one.propose(
        Self.entry(UInt64(step), "n1", proposal: UInt64(step)), for: ShardID(0), expecting: base)
      if case .won(let register) = result { registers.append(register) }
    }
    #expect(registers.count == 6)
    let seen = Seen()
    let watch = one.watch(after: [ShardID(0): registers[2].revision]) { seen.append($0) }
    let last = MapChange.entry(ShardID(0), registers[5])
    await waitUntil("the last change comes") { seen.changes.contains(last) }
    #expect(seen.changes == registers[3...].map { .entry(ShardID(0), $0) })
    let nothing = Seen()
    let quiet = one.watch(after: [ShardID(0): registers[5].revision]) { nothing.append($0) }
    let next = await one.propose(Self.entry(7, "n1", proposal: 7), for: ShardID(0), expecting: registers[5].revision)
    guard case .won(let seventh) = next else {
      Issue.record("the seventh proposal must win: \(next)")
      return
    }
    await waitUntil("the new change comes") { !nothing.changes.isEmpty }
    #expect(nothing.changes == [.entry(ShardID(0), seventh)])
    watch.cancel()
    quiet.cancel()
  }

  private func cancelling() async throws {
    let one = try open()
    _ = try await one.birth(proposing: BirthRecord(cluster: 1, shardCount: 1))
    let (silent, loud) = (Seen(), Seen())
    let watch = one.watch { silent.append($0) }
    watch.cancel()
    let other = one.watch { loud.append($0) }
    _ = await one.propose(Self.entry(1, "n1", proposal: 1), for: ShardID(0), expecting: 0)
    await waitUntil("the other watch tells") { !loud.changes.isEmpty }
    #expect(silent.changes.isEmpty)
    other.cancel()
  }

  private func registries() async throws {
    let (one, two) = (try open(), try open())
    _ = try await one.birth(proposing: BirthRecord(cluster: 1, shardCount: 1))
    #expect(try await one.nodes().isEmpty)
    #expect(try await one.routers().isEmpty)
    let seen = Seen()
    let watch = two.watch { seen.append($0) }
    var node = NodeRecord(
      name: NodeName("n1")!, disk: .max, address: "127.0.0.1:7501", loops: 2, pid: 4711, startedAt: 1_000)
    try await one.register(node)
    await waitUntil("the node is told") { seen.changes.contains(.node(node)) }
    node.pid = 4712
    try await one.register(node)
    await waitUntil("its new record is told") { seen.changes.contains(.node(node)) }
    let other = NodeRecord(name: NodeName("n0")!, disk: 1, address: "[::1]:7502", loops: 1, pid: 1, startedAt: 2)
    try await two.register(other)
    #expect(try await one.nodes() == [other, node])
    let router = RouterRecord(http: ["127.0.0.1:8080"], tcp: ["127.0.0.1:7400"], host: "m1", pid: 3, startedAt: 4)
    try await one.register(router)
    try await one.register(router)
    #expect(try await two.routers() == [router])
    // At the same address of another machine, and one that does not say its machine, as an old version's.
    var others = [router, router]
    (others[0].host, others[1].host) = ("m2", "")
    for each in others { try await two.register(each) }
    try await one.register(router)
    #expect(try await Set(two.routers().map(\.host)) == ["m1", "m2", ""])
    for each in others { try await one.unregister(each) }
    #expect(try await two.routers() == [router])
    try await one.unregister(router)
    try await one.unregister(router)
    #expect(try await two.routers().isEmpty)
    // Three that listen at files only: at the same path on two machines, and at one that differs in what no name of a
    // file has.
    let path = "unix:/run/holdfast/" + String(repeating: "long", count: 20)
    let files = [(path, "m1"), (path, "m2"), (path.replacing("/holdfast/", with: "/holdfast_"), "m1")].map {
      RouterRecord(http: [$0, "127.0.0.1:1"], tcp: [path], host: $1, pid: 5, startedAt: 6)
    }
    for each in files { try await one.register(each) }
    let found = try await two.routers()
    #expect(found.count == 3 && files.allSatisfy(found.contains))
    try await one.unregister(files[1])
    #expect(try await !two.routers().contains(files[1]))
    #expect(try await two.routers().count == 2)
    watch.cancel()
  }

  /// A node's name belongs to one start at a time, and to the newest that took it.
  private func claims() async throws {
    let (one, two) = (try open(), try open())
    _ = try await one.birth(proposing: BirthRecord(cluster: 1, shardCount: 1))
    func record(_ start: UInt64, pid: Int, isServing: Bool = false) -> NodeRecord {
      NodeRecord(
        name: NodeName("n1.5")!, disk: 7, address: "127.0.0.1:7501", loops: 1, pid: pid, startedAt: 1, start: start,
        isServing: isServing)
    }
    #expect(try await one.claim(record(1, pid: 10), after: nil) == .taken)
    #expect(try await two.claim(record(1, pid: 20), after: nil) == .lost(record(1, pid: 10)))
    #expect(try await two.claim(record(2, pid: 20), after: nil) == .lost(record(1, pid: 10)))
    #expect(try await one.register(record(1, pid: 10, isServing: true)))
    #expect(
      try await two.claim(record(2, pid: 20), after: record(1, pid: 10)) == .lost(record(1, pid: 10, isServing: true)))
    #expect(try await two.claim(record(2, pid: 20), after: record(1, pid: 10, isServing: true)) == .taken)
    #expect(try await !one.register(record(1, pid: 10, isServing: true)), "it was replaced")
    #expect(try await one.nodes() == [record(2, pid: 20)])
    var newest = record(2, pid: 20)
    for start in UInt64(3)...40 {
      let next = record(start, pid: Int(start))
      #expect(try await one.claim(next, after: newest) == .taken)
      newest = next
    }
    #expect(try await two.nodes() == [newest])
    #expect(try await two.claim(record(5, pid: 1), after: record(4, pid: 4)) == .lost(newest), "however late it is")
    #expect(try await one.nodes() == [newest])
  }

  /// Who belongs to one cluster reads and writes nothing of another's.
  private func otherCluster() async throws {
    let (one, two) = (try open(), try open())
    let birth = BirthRecord(cluster: 1, shardCount: 4)
    two.bind(to: BirthRecord(cluster: 2, shardCount: 4))
    await #expect(throws: CoordinatorError.otherCluster(found: nil)) { try await two.read(ShardID(0)) }
    _ = try await one.birth(proposing: birth)
    one.bind(to: birth)
    #expect(try await one.read(ShardID(0)) == nil)
    await #expect(throws: CoordinatorError.otherCluster(found: birth)) { try await two.read(ShardID(0)) }
    await #expect(throws: CoordinatorError.otherCluster(found: birth)) { try await two.readAll() }
    let entry = Self.entry(1, "n1", proposal: 1)
    #expect(await two.propose(entry, for: ShardID(0), expecting: 0) == .unsettled(.otherCluster(found: birth)))
    guard case .won(let register) = await one.propose(entry, for: ShardID(0), expecting: 0) else {
      Issue.record("must win")
      return
    }
    #expect(try await one.read([ShardID(0), ShardID(1)])[ShardID(0)] == register)
  }

  private func closing() async throws {
    let one = try open()
    _ = try await one.birth(proposing: BirthRecord(cluster: 1, shardCount: 1))
    one.close()
    await #expect(throws: CoordinatorError.closed) { try await one.read(ShardID(0)) }
    let result = await one.propose(Self.entry(1, "n1", proposal: 1), for: ShardID(0), expecting: 0)
    #expect(result == .unsettled(.closed))
    one.close()
  }
}

/// The changes a watch told, in order.
final class Seen: Sendable {
  private let list = Lock<[MapChange]>([])
  func append(_ change: MapChange) { list.withLock { $0.append(change) } }
  /// A copy of its own: Thread Sanitizer cannot see that the last reader of a shared one let go.
  var changes: [MapChange] { list.withLock { list in list.map { $0 } } }
}

/// Waits for a condition; a failure names it.
func waitUntil(
  _ what: String, seconds: Int = 10, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () -> Bool
) async {
  let deadline = ContinuousClock.now + .seconds(seconds)
  while !condition() {
    guard ContinuousClock.now < deadline else {
      Issue.record("not within \(seconds) s: \(what)", sourceLocation: sourceLocation)
      return
    }
    try? await Task.sleep(for: .milliseconds(2))
  }
}
