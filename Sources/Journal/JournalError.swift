package import Octets
package import Proto

/// Why the journal could not do what it was asked.
package enum JournalError: Error, Equatable, Sendable, CustomStringConvertible {
  case storage(StorageError)
  /// The directory belongs to another node.
  case otherNode(found: NodeName, expected: NodeName)
  /// The directory holds logs or snapshots but no readable identity: not a new disk, and not known whose.
  case noIdentity
  /// The directory was written in another version of the format.
  case otherFormat(found: UInt8)
  /// A frame or marker does not follow its shard's end: nothing was written. A bug of the caller.
  case outOfOrder(shard: ShardID, end: LogEnd, firstIndex: UInt64)
  /// An earlier write or sync failed: nothing is ever written again.
  case stopped
  /// Nothing was written: the next segment cannot be had.
  case full
  /// The log no longer, or not yet, has this index.
  case notAvailable(shard: ShardID, firstIndex: UInt64)
  /// What was read is not what was written.
  case damaged(path: String, offset: Int)
  /// A cut took back what the snapshot stands for.
  case voided(shard: ShardID, index: UInt64)
  case decode(DecodeError)

  package var description: String {
    switch self {
    case .storage(let error): "\(error)"
    case .otherNode(let found, let expected): "the directory belongs to node \(found), this is node \(expected)"
    case .noIdentity: "the directory holds a log but its identity file is missing or unreadable"
    case .otherFormat(let found):
      "the directory was written in format \(found), this build reads and writes format \(Format.version): run the build that wrote "
        + "it; or, if another node has these shards in this format, start with an empty directory and it is brought up"
    case .outOfOrder(let shard, let end, let firstIndex):
      "shard \(shard.rawValue): a frame at \(firstIndex) does not follow the end at \(end.index)"
    case .stopped: "the log stopped after an earlier failure"
    case .full: "the disk is full"
    case .notAvailable(let shard, let firstIndex):
      "shard \(shard.rawValue): the log begins at \(firstIndex)"
    case .damaged(let path, let offset): "\(path): unreadable at offset \(offset)"
    case .voided(let shard, let index): "shard \(shard.rawValue): the snapshot at \(index) was cut off"
    case .decode(let error): "\(error)"
    }
  }
}
