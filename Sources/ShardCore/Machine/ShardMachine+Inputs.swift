import Inventory
import Journal
package import Octets
package import Replication

// The ways in.
extension ShardMachine {
  /// Takes one input. What is to be done is appended to the actions.
  ///
  /// - Returns: what a directive came to; nil: the input was none.
  @discardableResult
  package mutating func take(
    _ input: consuming ShardInput, time: TurnTime, tools: inout ShardTools
  ) -> DirectiveAnswer? {
    switch consume input {
    case .start(let start): self.start(start, time, &tools)
    case .endBegins: tell(time, &tools) { $0.beginEnd(now: time.now, into: &$1) }
    case .endCloses: tell(time, &tools) { $0.close(into: &$1) }
    case .halt(let reason): tell(time, &tools) { $0.halt(reason, now: time.now, into: &$1) }
    case .tick(let room): tick(room, time, &tools)
    case .turnEnds: endTurn(time, &tools)
    case .mapRead(let register, let token):
      tell(time, &tools) { $0.mapRead(register, token: token, now: time.now, into: &$1) }
    case .mapUnreachable(let token):
      tell(time, &tools) { $0.mapUnreachable(token: token, now: time.now, into: &$1) }
    case .assignFirstRoles(let roles):
      tell(time, &tools) { $0.assignFirstRoles(roles, now: time.now, into: &$1) }
    case .durable(let index): durable(through: index, time, &tools)
    case .markerDurable(let kind): markerDurable(kind)
    case .diskFull(let isFull): tell(time, &tools) { $0.diskFull(isFull, now: time.now, into: &$1) }
    case .disk(let result): done(result, time, &tools)
    case .takeSnapshot(let again): takeSnapshot(again: again)
    case .forgetRecent: forgetRecent()
    case .connected(let peer): tell(time, &tools) { $0.connected(to: peer, now: time.now, into: &$1) }
    case .closed(let connection): closed(connection)
    case .directive(let directive):
      var answer = DirectiveAnswer.nothingToDo
      tell(time, &tools) { answer = $0.carryOut(directive, now: time.now, into: &$1) }
      return answer
    }
    return nil
  }

  /// Takes one frame of requests.
  ///
  /// - Throws: what is not a batch of requests. What was read before that counts; the connection should be closed.
  package mutating func take(
    _ requests: ShardRequests, time: TurnTime, tools: inout ShardTools
  ) throws(DecodeError) {
    room = requests.room
    try self.requests(requests.body, requests.kept, from: requests.connection, time, &tools)
  }

  /// Takes a peer's message.
  package mutating func take(_ message: ShardMessage, time: TurnTime, tools: inout ShardTools) {
    room = message.room
    receive(message.message, payload: message.payload, kept: message.kept, from: message.sender, time, &tools)
  }

  /// Tells the replica something, once what the turn applied has its frame, and carries out what comes of it.
  mutating func tell(
    _ time: TurnTime, _ tools: inout ShardTools, _ body: (inout Replica, inout [Effect]) -> Void
  ) {
    settleTurn(time, &tools)
    call(time, body)
    work(time, &tools)
  }

  private mutating func start(_ start: ShardStart, _ time: TurnTime, _ tools: inout ShardTools) {
    adopt(start.loaded)
    var state = logState(suspicion: start.suspicion, committed: start.committed)
    (state.noted, state.entered) = (start.noted, start.entered)
    call(time) { replica, effects in replica.start(log: state, now: time.now, into: &effects) }
    work(time, &tools)
  }

  private mutating func durable(through index: UInt64, _ time: TurnTime, _ tools: inout ShardTools) {
    guard case .none = reload else { return }
    tell(time, &tools) { $0.durable(through: index, now: time.now, into: &$1) }
  }

  // MARK: Turns

  private mutating func tick(_ room: LogRoom, _ time: TurnTime, _ tools: inout ShardTools) {
    self.room = room
    receiveDelayed(time, &tools)
    tell(time, &tools) { $0.tick(now: time.now, into: &$1) }
    endLateReplies(time, &tools)
    if replica.acceptsCommands {
      let isCaughtUp = catchUp(time, &tools)
      // A shard without work has no records that would make it forget keys: a tick does.
      if isCaughtUp, case .open = room, turn.recordCount == 0, inventory.keysAreDue || inventory.sweepIsDue {
        turn.timeChangedState = true
      }
      if isCaughtUp { runQueues(time, &tools) }
      freshenFeeds(time)
    } else {
      desk.clear()
    }
    considerSnapshot()
  }

  /// Closes the frame, sends what one message can say for all of the turn, lets replies go.
  private mutating func endTurn(_ time: TurnTime, _ tools: inout ShardTools) {
    if !deferred.isEmpty { workOffDeferred(time, &tools) }
    closeTurn(time, &tools)
    call(time) { $0.flush(now: time.now, into: &$1) }
    work(time, &tools)
    release()
    countReplies(&tools)
    wantsTurn = readsWantTurn || (isBehind && !tools.allowance.isFull(with: 0))
    publishWhenCommitted()
    if kept != replica.neededFrom {
      kept = replica.neededFrom
      actions.append(.keep(from: kept))
    }
  }
}
