import Inventory
import Journal
import Node
import Proto
import Replication
import ShardCore

// What must hold in the end.
extension World {
  func finish() {
    say("all is healed")
    // What was answered under a client's key is answered again; every seat is looked at.
    for operation in history.operations where operation.outcome != nil && operation.key != nil {
      clients[operation.client].repeats(operation)
    }
    for event in events { clients[0].begin(event.shard, .seats(event, isFresh: false)) }
    for event in events { clients[0].begin(event.shard, .availability(event, isFresh: false)) }
    let until = time + 30_000_000
    settle(until: until)
    guard violation == nil else { return }
    if clients.contains(where: { !$0.isIdle }) {
      return fail("healing", "what was asked after all healed is not answered: \(summary)")
    }
    compareReplicas()
    checkWaits()
    checks.endedAt = time
    for event in events { checkHistory(event) }
  }

  private func checkHistory(_ event: SimulatedEvent) {
    let (seats, area) = history.calls(on: event, checks)
    for (seat, calls) in seats.enumerated() { check(calls, from: SeatModel.free, "seat \(seat)", event) }
    // An area's value is larger than a seat's, and its search is given up earlier.
    check(area, from: AreaModel(), "the area", event, stepsMax: 20_000)
  }

  private func check<Model: SequentialModel>(
    _ calls: [CheckedCall<Model.Effect>], from initial: Model, _ what: String, _ event: SimulatedEvent,
    stepsMax: Int = 200_000
  ) {
    guard violation == nil else { return }
    switch linearizability(of: calls, from: initial, stepsMax: stepsMax) {
    case .linearizable: seatsChecked += 1
    case .undecided: seatsUndecided += 1
    case .violated(let longest):
      let explained = Set(longest)
      let rest = calls.indices.filter { !explained.contains($0) && calls[$0].returned != .max }
        .sorted { calls[$0].returned < calls[$1].returned }
      let last = longest.suffix(6).map { describe(calls[$0]) }
      fail(
        "linearizability",
        "shard \(event.shard.rawValue), \(what): after \(longest.count) calls, of which the last were \(last), nothing explains \(rest.prefix(3).map { describe(calls[$0]) })"
      )
    }
  }

  private func describe<Effect>(_ call: CheckedCall<Effect>) -> String {
    func time(_ time: Int) -> String { time == .max ? "…" : "\(time / 1_000)" }
    var effect = "\(call.effect)"
    if effect.count > 60 { effect = String(effect.prefix(60)) }
    return "\(time(call.called))–\(time(call.returned)) ms \(effect)"
  }

  /// Primary and follower have the same state, to the byte, in memory and on their disks.
  private func compareReplicas() {
    for shard in shardIDs {
      var seen: [UInt64: [UInt8]] = [:]
      for node in nodes {
        // Within a turn memory is ahead of the log.
        guard let held = node.machine(shard), let log = node.log, node.isBetweenTurns else { continue }
        let role = held.machine.replica.role
        guard role == .primary || role == .follower else { continue }
        var bytes: [UInt8] = []
        held.machine.inventory.encodeSnapshot { bytes += $0 }
        let end = held.machine.position
        if let known = seen[end.chain], known != bytes {
          let first = zip(known, bytes).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? -1
          fail(
            "equal snapshots",
            "\(node.name), shard \(shard.rawValue), index \(end.index): \(known.count) and \(bytes.count) bytes, first at \(first), role \(role), now \(held.machine.inventory.now)"
          )
        }
        seen[end.chain] = bytes
        guard !held.isBroken, held.machine.replica.durable == end.index else { continue }
        do throws(JournalError) {
          let loaded = try loadShard(
            shard, from: log, upTo: end.index, keyLimits: machineOptions.keyLimits, salt: random.next())
          if loaded.inventory.digest != held.machine.inventory.digest {
            fail("equal digests", "\(node.name), shard \(shard.rawValue): the disk gives another state than memory has")
          }
        } catch {
          fail("recovery", "\(node.name), shard \(shard.rawValue): the log cannot be replayed: \(error)")
        }
      }
    }
  }
}
