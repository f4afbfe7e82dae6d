import Proto
import Time

/// What a primary keeps for its epoch.
struct Lead: Sendable {
  /// The index of the epoch's first record; 0: not written yet.
  var openIndex: UInt64 = 0
  var openAskedAt: MonotonicTime = .zero
  /// The first record is durable on every replica that the epoch names: answers may leave.
  var isOpen = false
  /// The follower, or whoever catches up to become one.
  var peers = Peers()
  /// A reply waits for a number that was not sent yet.
  var wantsEnvelope = false
  /// The highest number that a reply may wait for.
  var tagged: UInt64
  /// Without a follower: the number up to which the coordinator confirmed that nobody else was named since, and what it
  /// was asked.
  var confirmed: UInt64 = 0
  var confirmations: [Confirmation] = []
  var drain: Drain?
  /// A hand-over that did not empty is not tried again before.
  var handOverAt: MonotonicTime = .zero
  /// This primary's memory is wrong: it answers nothing and asks its follower to take over.
  var resignation: Resignation?
  /// Frames that are not on the own stable storage.
  var ownAge: AgeRing
  /// Own digests that a peer's answer may still refer to, oldest first.
  private(set) var checkpoints: [Checkpoint] = []

  /// - Parameter tagged: what waits from the epoch before was tagged at most so.
  init(tagged: UInt64, timeout: Milliseconds) {
    self.tagged = tagged
    wantsEnvelope = true
    ownAge = AgeRing(timeout: timeout)
  }

  mutating func forgive(now: MonotonicTime) {
    ownAge.forgive(now: now)
    for place in peers.indices { peers[place].forgive(now: now) }
  }

  /// Replies to everything read until now wait for `number`.
  mutating func tag(_ number: UInt64) {
    wantsEnvelope = true
    tagged = number
  }

  /// The read with this token was answered: it and all earlier ones are settled.
  mutating func takeConfirmation(_ token: UInt64) -> Confirmation? {
    guard let place = confirmations.firstIndex(where: { $0.token == token }) else { return nil }
    defer { confirmations.removeSubrange(...place) }
    return confirmations[place]
  }

  mutating func remember(_ checkpoint: Checkpoint) {
    if checkpoints.last == checkpoint { return }
    if checkpoints.count >= 64 { checkpoints.removeFirst(32) }
    checkpoints.append(checkpoint)
  }

  /// A peer shows its digest: kept beside the own one of the same index, if that is still known.
  mutating func compare(_ theirs: Checkpoint, of place: Int) {
    guard peers[place].agreed?.theirs != theirs, let mine = checkpoints.last(where: { $0.index == theirs.index })
    else { return }
    peers[place].agreed = (mine, theirs)
    let least = peers.leastCompared
    checkpoints.removeAll { $0.index < least }
  }
}

/// A fresh read of the register that an answer waits for.
struct Confirmation: Equatable, Sendable {
  var token: UInt64
  /// Replies that were tagged with this number, or a lower one, were computed before the read began.
  var number: UInt64
  var epoch: UInt64
  var at: MonotonicTime
}

/// A planned hand-over under way.
struct Drain: Sendable {
  enum Kind {
    /// The follower becomes primary and this replica its follower.
    case swap
    /// This replica's disk is slow or full: the follower goes on alone.
    case handOver
  }
  var kind: Kind
  var since: MonotonicTime
  /// A send number first used after the last request was read.
  var number: UInt64
}

/// A primary that answers nothing more in its epoch.
struct Resignation: Sendable {
  var since: MonotonicTime
  /// When the follower was told last.
  var saidAt: MonotonicTime
}
