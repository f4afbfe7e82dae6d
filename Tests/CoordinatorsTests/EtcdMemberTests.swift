import ClusterMap
import Coordinators
import Proto
import Testing

/// An etcd of three members, one of which stands still: it takes connections and says nothing, as a machine that lost
/// its power does. No try ends by its time limit here, so whatever waits for a silent member waits for ever.
@Suite(.serialized) struct EtcdMemberTests {
  @Test func aSilentMemberIsPassedOver() async throws {
    let members = try await EtcdProcess.start(members: 3)
    defer { for member in members { member.stop() } }
    let endpoints = members.map(\.endpoint)
    let one = try EtcdCoordinator(endpoints: endpoints, timeout: .seconds(3_600))
    let birth = try await one.birth(proposing: BirthRecord(cluster: 3, shardCount: 2))
    one.bind(to: birth)
    let seen = Seen()
    let watch = one.watch { seen.append($0) }
    var register = MapRegister(revision: 0, entry: Conformance.entry(0, "n1", proposal: 0))

    /// A change that is proposed, and told, while a member is silent.
    func change(_ epoch: UInt64, _ what: String) async throws {
      let entry = Conformance.entry(epoch, "n1", proposal: epoch)
      let before = register.revision
      let won = Seen()
      let proposing = Task {
        // While the machine is busy, etcd may have no leader for a moment: then the same is proposed again.
        while !Task.isCancelled {
          if case .won(let register) = await one.propose(entry, for: ShardID(0), expecting: before) {
            return won.append(.entry(ShardID(0), register))
          }
          try? await Task.sleep(for: .milliseconds(200))
        }
      }
      await waitUntil("\(what): a proposal is settled", seconds: 60) { !won.changes.isEmpty }
      proposing.cancel()
      let last = try #require(won.changes.last)
      await waitUntil("\(what): the change is told", seconds: 60) { seen.changes.last == last }
      guard case .entry(_, let now) = last else { return }
      register = now
    }

    try await change(1, "all answer")
    members[0].pause()
    try await change(2, "the first is silent")
    // Who begins now has not met it yet.
    let late = try EtcdCoordinator(endpoints: endpoints, timeout: .seconds(3_600))
    let read = Seen()
    let reading = Task {
      if let all = try? await late.readAll() { for (shard, register) in all { read.append(.entry(shard, register)) } }
    }
    await waitUntil("a read is answered", seconds: 60) { read.changes == [.entry(ShardID(0), register)] }
    reading.cancel()
    late.close()
    members[0].resume()
    // An etcd that was stopped may need some seconds until a majority stands behind its reads again.
    await waitUntil("calls go to the first again, and the watch with them", seconds: 60) {
      members[0].connectionsFromHere > 0 && members[1].connectionsFromHere + members[2].connectionsFromHere == 0
    }
    try await change(3, "the first is back")
    members[0].pause()
    try await change(4, "the first is silent again")
    watch.cancel()
    one.close()
  }
}
