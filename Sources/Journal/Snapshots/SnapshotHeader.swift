package import Proto

/// What a snapshot stands for.
package struct SnapshotHeader: Equatable, Sendable {
  package var shard: ShardID
  /// Index, epoch, chain hash and stamp of the last frame it contains.
  package var end: LogEnd
  /// The shard's epoch table up to `end`.
  package var epochs: [EpochStart]
  /// The inventory's digest.
  package var digest: UInt64
  /// Where in its node's log the replay starts. Set when the snapshot is sealed; means nothing on another node.
  package var replayPosition: UInt64
  /// It came from a peer: a `rebuilt` marker made it this replica's own.
  package var isFromPeer: Bool
  package init(
    shard: ShardID, end: LogEnd, epochs: [EpochStart], digest: UInt64, replayPosition: UInt64 = 0,
    isFromPeer: Bool = false
  ) {
    (self.shard, self.end, self.epochs, self.digest) = (shard, end, epochs, digest)
    (self.replayPosition, self.isFromPeer) = (replayPosition, isFromPeer)
  }
}
