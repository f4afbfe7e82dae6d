internal import ClusterMap
internal import EventLoop
internal import HTTP
internal import Proto

/// Calls of etcd's JSON gateway (`/v3/…`), over connections of one loop, which are kept and used again.
///
/// Each call goes to the member that answered last. If that one is silent for a moment, or fails, the next one is asked
/// too; the first answer counts. A machine that is gone says nothing, so waiting for it would cost a failover its time
/// limit. Asking twice is safe for every call we make: a proposal carries its revision and its id, so of two copies one
/// can win at most, and the other one's answer shows the id.
///
/// Sendable without the compiler's check: everything is touched on the loop's thread only.
final class EtcdClient: @unchecked Sendable {
  typealias Answer = Result<JSONValue, CoordinatorError>

  let loop: EventLoop
  private let endpoints: [HostPort]
  /// For one try at one endpoint; nor does a call ask anybody again after this time.
  let timeout: Duration
  private var current = 0
  private var idle: [EtcdConnection] = []
  private var calls: [EtcdCall] = []
  private var isClosed = false
  private var probedAt = ContinuousClock.now
  private var probed = 0
  private var isProbing = false
  /// Told when calls begin at another member: what listens at the one before would hear nothing.
  private var movers: [ObjectIdentifier: () -> Void] = [:]

  /// More at once are refused: the map has few writers.
  private static let callsMax = 1_024
  private static let idleMax = 8
  /// So long a member may be silent before the next one is asked too. An answer takes a millisecond or two, and a
  /// busy disk some tens.
  static let hedgeAfter: Duration = .milliseconds(200)
  private static let againAfter: Duration = .milliseconds(400)
  /// How often a member that stands before the current one in the list is tried, and how soon it must answer.
  private static let probeEvery: Duration = .seconds(1)
  private static let probePatience: Duration = .milliseconds(100)

  init(loop: EventLoop, endpoints: [HostPort], timeout: Duration) {
    (self.loop, self.endpoints, self.timeout) = (loop, endpoints, timeout)
  }

  var endpoint: HostPort { endpoints[current] }

  /// `endpoint` does not answer as it should: goes to the next one, if it is still the current one.
  func leave(_ failed: HostPort) {
    if endpoint == failed { move(to: (current + 1) % endpoints.count) }
  }

  func whenMoved(_ owner: AnyObject, _ then: (() -> Void)?) { movers[ObjectIdentifier(owner)] = then }

  private func move(to member: Int) {
    guard member != current else { return }
    current = member
    // Kept connections to a member that is silent are worth nothing.
    for connection in idle where connection.endpoint != endpoint { connection.end() }
    idle.removeAll { $0.endpoint != endpoint }
    for mover in movers.values { mover() }
  }

  /// Calls `done` once.
  func call(_ path: String, _ body: JSONValue, _ done: @escaping (Answer) -> Void) {
    guard !isClosed else { return done(.failure(.closed)) }
    guard calls.count < Self.callsMax else { return done(.failure(.unreachable("too many calls at once"))) }
    goBack()
    let order = (0..<endpoints.count).map { (current + $0) % endpoints.count }
    begin(EtcdCall(path, Array(body.compact.utf8), order, timeout, done))
  }

  private func begin(_ call: EtcdCall) {
    calls.append(call)
    askNext(call)
  }

  /// Asks the next member, and after a moment of silence one more. When all were asked they are asked again: a member
  /// whose leader died hands on a proposal to nobody, and learns of it seconds later.
  private func askNext(_ call: EtcdCall) {
    let isFirstRound = call.tries < call.order.count
    let member = call.order[call.tries % call.order.count]
    call.tries += 1
    if call.asked.count >= 2 * call.order.count { call.asked.removeFirst().abandon() }
    ask(call, member)
    call.hedge?.cancel()
    call.hedge = nil
    guard call.order.count > 1, isFirstRound || ContinuousClock.now - call.began < call.timeout else { return }
    let delay = call.tries < call.order.count ? Self.hedgeAfter : Self.againAfter
    call.hedge = loop.schedule(after: delay) { [weak self] in self?.askNext(call) }
  }

  private func ask(_ call: EtcdCall, _ member: Int) {
    let endpoint = endpoints[member]
    let kept = idle.lastIndex { $0.endpoint == endpoint }
    let connection = kept.map { idle.remove(at: $0) } ?? EtcdConnection(client: self, endpoint: endpoint)
    call.asked.append(connection)
    connection.send(call.path, call.body, call.timeout) { [self] answer, isReusable in
      call.asked.removeAll { $0 === connection }
      let isWanted = isReusable && !isClosed && endpoint == self.endpoint && idle.count < Self.idleMax
      if isWanted { idle.append(connection) } else { connection.end() }
      switch answer {
      case .failure(.unreachable(let why)):
        call.why = "etcd at \(endpoint): \(why)"
        // A kept connection may have died unnoticed.
        if kept != nil, !isReusable { return ask(call, member) }
        if call.tries < call.order.count { return askNext(call) }
        if call.asked.isEmpty {
          // All have said what there is to know: the next call begins elsewhere.
          leave(endpoints[call.order[0]])
          finish(call, .failure(.unreachable(call.why)))
        }
      case .success:
        if member != call.order[0], call.order[0] == current { move(to: member) }
        finish(call, answer)
      case .failure: finish(call, answer)
      }
    }
  }

  private func finish(_ call: EtcdCall, _ answer: Answer) {
    guard let place = calls.firstIndex(where: { $0 === call }) else { return }
    calls.remove(at: place)
    call.hedge?.cancel()
    for connection in call.asked { connection.abandon() }
    (call.hedge, call.asked) = (nil, [])
    call.done(answer)
  }

  /// The members are listed with the nearest first: once in a while looks whether one that stands before the current
  /// one answers again, as quickly as it should, and with a majority behind it.
  private func goBack() {
    guard current > 0, !isProbing, ContinuousClock.now - probedAt >= Self.probeEvery else { return }
    (isProbing, probedAt) = (true, .now)
    let member = probed % current
    probed += 1
    let asked = ContinuousClock.now
    let body = Array(EtcdMessage.range("holdfast", isPrefix: false).compact.utf8)
    begin(
      EtcdCall("/v3/kv/range", body, [member], min(timeout, Self.probeEvery)) { [self] answer in
        isProbing = false
        guard case .success = answer, ContinuousClock.now - asked < Self.probePatience, member < current else { return }
        probed = 0
        move(to: member)
      })
  }

  /// An idle connection was closed by the other side.
  func forget(_ connection: EtcdConnection) { idle.removeAll { $0 === connection } }

  func close() {
    isClosed = true
    for connection in idle { connection.end() }
    for call in calls { finish(call, .failure(.closed)) }
    (idle, movers) = ([], [:])
  }
}

/// A call on its way to one or several members. On the loop's thread only.
private final class EtcdCall {
  let path: String
  let body: [UInt8]
  let done: (EtcdClient.Answer) -> Void
  /// Whom to ask, the first one first.
  let order: [Int]
  let timeout: Duration
  let began = ContinuousClock.now
  /// How often a member was asked, and the connections that have not answered, the oldest first.
  var tries = 0
  var asked: [EtcdConnection] = []
  /// When the next one is asked.
  var hedge: LoopTimer?
  /// Why the last one failed.
  var why = ""

  init(
    _ path: String, _ body: [UInt8], _ order: [Int], _ timeout: Duration, _ done: @escaping (EtcdClient.Answer) -> Void
  ) {
    (self.path, self.body, self.order, self.timeout, self.done) = (path, body, order, timeout, done)
  }
}

/// One connection to etcd with at most one call on it. On the loop's thread only.
final class EtcdConnection: ConnectionHandler {
  let endpoint: HostPort
  private weak var client: EtcdClient?
  private var connection: Connection?
  private var parser = ResponseParser()
  private var head: ResponseHead?
  private var decoder: BodyDecoder?
  private var body: [UInt8] = []
  private var done: ((EtcdClient.Answer, _ isReusable: Bool) -> Void)?
  private var timer: LoopTimer?

  static let bodyBytesMax = 64 << 20

  init(client: EtcdClient, endpoint: HostPort) {
    (self.client, self.endpoint) = (client, endpoint)
    var options = ConnectionOptions()
    options.openTimeout = client.timeout
    connection = client.loop.connect(to: endpoint, options: options, handler: self)
  }

  func send(
    _ path: String, _ body: [UInt8], _ timeout: Duration,
    _ done: @escaping (EtcdClient.Answer, _ isReusable: Bool) -> Void
  ) {
    self.done = done
    timer = connection?.loop.schedule(after: timeout) { [weak self] in self?.fail(.unreachable("no answer in time")) }
    connection?.write(etcdRequest(path, body, endpoint))
  }

  /// Ends the call that is under way, and the connection with it.
  func fail(_ error: CoordinatorError) {
    end()
    finish(.failure(error), isReusable: false)
  }

  func end() { connection?.abort() }

  /// Ends the connection without a word to who waits for its answer.
  func abandon() {
    done = nil
    end()
    finish(.failure(.closed), isReusable: false)
  }

  private func finish(_ answer: EtcdClient.Answer, isReusable: Bool) {
    timer?.cancel()
    (timer, head, decoder, body) = (nil, nil, nil, [])
    guard let done else { return }
    self.done = nil
    done(answer, isReusable)
  }

  func received(_ bytes: RawSpan, on connection: Connection) -> Int {
    guard done != nil else {
      // Nobody asked.
      end()
      return bytes.byteCount
    }
    do throws(HTTPError) {
      var used = 0
      if head == nil {
        guard let head = try parser.parse(bytes) else { return 0 }
        used = head.byteCount
        if head.isInterim { return used }
        self.head = head
        decoder = try BodyDecoder(head.framing, bytesMax: Self.bodyBytesMax)
      }
      used += try decoder?.decode(bytes.extracting(used..<bytes.byteCount), into: &body) ?? 0
      if decoder?.isComplete ?? false { complete() }
      return used
    } catch {
      fail(.unreachable("not HTTP: \(error)"))
      return bytes.byteCount
    }
  }

  private func complete() {
    guard let head else { return }
    guard let json = JSONValue(parsing: body) else { return fail(.unreachable("status \(head.status), not JSON")) }
    guard head.status == 200 else {
      let why = json["error"]?.text ?? json["message"]?.text ?? "status \(head.status)"
      return finish(.failure(.unreachable(why)), isReusable: head.keepsAlive)
    }
    finish(.success(json), isReusable: head.keepsAlive)
  }

  func inputEnded(on connection: Connection) {
    if decoder?.mayEndHere ?? false { complete() }
    connection.close()
  }

  func closed(_ connection: Connection, reason: CloseReason) {
    self.connection = nil
    client?.forget(self)
    finish(.failure(.unreachable(reason.description)), isReusable: false)
  }
}

/// A POST with a JSON body.
func etcdRequest(_ path: String, _ body: [UInt8], _ endpoint: HostPort) -> [UInt8] {
  Array(
    "POST \(path) HTTP/1.1\r\nHost: \(endpoint)\r\nContent-Type: application/json\r\nContent-Length: \(body.count)\r\n\r\n"
      .utf8)
    + body
}
