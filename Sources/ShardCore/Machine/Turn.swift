import Octets
import Proto
import Time

/// Answers to one frame of requests, while the frame is worked off: a wire frame whose length and checksum come last.
struct TurnReplies {
  let connection: ConnectionID
  let readAt: MonotonicTime
  private(set) var bytes: [UInt8] = []
  private(set) var count = 0
  private var start = 0

  init(to connection: ConnectionID, shard: ShardID, readAt: MonotonicTime, capacity: Int) {
    (self.connection, self.readAt) = (connection, readAt)
    bytes.reserveCapacity(capacity)
    start = WireFrame.begin(.replies, shard: shard, into: &bytes)
  }

  mutating func add(_ reply: Reply, id: UInt32) {
    reply.encode(id: id, into: &bytes)
    count += 1
  }

  /// As above, for a hold that was got.
  @inline(__always) mutating func add(_ held: Outcome.Held, id: UInt32) {
    Reply.encode(held: held, id: id, into: &bytes)
    count += 1
  }

  /// Adds the last answer, without its tail: that is for `finish`.
  mutating func add(_ answer: Answer, leavingTail id: UInt32) {
    Reply.answer(answer).encode(id: id, into: &bytes, leavesTail: true)
    count += 1
  }

  /// Takes the finished wire frame out. A second reference to these bytes would make finishing them a copy.
  ///
  /// - Parameter tail: of the last answer, if that was added without it; it is sent behind the frame.
  mutating func finish(tail: RawSpan = RawSpan()) -> [UInt8] {
    WireFrame.end(start, in: &bytes, tail: tail)
    var frame: [UInt8] = []
    swap(&frame, &bytes)
    return frame
  }

  var byteCount: Int { bytes.count }
}

/// What one turn of a shard has collected so far: records for one frame, and replies.
struct Turn {
  /// Something was asked for in this turn, and `tag` is its send number.
  var isOpen = false
  var tag: UInt64 = 0
  /// At least one frame was closed in this turn.
  var wroteFrame = false
  /// The records that must be logged, one behind the other.
  var records: [UInt8] = []
  var recordCount: UInt32 = 0
  /// Time passed something due, so that at least a tick must be logged.
  var timeChangedState = false
  var replies: [TurnReplies] = []
  /// Subscriptions are answered at the turn's end, after the updates that other subscribers get: a copy must not be
  /// older than the first update that follows it.
  var subscriptions: [Subscription] = []

  struct Subscription {
    var connection: ConnectionID
    var readAt: MonotonicTime
    var id: UInt32
    var event: Bytes
    var begins: Bool
  }
}
