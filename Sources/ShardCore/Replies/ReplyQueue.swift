import Proto
package import Time

/// Names a router's connection within one loop of a node: drawn by the loop, never used twice.
package struct ConnectionID: Hashable, Sendable {
  package let rawValue: UInt64
  package init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// What a reply waits for: the follower and both disks have all records up to `position`, and the follower echoed
/// `number`, which was first sent after the request was read.
package struct Barrier: Equatable, Sendable {
  package var position: UInt64
  package var number: UInt64
  package init(position: UInt64, number: UInt64) { (self.position, self.number) = (position, number) }
}

/// Encoded wire frames for router connections that wait for their barrier, oldest first. Values, not suspended tasks:
/// releasing a thousand replies is moving one array.
package struct ReplyQueue: Sendable {
  package struct Entry: Sendable {
    package var barrier: Barrier
    package var connection: ConnectionID
    /// Monotonic milliseconds when the first request in it was read.
    package var readAt: MonotonicTime
    /// Replies in it; 0: a feed's frame, which nobody waits for.
    package var replyCount: Int
    /// One whole wire frame, but for its tail.
    package var bytes: [UInt8]
    /// The end of the frame, if it stands in another array.
    package var tail: [UInt8] = []
    /// The query that the frame answers, if it is a large answer: too large to be read again.
    package var readID: UInt32?

    /// Changes copies; a feed's frame without a body only says that nothing has changed.
    var isFeedUpdate: Bool { replyCount == 0 && bytes.count > WireFrame.headerBytes }
  }

  private var entries: [Entry?] = []
  private var head = 0
  /// Replies that wait, and their bytes: what the shard's bounds are checked against.
  package private(set) var replyCount = 0
  package private(set) var byteCount = 0

  package init() {}

  package var isEmpty: Bool { head == entries.count }
  package var first: Entry? { isEmpty ? nil : entries[head] }

  /// Barriers never decrease from one entry to the next.
  package mutating func append(_ entry: Entry) {
    replyCount += entry.replyCount
    byteCount += entry.bytes.count + entry.tail.count
    entries.append(entry)
  }

  /// Takes the oldest entry out if `isDue` says so.
  package mutating func popFirst(where isDue: (Entry) -> Bool) -> Entry? {
    guard head < entries.count, let entry = entries[head], isDue(entry) else { return nil }
    entries[head] = nil
    head += 1
    if head == entries.count {
      entries.removeAll(keepingCapacity: true)
      head = 0
    } else if head > 64, head * 2 > entries.count {
      entries.removeFirst(head)
      head = 0
    }
    replyCount -= entry.replyCount
    byteCount -= entry.bytes.count + entry.tail.count
    return entry
  }
}
