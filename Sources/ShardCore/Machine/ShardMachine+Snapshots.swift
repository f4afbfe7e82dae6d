import Inventory
import Journal
import Octets
package import Proto
package import Time
import Replication

// Snapshots of one's own, for a joiner, from a peer; and what throws memory away.
extension ShardMachine {
  // MARK: One's own

  /// Takes a snapshot when enough was logged since the last: at least as much as that one took, so that a shard with
  /// much in its memory does not write far more snapshots than log.
  mutating func considerSnapshot() {
    if bytesSinceSnapshot > max(options.snapshotBytes, snapshotBytesTaken) { takeSnapshot() }
  }

  /// Takes a snapshot unless one is under way or, if not `again`, there is nothing new: the copy costs nothing, another
  /// thread encodes it.
  mutating func takeSnapshot(again: Bool = false) {
    guard case .none = snapshot, case .none = reload, position.index > 0, turn.recordCount == 0, !turn.timeChangedState,
      again || published?.end.index != position.index
    else { return }
    let header = SnapshotHeader(
      shard: shard,
      end: LogEnd(index: position.index, epoch: position.epoch, chain: position.chain, stamp: endStamp),
      epochs: epochs, digest: inventory.digest)
    bytesSinceSnapshot = 0
    snapshot = .encoding(header)
    actions.append(.disk(.encodeSnapshot(header, inventory)))
  }

  /// The snapshot stands in its temporary file and takes `byteCount` bytes; nil: it could not be written.
  mutating func snapshotEncoded(
    _ header: SnapshotHeader, byteCount: Int?, _ time: TurnTime, _ tools: inout ShardTools
  ) {
    guard case .encoding(let mine) = snapshot, mine == header else { return }
    snapshot = byteCount == nil ? .none : .encoded(header)
    if let byteCount { snapshotBytesTaken = byteCount } else { snapshotEnded(nil, time, &tools) }
  }

  mutating func publishWhenCommitted() {
    guard case .encoded(let header) = snapshot, replica.committed >= header.end.index,
      replica.durable >= header.end.index
    else { return }
    snapshot = .publishing(header)
    actions.append(.disk(.publishSnapshot(header)))
  }

  /// The snapshot has its name, or could not be given it.
  mutating func snapshotPublished(
    _ header: SnapshotHeader, done: Bool, _ time: TurnTime, _ tools: inout ShardTools
  ) {
    guard case .publishing(let mine) = snapshot, mine == header else { return }
    snapshot = .none
    if done { published = header }
    snapshotEnded(done ? header : nil, time, &tools)
  }

  private mutating func snapshotEnded(_ header: SnapshotHeader?, _ time: TurnTime, _ tools: inout ShardTools) {
    guard let session = joinerSession else { return }
    if let header {
      actions.append(.disk(.openStream(session: session, header)))
    } else {
      joinerSession = nil
      settleTurn(time, &tools)
      call(time) { $0.snapshotFailed(now: time.now, into: &$1) }
      work(time, &tools)
    }
  }

  // MARK: For a joiner

  mutating func openSnapshot(_ session: UInt64) {
    joinerSession = session
    if let published, bytesSinceSnapshot < options.snapshotBytes / 4 {
      return actions.append(.disk(.openStream(session: session, published)))
    }
    takeSnapshot()
  }

  /// A published snapshot can be read, or not.
  mutating func streamOpened(
    session: UInt64, _ header: SnapshotHeader?, _ time: TurnTime, _ tools: inout ShardTools
  ) {
    guard joinerSession == session else { return }
    settleTurn(time, &tools)
    if let header {
      let position = LogPosition(epoch: header.end.epoch, index: header.end.index, chain: header.end.chain)
      call(time) { $0.snapshotReady(session: session, position: position, now: time.now, into: &$1) }
    } else {
      joinerSession = nil
      published = nil
      call(time) { $0.snapshotFailed(now: time.now, into: &$1) }
    }
    work(time, &tools)
  }

  /// Parts of the snapshot were read, in order; nil: it cannot be read.
  mutating func streamRead(
    session: UInt64, epoch: UInt64, _ parts: [StreamPart]?, to peer: ReplicaID, _ time: TurnTime,
    _ tools: inout ShardTools
  ) {
    settleTurn(time, &tools)
    guard let parts, let last = parts.last else {
      call(time) { $0.snapshotFailed(now: time.now, into: &$1) }
      return work(time, &tools)
    }
    for part in parts {
      let chunk = SnapshotChunk(
        epoch: epoch, session: session, offset: part.offset, byteCount: UInt32(part.bytes.count), isLast: part.isLast)
      actions.append(.send(.snapshotChunk(chunk), payload: part.bytes, to: peer))
    }
    let through = last.offset + UInt64(last.bytes.count)
    call(time) {
      $0.snapshotSent(session: session, through: through, isLast: last.isLast, now: time.now, into: &$1)
    }
    work(time, &tools)
  }

  // MARK: Throwing memory away

  mutating func cut(to position: LogPosition) {
    abandonSnapshot()
    reload = .cutting(position)
    actions.append(.log([.cut(shard: shard, keeping: position.index, chain: position.chain)]))
  }

  private mutating func abandonSnapshot() {
    switch snapshot {
    case .none: break
    case .encoding(let header), .encoded(let header), .publishing(let header):
      actions.append(.disk(.abandonSnapshot(header)))
      snapshot = .none
    }
    published = nil
    joinerSession = nil
  }

  /// A marker of this shard is durable.
  mutating func markerDurable(_ kind: LogFrame.Kind) {
    switch reload {
    case .cutting(let position):
      guard kind == .cut else { return }
      reload = .loading(position)
      actions.append(.disk(.load))
    case .installing(let loaded):
      guard kind == .rebuilt else { return }
      reload = .publishing(loaded)
      actions.append(.disk(.publishStored))
    case .none, .loading, .publishing: break
    }
  }

  /// The disk's snapshot and log up to the cut; nil: they cannot be read.
  mutating func loaded(_ loaded: LoadedShard?, _ time: TurnTime, _ tools: inout ShardTools) {
    guard case .loading(let position) = reload else { return }
    reload = .none
    guard let loaded, loaded.end.index == position.index, loaded.end.chain == position.chain else {
      call(time) { $0.damageFound(now: time.now, into: &$1) }
      return work(time, &tools)
    }
    resume(loaded, time, &tools)
  }

  private mutating func resume(_ loaded: LoadedShard, _ time: TurnTime, _ tools: inout ShardTools) {
    adopt(loaded)
    let state = logState(suspicion: .none, committed: min(replica.committed, position.index))
    call(time) { $0.reloaded(state, now: time.now, into: &$1) }
    work(time, &tools)
  }

  // MARK: From a peer

  /// The peer's snapshot that was stored, verified; nil: it is not whole.
  mutating func snapshotVerified(
    _ header: SnapshotHeader?, _ inventory: Inventory?, _ time: TurnTime, _ tools: inout ShardTools
  ) {
    guard let header, let inventory else {
      call(time) { $0.snapshotFailed(now: time.now, into: &$1) }
      return work(time, &tools)
    }
    abandonSnapshot()
    reload = .installing(LoadedShard(inventory: inventory, end: header.end, epochs: header.epochs))
    actions.append(.log([.rebuilt(header)]))
  }

  /// The stored snapshot has its name, or could not be given it.
  mutating func storedPublished(_ header: SnapshotHeader?, _ time: TurnTime, _ tools: inout ShardTools) {
    guard case .publishing(let loaded) = reload else { return }
    reload = .none
    guard let header else {
      // A disk that failed once may not fail again: the peer still has all of it.
      call(time) { $0.snapshotFailed(now: time.now, into: &$1) }
      return work(time, &tools)
    }
    published = header
    bytesSinceSnapshot = 0
    resume(loaded, time, &tools)
  }

  // MARK: For the operator

  /// What `holdfast status` shows.
  ///
  /// - Parameter isCoordinatorThere: whether it answered the node last.
  package func status(
    digestAtMost index: UInt64?, now: MonotonicTime, isCoordinatorThere: Bool
  ) -> ReplicaStatus {
    let summary = replica.summary
    var reason = ""
    let role: ReplicaStatus.Role
    switch summary.role {
    case .primary: role = .primary
    case .follower: role = .follower
    case .joining: role = .joining
    case .halted: role = .halted
    case .starting, .unborn, .comparing, .idle: role = .none
    }
    if let halt = summary.haltReason { reason = halt.sentence }
    if summary.draining { reason = "draining" }
    if summary.suspicion != .none {
      reason =
        "suspect by \(summary.suspicion): \(summary.suspicion.sentence); waits for a copy that has all, or for --accept-loss"
    }
    let stall = replica.stall(now: now, isCoordinatorThere: isCoordinatorThere)
    switch stall {
    case .silentPeer(let node, let silence):
      reason = "waits for \(node), which has been silent for \(silence.seconds) s"
    case .noCoordinator: reason = "waits for the coordinator, which every answer of a single copy needs"
    case nil: break
    }
    return ReplicaStatus(
      shard: shard, role: role, epoch: summary.epoch, durableIndex: summary.durable,
      committedIndex: summary.committed, appliedIndex: position.index,
      digest: index.flatMap { digests.digest(atMost: $0) }, isStalled: stall != nil, reason: Bytes(reason))
  }
}
