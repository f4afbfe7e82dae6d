import RouterCore

extension OpenAPI {
  /// The parameters of calls, by the name that `Operation` uses.
  static let parameters: StaticString = #"""
    {
      "event": {"name":"event","in":"path","required":true,"schema":{"$ref":"#/components/schemas/EventID"},"example":"gala"},
      "hold": {"name":"hold","in":"path","required":true,"schema":{"$ref":"#/components/schemas/HoldID"}},
      "order": {"name":"order","in":"path","required":true,"schema":{"$ref":"#/components/schemas/OrderID"}},
      "place": {"name":"place","in":"path","required":true,"schema":{"$ref":"#/components/schemas/PlaceID"}},
      "force": {"name":"force","in":"query","description":"Delete it whoever has something of it.","schema":{"type":"boolean","default":false}},
      "limit": {"name":"limit","in":"query","schema":{"type":"integer","minimum":1,"maximum":1000,"default":100}},
      "cursor": {"name":"cursor","in":"query","description":"What `next_cursor` of the same list said, nothing else; empty: the first page.","schema":{"type":"string","pattern":"^([0-9]{1,10}-[0-9a-f]{16})?$"}},
      "eventCursor": {"name":"cursor","in":"query","description":"What `next_cursor` said; empty: the first page.","schema":{"type":"string","pattern":"^(?!\\.{1,2}$)[A-Za-z0-9._~-]{0,128}$"}},
      "buyer": {"name":"buyer","in":"query","description":"Only this buyer's.","schema":{"$ref":"#/components/schemas/Name"},"example":"ann"},
      "buyerNeeded": {"name":"buyer","in":"query","required":true,"schema":{"$ref":"#/components/schemas/Name"},"example":"ann"},
      "status": {
        "name": "status",
        "in": "query",
        "schema": {"$ref":"#/components/schemas/OrderStatus"},
        "example": "confirmed"
      },
      "reference": {"name":"reference","in":"query","description":"Only orders with this reference.","schema":{"$ref":"#/components/schemas/Name"},"example":"invoice-4711"},
      "read": {
        "name": "read",
        "in": "query",
        "description": "`strong` asks the primary; `fresh` may be up to 250 ms behind.",
        "schema": {"type":"string","enum":["fresh","strong"],"default":"fresh"},
        "example": "strong"
      },
      "key": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "A retry with the same key gets the first outcome, a refusal too, for a day at least; another command with it is refused. One of your own for each attempt.",
        "schema": {"type":"string","minLength":1,"maxLength":255,"pattern":"^[!-~]([ -~]{0,253}[!-~])?$"}
      },
      "tag": {"name":"If-None-Match","in":"header","schema":{"type":"string"}}
    }
    """#

  /// The answers' headers, by the name that `Success` uses.
  static let headers: StaticString = #"""
    {
      "ETag": {"description":"`\"<incarnation>-<version>\"`","schema":{"type":"string"}},
      "Age": {"description":"Seconds since the copy was known to be current.","schema":{"type":"integer"}},
      "Location": {"schema":{"type":"string"}},
      "Idempotent-Replayed": {"description":"`true`: this is what the `Idempotency-Key` got before; else absent.","schema":{"type":"string","enum":["true"]}}
    }
    """#
}
