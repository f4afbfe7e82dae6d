extension OpenAPI {
  /// What clients send, and the words that both sides use, by name: members of `components.schemas`. What stands in one
  /// another has a name of its own, so that generators of clients need not invent any.
  static let requestSchemas: StaticString = #"""
    "NewEvent": {
      "type": "object",
      "properties": {
        "id": {"anyOf":[{"$ref":"#/components/schemas/EventID"},{"type":"null"}]},
        "name": {"$ref":"#/components/schemas/Title"},
        "venue": {"anyOf":[{"$ref":"#/components/schemas/Title"},{"type":"null"}]},
        "starts_at": {"type":["string","null"],"format":"date-time"},
        "on_sale_at": {"type":["string","null"],"format":"date-time"},
        "currency": {
          "type": ["string","null"],
          "pattern": "^[A-Z]{3}$",
          "default": "EUR",
          "description": "A code of ISO 4217."
        },
        "hold_ttl": {"type":["integer","null"],"minimum":1,"maximum":86400,"default":600,"description":"Seconds."},
        "max_hold_ttl": {
          "type": ["integer","null"],
          "minimum": 1,
          "maximum": 86400,
          "description": "Seconds, at least hold_ttl: the longest that a caller may ask for; hold_ttl unless given."
        },
        "payment_ttl": {
          "type": ["integer","null"],
          "minimum": 60,
          "maximum": 86400,
          "default": 900,
          "description": "Seconds."
        },
        "max_per_order": {"type":["integer","null"],"minimum":1,"maximum":4294967295},
        "max_per_buyer": {"type":["integer","null"],"minimum":1,"maximum":4294967295},
        "sections": {"type":["array","null"],"items":{"$ref":"#/components/schemas/NewSection"},"maxItems":10000},
        "areas": {"type":["array","null"],"items":{"$ref":"#/components/schemas/NewArea"},"maxItems":1000},
        "plan": {"anyOf":[{"$ref":"#/components/schemas/PretixPlan"},{"type":"null"}]},
        "prices": {
          "type": ["object","null"],
          "additionalProperties": {"$ref":"#/components/schemas/Price"},
          "description": "By category.",
          "propertyNames": {"$ref":"#/components/schemas/Name"}
        },
        "not_for_sale": {"type":["array","null"],"items":{"$ref":"#/components/schemas/SeatName"},"maxItems":100000},
        "waiting_room": {
          "anyOf": [{"$ref":"#/components/schemas/NewWaitingRoom"},{"type":"null"}],
          "description": "Holds need a pass from its queue."
        }
      },
      "required": ["name"],
      "additionalProperties": false,
      "not": {
        "anyOf": [
          {"properties":{"sections":{"maxItems":0},"areas":{"maxItems":0},"plan":{"type":"null"}}},
          {"required":["sections","plan"],"properties":{"sections":{"type":"array"},"plan":{"type":"object"}}}
        ]
      },
      "description": "At least one of sections, plan and areas; sections and plan exclude each other. A field that is null counts as absent."
    },
    "EventTerms": {
      "type": "object",
      "properties": {
        "name": {"$ref":"#/components/schemas/Title"},
        "venue": {"anyOf":[{"$ref":"#/components/schemas/Title"},{"type":"null"}]},
        "starts_at": {"type":["string","null"],"format":"date-time"},
        "on_sale_at": {"type":["string","null"],"format":"date-time"},
        "hold_ttl": {
          "type": ["integer","null"],
          "minimum": 1,
          "maximum": 86400,
          "description": "Seconds. A longer one than max_hold_ttl raises that, too."
        },
        "payment_ttl": {"type":["integer","null"],"minimum":60,"maximum":86400,"description":"Seconds."},
        "max_per_order": {"type":["integer","null"],"minimum":1,"maximum":4294967295},
        "max_per_buyer": {"type":["integer","null"],"minimum":1,"maximum":4294967295},
        "prices": {
          "type": ["object","null"],
          "additionalProperties": {"$ref":"#/components/schemas/Price"},
          "description": "By category or area. What is held or ordered keeps its price.",
          "propertyNames": {"$ref":"#/components/schemas/Name"}
        },
        "paused": {
          "type": ["boolean","null"],
          "description": "Holds are refused with not_on_sale; everything else goes on."
        },
        "waiting_room": {
          "anyOf": [{"$ref":"#/components/schemas/NewWaitingRoom"},{"type":"null"}],
          "description": "What of it is not named stays; null: holds need no pass any more, and the queue is gone."
        }
      },
      "additionalProperties": false
    },
    "Blocks": {
      "type": "object",
      "properties": {
        "seats": {
          "type": ["array","null"],
          "items": {"$ref":"#/components/schemas/SeatName"},
          "maxItems": 65535,
          "uniqueItems": true
        },
        "areas": {
          "type": ["object","null"],
          "additionalProperties": {"type":"integer","minimum":1,"maximum":4294967295},
          "description": "Places by area.",
          "propertyNames": {"$ref":"#/components/schemas/Name"},
          "maxProperties": 255
        },
        "blocked": {"type":"boolean","description":"true: taken off sale; false: put back."}
      },
      "required": ["blocked"],
      "additionalProperties": false,
      "not": {"properties":{"seats":{"maxItems":0},"areas":{"maxProperties":0}}},
      "description": "Seats, areas, or both, all or nothing."
    },
    "NewSection": {
      "type": "object",
      "properties": {
        "name": {"$ref":"#/components/schemas/Name"},
        "category": {"anyOf":[{"$ref":"#/components/schemas/Name"},{"type":"null"}]},
        "rows": {"type":"integer","minimum":1,"maximum":100000},
        "seats_per_row": {"type":"integer","minimum":1,"maximum":10000000},
        "price": {"$ref":"#/components/schemas/Price"}
      },
      "required": ["name","rows","seats_per_row"],
      "additionalProperties": false
    },
    "NewArea": {
      "type": "object",
      "properties": {
        "name": {"$ref":"#/components/schemas/Name"},
        "capacity": {"type":"integer","minimum":1,"maximum":4294967295},
        "price": {"$ref":"#/components/schemas/Price"}
      },
      "required": ["name","capacity","price"],
      "additionalProperties": false
    },
    "SeatName": {
      "type": "string",
      "minLength": 1,
      "maxLength": 64,
      "description": "A label (`Stalls-A-12`) of at most 64 bytes of UTF-8, not characters; or `#n`: the 0-based place in the plan.",
      "pattern": "^[^\\x00-\\x1F\\x7F-\\x9F\\u2028\\u2029]+$"
    },
    "Reserve": {
      "type": "object",
      "properties": {
        "event": {"$ref":"#/components/schemas/EventID"},
        "buyer": {"$ref":"#/components/schemas/Name"},
        "seats": {
          "type": ["array","null"],
          "items": {"$ref":"#/components/schemas/SeatName"},
          "maxItems": 65535,
          "uniqueItems": true
        },
        "areas": {
          "type": ["object","null"],
          "additionalProperties": {"type":"integer","minimum":1,"maximum":4294967295},
          "description": "Places by area.",
          "propertyNames": {"$ref":"#/components/schemas/Name"},
          "maxProperties": 255
        },
        "best": {
          "anyOf": [{"$ref":"#/components/schemas/BestSeats"},{"type":"null"}],
          "description": "Stands alone: no seats and areas beside it. Seats that stand next to each other, if any such are left: by their positions in the plan. An aisle, a gap of more than one and a half of the row's usual step, ends a run; rows of one name that continue each other are one; the front is the focal point's side, or the least y. Otherwise seats of one section."
        },
        "ttl": {
          "type": ["integer","null"],
          "minimum": 1,
          "description": "Seconds, at most the event's max_hold_ttl; its hold_ttl unless given."
        },
        "pass": {
          "type": ["string","null"],
          "description": "The pass of an event with a waiting room, unless it stands in Holdfast-Pass."
        }
      },
      "required": ["event","buyer"],
      "additionalProperties": false,
      "not": {
        "anyOf": [
          {"properties":{"seats":{"maxItems":0},"areas":{"maxProperties":0},"best":{"type":"null"}}},
          {"required":["best","seats"],"properties":{"best":{"type":"object"},"seats":{"type":"array","minItems":1}}},
          {
            "required": ["best","areas"],
            "properties": {"best":{"type":"object"},"areas":{"type":"object","minProperties":1}}
          }
        ]
      },
      "description": "Seats, areas, or both, all or nothing; or best, which stands alone. A field that is null counts as absent."
    },
    "Extend": {
      "type": "object",
      "properties": {
        "ttl": {"type":"integer","minimum":1,"description":"Seconds from now, at most the event's max_hold_ttl."}
      },
      "required": ["ttl"],
      "additionalProperties": false
    },
    "Checkout": {
      "type": "object",
      "properties": {
        "hold": {"$ref":"#/components/schemas/HoldID"},
        "reference": {
          "anyOf": [{"$ref":"#/components/schemas/Name"},{"type":"null"}],
          "description": "The shop's own name for the order."
        }
      },
      "required": ["hold"],
      "additionalProperties": false
    },
    "EventID": {
      "type": "string",
      "title": "EventID",
      "pattern": "^(?!\\.{1,2}$)[A-Za-z0-9._~-]{1,128}$",
      "description": "Neither `.` nor `..`, which vanish from a URL."
    },
    "HoldID": {
      "type": "string",
      "title": "HoldID",
      "pattern": "^h_[0-9a-hjkmnp-tv-z]{32}$",
      "description": "As the answer with the hold said it."
    },
    "OrderID": {
      "type": "string",
      "title": "OrderID",
      "pattern": "^o_[0-9a-hjkmnp-tv-z]{32}$",
      "description": "As the answer to the checkout said it."
    },
    "Name": {
      "type": "string",
      "minLength": 1,
      "maxLength": 128,
      "pattern": "^[^\\x00-\\x1F\\x7F-\\x9F\\u2028\\u2029]+$",
      "description": "At most 128 bytes of UTF-8, not characters; no control characters, no line or paragraph separators."
    },
    "Title": {
      "type": "string",
      "minLength": 1,
      "maxLength": 255,
      "pattern": "^[^\\x00-\\x1F\\x7F-\\x9F\\u2028\\u2029]+$",
      "description": "At most 255 bytes of UTF-8, not characters; no control characters, no line or paragraph separators."
    },
    "OrderStatus": {
      "type": "string",
      "title": "OrderStatus",
      "enum": ["pending_payment","confirmed","cancelled","expired","refunded"]
    },
    "Price": {
      "type": ["integer","null"],
      "format": "int64",
      "minimum": 0,
      "maximum": 100000000000,
      "description": "Minor units; null: not for sale."
    },
    "BestSeats": {
      "type": "object",
      "properties": {
        "count": {"type":"integer","minimum":1,"maximum":65535},
        "category": {"anyOf":[{"$ref":"#/components/schemas/Name"},{"type":"null"}]}
      },
      "required": ["count"],
      "additionalProperties": false
    },
    "PretixPlan": {
      "type": "object",
      "description": "A seating plan in pretix's open JSON format: zones become sections, seats are called by their seat_guid.",
      "required": ["zones"],
      "properties": {
        "name": {"type":"string"},
        "zones": {"type":"array","items":{"type":"object"}},
        "categories": {"type":"array","items":{"type":"object"}},
        "size": {"type":"object"}
      }
    }
    """#
}
