public import Flags
internal import Glibc

/// The command line of `holdfast-sim`.
public enum SimulationCommand {
  public static let spec = CommandSpec(
    name: "holdfast-sim",
    summary: "Runs whole clusters on a simulated clock, network and disk, and checks every promise.",
    flags: [
      FlagSpec("seed", "N", default: "1", "the first run's seed"),
      FlagSpec("seeds", "N", default: "1", "how many seeds, one after the other"),
      FlagSpec(
        "steps", "M", default: "\(Simulation.defaultSteps)",
        "simulated steps with faults in each run; after them all must heal"),
      FlagSpec(
        "only-ends", "one|all",
        "nothing goes wrong but that nodes are told to end: one after the other, or all at the same time"),
      FlagSpec("bug", "NAME", "switch a planted mistake on: only where they are compiled in; \"list\" names them"),
      FlagSpec(switch: "trace", "print what happened"),
      FlagSpec(switch: "brief", "do not look for a shorter run of a failure"),
      FlagSpec(switch: "hash", "print each run's hash"),
      FlagSpec("record", "FILE", "write the inputs and the outputs of one replica in the run to a file"),
      FlagSpec("node", "N", default: "1", "with --record: the replica's node, from 1"),
      FlagSpec("shard", "S", default: "0", "with --record: the replica's shard, from 0"),
      FlagSpec(
        "replay", "FILE", "give a file's inputs to a fresh replica and compare the outputs; --trace prints both"),
    ],
    notes: """
      The exit code is 1 if a promise was broken; the output then has the seed, the shortest run found, and how to
      replay it. With --replay the exit code is 1 if the outputs differ or the file cannot be read. Otherwise it is 0.
      """)

  /// Runs and prints. Returns the exit code.
  public static func run(_ flags: ParsedFlags) -> Int32 {
    do throws(UsageError) {
      if let bug = flags.text("bug") {
        if bug == "list" {
          for name in Planted.names { print(name) }
          return 0
        }
        guard Planted.choose(bug) else {
          throw UsageError("--bug: there is no planted mistake \"\(bug)\" in this build")
        }
      }
      let first = UInt64(try flags.number("seed", in: 0...Int.max) ?? 1)
      let count = UInt64(try flags.number("seeds", in: 1...Int.max) ?? 1)
      let steps = try flags.number("steps", in: 0...100_000_000) ?? Simulation.defaultSteps
      if let path = flags.text("replay") { return try replay(path, traces: flags.has("trace")) }
      if let path = flags.text("record") { return try record(to: path, first, count, steps, flags) }
      let ends = flags.text("only-ends")
      guard ends == nil || ends == "one" || ends == "all" else { throw UsageError("--only-ends is one or all") }
      return run(first, count, steps, endsOfAll: ends.map { $0 == "all" }, flags)
    } catch {
      spec.fail(error)
    }
  }

  private static func record(
    to path: String, _ seed: UInt64, _ count: UInt64, _ steps: Int, _ flags: ParsedFlags
  ) throws(UsageError) -> Int32 {
    guard count == 1 else { throw UsageError("--record: one run is recorded, not \(count)") }
    let node = try flags.number("node", in: 1...3) ?? 1
    let shard = try flags.number("shard", in: 0...1) ?? 0
    let (result, recording) = Simulation.record(
      seed: seed, steps: steps, node: node - 1, shard: shard, traces: flags.has("trace"))
    for line in result.trace { print(line) }
    if let violation = result.violation { print("seed \(seed): \(result.rule ?? ""): \(violation)") }
    guard let recording else {
      throw UsageError(
        "--record: in this run there is no shard \(shard) on node \(node), or the file would be too long")
    }
    guard RecordingFile.write(recording, to: path) else { throw UsageError("--record: \(path) cannot be written") }
    print("recorded \(recording.count) bytes of node \(node), shard \(shard), in \(result.steps) steps")
    return result.violation == nil ? 0 : 1
  }

  private static func replay(_ path: String, traces: Bool) throws(UsageError) -> Int32 {
    guard let bytes = RecordingFile.read(path) else {
      throw UsageError("--replay: \(path) cannot be read, or is longer than \(Recording.bytesMax) bytes")
    }
    do throws(ReplayError) {
      let result = try Simulation.replay(bytes, trace: traces ? { print($0) } : nil)
      print(
        "the same: \(result.lives) processes, \(result.inputs) inputs, \(result.turns) turns, \(result.actions) actions, digest \(String(result.digest, radix: 16))"
      )
      return 0
    } catch {
      print("\(error)")
      return 1
    }
  }

  /// - Parameter endsOfAll: nil: everything goes wrong.
  private static func run(
    _ first: UInt64, _ count: UInt64, _ steps: Int, endsOfAll: Bool?, _ flags: ParsedFlags
  ) -> Int32 {
    let started = ContinuousClock.now
    var total = Totals()
    for seed in first..<(first + count) {
      let traces = flags.has("trace")
      let result =
        if let endsOfAll {
          Simulation.runEnds(seed: seed, steps: steps, ofAll: endsOfAll, traces: traces)
        } else {
          Simulation.run(seed: seed, steps: steps, traces: traces)
        }
      total.add(result)
      for line in result.trace { print(line) }
      if flags.has("hash") { print("seed \(seed) steps \(result.steps) hash \(result.hash)") }
      if result.violation != nil {
        report(result, steps, bug: flags.text("bug"), isBrief: traces || flags.has("brief") || endsOfAll != nil)
        print("seeds run: \(seed - first + 1)")
        return 1
      }
      if count > 1_000, total.runs % 1_000 == 0 {
        print("seed \(seed): \(total.runs) runs, all well, \(ContinuousClock.now - started)")
        fflush(nil)
      }
    }
    print(total.text(ContinuousClock.now - started))
    return 0
  }

  private static func report(_ failure: RunResult, _ steps: Int, bug: String?, isBrief: Bool) {
    print(
      "seed \(failure.seed): broken after \(failure.steps) steps: \(failure.rule ?? ""): \(failure.violation ?? "")")
    if isBrief { return }
    let (shortest, result) = Simulation.shorten(failure, from: steps)
    let traced = Simulation.run(seed: failure.seed, steps: shortest, traces: true)
    print("with \(shortest) steps of faults: \(result.rule ?? ""): \(result.violation ?? "")")
    print("the end of its trace:")
    for line in traced.trace.suffix(60) { print("  \(line)") }
    let option = bug.map { " --bug \($0)" } ?? ""
    print("replay: holdfast-sim --seed \(failure.seed) --steps \(shortest)\(option) --trace")
  }
}

/// Sums over many runs.
package struct Totals {
  package var runs = 0
  package var steps = 0
  package var milliseconds = 0
  package var operations = 0
  package var acknowledged = 0
  package var unknown = 0
  package var freshReads = 0
  package var quickHolds = 0
  package var seatsChecked = 0
  package var seatsUndecided = 0
  package var epochs = 0
  package var faults = [Int](repeating: 0, count: FaultKind.allCases.count)
  package init() {}

  package mutating func add(_ result: RunResult) {
    runs += 1
    steps += result.steps
    milliseconds += result.milliseconds
    operations += result.operations
    acknowledged += result.acknowledged
    unknown += result.unknown
    freshReads += result.freshReads
    quickHolds += result.quickHolds
    seatsChecked += result.seatsChecked
    seatsUndecided += result.seatsUndecided
    epochs += result.epochs
    for place in faults.indices { faults[place] += result.faults[place] }
  }

  package func text(_ elapsed: Duration) -> String {
    var lines = [
      "runs \(runs), steps \(steps), simulated \(milliseconds / 1_000) s, in \(elapsed)",
      "calls \(operations), answered \(acknowledged), unknown \(unknown), from routers' copies \(freshReads), holds by the one-seat way \(quickHolds), epochs \(epochs)",
      "histories of seats and areas linearizable \(seatsChecked), given up \(seatsUndecided)",
    ]
    for kind in FaultKind.allCases { lines.append("\(kind.name): \(faults[kind.rawValue])") }
    lines.append("no promise was broken")
    return lines.joined(separator: "\n")
  }
}
