import RouterCore

extension OpenAPI {
  /// The shapes of bodies, by name.
  static let schemas: StaticString = #"""
    {
      "NewEvent": {
        "type": "object",
        "properties": {
          "id": {"type":"string","pattern":"^[A-Za-z0-9._~-]{1,128}$"},
          "name": {"type":"string","minLength":1,"maxLength":255},
          "venue": {"type":["string","null"],"minLength":1,"maxLength":255},
          "starts_at": {"type":["string","null"],"format":"date-time"},
          "on_sale_at": {"type":["string","null"],"format":"date-time"},
          "currency": {"type":["string","null"],"pattern":"^[A-Z]{3}$","default":"EUR"},
          "hold_ttl": {"type":["integer","null"],"minimum":1,"maximum":86400,"default":600,"description":"Seconds."},
          "max_hold_ttl": {
            "type": ["integer","null"],
            "minimum": 1,
            "maximum": 86400,
            "description": "Seconds, at least hold_ttl: the longest that a caller may ask for; hold_ttl unless given."
          },
          "payment_ttl": {"type":["integer","null"],"minimum":60,"maximum":86400,"default":900,"description":"Seconds."},
          "max_per_order": {"type":["integer","null"],"minimum":1,"maximum":4294967295},
          "max_per_buyer": {"type":["integer","null"],"minimum":1,"maximum":4294967295},
          "sections": {"type":["array","null"],"items":{"$ref":"#/components/schemas/NewSection"}},
          "areas": {"type":["array","null"],"items":{"$ref":"#/components/schemas/NewArea"}},
          "plan": {
            "type": ["object","null"],
            "description": "A seating plan in pretix's open JSON format: zones become sections, seats are called by their seat_guid."
          },
          "prices": {
            "type": ["object","null"],
            "additionalProperties": {"type":["integer","null"],"minimum":0,"maximum":100000000000,"description":"Minor units; null: not for sale."},
            "description": "By category."
          },
          "not_for_sale": {"type":["array","null"],"items":{"$ref":"#/components/schemas/SeatName"}}
        },
        "required": ["name"],
        "additionalProperties": false
      },
      "EventTerms": {
        "type": "object",
        "properties": {
          "name": {"type":"string","minLength":1,"maxLength":255},
          "venue": {"type":["string","null"],"minLength":1,"maxLength":255},
          "starts_at": {"type":["string","null"],"format":"date-time"},
          "on_sale_at": {"type":["string","null"],"format":"date-time"},
          "hold_ttl": {"type":["integer","null"],"minimum":1,"maximum":86400,"description":"Seconds. A longer one than max_hold_ttl raises that, too."},
          "payment_ttl": {"type":["integer","null"],"minimum":60,"maximum":86400,"description":"Seconds."},
          "max_per_order": {"type":["integer","null"],"minimum":1,"maximum":4294967295},
          "max_per_buyer": {"type":["integer","null"],"minimum":1,"maximum":4294967295},
          "prices": {
            "type": ["object","null"],
            "additionalProperties": {"type":["integer","null"],"minimum":0,"maximum":100000000000,"description":"Minor units; null: not for sale."},
            "description": "By category or area. What is held or ordered keeps its price."
          },
          "paused": {"type":["boolean","null"],"description":"Holds are refused with not_on_sale; everything else goes on."}
        },
        "additionalProperties": false
      },
      "Blocks": {
        "type": "object",
        "properties": {
          "seats": {"type":["array","null"],"items":{"$ref":"#/components/schemas/SeatName"},"maxItems":65535},
          "areas": {"type":["object","null"],"additionalProperties":{"type":"integer","minimum":1},"description":"Places by area."},
          "blocked": {"type":"boolean","description":"true: taken off sale; false: put back."}
        },
        "required": ["blocked"],
        "additionalProperties": false
      },
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
      "NewSection": {
        "type": "object",
        "properties": {
          "name": {"type":"string","minLength":1,"maxLength":128},
          "category": {"type":["string","null"],"minLength":1,"maxLength":128},
          "rows": {"type":"integer","minimum":1},
          "seats_per_row": {"type":"integer","minimum":1},
          "price": {"type":["integer","null"],"minimum":0,"maximum":100000000000,"description":"Minor units; null: not for sale."}
        },
        "required": ["name","rows","seats_per_row"],
        "additionalProperties": false
      },
      "NewArea": {
        "type": "object",
        "properties": {
          "name": {"type":"string","minLength":1,"maxLength":128},
          "capacity": {"type":"integer","minimum":1},
          "price": {"type":["integer","null"],"minimum":0,"maximum":100000000000,"description":"Minor units; null: not for sale."}
        },
        "required": ["name","capacity","price"],
        "additionalProperties": false
      },
      "SeatName": {
        "type": "string",
        "minLength": 1,
        "maxLength": 64,
        "description": "A label (`Stalls-A-12`), or `#n`: the 0-based place in the plan."
      },
      "Event": {
        "type": "object",
        "properties": {
          "id": {"type":"string","pattern":"^[A-Za-z0-9._~-]{1,128}$"},
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
          "areas": {"type":"array","items":{"$ref":"#/components/schemas/NewArea"}},
          "prices": {
            "type": "object",
            "additionalProperties": {"type":["integer","null"],"minimum":0,"maximum":100000000000,"description":"Minor units; null: not for sale."}
          },
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
        "additionalProperties": false
      },
      "EventList": {
        "type": "object",
        "properties": {
          "events": {
            "type": "array",
            "items": {
              "type": "object",
              "properties": {
                "id": {"type":"string","pattern":"^[A-Za-z0-9._~-]{1,128}$"},
                "name": {"type":"string"},
                "total": {"type":"integer","minimum":0},
                "free": {"type":"integer","minimum":0},
                "held": {"type":"integer","minimum":0},
                "sold": {"type":"integer","minimum":0},
                "not_for_sale": {"type":"integer","minimum":0},
                "version": {"type":"integer","format":"int64"}
              },
              "additionalProperties": false
            }
          },
          "next_cursor": {"type":["string","null"]}
        },
        "required": ["events","next_cursor"],
        "additionalProperties": false
      },
      "Plan": {
        "oneOf": [
          {
            "type": "object",
            "properties": {
              "event": {"type":"string","pattern":"^[A-Za-z0-9._~-]{1,128}$"},
              "sections": {
                "type": "array",
                "items": {
                  "type": "object",
                  "properties": {
                    "name": {"type":"string"},
                    "category": {"type":"string"},
                    "price": {
                      "type": ["integer","null"],
                      "minimum": 0,
                      "maximum": 100000000000,
                      "description": "Minor units; null: not for sale."
                    },
                    "rows": {"type":"integer","minimum":0},
                    "seats_per_row": {"type":"integer","minimum":0}
                  },
                  "additionalProperties": false
                }
              }
            },
            "required": ["event","sections"],
            "additionalProperties": false
          },
          {
            "type": "object",
            "properties": {
              "event": {"type":"string","pattern":"^[A-Za-z0-9._~-]{1,128}$"},
              "size": {
                "type": ["object","null"],
                "properties": {"width":{"type":"number"},"height":{"type":"number"}},
                "additionalProperties": false
              },
              "sections": {
                "type": "array",
                "items": {
                  "type": "object",
                  "properties": {
                    "name": {"type":"string"},
                    "rows": {
                      "type": "array",
                      "items": {
                        "type": "object",
                        "properties": {
                          "name": {"type":"string"},
                          "seats": {
                            "type": "array",
                            "items": {
                              "type": "object",
                              "properties": {
                                "label": {"type":"string"},
                                "number": {"type":"string"},
                                "category": {"type":"string"},
                                "x": {"type":"number"},
                                "y": {"type":"number"}
                              },
                              "additionalProperties": false
                            }
                          }
                        },
                        "additionalProperties": false
                      }
                    }
                  },
                  "additionalProperties": false
                }
              },
              "categories": {
                "type": "object",
                "additionalProperties": {
                  "type": "object",
                  "properties": {
                    "price": {
                      "type": ["integer","null"],
                      "minimum": 0,
                      "maximum": 100000000000,
                      "description": "Minor units; null: not for sale."
                    },
                    "color": {"type":["string","null"]}
                  },
                  "additionalProperties": false
                }
              }
            },
            "required": ["event","sections","categories"],
            "additionalProperties": false
          }
        ]
      },
      "Seats": {
        "type": "object",
        "properties": {
          "event": {"type":"string","pattern":"^[A-Za-z0-9._~-]{1,128}$"},
          "version": {"type":"integer","format":"int64"},
          "sections": {
            "type": "array",
            "items": {
              "type": "object",
              "properties": {
                "name": {"type":"string"},
                "rows": {
                  "type": "array",
                  "items": {
                    "type": "object",
                    "properties": {
                      "name": {"type":"string"},
                      "seats": {
                        "type": "string",
                        "pattern": "^[.hsx]*$",
                        "description": "One character a seat: . free, h held, s sold, x not for sale."
                      }
                    },
                    "additionalProperties": false
                  }
                }
              },
              "additionalProperties": false
            }
          }
        },
        "required": ["event","version","sections"],
        "additionalProperties": false
      },
      "Availability": {
        "type": "object",
        "properties": {
          "event": {"type":"string","pattern":"^[A-Za-z0-9._~-]{1,128}$"},
          "version": {"type":"integer","format":"int64"},
          "total": {"type":"integer","minimum":0},
          "free": {"type":"integer","minimum":0},
          "held": {"type":"integer","minimum":0},
          "sold": {"type":"integer","minimum":0},
          "not_for_sale": {"type":"integer","minimum":0},
          "categories": {"type":"object","additionalProperties":{"$ref":"#/components/schemas/Counts"}},
          "areas": {"type":"object","additionalProperties":{"$ref":"#/components/schemas/Counts"}}
        },
        "required": ["event","version"],
        "additionalProperties": false
      },
      "Reserve": {
        "type": "object",
        "properties": {
          "event": {"type":"string","pattern":"^[A-Za-z0-9._~-]{1,128}$"},
          "buyer": {"type":"string","minLength":1,"maxLength":128},
          "seats": {"type":["array","null"],"items":{"$ref":"#/components/schemas/SeatName"},"maxItems":65535},
          "areas": {"type":["object","null"],"additionalProperties":{"type":"integer","minimum":1},"description":"Places by area."},
          "best": {
            "description": "Stands alone. Seats that stand next to each other, if any such are left: by their positions in the plan. An aisle, a gap of more than one and a half of the row's usual step, ends a run; rows of one name that continue each other are one; the front is the focal point's side, or the least y. Otherwise seats of one section.",
            "anyOf": [
              {
                "type": "object",
                "properties": {
                  "count": {"type":"integer","minimum":1,"maximum":65535},
                  "category": {"type":["string","null"],"minLength":1,"maxLength":128}
                },
                "required": ["count"],
                "additionalProperties": false
              },
              {"type":"null"}
            ]
          },
          "ttl": {
            "type": ["integer","null"],
            "minimum": 1,
            "description": "Seconds, at most the event's max_hold_ttl; its hold_ttl unless given."
          }
        },
        "required": ["event","buyer"],
        "additionalProperties": false
      },
      "Extend": {
        "type": "object",
        "properties": {"ttl":{"type":"integer","minimum":1,"description":"Seconds from now, at most the event's max_hold_ttl."}},
        "required": ["ttl"],
        "additionalProperties": false
      },
      "Checkout": {
        "type": "object",
        "properties": {
          "hold": {"type":"string"},
          "reference": {
            "type": ["string","null"],
            "minLength": 1,
            "maxLength": 128,
            "description": "The shop's own name for the order: at most 128 bytes."
          }
        },
        "required": ["hold"],
        "additionalProperties": false
      },
      "Hold": {
        "type": "object",
        "properties": {
          "hold": {"type":"string"},
          "event": {"type":"string","pattern":"^[A-Za-z0-9._~-]{1,128}$"},
          "buyer": {"type":"string"},
          "seats": {"type":"array","items":{"type":"string"}},
          "areas": {"type":"object","additionalProperties":{"type":"integer","minimum":0}},
          "total": {"type":"integer","format":"int64"},
          "currency": {"type":"string"},
          "expires_at": {"type":"string","format":"date-time"},
          "version": {"type":"integer","format":"int64"},
          "order": {"type":"string"},
          "status": {"enum":["pending_payment","confirmed","cancelled","expired","refunded"]}
        },
        "required": ["hold","event","buyer","seats","areas","total","currency","expires_at","version"],
        "additionalProperties": false
      },
      "Order": {
        "type": "object",
        "properties": {
          "hold": {"type":"string"},
          "event": {"type":"string","pattern":"^[A-Za-z0-9._~-]{1,128}$"},
          "buyer": {"type":"string"},
          "seats": {"type":"array","items":{"type":"string"}},
          "areas": {"type":"object","additionalProperties":{"type":"integer","minimum":0}},
          "total": {"type":"integer","format":"int64"},
          "currency": {"type":"string"},
          "expires_at": {"type":"string","format":"date-time"},
          "version": {"type":"integer","format":"int64"},
          "order": {"type":"string"},
          "status": {"enum":["pending_payment","confirmed","cancelled","expired","refunded"]},
          "created_at": {"type":"string","format":"date-time"},
          "pay_by": {"type":"string","format":"date-time"},
          "reference": {"type":["string","null"],"description":"As the shop said at checkout."},
          "history": {
            "type": "array",
            "description": "What it was and is, oldest first.",
            "items": {
              "type": "object",
              "properties": {
                "status": {"enum":["pending_payment","confirmed","cancelled","expired","refunded"]},
                "at": {"type":"string","format":"date-time"}
              },
              "required": ["status","at"],
              "additionalProperties": false
            }
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
          "area": {"type":"string"},
          "category": {"type":"string"},
          "field": {"type":"string"},
          "limit": {"type":"integer","format":"int64"},
          "limit_name": {"type":"string"},
          "order": {"type":"string"},
          "order_status": {"enum":["pending_payment","confirmed","cancelled","expired","refunded"]},
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
          "price": {"type":["integer","null"],"minimum":0,"maximum":100000000000,"description":"Minor units; null: not for sale."}
        },
        "additionalProperties": false
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
      "Description": {"type":"object"}
    }
    """#
}
