import Inventory
import Octets
import Proto
import Replication
import ShardCore

/// A shard's machine with what only the simulator knows of it.
final class SimulatedShard {
  let id: ShardID
  /// Its place in the node's list.
  let place: Int
  /// What is told to it goes through `take`, so that a recording has all of it.
  private(set) var machine: ShardMachine
  private let recorder: MachineRecorder?
  /// How many microseconds this replica's stamps may lie behind the true time; nil: this process heard no stamp yet.
  var lag: Int?
  /// The newest epoch whose primary told this process the time, or that it led itself.
  var heardEpoch: UInt64 = 0
  /// The epoch in which it was last seen answering or logging as primary.
  var leads: UInt64 = 0
  /// When the newest acknowledgement that came in this process's time as primary was sent: until then nobody else led.
  var acknowledgedAt = 0
  /// When the map still named it, at the latest, as far as it has read.
  var confirmedAt = 0
  var stampsEpoch: UInt64 = 0
  /// Memory could not be loaded: only its peer can repair it.
  var isBroken = false
  /// By the index at its end, the chain hash of each frame that this process logged.
  var chains: [UInt64: UInt64] = [:]
  /// What its changes told, and the number of the last.
  var contents = InventoryContents()
  var toldIndex: UInt64 = 0

  init(_ id: ShardID, at place: Int, _ machine: consuming ShardMachine, _ recorder: MachineRecorder?) {
    (self.id, self.place, self.recorder) = (id, place, recorder)
    self.machine = machine
  }

  // MARK: What a node's `Shard` does

  func backlog() -> ShardMachine.Backlog { machine.backlog() }

  @discardableResult
  func take(_ input: ShardInput, _ time: TurnTime, _ tools: inout ShardTools) -> DirectiveAnswer? {
    recorder?.note(input, time, tools.allowance)
    let answer = machine.take(input, time: time, tools: &tools)
    if let answer { recorder?.note(answer) }
    return answer
  }

  func take(_ requests: ShardRequests, _ time: TurnTime, _ tools: inout ShardTools) throws(DecodeError) {
    recorder?.note(requests, time, tools.allowance)
    try machine.take(requests, time: time, tools: &tools)
  }

  func take(_ message: ShardMessage, _ time: TurnTime, _ tools: inout ShardTools) {
    recorder?.note(message, time, tools.allowance)
    machine.take(message, time: time, tools: &tools)
  }

  func endTurn(
    _ time: TurnTime, _ tools: inout ShardTools
  ) -> (actions: [ShardAction], backlog: ShardMachine.Backlog) {
    take(.turnEnds, time, &tools)
    let actions = machine.takeActions()
    recorder?.note(actions, machine.inventory.digest)
    return (actions, machine.backlog())
  }

  /// What its records changed, for who listens.
  func takeChanges() -> [ChangeRecord]? { machine.takeChanges() }
}
