public import Proto

/// What came of one record.
public struct Applied: Sendable, Equatable {
  public var outcome: Outcome
  /// Whether the record changed anything (a stored refusal is a change) and must be in the log before anybody hears of
  /// it. False: a repeat of a stored outcome, a refusal under a router's key or none, a stale event, a reused key.
  public var mustLog: Bool
  /// The outcome is one that the record's key got before.
  public var isRepeat: Bool

  @inlinable public init(outcome: Outcome, mustLog: Bool, isRepeat: Bool = false) {
    (self.outcome, self.mustLog, self.isRepeat) = (outcome, mustLog, isRepeat)
  }
}
