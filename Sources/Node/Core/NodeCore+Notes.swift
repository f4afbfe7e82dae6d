import Journal
import Logging
import Proto
import Replication
import ShardCore

// What a replica notes, as sentences for the operator.
extension NodeCore {
  func note(_ note: Note, of shard: ShardID) {
    switch note {
    case .proposed, .epochOpened, .becameFollower, .joining, .drainStarted:
      log.info("role") {
        $0.field("shard", shard.rawValue)
        $0.field("what", "\(note)")
      }
    case .becamePrimary(let epoch, let follower):
      log.info("became primary") {
        $0.field("shard", shard.rawValue)
        $0.field("epoch", epoch)
        $0.field("follower", follower?.node.description ?? "")
      }
    case .suspectWaits(let suspicion):
      log.error("a suspect replica waits for a copy that has all, or for holdfast failover --shard N --accept-loss") {
        $0.field("shard", shard.rawValue)
        $0.field("suspect", "\(suspicion)")
        $0.field("why", sentence(suspicion))
      }
    case .suspectCleared:
      log.warning("role") {
        $0.field("shard", shard.rawValue)
        $0.field("what", "\(note)")
      }
      desk.run { [self] in
        do throws(JournalError) { try identity.trust(shard) } catch {
          fail("the directory's record cannot be written: \(error)")
        }
      }
    case .mapWentBack(let found, let known):
      log.error("the coordinator went back: roles are settled above the newest epoch that this replica knows") {
        $0.field("shard", shard.rawValue)
        $0.field("found_epoch", found ?? 0)
        $0.field("known_epoch", known)
      }
    case .proposalLost, .peerSilent, .ownDiskSlow, .tailCut, .lossAccepted, .digestDiffers, .otherDisk,
      .lostAcknowledged, .drainGivenUp, .halted:
      log.warning("role") {
        $0.field("shard", shard.rawValue)
        $0.field("what", "\(note)")
      }
    }
  }

  /// Why a replica of this node is suspect, for people.
  func sentence(_ suspicion: Suspicion) -> String {
    if suspicion == .stale, let staleness = identity.staleness { return "\(staleness)" }
    return suspicion.sentence
  }
}
