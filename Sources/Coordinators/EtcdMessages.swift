internal import ClusterMap
internal import Proto

/// What we say to etcd and understand of its answers. Keys and values are base64, 64-bit numbers are strings; a field
/// that is zero is left out.
///
/// Our keys: `holdfast/birth`, `holdfast/map/<shard>`, `holdfast/nodes/<name>`, `holdfast/routers/<http address>`,
/// `holdfast/pass-keys/<id>`; the values are the records' texts.
struct EtcdKeys: Sendable {
  /// What all keys begin with, `holdfast/` unless several clusters share one etcd.
  let root: String
  var birth: String { root + "birth" }
  var map: String { root + "map/" }
  var nodes: String { root + "nodes/" }
  var routers: String { root + "routers/" }
  var passKeys: String { root + "pass-keys/" }

  func register(_ shard: ShardID) -> String { map + String(shard.rawValue) }

  /// The register that a value is; nil: it is none, or cannot be understood.
  func register(_ value: EtcdValue) -> (shard: ShardID, register: MapRegister)? {
    guard value.key.hasPrefix(map), let shard = UInt16(value.key.dropFirst(map.count)),
      let entry = MapEntry(text: value.value)
    else { return nil }
    return (ShardID(shard), MapRegister(revision: value.revision, entry: entry))
  }
}

/// One key as etcd has it.
struct EtcdValue: Equatable {
  var key: String
  var value: [UInt8]
  /// Of the store, when this key was last written: our registers' revision.
  var revision: UInt64

  init?(_ json: JSONValue) {
    guard let key = json["key"]?.text.flatMap(fromBase64), let revision = json["mod_revision"]?.integer(UInt64.self)
    else {
      return nil
    }
    self.key = String(decoding: key, as: UTF8.self)
    self.revision = revision
    value = json["value"]?.text.flatMap(fromBase64) ?? []
  }
}

enum EtcdMessage {
  /// A key, or all keys that begin with it.
  static func range(_ key: String, isPrefix: Bool) -> JSONValue { .object(keys(key, isPrefix: isPrefix)) }

  static func put(_ key: String, _ text: String) -> JSONValue {
    .object([.init("key", .text(base64(key))), .init("value", .text(base64(text)))])
  }

  static func delete(_ key: String) -> JSONValue { .object([.init("key", .text(base64(key)))]) }

  /// A key and the exact value that it must have for a transaction to do what it should.
  struct Condition {
    var key: String
    var text: String
  }

  /// Writes the key if it was last written at `revision` (0: never) and the condition holds; otherwise reads it, and
  /// the condition's key.
  static func compareAndSet(
    _ key: String, _ text: String, expecting revision: UInt64, if condition: Condition? = nil
  ) -> JSONValue {
    var compares: [JSONValue] = [
      .object([
        .init("key", .text(base64(key))), .init("target", .text("MOD")), .init("result", .text("EQUAL")),
        .init("mod_revision", .text(String(revision))),
      ])
    ]
    var failure = [reading(key, isPrefix: false)]
    if let condition {
      compares.append(compare(condition))
      failure.append(reading(condition.key, isPrefix: false))
    }
    return .object([
      .init("compare", .array(compares)),
      .init("success", .array([.object([.init("request_put", put(key, text))])])),
      .init("failure", .array(failure)),
    ])
  }

  /// Reads keys and, in the same moment, the key that tells whether they are the right cluster's.
  static func read(_ key: String, isPrefix: Bool, with other: String) -> JSONValue {
    .object([
      .init("compare", .array([])),
      .init("success", .array([reading(key, isPrefix: isPrefix), reading(other, isPrefix: false)])),
      .init("failure", .array([])),
    ])
  }

  private static func reading(_ key: String, isPrefix: Bool) -> JSONValue {
    .object([.init("request_range", range(key, isPrefix: isPrefix))])
  }

  private static func compare(_ condition: Condition) -> JSONValue {
    .object([
      .init("key", .text(base64(condition.key))), .init("target", .text("VALUE")), .init("result", .text("EQUAL")),
      .init("value", .text(base64(condition.text))),
    ])
  }

  /// The values that a transaction's reads gave, in their order.
  static func reads(_ answer: JSONValue) -> [[EtcdValue]] {
    (answer["responses"]?.items ?? []).compactMap { $0["response_range"].map(values) }
  }

  /// All keys that begin with `root`, from `revision` on.
  static func watch(_ root: String, from revision: UInt64) -> JSONValue {
    .object([
      .init(
        "create_request",
        .object(keys(root, isPrefix: true) + [.init("start_revision", .text(String(revision)))]))
    ])
  }

  private static func keys(_ key: String, isPrefix: Bool) -> [JSONValue.Member] {
    var members = [JSONValue.Member("key", .text(base64(key)))]
    if isPrefix {
      // The first key behind all that begin with it: the last byte, which is a letter or a slash, one higher.
      var end = Array(key.utf8)
      end[end.count - 1] += 1
      members.append(.init("range_end", .text(base64(end))))
    }
    return members
  }

  static func values(_ answer: JSONValue) -> [EtcdValue] { (answer["kvs"]?.items ?? []).compactMap(EtcdValue.init) }

  /// The store's own identity: another one after it was restored from a snapshot.
  static func store(_ answer: JSONValue) -> String { answer["header"]?["cluster_id"]?.text ?? "" }

  /// The store's revision when this was answered.
  static func revision(_ answer: JSONValue) -> UInt64? { answer["header"]?["revision"]?.integer(UInt64.self) }

  /// What a compare-and-set came to: at which revision it was written, or what is there instead.
  static func compareAndSetAnswer(_ answer: JSONValue) -> (wonAt: UInt64?, current: EtcdValue?)? {
    if answer["succeeded"]?.bool ?? false { return revision(answer).map { (wonAt: $0, current: nil) } }
    guard let responses = answer["responses"]?.items, let range = responses.first?["response_range"] else { return nil }
    return (wonAt: nil, current: values(range).first)
  }
}

// MARK: - Base64

private let base64Digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

func base64(_ text: String) -> String { base64(Array(text.utf8)) }

func base64(_ bytes: [UInt8]) -> String {
  var out: [UInt8] = []
  for start in stride(from: 0, to: bytes.count, by: 3) {
    let part = bytes[start..<min(start + 3, bytes.count)]
    var word: UInt32 = 0
    for offset in 0..<3 { word = word << 8 | (offset < part.count ? UInt32(part[start + offset]) : 0) }
    for digit in 0..<4 {
      out.append(digit <= part.count ? base64Digits[Int(word >> (18 - 6 * UInt32(digit)) & 63)] : UInt8(ascii: "="))
    }
  }
  return String(decoding: out, as: UTF8.self)
}

/// nil: it is no base64 of whole bytes.
func fromBase64(_ text: String) -> [UInt8]? {
  let digits = Array(text.utf8)
  guard digits.count % 4 == 0 else { return nil }
  let padding = digits.reversed().prefix { $0 == UInt8(ascii: "=") }.count
  guard padding <= 2 else { return nil }
  var out: [UInt8] = []
  for start in stride(from: 0, to: digits.count, by: 4) {
    var word: UInt32 = 0
    for digit in digits[start..<(start + 4)] {
      let value: UInt8
      switch digit {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = digit - 65
      case UInt8(ascii: "a")...UInt8(ascii: "z"): value = digit - 97 + 26
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - 48 + 52
      case UInt8(ascii: "+"): value = 62
      case UInt8(ascii: "/"): value = 63
      case UInt8(ascii: "=") where start + 4 == digits.count: value = 0
      default: return nil
      }
      word = word << 6 | UInt32(value)
    }
    out += [UInt8(word >> 16 & 255), UInt8(word >> 8 & 255), UInt8(word & 255)]
  }
  out.removeLast(padding)
  return out
}
