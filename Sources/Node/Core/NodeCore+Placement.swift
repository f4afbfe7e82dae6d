import ClusterMap
import Proto
import Replication
import ShardCore
import Time

extension NodeCore {
  var replicaConfig: ReplicaConfig {
    var config = ReplicaConfig()
    config.failureTimeout = configuration.failureTimeout
    config.failureJitter = configuration.failureTimeout / 5
    config.heartbeat = configuration.heartbeat
    // What a loop's shards may have under way together: other shards' heartbeats stand behind it.
    let shardsPerLoop = max(1, shardCount / max(1, loopCount))
    config.catchUpBytes = min(config.catchUpBytes, max(16 << 10, (2 << 20) / shardsPerLoop))
    return config
  }

  /// Gives shards that never had roles to the nodes that are there, as `Placement` says. A cluster is born with two
  /// nodes, or with one if no other comes for a while.
  func assignFirstRoles() async {
    let started = ContinuousClock.now
    while !Task.isCancelled, !isStopping {
      try? await Task.sleep(for: .milliseconds(50))
      guard let registers = try? await coordinator.readAll() else { continue }
      if registers.count >= shardCount { return }
      guard let nodes = try? await coordinator.nodes(), !nodes.isEmpty else { continue }
      guard nodes.count > 1 || ContinuousClock.now - started > .milliseconds(configuration.birthWait.rawValue) else {
        continue
      }
      let replicas = nodes.map { ReplicaID(node: $0.name, disk: $0.disk) }
      for shard in allShards where registers[shard] == nil {
        let roles = Placement.firstRoles(of: shard, on: replicas)
        post(.assignFirstRoles(roles), to: shard)
      }
    }
  }
}
