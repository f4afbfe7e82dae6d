public import Proto
public import Time

/// Why a primary answers nothing at present.
public enum Stall: Equatable, Sendable {
  /// Answers need this replica's acknowledgement, and it says nothing.
  case silentPeer(NodeName, for: Milliseconds)
  /// Without a follower each answer needs the coordinator's.
  case noCoordinator
}

extension Replica {
  /// Silence of a peer that is more than a late heartbeat.
  private static let silenceMax: Milliseconds = 500

  /// - Parameter isCoordinatorThere: whether it answered this process last.
  public func stall(now: MonotonicTime, isCoordinatorThere: Bool) -> Stall? {
    guard role == .primary else { return nil }
    if let place = lead.peers.firstIndex(where: { $0.isRequired }) {
      let silence = now - lead.peers[place].lastHeard
      return silence >= Self.silenceMax ? .silentPeer(lead.peers[place].id.node, for: silence) : nil
    }
    return isCoordinatorThere ? nil : .noCoordinator
  }
}
