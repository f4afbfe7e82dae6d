import ClusterMap
import Glibc
import Journal
import Logging
import Proto
import ShardCore
import Threads

/// Who this process is among all that ever ran as this node: its start number, as directory and coordinator have it.
///
/// Sendable: the record is behind a lock, and files are written on the worker's thread or before anybody else runs.
final class NodeIdentity: Sendable {
  let start: UInt64
  /// Why this directory may be older than what the node once had, if it may.
  let staleness: StartClaim.Staleness?
  private let storage: any Storage
  private let record: Lock<StartRecord>

  private init(_ storage: any Storage, _ record: StartRecord, _ claim: StartClaim) {
    (self.storage, self.record) = (storage, Lock(record))
    (start, staleness) = (claim.start, claim.staleness)
  }

  /// The shards whose replica here must not be believed.
  var stale: Set<ShardID> { record.withLock { $0.stale } }

  /// Finds out which cluster the directory belongs to; a new one is born if neither it nor the coordinator knows any.
  static func findCluster(
    _ storage: any Storage, shardCount: Int, coordinator: any Coordinator
  ) async throws -> BirthRecord {
    guard let own = try StartRecord.read(storage) else {
      return try await coordinator.birth(proposing: BirthRecord(cluster: randomWord(), shardCount: shardCount))
    }
    let name = hex(own.cluster)
    guard let found = try await coordinator.birth() else {
      throw NodeStartError(
        "the coordinator holds no cluster, but this directory belongs to cluster \(name): the coordinator's data are gone, or "
          + "--coordinator names another one. Bring its data back; if that cannot be, stop all nodes and give the cluster a new "
          + "coordinator from the directories of its nodes: holdfast recover DIR [DIR …]")
    }
    guard found.cluster == own.cluster else {
      throw NodeStartError(
        "this directory belongs to cluster \(name), but the coordinator holds cluster \(hex(found.cluster)): name the right "
          + "coordinator, or start with an empty directory")
    }
    return found
  }

  /// Takes the node's name for this process.
  static func claim(
    _ node: NodeRecord, in birth: BirthRecord, _ storage: any Storage, coordinator: any Coordinator, log: LogSink
  ) async throws -> NodeIdentity {
    let own = try StartRecord.read(storage)
    let place = try storage.place(of: "identity")
    let recorded = try await coordinator.nodes().first { $0.name == node.name }
    let claim = StartClaim(own: own, place: place, disk: node.disk, recorded: recorded)
    if claim.isCoordinatorBehind {
      log.error(
        "the coordinator is older than this directory: what it has forgotten is settled above what the nodes know"
      ) {
        $0.field("directory_start", own?.confirmed ?? 0)
        $0.field("recorded_start", recorded?.start ?? 0)
      }
    }
    if let staleness = claim.staleness {
      log.error("this directory may lack what was acknowledged: its shards wait for their peer, or for --accept-loss") {
        $0.field("why", "\(staleness)")
      }
    }
    // The old place stays until the start is confirmed: a crash in between must not make a copy look like the original.
    var record = own ?? StartRecord(cluster: birth.cluster, shardCount: birth.shardCount, place: place)
    record.intended = claim.start
    if claim.staleness != nil { record.stale = Set((0..<birth.shardCount).map { ShardID(UInt16($0)) }) }
    try record.write(to: storage)
    var mine = node
    (mine.start, mine.isServing) = (claim.start, false)
    if case .lost(let winner) = try await coordinator.claim(mine, after: recorded) {
      let other = winner.map { "process \($0.pid) at \($0.address), start \($0.start)" } ?? "another process"
      throw NodeStartError("\(other) took the name \(node.name) at the same moment: only one process can be this node")
    }
    (record.confirmed, record.place, record.presence) = (claim.start, place, 0)
    try record.write(to: storage)
    return NodeIdentity(storage, record, claim)
  }

  /// Notes a sign of life, which the coordinator is told next. Blocks; not on a loop. False: the disk is full; the old
  /// record stays.
  func raisePresence(to presence: UInt64) throws(JournalError) -> Bool {
    let changed = record.withLock { record in
      record.presence = presence
      return record
    }
    return try write(changed)
  }

  /// False: there is no room, or no descriptor just now, and what was written before still counts.
  private func write(_ record: StartRecord) throws(JournalError) -> Bool {
    do throws(JournalError) {
      try record.write(to: storage)
      return true
    } catch .storage(.full) {
      return false
    } catch .storage(.failed(_, _, EMFILE)), .storage(.failed(_, _, ENFILE)) {
      return false
    }
  }

  /// The replica's own end is believed again, or was brought up by its peer: the next process need not doubt it.
  /// Blocks; not on a loop.
  func trust(_ shard: ShardID) throws(JournalError) {
    let changed: StartRecord? = record.withLock { $0.stale.remove(shard) == nil ? nil : $0 }
    // Without room the next process doubts it again, which is the safe side.
    if let changed { _ = try write(changed) }
  }
}
