import Admin
import ClusterMap
import Octets
import Proto
import Testing

/// Which copy of each shard goes on when the coordinator's data are gone.
@Suite struct RecoveryPlanTests {
  private func copy(
    _ node: String, cluster: UInt64 = 1, _ ends: [UInt16: (epoch: UInt64, index: UInt64, isDamaged: Bool)],
    newest: UInt64 = 0
  ) -> RecoveryPlan.Copy {
    var copy = RecoveryPlan.Copy(
      replica: ReplicaID(node: NodeName(Bytes(node))!, disk: 7), cluster: cluster, shardCount: 4, ends: [:],
      newestEpochs: [:])
    for (shard, end) in ends {
      copy.ends[ShardID(shard)] = .init(epoch: end.epoch, index: end.index, isDamaged: end.isDamaged)
      copy.newestEpochs[ShardID(shard)] = max(end.epoch, newest)
    }
    return copy
  }

  @Test func theFurthestGoesOnAboveAllThatAnyoneKnows() throws {
    let plan = try RecoveryPlan([
      copy("n1", [0: (3, 50, false), 1: (4, 10, false), 2: (2, 90, true)], newest: 8),
      copy("n2", [0: (3, 60, false), 1: (3, 99, false), 2: (2, 70, false)]),
    ])
    #expect(plan.birth == BirthRecord(cluster: 1, shardCount: 4))
    #expect(plan.choices.map(\.entry.primary.node.description) == ["n2", "n1", "n2"], "a damaged one only if it must")
    #expect(plan.choices.map(\.entry.epoch) == [9, 9, 9])
    #expect(plan.choices.allSatisfy { $0.entry.follower == nil })
  }

  @Test func aShardOfWhichNobodyHasAnythingIsLeftForItsBirth() throws {
    let plan = try RecoveryPlan([copy("n1", [0: (1, 1, false)])])
    #expect(plan.choices.map(\.shard) == [ShardID(0)])
  }

  @Test func whatDoesNotBelongTogetherIsRefused() {
    #expect(throws: (any Error).self) { try RecoveryPlan([copy("n1", [:]), copy("n2", cluster: 2, [:])]) }
    #expect(throws: (any Error).self) { try RecoveryPlan([copy("n1", [:]), copy("n1", [:])]) }
    #expect(throws: (any Error).self) { try RecoveryPlan([]) }
  }
}
