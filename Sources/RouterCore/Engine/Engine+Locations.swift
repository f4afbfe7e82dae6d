package import Proto

/// Where the shards are: what the map and the links say, for commands and for copies alike.
extension Engine {
  /// The map's entry for a shard was read.
  ///
  /// - Returns: links to close: what they owe is asked of the new primary.
  package func mapChanged(_ shard: ShardID, epoch: UInt64, primary: NodeName) -> [LinkID] {
    guard Int(shard.rawValue) < shardCount else { return [] }
    if epoch > forwarder.location(of: shard).epoch { subscriptionsLost(of: shard) }
    forwarder.mapChanged(shard, epoch: epoch, primary: primary, now: now)
    let lost = forwarder.takeLinksToClose()
    for link in lost { subscriptionsLost(on: link) }
    complete()
    return lost
  }

  /// A connection to a node's loop is ready for requests.
  package func linkUp(_ link: LinkID, node: NodeName, loop: Int, loopCount: Int) {
    forwarder.linkUp(link, node: node, loop: loop, loopCount: loopCount)
    askForTurnEnd()
  }
}
