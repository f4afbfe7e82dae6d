import RESP

/// Commands of Redis that people and tools try here, and why they are not there.
enum RESPAbsence {
  private static let words: [(reason: StaticString, words: [StaticString])] = [
    (
      "(holdfast keeps seats, not keys: EVENT.INFO, SEATS and HOLD.INFO read them)",
      [
        "GET", "SET", "DEL", "EXISTS", "EXPIRE", "TTL", "TYPE", "KEYS", "SCAN", "DBSIZE", "RANDOMKEY", "FLUSHALL",
        "FLUSHDB", "MGET", "MSET", "INCR", "HGET", "HSET", "LPUSH", "SADD", "ZADD",
      ]
    ),
    (
      "(holdfast shows nobody what others do; GET /metrics at the HTTP door counts the commands)",
      ["MONITOR", "SLOWLOG", "LATENCY"]
    ),
    ("(holdfast has no channels)", ["SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "PUBLISH", "SPUBLISH", "PUBSUB"]),
    ("(holdfast runs no scripts: one HOLD takes all its seats or none)", ["EVAL", "EVALSHA", "FCALL", "SCRIPT"]),
    ("(every yes of holdfast is on two disks already)", ["WAIT", "WAITAOF", "SAVE", "BGSAVE", "BGREWRITEAOF"]),
  ]

  static func reason(_ word: RawSpan) -> StaticString? {
    for (reason, words) in words {
      for known in words where word.isWord(known) { return reason }
    }
    return nil
  }
}
