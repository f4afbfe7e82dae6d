public import Proto

/// How long a shard remembers idempotency keys. Part of the state machine's definition: every replica of a cluster must be
/// given the same.
public struct KeyLimits: Equatable, Sendable {
  /// Bytes that client keys and their outcomes may take before the oldest are dropped. Keys whose hold or order lives do not
  /// count and stay.
  public var clientBytes: Int
  /// How long a client's key is kept.
  public var clientWindow: Milliseconds
  /// How long a router's key is kept, whatever the byte limit.
  public var routerWindow: Milliseconds

  public init(
    clientBytes: Int = 256 << 20, clientWindow: Milliseconds = 86_400_000, routerWindow: Milliseconds = 60_000
  ) {
    (self.clientBytes, self.clientWindow, self.routerWindow) = (clientBytes, clientWindow, routerWindow)
  }
}

/// What came of one record.
public struct Applied: Sendable, Equatable {
  public var outcome: Outcome
  /// Whether the record changed anything (a stored refusal is a change) and must be in the log before anybody hears of it.
  /// False: a repeat of a stored outcome, a refusal under a router's key or none, a stale event, a reused key.
  public var mustLog: Bool

  @inlinable public init(outcome: Outcome, mustLog: Bool) { (self.outcome, self.mustLog) = (outcome, mustLog) }
}

/// Figures for metrics; all of them O(1) to read.
public struct InventoryStats: Equatable, Sendable {
  public var events = 0
  /// Holds that are neither released, expired nor checked out.
  public var holds = 0
  /// Orders of any status.
  public var orders = 0
  /// Released holds that are remembered until their deadline.
  public var released = 0
  public var clientKeys = 0
  public var routerKeys = 0
  /// Keys and their outcomes, both kinds.
  public var keyBytes = 0
  /// Age of the oldest client key that is kept by age: the real window in milliseconds.
  public var clientKeyWindow: Milliseconds = 0
  /// Bytes of the shard's tables, roughly, without the events' definitions.
  public var bytes = 0
  public init() {}
}
