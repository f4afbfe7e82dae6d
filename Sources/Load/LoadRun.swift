import EventLoop
import Proto
import Threads

/// Why a run did not come about.
struct LoadError: Error, CustomStringConvertible {
  var description: String
}

extension LoadPlan {
  /// Makes the events, runs, and gives what was measured.
  func carryOut() throws -> Report {
    switch target {
    case .http(let address):
      let door = HTTPDoor(events: events, host: address.path == nil ? address.description : "localhost")
      return try run(address, door, name: "HTTP")
    case .resp(let address, let template):
      return try run(address, RESPDoor(events: events, template: template), name: "RESP")
    case .postgres(let address):
      return try run(address, PostgresDoor(events: events), name: "PostgreSQL")
    case .native(let coordinator):
      return try NativeRun(plan: self, coordinator: coordinator).carryOut()
    }
  }

  private func run<D: LoadDoor>(_ address: Endpoint, _ door: D, name: String) throws -> Report {
    let group = try LoopGroup(count: threads, name: "load")
    defer { group.stop() }
    if creates { try create(address, door, on: group[0]) }
    let results = Monitor<[Report]>([])
    for number in 0..<threads {
      let share = connections / threads + (number < connections % threads ? 1 : 0)
      let worker = LoadWorker(
        loop: group[number], plan: self, address: address, door: door, connectionCount: share,
        rate: rate * Double(share) / Double(connections)
      ) { report in
        results.withLock { $0.append(report) }
        results.wakeAll()
      }
      worker.start(seed: UInt64(number) << 40)
      workers.withLock { $0.append(worker) }
    }
    let reports = results.wait { $0.count == threads ? $0 : nil }
    var total = Report()
    total.scenario = scenario.rawValue
    (total.door, total.connections, total.pipeline, total.offeredRate) = (name, connections, pipeline, rate)
    for report in reports { total.add(report) }
    return total
  }

  /// Makes the events, one after the other; one that is there already is as good.
  private func create<D: LoadDoor>(_ address: Endpoint, _ door: D, on loop: EventLoop) throws {
    let outcome = Monitor<(isKnown: Bool, problem: String?)>((false, nil))
    let creator = Creator(door: door, count: scenario.hasManyEvents ? events.count : 1) {
      problem in
      outcome.withLock { $0 = (true, problem) }
      outcome.wakeAll()
    }
    loop.submit { loop.connect(to: address, handler: creator) }
    let problem: String? = outcome.wait { $0.isKnown ? .some($0.problem) : nil }
    if let problem { throw LoadError(description: problem) }
  }
}

/// Keeps the workers alive until the process ends: their connections refer to them without owning them.
private let workers = Lock<[any Sendable]>([])

/// Makes the events of a run over one connection.
///
/// Unchecked: touched on its loop's thread only.
private final class Creator<D: LoadDoor>: ConnectionHandler, @unchecked Sendable {
  private var door: D
  private let count: Int
  private var made = 0
  private var finished: ((String?) -> Void)?

  init(door: D, count: Int, finished: @escaping @Sendable (String?) -> Void) {
    (self.door, self.count, self.finished) = (door, count, finished)
  }

  func opened(_ connection: Connection) { next(connection) }

  private func next(_ connection: Connection) {
    guard made < count else { return finish(nil, connection) }
    connection.write { door.write(.createEvent(made), subject: [], into: &$0) }
  }

  func received(_ bytes: RawSpan, on connection: Connection) -> Int {
    do {
      guard let (reply, length) = try door.read(bytes) else { return 0 }
      guard reply.kind != .error else {
        finish("the event was not made: \(reply.word)", connection)
        return length
      }
      made += 1
      next(connection)
      return length
    } catch {
      finish("the answer to the event's creation makes no sense: \(error)", connection)
      return bytes.byteCount
    }
  }

  private func finish(_ problem: String?, _ connection: Connection) {
    finished?(problem)
    finished = nil
    connection.close()
  }

  func closed(_ connection: Connection, reason: CloseReason) {
    finished?("no connection: \(reason)")
    finished = nil
  }
}
