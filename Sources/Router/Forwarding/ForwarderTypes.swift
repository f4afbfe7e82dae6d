public import Proto

/// Names one request of a door, drawn by whoever submits it. The forwarder hands it back once, with the result.
public struct Ticket: Hashable, Sendable {
  public var rawValue: UInt64
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// Names one connection to one event loop of a node; never used again for another.
public struct LinkID: Hashable, Sendable {
  public var rawValue: UInt32
  @inlinable public init(_ rawValue: UInt32) { self.rawValue = rawValue }
}

/// What became of a submitted request. Each gets exactly one.
public struct Completion: Equatable, Sendable {
  public enum Result: Equatable, Sendable {
    case outcome(Outcome)
    case answer(Answer)
    /// Nothing happened: no primary could be reached, or it took nothing, until the deadline.
    case unavailable
    /// May have happened: only a retry with the same key tells.
    case unknown
    /// Nothing happened: the node's disk has no room.
    case diskFull
    /// Nothing happened: too much is waiting at the node.
    case overloaded
    /// Nothing happened: the node could not read the request.
    case malformed
  }

  public var ticket: Ticket
  public var result: Result
  /// The link that the reply came on; nil if it did not come.
  public var link: LinkID?
  public init(ticket: Ticket, result: Result, link: LinkID? = nil) {
    (self.ticket, self.result, self.link) = (ticket, result, link)
  }
}

/// A submitted hold that was granted: what `Completion` would say of it, as a plain value. Most completions are of this kind, and
/// a `Completion` must be as large as the largest answer.
public struct HeldCompletion: Equatable, Sendable {
  public var ticket: Ticket
  public var held: Outcome.Held
}

/// Bounds of a forwarder. Times in milliseconds.
public struct ForwarderLimits: Sendable {
  /// How long a request may take, failovers included; at most `resendMax`.
  public var deadline: Milliseconds = 5_000
  /// A command is never sent again later than this after it came in: nodes keep a router's keys for 60 s.
  public static let resendMax: Milliseconds = 20_000
  /// How long the forwarder waits before it asks a node again that said `not primary`, unless the map changes: doubles up to
  /// `retryDelayMax`.
  public var retryDelayMin: Milliseconds = 5
  public var retryDelayMax: Milliseconds = 100
  /// Requests of one shard, on their way and waiting, up to which a second frame may leave while the first has no answer; and the fewest
  /// that are worth waiting for. With more,
  /// what comes meanwhile leaves together as the next: every frame costs two nodes a write, a sync and some wake-ups, however few
  /// requests it carries, and where all cores are busy, many small ones are what they are busy with.
  public var fewRequests = 4
  /// A frame of so many requests is worth its cost: it leaves at once, up to `fullFramesInFlightMax` of them.
  public var fullFrameRequests = 384
  public var fullFramesInFlightMax = 16
  /// A frame that has no answer after so many milliseconds keeps the next no longer: something in it takes its time, and others do not
  /// wait for that.
  public var slowFrame: Milliseconds = 10
  /// Bytes of large answers that are expected at one time, if there is more than one; and large reads that may wait until there is room.
  public var largeAnswerBytesMax = 2 << 20
  public var largeReadsMax = 4_096
  /// Requests without an answer.
  public var pendingMax = 65_536
  /// Bytes that wait for one shard; a single request that is larger still goes if nothing else waits.
  public var queuedBytesMax = 8 << 20
  public init() {}
}
