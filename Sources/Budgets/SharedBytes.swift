internal import Threads

/// Immutable bytes that many connections send at the same time: each output queue keeps a reference, none a copy.
///
/// Sendable without the compiler's check: `bytes` is changed only by its owner's `withUniqueBytes`, which makes sure
/// that there is no other reference; `retiredTo` is written once, before any other thread can see that the owner let
/// go.
public final class SharedBytes: @unchecked Sendable {
  public private(set) var bytes: [UInt8]
  private let retired = Lock<MemoryBudget?>(nil)

  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  deinit {
    let count = bytes.count
    retired.withLock { $0 }?.add(-count)
  }

  /// The owner drops its reference. From now on only connections that still send the bytes keep them, and they count in
  /// the budget of what waits to be sent.
  public func retire(to budget: MemoryBudget) {
    let isFirst = retired.withLock { retired in
      defer { retired = retired ?? budget }
      return retired == nil
    }
    if isFirst { budget.add(bytes.count) }
  }

  /// Changes the bytes of `shared`, in place if nobody else has them, else in a copy that takes its place. Their count
  /// must stay.
  public static func withUniqueBytes(
    of shared: inout SharedBytes, retireTo budget: MemoryBudget?, _ body: (inout [UInt8]) -> Void
  ) {
    if !isKnownUniquelyReferenced(&shared) {
      let old = shared
      shared = SharedBytes(old.bytes)
      if let budget { old.retire(to: budget) }
    }
    body(&shared.bytes)
  }
}
