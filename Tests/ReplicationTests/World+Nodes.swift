import Proto
import Replication
import TestKit
import Time

// The edge of each simulated node: carries out effects, and brings back what comes of them.
extension World {
  func step(_ event: Event) throws {
    switch event {
    case .clients: clients()
    case .faults: try strike()
    case .takeAll(let place): takeAll(nodes[place])
    case .mayEnd(let place, let life, let until):
      if nodes[place].life == life { end(nodes[place], until: until) }
    case .restart(let place):
      nodes[place].restartsLater = false
      if nodes[place].replica == nil { restart(nodes[place]) }
    case .read(let node, let life, let token): coordinatorReads(node, life, token)
    case .propose(let node, let life, let entry, let revision, let era):
      try coordinatorWrites(node, life, entry, revision, era)
    case .tick(let place, let life), .synced(let place, let life, _, _), .cutDone(let place, let life, _),
      .installed(let place, let life), .mapReply(let place, let life, _, _), .mapFailed(let place, let life, _),
      .edge(let place, let life, _):
      guard nodes[place].life == life else { return }
      try happen(event, nodes[place])
    case .deliver(let place, _, _, _), .request(let place): try happen(event, nodes[place])
    }
  }

  /// Something happens in a node's process, unless it stands still: then later.
  private func happen(_ event: Event, _ node: SimulatedNode) throws {
    guard node.replica != nil else { return }
    if node.pausedUntil > time { return queue.plan(at: node.pausedUntil, event) }
    node.isFrozen = false
    var effects: [Effect] = []
    var payload = Payload()
    switch event {
    case .tick:
      node.replica!.tick(now: now, into: &effects)
      at(10_000, .tick(node: node.index, life: node.life))
    case .deliver(_, let sender, let message, let content):
      payload = content
      log(
        "\(node.id.node) hears \(message) \(content.frame.map { "frame \($0.header.firstIndex)-\($0.header.lastIndex) of \($0.header.epoch)" } ?? "") from \(sender.node)"
      )
      node.replica!.receive(message, frame: content.frame?.header, from: sender, now: now, into: &effects)
    case .synced(_, _, let generation, let count):
      guard generation == node.generation else { return }
      node.isSyncing = false
      node.log.durableCount = max(node.log.durableCount, count)
      let through = count == 0 ? 0 : node.log.frames[count - 1].header.lastIndex
      log("\(node.id.node) durable through \(through)")
      node.replica!.durable(through: through, now: now, into: &effects)
      sync(node)
    case .cutDone(_, _, let index): cutDone(node, index, &effects)
    case .installed: installed(node, &effects)
    case .mapReply(_, _, let register, let token):
      log("\(node.id.node) reads map \(describe(register)) token \(token)")
      node.replica!.mapRead(register, token: token, now: now, into: &effects)
    case .mapFailed(_, _, let token): node.replica!.mapUnreachable(token: token, now: now, into: &effects)
    case .edge(_, _, let answer): answered(answer, node, &effects)
    case .request: request(node, &effects)
    case .clients, .faults, .restart, .read, .propose, .takeAll, .mayEnd: return
    }
    carryOut(&effects, node, payload)
    node.replica!.flush(now: now, into: &effects)
    carryOut(&effects, node, Payload())
    try release(node)
    try check(node)
  }

  func describe(_ register: MapRegister?) -> String {
    guard let register else { return "absent" }
    let entry = register.entry
    return "r\(register.revision) e\(entry.epoch) \(entry.primary.node)/\(entry.follower.map { "\($0.node)" } ?? "-")"
  }

  func restart(_ node: SimulatedNode) {
    node.life += 1
    node.generation += 1
    node.isSyncing = false
    node.waiting = []
    node.snapshotIn = []
    node.snapshotOut = nil
    node.isInstalling = false
    node.cutUnderWay = nil
    node.memoryError = 0
    node.log.durableCount = node.log.frames.count
    var replica = Replica(me: node.id, shard: shard, config: node.config, seed: random.next())
    var effects: [Effect] = []
    log("\(node.id.node) starts with \(node.log.end) \(node.suspicion)")
    var state = node.log.state(suspicion: node.suspicion)
    (state.noted, state.entered) = (node.noted, node.entered)
    replica.start(log: state, now: now, into: &effects)
    if node.index == 0 {
      let follower = seed % 3 == 0 ? nil : nodes.count > 1 ? nodes[1].id : nil
      replica.assignFirstRoles(FirstRoles(primary: node.id, follower: follower), now: now, into: &effects)
    }
    node.replica = replica
    carryOut(&effects, node, Payload())
    at(Int.random(in: 0..<10_000, using: &random), .tick(node: node.index, life: node.life))
  }

  func crash(_ node: SimulatedNode) {
    log("\(node.id.node) crashes")
    node.replica = nil
    node.life += 1
    node.pausedUntil = 0
    node.isFrozen = false
    node.isEnding = false
    // A crash keeps some of what was written but not synced, and may have finished a marker.
    let unsynced = node.log.frames.count - node.log.durableCount
    node.log.frames.removeLast(unsynced > 0 ? Int.random(in: 0...unsynced, using: &random) : 0)
    node.log.durableCount = min(node.log.durableCount, node.log.frames.count)
    if let cut = node.cutUnderWay, Bool.random(using: &random) {
      node.log.truncate(to: cut)
      node.suspicion = .none
    }
    node.cutUnderWay = nil
    node.isInstalling = false
  }

  /// A process is told to end.
  func tellToEnd(_ node: SimulatedNode) {
    guard node.replica != nil, node.pausedUntil <= time, !node.isEnding else { return }
    node.isEnding = true
    log("\(node.id.node) is told to end")
    var effects: [Effect] = []
    node.replica!.beginEnd(now: now, into: &effects)
    carryOut(&effects, node, Payload())
    at(5_000, .mayEnd(node: node.index, life: node.life, until: time + 2_000_000))
  }

  /// It ends once it has left and answered all, or when its patience is over.
  private func end(_ node: SimulatedNode, until: Int) {
    guard let replica = node.replica else { return }
    let next = Event.mayEnd(node: node.index, life: node.life, until: until)
    if node.pausedUntil > time { return queue.plan(at: node.pausedUntil, next) }
    let isDone = !replica.isLeaving && replica.mayEnd && node.waiting.isEmpty
    var effects: [Effect] = []
    guard isDone || time >= until else {
      if !replica.isLeaving { node.replica!.close(into: &effects) }
      carryOut(&effects, node, Payload())
      return at(5_000, next)
    }
    node.replica!.halt(.ended, now: now, into: &effects)
    carryOut(&effects, node, Payload())
    crash(node)
    node.restartsLater = true
    at(Int.random(in: 1_000...2_000_000, using: &random), .restart(node: node.index))
  }

  // MARK: Effects

  func carryOut(_ effects: inout [Effect], _ node: SimulatedNode, _ payload: Payload) {
    var place = 0
    var lastFrame: [Int: SimulatedFrame] = [:]
    while place < effects.count {
      let effect = effects[place]
      let before = effects.count
      var frame: SimulatedFrame?
      switch effect {
      case .send(let message, let peer): send(message, Payload(), from: node, to: peer)
      case .sendFrame(let envelope, let peer):
        send(.envelope(envelope), Payload(frame: lastFrame[place]), from: node, to: peer)
      case .appendFrame:
        guard let content = payload.frame else { break }
        if node.isFull {
          node.replica!.diskFull(true, now: now, into: &effects)
        } else {
          append(content, node, &effects)
          frame = content
        }
      case .openEpoch(let epoch):
        if node.isFull { break }
        if !node.replica!.clock.isLeading {
          _ = node.replica!.lead(now: now, wall: Stamp(Int64(time / 1_000) + 5_000_000))
        }
        frame = write([0], node, epoch: epoch, &effects)
      case .readMap(let token):
        at(coordinatorDelay(), .read(node: node.index, life: node.life, token: token))
      case .noteEntry(let entry): node.entered = EpochNote(epoch: entry.epoch, proposal: entry.proposal)
      case .propose(let entry, let revision, let isNoted):
        if isNoted { node.noted = entry.proposal }
        log("\(node.id.node) proposes \(describe(MapRegister(revision: revision, entry: entry)))")
        proposalsUnderWay.append(entry)
        at(coordinatorDelay(), .propose(node: node.index, life: node.life, entry, revision: revision, era: era))
      case .lookUpChain(let index, let token): edge(.chain(index: index, token: token), node)
      case .readFrames(let token, let first, let bytes):
        if Bool.random(using: &random) {
          edge(.frames(token: token, first: first, bytes: bytes), node)
        } else {
          frames(token, first, bytes, node, &effects, &lastFrame)
          place += 1
          continue
        }
      case .cut(let position):
        node.cutUnderWay = position.index
        at(diskDelay() * 3, .cutDone(node: node.index, life: node.life, to: position.index))
      case .openSnapshot(let session, _): edge(.snapshotReady(session: session), node)
      case .sendSnapshot(let session, let epoch, let offset, let bytes, let peer):
        edge(.sendSnapshot(session: session, epoch: epoch, offset: offset, bytes: bytes, to: peer), node)
      case .closeSnapshot(let session): if node.snapshotOut?.session == session { node.snapshotOut = nil }
      case .storeChunk(let chunk):
        if chunk.offset == 0 { node.snapshotIn = [] }
        if let part = payload.snapshot { node.snapshotIn.append(part) }
        edge(.chunkStored(session: chunk.session, through: chunk.offset + UInt64(chunk.byteCount)), node)
      case .installSnapshot:
        node.isInstalling = true
        at(diskDelay() * 5, .installed(node: node.index, life: node.life))
      case .replay(let index, let token): edge(.replay(index: index, token: token), node)
      case .roleChanged:
        if node.replica!.role != .primary { node.waiting = [] }
        if node.replica!.summary.isOpen { checks.epochsOpened += 1 }
        log(
          "\(node.id.node) is \(node.replica!.role) of \(node.replica!.epoch), accepts \(node.replica!.acceptsCommands)"
        )
      case .note(let note): log("\(node.id.node) notes \(note)")
      }
      if let frame { for new in before..<effects.count { lastFrame[new] = frame } }
      place += 1
    }
    effects.removeAll()
  }

  private func edge(_ answer: EdgeAnswer, _ node: SimulatedNode) {
    at(Int.random(in: 0...3_000, using: &random), .edge(node: node.index, life: node.life, answer))
  }

  /// Appends a frame and says so.
  private func append(_ frame: SimulatedFrame, _ node: SimulatedNode, _ effects: inout [Effect]) {
    if let last = node.log.frames.last { precondition(frame.header.stamp >= last.header.stamp, "stamps never go back") }
    node.log.frames.append(frame)
    node.replica!.appended(frame.header, digest: frame.digest &+ node.memoryError, now: now, into: &effects)
    log("\(node.id.node) appends \(frame.header.firstIndex)-\(frame.header.lastIndex) of \(frame.header.epoch)")
    sync(node)
  }

  private func write(
    _ records: [UInt64], _ node: SimulatedNode, epoch: UInt64, _ effects: inout [Effect]
  ) -> SimulatedFrame {
    let replica = node.replica!
    let frame = SimulatedFrame(
      shard: shard, epoch: epoch, after: node.log.end, records: records, stamp: replica.stamp(now: now),
      committed: replica.committed, digestBefore: node.log.digest)
    append(frame, node, &effects)
    return frame
  }

  /// The writer: one sync at a time, which covers all that was handed over before it began.
  private func sync(_ node: SimulatedNode) {
    guard !node.isSyncing, node.log.durableCount < node.log.frames.count else { return }
    node.isSyncing = true
    at(
      diskDelay(node),
      .synced(node: node.index, life: node.life, generation: node.generation, count: node.log.frames.count))
  }

  private func diskDelay(_ node: SimulatedNode? = nil) -> Int {
    if let node, node.slowUntil > time { return node.slowUntil - time + 1_000 }
    if chance(faults.slowDisk) { return Int.random(in: 1_000...900_000, using: &random) }
    return Int.random(in: 100...3_000, using: &random)
  }

  private func cutDone(_ node: SimulatedNode, _ index: UInt64, _ effects: inout [Effect]) {
    node.cutUnderWay = nil
    node.log.truncate(to: index)
    node.log.durableCount = node.log.frames.count
    node.generation += 1
    node.isSyncing = false
    node.memoryError = 0
    node.suspicion = .none
    node.damage = false
    log("\(node.id.node) has cut to \(index)")
    node.replica!.reloaded(node.log.state(), now: now, into: &effects)
  }

  private func installed(_ node: SimulatedNode, _ effects: inout [Effect]) {
    node.isInstalling = false
    let parts = node.snapshotIn
    node.snapshotIn = []
    guard let first = parts.first, parts.count == first.parts,
      parts.enumerated().allSatisfy({ $0.element.id == first.id && $0.element.part == $0.offset })
    else { return node.replica!.snapshotFailed(now: now, into: &effects) }
    node.log = SimulatedLog(frames: first.frames, durableCount: first.frames.count, base: first.frames.count)
    node.generation += 1
    node.isSyncing = false
    node.memoryError = 0
    node.damage = false
    node.suspicion = .none
    log("\(node.id.node) has installed a snapshot at \(node.log.end.index)")
    node.replica!.reloaded(node.log.state(), now: now, into: &effects)
  }

  private func answered(_ answer: EdgeAnswer, _ node: SimulatedNode, _ effects: inout [Effect]) {
    switch answer {
    case .chain(let index, let token):
      let count = node.log.count(through: index)
      node.replica!.chainFound(
        count < node.log.base ? nil : node.log.chain(at: index), token: token, now: now, into: &effects)
    case .frames(let token, let first, let bytes):
      var lastFrame: [Int: SimulatedFrame] = [:]
      frames(token, first, bytes, node, &effects, &lastFrame)
      sendNow(&effects, lastFrame, node)
    case .snapshotReady(let session):
      guard node.log.durableCount > 0 else { return node.replica!.snapshotFailed(now: now, into: &effects) }
      let frames = Array(node.log.frames[..<node.log.durableCount])
      // What the log holds as durable, the replica may hear of a little later.
      guard frames.last!.end.index <= node.replica!.durable else { return edge(answer, node) }
      node.snapshotOut = (session, Int.random(in: 0..<1 << 40, using: &random), frames)
      node.replica!.snapshotReady(session: session, position: frames.last!.end, now: now, into: &effects)
    case .sendSnapshot(let session, let epoch, let offset, let bytes, let peer):
      guard let out = node.snapshotOut, out.session == session else { return }
      let parts = 10
      var part = Int(offset / 16)
      var left = Int(bytes / 16)
      while part < parts, left > 0 {
        send(
          .snapshotChunk(
            SnapshotChunk(
              epoch: epoch, session: session, offset: UInt64(part) * 16, byteCount: 16, isLast: part == parts - 1)),
          Payload(snapshot: SnapshotPart(id: out.id, part: part, parts: parts, frames: out.frames)), from: node,
          to: peer)
        part += 1
        left -= 1
      }
      node.replica!.snapshotSent(
        session: session, through: UInt64(part) * 16, isLast: part == parts, now: now, into: &effects)
    case .chunkStored(let session, let through):
      node.replica!.chunkStored(session: session, through: through, now: now, into: &effects)
    case .replay(let index, let token):
      let count = node.log.count(through: index)
      node.replica!.replayed(
        count < node.log.base ? nil : node.log.frame(endingAt: index)?.digest, token: token, now: now, into: &effects)
    case .room: node.replica!.diskFull(node.isFull, now: now, into: &effects)
    }
  }

  /// Serves a read of frames.
  private func frames(
    _ token: UInt64, _ first: UInt64, _ bytes: Int, _ node: SimulatedNode, _ effects: inout [Effect],
    _ lastFrame: inout [Int: SimulatedFrame]
  ) {
    var place = node.log.count(through: first - 1)
    if place < node.log.base || first > node.log.end.index {
      return node.replica!.streamEnded(place < node.log.base ? .gone : .later, token: token, now: now, into: &effects)
    }
    var given = 0
    while place < node.log.frames.count, given < bytes {
      let frame = node.log.frames[place]
      let before = effects.count
      node.replica!.streamed(frame.header, token: token, now: now, into: &effects)
      for new in before..<effects.count { lastFrame[new] = frame }
      given += 84 + Int(frame.header.blockBytes)
      place += 1
    }
    node.replica!.streamEnded(.done, token: token, now: now, into: &effects)
  }

  /// Sends the frames of a read that was served late, and leaves the other effects.
  private func sendNow(_ effects: inout [Effect], _ frames: [Int: SimulatedFrame], _ node: SimulatedNode) {
    var others: [Effect] = []
    for (place, effect) in effects.enumerated() {
      if case .sendFrame(let envelope, let peer) = effect {
        send(.envelope(envelope), Payload(frame: frames[place]), from: node, to: peer)
      } else {
        others.append(effect)
      }
    }
    effects = others
  }

  // MARK: Clients

  private func clients() {
    if wantsTakeAll { considerTakeAll() }
    let named = register.flatMap { index(of: $0.entry.primary) }
    let place = named.flatMap { chance(0.8) ? $0 : nil } ?? Int.random(in: 0..<nodes.count, using: &random)
    at(Int.random(in: 100...2_000, using: &random), .request(node: place))
    at(Int.random(in: 1_000...(isHealing ? 20_000 : 12_000), using: &random), .clients)
  }

  private func request(_ node: SimulatedNode, _ effects: inout [Effect]) {
    guard node.replica!.acceptsCommands, node.waiting.count < 200 else { return }
    let before = checks.revealed.index
    let tag = node.replica!.replyTag()
    guard !node.isFull, chance(0.6) else {
      node.waiting.append(
        WaitingReply(position: node.log.end, number: tag, records: [], revealedBefore: before))
      return
    }
    var records: [UInt64] = []
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      records.append(nextRecord)
      nextRecord += 1
    }
    let frame = write(records, node, epoch: node.replica!.epoch, &effects)
    var lastFrame: [Int: SimulatedFrame] = [:]
    for place in effects.indices { lastFrame[place] = frame }
    sendNow(&effects, lastFrame, node)
    node.waiting.append(WaitingReply(position: node.log.end, number: tag, records: records, revealedBefore: before))
  }

  private func release(_ node: SimulatedNode) throws {
    while let first = node.waiting.first,
      node.replica!.answerable.covers(position: first.position.index, number: first.number)
    {
      node.waiting.removeFirst()
      try reveal(first, by: node)
    }
  }
}
