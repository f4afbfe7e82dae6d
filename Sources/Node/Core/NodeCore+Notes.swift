import EventLoop
import Journal
import Logging
import Proto
import Replication
import ShardCore
import Threads

// What a replica notes, for the operator.
extension NodeCore {
  func note(_ note: Note, of shard: ShardID) {
    if log.wants(.debug) {
      let line = NoteLine(note) { sentence($0) }
      log.debug(line.sentence) {
        $0.field("shard", shard.rawValue)
        line.put(into: &$0)
      }
    }
    notes.withLock { $0.take(note, of: shard, now: bootTime(), wall: wallClock()) { sentence($0) } }
    guard case .suspectCleared = note else { return }
    desk.run { [self] in
      do throws(JournalError) { try identity.trust(shard) } catch {
        fail("the directory's record cannot be written: \(error)")
      }
    }
  }

  /// Says, once for all shards that say the same at about the same time, what one has to say.
  func say(_ line: NoteLine, of shard: ShardID) {
    notes.withLock { $0.gather(line, of: shard, now: bootTime()) }
  }

  /// Writes the lines whose time has come; all of them, if the process ends.
  func writeNotes(all: Bool = false) {
    for line in notes.withLock({ $0.due(now: bootTime(), all: all) }) {
      log.log(line.level, line.sentence) { line.put(into: &$0) }
    }
  }

  /// Why a replica of this node is suspect, for people.
  func sentence(_ suspicion: Suspicion) -> String {
    if suspicion == .stale, let staleness = identity.staleness { return "\(staleness)" }
    return suspicion.sentence
  }
}
