package import Proto

/// One frame with its bytes: what goes to the log and to the follower, byte for byte. Made by `FrameEncoder`, or by
/// `FrameDecoder` from a peer's bytes; both have verified it.
package struct EncodedFrame: Sendable {
  package let header: LogFrame
  /// Header and LZ4 block.
  package let bytes: [UInt8]
}

/// What a replica hands to the node's log.
package enum LogEntry: Sendable {
  /// Follows its shard's end.
  case frame(EncodedFrame)
  /// Cuts the shard's log back to `keeping`, whose chain hash is `chain`; later frames and snapshots of it are void.
  /// With the shard's own end it cuts nothing, and clears a suspicion.
  case cut(shard: ShardID, keeping: UInt64, chain: UInt64)
  /// The replica starts anew from a snapshot of its peer: everything earlier is void.
  case rebuilt(SnapshotHeader)
}

/// What one group write made durable.
package struct DurableGroup: Sendable {
  /// The group's number.
  package var group: UInt64
  /// The durable end of each shard that had an entry in the group.
  package var ends: [(shard: ShardID, end: LogEnd)]
  /// The markers in the group: they are durable too.
  package var markers: [(shard: ShardID, kind: LogFrame.Kind)]
}

/// Some consecutive frames of one shard.
package struct FrameRun: Sendable {
  /// Whole frames, one behind the other.
  package var bytes: [UInt8]
  package var headers: [LogFrame]
}
