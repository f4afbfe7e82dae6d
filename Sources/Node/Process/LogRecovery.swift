import ClusterMap
import EventLoop
import Glibc
import Inventory
import Journal
import Logging
import Proto
import Replication
import ShardCore
import Threads

/// A shard as recovery found it.
struct RecoveredShard: Sendable {
  var shard: ShardID
  var loaded: LoadedShard
  var suspicion: Suspicion
  var committed: UInt64
  /// The proposal that the directory's last process noted.
  var noted: UInt64?
  /// The newest entry that named the directory's replica, as it notes it.
  var entered: EpochNote?
  /// Records that were applied from the log, behind the snapshot.
  var replayedRecords: Int { Int(loaded.end.index - min(loaded.end.index, loaded.snapshotIndex)) }
}

/// This process's number.
func processID() -> UInt32 { UInt32(bitPattern: getpid()) }

/// Opens the node's directory; says so when reading it takes longer than a second.
func openLog(
  _ configuration: NodeConfiguration, _ progress: @escaping (String) -> Void
) throws(NodeStartError) -> (Log, any Storage) {
  let directory = configuration.dataDirectory
  let started = ContinuousClock.now
  do {
    let storage = try DirectoryStorage(directory)
    let log = try Log.open(
      storage, node: configuration.name, newDisk: randomWord(),
      options: LogOptions(segmentBytes: configuration.segmentBytes)
    ) { step in
      guard ContinuousClock.now - started > .seconds(1) else { return }
      progress(
        "reading the log: \(step.bytesDone >> 20) of \(step.bytesTotal >> 20) MiB, \(step.recordsDone) records")
    }
    return (log, storage)
  } catch JournalError.storage(.locked) {
    throw NodeStartError("another process uses the data directory \(directory)")
  } catch {
    throw NodeStartError("the data directory \(directory) cannot be used: \(error)")
  }
}

/// Builds the inventories, the loops' shards beside each other.
func recover(_ core: NodeCore, _ progress: @escaping @Sendable (String) -> Void) async throws -> [RecoveredShard] {
  let report = ReplayReport(progress)
  var found = await withTaskGroup(of: [RecoveredShard].self) { group in
    for index in core.loops.indices {
      group.addTask {
        let mine = stride(from: index, to: core.shardCount, by: core.loops.count).map { ShardID(UInt16($0)) }
        return loadShards(mine, from: core.journal, salt: core.random, replayed: report.add).map {
          recovered($0, $1, core.journal.recovery.shard($0), core)
        }
      }
    }
    var all: [RecoveredShard] = []
    for await part in group { all += part }
    return all
  }
  let stale = core.identity.stale
  for place in found.indices {
    if stale.contains(found[place].shard) { found[place].suspicion = found[place].suspicion.worse(.stale) }
    found[place].noted = try core.desk.noted(found[place].shard)
    found[place].entered = try core.desk.entered(found[place].shard)
  }
  return found
}

/// Says about once a second how far the replay has come.
private final class ReplayReport: Sendable {
  private let tell: @Sendable (String) -> Void
  private let state = Lock((records: 0, saidAt: ContinuousClock.now))

  init(_ tell: @escaping @Sendable (String) -> Void) { self.tell = tell }

  @Sendable func add(_ records: Int) {
    let sentence: String? = state.withLock { state in
      state.records += records
      guard ContinuousClock.now - state.saidAt > .seconds(1) else { return nil }
      state.saidAt = .now
      return "replaying the log: \(state.records) records applied"
    }
    if let sentence { tell(sentence) }
  }
}

private func recovered(
  _ shard: ShardID, _ result: Result<LoadedShard, JournalError>, _ found: ShardRecovery, _ core: NodeCore
) -> RecoveredShard {
  var suspicion = Suspicion.none
  // A shard that the log does not know may have been lost with what cannot be read: `found` says that too.
  switch found.state {
  case .clean: break
  case .suspectByTear: suspicion = .tear
  case .suspectByDamage(let reason):
    suspicion = .damage
    core.log.error("a shard's log is damaged") {
      $0.field("shard", shard.rawValue)
      $0.field("reason", "\(reason)")
    }
  }
  switch result {
  case .success(let loaded):
    return RecoveredShard(shard: shard, loaded: loaded, suspicion: suspicion, committed: found.committed)
  case .failure(let error):
    core.log.error("a shard cannot be loaded") {
      $0.field("shard", shard.rawValue)
      $0.field("error", "\(error)")
    }
    let empty = LoadedShard(
      inventory: Inventory(shard: shard, tableSalt: core.random()), end: core.journal.end(of: shard),
      epochs: core.journal.epochs(of: shard))
    return RecoveredShard(shard: shard, loaded: empty, suspicion: .damage, committed: found.committed)
  }
}
