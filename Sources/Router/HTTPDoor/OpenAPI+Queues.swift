extension OpenAPI {
  /// Waiting rooms, queues and places, by name: members of `components.schemas`.
  static let queueSchemas: StaticString = #"""
    "NewWaitingRoom": {
      "type": "object",
      "properties": {
        "opens_at": {
          "type": ["string","null"],
          "format": "date-time",
          "description": "From here on buyers may join; at once unless given."
        },
        "starts_at": {
          "type": ["string","null"],
          "format": "date-time",
          "description": "From here on buyers are called; when the event goes on sale unless given."
        },
        "order": {
          "type": ["string","null"],
          "enum": ["shuffle","fifo",null],
          "default": "shuffle",
          "description": "shuffle: who comes before the start is drawn, others stand behind. fifo: first come, first served."
        },
        "admit_per_minute": {"type":["integer","null"],"minimum":0,"maximum":6000000,"default":600},
        "max_inside": {"type":["integer","null"],"minimum":1,"maximum":4294967295},
        "pass_ttl": {
          "type": ["integer","null"],
          "minimum": 10,
          "maximum": 86400,
          "default": 600,
          "description": "Seconds for which a pass is good."
        },
        "claim_ttl": {
          "type": ["integer","null"],
          "minimum": 5,
          "maximum": 86400,
          "default": 120,
          "description": "Seconds within which who was called must ask for the pass."
        },
        "leave_after": {
          "type": ["integer","null"],
          "minimum": 5,
          "maximum": 86400,
          "default": 90,
          "description": "Seconds without a question about the place after which it is passed over."
        }
      },
      "additionalProperties": false,
      "description": "A field that is null counts as absent: it gets its default."
    },
    "WaitingRoom": {
      "type": "object",
      "properties": {
        "opens_at": {"type":["string","null"],"format":"date-time"},
        "starts_at": {"type":["string","null"],"format":"date-time"},
        "order": {"type":"string","enum":["shuffle","fifo"]},
        "admit_per_minute": {"type":"integer","minimum":0},
        "max_inside": {"type":["integer","null"]},
        "pass_ttl": {"type":"integer"},
        "claim_ttl": {"type":"integer"},
        "leave_after": {"type":"integer"}
      },
      "required": [
        "opens_at","starts_at","order","admit_per_minute","max_inside","pass_ttl","claim_ttl","leave_after"
      ],
      "additionalProperties": false
    },
    "JoinQueue": {
      "type": "object",
      "properties": {"buyer":{"$ref":"#/components/schemas/Name"}},
      "required": ["buyer"],
      "additionalProperties": false
    },
    "QueueControl": {
      "type": "object",
      "properties": {
        "action": {"type":["string","null"],"enum":["pause","resume","drain","reset",null]},
        "admit_per_minute": {"type":["integer","null"],"minimum":0,"maximum":6000000},
        "max_inside": {"type":["integer","null"],"minimum":1,"maximum":4294967295,"description":"null: no limit."},
        "message": {
          "type": ["string","null"],
          "maxLength": 255,
          "pattern": "^[^\\x00-\\x1F\\x7F-\\x9F\\u2028\\u2029]*$",
          "description": "Shown to all who wait, at most 255 bytes of UTF-8; empty or null: none."
        }
      },
      "additionalProperties": false,
      "description": "What is absent stays as it is."
    },
    "PlaceID": {
      "type": "string",
      "title": "PlaceID",
      "pattern": "^q_[0-9a-hjkmnp-tv-z]{32}$",
      "description": "As the answer to the join said it."
    },
    "Place": {
      "type": "object",
      "properties": {
        "place": {"$ref":"#/components/schemas/PlaceID"},
        "event": {"$ref":"#/components/schemas/EventID"},
        "state": {
          "type": "string",
          "enum": ["early","waiting","called","inside","passed_over","left"],
          "title": "PlaceState"
        },
        "number": {"type":["integer","null"],"minimum":1,"description":"Where it stands; null: it is not drawn yet."},
        "ahead": {"type":["integer","null"],"minimum":0,"description":"Places that are called before it, at most."},
        "eta_seconds": {
          "type": ["array","null"],
          "items": {"type":"integer"},
          "minItems": 2,
          "maxItems": 2,
          "description": "From the 10th to the 90th percentile; null: nobody can say, or it was called."
        },
        "refresh_after": {"type":"integer","minimum":1,"description":"Seconds after which it is worth asking again."},
        "pass": {"type":["string","null"],"description":"A signed JSON Web Token, for Holdfast-Pass."},
        "pass_expires_at": {"type":["string","null"],"format":"date-time"}
      },
      "required": [
        "place","event","state","number","ahead","eta_seconds","refresh_after","pass","pass_expires_at"
      ],
      "additionalProperties": false
    },
    "Queue": {
      "type": "object",
      "properties": {
        "event": {"$ref":"#/components/schemas/EventID"},
        "state": {"type":"string","enum":["closed","open","running","paused","drained"],"title":"QueueState"},
        "waiting": {"type":"integer","minimum":0},
        "called": {"type":"integer","minimum":0,"description":"Have not taken their passes yet."},
        "inside": {"type":"integer","minimum":0},
        "admitted": {"type":"integer","minimum":0,"description":"How many ever got a pass."},
        "admit_per_minute": {"type":"integer","minimum":0},
        "max_inside": {"type":["integer","null"]},
        "opens_at": {"type":["string","null"],"format":"date-time"},
        "starts_at": {"type":["string","null"],"format":"date-time"},
        "commitment": {
          "type": ["string","null"],
          "description": "SHA-256 of the draw's secret; null: the room is not open yet."
        },
        "seed": {"type":["string","null"],"description":"Of the draw; null until the start."},
        "message": {"type":["string","null"]}
      },
      "required": [
        "event","state","waiting","called","inside","admitted","admit_per_minute","max_inside","opens_at","starts_at",
        "commitment","seed","message"
      ],
      "additionalProperties": false
    },
    "PassKeys": {
      "type": "object",
      "properties": {"keys":{"type":"array","items":{"$ref":"#/components/schemas/PassKey"}}},
      "required": ["keys"],
      "additionalProperties": false
    },
    "PassKey": {
      "type": "object",
      "properties": {
        "kty": {"type":"string"},
        "use": {"type":"string"},
        "alg": {"type":"string"},
        "kid": {"type":"string"},
        "n": {"type":"string"},
        "e": {"type":"string"}
      },
      "required": ["kty","use","alg","kid","n","e"],
      "additionalProperties": false
    }
    """#
}
