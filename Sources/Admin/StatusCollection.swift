internal import ClusterMap
internal import Coordinators
internal import Glibc
internal import Proto
import Threads
import Time

/// Finds out how a cluster is: asks the coordinator and every node and router at the same time, and waits for none of
/// them beyond a limit. Whoever has not answered by then is reported as one that did not.
final class StatusCollection: Sendable {
  /// For the first answers, and for all of them.
  private let firstPatience: Milliseconds
  private let patience: Milliseconds

  private struct State {
    var birth: BirthRecord?
    var registers: [ShardID: MapRegister] = [:]
    var records: [NodeRecord] = []
    var routers: [RouterRecord] = []
    /// Why the coordinator was not read; nil: it was.
    var coordinatorError: AdminError? = .unreachable("the coordinator did not answer in time")
    /// By address.
    var statuses: [String: NodeStatus] = [:]
    var alive: Set<String> = []
    /// Why a router was not heard, by its key: what its doors said, the one that says most.
    var unheard: [String: StatusReport.Router.Silence] = [:]
    /// What was asked, so that nobody is asked twice.
    var asked: Set<String> = []
    /// The addresses that flags and files name, in their order.
    var first: [String] = []
    var left = 0
  }

  private let state = Monitor(State())
  private let began = ContinuousClock.now
  private let trust: RouterTrust

  /// - Parameter patience: for the whole; a little is left for this process's own start and end.
  init(trust: RouterTrust, patience: Milliseconds) {
    self.trust = trust
    self.patience = patience * 17 / 20
    firstPatience = patience * 11 / 20
  }

  /// Runs what may take long on a thread of its own; what it finds counts if it comes in time.
  private func begin(_ body: @escaping @Sendable (StatusCollection) -> Void) {
    state.withLock { $0.left += 1 }
    do throws(Thread.Failure) {
      try Thread(name: "status") { [self] in
        body(self)
        state.withLock { $0.left -= 1 }
        state.wake(.first)
      }.detach()
    } catch {
      state.withLock { $0.left -= 1 }
    }
  }

  /// Waits until all that was begun has ended, but not beyond `limit` after the beginning.
  private func wait(until limit: Milliseconds) {
    let end = began + .milliseconds(limit.rawValue)
    _ = state.wait(as: .first, everyMilliseconds: 5) { state in
      state.left == 0 || ContinuousClock.now >= end ? true : nil
    }
  }

  private var timeLeft: Duration { max(began + .milliseconds(patience.rawValue) - .now, .milliseconds(1)) }

  private var firstTimeLeft: Duration {
    max(began + .milliseconds(firstPatience.rawValue) - .now, .milliseconds(1))
  }

  private func askNode(_ address: String) {
    guard state.withLock({ $0.asked.insert(address).inserted }) else { return }
    begin { me in
      guard case .status(let status)? = try? ask(address, .status(digests: []), timeout: me.firstTimeLeft) else {
        return
      }
      me.state.withLock { $0.statuses[address] = status }
    }
  }

  private func askRouter(_ record: RouterRecord) {
    for door in doors(of: record) {
      begin { [trust] me in
        var silence = StatusReport.Router.Silence.noAnswer
        do throws(AdminError) {
          let answer = try call("GET", "/healthz", at: door, trust.asking(record, at: door), timeout: me.firstTimeLeft)
          if answer.status == 200 { me.state.withLock { _ = $0.alive.insert(record.key) } }
        } catch {
          switch error {
          case .gone: silence = .gone
          case .untrusted(let why), .refused(let why), .usage(let why): silence = .notHeard(why)
          case .unreachable, .verdict: break
          }
        }
        me.state.withLock { state in
          state.unheard[record.key] = max(state.unheard[record.key] ?? .gone, silence)
        }
      }
    }
  }

  /// - Parameters:
  ///   - addresses: where nodes are looked for even if the coordinator does not name them.
  ///   - open: the coordinator; it is read on a thread that is given up if it hangs.
  func collect(
    at addresses: [String], open: @escaping @Sendable () throws(AdminError) -> any Coordinator
  ) async throws(AdminError) -> StatusReport {
    state.withLock { $0.first = addresses }
    for address in addresses { askNode(address) }
    let reading = Task { await read(open) }
    let end = began + .milliseconds(firstPatience.rawValue)
    while state.withLock({ $0.coordinatorError == .unreachable(Self.noAnswer) }), ContinuousClock.now < end {
      try? await Task.sleep(for: .milliseconds(2))
    }
    reading.cancel()
    let (records, routers) = state.withLock { ($0.records, $0.routers) }
    for record in records { askNode(record.address) }
    for router in routers { askRouter(router) }
    await onOwnThread(name: "status") { [self] in wait(until: firstPatience) }
    var report = try report()
    let nodes = report.nodes
    await collectDigests(&report) { [self] wanted in
      guard timeLeft > .milliseconds(50) else { return [:] }
      return await digests(wanted, nodes)
    }
    return report
  }

  private static let noAnswer = "the coordinator did not answer in time"

  private func read(_ open: @Sendable () throws(AdminError) -> any Coordinator) async {
    do throws(AdminError) {
      let coordinator = try open()
      defer { coordinator.close() }
      let found = try await birth(coordinator)
      let records = try await map { () async throws(CoordinatorError) in try await coordinator.nodes() }
      let routers = try await map { () async throws(CoordinatorError) in try await coordinator.routers() }
      let registers = try await map { () async throws(CoordinatorError) in try await coordinator.readAll() }
      state.withLock { state in
        (state.birth, state.records, state.routers, state.registers) = (found, records, routers, registers)
        state.coordinatorError = nil
      }
    } catch {
      state.withLock { $0.coordinatorError = error }
    }
  }

  /// One round of questions for digests, to all nodes at once.
  private func digests(
    _ wanted: [NodeName: [AdminRequest.DigestQuery]], _ nodes: [StatusReport.Node]
  ) async -> [NodeName: NodeStatus] {
    let found = Lock<[NodeName: NodeStatus]>([:])
    let answerTime = timeLeft
    for node in nodes {
      guard let queries = wanted[node.name] else { continue }
      begin { _ in
        guard case .status(let status)? = try? ask(node.address, .status(digests: queries), timeout: answerTime),
          status.node == node.name
        else { return }
        found.withLock { $0[node.name] = status }
      }
    }
    await onOwnThread(name: "status") { [self] in wait(until: patience) }
    return found.withLock { $0 }
  }

  /// What is known now. Throws if that is nothing at all.
  private func report() throws(AdminError) -> StatusReport {
    var state = state.withLock { $0 }
    if let error = state.coordinatorError, state.statuses.isEmpty { throw error }
    // Which cluster this is: as the coordinator says, or else the node that was asked first.
    let cluster =
      state.birth?.cluster ?? state.first.lazy.compactMap { state.statuses[$0]?.cluster }.first
    let foreign = state.statuses.filter { $0.value.cluster != cluster }.sorted { $0.key < $1.key }
    for (address, _) in foreign { state.statuses[address] = nil }
    let strangers = foreign.map { "\($0.key) answers as node \($0.value.node) of another cluster" }
    var nodes = state.records.map { record in
      let status = state.statuses[record.address].flatMap { $0.node == record.name ? $0 : nil }
      return StatusReport.Node(name: record.name, address: record.address, pid: record.pid, status: status)
    }
    let answers = state.statuses.sorted { $0.key < $1.key }
    for (address, status) in answers where !nodes.contains(where: { $0.name == status.node }) {
      nodes.append(StatusReport.Node(name: status.node, address: address, pid: Int(status.pid), status: status))
    }
    nodes.sort { $0.name < $1.name }
    // Without the coordinator nobody names those that do not answer; an operator must know which they are.
    let silent = state.coordinatorError == nil ? [] : state.asked.filter { state.statuses[$0] == nil }.sorted()
    let shardCount =
      state.birth?.shardCount
      ?? (nodes.flatMap { $0.status?.replicas ?? [] }.map { Int($0.shard.rawValue) + 1 }.max() ?? 0)
    return StatusReport(
      shardCount: shardCount, nodes: nodes,
      routers: state.routers.map { router in
        let silence = state.alive.contains(router.key) ? nil : state.unheard[router.key] ?? .noAnswer
        return StatusReport.Router(record: router, silence: doors(of: router).isEmpty ? .cannotAsk : silence)
      },
      registers: state.registers, heardAt: wallClock(), coordinatorTrouble: state.coordinatorError?.text,
      strangers: strangers, silentAddresses: silent.filter { address in !foreign.contains { $0.key == address } })
  }
}

/// The time of day.
private func wallClock() -> Stamp {
  var now = timespec()
  // Safe: the pointer is to a local value and is used only inside the call.
  unsafe clock_gettime(CLOCK_REALTIME, &now)
  return Stamp(Int64(now.tv_sec) * 1_000 + Int64(now.tv_nsec) / 1_000_000)
}

/// Asks for every shard's digests at one index that all replicas that answered remember: first at the smallest applied
/// one, and again at the smallest that was answered, while they differ.
func collectDigests(
  _ report: inout StatusReport,
  ask: ([NodeName: [AdminRequest.DigestQuery]]) async -> [NodeName: NodeStatus]
) async {
  var wanted: [ShardID: UInt64] = [:]
  var replicas: [ShardID: [NodeName]] = [:]
  for node in report.nodes {
    for replica in node.status?.replicas ?? [] where [.primary, .follower, .joining].contains(replica.role) {
      replicas[replica.shard, default: []].append(node.name)
      wanted[replica.shard] = min(wanted[replica.shard] ?? .max, replica.appliedIndex)
    }
  }
  for _ in 0..<4 where !wanted.isEmpty {
    var queries: [NodeName: [AdminRequest.DigestQuery]] = [:]
    for (shard, index) in wanted.sorted(by: { $0.key < $1.key }) {
      for node in replicas[shard] ?? [] { queries[node, default: []].append(.init(shard: shard, index: index)) }
    }
    let statuses = await ask(queries)
    var answers: [ShardID: [(node: NodeName, digest: ReplicaStatus.Digest?)]] = [:]
    for (node, list) in queries.sorted(by: { $0.key < $1.key }) {
      for query in list {
        let replica = statuses[node]?.replicas.first { $0.shard == query.shard }
        answers[query.shard, default: []].append((node, replica?.digest))
      }
    }
    for (shard, found) in answers {
      let values = found.compactMap { answer in answer.digest.map { (answer.node, $0) } }
      // Nodes that no longer know a digest, or are gone meanwhile, are left out.
      guard let lowest = values.map(\.1.index).min() else {
        wanted[shard] = nil
        continue
      }
      let agreeing = values.filter { $0.1.index == lowest }
      report.digests[shard] = StatusReport.Digests(
        index: lowest, values: agreeing.map { (node: $0.0, value: $0.1.value) })
      wanted[shard] = agreeing.count == values.count ? nil : lowest
    }
  }
}
