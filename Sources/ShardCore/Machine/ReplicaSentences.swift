package import Proto
package import Replication

// Why a replica does not serve, for people: in `holdfast status` and in the node's log.

extension Suspicion {
  /// Why a replica is suspect.
  package var sentence: String {
    switch self {
    case .none: ""
    case .tear: "the end of its log is torn"
    case .damage: "its log cannot be read where it may have held a frame of this shard"
    case .unproven:
      "its log lacks the opening record of the newest epoch, so log or map may be older than what was answered"
    case .stale: "its directory was found to be an older one, or a copy"
    }
  }
}

extension HaltReason {
  /// Why a replica can do nothing more, and what helps.
  package var sentence: String {
    switch self {
    case .diskFailed: "a write to its disk failed: look at the disk, then start the node again"
    case .wrongMemory: "its memory was found to be wrong: start the node again, and report this"
    case .edge: "a check inside the node failed: start the node again, and report this"
    case .ended: "its process was told to end: nothing to do"
    case .replaced: "another process goes on as this node: nothing to do"
    }
  }
}
