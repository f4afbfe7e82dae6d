internal import EventLoop
public import Flags
internal import Glibc

/// The command line of `bench/load`.
public enum LoadCommand {
  public static let spec = CommandSpec(
    name: "holdfast-load", summary: "Loads a router's doors, or a Redis server, and says how long answers took.",
    flags: [
      FlagSpec("http", "HOST:PORT|unix:PATH", "load the HTTP door"),
      FlagSpec("resp", "HOST:PORT|unix:PATH", "load the RESP door, or a Redis server"),
      FlagSpec(
        "postgres", "HOST:PORT", "load a PostgreSQL that has the airline's tables (bench/lib/airline.py makes them)"),
      FlagSpec("native", "COORDINATOR", "send batches of holds to a primary over the router's protocol"),
      FlagSpec("scenario", "NAME", default: "hot-event", "hot-seat, hot-event, many-events, browse-and-buy or airline"),
      FlagSpec("connections", "N", default: "64", "1 to 10000"),
      FlagSpec("pipeline", "N", default: "1", "requests under way on each connection, 1 to 1024"),
      FlagSpec("seconds", "N", default: "5", "how long, 1 to 3600"),
      FlagSpec("rate", "N", default: "0", "open loop: so many requests a second, whatever the answers; 0: closed loop"),
      FlagSpec("threads", "N", default: "1", "1 to 16; the connections are shared out"),
      FlagSpec("event", "NAME", default: "load", "the event's id; with many events, what their ids begin with"),
      FlagSpec(
        "events", "N", default: "1", "1 to 100000; many-events, browse-and-buy and airline take one of them at random"),
      FlagSpec(
        "weights", "N,N,…",
        "airline: how often each event is looked at, relative to the others; those not named weigh 1"),
      FlagSpec("rows", "N", default: "1000", "of each event that is made"),
      FlagSpec("seats-per-row", "N", default: "1000", "of each event that is made"),
      FlagSpec(switch: "no-create", "the events are there already"),
      FlagSpec("command", "TEMPLATE", "RESP: send this instead of HOLD; {seat}, {buyer}, {event} are filled in"),
      FlagSpec("batch", "N", default: "8000", "native: holds in one batch, 1 to 50000"),
      FlagSpec("in-flight", "N", default: "4", "native: batches under way"),
      FlagSpec("holds", "N", default: "900000", "native: holds in all, at most as many as the event has seats"),
      FlagSpec("seed", "N", default: "1", "of the random choices"),
      FlagSpec(switch: "json", "print one JSON object instead of the table"),
    ],
    notes: """
      Latencies count from the moment a request was meant to start, so that a service that stalls cannot hide it
      (no coordinated omission). Refusals (seat taken, …) are answers and stand apart from errors.
      """)

  /// Runs and prints. Returns the exit code: 0, or 1 if there were errors, 3 if nothing could be reached.
  public static func run(_ flags: ParsedFlags) -> Int32 {
    do throws(UsageError) {
      let plan = try LoadPlan(flags)
      do {
        let report = try plan.carryOut()
        print(flags.has("json") ? report.json : report.table, terminator: "")
        return report.errors == 0 ? 0 : 1
      } catch {
        standardError("holdfast-load: \(error)\n")
        return 3
      }
    } catch {
      spec.fail(error)
    }
  }
}

/// What the command line asks for.
struct LoadPlan {
  enum Target {
    case http(Endpoint)
    case resp(Endpoint, template: [String])
    case postgres(Endpoint)
    case native(String)
  }

  var target: Target
  var scenario: Scenario
  var connections: Int
  var pipeline: Int
  var seconds: Int
  var rate: Double
  var threads: Int
  var events: EventSet
  var weights: [Int]
  var creates: Bool
  var batch: Int
  var inFlight: Int
  var holds: Int
  var seed: UInt64

  init(_ flags: ParsedFlags) throws(UsageError) {
    func number(_ name: String, _ range: ClosedRange<Int>) throws(UsageError) -> Int {
      try flags.number(name, in: range) ?? range.lowerBound
    }
    func endpoint(_ name: String) throws(UsageError) -> Endpoint? {
      guard let text = flags.text(name) else { return nil }
      switch try StreamAddress(text, flag: "--\(name)") {
      case .port(let host, let port): return .internet(HostPort(host: host, port: port))
      case .unix(let path): return .unix(path: path)
      }
    }
    if let http = try endpoint("http") {
      target = .http(http)
    } else if let resp = try endpoint("resp") {
      target = .resp(resp, template: (flags.text("command") ?? "").split(separator: " ").map(String.init))
    } else if let native = flags.text("native") {
      target = .native(native)
    } else if let postgres = try endpoint("postgres") {
      target = .postgres(postgres)
    } else {
      throw UsageError("one of --http, --resp, --postgres and --native says what to load")
    }
    let name = flags.text("scenario") ?? ""
    guard let scenario = Scenario(rawValue: name) else {
      throw UsageError(
        "--scenario: \"\(name)\" is none of \(Scenario.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    self.scenario = scenario
    connections = try number("connections", 1...10_000)
    pipeline = try number("pipeline", 1...1024)
    seconds = try number("seconds", 1...3600)
    rate = Double(try number("rate", 0...100_000_000))
    threads = min(try number("threads", 1...16), connections)
    let rows = try number("rows", 1...10_000)
    events = EventSet(
      prefix: flags.text("event") ?? "load", count: try number("events", 1...100_000), rows: rows,
      seatsPerRow: try number("seats-per-row", 1...10_000), keepsMaps: scenario == .airline)
    weights = try (flags.text("weights") ?? "").split(separator: ",").map { text throws(UsageError) in
      guard let weight = Int(text), 0...1_000_000_000 ~= weight else {
        throw UsageError("--weights: \"\(text)\" is no weight")
      }
      return weight
    }
    if scenario == .airline {
      guard events.count * rows * events.seatsPerRow <= 100_000_000 else {
        throw UsageError("--scenario airline remembers every seat: at most 100 million")
      }
      guard weights.count < events.count || weights.contains(where: { $0 > 0 }) else {
        throw UsageError("--weights: one must be above 0")
      }
      // Who owns which seat is one table.
      threads = 1
    } else if case .postgres = target {
      throw UsageError("--postgres knows --scenario airline only")
    }
    creates = !flags.has("no-create") && !flags.has("command")
    if case .postgres = target { creates = false }
    batch = try number("batch", 1...50_000)
    inFlight = try number("in-flight", 1...64)
    holds = try number("holds", 1...10_000_000)
    seed = UInt64(try number("seed", 0...Int.max))
  }
}
