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
  var start: ShardStart
  /// Records that were applied from the log, behind the snapshot.
  var replayedRecords: Int {
    Int(start.loaded.end.index - min(start.loaded.end.index, start.loaded.snapshotIndex))
  }
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
          recovered($0, $1, core)
        }
      }
    }
    var all: [RecoveredShard] = []
    for await part in group { all += part }
    return all
  }
  for place in found.indices {
    found[place].start.noted = try core.desk.noted(found[place].shard)
    found[place].start.entered = try core.desk.entered(found[place].shard)
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
  _ shard: ShardID, _ result: Result<LoadedShard, JournalError>, _ core: NodeCore
) -> RecoveredShard {
  if case .suspectByDamage(let reason) = core.journal.recovery.shard(shard).state {
    core.say(NoteLine(.error, "a shard's log is damaged", [("reason", .text("\(reason)"))]), of: shard)
  }
  if case .failure(let error) = result {
    core.say(NoteLine(.error, "a shard cannot be loaded", [("error", .text("\(error)"))]), of: shard)
  }
  return RecoveredShard(
    shard: shard,
    start: ShardStart(
      of: shard, result, in: core.journal, isStale: core.identity.stale.contains(shard), salt: core.random()))
}
