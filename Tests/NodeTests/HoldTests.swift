import Node
import Octets
import Proto
import TestKit
import Testing

@Suite(.serialized) struct HoldTests {
  /// A hold travels from a router's link through primary, log and follower and back; a retry gets the first outcome;
  /// both replicas stand where they should.
  @Test(.timeLimit(.minutes(1))) func holdEndToEnd() async throws {
    let cluster = TestCluster()
    try await cluster.startAll()
    let shard = ShardID.owning(event: Bytes("arena").rawSpan, shardCount: cluster.shards)
    let primary = try #require(await cluster.primary(of: shard))
    let client = try cluster.client(primary)
    #expect(client.hello?.shardCount == 4)

    let created = try client.call(.createEvent(arena("arena"), incarnation: 7), key: "create", to: shard)
    guard case .outcome(.created(let event, _)) = created else {
      Issue.record("\(created)")
      return
    }
    let hold = Command.hold(.init(event: event, secret: 42, buyer: "ann", seats: [SeatIndex(1), SeatIndex(2)]))
    let first = try client.call(hold, key: "k1", to: shard)
    guard case .outcome(.held(let held)) = first else {
      Issue.record("\(first)")
      return
    }
    #expect(held.total == 9_000)
    #expect(try client.call(hold, key: "k1", to: shard) == .repeated(.held(held)))
    let taken = try client.call(
      .hold(.init(event: event, secret: 43, buyer: "bob", seats: [SeatIndex(2)])), key: "k2", to: shard)
    #expect(taken == .outcome(.refused(.seatsTaken([.init(0, .held)]))))
    guard case .answer(.hold(let info)) = try client.ask(.hold(held.id), of: shard) else {
      Issue.record("no hold")
      return
    }
    #expect(info.seats == [SeatIndex(1), SeatIndex(2)])

    // The follower refuses, and stands at the same state.
    let follower = primary == "n1" ? "n2" : "n1"
    let other = try cluster.client(follower)
    #expect(try other.ask(.hold(held.id), of: shard) == .failed(.notPrimary))
    try await wait("the follower has all") {
      let digests = try await cluster.digests(of: shard)
      return digests["n1"] != nil && digests["n1"] == digests["n2"]
    }
    #expect(cluster.failures.all.isEmpty)
    await cluster.stopAll()
  }
}
