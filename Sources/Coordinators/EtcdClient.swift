internal import ClusterMap
internal import EventLoop
internal import HTTP
internal import Proto

/// Calls of etcd's JSON gateway (`/v3/…`), over connections of one loop, which are kept and used again.
///
/// Each call goes to the endpoint that answered last; if it does not answer there, to the next one, once round. That is
/// safe for every call we make: a proposal carries its revision and its id, so sending it twice cannot let it win
/// twice.
///
/// Sendable without the compiler's check: everything is touched on the loop's thread only.
final class EtcdClient: @unchecked Sendable {
  typealias Answer = Result<JSONValue, CoordinatorError>

  let loop: EventLoop
  private let endpoints: [HostPort]
  /// For one try at one endpoint.
  let timeout: Duration
  private var current = 0
  private var idle: [EtcdConnection] = []
  private var busy: [EtcdConnection] = []
  private var isClosed = false

  /// More at once are refused: the map has few writers.
  private static let callsMax = 1_024
  private static let idleMax = 8

  init(loop: EventLoop, endpoints: [HostPort], timeout: Duration) {
    (self.loop, self.endpoints, self.timeout) = (loop, endpoints, timeout)
  }

  var endpoint: HostPort { endpoints[current % endpoints.count] }

  /// Goes to the next endpoint, if `failed` is still the current one.
  func leave(_ failed: HostPort) {
    if endpoint == failed { current = (current + 1) % endpoints.count }
  }

  /// Calls `done` once.
  func call(_ path: String, _ body: JSONValue, _ done: @escaping (Answer) -> Void) {
    // One more than there are endpoints: a kept connection may have died unnoticed.
    attempt(path, Array(body.compact.utf8), left: endpoints.count + 1, done)
  }

  private func attempt(_ path: String, _ body: [UInt8], left: Int, _ done: @escaping (Answer) -> Void) {
    guard !isClosed else { return done(.failure(.closed)) }
    guard busy.count < Self.callsMax else { return done(.failure(.unreachable("too many calls at once"))) }
    let endpoint = endpoint
    let fresh = idle.isEmpty || idle.last?.endpoint != endpoint
    let connection = fresh ? EtcdConnection(client: self, endpoint: endpoint) : idle.removeLast()
    busy.append(connection)
    connection.send(path, body, timeout) { [self] answer, isReusable in
      busy.removeAll { $0 === connection }
      if isReusable, !isClosed, idle.count < Self.idleMax { idle.append(connection) } else { connection.end() }
      switch answer {
      case .success: done(answer)
      case .failure(.unreachable(let why)):
        if fresh { leave(endpoint) }
        // A fresh connection to the only endpoint has said all there is to know.
        let left = fresh && endpoints.count == 1 ? 0 : left - 1
        if left > 0 {
          attempt(path, body, left: left, done)
        } else {
          done(.failure(.unreachable("etcd at \(endpoint): \(why)")))
        }
      case .failure: done(answer)
      }
    }
  }

  /// An idle connection was closed by the other side.
  func forget(_ connection: EtcdConnection) { idle.removeAll { $0 === connection } }

  func close() {
    isClosed = true
    for connection in idle { connection.end() }
    for connection in busy { connection.fail(.closed) }
    idle = []
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
