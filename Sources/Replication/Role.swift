public import Proto

/// What a replica is at the moment.
public enum Role: UInt8, Sendable, CaseIterable {
  /// Has not read its log and the map yet.
  case starting = 1
  /// The shard's register was never written.
  case unborn
  /// A restarted primary that is not yet sure who goes on.
  case comparing
  case primary
  case follower
  case joining
  /// The map does not name this replica, and it does not ask to be taken in.
  case idle
  case halted
}

/// A replica as `holdfast status` shows it.
public struct RoleSummary: Equatable, Sendable {
  public var role: Role
  public var epoch: UInt64
  public var primary: ReplicaID?
  public var follower: ReplicaID?
  /// Known to the primary only: who catches up, or (in the role `joining`) this replica itself.
  public var joining: ReplicaID?
  public var suspicion: Suspicion
  public var draining: Bool
  public var isOpen: Bool
  public var end: UInt64
  /// Of this replica.
  public var durable: UInt64
  public var committed: UInt64
  /// Known to the primary only: the follower's or the joiner's durable index.
  public var peerDurable: UInt64?
  /// This replica's own digest at the last checkpoint.
  public var checkpoint: Checkpoint?
  /// Known to the primary only: the follower's digest at the same index as `checkpoint`.
  public var peerCheckpoint: Checkpoint?
  public var haltReason: HaltReason?
}

/// How far a primary's replies may leave: those computed from a position up to `position` that need a send number up to
/// `number`.
public struct Answerable: Equatable, Sendable {
  public var position: UInt64
  public var number: UInt64
  @inlinable public init(position: UInt64, number: UInt64) { (self.position, self.number) = (position, number) }
  /// Nothing may leave.
  public static let nothing = Answerable(position: 0, number: 0)

  /// Whether a reply with this tag may leave. Tags start at number 1.
  @inlinable public func covers(position: UInt64, number: UInt64) -> Bool {
    number <= self.number && position <= self.position
  }
}
