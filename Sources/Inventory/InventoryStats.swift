public import Time

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
