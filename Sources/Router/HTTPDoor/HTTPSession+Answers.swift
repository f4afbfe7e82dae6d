import EventLoop
import HTTP
import JSON
import Octets
import Plan
import Proto
import RESP
import RouterCore

/// Writing answers.
extension HTTPSession {
  /// Status line and the headers that every answer has.
  func putHead(_ status: Int, into out: inout [UInt8]) {
    out.putStatus(status)
    out.putLines(isLastAnswer ? loop.commonLines : loop.goingOnLines)
    out.putText("X-Request-Id: ")
    out.append(contentsOf: request.id)
    out.putLineEnd()
    if isLastAnswer {
      out.putText("Connection: close\r\n")
    } else if request.isVersion10 {
      out.putText("Connection: keep-alive\r\n")
    }
    if request.isReplayed { out.putText("Idempotent-Replayed: true\r\n") }
    if request.isCrossOrigin { context.crossOrigin.putLines(for: request.origin, into: &out) }
  }

  /// An answer with a JSON body.
  func respond(
    _ status: Int, type: StaticString = "application/json", headers: (inout [UInt8]) -> Void = { _ in },
    body: (inout [UInt8]) -> Void
  ) {
    connection.write { out in
      putHead(status, into: &out)
      out.putHeader("Content-Type", type)
      headers(&out)
      let mark = out.beginBody()
      body(&out)
      out.endBody(mark, isHead: request.isHead)
    }
    answered(status)
  }

  /// An answer without a body: 204, 304.
  func respond(empty status: Int, headers: (inout [UInt8]) -> Void = { _ in }) {
    connection.write { out in
      putHead(status, into: &out)
      headers(&out)
      out.endHeaders()
    }
    answered(status)
  }

  func respond(_ problem: Problem) {
    respond(
      problem.status, type: "application/problem+json",
      headers: { out in
        if let seconds = problem.secondsToWait(at: wallClock()) { out.putHeader("Retry-After", seconds) }
        if problem.status == 405 { out.putAllow(allowed) }
      }, body: { problem.write(into: &$0) })
  }

  func answerOptions(_ head: RequestHead, in input: RawSpan) {
    let routes: [OperationName]
    if head.isServerWide {
      routes = [.createEvent, .listEvents, .release]
    } else {
      switch RouteMatch.find(.other, head.path, in: input) {
      case .otherMethods(let found): routes = found
      case .found, .none: return respond(Problem(404, "no_such_route", "There is no such path."))
      }
    }
    let isPreflight = request.isCrossOrigin && !head.requestMethod.isAbsent
    respond(empty: 204) { out in
      out.putAllow(routes)
      if isPreflight {
        out.putText("Access-Control-Allow-Methods: ")
        out.putMethods(routes)
        out.putText("\r\n")
        // Every header is harmless here, and who traces requests adds others tomorrow.
        if !head.requestHeaders.isAbsent {
          out.putHeader("Access-Control-Allow-Headers", bytes: head.requestHeaders.bytes(in: input))
        }
        out.putText("Access-Control-Max-Age: 86400\r\n")
      }
    }
  }

  // MARK: Results of calls

  func ended(_ call: Call, with result: CallResult) {
    request.isReplayed = call.isReplayed
    if case .refused(let refusal) = result, case .reserve(let reservation) = call.operation {
      return respond(Problem(refusal, queueOf: reservation.event))
    }
    ended(result)
  }

  func ended(_ result: CallResult) {
    switch result {
    case .created(let new, let ref, let version):
      respond(
        201,
        headers: { out in
          out.putLocation("/v1/events/", new.summary.id)
          out.putEntityTag(ref, version)
        },
        body: {
          EventDocument.write(
            new.summary, version: version, availability: new.availability, warnings: new.warnings, into: &$0)
        })
    case .held(let event, let held, let buyer, let seats, let areas):
      respond(200) { $0.putHeld(event, held, buyer: buyer, seats: seats, areas: areas) }
    case .hold(let event, let info): respond(200) { $0.putHold(event, info) }
    case .order(let event, let order):
      if request.route == .hold { return respond(200) { $0.putHold(event, of: order) } }
      guard request.route == .checkout else { return respond(200) { $0.putOrder(event, order) } }
      respond(
        202, headers: { $0.putLocation("/v1/orders/", Bytes(order.order.description)) },
        body: { $0.putOrder(event, order) })
    case .orders(let event, let orders, let next): respond(200) { $0.putOrders(event, orders, next: next) }
    case .holds(let event, let holds, let next): respond(200) { $0.putHolds(event, holds, next: next) }
    case .released, .deleted: respond(empty: 204)
    case .blocked(let event, let version, let changed):
      respond(200) { out in
        out.putJSON("{\"event\":")
        out.putJSONString(bytes: event.id)
        out.putJSON(",\"version\":")
        out.putJSON(version)
        out.putJSON(",\"changed\":")
        out.putJSON(changed)
        out.putJSON("}")
      }
    case .event(let event, let version, let counts):
      respondTagged(event.ref, version) {
        let (definition, isPaused) = event.current
        EventDocument.write(definition, isPaused: isPaused, version: version, availability: counts, into: &$0)
      }
    case .plan(let event): putPlan(event)
    case .seats(let event, let version, _, let body):
      respondTagged(
        event.ref, version, headers: { $0.putText("Age: 0\r\n") },
        prefix: { SeatMapDocument.writeHead(event.id, version: version, into: &$0) }, shared: body)
    case .copy(let event): if !serveFresh(.seats, event) { respond(Problem(.unavailable)) }
    case .availability(let event, let version, let counts):
      respondTagged(event.ref, version, headers: { $0.putText("Age: 0\r\n") }) {
        AvailabilityDocument.write(event.current.definition, version: version, availability: counts, into: &$0)
      }
    case .queue(let info):
      respond(200, headers: { $0.putText("Cache-Control: public, max-age=1\r\n") }, body: { $0.putQueue(info) })
    case .place(let info): answer(info)
    case .placeGivenUp: respond(empty: 204)
    case .events(let events, let next): respond(200) { $0.putEvents(events, next: next) }
    case .seat: respond(Problem(.unknown))
    case .refused(let refusal): respond(Problem(refusal))
    }
  }

  /// A place is its buyer's own: nobody keeps the answer on the way.
  private func answer(_ info: PlaceInfo) {
    if request.route == .place, info.queue.eventID != wantedEvent { return respond(Problem(.noSuchPlace)) }
    let now = wallClock()
    let pass = loop.passes.token(for: info, context.passKeys, at: now)
    if request.route == .joinQueue {
      return respond(
        202,
        headers: { out in
          out.putText("Location: /v1/events/")
          out.append(contentsOf: info.queue.eventID.array)
          out.putText("/queue/")
          info.place.write(into: &out)
          out.putText("\r\nCache-Control: no-store\r\n")
        }, body: { $0.putPlace(info, pass: pass, at: now) })
    }
    respond(
      200, headers: { $0.putText("Cache-Control: no-store\r\n") }, body: { $0.putPlace(info, pass: pass, at: now) })
  }

  private func putPlan(_ event: EventEntry) {
    // Seats and their places never change, prices may.
    let cacheable = { (out: inout [UInt8]) in out.putText("Cache-Control: public, max-age=60\r\n") }
    let version = event.termsVersion
    // Nothing has to be made for a client that has it.
    if hasTag(event.ref, version) { return respondTagged(event.ref, version, headers: cacheable) { _ in } }
    respondTagged(event.ref, version, headers: cacheable, shared: event.planBody())
  }

  /// As below, with a body that other connections are sent too; `prefix` writes what stands before it.
  func respondTagged(
    _ ref: EventRef, _ version: UInt64, headers: (inout [UInt8]) -> Void, prefix: (inout [UInt8]) -> Void = { _ in },
    shared: SharedBody
  ) {
    if hasTag(ref, version) { return respondTagged(ref, version, headers: headers) { _ in } }
    connection.write { out in
      putHead(200, into: &out)
      out.putHeader("Content-Type", "application/json")
      out.putEntityTag(ref, version)
      headers(&out)
      let mark = out.beginBody()
      prefix(&out)
      out.endBody(mark, isHead: request.isHead, following: shared.byteCount)
    }
    if !request.isHead { connection.write(shared.pieces) }
    answered(200)
  }

  /// 200 with an entity tag, or 304 if the client has it.
  func respondTagged(
    _ ref: EventRef, _ version: UInt64, headers: (inout [UInt8]) -> Void = { _ in }, body: (inout [UInt8]) -> Void
  ) {
    if hasTag(ref, version) {
      respond(empty: 304) { out in
        out.putEntityTag(ref, version)
        headers(&out)
      }
    } else {
      respond(
        200,
        headers: { out in
          out.putEntityTag(ref, version)
          headers(&out)
        }, body: body)
    }
  }

  /// Whether the client's If-None-Match names this version.
  func hasTag(_ ref: EventRef, _ version: UInt64) -> Bool {
    guard !request.ifNoneMatch.isEmpty else { return false }
    loop.scratch.removeAll(keepingCapacity: true)
    loop.scratch.putTag(ref, version)
    let (tag, list) = (loop.scratch, request.ifNoneMatch)
    return ByteRange(0, list.count).matches(entityTag: tag.rawSpan, in: list.rawSpan)
  }
}

extension [UInt8] {
  /// `"<incarnation>-<version>"`.
  mutating func putTag(_ ref: EventRef, _ version: UInt64) {
    append(UInt8(ascii: "\""))
    putHex(ref.incarnation)
    append(UInt8(ascii: "-"))
    putJSON(version)
    append(UInt8(ascii: "\""))
  }

  mutating func putEntityTag(_ ref: EventRef, _ version: UInt64) {
    putText("ETag: ")
    putTag(ref, version)
    putLineEnd()
  }

  fileprivate mutating func putLocation(_ path: StaticString, _ id: Bytes) {
    putText("Location: ")
    putText(path)
    append(contentsOf: id.array)
    putLineEnd()
  }
}
