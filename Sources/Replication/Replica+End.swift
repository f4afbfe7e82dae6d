import Proto
public import Time

/// What a replica keeps whose process is about to end.
///
/// It says so first, and goes on for a moment: the other process may have been told to end too, and then nobody leaves,
/// so that both find themselves named when they come back. If nobody else ends, a primary hands over to its follower,
/// and a follower asks to be left behind; both do their part until the map says that it is so. What cannot be had in
/// time is said as the very last (`HaltReason.ended`): it counts as silence at once.
struct Ending: Sendable {
  let since: MonotonicTime
  /// When the others were told last, and in which epoch.
  var saidAt: MonotonicTime?
  var saidIn: UInt64 = 0
  /// When the primary was asked last to go on without this follower, or this primary tried last to hand over.
  var triedAt: MonotonicTime?
  /// Another replica's process that ends at the same time.
  var other: ReplicaID?
}

extension Replica {
  /// The process is about to end. It takes over nothing and leaves nobody behind from now on.
  public mutating func beginEnd(now: MonotonicTime, into effects: inout [Effect]) {
    guard ending == nil else { return }
    ending = Ending(since: now)
    switch role {
    case .primary:
      for place in lead.peers.indices {
        // Whoever may become the follower in time does it now: afterwards there is nobody.
        lead.peers[place].joiner?.admitAt = now
        let id = lead.peers[place].id
        if lead.peers[place].isEnding(now: now, config) { ending?.other = id }
      }
    case .follower: if follow.primaryEnds { ending?.other = register?.entry.primary }
    case .starting, .unborn, .comparing, .joining, .idle, .halted: break
    }
    tickEnding(now: now, into: &effects)
  }

  /// No more commands are taken: what was taken is answered, and then the process ends.
  public mutating func close(into effects: inout [Effect]) {
    isClosed = true
    refresh(into: &effects)
  }

  var isEnding: Bool { ending != nil }

  /// Whether a peer's process ends at the same time as this one.
  private func endsToo(_ peer: ReplicaID) -> Bool { ending?.other == peer }

  /// Whether something may still come of waiting: the map is about to name others, or what the other knows is not known
  /// here.
  public var isLeaving: Bool {
    guard proposal == nil else { return true }
    switch role {
    case .primary:
      if lead.drain != nil { return true }
      for place in lead.peers.indices where !endsToo(lead.peers[place].id) && !lead.peers[place].mustGo {
        if lead.peers[place].isStreaming { return true }
      }
      return false
    case .follower: return !(follow.mayEnd && endsToo(register?.entry.primary ?? me))
    case .starting, .unborn, .comparing, .joining, .idle, .halted: return false
    }
  }

  /// Whether the log holds all that the next process must find to know that it is whole: the opening record of the
  /// newest epoch that names this replica. Nothing is under way that could name it in another: its own proposal.
  public var mayEnd: Bool {
    guard proposal == nil else { return false }
    return switch role {
    case .primary, .follower: end.epoch == epoch && durable == end.index
    case .starting, .unborn, .comparing, .joining, .idle, .halted: true
    }
  }

  /// Says that this process ends, and leaves.
  mutating func tickEnding(now: MonotonicTime, into effects: inout [Effect]) {
    guard let ending else { return }
    defer { refresh(into: &effects) }
    if ending.saidIn != epoch || ending.saidAt.map({ now - $0 >= config.endAgain }) ?? true {
      self.ending?.saidAt = now
      self.ending?.saidIn = epoch
      sayEnding(into: &effects)
    }
    guard now - ending.since >= config.endGrace, !isClosed, ending.triedAt.map({ now - $0 >= config.askAgain }) ?? true
    else { return }
    switch role {
    case .primary:
      guard let place = lead.peers.follower, !endsToo(lead.peers[place].id) else { return }
      if drain(now: now, into: &effects) == .taken { self.ending?.triedAt = now }
    case .follower:
      guard let primary = register?.entry.primary, !endsToo(primary) else { return }
      self.ending?.triedAt = now
      // It goes on to acknowledge until the map says that it need not.
      effects.append(.send(.resign(epoch: epoch), to: primary))
    case .starting, .unborn, .comparing, .joining, .idle, .halted: break
    }
  }

  private func sayEnding(into effects: inout [Effect]) {
    let message = ReplicaMessage.ending(epoch: epoch, isAnswer: false)
    switch role {
    case .primary: for place in lead.peers.indices { effects.append(.send(message, to: lead.peers[place].id)) }
    case .follower, .joining:
      if let primary = register?.entry.primary { effects.append(.send(message, to: primary)) }
    case .starting, .unborn, .comparing, .idle, .halted: break
    }
  }

  /// Another replica's process is about to end.
  mutating func peerEnds(_ sender: ReplicaID, now: MonotonicTime, into effects: inout [Effect]) {
    switch role {
    case .primary:
      guard let place = lead.peers.index(of: sender) else { return }
      // It is not taken in any more.
      guard lead.peers[place].isRequired else { return drop(place, into: &effects) }
      lead.peers[place].saidEndAt = now
      ending?.other = sender
      if let proposal, proposal.entry.primary == sender { return }
      giveUpDrain(into: &effects)
      effects.append(.send(.ending(epoch: epoch, isAnswer: true), to: sender))
    case .follower:
      guard register?.entry.primary == sender else { return }
      follow.primaryEnds = true
      ending?.other = sender
    case .starting, .unborn, .comparing, .joining, .idle, .halted: break
    }
  }

  /// The primary will not name this replica primary while it ends.
  mutating func mayEnd(says sender: ReplicaID) {
    if role == .follower, register?.entry.primary == sender { follow.mayEnd = true }
  }
}
