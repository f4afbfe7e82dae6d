import Proto
import Replication
import Testing

@Suite struct PlacementTests {
  private func nodes(_ count: Int) -> [ReplicaID] { (1...count).map { id($0) } }

  @Test(arguments: 1...5) func shardsAreSpreadEvenlyAndCopiesAreApart(nodeCount: Int) {
    var primaries: [ReplicaID: Int] = [:]
    var followers: [ReplicaID: Int] = [:]
    for shard in 0..<60 as Range<UInt16> {
      let roles = Placement.firstRoles(of: ShardID(shard), on: nodes(nodeCount))
      primaries[roles.primary, default: 0] += 1
      if let follower = roles.follower { followers[follower, default: 0] += 1 }
      #expect(roles.follower != roles.primary)
      #expect((roles.follower == nil) == (nodeCount == 1))
    }
    #expect(primaries.count == nodeCount && Set(primaries.values) == [60 / nodeCount])
    #expect(nodeCount == 1 || Set(followers.values) == [60 / nodeCount])
  }

  @Test func theOrderInWhichNodesAreFoundDoesNotMatter() {
    for shard in 0..<16 as Range<UInt16> {
      #expect(
        Placement.firstRoles(of: ShardID(shard), on: nodes(3))
          == Placement.firstRoles(of: ShardID(shard), on: nodes(3).reversed()))
    }
  }
}
