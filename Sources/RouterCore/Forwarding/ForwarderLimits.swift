public import Time

/// Bounds of a forwarder.
public struct ForwarderLimits: Sendable {
  /// How long a request may take, failovers included; at most `resendMax`.
  public var deadline: Milliseconds = 5_000
  /// A command is never sent again later than this after it came in: nodes keep a router's keys for 60 s.
  public static let resendMax: Milliseconds = 20_000
  /// How long the forwarder waits before it asks a node again that said `not primary`, unless the map changes: doubles
  /// up to `retryDelayMax`.
  public var retryDelayMin: Milliseconds = 5
  public var retryDelayMax: Milliseconds = 100
  /// Requests of one shard, on their way and waiting, up to which a second frame may leave while the first has no
  /// answer; and the fewest that are worth waiting for. With more, what comes meanwhile leaves together as the next:
  /// every frame costs two nodes a write, a sync and some wake-ups, however few requests it carries, and where all
  /// cores are busy, many small ones are what they are busy with.
  public var fewRequests = 4
  /// A frame of so many requests is worth its cost: it leaves at once, up to `fullFramesInFlightMax` of them.
  public var fullFrameRequests = 384
  public var fullFramesInFlightMax = 16
  /// A frame that has no answer after so many milliseconds keeps the next no longer: something in it takes its time,
  /// and others do not wait for that.
  public var slowFrame: Milliseconds = 10
  /// Bytes of large answers that are expected at one time, if there is more than one; and large requests
  /// that may wait.
  public var largeAnswerBytesMax = 2 << 20
  public var loneRequestsMax = 4_096
  /// Requests without an answer.
  public var pendingMax = 65_536
  /// Bytes that wait for one shard; a single request that is larger still goes if nothing else waits.
  public var queuedBytesMax = 8 << 20
  public init() {}
}
