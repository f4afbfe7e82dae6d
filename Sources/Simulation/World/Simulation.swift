import Proto

/// What came of one run.
package struct RunResult: Sendable {
  package var seed: UInt64
  package var steps: Int
  /// A hash of all that happened: equal for equal seeds, in every process.
  package var hash: UInt64
  /// The broken rule; nil: none.
  package var rule: String?
  /// What was wrong.
  package var violation: String?
  package var trace: [String]
  /// Simulated milliseconds.
  package var milliseconds: Int
  package var operations: Int
  package var acknowledged: Int
  /// What was asked for, and not only refused, at least once.
  package var done: Set<SimulatedCall>
  package var unknown: Int
  package var freshReads: Int
  package var quickHolds: Int
  package var seatsChecked: Int
  /// Seats and areas whose history was too wide to be searched through.
  package var seatsUndecided: Int
  package var epochs: Int
  /// By `FaultKind`.
  package var faults: [Int]
}

/// The simulator: a cluster of the code that ships, on a simulated clock, network, disk and coordinator.
package enum Simulation {
  /// Steps with faults, if nothing else is said.
  package static let defaultSteps = 4_000

  /// Runs one seed.
  ///
  /// - Parameter steps: how many things happen while faults strike; then they stop, and all must heal.
  package static func run(seed: UInt64, steps: Int = defaultSteps, traces: Bool = false) -> RunResult {
    run(World(seed: seed, traces: traces), steps)
  }

  /// Runs one seed in which nothing goes wrong but that nodes are told to end: one after the other, or all at about the
  /// same time. Then nobody waits for a time-out, and no role changes that need not.
  package static func runEnds(seed: UInt64, steps: Int = defaultSteps, ofAll: Bool, traces: Bool = false) -> RunResult {
    run(World(seed: seed, traces: traces, only: .onlyEnds(ofAll: ofAll)), steps)
  }

  /// Runs one seed, and writes down all that one replica was told and what came of it: a file for `replay`. nil: the
  /// replica does not exist in this run, or the file would be too long.
  ///
  /// - Parameters:
  ///   - node: its place, from 0.
  ///   - shard: its number.
  package static func record(
    seed: UInt64, steps: Int = defaultSteps, node: Int, shard: Int, traces: Bool = false
  ) -> (result: RunResult, recording: [UInt8]?) {
    let recording = Recording(node: node, shard: ShardID(UInt16(shard)))
    let result = run(World(seed: seed, traces: traces, recording: recording), steps)
    return (result, recording.isFull || recording.isEmpty ? nil : recording.finish())
  }

  /// Tells fresh machines what a recording has. What comes of it must be the same.
  ///
  /// - Parameter trace: is told each input and action in words.
  package static func replay(
    _ recording: [UInt8], trace: ((String) -> Void)? = nil
  ) throws(ReplayError) -> ReplayResult {
    try Replay.run(recording, trace: trace)
  }

  private static func run(_ world: World, _ steps: Int) -> RunResult {
    world.run(steps: steps)
    let result = RunResult(
      seed: world.seed, steps: world.steps, hash: world.hash, rule: world.violation?.rule,
      violation: world.violation?.description, trace: world.trace, milliseconds: world.time / 1_000,
      operations: world.history.operations.count, acknowledged: world.history.acknowledged,
      done: world.history.done.union(world.queue?.done ?? []),
      unknown: world.history.unknown, freshReads: world.freshReads, quickHolds: world.quickHolds,
      seatsChecked: world.seatsChecked,
      seatsUndecided: world.seatsUndecided,
      epochs: world.shardIDs.reduce(0) { $0 + Int(world.coordinator.registers[$1]?.entry.epoch ?? 0) },
      faults: world.counts)
    world.end()
    return result
  }

  /// The fewest steps with faults after which the same rule is broken, as far as halving finds it.
  package static func shorten(_ failure: RunResult, from steps: Int) -> (steps: Int, result: RunResult) {
    var (low, high) = (0, steps)
    var best = failure
    while low < high {
      let middle = (low + high) / 2
      let result = run(seed: failure.seed, steps: middle)
      if result.rule == failure.rule {
        (high, best) = (middle, result)
      } else {
        low = middle + 1
      }
    }
    return (high, best)
  }
}

extension Simulation {
  /// For tests of the checker: calls on one seat, each `hold T` or `release T`, with their times; `.max`: nobody heard
  /// of the return.
  package static func isLinearizable(_ calls: [(called: Int, returned: Int, text: String)]) -> Bool {
    let parsed = calls.map { call in
      let words = call.text.split(separator: " ")
      let holder = UInt64(words.last ?? "") ?? 0
      return CheckedCall<SeatEffect>(
        called: call.called, returned: call.returned,
        effect: words.first == "hold" ? .hold(holder) : .release(holder, repeats: false))
    }
    return linearizability(of: parsed, from: SeatModel.free) == .linearizable
  }

  /// The same for an area of four places: each `hold T N`, `release T`, or `soldOut N`.
  package static func isAreaLinearizable(_ calls: [(called: Int, returned: Int, text: String)]) -> Bool {
    let parsed = calls.map { call in
      let words = call.text.split(separator: " ")
      let numbers = words.dropFirst().compactMap { UInt64($0) }
      let effect: AreaEffect =
        switch words.first {
        case "hold": .hold(numbers[0], UInt32(numbers[1]))
        case "soldOut": .soldOut(UInt32(numbers[0]))
        default: .holder(.release(numbers[0], repeats: false))
        }
      return CheckedCall(called: call.called, returned: call.returned, effect: effect)
    }
    return linearizability(of: parsed, from: AreaModel()) == .linearizable
  }
}
