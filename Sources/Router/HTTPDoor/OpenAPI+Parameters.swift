import RouterCore

extension OpenAPI {
  /// The parameters of calls, by the name that `Operation` uses.
  static let parameters: StaticString = #"""
    {
      "event": {"name":"event","in":"path","required":true,"schema":{"type":"string","pattern":"^[A-Za-z0-9._~-]{1,128}$"}},
      "hold": {"name":"hold","in":"path","required":true,"schema":{"type":"string","pattern":"^h_[0-9a-hjkmnp-tv-z]{32}$"}},
      "order": {"name":"order","in":"path","required":true,"schema":{"type":"string","pattern":"^o_[0-9a-hjkmnp-tv-z]{32}$"}},
      "force": {"name":"force","in":"query","description":"Delete it whoever has something of it.","schema":{"type":"boolean","default":false}},
      "limit": {"name":"limit","in":"query","schema":{"type":"integer","minimum":1,"maximum":1000,"default":100}},
      "cursor": {"name":"cursor","in":"query","schema":{"type":"string"}},
      "buyer": {"name":"buyer","in":"query","description":"At most 128 bytes. A list of holds needs it.","schema":{"type":"string","minLength":1,"maxLength":128}},
      "status": {
        "name": "status",
        "in": "query",
        "schema": {"enum":["pending_payment","confirmed","cancelled","expired","refunded"]}
      },
      "reference": {"name":"reference","in":"query","schema":{"type":"string","minLength":1,"maxLength":128}},
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
    }
    """#

  /// The answers' headers, by the name that `Success` uses.
  static let headers: StaticString = #"""
    {
      "ETag": {"description":"`\"<incarnation>-<version>\"`","schema":{"type":"string"}},
      "Age": {"description":"Seconds since the copy was known to be current.","schema":{"type":"integer"}},
      "Location": {"schema":{"type":"string"}}
    }
    """#
}
