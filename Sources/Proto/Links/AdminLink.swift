public import Octets

/// What the CLI asks a node: the body of an `adminRequest` frame (its shard field is 0).
///
/// A connection that begins with `adminRequest` needs no hello. Requests on it are answered one after the other, each
/// with one `adminReply`. A node answers `status` in every state, also halted or without the coordinator, and never
/// waits for a disk or a peer for it.
public enum AdminRequest: Equatable, Sendable {
  /// Every replica that the node keeps: `AdminReply.status`.
  ///
  /// For each shard in `digests` the node also says its state's digest at the largest index that it remembers which is
  /// at most the one asked for. A node remembers digests only at frame ends (the last record of a log frame), of the
  /// last 1,024 frames a shard that it applied and of the frame that recovery ended with. Frames are the same on both
  /// replicas, so two nodes are compared by asking both for the smaller of their applied indexes, and again for the
  /// smaller of the two answers if they differ: the second answers agree in their index unless one node has forgotten
  /// it.
  case status(digests: [DigestQuery])
  /// Planned failover. For each shard (empty: each one) of which this node is primary and names a follower: take no
  /// more writes, wait until the follower has all, propose the swap. A shard that is not its own, or without a
  /// follower, is refused and stays as it is; a shard that could not be drained within `deadline` milliseconds takes
  /// writes again and is refused. Answer: `AdminReply.shards`, when all are settled.
  case drain(shards: [ShardID], deadline: UInt32)
  /// The operator says that the node `dead` is gone. For each shard (empty: each one): where this node is the named
  /// follower and `dead` the primary, propose `primary: me, follower: none`, without waiting for the failure time-out;
  /// where this node is primary and `dead` the follower, propose to go alone. A shard of which `dead` is primary
  /// without a follower is refused and left alone; a shard that does not name `dead` is `unchanged`. Refused as a whole
  /// if `dead` is this node. Answer: `AdminReply.shards`, when all proposals are settled or `deadline` milliseconds
  /// have passed.
  case takeOver(dead: NodeName, shards: [ShardID], deadline: UInt32)
  /// The operator accepts that records may be lost. For each shard (never empty): a named replica that is suspect by a
  /// tear or by damage cuts its log at its last valid frame and proposes itself as primary without a follower. Any
  /// other is refused. Answer: `AdminReply.shards`; the texts say what was given up.
  case acceptLoss(shards: [ShardID], deadline: UInt32)

  public struct DigestQuery: Equatable, Sendable {
    public var shard: ShardID
    public var index: UInt64
    public init(shard: ShardID, index: UInt64) { (self.shard, self.index) = (shard, index) }
  }
}

/// What a node answers: the body of an `adminReply` frame.
public enum AdminReply: Equatable, Sendable {
  case status(NodeStatus)
  case shards([ShardResult])
  /// The request as a whole was refused; nothing happened.
  case refused(Bytes)

  /// What came of an order for one shard.
  public struct ShardResult: Equatable, Sendable {
    public enum Result: UInt8, Sendable, CaseIterable {
      /// The map says what was asked for, in `epoch`.
      case done = 1
      /// There was nothing to do.
      case unchanged = 2
      /// Nothing happened; `text` says why.
      case refused = 3
      /// The proposal is not settled: look at the map later.
      case unknown = 4
    }
    public var shard: ShardID
    public var result: Result
    /// The shard's epoch as the node knows it now.
    public var epoch: UInt64
    /// For people, at most 255 bytes; empty if there is nothing to say.
    public var text: Bytes
    public init(shard: ShardID, result: Result, epoch: UInt64, text: Bytes = "") {
      (self.shard, self.result, self.epoch, self.text) = (shard, result, epoch, text)
    }
  }
}

/// A node and its replicas, as it sees them.
public struct NodeStatus: Equatable, Sendable {
  public enum State: UInt8, Sendable, CaseIterable {
    /// Still reading its log.
    case recovering = 1
    case up = 2
    /// Serves no shard any more: `reason` says why (a failed sync, for example).
    case halted = 3
  }
  public var node: NodeName
  /// The cluster's number: another cluster has nodes of the same names.
  public var cluster: UInt64
  public var disk: UInt64
  public var pid: UInt32
  public var state: State
  /// Why it is halted, or what an operator should know of one that is up (`diskFull`); at most 255 bytes.
  public var reason: Bytes
  /// The reason of a node whose disk has no room: it refuses commands.
  public static let diskFull: Bytes = "its disk is full"
  /// By shard, each once.
  public var replicas: [ReplicaStatus]
  public init(
    node: NodeName, cluster: UInt64, disk: UInt64, pid: UInt32, state: State, reason: Bytes = "",
    replicas: [ReplicaStatus]
  ) {
    (self.node, self.cluster, self.disk, self.pid, self.state) = (node, cluster, disk, pid, state)
    (self.reason, self.replicas) = (reason, replicas)
  }
}

/// One shard's replica on one node.
public struct ReplicaStatus: Equatable, Sendable {
  public enum Role: UInt8, Sendable, CaseIterable {
    /// Not named by the map and not catching up.
    case none = 1
    case primary = 2
    case follower = 3
    /// Not named by the map; catches up with the primary.
    case joining = 4
    /// Waits for its peer or the operator: `reason` says why.
    case halted = 5
  }
  public var shard: ShardID
  public var role: Role
  public var epoch: UInt64
  /// The last index that this node has on stable storage; 0: nothing yet.
  public var durableIndex: UInt64
  /// The last index known to be committed.
  public var committedIndex: UInt64
  /// The last index that the inventory has applied.
  public var appliedIndex: UInt64
  /// A digest of the inventory's state right after `index`, which is at most the one asked for; nil: not asked, or
  /// forgotten.
  public var digest: Digest?
  /// A primary that can answer nothing at present: it waits for its follower, or for the coordinator.
  public var isStalled: Bool
  /// At most 255 bytes; empty unless halted or stalled, or while a proposal is unsettled or a drain is under way, or if
  /// a primary knows why it has no follower.
  public var reason: Bytes

  public struct Digest: Equatable, Sendable {
    public var index: UInt64
    public var value: UInt64
    public init(index: UInt64, value: UInt64) { (self.index, self.value) = (index, value) }
  }

  public init(
    shard: ShardID, role: Role, epoch: UInt64, durableIndex: UInt64, committedIndex: UInt64, appliedIndex: UInt64,
    digest: Digest? = nil, isStalled: Bool = false, reason: Bytes = ""
  ) {
    (self.shard, self.role, self.epoch, self.durableIndex) = (shard, role, epoch, durableIndex)
    (self.committedIndex, self.appliedIndex) = (committedIndex, appliedIndex)
    (self.digest, self.isStalled, self.reason) = (digest, isStalled, reason)
  }
}
