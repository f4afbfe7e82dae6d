package import ClusterMap
package import Proto

/// Which copy of each shard goes on: a value, so that it can be tested without directories.
package struct RecoveryPlan: Equatable {
  /// The end of one copy's log of one shard.
  package struct End: Equatable {
    package var epoch: UInt64
    package var index: UInt64
    package var isDamaged: Bool
    package init(epoch: UInt64, index: UInt64, isDamaged: Bool) {
      (self.epoch, self.index, self.isDamaged) = (epoch, index, isDamaged)
    }
  }
  /// What a stopped node's directory holds.
  package struct Copy: Equatable {
    package var replica: ReplicaID
    package var cluster: UInt64
    package var shardCount: Int
    package var ends: [ShardID: End]
    /// By shard, the newest epoch that the directory knows of.
    package var newestEpochs: [ShardID: UInt64]
    package init(
      replica: ReplicaID, cluster: UInt64, shardCount: Int, ends: [ShardID: End], newestEpochs: [ShardID: UInt64]
    ) {
      (self.replica, self.cluster, self.shardCount) = (replica, cluster, shardCount)
      (self.ends, self.newestEpochs) = (ends, newestEpochs)
    }
  }
  /// Who goes on with a shard, and with how much.
  package struct Choice: Equatable {
    package var shard: ShardID
    package var entry: MapEntry
    package var end: End
  }

  package var birth: BirthRecord
  package var choices: [Choice]

  /// - Throws: `refused` if the directories are not of one cluster, or two of one node.
  package init(_ copies: [Copy], random: () -> UInt64 = { UInt64.random(in: 1 ... .max) }) throws(AdminError) {
    guard let first = copies.first else { throw .usage("recover needs at least one directory") }
    for copy in copies where copy.cluster != first.cluster || copy.shardCount != first.shardCount {
      throw .refused(
        "\(copy.replica.node)'s directory belongs to cluster \(hex(copy.cluster)), \(first.replica.node)'s to \(hex(first.cluster))"
      )
    }
    guard Set(copies.map(\.replica.node)).count == copies.count else {
      throw .refused("two of the directories are of one node: name the one that is newer")
    }
    birth = BirthRecord(cluster: first.cluster, shardCount: first.shardCount)
    choices = (0..<first.shardCount).compactMap { number in
      let shard = ShardID(UInt16(number))
      let found = copies.compactMap { copy in copy.ends[shard].map { (copy.replica, $0) } }.filter { $0.1.index > 0 }
      // Nobody has anything of it: the nodes give it roles as at a birth.
      guard let best = found.max(by: { Self.isLess($0.1, $1.1) }) else { return nil }
      let newest = copies.compactMap { $0.newestEpochs[shard] }.max() ?? 0
      return Choice(
        shard: shard, entry: MapEntry(epoch: newest + 1, primary: best.0, follower: nil, proposal: random()),
        end: best.1)
    }
  }

  private static func isLess(_ a: End, _ b: End) -> Bool {
    (a.isDamaged ? 0 : 1, a.epoch, a.index) < (b.isDamaged ? 0 : 1, b.epoch, b.index)
  }
}
