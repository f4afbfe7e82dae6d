import Journal
import Logging
import Proto
import Replication
import ShardCore

// What a replica notes, for the operator.
extension NodeCore {
  func note(_ note: Note, of shard: ShardID) {
    let line = NoteLine(note) { sentence($0) }
    log.log(line.level, line.sentence) {
      $0.field("shard", shard.rawValue)
      line.put(into: &$0)
    }
    guard case .suspectCleared = note else { return }
    desk.run { [self] in
      do throws(JournalError) { try identity.trust(shard) } catch {
        fail("the directory's record cannot be written: \(error)")
      }
    }
  }

  /// Why a replica of this node is suspect, for people.
  func sentence(_ suspicion: Suspicion) -> String {
    if suspicion == .stale, let staleness = identity.staleness { return "\(staleness)" }
    return suspicion.sentence
  }
}
