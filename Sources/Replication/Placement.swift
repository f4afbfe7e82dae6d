public import Proto

/// Which nodes hold the copies of a shard: decided from names alone, without I/O, so that every node that decides comes
/// to the same.
public enum Placement {
  /// The first roles of a shard in a new cluster: the nodes in the order of their names take the shards in turn, and
  /// the next node in that order follows.
  ///
  /// - Parameter nodes: at least one, each name once, in any order.
  /// - Returns: a primary, and a follower on another node if there is one.
  public static func firstRoles(of shard: ShardID, on nodes: [ReplicaID]) -> FirstRoles {
    precondition(!nodes.isEmpty, "a cluster is born on at least one node")
    let inOrder = nodes.sorted { $0.node < $1.node }
    let place = Int(shard.rawValue)
    return FirstRoles(
      primary: inOrder[place % inOrder.count],
      follower: inOrder.count > 1 ? inOrder[(place + 1) % inOrder.count] : nil)
  }
}
