public import Proto

/// Where the map lives: a compare-and-set register for each shard, with a watch; besides, the cluster's birth record
/// and the lists of its processes.
///
/// Every function may be called from any actor or thread; none blocks the caller's. What blocks runs on a thread or
/// loop of the coordinator's own.
public protocol Coordinator: AnyObject, Sendable {
  /// The cluster's birth record, once there is one.
  func birth() async throws(CoordinatorError) -> BirthRecord?

  /// Makes the birth record, unless there is one. Returns the one that counts, which may be another's.
  func birth(proposing record: BirthRecord) async throws(CoordinatorError) -> BirthRecord

  /// From now on everything about registers is for this cluster only: whatever the coordinator then holds of another
  /// one, or of none, is `otherCluster`, and is neither read nor written.
  func bind(to birth: BirthRecord)

  /// A shard's register as it is now (linearizable); nil: never written, its revision is 0.
  func read(_ shard: ShardID) async throws(CoordinatorError) -> MapRegister?

  /// The registers of some shards, each as `read` gives it; those that were never written are left out.
  func read(_ shards: [ShardID]) async throws(CoordinatorError) -> [ShardID: MapRegister]

  /// Every register that was ever written. Each is as fresh as `read`'s; together they are no snapshot.
  func readAll() async throws(CoordinatorError) -> [ShardID: MapRegister]

  /// Writes a shard's register if its revision is still `revision` (0: never written). To try again after `unsettled`,
  /// propose the same entry with the same revision and proposal id: it cannot win twice.
  func propose(_ entry: MapEntry, for shard: ShardID, expecting revision: UInt64) async -> ProposalResult

  /// Calls `onChange`, one call at a time, on a thread of the coordinator's, for the present state and for every change
  /// from then on, until the watch is cancelled. A shard's registers come with growing revisions.
  ///
  /// - Parameter revisions: What the caller already knows: only what is newer comes. For a shard that is not listed
  ///   here its present register comes first. Revisions in between may be left out (etcd forgets them), the newest
  ///   never.
  ///
  /// The watch survives the coordinator's absence: it goes on where it was. `onChange` must be quick (hand over and
  /// return).
  func watch(after revisions: [ShardID: UInt64], _ onChange: @escaping @Sendable (MapChange) -> Void) -> MapWatch

  /// Takes a node's name for a new start: writes the record if the newest one of that name still is `current` (nil:
  /// there is none). `node.start` must be higher.
  func claim(_ node: NodeRecord, after current: NodeRecord?) async throws(CoordinatorError) -> ClaimResult

  /// Writes a node's record, in place of the one with the same name. False: that one has a higher start number; nothing
  /// was written.
  @discardableResult
  func register(_ node: NodeRecord) async throws(CoordinatorError) -> Bool
  /// By name.
  func nodes() async throws(CoordinatorError) -> [NodeRecord]

  /// Writes a router's record, in place of the one with the same key.
  func register(_ router: RouterRecord) async throws(CoordinatorError)
  /// Takes a router's record out; no error if there is none.
  func unregister(_ router: RouterRecord) async throws(CoordinatorError)
  /// By HTTP address.
  func routers() async throws(CoordinatorError) -> [RouterRecord]

  /// Adds a key of passes, whose id is new.
  func add(_ key: PassKeyRecord) async throws(CoordinatorError)
  /// Takes a key of passes out; no error if there is none.
  func removePassKey(_ id: String) async throws(CoordinatorError)
  func passKeys() async throws(CoordinatorError) -> [PassKeyRecord]

  /// Ends all watches and frees threads and connections. Calls that are under way fail with `closed`, proposals end
  /// `unsettled`.
  func close()
}

extension Coordinator {
  public func watch(_ onChange: @escaping @Sendable (MapChange) -> Void) -> MapWatch { watch(after: [:], onChange) }
}

/// Why the coordinator did not answer.
public enum CoordinatorError: Error, Equatable, Sendable, CustomStringConvertible {
  /// It cannot be reached or did not answer in time; later it may.
  case unreachable(String)
  /// It answered what cannot be understood, or its disk failed: trying again helps only once somebody has mended that.
  case broken(String)
  /// It answers, but what it holds is not this cluster's.
  case otherCluster(found: BirthRecord?)
  /// `close` was called.
  case closed

  public var description: String {
    switch self {
    case .unreachable(let why): "the coordinator cannot be reached: \(why)"
    case .broken(let why): "the coordinator is broken: \(why)"
    case .otherCluster(let found?): "the coordinator holds another cluster, \(hex(found.cluster))"
    case .otherCluster(nil): "the coordinator holds no cluster: its data are gone"
    case .closed: "the coordinator was closed"
    }
  }
}

/// Who has a node's name.
public enum ClaimResult: Equatable, Sendable {
  /// The record is the newest of its name.
  case taken
  /// Another one is: nothing was written that counts.
  case lost(NodeRecord?)
}

/// What came of a proposal.
public enum ProposalResult: Equatable, Sendable {
  /// The register holds the proposal's id, or did: another proposal may have followed already, which a watch or a read
  /// tells.
  case won(MapRegister)
  /// The register's revision is not the expected one, and its id is not the proposal's: it never can win any more. nil:
  /// the register was never written.
  case lost(current: MapRegister?)
  /// Nobody knows: it may have won, or may still win. Says why.
  case unsettled(CoordinatorError)
}

/// What a watch tells.
public enum MapChange: Equatable, Sendable {
  case entry(ShardID, MapRegister)
  /// A node registered, or came back with another address.
  case node(NodeRecord)
}

/// A watch that is going on. Ends when it is cancelled or nobody keeps it.
public final class MapWatch: Sendable {
  private let onCancel: @Sendable () -> Void
  package init(onCancel: @escaping @Sendable () -> Void) { self.onCancel = onCancel }
  /// After this returns at most the one call of `onChange` that is under way is left.
  public func cancel() { onCancel() }
  deinit { onCancel() }
}
