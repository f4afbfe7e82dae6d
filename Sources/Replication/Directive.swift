public import Proto

/// What an operator tells a replica.
public enum Directive: Equatable, Sendable {
  /// Hand over to the follower without a gap (`holdfast failover`).
  case drain
  /// This node is dead: take over from it, or go on without it (`--force --node`).
  case declareDead(NodeName)
  /// Take over, whatever the primary does (`--force --shard`).
  case force
  /// Go on with what is here, although something may be missing (`--accept-loss`).
  case acceptLoss
}

/// Whether a directive was taken. What comes of it shows in the map.
public enum DirectiveAnswer: Equatable, Sendable {
  case taken
  /// Already so.
  case nothingToDo
  case refused(Reason)

  public enum Reason: UInt8, Sendable, CaseIterable {
    /// Ask the replica that has the role for this.
    case wrongRole = 1
    /// The shard has no follower.
    case noFollower
    /// A proposal is on its way or the epoch is not open yet: try again.
    case busy
    /// Something here may be missing: only `acceptLoss` overrides that.
    case suspect
    /// Nothing is missing that could be given up.
    case notSuspect
    /// The primary that the map names was heard just now: it has more than this replica.
    case primaryAnswers
  }
}
