import ClusterMap
import Coordinators
import Foundation
import Proto
import Testing

@Suite(.serialized) struct EtcdCoordinatorTests {
  /// One etcd for the whole suite; each check has keys of its own in it.
  @Test func conforms() async throws {
    let etcd = try await EtcdProcess.start()
    defer { etcd.stop() }
    for check in Conformance.Check.allCases {
      try await Conformance {
        try EtcdCoordinator(endpoints: [etcd.endpoint], root: "test-\(check)/")
      }.run(check)
    }
    try await afterCompaction(etcd)
    try await aDeadEndpointIsPassedOver(etcd)
    try await aPausedEtcdLeavesProposalsUnsettled(etcd)
  }

  /// What lies between is gone, the newest is told.
  private func afterCompaction(_ etcd: EtcdProcess) async throws {
    let one = try EtcdCoordinator(endpoints: [etcd.endpoint], root: "compact/")
    var registers: [MapRegister] = []
    for step in 1...5 as ClosedRange<UInt64> {
      let result = await one.propose(
        Conformance.entry(step, "n1", proposal: step), for: ShardID(0), expecting: registers.last?.revision ?? 0)
      if case .won(let register) = result { registers.append(register) }
    }
    try #require(registers.count == 5)
    try etcd.compact(before: registers[4].revision)
    let seen = Seen()
    let watch = one.watch(after: [ShardID(0): registers[0].revision]) { seen.append($0) }
    await waitUntil("the newest is told") { seen.changes == [.entry(ShardID(0), registers[4])] }
    let next = await one.propose(
      Conformance.entry(6, "n1", proposal: 6), for: ShardID(0), expecting: registers[4].revision)
    guard case .won(let sixth) = next else {
      Issue.record("\(next)")
      return
    }
    await waitUntil("and what follows") { seen.changes.last == .entry(ShardID(0), sixth) }
    watch.cancel()
  }

  private func aDeadEndpointIsPassedOver(_ etcd: EtcdProcess) async throws {
    // Port 1 refuses.
    let one = try EtcdCoordinator(endpoints: ["127.0.0.1:1", etcd.endpoint], root: "dead/")
    let born = try await one.birth(proposing: BirthRecord(cluster: 3, shardCount: 2))
    #expect(born.cluster == 3)
    let nobody = try EtcdCoordinator(endpoints: ["127.0.0.1:1"])
    await #expect(throws: CoordinatorError.self) { try await nobody.birth() }
  }

  /// Neither won nor lost; sent again once etcd is back it is settled, and counted once.
  private func aPausedEtcdLeavesProposalsUnsettled(_ etcd: EtcdProcess) async throws {
    let one = try EtcdCoordinator(endpoints: [etcd.endpoint], timeout: .milliseconds(200), root: "paused/")
    let seen = Seen()
    let watch = one.watch { seen.append($0) }
    let first = Conformance.entry(1, "n1", proposal: 1)
    guard case .won(let register) = await one.propose(first, for: ShardID(0), expecting: 0) else {
      Issue.record("must win")
      return
    }
    await waitUntil("the first is told") { seen.changes.count == 1 }
    etcd.pause()
    let second = Conformance.entry(2, "n1", proposal: 2)
    let result = await one.propose(second, for: ShardID(0), expecting: register.revision)
    guard case .unsettled(.unreachable) = result else {
      Issue.record("\(result)")
      etcd.resume()
      return
    }
    etcd.resume()
    var settled = ProposalResult.unsettled(.closed)
    let deadline = ContinuousClock.now + .seconds(10)
    while case .unsettled = settled, ContinuousClock.now < deadline {
      settled = await one.propose(second, for: ShardID(0), expecting: register.revision)
    }
    guard case .won(let won) = settled else {
      Issue.record("\(settled)")
      return
    }
    #expect(won.entry == second)
    await waitUntil("the second is told") { seen.changes.last == .entry(ShardID(0), won) }
    #expect(seen.changes.count == 2)
    watch.cancel()
  }
}
