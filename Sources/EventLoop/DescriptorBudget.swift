internal import CHoldfast
internal import Synchronization

/// How many of the process's descriptors strangers may have. What is left is for what the process itself must open
/// whatever they do: links to nodes, the coordinator, files; and for a few connections over the limit, which are told
/// so.
public final class DescriptorBudget: Sendable {
  /// The process's, as its limit was when it was first asked for: `prepare` first.
  public static let process = DescriptorBudget(limit: Int(chf_descriptor_limit()))

  /// Descriptors that the process may have open.
  public let limit: Int
  /// Accepted connections that may be open at once, at all of the process's listeners together.
  public let connectionsMax: Int
  /// Connections over that limit which each listener takes nevertheless, see `Connection.isGuest`.
  public let guestsMax: Int
  private let open = Atomic<Int>(0)
  private let overLimit = Atomic<Int>(0)
  private let failed = Atomic<Int>(0)

  /// - Parameters:
  ///   - limit: of descriptors.
  ///   - reserve: those that are not for strangers; nil: an eighth, but at least 128, and never more than half.
  public init(limit: Int, reserve: Int? = nil) {
    self.limit = limit
    let reserve = min(limit / 2, reserve ?? max(128, min(limit / 8, 8_192)))
    connectionsMax = max(1, limit - reserve)
    guestsMax = max(1, min(64, reserve / 8))
  }

  /// Makes the soft limit of descriptors the hard one, or a million if that is more, and opens `/dev/null` in place of
  /// standard streams that are closed: the next file would take their numbers, and what is meant for a stream would be
  /// written into it. First of all in a process.
  public static func prepare() {
    chf_open_standard_streams()
    _ = chf_raise_descriptor_limit()
  }

  /// Connections open now.
  public var openCount: Int { open.load(ordering: .relaxed) }
  /// Connections so far that came when the limit was reached.
  public var overLimitCount: Int { overLimit.load(ordering: .relaxed) }
  /// How often so far a connection could not be accepted or watched: no descriptors, no memory.
  public var failedCount: Int { failed.load(ordering: .relaxed) }

  /// One more connection. False: it is over the limit, and counted all the same.
  func take() -> Bool {
    if open.add(1, ordering: .relaxed).newValue <= connectionsMax { return true }
    overLimit.add(1, ordering: .relaxed)
    return false
  }

  func give() { open.subtract(1, ordering: .relaxed) }
  func noteOverLimit() { overLimit.add(1, ordering: .relaxed) }
  func noteFailure() { failed.add(1, ordering: .relaxed) }
}

/// Why a listener could not take a connection as it takes others.
public enum AcceptTrouble: Sendable, CustomStringConvertible {
  /// So many are open, which is the limit.
  case overLimit(Int)
  /// The system gave no descriptor or no memory.
  case failed(errno: Int32)

  public var description: String {
    switch self {
    case .overLimit(let limit): "\(limit) connections are open, which is the limit"
    case .failed(let code): errorText(code)
    }
  }
}

/// What a listener does with connections that it has no room for.
public struct AcceptLimits: Sendable {
  /// Open at once at this listener.
  public var connectionsMax = 100_000
  public var budget = DescriptorBudget.process
  /// Whether some over the limit are taken as guests; else they are closed at once.
  public var takesGuests = false
  /// Written to a connection that is accepted only to be closed.
  public var refusal: [UInt8] = []
  /// Told of each trouble, on the listener's loop.
  public var trouble: (@Sendable (AcceptTrouble) -> Void)?

  public init() {}
}
