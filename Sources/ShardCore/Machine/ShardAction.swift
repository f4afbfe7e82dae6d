package import Inventory
package import Journal
package import Proto
package import Replication
package import Time

/// What a `ShardMachine` asks its surroundings to do: a node's threads and sockets, or the simulator's. In order; none
/// waits.
package enum ShardAction: Sendable {
  /// Hand to the node's log, at once and whole.
  case log([LogEntry])
  /// Send to the peer's node. What cannot be sent is lost: it is said again.
  case send(ReplicaMessage, payload: [UInt8], to: ReplicaID)
  /// Write a whole wire frame to a router's connection: these bytes, and behind them `tail`.
  case reply([UInt8], tail: [UInt8] = [], to: ConnectionID)
  /// Close a peer's connection: what came on it is not what was sent.
  case dropPeer(ReplicaID)

  /// Read the register, not from a cache; then tell `mapRead` or `mapUnreachable`.
  case readMap(token: UInt64)
  /// Write the register, `noted` after a note of it on the own disk; then `mapRead` with token 0 if what it holds is
  /// known.
  case propose(MapEntry, revision: UInt64, noted: Bool)

  /// Note on the own disk that this entry names the replica.
  case noteEntry(MapEntry)

  /// Not on a loop; what came of it is told with `ShardInput.disk`.
  case disk(DiskJob)

  /// The log must be kept from here on for a follower; nil: none needs it.
  case keep(from: UInt64?)
  /// The role changed.
  case roleChanged
  /// For the node's log.
  case note(Note)
  /// The wall clock leapt by so many milliseconds against the shard's stamps.
  case clockLeapt(Milliseconds)
}

/// The time as a turn sees it.
package struct TurnTime: Sendable {
  /// Of a clock that never jumps.
  package var now: MonotonicTime
  /// The wall clock's.
  package var wall: Stamp
  package init(now: MonotonicTime, wall: Stamp) { (self.now, self.wall) = (now, wall) }
}

/// One for each thread: the codecs' buffers, used by all shards of a loop in turn, and what a turn may still do.
package struct ShardTools: ~Copyable {
  package var encoder = FrameEncoder()
  package var decoder = FrameDecoder()
  package var allowance = TurnAllowance()
  package init() {}
}

/// A frame of the log with its bytes.
package struct StreamFrame: Sendable {
  package var header: LogFrame
  package var bytes: [UInt8]
  package init(header: LogFrame, bytes: [UInt8]) { (self.header, self.bytes) = (header, bytes) }

  /// What a frame counts for at least in a read for a replica that catches up. A frame of one record has about 180
  /// bytes, and costs a loop some microseconds, here and there: by its bytes alone a read would take a turn of tens of
  /// milliseconds for each shard.
  package static var leastBytes: Int { 4 << 10 }
}

extension FrameRun {
  /// Each frame with its own bytes.
  package var streamFrames: [StreamFrame] {
    var frames: [StreamFrame] = []
    var offset = 0
    for header in headers {
      let next = offset + header.frameBytes
      frames.append(StreamFrame(header: header, bytes: Array(bytes[offset..<next])))
      offset = next
    }
    return frames
  }
}

/// A part of a snapshot on its way to a joiner.
package struct StreamPart: Sendable {
  package var offset: UInt64
  package var bytes: [UInt8]
  package var isLast: Bool
  package init(offset: UInt64, bytes: [UInt8], isLast: Bool) {
    (self.offset, self.bytes, self.isLast) = (offset, bytes, isLast)
  }
}

/// A shard as snapshot and log give it.
package struct LoadedShard: Sendable {
  package var inventory: Inventory
  package var end: LogEnd
  package var epochs: [EpochStart]
  /// Where the snapshot stood that it was loaded from; 0: the log was enough.
  package var snapshotIndex: UInt64 = 0
  package init(inventory: Inventory, end: LogEnd, epochs: [EpochStart]) {
    (self.inventory, self.end, self.epochs) = (inventory, end, epochs)
  }
}

extension ShardAction {
  static func reply(_ entry: ReplyQueue.Entry) -> ShardAction {
    .reply(entry.bytes, tail: entry.tail, to: entry.connection)
  }
}
