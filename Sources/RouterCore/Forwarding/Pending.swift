import Proto
import Time

/// One request that has not been answered to its door, or whose late reply is still to be expected on a link.
struct Pending: Sendable {
  enum State: UInt8, Sendable {
    case free
    /// In its shard's open frame.
    case queued
    /// In a batch that a link carries.
    case sent
    /// The node took it back (`not primary`, `unknown`); it waits until the rest of its batch is settled.
    case refused
  }

  var handle = RequestHandle(0)
  /// Grows with each submission: the order in which effects must happen.
  var sequence: UInt64 = 0
  var deadline: MonotonicTime = .zero
  /// Index of the batch that holds the bytes; -1: the shard's open frame does.
  var batch: Int32 = -1
  /// Where the entry (its `Request` header included) starts, from the start of the batch's or open frame's bytes.
  var offset: UInt32 = 0
  var byteCount: UInt32 = 0
  var shard = ShardID(0)
  var state = State.free
  var what = Request.What.query
  /// Some node may have put it into its log.
  var mayHaveHappened = false
  /// The door has its result (or another entry took the request over); only the number is still in use.
  var isAbandoned = false
}

/// One frame that was sent, kept until all its entries are settled, because they may have to be sent again.
struct Batch: Sendable {
  var bytes: [UInt8] = []
  var ids: [UInt32] = []
  var link = LinkID(0)
  var shard = ShardID(0)
  /// The map's epoch for the shard when the frame was sent.
  var epoch: UInt64 = 0
  /// Entries that the node has not replied to.
  var unanswered = 0
  /// Entries that the node took back.
  var refused = 0
  /// Entries that the node has not replied to and a door still waits for.
  var awaited = 0
  /// The first entry's place in the order of submission.
  var firstSequence: UInt64 = 0
  /// Of a large request, which has a frame of its own: the bytes of answer that are expected; 0: an ordinary batch.
  var expectedBytes = 0
  var isAlone: Bool { expectedBytes > 0 }
}

/// What the forwarder knows of one shard.
struct ShardQueue: Sendable {
  var epoch: UInt64 = 0
  var primary: NodeName?
  /// The link to the primary's loop for this shard, while there is one.
  var link: LinkID?
  /// A `requests` frame under construction: `headerBytes` of room, then the entries that wait.
  var open: [UInt8] = []
  var openIDs: [UInt32] = []
  /// Some of the open frame's entries were given up and must be taken out before it is sent.
  var openIsDirty = false
  /// Nothing is sent before this, unless the map changes.
  var pausedUntil: MonotonicTime = .zero
  var retryDelay: Milliseconds = 0
  /// Indexes of the batches that are on their way, oldest first.
  var sent: [Int32] = []
  /// When the newest of those that are not alone left.
  var sentAt: MonotonicTime = .zero
  /// How many of those somebody still waits for, and for how many requests in them.
  var inFlight = 0
  var awaited = 0
  /// Requests that the next frame may wait for: those that waited when the last frame was answered, and one more from
  /// each client that it answered. And when that was.
  var expected: (count: Int, since: MonotonicTime) = (0, .zero)
  /// Frames that will leave without waiting, because the last one that waited did so in vain, and how many those were
  /// at first.
  var unwaiting: (left: Int, first: Int) = (0, 0)
}

extension ShardQueue {
  /// Appends an entry to the open frame and returns where it stands.
  @inline(__always)
  mutating func append(_ id: UInt32, _ what: Request.What, _ body: (inout [UInt8]) -> Void) -> Range<Int> {
    let start = open.count
    Request.encodeHeader(id: id, what: what, into: &open)
    body(&open)
    openIDs.append(id)
    return start..<open.count
  }
}
