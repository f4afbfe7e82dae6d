import EventLoop
import Octets

/// One thread of the load: an event loop, its share of the connections, what they measured.
///
/// Unchecked: after `start` everything here is touched on the loop's thread only, and the report is read after
/// `finished` was called there.
final class LoadWorker<D: LoadDoor>: @unchecked Sendable {
  let loop: EventLoop
  let plan: LoadPlan
  let address: Endpoint
  let door: D
  /// This worker's connections and, of the open loop's rate, its share.
  let connectionCount: Int
  let rate: Double
  private let finished: @Sendable (Report) -> Void

  private(set) var isOver = false
  private var report = Report()
  private var connections: [LoadConnection<D>] = []
  private var opened = 0
  private var closed = 0
  private var begin: UInt64 = 0
  /// Open loop: how many requests were due so far, and the intended starts of those that wait for a free place.
  private var due: UInt64 = 0
  private var backlog: [UInt64] = []
  private var backlogHead = 0
  /// In the airline's scenario: who owns which seat.
  private(set) var ledger: AirlineLedger?

  init(
    loop: EventLoop, plan: LoadPlan, address: Endpoint, door: D, connectionCount: Int, rate: Double,
    finished: @escaping @Sendable (Report) -> Void
  ) {
    (self.loop, self.plan, self.address, self.door) = (loop, plan, address, door)
    (self.connectionCount, self.rate, self.finished) = (connectionCount, rate, finished)
  }

  func start(seed: UInt64) {
    loop.submit { [self] in
      if plan.scenario == .airline {
        ledger = AirlineLedger(
          events: plan.events.count, seats: plan.events.rows * plan.events.seatsPerRow, weights: plan.weights)
      }
      for number in 0..<connectionCount {
        let connection = LoadConnection(worker: self, door: door, seed: seed &+ UInt64(number) << 12)
        connections.append(connection)
        loop.connect(to: address, handler: connection)
      }
    }
  }

  /// All connections are there before the clock starts.
  func connectionOpened() {
    opened += 1
    guard opened == connectionCount else { return }
    begin = monotonicNanoseconds()
    loop.schedule(after: .seconds(plan.seconds)) { [self] in end() }
    if rate > 0 {
      pace()
    } else {
      for connection in connections { connection.fillAll(at: begin) }
    }
  }

  private func pace() {
    guard !isOver else { return }
    let now = monotonicNanoseconds()
    let dueNow = UInt64(Double(now - begin) / 1e9 * rate)
    while due < dueNow {
      backlog.append(begin + UInt64(Double(due) / rate * 1e9))
      due += 1
    }
    if backlogHead < backlog.count {
      for connection in connections where connection.hasIdle {
        while connection.hasIdle, let intended = nextIntended() { connection.send(intended: intended) }
      }
    }
    loop.schedule(after: .microseconds(500)) { [self] in pace() }
  }

  /// The oldest request that waits for a free place.
  func nextIntended() -> UInt64? {
    guard backlogHead < backlog.count else { return nil }
    let intended = backlog[backlogHead]
    backlogHead += 1
    if backlogHead > 4_096, backlogHead * 2 > backlog.count {
      backlog.removeFirst(backlogHead)
      backlogHead = 0
    }
    return intended
  }

  func record(_ reply: LoadReply, intended: UInt64) {
    guard !isOver else { return }
    switch reply.kind {
    case .ok: report.ok += 1
    case .refused: report.refused += 1
    case .error: report.errors += 1
    }
    if !reply.word.isEmpty { report.words[reply.word, default: 0] += 1 }
    report.latency.record(monotonicNanoseconds() &- intended)
  }

  func lost(_ reason: CloseReason) {
    closed += 1
    if !isOver {
      report.errors += 1
      report.words["connection: \(reason)", default: 0] += 1
      // Without a connection there is nothing to measure.
      if opened < connectionCount { opened += 1 }
      if closed == connectionCount { end() }
    }
  }

  private func end() {
    guard !isOver else { return }
    isOver = true
    report.seconds = Double(monotonicNanoseconds() &- begin) / 1e9
    report.unsent = UInt64(backlog.count - backlogHead)
    ledger?.isOver = true
    drain(until: monotonicNanoseconds() + 10_000_000_000)
  }

  /// The ledger must know what came of every request, so that its seats can be counted against the service's.
  private func drain(until deadline: UInt64) {
    if ledger != nil, monotonicNanoseconds() < deadline, connections.contains(where: { $0.isWaiting }) {
      loop.schedule(after: .milliseconds(5)) { [self] in drain(until: deadline) }
      return
    }
    if let ledger {
      report.transactions = AirlineTransaction.allCases.map {
        ($0.rawValue, ledger.done[$0] ?? 0, ledger.refused[$0] ?? 0)
      }
      (report.owned, report.doubled) = (ledger.ownedCount, ledger.doubled)
    }
    for connection in connections { connection.close() }
    finished(report)
  }
}

/// One connection: so many requests under way, answered in order. Lives on its worker's loop.
final class LoadConnection<D: LoadDoor>: ConnectionHandler {
  private unowned let worker: LoadWorker<D>
  private var door: D
  private var buyers: [Buyer]
  private var idle: [Int]
  private var underWay: [(buyer: Int, intended: UInt64)] = []
  private var head = 0
  private var connection: Connection?
  /// Replies to the greeting that are still to come.
  private var greetings = D.greetingReplies

  init(worker: LoadWorker<D>, door: D, seed: UInt64) {
    (self.worker, self.door) = (worker, door)
    let plan = worker.plan
    buyers = (0..<plan.pipeline).map { place in
      Buyer(
        scenario: plan.scenario, events: plan.events.count, seats: plan.events.rows * plan.events.seatsPerRow,
        customer: worker.ledger.map { AirlineCustomer(ledger: $0, movesAtOnce: D.movesAtOnce) },
        seed: mix64(plan.seed ^ seed &+ UInt64(place)))
    }
    idle = Array(buyers.indices.reversed())
  }

  var hasIdle: Bool { !idle.isEmpty && connection != nil }
  var isWaiting: Bool { head < underWay.count && connection != nil }

  func opened(_ connection: Connection) {
    self.connection = connection
    guard greetings > 0 else { return worker.connectionOpened() }
    connection.write { door.greet(into: &$0) }
  }

  func fillAll(at now: UInt64) {
    while hasIdle { send(intended: now) }
  }

  func send(intended: UInt64) {
    guard let connection, let buyer = idle.popLast() else { return }
    let action = buyers[buyer].next()
    underWay.append((buyer, intended))
    connection.write { door.write(action, subject: buyers[buyer].subject, into: &$0) }
  }

  func received(_ bytes: RawSpan, on connection: Connection) -> Int {
    var offset = 0
    while offset < bytes.byteCount {
      do {
        guard let (reply, length) = try door.read(bytes.extracting(offset..<bytes.byteCount)) else { break }
        offset += length
        answered(reply)
      } catch {
        connection.abort()
        return bytes.byteCount
      }
    }
    return offset
  }

  private func answered(_ reply: LoadReply) {
    if greetings > 0 {
      greetings -= 1
      if reply.kind == .error { connection?.abort() } else if greetings == 0 { worker.connectionOpened() }
      return
    }
    guard head < underWay.count else { return }
    let (buyer, intended) = underWay[head]
    head += 1
    if head > 1_024, head * 2 > underWay.count {
      underWay.removeFirst(head)
      head = 0
    }
    worker.record(reply, intended: intended)
    buyers[buyer].heard(reply)
    idle.append(buyer)
    guard !worker.isOver else { return }
    if worker.rate == 0 {
      send(intended: monotonicNanoseconds())
    } else if let waiting = worker.nextIntended() {
      send(intended: waiting)
    }
  }

  func close() { connection?.close() }

  func closed(_ connection: Connection, reason: CloseReason) {
    self.connection = nil
    worker.lost(reason)
  }
}
