import HTTP
import JSON
import Octets
import Plan
import Proto
import RouterCore
import Time

/// A refusal as the HTTP door says it: RFC 9457.
struct Problem: Error, Equatable, Sendable {
  var status: Int
  /// Stable, for programs.
  var code: Bytes
  /// One sentence about this case, for people.
  var detail: Bytes
  /// The caller's spelling.
  var seats: [Bytes] = []
  /// Of seats that were lost: what they are instead of free.
  var states: [TakenSeat] = []
  var area: Bytes?
  var category: Bytes?
  var field: Bytes?
  var limit: Int64?
  var limitName: String?
  var order: OrderID?
  var orderStatus: OrderStatus?
  /// Seconds; for a refusal that goes away by itself.
  var retryAfter: Int?
  /// Of an event that is not on sale yet.
  var onSaleAt: Stamp?
  /// Of a queue that is not open yet.
  var opensAt: Stamp?
  /// Where to ask for a place: a path.
  var queue: Bytes?
  /// Of an event in use.
  var inUse: InUse?

  struct InUse: Equatable, Sendable {
    var holds: UInt32
    var orders: UInt32
  }

  init(_ status: Int, _ code: Bytes, _ detail: Bytes, field: Bytes? = nil) {
    (self.status, self.code, self.detail, self.field) = (status, code, detail, field)
  }

  /// Seconds until it is worth asking again; nil: it is not known, or never.
  func secondsToWait(at now: Stamp) -> Int? {
    guard let from = onSaleAt ?? opensAt else { return retryAfter }
    // Rounded up: who comes too early is refused again.
    return max(1, Int((from - now + 999).seconds))
  }

  static func badRequest(_ detail: Bytes, field: Bytes? = nil) -> Problem {
    Problem(400, "bad_request", detail, field: field)
  }

  /// There is no room or no time for it now, and nothing happened.
  static func busy(_ detail: Bytes) -> Problem {
    var problem = Problem(503, "unavailable", detail)
    problem.retryAfter = 1
    return problem
  }

  /// A field of the body says what is not allowed.
  static func invalid(_ field: Bytes, _ detail: Bytes) -> Problem {
    Problem(422, Bytes("invalid_" + field.firstFieldName), detail, field: field)
  }
}

extension Bytes {
  /// `prices` of `prices.VIP`, `seats` of `seats[3]`.
  fileprivate var firstFieldName: String {
    let name = array.prefix { $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "[") }
    return String(decoding: name, as: UTF8.self)
  }
}

// MARK: Where problems come from

extension Problem {
  /// The message's framing: after any of these the connection is closed.
  init(_ error: HTTPError) {
    let code: Bytes =
      switch error.status {
      case 413: "too_large"
      case 414: "uri_too_long"
      case 417: "expectation_failed"
      case 431: "headers_too_large"
      case 505: "version_not_supported"
      default: "bad_request"
      }
    self.init(error.status, code, Bytes(error.detail))
  }

  /// A JSON body other than an event's.
  init(_ error: JSONError, in body: RawSpan, known: JSONFields?) {
    let place = JSONPlace(of: error.offset, in: body)
    guard !error.isSyntax else {
      self.init(400, "invalid_json", Bytes("\(error.detail) (line \(place.line), column \(place.column))."))
      if error.reason == .duplicateKey { field = Bytes(error.field) }
      return
    }
    var path = place.path
    if error.reason == .missingField {
      if !path.isEmpty { path.append(UInt8(ascii: ".")) }
      path.append(contentsOf: error.field)
    }
    var detail = error.detail
    if error.reason == .unknownField || error.reason == .missingField {
      detail += ": `\(String(decoding: error.field.prefix(128), as: UTF8.self))`"
    }
    self = .invalid(Bytes(path), Bytes(detail + " (line \(place.line), column \(place.column))."))
    if error.reason == .unknownField { code = "invalid_field" }
    if path.isEmpty { (code, field) = ("invalid_body", nil) }
    limit = error.limit
  }

  /// An event's body.
  init(_ error: PlanError) {
    let isSyntax = error.code == .invalidJSON
    self.init(isSyntax ? 400 : 422, Bytes(error.code.name.description), Bytes(error.sentence))
    if !error.field.isEmpty { field = error.field }
    limit = error.limit
    if !error.limitName.isEmpty { limitName = error.limitName }
  }

  /// What was sent cannot be an id of this kind.
  init(_ wanted: BadID, _ sent: Bytes) {
    switch wanted {
    case .event: self.init(.noSuchEvent)
    case .hold: self.init(.noSuchHold)
    case .order: self.init(.noSuchOrder)
    case .place: self.init(.noSuchPlace)
    }
    detail = wanted.sentence(sent)
  }

  /// A refusal of a hold, with where a pass can be had if one is missing.
  init(_ refusal: CallRefusal, queueOf event: Bytes) {
    self.init(refusal)
    if status == 403 { queue = Bytes("/v1/events/\(event)/queue") }
  }

  init(_ refusal: CallRefusal) {
    switch refusal {
    case .noSuchEvent: self.init(404, "no_such_event", "There is no event of this id.")
    case .noSuchHold: self.init(404, "no_such_hold", "There never was a hold of this id.")
    case .noSuchOrder:
      self.init(404, "no_such_order", "There is no order of this id: it never was, or it went with its event.")
    case .eventExists: self.init(409, "event_exists", "There is an event of this id.")
    case .eventInUse(let holds, let orders):
      self.init(409, "event_in_use", "Holds or orders of the event live; with force=true they go with it.")
      inUse = InUse(holds: holds, orders: orders)
    case .noSuchSeats(let labels):
      self = .invalid("seats", "The event has no such seat.")
      seats = labels
    case .noSuchArea(let area):
      self = .invalid("areas", "The event has no such area.")
      self.area = area
    case .noSuchCategory(let category):
      self = .invalid("best.category", "The event has no such category.")
      self.category = category
    case .noSuchPrice(let name, let hint):
      self = .invalid(Bytes("prices." + String(decoding: name.array, as: UTF8.self)), Bytes(hint + "."))
    case .repeatedSeat(let label):
      self = .invalid("seats", Bytes("The seat \(label) is named more than once."))
      seats = [label]
    case .invalid(let field, let detail): self = .invalid(Bytes(field.description), Bytes(detail.description))
    case .notOnSale(nil): self.init(409, "not_on_sale", "Sales of the event are paused.")
    case .notOnSale(let at?):
      var text = Array("The event is on sale from ".utf8)
      Timestamp.write(at, into: &text)
      text.append(UInt8(ascii: "."))
      self.init(409, "not_on_sale", Bytes(text))
      onSaleAt = at
    case .limitExceeded(let name, let limit):
      let detail = Bytes("The limit \(name.name) of \(limit) would be exceeded.")
      switch name {
      case .maxPerOrder, .maxPerBuyer, .holdLength, .shardCapacity, .priceChanges, .blockedPlaces:
        self.init(409, "limit_exceeded", detail)
      case .maxHoldTTL: self = .invalid("ttl", detail)
      }
      self.limit = limit
      limitName = name.name.description
    case .tooMany(let limit):
      self.init(422, "too_many", Bytes(limit.detail))
      self.limit = Int64(limit.value)
      limitName = limit.name.description
    case .seatsTaken(let taken):
      self.init(409, "seats_taken", "Some of the seats are held, sold or not for sale.")
      seats = taken.map(\.label)
      states = taken
    case .soldOut(let area, let category):
      self.init(
        409, "sold_out",
        area == nil ? "No section has so many seats left." : "The area has not so many places left.")
      (self.area, self.category) = (area, category)
    case .holdExpired: self.init(410, "hold_expired", "The hold has ended.")
    case .checkedOut(let order):
      self.init(409, "checked_out", "The hold was checked out.")
      self.order = order
    case .orderState(let status):
      self.init(409, "order_state", Bytes("The order is \(status.name)."))
      orderStatus = status
    case .orderExpired: self.init(410, "order_expired", "The order was not paid in time.")
    case .keyReused:
      self.init(422, "idempotency_key_reused", "The key was used with another command.", field: "Idempotency-Key")
    case .noWaitingRoom: self.init(404, "no_waiting_room", "The event has no waiting room: no pass is needed.")
    case .queueClosed(let at):
      self.init(
        409, "queue_closed",
        at == nil ? "Nobody may join the queue any more." : "The queue is not open yet: see opens_at.")
      opensAt = at
    case .noSuchPlace: self.init(404, "no_such_place", "There never was a place of this id in this queue.")
    case .placeLeft: self.init(410, "place_left", "The place was given up, or its pass has ended.")
    case .passRequired:
      self.init(403, "pass_required", "The event has a waiting room: get a place in its queue, and send its pass.")
    case .passExpired: self.init(403, "pass_expired", "The pass is not good any more: get another place in the queue.")
    case .passForeign: self.init(403, "pass_foreign", "This is no pass of this buyer for this event.")
    case .unavailable:
      self.init(503, "unavailable", "The event's shard cannot be reached; nothing happened.")
      retryAfter = 1
    case .diskFull:
      self.init(503, "disk_full", "A disk of the cluster is full; nothing happened.")
      retryAfter = 10
    case .unknown:
      self.init(504, "unknown", "It may have happened or not: ask again with the same Idempotency-Key.")
    }
  }
}

// MARK: As JSON

extension Problem {
  /// A few words for each status and code, the same each time.
  private var title: Bytes {
    var words = code.array
    for place in words.indices where words[place] == UInt8(ascii: "_") { words[place] = UInt8(ascii: " ") }
    if let first = words.first, first >= UInt8(ascii: "a") { words[0] = first - 32 }
    return Bytes(words)
  }

  func write(into out: inout [UInt8]) {
    out.putJSON("{\"type\":\"urn:holdfast:problem:")
    out.append(contentsOf: code.array)
    out.putJSON("\",\"title\":")
    out.putJSONString(bytes: title)
    out.putJSON(",\"status\":")
    out.putJSON(status)
    out.putJSON(",\"code\":")
    out.putJSONString(bytes: code)
    out.putJSON(",\"detail\":")
    out.putJSONString(bytes: detail)
    if !seats.isEmpty {
      out.putJSON(",\"seats\":")
      out.putStrings(seats)
    }
    if states.contains(where: { $0.state != nil }) { writeStates(into: &out) }
    if let area {
      out.putJSON(",\"area\":")
      out.putJSONString(bytes: area)
    }
    if let category {
      out.putJSON(",\"category\":")
      out.putJSONString(bytes: category)
    }
    if let field {
      out.putJSON(",\"field\":")
      out.putJSONString(bytes: field)
    }
    if let limit {
      out.putJSON(",\"limit\":")
      out.putJSON(limit)
    }
    if let limitName {
      out.putJSON(",\"limit_name\":\"")
      out.append(contentsOf: limitName.utf8)
      out.putJSON("\"")
    }
    if let onSaleAt {
      out.putJSON(",\"on_sale_at\":")
      out.putJSONTime(onSaleAt)
    }
    if let opensAt {
      out.putJSON(",\"opens_at\":")
      out.putJSONTime(opensAt)
    }
    if let queue {
      out.putJSON(",\"queue\":")
      out.putJSONString(bytes: queue)
    }
    if let order {
      out.putJSON(",\"order\":\"")
      order.write(into: &out)
      out.putJSON("\"")
    }
    if let inUse {
      out.putJSON(",\"holds\":")
      out.putJSON(inUse.holds)
      out.putJSON(",\"orders\":")
      out.putJSON(inUse.orders)
    }
    if let orderStatus {
      out.putJSON(",\"order_status\":\"")
      out.append(contentsOf: orderStatus.name.description.utf8)
      out.putJSON("\"")
    }
    out.putJSON("}")
  }

  /// By the seats' names, as the caller spelled them.
  private func writeStates(into out: inout [UInt8]) {
    out.putJSON(",\"states\":{")
    var isFirst = true
    for seat in states {
      guard let state = seat.state else { continue }
      if !isFirst { out.putJSON(",") }
      isFirst = false
      out.putJSONString(bytes: seat.label)
      out.putJSON(":\"")
      out.append(contentsOf: state.name.description.utf8)
      out.putJSON("\"")
    }
    out.putJSON("}")
  }
}

extension SeatState {
  /// As a refusal says it.
  fileprivate var name: StaticName {
    switch self {
    case .free: "free"
    case .held: "held"
    case .sold: "sold"
    case .notForSale: "not_for_sale"
    }
  }
}
