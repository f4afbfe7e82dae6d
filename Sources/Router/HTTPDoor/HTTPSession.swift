import Budgets
import EventLoop
import HTTP
import Logging
import Octets
import Proto
import RouterCore

/// One connection at the HTTP door: takes requests one after the other, so that pipelined ones are answered, and take
/// effect, in their order.
///
/// Sendable without the compiler's check: everything in it is touched on its connection's loop only.
final class HTTPSession: ConnectionHandler, CallOwner, @unchecked Sendable {
  enum State {
    /// Between requests, or in the middle of a head.
    case head
    /// The head is known, the body comes in pieces. nil: it is an OPTIONS.
    case body(RequestHead, RouteMatch?, BodyDecoder)
    /// Until the answer is written nothing more is taken.
    case working
    case ended
  }

  let loop: RouterLoop
  let connection: Connection
  var engine: Engine { loop.engine }
  var context: DoorContext { loop.context }

  var state = State.head
  private var parser = RequestParser()
  private var isInHead = false
  private var inputHasEnded = false
  private var isShuttingDown = false
  /// `opened` came, which it does not after a failed TLS handshake.
  private var isCounted = false
  /// The head's bytes, while its body comes in pieces; the body so far.
  private var headBytes: [UInt8] = []
  private var bodyBytes: [UInt8] = []
  /// What the connection's budget counts for the body, in bytes.
  private var keptBytes = 0

  /// The request being answered.
  var request = Request()
  /// Of a request for a place: the event in its path.
  var wantedEvent = Bytes()
  /// Of a reservation on the hot path.
  var quick = QuickWords()

  struct Request {
    var route: OperationName?
    var isHead = false
    var keepsAlive = true
    /// HTTP/1.0: an answer says so if the connection goes on.
    var isVersion10 = false
    var startedAt: UInt64 = 0
    /// Taken from the client or made.
    var id: [UInt8] = []
    /// The answer is what the client's key got before.
    var isReplayed = false
    /// What the client said in If-None-Match; empty: nothing.
    var ifNoneMatch: [UInt8] = []
    /// The page that asks is one that may: its origin is `origin`.
    var isCrossOrigin = false
    var origin: [UInt8] = []
    var method = HTTPMethod.get
    var path: [UInt8] = []
  }

  init(loop: RouterLoop, connection: Connection) {
    (self.loop, self.connection) = (loop, connection)
  }

  // MARK: The connection

  func opened(_ connection: Connection) {
    isCounted = true
    loop.metrics.httpConnections += 1
    connection.setDeadline(afterNanoseconds: context.idleTimeout)
  }

  func received(_ bytes: RawSpan, on connection: Connection) -> Int {
    var consumed = 0
    while true {
      let rest = bytes.extracting(consumed..<bytes.byteCount)
      switch state {
      case .working:
        // Whatever follows waits until the answer is written.
        if rest.byteCount > 0 { connection.pauseReading() }
        return consumed
      case .ended: return bytes.byteCount
      case .head:
        guard rest.byteCount > 0, !connection.isOverOutputLimit else { return consumed }
        let used = takeHead(rest)
        if used == 0 { return consumed }
        consumed += used
      case .body(let head, let match, var decoder):
        if rest.byteCount == 0, !decoder.isComplete { return consumed }
        do throws(HTTPError) {
          let used = try decoder.decode(rest, into: &bodyBytes)
          consumed += used
          guard decoder.isComplete else {
            state = .body(head, match, decoder)
            keepBody(headBytes.count + bodyBytes.count)
            if used == 0 { return consumed }
            continue
          }
          state = .working
          var (message, body): ([UInt8], [UInt8]) = ([], [])
          swap(&message, &headBytes)
          swap(&body, &bodyBytes)
          keepBody(0)
          guard let match else {
            answerOptions(head, in: message.rawSpan)
            continue
          }
          if match.route == .createEvent, body.count >= Self.largeBodyBytes {
            createLarge(head, message.rawSpan, body)
          } else {
            dispatch(head, match, message.rawSpan, body.rawSpan)
          }
        } catch {
          refuseAndEnd(Problem(error))
        }
      }
    }
  }

  func inputEnded(on connection: Connection) {
    inputHasEnded = true
    if case .working = state { return }
    connection.close()
  }

  func shuttingDown(_ connection: Connection) {
    isShuttingDown = true
    // A request may be on its way already: it is answered, and its answer says that it is the last. Who asks nothing
    // more is not waited for.
    if case .head = state, !isInHead { connection.setDeadline(after: loop.lastRequestWithin) }
  }

  /// Whether the answer that is being written is the connection's last.
  var isLastAnswer: Bool { !request.keepsAlive || isShuttingDown }

  func deadlinePassed(on connection: Connection) {
    switch state {
    case .head where !isInHead: connection.close(reason: .deadline)
    case .head, .body:
      request.startedAt = engine.nowNanoseconds
      refuseAndEnd(Problem(408, "timeout", "The request did not come in time."))
    case .working, .ended: break
    }
  }

  /// All connections together keep too much, and this one has kept some for the longest time.
  func memoryIsShort(_ connection: Connection) {
    switch state {
    case .head where !isInHead, .working, .ended: connection.abort(reason: .memory)
    case .head, .body:
      (headBytes, bodyBytes) = ([], [])
      request.startedAt = engine.nowNanoseconds
      refuseAndEnd(.busy("Too many requests are unfinished."))
    }
  }

  /// So much of a body is kept now.
  func keepBody(_ byteCount: Int, isPinned: Bool = false) {
    if byteCount == keptBytes, !isPinned { return }
    keptBytes = byteCount
    connection.setHeldInput(byteCount: byteCount, isPinned: isPinned)
  }

  func closed(_ connection: Connection, reason: CloseReason) {
    if isCounted { loop.metrics.httpConnections -= 1 }
    state = .ended
  }

  // MARK: Over the limit of connections

  /// The answer to any request on a connection over the limit.
  private static let isFull: Problem = {
    var problem = Problem(503, "too_many_connections", "Too many connections are open; nothing happened.")
    problem.retryAfter = 1
    return problem
  }()

  /// The same, for one that cannot even be read from.
  static func fullAnswer(_ crossOrigin: CrossOrigin) -> [UInt8] {
    var body: [UInt8] = []
    isFull.write(into: &body)
    let head =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 1\r\n"
      + "\(crossOrigin.commonLines)Connection: close\r\nContent-Length: \(body.count)\r\n\r\n"
    return Array(head.utf8) + body
  }

  // MARK: Taking a request

  /// Takes a head, and its body if that is all there. Returns how many bytes were used; 0: more must come.
  private func takeHead(_ input: RawSpan) -> Int {
    let head: RequestHead
    do throws(HTTPError) {
      guard let parsed = try parser.parse(input) else {
        if !isInHead {
          isInHead = true
          connection.setDeadline(after: context.headerTimeout)
        }
        return 0
      }
      head = parsed
    } catch {
      beginRequest(nil, in: input)
      refuseAndEnd(Problem(error))
      return input.byteCount
    }
    isInHead = false
    beginRequest(head, in: input)
    let match: RouteMatch?
    do throws(Problem) {
      let found = head.method == .options ? nil : try route(head, in: input)
      if let found {
        if connection.isGuest, !found.route.traits.isForOperators { throw Self.isFull }
        if let absence = loop.absence, !found.route.traits.isForOperators { throw .busy(absence.detail) }
        switch found.route.verdict {
        case .allowed: break
        }
      }
      match = found
      try checkBody(head, match?.route.traits ?? RouteTraits(), in: input)
    } catch {
      return refuse(error, head, in: input)
    }
    if let place = head.bodyInPlace(in: input) {
      state = .working
      if let match { dispatch(head, match, input, input.extracting(place)) } else { answerOptions(head, in: input) }
      return place.upperBound
    }
    if case .length(let length) = head.framing, length >= Self.largeBodyBytes, !context.inputBudget.admits(length) {
      refuseAndEnd(.busy("Too many large bodies are on their way."))
      return input.byteCount
    }
    do throws(HTTPError) {
      let decoder = try BodyDecoder(head.framing, bytesMax: (match?.route.traits ?? RouteTraits()).bodyBytesMax)
      headBytes = Bytes(input.extracting(0..<head.byteCount)).array
      bodyBytes = []
      // At once, because growing copies; memory that is not written to costs nothing.
      if case .length(let length) = head.framing { bodyBytes.reserveCapacity(length) }
      if head.expectsContinue, input.byteCount == head.byteCount { connection.write { $0.putContinue() } }
      state = .body(head, match, decoder)
      connection.setDeadline(after: context.bodyTimeout)
      return head.byteCount
    } catch {
      refuseAndEnd(Problem(error))
      return input.byteCount
    }
  }

  private func beginRequest(_ head: RequestHead?, in input: RawSpan) {
    request.startedAt = engine.nowNanoseconds
    request.route = nil
    request.isHead = head?.method == .head
    request.method = head?.method ?? .other
    request.keepsAlive = head?.keepsAlive == true && !connection.isGuest
    request.isVersion10 = head?.isVersion11 == false
    request.ifNoneMatch.removeAll(keepingCapacity: true)
    request.origin.removeAll(keepingCapacity: true)
    request.isCrossOrigin = false
    request.isReplayed = false
    request.id.removeAll(keepingCapacity: true)
    if let head {
      if !head.requestID.isAbsent, head.requestID.bytes(in: input).isRequestID {
        request.id.put(head.requestID.bytes(in: input))
      }
      if !head.ifNoneMatch.isAbsent { request.ifNoneMatch.put(head.ifNoneMatch.bytes(in: input)) }
      if !head.origin.isAbsent, context.crossOrigin.allows(head.origin.bytes(in: input)) {
        request.origin.put(head.origin.bytes(in: input))
        request.isCrossOrigin = true
      }
      if context.logsRequests {
        request.path.removeAll(keepingCapacity: true)
        request.path.put(head.path.bytes(in: input))
      }
    } else {
      request.path.removeAll()
    }
    if request.id.isEmpty { request.id.putHex(engine.random.next()) }
  }

  private func route(_ head: RequestHead, in input: RawSpan) throws(Problem) -> RouteMatch {
    switch RouteMatch.find(head.method, head.path, in: input) {
    case .found(let match):
      request.route = match.route
      return match
    case .otherMethods(let routes):
      allowed = routes
      throw Problem(405, "method_not_allowed", "The path does not have this method; see Allow.")
    case .none: throw Self.noSuchRoute
    }
  }

  static var noSuchRoute: Problem { Problem(404, "no_such_route", "There is no such path.") }

  /// Of a 405: what would have been allowed.
  var allowed: [OperationName] = []

  /// What can be said about a body before it is read.
  private func checkBody(_ head: RequestHead, _ call: RouteTraits, in input: RawSpan) throws(Problem) {
    if case .length(let length) = head.framing, length > call.bodyBytesMax { throw Problem(HTTPError.bodyTooLarge) }
    // A call without fields may come with a body that says nothing: see `RequestBodies.none`.
    guard call.takesBody else { return }
    guard head.hasLength else {
      throw Problem(411, "length_required", "The body needs a Content-Length or Transfer-Encoding: chunked.")
    }
    if !head.contentEncoding.isAbsent, !head.contentEncoding.bytes(in: input).isExactly("identity") {
      throw Problem(415, "unsupported_media_type", "Bodies are not encoded.", field: "Content-Encoding")
    }
    guard head.contentType.isAbsent || head.contentType.isMediaType("application/json", in: input) else {
      throw Problem(415, "unsupported_media_type", "The body is application/json.", field: "Content-Type")
    }
  }

  /// Refuses a request whose framing is sound. The connection goes on if the body is all there.
  private func refuse(_ problem: Problem, _ head: RequestHead, in input: RawSpan) -> Int {
    if problem.status != 413, let place = head.bodyInPlace(in: input) {
      state = .working
      respond(problem)
      return place.upperBound
    }
    refuseAndEnd(problem)
    return input.byteCount
  }

  /// Answers and closes: what follows cannot be told apart.
  func refuseAndEnd(_ problem: Problem) {
    request.keepsAlive = false
    state = .working
    respond(problem)
  }

  // MARK: After an answer

  /// The answer is written: on to the next request, or the end.
  func answered(_ status: Int) {
    loop.metrics.countHTTP(
      request.route, request.method, status: status, since: request.startedAt, now: engine.nowNanoseconds)
    if context.logsRequests { logRequest(status) }
    guard case .working = state else { return }
    if keptBytes > 0 { keepBody(0) }
    if isLastAnswer || inputHasEnded {
      state = .ended
      connection.close()
      return
    }
    state = .head
    connection.setDeadline(afterNanoseconds: context.idleTimeout)
    if connection.isReadingPaused { connection.resumeReading() }
  }

  private func logRequest(_ status: Int) {
    loop.log.info("request") {
      $0.field("id", Bytes(request.id))
      $0.field("method", "\(request.method)")
      $0.field("path", Bytes(request.path))
      $0.field("status", status)
      $0.field("microseconds", (engine.nowNanoseconds &- request.startedAt) / 1_000)
      $0.field("peer", connection.peerText)
    }
  }
}

extension RawSpan {
  /// 1 to 128 visible ASCII characters.
  fileprivate var isRequestID: Bool {
    guard (1...128).contains(byteCount) else { return false }
    for offset in 0..<byteCount {
      // Safe: the offset is below the count.
      let byte = unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      if byte <= 0x20 || byte > 0x7E { return false }
    }
    return true
  }
}

extension [UInt8] {
  /// Sixteen hexadecimal digits.
  mutating func putHex(_ value: UInt64) {
    putPiece(bytesMax: 16) {
      $0.put(Self.hexDigits(value >> 32).bigEndian)
      $0.put(Self.hexDigits(value & 0xFFFF_FFFF).bigEndian)
    }
  }

  /// Thirty-two bits as eight digits, the first in the highest byte: every answer carries an id of sixteen.
  private static func hexDigits(_ value: UInt64) -> UInt64 {
    // Four bits into each byte: halves, quarters, eighths.
    var digits = (value & 0xFFFF) | (value >> 16) << 32
    digits = (digits & 0x0000_00FF_0000_00FF) | (digits >> 8 & 0x0000_00FF_0000_00FF) << 16
    digits = (digits & 0x000F_000F_000F_000F) | (digits >> 4 & 0x000F_000F_000F_000F) << 8
    // 1 in each byte that is 10 or more and becomes a letter.
    let letters = (digits &+ 0x7676_7676_7676_7676) >> 7 & 0x0101_0101_0101_0101
    return digits &+ 0x3030_3030_3030_3030 &+ letters &* 39
  }
}
