extension OpenAPI {
  /// The shapes of answers, by name: members of `components.schemas`.
  static let answerSchemas: StaticString = #"""
    "Blocked": {
      "type": "object",
      "properties": {
        "event": {"type":"string"},
        "version": {"type":"integer","format":"int64"},
        "changed": {"type":"integer","minimum":0,"description":"Seats and places that were not so already."}
      },
      "required": ["event","version","changed"],
      "additionalProperties": false
    },
    "Event": {
      "type": "object",
      "properties": {
        "id": {"$ref":"#/components/schemas/EventID"},
        "name": {"type":"string"},
        "venue": {"type":["string","null"]},
        "starts_at": {"type":["string","null"],"format":"date-time"},
        "on_sale_at": {"type":["string","null"],"format":"date-time"},
        "currency": {"type":"string"},
        "hold_ttl": {"type":"integer","format":"int64"},
        "max_hold_ttl": {"type":"integer","format":"int64"},
        "payment_ttl": {"type":"integer","format":"int64"},
        "max_per_order": {"type":["integer","null"],"format":"int64"},
        "max_per_buyer": {"type":["integer","null"],"format":"int64"},
        "paused": {"type":"boolean","description":"Holds are refused; everything else goes on."},
        "waiting_room": {"anyOf":[{"$ref":"#/components/schemas/WaitingRoom"},{"type":"null"}]},
        "areas": {"type":"array","items":{"$ref":"#/components/schemas/NewArea"}},
        "prices": {"type":"object","additionalProperties":{"$ref":"#/components/schemas/Price"}},
        "total": {"type":"integer","minimum":0},
        "free": {"type":"integer","minimum":0},
        "held": {"type":"integer","minimum":0},
        "sold": {"type":"integer","minimum":0},
        "not_for_sale": {"type":"integer","minimum":0},
        "version": {"type":"integer","format":"int64"},
        "warnings": {
          "type": "array",
          "items": {"type":"string"},
          "description": "Only where the event is created: sentences for people, such as which categories have no price."
        }
      },
      "additionalProperties": false,
      "required": [
        "id",
        "name",
        "venue",
        "starts_at",
        "on_sale_at",
        "currency",
        "hold_ttl",
        "max_hold_ttl",
        "payment_ttl",
        "max_per_order",
        "max_per_buyer",
        "paused",
        "waiting_room",
        "areas",
        "prices",
        "total",
        "free",
        "held",
        "sold",
        "not_for_sale",
        "version"
      ]
    },
    "EventList": {
      "type": "object",
      "properties": {
        "events": {"type":"array","items":{"$ref":"#/components/schemas/EventSummary"}},
        "next_cursor": {"type":["string","null"]}
      },
      "required": ["events","next_cursor"],
      "additionalProperties": false
    },
    "Plan": {"oneOf":[{"$ref":"#/components/schemas/ShortPlan"},{"$ref":"#/components/schemas/SeatPlan"}]},
    "Seats": {
      "type": "object",
      "properties": {
        "event": {"$ref":"#/components/schemas/EventID"},
        "version": {"type":"integer","format":"int64"},
        "sections": {"type":"array","items":{"$ref":"#/components/schemas/SeatMapSection"}}
      },
      "required": ["event","version","sections"],
      "additionalProperties": false
    },
    "Availability": {
      "type": "object",
      "properties": {
        "event": {"$ref":"#/components/schemas/EventID"},
        "version": {"type":"integer","format":"int64"},
        "total": {"type":"integer","minimum":0},
        "free": {"type":"integer","minimum":0},
        "held": {"type":"integer","minimum":0},
        "sold": {"type":"integer","minimum":0},
        "not_for_sale": {"type":"integer","minimum":0},
        "categories": {"type":"object","additionalProperties":{"$ref":"#/components/schemas/Counts"}},
        "areas": {"type":"object","additionalProperties":{"$ref":"#/components/schemas/Counts"}}
      },
      "required": ["event","version","total","free","held","sold","not_for_sale","categories","areas"],
      "additionalProperties": false
    },
    "Hold": {
      "type": "object",
      "properties": {
        "hold": {"$ref":"#/components/schemas/HoldID"},
        "event": {"$ref":"#/components/schemas/EventID"},
        "buyer": {"type":"string"},
        "seats": {"type":"array","items":{"type":"string"}},
        "areas": {"type":"object","additionalProperties":{"type":"integer","minimum":0}},
        "total": {"type":"integer","format":"int64"},
        "currency": {"type":"string"},
        "expires_at": {"type":"string","format":"date-time"},
        "version": {"type":"integer","format":"int64"},
        "order": {"$ref":"#/components/schemas/OrderID"},
        "status": {"$ref":"#/components/schemas/OrderStatus"}
      },
      "required": ["hold","event","buyer","seats","areas","total","currency","expires_at","version"],
      "additionalProperties": false
    },
    "Order": {
      "type": "object",
      "properties": {
        "hold": {"$ref":"#/components/schemas/HoldID"},
        "event": {"$ref":"#/components/schemas/EventID"},
        "buyer": {"type":"string"},
        "seats": {"type":"array","items":{"type":"string"}},
        "areas": {"type":"object","additionalProperties":{"type":"integer","minimum":0}},
        "total": {"type":"integer","format":"int64"},
        "currency": {"type":"string"},
        "expires_at": {"type":"string","format":"date-time"},
        "version": {"type":"integer","format":"int64"},
        "order": {"$ref":"#/components/schemas/OrderID"},
        "status": {"$ref":"#/components/schemas/OrderStatus"},
        "created_at": {"type":"string","format":"date-time"},
        "pay_by": {"type":"string","format":"date-time"},
        "reference": {"type":["string","null"],"description":"As the shop said at checkout."},
        "history": {
          "type": "array",
          "description": "What it was and is, oldest first.",
          "items": {"$ref":"#/components/schemas/OrderStep"}
        }
      },
      "required": [
        "order",
        "status",
        "hold",
        "event",
        "buyer",
        "seats",
        "areas",
        "total",
        "currency",
        "expires_at",
        "reference",
        "created_at",
        "pay_by",
        "history",
        "version"
      ],
      "additionalProperties": false
    },
    "OrderList": {
      "type": "object",
      "properties": {
        "orders": {"type":"array","items":{"$ref":"#/components/schemas/Order"}},
        "next_cursor": {"type":["string","null"]}
      },
      "required": ["orders","next_cursor"],
      "additionalProperties": false
    },
    "HoldList": {
      "type": "object",
      "properties": {
        "holds": {"type":"array","items":{"$ref":"#/components/schemas/Hold"}},
        "next_cursor": {"type":["string","null"]}
      },
      "required": ["holds","next_cursor"],
      "additionalProperties": false
    },
    "Problem": {
      "type": "object",
      "properties": {
        "type": {"type":"string"},
        "title": {"type":"string"},
        "status": {"type":"integer"},
        "code": {"type":"string","description":"Stable, for programs."},
        "detail": {"type":"string"},
        "seats": {"type":"array","items":{"type":"string"}},
        "states": {
          "type": "object",
          "additionalProperties": {"enum":["held","sold","not_for_sale"]},
          "description": "With `seats_taken`: what each of `seats` is."
        },
        "area": {"type":"string"},
        "category": {"type":"string"},
        "field": {"type":"string"},
        "limit": {"type":"integer","format":"int64"},
        "limit_name": {"type":"string"},
        "on_sale_at": {
          "type": "string",
          "format": "date-time",
          "description": "With `not_on_sale`; absent while sales are paused."
        },
        "opens_at": {"type":"string","format":"date-time","description":"With `queue_closed`, if it will open."},
        "queue": {"type":"string","description":"With `pass_…`: the path where a place can be had."},
        "order": {"$ref":"#/components/schemas/OrderID"},
        "order_status": {"$ref":"#/components/schemas/OrderStatus"},
        "holds": {"type":"integer","minimum":0,"description":"Of an event in use."},
        "orders": {"type":"integer","minimum":0,"description":"Of an event in use."}
      },
      "required": ["type","title","status","code","detail"],
      "additionalProperties": false
    },
    "Counts": {
      "type": "object",
      "properties": {
        "total": {"type":"integer","minimum":0},
        "free": {"type":"integer","minimum":0},
        "held": {"type":"integer","minimum":0},
        "sold": {"type":"integer","minimum":0},
        "not_for_sale": {"type":"integer","minimum":0},
        "price": {"$ref":"#/components/schemas/Price"}
      },
      "additionalProperties": false,
      "required": ["total","free","held","sold","not_for_sale","price"]
    },
    "Health": {
      "type": "object",
      "properties": {
        "status": {"type":"string"},
        "version": {"type":"string"},
        "coordinator": {"type":"string","enum":["unreachable"],"description":"Only if so. Sales go on; roles cannot change."}
      },
      "required": ["status"],
      "additionalProperties": false
    },
    "Metrics": {"type":"string"},
    "Description": {"type":"object"},
    "Root": {
      "type": "object",
      "properties": {
        "name": {"type":"string"},
        "version": {"type":"string"},
        "description": {"type":"string"},
        "health": {"type":"string"},
        "ready": {"type":"string"},
        "metrics": {"type":"string"}
      },
      "required": ["name","version","description","health","ready","metrics"],
      "additionalProperties": false
    },
    "EventSummary": {
      "type": "object",
      "properties": {
        "id": {"$ref":"#/components/schemas/EventID"},
        "name": {"type":"string"},
        "venue": {"type":["string","null"]},
        "starts_at": {"type":["string","null"],"format":"date-time"},
        "total": {"type":"integer","minimum":0},
        "free": {"type":"integer","minimum":0},
        "held": {"type":"integer","minimum":0},
        "sold": {"type":"integer","minimum":0},
        "not_for_sale": {"type":"integer","minimum":0},
        "version": {"type":"integer","format":"int64"}
      },
      "additionalProperties": false,
      "required": ["id","name","venue","starts_at","total","free","held","sold","not_for_sale","version"]
    },
    "OrderStep": {
      "type": "object",
      "properties": {
        "status": {"$ref":"#/components/schemas/OrderStatus"},
        "at": {"type":"string","format":"date-time"}
      },
      "required": ["status","at"],
      "additionalProperties": false
    },
    "PlanGrid": {
      "type": "object",
      "properties": {
        "name": {"type":"string"},
        "category": {"type":"string"},
        "price": {"$ref":"#/components/schemas/Price"},
        "rows": {"type":"integer","minimum":0},
        "seats_per_row": {"type":"integer","minimum":0}
      },
      "additionalProperties": false,
      "required": ["name","category","price","rows","seats_per_row"]
    },
    "PlanSeat": {
      "type": "object",
      "properties": {
        "label": {"type":"string"},
        "number": {"type":"string"},
        "category": {"type":"string"},
        "x": {"type":"number"},
        "y": {"type":"number"}
      },
      "additionalProperties": false,
      "required": ["label","number","category","x","y"]
    },
    "PlanRow": {
      "type": "object",
      "properties": {
        "name": {"type":"string"},
        "seats": {"type":"array","items":{"$ref":"#/components/schemas/PlanSeat"}}
      },
      "additionalProperties": false,
      "required": ["name","seats"]
    },
    "PlanSection": {
      "type": "object",
      "properties": {
        "name": {"type":"string"},
        "rows": {"type":"array","items":{"$ref":"#/components/schemas/PlanRow"}}
      },
      "additionalProperties": false,
      "required": ["name","rows"]
    },
    "PlanSize": {
      "type": "object",
      "properties": {"width":{"type":"number"},"height":{"type":"number"}},
      "additionalProperties": false,
      "required": ["width","height"]
    },
    "PlanCategory": {
      "type": "object",
      "properties": {"price":{"$ref":"#/components/schemas/Price"},"color":{"type":["string","null"]}},
      "additionalProperties": false,
      "required": ["price"]
    },
    "ShortPlan": {
      "type": "object",
      "properties": {
        "event": {"$ref":"#/components/schemas/EventID"},
        "sections": {"type":"array","items":{"$ref":"#/components/schemas/PlanGrid"}}
      },
      "required": ["event","sections"],
      "additionalProperties": false
    },
    "SeatPlan": {
      "type": "object",
      "properties": {
        "event": {"$ref":"#/components/schemas/EventID"},
        "size": {"anyOf":[{"$ref":"#/components/schemas/PlanSize"},{"type":"null"}]},
        "sections": {"type":"array","items":{"$ref":"#/components/schemas/PlanSection"}},
        "categories": {"type":"object","additionalProperties":{"$ref":"#/components/schemas/PlanCategory"}}
      },
      "required": ["event","sections","categories"],
      "additionalProperties": false
    },
    "SeatMapRow": {
      "type": "object",
      "properties": {
        "name": {"type":"string"},
        "seats": {
          "type": "string",
          "pattern": "^[.hsx]*$",
          "description": "One character a seat: . free, h held, s sold, x not for sale."
        }
      },
      "additionalProperties": false,
      "required": ["name","seats"]
    },
    "SeatMapSection": {
      "type": "object",
      "properties": {
        "name": {"type":"string"},
        "rows": {"type":"array","items":{"$ref":"#/components/schemas/SeatMapRow"}}
      },
      "additionalProperties": false,
      "required": ["name","rows"]
    }
    """#
}
