public import Time

/// How long a shard remembers idempotency keys. Part of the state machine's definition: every replica of a cluster must
/// be given the same.
public struct KeyLimits: Equatable, Sendable {
  /// Bytes that client keys and their outcomes may take before the oldest are dropped. Keys whose hold or order lives
  /// do not count and stay.
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
