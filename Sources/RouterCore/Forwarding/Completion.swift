public import Proto

/// Names one request of a door, drawn by whoever submits it. The forwarder hands it back once, with the result.
public struct RequestHandle: Hashable, Sendable {
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

  public var handle: RequestHandle
  public var result: Result
  /// The outcome is what the command's key, a client's, got before.
  public var isRepeat: Bool
  /// The link that the reply came on; nil if it did not come.
  public var link: LinkID?
  public init(handle: RequestHandle, result: Result, isRepeat: Bool = false, link: LinkID? = nil) {
    (self.handle, self.result, self.isRepeat, self.link) = (handle, result, isRepeat, link)
  }
}

/// A submitted hold that was granted: what `Completion` would say of it, as a plain value. Most completions are of this
/// kind, and a `Completion` must be as large as the largest answer.
public struct HeldCompletion: Equatable, Sendable {
  public var handle: RequestHandle
  public var held: Outcome.Held
}
