public import Time

/// Whether the coordinator answers a process, as its calls show: says when that changes.
public struct Reachability: Sendable {
  public enum Change: Equatable, Sendable {
    case lost(CoordinatorError)
    case back(after: Milliseconds)
  }

  /// nil: it answers.
  private var lostSince: MonotonicTime?

  public init() {}

  public var isReachable: Bool { lostSince == nil }

  /// A call got no answer. nil: that is no news.
  public mutating func failed(_ error: CoordinatorError, now: MonotonicTime) -> Change? {
    switch error {
    // What it says can be understood, and is told elsewhere; or this process ends.
    case .otherCluster, .closed: return nil
    case .unreachable, .broken: break
    }
    guard lostSince == nil else { return nil }
    lostSince = now
    return .lost(error)
  }

  /// A call was answered. nil: that is no news.
  public mutating func answered(now: MonotonicTime) -> Change? {
    guard let since = lostSince else { return nil }
    lostSince = nil
    return .back(after: now - since)
  }
}
