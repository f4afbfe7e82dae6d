import Plan
import RouterCore

/// One row of the table of operations: everything that doors, description, metrics and tests derive from. A new
/// operation is a new name and a new row; what is forgotten in it does not compile.
package struct OperationRow: Sendable {
  /// For people.
  let summary: String
  /// How HTTP asks for it; nil: HTTP has no such call.
  let http: HTTPCall?
  /// How RESP asks for it; empty: RESP has no such command.
  let resp: [RESPWord]
  /// Whether the shard's state may change, so that a retry needs a key.
  let writes: Bool
  /// Who may ask; read by `OperationName.verdict` alone.
  let access: Access
  /// What it refuses beside what every call may answer, by HTTP status.
  let refusals: [(status: Int, text: String)]
  /// What HTTP answers when it says yes.
  let success: Success?

  /// Who may ask for an operation. Everybody may ask for everything today.
  enum Access: Sendable { case open }

  /// A method, a path with its parameter in braces, and what may come with it.
  struct HTTPCall: Sendable {
    let method: Method
    let path: StaticString
    /// Names of query parameters.
    var query: [String] = []
    /// The answer has an `ETag`, and `If-None-Match` is understood.
    var isTagged = false
    /// The body's schema in the description; nil: the call takes no body.
    var body: Body?
    /// Answered however many connections are open.
    var isForOperators = false

    init(
      _ method: Method, _ path: StaticString, query: [String] = [], isTagged: Bool = false, body: Body? = nil,
      isForOperators: Bool = false
    ) {
      (self.method, self.path, self.query, self.isTagged) = (method, path, query, isTagged)
      (self.body, self.isForOperators) = (body, isForOperators)
    }

    enum Method: UInt8, Sendable, CaseIterable {
      case get, post, patch, delete
      var name: StaticString {
        switch self {
        case .get: "GET"
        case .post: "POST"
        case .patch: "PATCH"
        case .delete: "DELETE"
        }
      }
    }
  }

  /// A JSON body: its schema's name, its fields as their reader knows them, and its largest size.
  struct Body: Sendable {
    let schema: String
    /// nil: read by a parser that is held against the schema by a test of its own.
    let fields: [StaticString]?
    var bytesMax = 64 << 10
  }

  /// What HTTP answers when it says yes.
  struct Success: Sendable {
    let status: Int
    let meaning: String
    /// The body's schema; nil: no body.
    let schema: String?
    let type: String
    /// Names in `OpenAPI.headers`.
    let headers: [String]

    init(
      _ status: Int, _ meaning: String, _ schema: String? = nil, type: String = "application/json",
      headers: [String] = []
    ) {
      (self.status, self.meaning, self.schema, self.type, self.headers) = (status, meaning, schema, type, headers)
    }
  }

  private init(
    _ summary: String, _ http: HTTPCall?, resp: [RESPWord] = [], writes: Bool = false, access: Access = .open,
    refusals: [(status: Int, text: String)] = [], success: Success? = nil
  ) {
    (self.summary, self.http, self.resp, self.writes) = (summary, http, resp, writes)
    (self.access, self.refusals, self.success) = (access, refusals, success)
  }
}

extension OperationRow {
  private static let holdExpired = "`hold_expired`: it ended, or was released."
  private static let orderRefusals: [(status: Int, text: String)] = [
    (409, "`order_state`."), (410, "`order_expired`."),
  ]

  // The table.
  init(_ name: OperationName) {
    switch name {
    case .createEvent:
      self.init(
        "Create an event.",
        HTTPCall(.post, "/v1/events", body: Body(schema: "NewEvent", fields: nil, bytesMax: 32 << 20)),
        resp: [RESPWord(.eventCreate, "EVENT.CREATE", "id section rows seats-per-row price", .exactly(6))],
        writes: true, refusals: [(409, "`event_exists`.")],
        success: Success(201, "Created.", "Event", headers: ["Location", "ETag"]))
    case .setEvent:
      self.init(
        "Give an event other terms: what is not named stays, null takes a limit or a time away.",
        HTTPCall(
          .patch, "/v1/events/{event}", body: Body(schema: "EventTerms", fields: TermsDocument.fieldNames)),
        resp: [
          RESPWord(.eventSet, "EVENT.SET", "id field value [field value …]", .atLeast(4), mayHaveKey: true, reply: .ok)
        ],
        writes: true, refusals: [(409, "`limit_exceeded`: the event's prices have changed too often.")],
        success: Success(200, "The event.", "Event", headers: ["ETag"]))
    case .blockSeats:
      self.init(
        "Take seats and places off sale or put them back, all or nothing.",
        HTTPCall(
          .post, "/v1/events/{event}/blocks",
          body: Body(schema: "Blocks", fields: ["seats", "areas", "blocked"], bytesMax: 8 << 20)),
        resp: [
          RESPWord(
            .eventBlock, "EVENT.BLOCK", "id seat [seat …]", .atLeast(3), "Take seats off sale, all or nothing.",
            mayHaveKey: true),
          RESPWord(
            .eventUnblock, "EVENT.UNBLOCK", "id seat [seat …]", .atLeast(3), "Put seats back on sale, all or nothing.",
            mayHaveKey: true),
        ],
        writes: true,
        refusals: [
          (
            409,
            "`seats_taken` (with `seats`: every one that is held or sold), `sold_out` (with `area`: fewer places are vacant), `limit_exceeded` (fewer places are blocked)."
          )
        ],
        success: Success(200, "How many seats and places changed.", "Blocked"))
    case .deleteEvent:
      self.init(
        "Delete an event with all its holds and orders. Its id can be used again.",
        HTTPCall(.delete, "/v1/events/{event}", query: DeleteParameter.names),
        resp: [RESPWord(.eventDelete, "EVENT.DELETE", "id [FORCE]", .from(2, to: 3), mayHaveKey: true)], writes: true,
        refusals: [
          (409, "`event_in_use` with `holds` and `orders`: so many live, and it is not forced.")
        ],
        success: Success(204, "Deleted."))
    case .listEvents:
      self.init(
        "Events by id.", HTTPCall(.get, "/v1/events", query: EventListParameter.names),
        success: Success(200, "A page of events.", "EventList"))
    case .event:
      self.init(
        "One event without its plan.", HTTPCall(.get, "/v1/events/{event}", isTagged: true),
        resp: [RESPWord(.eventInfo, "EVENT.INFO", "id", .exactly(2))],
        success: Success(200, "The event.", "Event", headers: ["ETag"]))
    case .plan:
      self.init(
        "An event's plan: its seats never change, its prices may.",
        HTTPCall(.get, "/v1/events/{event}/plan", isTagged: true),
        success: Success(200, "The plan, in the short form or with every seat.", "Plan", headers: ["ETag"]))
    case .seats:
      self.init(
        "Every seat's state.", HTTPCall(.get, "/v1/events/{event}/seats", query: ReadParameter.names, isTagged: true),
        resp: [RESPWord(.seats, "SEATS", "event", .exactly(2))],
        success: Success(200, "The seat map.", "Seats", headers: ["ETag", "Age"]))
    case .availability:
      self.init(
        "How many seats and places are in which state.",
        HTTPCall(.get, "/v1/events/{event}/availability", query: ReadParameter.names, isTagged: true),
        success: Success(200, "The counts.", "Availability", headers: ["ETag", "Age"]))
    case .listOrders:
      self.init(
        "An event's orders, in the order of their checkouts.",
        HTTPCall(
          .get, "/v1/events/{event}/orders", query: OrderListParameter.names),
        success: Success(
          200, "A page of orders; it may be shorter than `limit` while there is a next one.", "OrderList"))
    case .listHolds:
      self.init(
        "A buyer's holds of an event.",
        HTTPCall(.get, "/v1/events/{event}/holds", query: HoldListParameter.names),
        success: Success(200, "A page of holds; it may be shorter than `limit` while there is a next one.", "HoldList"))
    case .seat:
      self.init(
        "One seat's state.", nil, resp: [RESPWord(.seat, "SEAT", "event seat", .exactly(3))])
    case .reserve:
      self.init(
        "Hold seats and places, all or nothing.",
        HTTPCall(
          .post, "/v1/reserve",
          body: Body(schema: "Reserve", fields: ["event", "buyer", "seats", "areas", "best", "ttl"])),
        resp: [
          RESPWord(
            .hold, "HOLD", "event buyer seconds seat [seat …]", .atLeast(5), "Hold seats for a buyer, all or nothing.",
            mayHaveKey: true, reply: .brief),
          RESPWord(
            .holdBest, "HOLD.BEST", "event buyer seconds count [CATEGORY c]", .either(5, 7),
            "Hold the best seats that are free, side by side if there are any.", mayHaveKey: true),
          RESPWord(
            .holdArea, "HOLD.AREA", "event buyer seconds area count", .exactly(6), "Hold places in an area.",
            mayHaveKey: true, reply: .brief),
        ],
        writes: true,
        refusals: [
          (409, "`not_on_sale`, `limit_exceeded`, `seats_taken` (with `seats`: every lost one), `sold_out`.")
        ],
        success: Success(200, "The hold.", "Hold"))
    case .hold:
      self.init(
        "A hold as it stands.", HTTPCall(.get, "/v1/holds/{hold}"),
        resp: [RESPWord(.holdInfo, "HOLD.INFO", "hold", .exactly(2))], refusals: [(410, Self.holdExpired)],
        success: Success(200, "The hold, with its order once checked out.", "Hold"))
    case .release:
      self.init(
        "Give a hold up.", HTTPCall(.delete, "/v1/holds/{hold}"),
        resp: [RESPWord(.release, "RELEASE", "hold", .exactly(2), mayHaveKey: true)], writes: true,
        refusals: [(409, "`checked_out` with `order`."), (410, Self.holdExpired)],
        success: Success(204, "Released."))
    case .extend:
      self.init(
        "Keep a hold longer.",
        HTTPCall(.post, "/v1/holds/{hold}/extend", body: Body(schema: "Extend", fields: ["ttl"])),
        resp: [RESPWord(.extend, "EXTEND", "hold seconds", .exactly(3), mayHaveKey: true, reply: .ok)], writes: true,
        refusals: [
          (409, "`checked_out`, or `limit_exceeded` past three times its first length."), (410, Self.holdExpired),
        ],
        success: Success(200, "The hold.", "Hold"))
    case .checkout:
      self.init(
        "Make an order of a hold.",
        HTTPCall(.post, "/v1/checkout", body: Body(schema: "Checkout", fields: ["hold", "reference"])),
        resp: [RESPWord(.checkout, "CHECKOUT", "hold [REFERENCE r]", .either(2, 4), mayHaveKey: true, reply: .brief)],
        writes: true,
        refusals: [(410, Self.holdExpired)],
        success: Success(202, "The order, pending payment.", "Order", headers: ["Location"]))
    case .order:
      self.init(
        "An order, whatever its status.", HTTPCall(.get, "/v1/orders/{order}"),
        resp: [RESPWord(.orderInfo, "ORDER.INFO", "order", .exactly(2))], success: Success(200, "The order.", "Order"))
    case .confirm:
      self.init(
        "Confirm a paid order: its seats are sold.", HTTPCall(.post, "/v1/orders/{order}/confirm"),
        resp: [RESPWord(.confirm, "CONFIRM", "order", .exactly(2), mayHaveKey: true, reply: .ok)], writes: true,
        refusals: Self.orderRefusals, success: Success(200, "The order.", "Order"))
    case .cancel:
      self.init(
        "Cancel an order: its seats are on sale again.", HTTPCall(.post, "/v1/orders/{order}/cancel"),
        resp: [RESPWord(.cancel, "CANCEL", "order", .exactly(2), mayHaveKey: true, reply: .ok)], writes: true,
        refusals: Self.orderRefusals, success: Success(200, "The order.", "Order"))
    case .healthz:
      self.init(
        "Is the process alive?", HTTPCall(.get, "/healthz", isForOperators: true),
        success: Success(200, "It is.", "Health"))
    case .readyz:
      self.init(
        "Can every shard be reached?", HTTPCall(.get, "/readyz", isForOperators: true),
        success: Success(200, "Yes.", "Health"))
    case .metrics:
      self.init(
        "Counters for Prometheus.", HTTPCall(.get, "/metrics", isForOperators: true),
        success: Success(200, "Prometheus' text format.", "Metrics", type: "text/plain"))
    case .openapi:
      self.init(
        "This document.", HTTPCall(.get, "/openapi.json"), success: Success(200, "OpenAPI 3.1.", "Description"))
    }
  }
}
