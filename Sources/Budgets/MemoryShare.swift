/// Who keeps bytes that a budget counts: a connection.
public protocol MemoryKeeper: AnyObject, Sendable {
  /// The budget gave the share up: it counts no more. From any thread.
  func memoryIsShort(_ share: MemoryShare)
}

/// What one connection keeps of one budget.
///
/// Sendable without the compiler's check: every `var` but `keeper` is touched under the budget's lock only; a weak
/// reference may be read by any thread.
public final class MemoryShare: @unchecked Sendable {
  private weak var keeper: (any MemoryKeeper)?
  public let isOutput: Bool
  var byteCount = 0
  /// In the budget's list; -1: not there.
  var place: Int32 = -1
  /// The keeper was told to end: it counts no more.
  var isGivenUp = false

  public init(_ keeper: any MemoryKeeper, isOutput: Bool) { (self.keeper, self.isOutput) = (keeper, isOutput) }

  func tellKeeper() { keeper?.memoryIsShort(self) }
}
