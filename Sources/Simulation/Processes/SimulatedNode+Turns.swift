import ClusterMap
import Journal
import Node
import Proto
import Replication
import ShardCore
import Time

// What a node's loop does between its sockets and its shards.
extension SimulatedNode {
  // MARK: Time

  var clock: TurnTime {
    askForTurnEnd()
    return turns.begin(readClock)
  }

  private func readClock() -> TurnTime {
    (turnStartedAt, turnWallOffset) = (world.time, wallOffset)
    beginAllowance()
    return TurnTime(
      now: MonotonicTime(Int64(monotonic / 1_000)),
      wall: World.epoch + Milliseconds(Int64(world.time / 1_000)) + wallOffset)
  }

  /// Where large reads are simulated, some turns have no time for requests, and some have no room for large answers.
  private func beginAllowance() {
    guard world.machineOptions.largeAnswerBytes == 1 else { return tools.allowance.begin(endsAt: .max) }
    tools.allowance.begin(endsAt: world.chance(0.1) ? 0 : .max)
    tools.allowance.crowded = world.chance(0.2) ? Set(routers.keys) : []
  }

  // MARK: Turns

  private func askForTurnEnd() { if turns.mustAskForEnd() { planTurnEnd() } }

  private func planTurnEnd() { later(world.draw(0...200)) { $0.endTurn() } }

  /// Without room in the log nothing is brought up to date: what is read then may be late.
  func room(for byteCount: Int, _ shard: ShardID, ofRequests: Bool = false) -> LogRoom {
    guard let writer else { return .full }
    let room = writer.room(for: byteCount, ofRequests: ofRequests)
    if case .open = room { return room }
    world.checks.promises[Int(shard.rawValue)].mayBeLate = true
    return room
  }

  /// Tells a shard's machine something, and flushes it at the end of the turn.
  @discardableResult
  func take(_ input: ShardInput, for shard: SimulatedShard) -> DirectiveAnswer? {
    let time = clock
    turns.list(shard.place)
    return shard.take(input, time, &tools)
  }

  /// As above, by its number; nil also if this process does not run.
  @discardableResult
  func take(_ input: ShardInput, for id: ShardID) -> DirectiveAnswer? {
    guard let shard = machine(id) else { return nil }
    return take(input, for: shard)
  }

  func takeAll(_ input: ShardInput) { for shard in shards { take(input, for: shard) } }

  private func endTurn() {
    let mine = life
    let rest = turns.end(readClock) { place, time in
      let shard = shards[place]
      let end = shard.endTurn(time, &tools)
      world.checks.flushed(shard, self)
      if world.machineOptions.tellsChanges { listen(to: shard) }
      return end
    } carryOut: { action, place in
      carryOut(action, of: shards[place])
      return life == mine
    } handOver: { entries in
      if !entries.isEmpty, writer?.submit(entries) == false {
        world.fail("room", "\(name): the log takes no more")
      }
      for link in links { link.flush() }
    }
    guard life == mine else { return }
    if rest.mustEndAgain { planTurnEnd() }
    if rest.goesOn {
      later(world.draw(1...100)) { node in
        _ = node.clock
        node.turns.goOn()
      }
    }
    if rest.readsOn { readOn() }
  }

  private func carryOut(_ action: ShardAction, of shard: SimulatedShard) {
    switch action {
    case .log(let list):
      world.checks.logged(list, shard, self)
      turns.log(list)
    case .send(let message, let payload, let peer):
      links.first { $0.target.nodeName == peer.node }?.add(message, payload: payload, shard: shard.id, to: peer)
    case .reply(let head, let tail, let connection):
      let frame = head + tail
      world.checks.replies(frame, shard, self)
      routers[connection]?.reply(frame)
    case .dropPeer(let peer):
      guard let other = world.node(named: peer.node) else { return }
      world.say("\(name) drops \(peer.node)'s connection")
      for process in world.processes where process.nodeName == other.nodeName {
        for link in process.links where link.target === self { link.drop() }
      }
    case .readMap(let token): world.coordinator.read(shard.id, token: token, for: self)
    case .noteEntry(let entry): enter(entry, shard: shard.id)
    case .propose(let entry, let revision, let noted):
      propose(entry, revision: revision, isNoted: noted, shard: shard.id)
    case .keep(let index): log?.keep(shard.id, from: index)
    case .note(let note):
      world.say("\(name) shard \(shard.id.rawValue): \(note)")
      if case .suspectCleared = note { trust(shard.id) }
    case .clockLeapt(let milliseconds): world.say("\(name): the wall clock is off by \(milliseconds) ms")
    case .roleChanged: break
    case .disk(let job): disk?.carryOut(job, of: shard.id)
    }
  }
}
