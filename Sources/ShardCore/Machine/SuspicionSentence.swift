package import Proto

extension Suspicion {
  /// Why a replica is suspect, for people.
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
