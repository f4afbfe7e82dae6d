internal import Threads

/// A bound on the sum of the bytes that many connections keep, on all loops of a process.
///
/// Each connection has limits of its own, but thousands of connections below their limits can still use up a process's
/// memory. So a connection tells its budget how much it keeps (`ConnectionOptions.inputBudget`, `outputBudget`), and if
/// the sum is over the limit, connections are closed until it is not.
///
/// **Who is closed.** The oldest first: the one that has kept something for the longest time without having kept
/// nothing in between. Connections that keep 64 KiB or more go first as long as they keep half of the limit, so a flood
/// of large messages does not end a client whose few bytes were cut in two by the network.
///
/// The lock is taken only when the kept bytes of a connection change; a message that comes whole and an answer that the
/// kernel takes whole cost nothing.
public final class MemoryBudget: Sendable {
  /// Bytes; the sum may be over it for the rest of one turn of a loop.
  public let limit: Int
  private let state = Lock(State())
  /// From here on, a connection counts as one that keeps much.
  static let largeBytes = 64 << 10

  public init(limit: Int) { self.limit = max(0, limit) }

  /// What a budget has seen since the process started.
  public struct Counts: Equatable, Sendable {
    /// Bytes kept now.
    public var used = 0
    /// Most bytes kept at once since `takePeak` was called last.
    public var peak = 0
    /// Connections closed because the sum was over the limit.
    public var closed: UInt64 = 0
    /// Requests refused because they would not have fitted; see `admits`.
    public var refused: UInt64 = 0
    public init() {}
  }

  public var counts: Counts { state.withLock { $0.counts } }

  /// The peak, which begins anew with what is kept now.
  public func takePeak() -> Int {
    state.withLock { state in
      defer { state.counts.peak = state.counts.used }
      return state.counts.peak
    }
  }

  /// Whether so many more bytes would fit now; counts a refusal if not. Reserves nothing.
  public func admits(_ byteCount: Int) -> Bool {
    state.withLock { state in
      let (sum, overflows) = state.counts.used.addingReportingOverflow(byteCount)
      if !overflows, sum <= limit { return true }
      state.counts.refused &+= 1
      return false
    }
  }

  /// So much memory is in use that no further large answer should be made.
  public var isCrowded: Bool { counts.used > limit / 2 }

  /// Closes the connection that has kept something for the longest time, whatever the sum is.
  public func closeOldest() {
    let victim = state.withLock { $0.takeVictim(limit: limit) }
    victim?.tellKeeper()
  }

  /// Adds bytes that belong to no connection (negative: they are gone). If the sum is over the limit then, one
  /// connection is closed.
  public func add(_ byteCount: Int) {
    let victim = state.withLock { state in
      state.add(byteCount)
      return state.counts.used > limit ? state.takeVictim(limit: limit) : nil
    }
    victim?.tellKeeper()
  }

  /// Says how much the share's connection keeps now.
  ///
  /// - Parameter isPinned: it cannot be given up, for example because another thread reads it. It counts, and is never
  ///   closed for it.
  public func set(_ share: MemoryShare, byteCount: Int, isPinned: Bool) {
    var victim = state.withLock { state in
      state.set(share, byteCount: byteCount, isPinned: isPinned)
      return state.counts.used > limit ? state.takeVictim(limit: limit) : nil
    }
    while let chosen = victim {
      chosen.tellKeeper()
      victim = state.withLock { $0.counts.used > limit ? $0.takeVictim(limit: limit) : nil }
    }
  }

  private struct State: ~Copyable {
    var counts = Counts()
    private var nodes: [Node] = []
    private var free: [Int32] = []
    private var small = Queue()
    private var large = Queue()

    /// Members in order of age.
    private struct Queue {
      var first: Int32 = -1
      var last: Int32 = -1
      var byteCount = 0
    }

    private struct Node {
      var share: MemoryShare?
      var before: Int32 = -1
      var after: Int32 = -1
      var isLarge = false
    }

    mutating func add(_ byteCount: Int) {
      counts.used += byteCount
      counts.peak = max(counts.peak, counts.used)
    }

    mutating func set(_ share: MemoryShare, byteCount: Int, isPinned: Bool) {
      guard !share.isGivenUp else { return }
      let wantsPlace = byteCount > 0 && !isPinned
      let isLarge = byteCount >= MemoryBudget.largeBytes
      if share.place >= 0, !wantsPlace || nodes[Int(share.place)].isLarge != isLarge { remove(share) }
      add(byteCount - share.byteCount)
      if share.place >= 0 {
        if isLarge {
          large.byteCount += byteCount - share.byteCount
        } else {
          small.byteCount += byteCount - share.byteCount
        }
      }
      share.byteCount = byteCount
      if wantsPlace, share.place < 0 { append(share, isLarge: isLarge) }
    }

    /// The one to close now; its bytes count as gone.
    mutating func takeVictim(limit: Int) -> MemoryShare? {
      let first = large.first >= 0 && (large.byteCount * 2 > limit || small.first < 0) ? large.first : small.first
      guard first >= 0, let share = nodes[Int(first)].share else { return nil }
      remove(share)
      add(-share.byteCount)
      share.byteCount = 0
      share.isGivenUp = true
      counts.closed &+= 1
      return share
    }

    private mutating func append(_ share: MemoryShare, isLarge: Bool) {
      let place: Int32
      if let reused = free.popLast() {
        place = reused
      } else {
        place = Int32(nodes.count)
        nodes.append(Node())
      }
      var queue = isLarge ? large : small
      nodes[Int(place)] = Node(share: share, before: queue.last, isLarge: isLarge)
      if queue.last >= 0 { nodes[Int(queue.last)].after = place } else { queue.first = place }
      queue.last = place
      queue.byteCount += share.byteCount
      if isLarge { large = queue } else { small = queue }
      share.place = place
    }

    private mutating func remove(_ share: MemoryShare) {
      let place = share.place
      let node = nodes[Int(place)]
      var queue = node.isLarge ? large : small
      if node.before >= 0 { nodes[Int(node.before)].after = node.after } else { queue.first = node.after }
      if node.after >= 0 { nodes[Int(node.after)].before = node.before } else { queue.last = node.before }
      queue.byteCount -= share.byteCount
      if node.isLarge { large = queue } else { small = queue }
      nodes[Int(place)] = Node()
      free.append(place)
      share.place = -1
    }
  }
}
