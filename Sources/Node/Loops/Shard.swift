package import EventLoop
import Inventory
import Journal
import Octets
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
  /// Its place in the loop's list.
  nonisolated let place: Int

  init(
    _ id: ShardID, at place: Int, on loop: EventLoop, tools: LoopTools, me: ReplicaID, options: ShardMachine.Options,
    config: ReplicaConfig, seed: UInt64
  ) {
    (self.id, self.place, self.loop, self.tools) = (id, place, loop, tools)
    machine = ShardMachine(shard: id, me: me, options: options, config: config, seed: seed)
  }

  /// What waits in it.
  func backlog() -> ShardMachine.Backlog { machine.backlog() }

  func take(_ input: ShardInput, _ time: TurnTime) -> DirectiveAnswer? {
    machine.take(input, time: time, tools: &tools.value)
  }

  /// What is wrong with the batch, if anything.
  func take(_ requests: ShardRequests, _ time: TurnTime) -> DecodeError? {
    do throws(DecodeError) {
      try machine.take(requests, time: time, tools: &tools.value)
      return nil
    } catch {
      return error
    }
  }

  func take(_ message: ShardMessage, _ time: TurnTime) { machine.take(message, time: time, tools: &tools.value) }

  /// Looks at the machine, which must stay as it is: `inout`, because a copy of it cannot be had.
  func look<Result>(_ body: @Sendable (inout ShardMachine) -> Result) -> Result { body(&machine) }

  /// Ends the shard's turn and returns what is to be done and what is left.
  func endTurn(_ time: TurnTime) -> (actions: [ShardAction], backlog: ShardMachine.Backlog) {
    machine.take(.turnEnds, time: time, tools: &tools.value)
    return (machine.takeActions(), machine.backlog())
  }
}
