import Budgets
import EventLoop
import Flags
import HTTP
import JSON
import Octets
import Passes
import Plan
import Proto
import RESP
import RouterCore
import Threads

/// From a whole request to a call, or to an answer that needs none.
extension HTTPSession {
  /// Bodies from here on are read on another thread (a plan of 32 MiB takes a second), and only while there is room for
  /// them.
  static let largeBodyBytes = 64 << 10

  func dispatch(_ head: RequestHead, _ match: RouteMatch, _ message: RawSpan, _ body: RawSpan) {
    do throws(Problem) {
      try dispatchChecked(head, match, message, body)
    } catch {
      respond(error)
    }
  }

  private func dispatchChecked(
    _ head: RequestHead, _ match: RouteMatch, _ message: RawSpan, _ body: RawSpan
  ) throws(Problem) {
    if !head.query.isAbsent, match.route.queryNames.isEmpty {
      // A call that knows no parameter names those that it was given.
      try parameters(head, message) { (_: NoParameter, _) in }
    }
    if !match.route.traits.takesBody { try RequestBodies.none(body) }
    switch match.route {
    case .reserve:
      if head.pass.isAbsent, reserveQuickly(head, message, body) { return }
      let key = try idempotencyKey(head, message)
      var (reservation, token) = try RequestBodies.reservation(body)
      if !head.pass.isAbsent { token = Bytes(head.pass.bytes(in: message)) }
      if !token.isEmpty { reservation.pass = try place(of: token, reservation) }
      start(.reserve(reservation), key: key)
    case .seats, .availability: try read(head, match, message)
    case .plan:
      start(.plan(try eventID(match, message)))
    case .event:
      start(.event(try eventID(match, message)))
    case .setEvent:
      let id = try eventID(match, message)
      start(.setEvent(id, try RequestBodies.terms(body)), key: try idempotencyKey(head, message))
    case .blockSeats:
      let id = try eventID(match, message)
      let (seats, areas, isBlocked) = try RequestBodies.blocks(body)
      start(
        .blockSeats(id, seats: seats, areas: areas, isBlocked: isBlocked), key: try idempotencyKey(head, message))
    case .deleteEvent:
      let id = try eventID(match, message)
      var isForced = false
      try parameters(head, message) { (parameter: DeleteParameter, value) throws(Problem) in
        switch parameter {
        case .force:
          isForced = value == "true"
          guard isForced || value == "false" else { throw .badRequest("force is true or false.", field: "force") }
        }
      }
      start(.deleteEvent(id, isForced: isForced), key: try idempotencyKey(head, message))
    case .listEvents: try list(head, message)
    case .listOrders: try listOrders(head, match, message)
    case .listHolds: try listHolds(head, match, message)
    case .createEvent: try createEvent(try idempotencyKey(head, message), body)
    case .hold:
      let hold: HoldID = try id(match, message, .hold)
      start(.hold(hold))
    case .release:
      let hold: HoldID = try id(match, message, .hold)
      start(.onHold(hold, .release), key: try idempotencyKey(head, message))
    case .extend:
      let hold: HoldID = try id(match, message, .hold)
      let ttl = try RequestBodies.extend(body)
      start(.onHold(hold, .extend(ttl: ttl)), key: try idempotencyKey(head, message))
    case .checkout:
      let (hold, reference) = try RequestBodies.checkout(body)
      start(.onHold(hold, .checkout(secret: 0, reference: reference)), key: try idempotencyKey(head, message))
    case .order:
      let order: OrderID = try id(match, message, .order)
      start(.order(order))
    case .confirm:
      let order: OrderID = try id(match, message, .order)
      start(.onOrder(order, .confirm), key: try idempotencyKey(head, message))
    case .cancel:
      let order: OrderID = try id(match, message, .order)
      start(.onOrder(order, .cancel), key: try idempotencyKey(head, message))
    case .joinQueue:
      let event = try eventID(match, message)
      start(.onQueue(event, .join(buyer: try RequestBodies.join(body))), key: try idempotencyKey(head, message))
    case .queue: start(.queue(try eventID(match, message)))
    case .controlQueue:
      let event = try eventID(match, message)
      start(.onQueue(event, .control(try RequestBodies.control(body))), key: try idempotencyKey(head, message))
    case .place: start(.place(try placeID(match, message)))
    case .leavePlace: start(.leavePlace(try placeID(match, message)), key: try idempotencyKey(head, message))
    case .root:
      respond(200, headers: { $0.putText("Link: </openapi.json>; rel=\"service-desc\"\r\n") }) { out in
        out.putJSON("{\"name\":\"holdfast\",\"version\":\"")
        out.putText(Version.current)
        out.putJSON("\",\"description\":\"/openapi.json\",\"health\":\"/healthz\",\"ready\":\"/readyz\"")
        out.putJSON(",\"metrics\":\"/metrics\"}")
      }
    case .healthz:
      respond(200) { out in
        out.putJSON("{\"status\":\"ok\",\"version\":\"")
        out.putText(Version.current)
        out.putJSON("\"}")
      }
    case .readyz: answerReady()
    case .metrics: loop.collectMetrics { [self] metrics in answerMetrics(metrics) }
    case .passKeys:
      let now = wallClock()
      let keys = context.passKeys.value.withLock { $0.keySet(at: now) }
      respond(200, headers: { $0.putText("Cache-Control: public, max-age=60\r\n") }) {
        $0.append(contentsOf: keys.utf8)
      }
    case .openapi: respond(200) { $0.append(contentsOf: OpenAPI.document.utf8) }
    case .seat: throw Self.noSuchRoute
    }
  }

  func start(_ operation: Operation, key: Bytes = "") {
    engine.start(
      Call(
        operation, key: key, owner: self, number: 0, deadline: engine.deadline, startedAt: request.startedAt))
  }

  // MARK: Parameters

  private func idempotencyKey(_ head: RequestHead, _ message: RawSpan) throws(Problem) -> Bytes {
    guard !head.idempotencyKey.isAbsent else { return Bytes() }
    let key = head.idempotencyKey.bytes(in: message)
    guard key.isIdempotencyKey else {
      throw .badRequest("An Idempotency-Key is 1 to 255 printable ASCII characters.", field: "Idempotency-Key")
    }
    return Bytes(key)
  }

  /// The path's parameter, decoded.
  private func parameter(_ match: RouteMatch, _ message: RawSpan) throws(Problem) -> Bytes {
    var decoded: [UInt8] = []
    do throws(HTTPError) {
      try match.parameter.percentDecoded(in: message, into: &decoded)
    } catch {
      throw .badRequest(Bytes(error.detail))
    }
    return Bytes(decoded)
  }

  private func eventID(_ match: RouteMatch, _ message: RawSpan) throws(Problem) -> Bytes {
    let id = try parameter(match, message)
    guard Names.isEventID(id.rawSpan) else { throw Problem(.event, id) }
    return id
  }

  private func id<ID: ShardedID>(
    _ match: RouteMatch, _ message: RawSpan, _ wanted: BadID
  ) throws(Problem) -> ID {
    let text = try parameter(match, message)
    guard let id = ID(text: text.rawSpan) else { throw Problem(wanted, text) }
    return id
  }

  /// The place whose pass came with a reservation.
  private func place(of token: Bytes, _ reservation: Reservation) throws(Problem) -> PlaceID {
    do throws(PassBook.Fault) {
      return try loop.passes.place(
        of: token, event: reservation.event, buyer: reservation.buyer, context.passKeys, at: wallClock())
    } catch {
      switch error {
      case .foreign: throw Problem(.passForeign, queueOf: reservation.event)
      case .expired: throw Problem(.passExpired, queueOf: reservation.event)
      }
    }
  }

  /// A place of the queue that the path names: an event's shard is its places' shard.
  private func placeID(_ match: RouteMatch, _ message: RawSpan) throws(Problem) -> PlaceID {
    let event = try eventID(RouteMatch(route: match.route, parameter: match.outer), message)
    let place: PlaceID = try id(match, message, .place)
    guard engine.shard(of: event) == place.shard else { throw Problem(.noSuchPlace) }
    wantedEvent = event
    return place
  }

  /// Calls `body` with each of the query's parameters; an unknown one is refused with its name.
  func parameters<Parameter: QueryParameter>(
    _ head: RequestHead, _ message: RawSpan, _ body: (Parameter, Bytes) throws(Problem) -> Void
  ) throws(Problem) {
    guard !head.query.isAbsent else { return }
    var query = QueryParameters(head.query, in: message)
    var name: [UInt8] = []
    var value: [UInt8] = []
    var seen: [Parameter] = []
    while true {
      do throws(HTTPError) {
        guard try query.next(name: &name, value: &value) else { return }
      } catch {
        throw .badRequest(Bytes(error.detail))
      }
      guard let parameter = Parameter.allCases.first(where: { $0.rawValue.utf8.elementsEqual(name) }) else {
        throw .badRequest("There is no such query parameter.", field: Bytes(name))
      }
      if seen.contains(parameter) { throw .badRequest("A query parameter stands twice.", field: Bytes(name)) }
      seen.append(parameter)
      try body(parameter, Bytes(value))
    }
  }

  private func limit(_ value: Bytes) throws(Problem) -> Int {
    guard let number = value.rawSpan.decimal, (1...1_000).contains(number) else {
      throw .badRequest("limit is a number from 1 to 1000.", field: "limit")
    }
    return Int(number)
  }

  /// A cursor of this list; an empty one is the first page's.
  private func position(_ value: Bytes, of list: OperationName, _ event: Bytes) throws(Problem) -> UInt32 {
    if value.isEmpty { return 0 }
    guard let position = ListCursor.position(value, of: list, event) else {
      throw .badRequest("cursor is what next_cursor said for the same list.", field: "cursor")
    }
    return position
  }

  private func name(_ value: Bytes, field: StaticString) throws(Problem) -> Bytes {
    guard Names.isName(value.rawSpan) else {
      throw .badRequest("It is 1 to 128 bytes of printable UTF-8.", field: Bytes(field.description))
    }
    return value
  }

  private func listOrders(_ head: RequestHead, _ match: RouteMatch, _ message: RawSpan) throws(Problem) {
    let event = try eventID(match, message)
    var filter = OrderFilter()
    var (limit, cursor) = (100, UInt32(0))
    try parameters(head, message) { (parameter: OrderListParameter, value) throws(Problem) in
      switch parameter {
      case .buyer: filter.buyer = try name(value, field: "buyer")
      case .status:
        filter.status = OrderStatus.allCases.first { $0.name.description.utf8.elementsEqual(value.array) }
        guard filter.status != nil else {
          throw .badRequest(
            "status is pending_payment, confirmed, cancelled, expired or refunded.", field: "status")
        }
      case .reference: filter.reference = try name(value, field: "reference")
      case .limit: limit = try self.limit(value)
      case .cursor: cursor = try position(value, of: .listOrders, event)
      }
    }
    start(.orders(event, filter, after: cursor, limit: limit))
  }

  private func listHolds(_ head: RequestHead, _ match: RouteMatch, _ message: RawSpan) throws(Problem) {
    let event = try eventID(match, message)
    var buyer = Bytes()
    var (limit, cursor) = (100, UInt32(0))
    try parameters(head, message) { (parameter: HoldListParameter, value) throws(Problem) in
      switch parameter {
      case .buyer: buyer = try name(value, field: "buyer")
      case .limit: limit = try self.limit(value)
      case .cursor: cursor = try position(value, of: .listHolds, event)
      }
    }
    guard !buyer.isEmpty else { throw .badRequest("The buyer whose holds are wanted is missing.", field: "buyer") }
    start(.holds(event, buyer: buyer, after: cursor, limit: limit))
  }

  private func list(_ head: RequestHead, _ message: RawSpan) throws(Problem) {
    var limit = 100
    var cursor = Bytes()
    try parameters(head, message) { (parameter: EventListParameter, value) throws(Problem) in
      switch parameter {
      case .limit: limit = try self.limit(value)
      case .cursor:
        guard value.isEmpty || Names.isEventID(value.rawSpan) else {
          throw .badRequest("cursor is what next_cursor said.", field: "cursor")
        }
        cursor = value
      }
    }
    start(.events(after: cursor, limit: limit))
  }

  // MARK: Creating events

  private func createEvent(_ key: Bytes, _ body: RawSpan) throws(Problem) {
    if body.byteCount >= Self.largeBodyBytes { return createElsewhere(key, Bytes(body).array) }
    do throws(PlanError) {
      create(NewEvent(try EventDocument.parse(body), otherwise: newEventID(key), keyBytes: key.count), key)
    } catch {
      throw Problem(error)
    }
  }

  /// A large event whose body was collected: it is not copied again.
  func createLarge(_ head: RequestHead, _ message: RawSpan, _ body: [UInt8]) {
    do throws(Problem) {
      createElsewhere(try idempotencyKey(head, message), body)
    } catch {
      respond(error)
    }
  }

  /// Reads the body on another thread, where the definition is let go of again, too: a million small arrays.
  private func createElsewhere(_ key: Bytes, _ body: [UInt8]) {
    let session = self
    // Counted for as long as it is there, whatever becomes of the connection.
    let budget = context.inputBudget
    budget.add(body.count)
    let id = newEventID(key)
    let isTaken = context.plans.run {
      let result = Result { () throws(PlanError) in
        NewEvent(try EventDocument.parse(body.rawSpan), otherwise: id, keyBytes: key.count)
      }
      budget.add(-body.count)
      session.loop.loop.submit {
        guard case .working = session.state else { return }
        switch result {
        case .success(let new):
          // Until the answer it is in the call, in the frame to the node, and on its way there.
          session.keepBody(3 * new.encoding.byteCount, isPinned: true)
          session.create(new, key)
        case .failure(let error): session.respond(Problem(error))
        }
      }
    }
    if isTaken { return }
    budget.add(-body.count)
    respond(.busy("Too many events are being created."))
  }

  private func create(_ new: NewEvent, _ key: Bytes) {
    guard case .working = state else { return }
    start(.createEvent(new), key: key)
  }

  /// An id for an event that was given none: the same for the same key, so that a retry means the same event.
  private func newEventID(_ key: Bytes) -> Bytes {
    let high: UInt64
    let low: UInt64
    if key.isEmpty {
      (high, low) = (engine.random.next(), engine.random.next())
    } else {
      high = stableHash(key.rawSpan, seed: 1)
      low = stableHash(key.rawSpan, seed: 2)
    }
    var id = Array("e-".utf8)
    id.putHex(high)
    id.putHex(low)
    return Bytes(Array(id.prefix(26)))
  }
}

extension NewEvent {
  fileprivate init(_ parsed: EventDocument.Parsed, otherwise id: Bytes, keyBytes: Int) {
    self.init(parsed.event, warnings: parsed.warnings, otherwise: id, keyBytes: keyBytes)
  }
}
