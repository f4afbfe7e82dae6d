public import Proto

/// One shard's truth: its events, holds, orders and idempotency keys, as a value. The same records at the same stamps give the
/// same state, on every replica and in every process. Copying it is O(1) and is how a snapshot is taken.
public struct Inventory: Sendable {
  public let shard: ShardID
  /// Stamp of the last `advance`.
  public private(set) var now: Milliseconds = 0
  /// A hash of the whole state; equal at equal positions. O(1).
  public private(set) var digest: UInt64 = 0

  /// - Parameter tableSalt: random bits of this process; they shape hash tables, never an outcome, a snapshot or a digest.
  public init(shard: ShardID, keyLimits: KeyLimits = KeyLimits(), tableSalt: UInt64 = 0) { self.shard = shard }

  /// The earliest deadline of a hold or pending order; nil: nothing will be due.
  public var nextDeadline: Milliseconds? { nil }

  /// The stamp to advance to first: `stamp` itself if fewer than `limit` deadlines are due by then, else the `limit`-th due
  /// deadline. Holds that share that deadline end together.
  public func catchUpStamp(to stamp: Milliseconds, limit: Int = 1_000) -> Milliseconds { stamp }

  /// Ends all that is due at `stamp`. Returns whether anything ended: then at least a tick must be logged at this stamp.
  /// Stamps below `now` change nothing.
  public mutating func advance(to stamp: Milliseconds) -> Bool {
    now = max(now, stamp)
    return false
  }

  /// Applies one record at `now`; `advance` comes first.
  public mutating func apply(_ record: borrowing CommandRecord) -> Applied {
    Applied(outcome: .noted, mustLog: true)
  }

  /// What `query` finds at `now`. `.subscribe` is answered with a copy; to hear of changes, call `watch` as well.
  public func answer(_ query: Query) -> Answer { .refused(.noSuchEvent) }

  /// Starts to collect changes of an event, by its id; as often as it is called, so often `unwatch` must be. Not part of the
  /// replicated state. Unknown events are ignored.
  public mutating func watch(_ event: Bytes) {}
  public mutating func unwatch(_ event: Bytes) {}

  /// The changes of watched events since the last call, in the order in which events changed first.
  public mutating func takeFeedUpdates() -> [FeedUpdate] { [] }

  /// Writes the state in chunks of at most 64 KiB: the same bytes on every replica at the same position.
  public func encodeSnapshot(_ emit: ([UInt8]) throws -> Void) rethrows { try emit([]) }

  public var stats: InventoryStats { InventoryStats() }

  /// Reads a snapshot, chunk by chunk; where the chunks are cut does not matter. Whatever the bytes are, it never traps.
  public struct Decoder: Sendable {
    let shard: ShardID
    public init(shard: ShardID, keyLimits: KeyLimits = KeyLimits(), tableSalt: UInt64 = 0) { self.shard = shard }
    public mutating func feed(_ chunk: RawSpan) throws(DecodeError) {}
    /// The inventory, once all chunks were fed and its digest is what the writer's was.
    public consuming func finish() throws(DecodeError) -> Inventory { Inventory(shard: shard) }
  }
}
