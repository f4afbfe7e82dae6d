package import EventLoop
import Inventory
import Journal
package import Proto
import Replication
import ShardCore

/// The codecs' buffers of one loop, lent to each of its shards in turn.
///
/// Sendable without the compiler's check: only the loop's thread touches it.
final class LoopTools: @unchecked Sendable {
  var value = ShardTools()
}

/// A shard's machine, pinned to one loop: whatever calls it runs on that loop's thread, one call after the other,
/// without a lock.
package actor Shard {
  package nonisolated let loop: EventLoop
  package nonisolated let id: ShardID
  package nonisolated var unownedExecutor: UnownedSerialExecutor {
    // Safe: `loop` is a constant of the actor and keeps its executor alive.
    unsafe loop.asUnownedSerialExecutor()
  }

  private let tools: LoopTools
  private var machine: ShardMachine
  /// Whether the loop will call `flush` at the end of its turn.
  private var isListed = false

  init(
    _ id: ShardID, on loop: EventLoop, tools: LoopTools, me: ReplicaID, options: ShardMachine.Options,
    config: ReplicaConfig, seed: UInt64
  ) {
    (self.id, self.loop, self.tools) = (id, loop, tools)
    machine = ShardMachine(shard: id, me: me, options: options, config: config, seed: seed)
  }

  /// True once in a turn: the caller lists the shard for the turn's end.
  func mustBeListed() -> Bool {
    if isListed { return false }
    isListed = true
    return true
  }

  /// What waits in it.
  func backlog() -> ShardMachine.Backlog { machine.backlog() }

  /// What is wrong with the batch, if anything.
  func requests(
    _ body: RawSpan, kept: ArraySlice<UInt8>?, from connection: ConnectionID, room: LogRoom, time: TurnTime
  ) -> DecodeError? {
    do throws(DecodeError) {
      try machine.requests(body, kept: kept, from: connection, room: room, time: time, tools: &tools.value)
      return nil
    } catch {
      return error
    }
  }

  func receive(
    _ message: ReplicaMessage, payload: RawSpan, kept: ArraySlice<UInt8>?, from sender: ReplicaID, room: LogRoom,
    time: TurnTime
  ) {
    machine.receive(
      message, payload: payload, kept: kept, from: sender, room: room, time: time, tools: &tools.value)
  }

  /// Any other input of the machine.
  func with<Result>(_ body: @Sendable (inout ShardMachine, inout ShardTools) -> Result) -> Result {
    body(&machine, &tools.value)
  }

  /// Ends the shard's turn and returns what is to be done.
  func flush(_ time: TurnTime) -> [ShardAction] {
    isListed = false
    machine.flush(time: time, tools: &tools.value)
    return machine.takeActions()
  }
}
