import Proto

/// What one turn of a loop may still do, over all its shards: time for requests, and bytes of answers. Requests are
/// small and answers may be large, so that what is too much waits as requests.
package struct TurnAllowance: Sendable {
  /// Monotonic nanoseconds; only read where `endsAt` is set.
  package var clock: @Sendable () -> UInt64 = { 0 }
  /// When requests should make room for what else the loop has to do, heartbeats first of all; `.max`: never.
  package var endsAt = UInt64.max
  /// Bytes of replies that wait in this loop's shards for their commits.
  package var replyBytes = 0
  /// Bytes of answers that wait in the connections to routers.
  package var outputBytes = 0
  /// Connections whose router has much to read: it gets no more large answers before it has.
  package var crowded: Set<ConnectionID> = []
  /// Large answers made in this turn, and their bytes.
  private(set) var largeCount = 0
  private(set) var largeBytes = 0

  /// Bytes of answers of any kind, waiting for commits or for routers, beyond which no more large ones are made.
  package var answerBytesMax = 16 << 20
  /// Bytes of replies that wait for commits beyond which requests wait too.
  package var replyBytesMax = 16 << 20
  /// Bytes of large answers in one turn: making them takes a millisecond or two.
  package static let largeBytesPerTurn = 2 << 20
  /// Where so little waits, one answer of any size may be made.
  private static let quiet = 256 << 10

  package init() {}

  /// A new turn begins.
  package mutating func begin(endsAt: UInt64) {
    self.endsAt = endsAt
    (largeCount, largeBytes) = (0, 0)
  }

  /// Whether requests must wait for the next turn.
  package var isOver: Bool { endsAt != .max && clock() >= endsAt }

  /// Whether requests must wait until replies have left.
  package func isFull(with more: Int) -> Bool { replyBytes + more > replyBytesMax }

  /// What of it changes from turn to turn: what a recording must have of it.
  package struct State: Equatable, Sendable {
    package var endsAt = UInt64.max
    package var replyBytes = 0
    package var outputBytes = 0
    package var crowded: Set<ConnectionID> = []
    package var largeCount = 0
    package var largeBytes = 0
    package init() {}
  }

  package var state: State {
    get {
      var state = State()
      (state.endsAt, state.replyBytes, state.outputBytes) = (endsAt, replyBytes, outputBytes)
      (state.crowded, state.largeCount, state.largeBytes) = (crowded, largeCount, largeBytes)
      return state
    }
    set {
      (endsAt, replyBytes, outputBytes) = (newValue.endsAt, newValue.replyBytes, newValue.outputBytes)
      (crowded, largeCount, largeBytes) = (newValue.crowded, newValue.largeCount, newValue.largeBytes)
    }
  }

  package enum Verdict: Equatable { case make, nextTurn, whenSomeLeft }

  /// Whether a large answer of so many bytes may be made now: then they count as waiting, until `made` says that the
  /// answer itself does. However long the requests took, one is made in each turn.
  package mutating func takeLarge(_ byteCount: Int) -> Verdict {
    let waiting = replyBytes + outputBytes
    guard waiting <= Self.quiet || waiting + byteCount <= answerBytesMax else { return .whenSomeLeft }
    guard largeCount == 0 || (largeBytes < Self.largeBytesPerTurn && !isOver) else { return .nextTurn }
    largeCount += 1
    largeBytes += byteCount
    // Until it is made.
    replyBytes += byteCount
    return .make
  }

  /// Answers of so many expected bytes were made, and are counted as what they are.
  mutating func made(expected bytes: Int) { replyBytes -= bytes }
}
