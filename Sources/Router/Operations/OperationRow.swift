import Plan
import RouterCore

/// The table.
extension OperationRow {
  private static let holdExpired = "`hold_expired`: it ended, or was released."
  private static let orderRefusals: [(status: Int, text: String)] = [
    (409, "`order_state`."), (410, "`order_expired`."),
  ]

  init(_ name: OperationName) {
    switch name {
    case .createEvent:
      self.init(
        "Create an event.",
        OperationTeaching(
          """
          An event has a plan (`sections` in the short form, or `plan`), `areas` without seats, or both. \
          Prices are in minor units, times have a zone. Without an `id` it gets one. Seats and sizes never \
          change; `PATCH` changes the rest. `warnings` in the answer say what was hardly meant so.
          """,
          examples: [
            (
              "short",
              #"""
              {
                "id": "gala",
                "name": "Gala",
                "venue": "Opera",
                "starts_at": "2030-05-01T19:30:00+02:00",
                "currency": "EUR",
                "max_per_order": 6,
                "sections": [{"name":"Stalls","rows":4,"seats_per_row":10,"price":4500}],
                "areas": [{"name":"Floor","capacity":50,"price":3000}]
              }
              """#
            ),
            (
              "plan",
              #"""
              {
                "id": "cabaret",
                "name": "Cabaret",
                "plan": {
                  "name": "Cellar",
                  "zones": [
                    {
                      "name": "Front",
                      "rows": [
                        {
                          "row_number": "1",
                          "seats": [
                            {"seat_guid":"front-1-1","seat_number":"1","category":"VIP","position":{"x":0,"y":0}},
                            {"seat_guid":"front-1-2","seat_number":"2","category":"VIP","position":{"x":30,"y":0}}
                          ],
                          "position": {"x":0,"y":0}
                        }
                      ],
                      "position": {"x":0,"y":0}
                    }
                  ],
                  "categories": [{"name":"VIP","color":"#aa0000"}]
                },
                "prices": {"VIP":9900}
              }
              """#
            ),
          ], gives: .event),
        HTTPCall(
          .post, "/v1/events", body: Body(schema: "NewEvent", fields: nil, bytesMax: 32 << 20)),
        resp: [
          RESPWord(.eventCreate, "EVENT.CREATE", "id section rows seats-per-row price", .exactly(6))
        ],
        writes: true, refusals: [(409, "`event_exists`.")],
        success: Success(201, "Created.", "Event", headers: ["Location", "ETag"]))
    case .setEvent:
      self.init(
        "Give an event other terms: what is not named stays, null takes a limit or a time away.",
        OperationTeaching(
          """
          Only what is named changes. What is held or ordered keeps its price. `paused` stops new holds and \
          nothing else.
          """,
          examples: [
            ("prices and a limit", #"{"max_per_buyer":8,"prices":{"Stalls":4900}}"#),
            ("on", #"{"paused":false}"#),
          ],
          gives: .event),
        HTTPCall(
          .patch, "/v1/events/{event}",
          body: Body(schema: "EventTerms", fields: TermsDocument.fieldNames)),
        resp: [
          RESPWord(
            .eventSet, "EVENT.SET", "id field value [field value …]", .atLeast(4), mayHaveKey: true,
            reply: .ok)
        ],
        writes: true,
        refusals: [(409, "`limit_exceeded`: the event's prices have changed too often.")],
        success: Success(200, "The event.", "Event", headers: ["ETag"]))
    case .blockSeats:
      self.init(
        "Take seats and places off sale or put them back, all or nothing.",
        OperationTeaching(
          """
          For seats that are kept back: they show as not for sale until they are put back with `blocked` \
          false.
          """,
          examples: [
            (
              "off sale",
              #"{"seats":["Stalls-D-9","Stalls-D-10"],"areas":{"Floor":5},"blocked":true}"#
            ),
            ("back", #"{"seats":["Stalls-D-9"],"blocked":false}"#),
          ]),
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
        OperationTeaching(
          """
          Refused while somebody has something of it, unless `force` is true. From then on nobody finds it.
          """),
        HTTPCall(.delete, "/v1/events/{event}", query: DeleteParameter.names),
        resp: [
          RESPWord(.eventDelete, "EVENT.DELETE", "id [FORCE]", .from(2, to: 3), mayHaveKey: true)
        ], writes: true,
        refusals: [
          (409, "`event_in_use` with `holds` and `orders`: so many live, and it is not forced.")
        ],
        success: Success(204, "Deleted."))
    case .listEvents:
      self.init(
        "Events by id.",
        OperationTeaching(
          """
          All events in the order of their ids, `limit` at a time. Ask again with `next_cursor` as `cursor` \
          until that is null.
          """,
          gives: OperationTeaching.Gift(parameter: "event", pointer: "/events/0/id")),
        HTTPCall(.get, "/v1/events", query: EventListParameter.names, describedAs: ["cursor": "eventCursor"]),
        success: Success(200, "A page of events.", "EventList"))
    case .event:
      self.init(
        "One event without its plan.",
        OperationTeaching(
          "Its terms as they are now, and how much of it is in which state.", gives: .event),
        HTTPCall(.get, "/v1/events/{event}", isTagged: true),
        resp: [RESPWord(.eventInfo, "EVENT.INFO", "id", .exactly(2))],
        success: Success(200, "The event.", "Event", headers: ["ETag"]))
    case .plan:
      self.init(
        "An event's plan: its seats never change, its prices may.",
        OperationTeaching(
          """
          For drawing the seats once; `seats` says their states. Keep it with its `ETag`: it is large.
          """),
        HTTPCall(.get, "/v1/events/{event}/plan", isTagged: true),
        success: Success(
          200, "The plan, in the short form or with every seat.", "Plan", headers: ["ETag"]))
    case .seats:
      self.init(
        "Every seat's state.",
        OperationTeaching(
          """
          One character a seat, in the plan's order. Poll it with `If-None-Match`: an unchanged map is a 304. \
          It may be 250 ms old unless `read` is strong.
          """),
        HTTPCall(.get, "/v1/events/{event}/seats", query: ReadParameter.names, isTagged: true),
        resp: [RESPWord(.seats, "SEATS", "event", .exactly(2))],
        success: Success(200, "The seat map.", "Seats", headers: ["ETag", "Age"]))
    case .availability:
      self.init(
        "How many seats and places are in which state.",
        OperationTeaching("Counts by category and by area. As fresh as `seats`."),
        HTTPCall(
          .get, "/v1/events/{event}/availability", query: ReadParameter.names, isTagged: true),
        success: Success(200, "The counts.", "Availability", headers: ["ETag", "Age"]))
    case .listOrders:
      self.init(
        "An event's orders, in the order of their checkouts.",
        OperationTeaching(
          """
          For a shop's back office: all orders of an event, or those of a buyer, a status or a reference.
          """,
          gives: OperationTeaching.Gift(parameter: "order", pointer: "/orders/0/order")),
        HTTPCall(
          .get, "/v1/events/{event}/orders", query: OrderListParameter.names),
        success: Success(
          200, "A page of orders; it may be shorter than `limit` while there is a next one.",
          "OrderList"))
    case .listHolds:
      self.init(
        "A buyer's holds of an event.",
        OperationTeaching(
          """
          The holds of one buyer that are not checked out, for a cart that was lost. `buyer` is needed.
          """,
          gives: OperationTeaching.Gift(parameter: "hold", pointer: "/holds/0/hold")),
        HTTPCall(
          .get, "/v1/events/{event}/holds", query: HoldListParameter.names, describedAs: ["buyer": "buyerNeeded"]),
        success: Success(
          200, "A page of holds; it may be shorter than `limit` while there is a next one.",
          "HoldList"))
    case .joinQueue:
      self.init(
        "Get a place in an event's queue.",
        OperationTeaching(
          """
          For an event with a waiting room. The same buyer gets the same place. Whoever knows its id is its \
          buyer: keep it. Before the start all are `early` and will be drawn.
          """,
          examples: [("join", #"{"buyer":"ann"}"#)], gives: .place),
        HTTPCall(.post, "/v1/events/{event}/queue", body: Body(schema: "JoinQueue", fields: ["buyer"])),
        resp: [RESPWord(.queueJoin, "QUEUE.JOIN", "event buyer", .exactly(3), mayHaveKey: true)],
        writes: true,
        refusals: [(409, "`queue_closed` with `opens_at` if it will open.")],
        success: Success(202, "The place.", "Place", headers: ["Location"]))
    case .queue:
      self.init(
        "An event's queue.",
        OperationTeaching(
          """
          For everybody. `commitment` binds the draw before the start, `seed` is told from then on: anyone can \
          draw again. It may be kept for a second.
          """),
        HTTPCall(.get, "/v1/events/{event}/queue"),
        success: Success(200, "The queue.", "Queue"))
    case .controlQueue:
      self.init(
        "Pause, resume, drain or empty a queue, or change its rate and its message.",
        OperationTeaching(
          """
          `pause` stops calls, `drain` stops joins. `reset` sends everybody away and opens the room anew. What \
          is not named stays.
          """,
          examples: [
            ("rate and message", #"{"admit_per_minute":300,"max_inside":200,"message":"Doors open at eight."}"#),
            ("pause", #"{"action":"pause"}"#),
            ("resume", #"{"action":"resume"}"#),
          ]),
        HTTPCall(
          .post, "/v1/events/{event}/queue/control",
          body: Body(
            schema: "QueueControl", fields: ["action", "admit_per_minute", "max_inside", "message"])),
        writes: true,
        success: Success(200, "The queue.", "Queue"))
    case .place:
      self.init(
        "A place in a queue.",
        OperationTeaching(
          """
          Asking is a sign of life: a buyer who is not heard of for `leave_after` seconds is passed over. Ask \
          again after `refresh_after` seconds. Who is called gets the pass by asking.
          """),
        HTTPCall(.get, "/v1/events/{event}/queue/{place}"),
        resp: [RESPWord(.queueInfo, "QUEUE.INFO", "place", .exactly(2))],
        refusals: [(410, "`place_left`.")],
        success: Success(200, "The place.", "Place"))
    case .leavePlace:
      self.init(
        "Give a place up.",
        OperationTeaching("A second time is answered 204, too."),
        HTTPCall(.delete, "/v1/events/{event}/queue/{place}"), writes: true,
        success: Success(204, "Given up."))
    case .seat:
      self.init(
        "One seat's state.", nil, nil, resp: [RESPWord(.seat, "SEAT", "event seat", .exactly(3))])
    case .reserve:
      self.init(
        "Hold seats and places, all or nothing.",
        OperationTeaching(
          """
          All of it is held until `expires_at`, or nothing. 409 `seats_taken` names every lost seat and says \
          what it is. Send an `Idempotency-Key`: a retry with it gets the same answer.
          """,
          examples: [
            (
              "seats",
              #"{"event":"gala","buyer":"ann","seats":["Stalls-A-1","Stalls-A-2"],"ttl":300}"#
            ),
            ("places", #"{"event":"gala","buyer":"bob","areas":{"Floor":2}}"#),
            ("best", #"{"event":"gala","buyer":"eve","best":{"count":3,"category":"Stalls"}}"#),
          ], gives: .hold),
        HTTPCall(
          .post, "/v1/reserve",
          body: Body(
            schema: "Reserve", fields: ["event", "buyer", "seats", "areas", "best", "ttl", "pass"])),
        resp: [
          RESPWord(
            .hold, "HOLD", "event buyer seconds seat [seat …] [PASS token]", .atLeast(5),
            "Hold seats for a buyer, all or nothing.",
            mayHaveKey: true, reply: .brief),
          RESPWord(
            .holdBest, "HOLD.BEST", "event buyer seconds count [CATEGORY c] [PASS token]", .from(5, to: 9),
            "Hold the best seats that are free, side by side if there are any.", mayHaveKey: true),
          RESPWord(
            .holdArea, "HOLD.AREA", "event buyer seconds area count [PASS token]", .either(6, 8),
            "Hold places in an area.",
            mayHaveKey: true, reply: .brief),
        ],
        writes: true,
        refusals: [
          (
            403,
            "`pass_required` (with `queue`), `pass_expired`, `pass_foreign`: the event has a waiting room."
          ),
          (
            409,
            "`not_on_sale`, `limit_exceeded`, `seats_taken` (with `seats`: every lost one), `sold_out`."
          ),
        ],
        success: Success(200, "The hold.", "Hold"))
    case .hold:
      self.init(
        "A hold as it stands.",
        OperationTeaching(
          "Until it ends, and after its checkout with `order` and `status`.", gives: .hold),
        HTTPCall(.get, "/v1/holds/{hold}"),
        resp: [RESPWord(.holdInfo, "HOLD.INFO", "hold", .exactly(2))],
        refusals: [(410, Self.holdExpired)],
        success: Success(200, "The hold, with its order once checked out.", "Hold"))
    case .release:
      self.init(
        "Give a hold up.",
        OperationTeaching("Its seats are free at once. A second release is answered 204, too."),
        HTTPCall(.delete, "/v1/holds/{hold}"),
        resp: [RESPWord(.release, "RELEASE", "hold", .exactly(2), mayHaveKey: true)], writes: true,
        refusals: [(409, "`checked_out` with `order`."), (410, Self.holdExpired)],
        success: Success(204, "Released."))
    case .extend:
      self.init(
        "Keep a hold longer.",
        OperationTeaching(
          "`ttl` counts from now. Altogether a hold lasts at most three times its first length.",
          examples: [("five minutes", #"{"ttl":300}"#)], gives: .hold),
        HTTPCall(.post, "/v1/holds/{hold}/extend", body: Body(schema: "Extend", fields: ["ttl"])),
        resp: [
          RESPWord(.extend, "EXTEND", "hold seconds", .exactly(3), mayHaveKey: true, reply: .ok)
        ], writes: true,
        refusals: [
          (409, "`checked_out`, or `limit_exceeded` past three times its first length."),
          (410, Self.holdExpired),
        ],
        success: Success(200, "The hold.", "Hold"))
    case .checkout:
      self.init(
        "Make an order of a hold.",
        OperationTeaching(
          """
          The seats now wait for the payment until `pay_by`. A second checkout of the same hold gets the same \
          order.
          """,
          examples: [
            (
              "with a reference",
              #"{"hold":"h_00200000000000000006st23vnex7em1","reference":"invoice-4711"}"#
            )
          ], gives: .order),
        HTTPCall(
          .post, "/v1/checkout", body: Body(schema: "Checkout", fields: ["hold", "reference"])),
        resp: [
          RESPWord(
            .checkout, "CHECKOUT", "hold [REFERENCE r]", .either(2, 4), mayHaveKey: true,
            reply: .brief)
        ],
        writes: true,
        refusals: [(410, Self.holdExpired)],
        success: Success(202, "The order, pending payment.", "Order", headers: ["Location"]))
    case .order:
      self.init(
        "An order, whatever its status.",
        OperationTeaching("It can be read as long as its event lives.", gives: .order),
        HTTPCall(.get, "/v1/orders/{order}"),
        resp: [RESPWord(.orderInfo, "ORDER.INFO", "order", .exactly(2))],
        success: Success(200, "The order.", "Order"))
    case .confirm:
      self.init(
        "Confirm a paid order: its seats are sold.",
        OperationTeaching(
          """
          When the money is there. Too late is 410 `order_expired`: give the money back.
          """, gives: .order), HTTPCall(.post, "/v1/orders/{order}/confirm"),
        resp: [RESPWord(.confirm, "CONFIRM", "order", .exactly(2), mayHaveKey: true, reply: .ok)],
        writes: true,
        refusals: Self.orderRefusals, success: Success(200, "The order.", "Order"))
    case .cancel:
      self.init(
        "Cancel an order: its seats are on sale again.",
        OperationTeaching("Pending or confirmed; its seats are free at once.", gives: .order),
        HTTPCall(.post, "/v1/orders/{order}/cancel"),
        resp: [RESPWord(.cancel, "CANCEL", "order", .exactly(2), mayHaveKey: true, reply: .ok)],
        writes: true,
        refusals: Self.orderRefusals, success: Success(200, "The order.", "Order"))
    case .root:
      self.init(
        "What this is, and where its description is.",
        OperationTeaching("Where to go from here."), HTTPCall(.get, "/"),
        success: Success(200, "Paths to go on with.", "Root"))
    case .healthz:
      self.init(
        "Is the process alive?",
        OperationTeaching("For a supervisor: it is answered as long as the process runs."),
        HTTPCall(.get, "/healthz", isForOperators: true),
        success: Success(200, "It is.", "Health"))
    case .readyz:
      self.init(
        "Can every shard be reached?",
        OperationTeaching("For a load balancer: 503 while a shard has no primary that answers."),
        HTTPCall(.get, "/readyz", isForOperators: true),
        success: Success(200, "Yes.", "Health"))
    case .metrics:
      self.init(
        "Counters for Prometheus.",
        OperationTeaching("Requests, times, connections and memory of this router."),
        HTTPCall(.get, "/metrics", isForOperators: true),
        success: Success(200, "Prometheus' text format.", "Metrics", type: "text/plain"))
    case .passKeys:
      self.init(
        "The public keys of passes.",
        OperationTeaching("For programs that check a pass themselves: a JSON Web Key Set."),
        HTTPCall(.get, "/.well-known/jwks.json"),
        success: Success(200, "RFC 7517.", "PassKeys"))
    case .openapi:
      self.init(
        "This document.",
        OperationTeaching("Made from the same table as the routes."), HTTPCall(.get, "/openapi.json"),
        success: Success(200, "OpenAPI 3.1.", "Description"))
    }
  }
}
