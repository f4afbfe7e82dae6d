/// The description of the HTTP door that the router serves: OpenAPI 3.1. A test holds it against the routes, and against the
/// fields that the code reads and writes.
public enum OpenAPI {
  public static let document: StaticString = #"""
    {
      "openapi": "3.1.0",
      "info": {
        "title": "Holdfast",
        "version": "1.0.0",
        "description": "Seat inventory for flash sales. Refusals are RFC 9457 problem documents with a stable `code`. Unknown fields are refused. Every answer has an `X-Request-Id`."
      },
      "paths": {
        "/v1/events": {
          "get": {
            "operationId": "listEvents",
            "summary": "Events by id.",
            "parameters": [{"$ref":"#/components/parameters/limit"},{"$ref":"#/components/parameters/cursor"}],
            "responses": {
              "200": {
                "description": "A page of events.",
                "content": {"application/json":{"schema":{"$ref":"#/components/schemas/EventList"}}}
              },
              "400": {"$ref":"#/components/responses/BadRequest"},
              "404": {"$ref":"#/components/responses/NotFound"},
              "405": {"$ref":"#/components/responses/MethodNotAllowed"},
              "408": {"$ref":"#/components/responses/Timeout"},
              "411": {"$ref":"#/components/responses/LengthRequired"},
              "413": {"$ref":"#/components/responses/TooLarge"},
              "415": {"$ref":"#/components/responses/UnsupportedMediaType"},
              "422": {"$ref":"#/components/responses/Invalid"},
              "429": {"$ref":"#/components/responses/TooManyRequests"},
              "431": {"$ref":"#/components/responses/HeadersTooLarge"},
              "503": {"$ref":"#/components/responses/Unavailable"},
              "504": {"$ref":"#/components/responses/Unknown"}
            }
          },
          "post": {
            "operationId": "createEvent",
            "summary": "Create an event.",
            "parameters": [{"$ref":"#/components/parameters/key"}],
            "requestBody": {"required":true,"content":{"application/json":{"schema":{"$ref":"#/components/schemas/NewEvent"}}}},
            "responses": {
              "201": {
                "description": "Created.",
                "content": {"application/json":{"schema":{"$ref":"#/components/schemas/Event"}}},
                "headers": {"Location":{"$ref":"#/components/headers/Location"},"ETag":{"$ref":"#/components/headers/ETag"}}
              },
              "400": {"$ref":"#/components/responses/BadRequest"},
              "404": {"$ref":"#/components/responses/NotFound"},
              "405": {"$ref":"#/components/responses/MethodNotAllowed"},
              "408": {"$ref":"#/components/responses/Timeout"},
              "409": {
                "description": "`event_exists`.",
                "content": {"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}
              },
              "411": {"$ref":"#/components/responses/LengthRequired"},
              "413": {"$ref":"#/components/responses/TooLarge"},
              "415": {"$ref":"#/components/responses/UnsupportedMediaType"},
              "422": {"$ref":"#/components/responses/Invalid"},
              "429": {"$ref":"#/components/responses/TooManyRequests"},
              "431": {"$ref":"#/components/responses/HeadersTooLarge"},
              "503": {"$ref":"#/components/responses/Unavailable"},
              "504": {"$ref":"#/components/responses/Unknown"}
            }
          }
        },
        "/v1/events/{event}": {
          "get": {
            "operationId": "event",
            "summary": "One event without its plan.",
            "parameters": [{"$ref":"#/components/parameters/event"},{"$ref":"#/components/parameters/tag"}],
            "responses": {
              "200": {
                "description": "The event.",
                "content": {"application/json":{"schema":{"$ref":"#/components/schemas/Event"}}},
                "headers": {"ETag":{"$ref":"#/components/headers/ETag"}}
              },
              "304": {"$ref":"#/components/responses/NotModified"},
              "400": {"$ref":"#/components/responses/BadRequest"},
              "404": {"$ref":"#/components/responses/NotFound"},
              "405": {"$ref":"#/components/responses/MethodNotAllowed"},
              "408": {"$ref":"#/components/responses/Timeout"},
              "411": {"$ref":"#/components/responses/LengthRequired"},
              "413": {"$ref":"#/components/responses/TooLarge"},
              "415": {"$ref":"#/components/responses/UnsupportedMediaType"},
              "422": {"$ref":"#/components/responses/Invalid"},
              "429": {"$ref":"#/components/responses/TooManyRequests"},
              "431": {"$ref":"#/components/responses/HeadersTooLarge"},
              "503": {"$ref":"#/components/responses/Unavailable"},
              "504": {"$ref":"#/components/responses/Unknown"}
            }
          }
        },
        "/v1/events/{event}/plan": {
          "get": {
            "operationId": "plan",
            "summary": "An event's plan, which never changes.",
            "parameters": [{"$ref":"#/components/parameters/event"},{"$ref":"#/components/parameters/tag"}],
            "responses": {
              "200": {
                "description": "The plan, in the short form or with every seat.",
                "content": {"application/json":{"schema":{"$ref":"#/components/schemas/Plan"}}},
                "headers": {"ETag":{"$ref":"#/components/headers/ETag"}}
              },
              "304": {"$ref":"#/components/responses/NotModified"},
              "400": {"$ref":"#/components/responses/BadRequest"},
              "404": {"$ref":"#/components/responses/NotFound"},
              "405": {"$ref":"#/components/responses/MethodNotAllowed"},
              "408": {"$ref":"#/components/responses/Timeout"},
              "411": {"$ref":"#/components/responses/LengthRequired"},
              "413": {"$ref":"#/components/responses/TooLarge"},
              "415": {"$ref":"#/components/responses/UnsupportedMediaType"},
              "422": {"$ref":"#/components/responses/Invalid"},
              "429": {"$ref":"#/components/responses/TooManyRequests"},
              "431": {"$ref":"#/components/responses/HeadersTooLarge"},
              "503": {"$ref":"#/components/responses/Unavailable"},
              "504": {"$ref":"#/components/responses/Unknown"}
            }
          }
        },
        "/v1/events/{event}/seats": {
          "get": {
            "operationId": "seats",
            "summary": "Every seat's state.",
            "parameters": [
              {"$ref":"#/components/parameters/event"},
              {"$ref":"#/components/parameters/read"},
              {"$ref":"#/components/parameters/tag"}
            ],
            "responses": {
              "200": {
                "description": "The seat map.",
                "content": {"application/json":{"schema":{"$ref":"#/components/schemas/Seats"}}},
                "headers": {"ETag":{"$ref":"#/components/headers/ETag"},"Age":{"$ref":"#/components/headers/Age"}}
              },
              "304": {"$ref":"#/components/responses/NotModified"},
              "400": {"$ref":"#/components/responses/BadRequest"},
              "404": {"$ref":"#/components/responses/NotFound"},
              "405": {"$ref":"#/components/responses/MethodNotAllowed"},
              "408": {"$ref":"#/components/responses/Timeout"},
              "411": {"$ref":"#/components/responses/LengthRequired"},
              "413": {"$ref":"#/components/responses/TooLarge"},
              "415": {"$ref":"#/components/responses/UnsupportedMediaType"},
              "422": {"$ref":"#/components/responses/Invalid"},
              "429": {"$ref":"#/components/responses/TooManyRequests"},
              "431": {"$ref":"#/components/responses/HeadersTooLarge"},
              "503": {"$ref":"#/components/responses/Unavailable"},
              "504": {"$ref":"#/components/responses/Unknown"}
            }
          }
        },
        "/v1/events/{event}/availability": {
          "get": {
            "operationId": "availability",
            "summary": "How many seats and places are in which state.",
            "parameters": [
              {"$ref":"#/components/parameters/event"},
              {"$ref":"#/components/parameters/read"},
              {"$ref":"#/components/parameters/tag"}
            ],
            "responses": {
              "200": {
                "description": "The counts.",
                "content": {"application/json":{"schema":{"$ref":"#/components/schemas/Availability"}}},
                "headers": {"ETag":{"$ref":"#/components/headers/ETag"},"Age":{"$ref":"#/components/headers/Age"}}
              },
              "304": {"$ref":"#/components/responses/NotModified"},
              "400": {"$ref":"#/components/responses/BadRequest"},
              "404": {"$ref":"#/components/responses/NotFound"},
              "405": {"$ref":"#/components/responses/MethodNotAllowed"},
              "408": {"$ref":"#/components/responses/Timeout"},
              "411": {"$ref":"#/components/responses/LengthRequired"},
              "413": {"$ref":"#/components/responses/TooLarge"},
              "415": {"$ref":"#/components/responses/UnsupportedMediaType"},
              "422": {"$ref":"#/components/responses/Invalid"},
              "429": {"$ref":"#/components/responses/TooManyRequests"},
              "431": {"$ref":"#/components/responses/HeadersTooLarge"},
              "503": {"$ref":"#/components/responses/Unavailable"},
              "504": {"$ref":"#/components/responses/Unknown"}
            }
          }
        },
        "/v1/reserve": {
          "post": {
            "operationId": "reserve",
            "summary": "Hold seats and places, all or nothing.",
            "parameters": [{"$ref":"#/components/parameters/key"}],
            "requestBody": {"required":true,"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Reserve"}}}},
            "responses": {
              "200": {
                "description": "The hold.",
                "content": {"application/json":{"schema":{"$ref":"#/components/schemas/Hold"}}}
              },
              "400": {"$ref":"#/components/responses/BadRequest"},
              "404": {"$ref":"#/components/responses/NotFound"},
              "405": {"$ref":"#/components/responses/MethodNotAllowed"},
              "408": {"$ref":"#/components/responses/Timeout"},
              "409": {
                "description": "`not_on_sale`, `limit_exceeded`, `seats_taken` (with `seats`: every lost one), `sold_out`.",
                "content": {"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}
              },
              "411": {"$ref":"#/components/responses/LengthRequired"},
              "413": {"$ref":"#/components/responses/TooLarge"},
              "415": {"$ref":"#/components/responses/UnsupportedMediaType"},
              "422": {"$ref":"#/components/responses/Invalid"},
              "429": {"$ref":"#/components/responses/TooManyRequests"},
              "431": {"$ref":"#/components/responses/HeadersTooLarge"},
              "503": {"$ref":"#/components/responses/Unavailable"},
              "504": {"$ref":"#/components/responses/Unknown"}
            }
          }
        },
        "/v1/holds/{hold}": {
          "get": {
            "operationId": "hold",
            "summary": "A hold as it stands.",
            "parameters": [{"$ref":"#/components/parameters/hold"}],
            "responses": {
              "200": {
                "description": "The hold, with its order once checked out.",
                "content": {"application/json":{"schema":{"$ref":"#/components/schemas/Hold"}}}
              },
              "400": {"$ref":"#/components/responses/BadRequest"},
              "404": {"$ref":"#/components/responses/NotFound"},
              "405": {"$ref":"#/components/responses/MethodNotAllowed"},
              "408": {"$ref":"#/components/responses/Timeout"},
              "410": {
                "description": "`hold_expired`: it ended, or was released.",
                "content": {"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}
              },
              "411": {"$ref":"#/components/responses/LengthRequired"},
              "413": {"$ref":"#/components/responses/TooLarge"},
              "415": {"$ref":"#/components/responses/UnsupportedMediaType"},
              "422": {"$ref":"#/components/responses/Invalid"},
              "429": {"$ref":"#/components/responses/TooManyRequests"},
              "431": {"$ref":"#/components/responses/HeadersTooLarge"},
              "503": {"$ref":"#/components/responses/Unavailable"},
              "504": {"$ref":"#/components/responses/Unknown"}
            }
          },
          "delete": {
            "operationId": "release",
            "summary": "Give a hold up.",
            "parameters": [{"$ref":"#/components/parameters/hold"},{"$ref":"#/components/parameters/key"}],
            "responses": {
              "204": {"description":"Released."},
              "400": {"$ref":"#/components/responses/BadRequest"},
              "404": {"$ref":"#/components/responses/NotFound"},
              "405": {"$ref":"#/components/responses/MethodNotAllowed"},
              "408": {"$ref":"#/components/responses/Timeout"},
              "409": {
                "description": "`checked_out` with `order`.",
                "content": {"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}
              },
              "410": {
                "description": "`hold_expired`: it ended, or was released.",
                "content": {"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}
              },
              "411": {"$ref":"#/components/responses/LengthRequired"},
              "413": {"$ref":"#/components/responses/TooLarge"},
              "415": {"$ref":"#/components/responses/UnsupportedMediaType"},
              "422": {"$ref":"#/components/responses/Invalid"},
              "429": {"$ref":"#/components/responses/TooManyRequests"},
              "431": {"$ref":"#/components/responses/HeadersTooLarge"},
              "503": {"$ref":"#/components/responses/Unavailable"},
              "504": {"$ref":"#/components/responses/Unknown"}
            }
          }
        },
        "/v1/holds/{hold}/extend": {
          "post": {
            "operationId": "extend",
            "summary": "Keep a hold longer.",
            "parameters": [{"$ref":"#/components/parameters/hold"},{"$ref":"#/components/parameters/key"}],
            "requestBody": {"required":true,"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Extend"}}}},
            "responses": {
              "200": {
                "description": "The hold.",
                "content": {"application/json":{"schema":{"$ref":"#/components/schemas/Hold"}}}
              },
              "400": {"$ref":"#/components/responses/BadRequest"},
              "404": {"$ref":"#/components/responses/NotFound"},
              "405": {"$ref":"#/components/responses/MethodNotAllowed"},
              "408": {"$ref":"#/components/responses/Timeout"},
              "409": {
                "description": "`checked_out`, or `limit_exceeded` past three times its first length.",
                "content": {"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}
              },
              "410": {
                "description": "`hold_expired`: it ended, or was released.",
                "content": {"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}
              },
              "411": {"$ref":"#/components/responses/LengthRequired"},
              "413": {"$ref":"#/components/responses/TooLarge"},
              "415": {"$ref":"#/components/responses/UnsupportedMediaType"},
              "422": {"$ref":"#/components/responses/Invalid"},
              "429": {"$ref":"#/components/responses/TooManyRequests"},
              "431": {"$ref":"#/components/responses/HeadersTooLarge"},
              "503": {"$ref":"#/components/responses/Unavailable"},
              "504": {"$ref":"#/components/responses/Unknown"}
            }
          }
        },
        "/v1/checkout": {
          "post": {
            "operationId": "checkout",
            "summary": "Make an order of a hold.",
            "parameters": [{"$ref":"#/components/parameters/key"}],
            "requestBody": {"required":true,"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Checkout"}}}},
            "responses": {
              "202": {
                "description": "The order, pending payment.",
                "content": {"application/json":{"schema":{"$ref":"#/components/schemas/Order"}}},
                "headers": {"Location":{"$ref":"#/components/headers/Location"}}
              },
              "400": {"$ref":"#/components/responses/BadRequest"},
              "404": {"$ref":"#/components/responses/NotFound"},
              "405": {"$ref":"#/components/responses/MethodNotAllowed"},
              "408": {"$ref":"#/components/responses/Timeout"},
              "410": {
                "description": "`hold_expired`: it ended, or was released.",
                "content": {"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}
              },
              "411": {"$ref":"#/components/responses/LengthRequired"},
              "413": {"$ref":"#/components/responses/TooLarge"},
              "415": {"$ref":"#/components/responses/UnsupportedMediaType"},
              "422": {"$ref":"#/components/responses/Invalid"},
              "429": {"$ref":"#/components/responses/TooManyRequests"},
              "431": {"$ref":"#/components/responses/HeadersTooLarge"},
              "503": {"$ref":"#/components/responses/Unavailable"},
              "504": {"$ref":"#/components/responses/Unknown"}
            }
          }
        },
        "/v1/orders/{order}": {
          "get": {
            "operationId": "order",
            "summary": "An order, whatever its status.",
            "parameters": [{"$ref":"#/components/parameters/order"}],
            "responses": {
              "200": {
                "description": "The order.",
                "content": {"application/json":{"schema":{"$ref":"#/components/schemas/Order"}}}
              },
              "400": {"$ref":"#/components/responses/BadRequest"},
              "404": {"$ref":"#/components/responses/NotFound"},
              "405": {"$ref":"#/components/responses/MethodNotAllowed"},
              "408": {"$ref":"#/components/responses/Timeout"},
              "411": {"$ref":"#/components/responses/LengthRequired"},
              "413": {"$ref":"#/components/responses/TooLarge"},
              "415": {"$ref":"#/components/responses/UnsupportedMediaType"},
              "422": {"$ref":"#/components/responses/Invalid"},
              "429": {"$ref":"#/components/responses/TooManyRequests"},
              "431": {"$ref":"#/components/responses/HeadersTooLarge"},
              "503": {"$ref":"#/components/responses/Unavailable"},
              "504": {"$ref":"#/components/responses/Unknown"}
            }
          }
        },
        "/v1/orders/{order}/confirm": {
          "post": {
            "operationId": "confirm",
            "summary": "Confirm a paid order: its seats are sold.",
            "parameters": [{"$ref":"#/components/parameters/order"},{"$ref":"#/components/parameters/key"}],
            "responses": {
              "200": {
                "description": "The order.",
                "content": {"application/json":{"schema":{"$ref":"#/components/schemas/Order"}}}
              },
              "400": {"$ref":"#/components/responses/BadRequest"},
              "404": {"$ref":"#/components/responses/NotFound"},
              "405": {"$ref":"#/components/responses/MethodNotAllowed"},
              "408": {"$ref":"#/components/responses/Timeout"},
              "409": {
                "description": "`order_state`.",
                "content": {"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}
              },
              "410": {
                "description": "`order_expired`.",
                "content": {"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}
              },
              "411": {"$ref":"#/components/responses/LengthRequired"},
              "413": {"$ref":"#/components/responses/TooLarge"},
              "415": {"$ref":"#/components/responses/UnsupportedMediaType"},
              "422": {"$ref":"#/components/responses/Invalid"},
              "429": {"$ref":"#/components/responses/TooManyRequests"},
              "431": {"$ref":"#/components/responses/HeadersTooLarge"},
              "503": {"$ref":"#/components/responses/Unavailable"},
              "504": {"$ref":"#/components/responses/Unknown"}
            }
          }
        },
        "/v1/orders/{order}/cancel": {
          "post": {
            "operationId": "cancel",
            "summary": "Cancel an order: its seats are on sale again.",
            "parameters": [{"$ref":"#/components/parameters/order"},{"$ref":"#/components/parameters/key"}],
            "responses": {
              "200": {
                "description": "The order.",
                "content": {"application/json":{"schema":{"$ref":"#/components/schemas/Order"}}}
              },
              "400": {"$ref":"#/components/responses/BadRequest"},
              "404": {"$ref":"#/components/responses/NotFound"},
              "405": {"$ref":"#/components/responses/MethodNotAllowed"},
              "408": {"$ref":"#/components/responses/Timeout"},
              "409": {
                "description": "`order_state`.",
                "content": {"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}
              },
              "410": {
                "description": "`order_expired`.",
                "content": {"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}
              },
              "411": {"$ref":"#/components/responses/LengthRequired"},
              "413": {"$ref":"#/components/responses/TooLarge"},
              "415": {"$ref":"#/components/responses/UnsupportedMediaType"},
              "422": {"$ref":"#/components/responses/Invalid"},
              "429": {"$ref":"#/components/responses/TooManyRequests"},
              "431": {"$ref":"#/components/responses/HeadersTooLarge"},
              "503": {"$ref":"#/components/responses/Unavailable"},
              "504": {"$ref":"#/components/responses/Unknown"}
            }
          }
        },
        "/healthz": {
          "get": {
            "operationId": "healthz",
            "summary": "Is the process alive?",
            "responses": {
              "200": {
                "description": "It is.",
                "content": {
                  "application/json": {
                    "schema": {"type":"object","properties":{"status":{"type":"string"}},"additionalProperties":false}
                  }
                }
              },
              "400": {"$ref":"#/components/responses/BadRequest"},
              "404": {"$ref":"#/components/responses/NotFound"},
              "405": {"$ref":"#/components/responses/MethodNotAllowed"},
              "408": {"$ref":"#/components/responses/Timeout"},
              "411": {"$ref":"#/components/responses/LengthRequired"},
              "413": {"$ref":"#/components/responses/TooLarge"},
              "415": {"$ref":"#/components/responses/UnsupportedMediaType"},
              "422": {"$ref":"#/components/responses/Invalid"},
              "429": {"$ref":"#/components/responses/TooManyRequests"},
              "431": {"$ref":"#/components/responses/HeadersTooLarge"},
              "503": {"$ref":"#/components/responses/Unavailable"},
              "504": {"$ref":"#/components/responses/Unknown"}
            }
          }
        },
        "/readyz": {
          "get": {
            "operationId": "readyz",
            "summary": "Can every shard be reached?",
            "responses": {
              "200": {
                "description": "Yes.",
                "content": {
                  "application/json": {
                    "schema": {"type":"object","properties":{"status":{"type":"string"}},"additionalProperties":false}
                  }
                }
              },
              "400": {"$ref":"#/components/responses/BadRequest"},
              "404": {"$ref":"#/components/responses/NotFound"},
              "405": {"$ref":"#/components/responses/MethodNotAllowed"},
              "408": {"$ref":"#/components/responses/Timeout"},
              "411": {"$ref":"#/components/responses/LengthRequired"},
              "413": {"$ref":"#/components/responses/TooLarge"},
              "415": {"$ref":"#/components/responses/UnsupportedMediaType"},
              "422": {"$ref":"#/components/responses/Invalid"},
              "429": {"$ref":"#/components/responses/TooManyRequests"},
              "431": {"$ref":"#/components/responses/HeadersTooLarge"},
              "503": {"$ref":"#/components/responses/Unavailable"},
              "504": {"$ref":"#/components/responses/Unknown"}
            }
          }
        },
        "/metrics": {
          "get": {
            "operationId": "metrics",
            "summary": "Counters for Prometheus.",
            "responses": {
              "200": {"description":"Prometheus' text format.","content":{"text/plain":{"schema":{"type":"string"}}}},
              "400": {"$ref":"#/components/responses/BadRequest"},
              "404": {"$ref":"#/components/responses/NotFound"},
              "405": {"$ref":"#/components/responses/MethodNotAllowed"},
              "408": {"$ref":"#/components/responses/Timeout"},
              "411": {"$ref":"#/components/responses/LengthRequired"},
              "413": {"$ref":"#/components/responses/TooLarge"},
              "415": {"$ref":"#/components/responses/UnsupportedMediaType"},
              "422": {"$ref":"#/components/responses/Invalid"},
              "429": {"$ref":"#/components/responses/TooManyRequests"},
              "431": {"$ref":"#/components/responses/HeadersTooLarge"},
              "503": {"$ref":"#/components/responses/Unavailable"},
              "504": {"$ref":"#/components/responses/Unknown"}
            }
          }
        },
        "/openapi.json": {
          "get": {
            "operationId": "openapi",
            "summary": "This document.",
            "responses": {
              "200": {"description":"OpenAPI 3.1.","content":{"application/json":{"schema":{"type":"object"}}}},
              "400": {"$ref":"#/components/responses/BadRequest"},
              "404": {"$ref":"#/components/responses/NotFound"},
              "405": {"$ref":"#/components/responses/MethodNotAllowed"},
              "408": {"$ref":"#/components/responses/Timeout"},
              "411": {"$ref":"#/components/responses/LengthRequired"},
              "413": {"$ref":"#/components/responses/TooLarge"},
              "415": {"$ref":"#/components/responses/UnsupportedMediaType"},
              "422": {"$ref":"#/components/responses/Invalid"},
              "429": {"$ref":"#/components/responses/TooManyRequests"},
              "431": {"$ref":"#/components/responses/HeadersTooLarge"},
              "503": {"$ref":"#/components/responses/Unavailable"},
              "504": {"$ref":"#/components/responses/Unknown"}
            }
          }
        }
      },
      "components": {
        "parameters": {
          "event": {
            "name": "event",
            "in": "path",
            "required": true,
            "schema": {"type":"string","pattern":"^[A-Za-z0-9._~-]{1,128}$"}
          },
          "hold": {
            "name": "hold",
            "in": "path",
            "required": true,
            "schema": {"type":"string","pattern":"^h_[0-9a-hjkmnp-tv-z]{32}$"}
          },
          "order": {
            "name": "order",
            "in": "path",
            "required": true,
            "schema": {"type":"string","pattern":"^o_[0-9a-hjkmnp-tv-z]{32}$"}
          },
          "limit": {"name":"limit","in":"query","schema":{"type":"integer","minimum":1,"maximum":1000,"default":100}},
          "cursor": {"name":"cursor","in":"query","schema":{"type":"string"}},
          "read": {
            "name": "read",
            "in": "query",
            "description": "`strong` asks the primary; `fresh` may be up to 250 ms behind.",
            "schema": {"enum":["fresh","strong"],"default":"fresh"}
          },
          "key": {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "A retry with the same key gets the first outcome.",
            "schema": {"type":"string","minLength":1,"maxLength":255}
          },
          "tag": {"name":"If-None-Match","in":"header","schema":{"type":"string"}}
        },
        "headers": {
          "ETag": {"description":"`\"<incarnation>-<version>\"`","schema":{"type":"string"}},
          "Age": {"description":"Seconds since the copy was known to be current.","schema":{"type":"integer"}},
          "Location": {"schema":{"type":"string"}}
        },
        "responses": {
          "BadRequest": {
            "description": "`invalid_json` or `bad_request`.",
            "content": {"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}
          },
          "NotFound": {
            "description": "`no_such_event`, `no_such_hold`, `no_such_order` or `no_such_route`.",
            "content": {"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}
          },
          "MethodNotAllowed": {
            "description": "See `Allow`.",
            "content": {"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}
          },
          "Timeout": {
            "description": "The request did not come in time.",
            "content": {"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}
          },
          "LengthRequired": {
            "description": "The body needs a length.",
            "content": {"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}
          },
          "TooLarge": {
            "description": "`too_large`: the body is over its limit; the connection is closed.",
            "content": {"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}
          },
          "UnsupportedMediaType": {
            "description": "The body is not application/json.",
            "content": {"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}
          },
          "Invalid": {
            "description": "`invalid_…` with `field`, or `idempotency_key_reused`.",
            "content": {"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}
          },
          "TooManyRequests": {
            "description": "Too many requests.",
            "content": {"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}
          },
          "HeadersTooLarge": {
            "description": "The header block is over its limit; the connection is closed.",
            "content": {"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}
          },
          "Unavailable": {
            "description": "`unavailable` or `disk_full`: nothing happened; see `Retry-After`.",
            "content": {"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}
          },
          "Unknown": {
            "description": "`unknown`: it may have happened; retry with the same key.",
            "content": {"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}
          },
          "NotModified": {"description":"The client's copy is current."}
        },
        "schemas": {
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
              "payment_ttl": {"type":["integer","null"],"minimum":60,"maximum":86400,"default":900,"description":"Seconds."},
              "max_per_order": {"type":["integer","null"],"minimum":1},
              "max_per_buyer": {"type":["integer","null"],"minimum":1},
              "sections": {"type":["array","null"],"items":{"$ref":"#/components/schemas/NewSection"}},
              "areas": {"type":["array","null"],"items":{"$ref":"#/components/schemas/NewArea"}},
              "plan": {
                "type": ["object","null"],
                "description": "A seating plan in pretix's open JSON format: zones become sections, seats are called by their seat_guid."
              },
              "prices": {
                "type": ["object","null"],
                "additionalProperties": {
                  "type": ["integer","null"],
                  "minimum": 0,
                  "maximum": 100000000000,
                  "description": "Minor units; null: not for sale."
                },
                "description": "By category."
              },
              "not_for_sale": {"type":["array","null"],"items":{"$ref":"#/components/schemas/SeatName"}}
            },
            "required": ["name"],
            "additionalProperties": false
          },
          "NewSection": {
            "type": "object",
            "properties": {
              "name": {"type":"string","minLength":1,"maxLength":128},
              "category": {"type":["string","null"],"minLength":1,"maxLength":128},
              "rows": {"type":"integer","minimum":1},
              "seats_per_row": {"type":"integer","minimum":1},
              "price": {
                "type": ["integer","null"],
                "minimum": 0,
                "maximum": 100000000000,
                "description": "Minor units; null: not for sale."
              }
            },
            "required": ["name","rows","seats_per_row"],
            "additionalProperties": false
          },
          "NewArea": {
            "type": "object",
            "properties": {
              "name": {"type":"string","minLength":1,"maxLength":128},
              "capacity": {"type":"integer","minimum":1},
              "price": {"type":"integer","minimum":0,"maximum":100000000000}
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
              "payment_ttl": {"type":"integer","format":"int64"},
              "max_per_order": {"type":["integer","null"],"format":"int64"},
              "max_per_buyer": {"type":["integer","null"],"format":"int64"},
              "areas": {"type":"array","items":{"$ref":"#/components/schemas/NewArea"}},
              "prices": {
                "type": "object",
                "additionalProperties": {
                  "type": ["integer","null"],
                  "minimum": 0,
                  "maximum": 100000000000,
                  "description": "Minor units; null: not for sale."
                }
              },
              "total": {"type":"integer","minimum":0},
              "free": {"type":"integer","minimum":0},
              "held": {"type":"integer","minimum":0},
              "sold": {"type":"integer","minimum":0},
              "not_for_sale": {"type":"integer","minimum":0},
              "version": {"type":"integer","format":"int64"}
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
                    "type": "object",
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
              "categories": {
                "type": "object",
                "additionalProperties": {
                  "type": "object",
                  "properties": {
                    "total": {"type":"integer","minimum":0},
                    "free": {"type":"integer","minimum":0},
                    "held": {"type":"integer","minimum":0},
                    "sold": {"type":"integer","minimum":0},
                    "not_for_sale": {"type":"integer","minimum":0},
                    "price": {
                      "type": ["integer","null"],
                      "minimum": 0,
                      "maximum": 100000000000,
                      "description": "Minor units; null: not for sale."
                    }
                  },
                  "additionalProperties": false
                }
              },
              "areas": {
                "type": "object",
                "additionalProperties": {
                  "type": "object",
                  "properties": {
                    "total": {"type":"integer","minimum":0},
                    "free": {"type":"integer","minimum":0},
                    "held": {"type":"integer","minimum":0},
                    "sold": {"type":"integer","minimum":0},
                    "not_for_sale": {"type":"integer","minimum":0},
                    "price": {
                      "type": ["integer","null"],
                      "minimum": 0,
                      "maximum": 100000000000,
                      "description": "Minor units; null: not for sale."
                    }
                  },
                  "additionalProperties": false
                }
              }
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
              "areas": {
                "type": ["object","null"],
                "additionalProperties": {"type":"integer","minimum":1},
                "description": "Places by area."
              },
              "best": {
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
                ],
                "description": "Stands alone."
              },
              "ttl": {
                "type": ["integer","null"],
                "minimum": 1,
                "maximum": 86400,
                "description": "Seconds; the event's hold_ttl unless given."
              }
            },
            "required": ["event","buyer"],
            "additionalProperties": false
          },
          "Extend": {
            "type": "object",
            "properties": {"ttl":{"type":"integer","minimum":1,"maximum":86400,"description":"Seconds from now."}},
            "required": ["ttl"],
            "additionalProperties": false
          },
          "Checkout": {
            "type": "object",
            "properties": {"hold":{"type":"string"}},
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
              "pay_by": {"type":"string","format":"date-time"}
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
              "created_at",
              "pay_by",
              "version"
            ],
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
              "order_status": {"enum":["pending_payment","confirmed","cancelled","expired","refunded"]}
            },
            "required": ["type","title","status","code","detail"],
            "additionalProperties": false
          }
        }
      }
    }
    """#
}
