/// A JSON document as a tree, for the few small ones off the hot path: records, etcd's answers, what the CLI shows.
public indirect enum JSONValue: Equatable, Sendable {
  case null
  case bool(Bool)
  /// As it is written.
  case number(String)
  case text(String)
  case array([JSONValue])
  /// In the order written; no name twice.
  case object([Member])

  public struct Member: Equatable, Sendable {
    public var name: String
    public var value: JSONValue
    public init(_ name: String, _ value: JSONValue) { (self.name, self.value) = (name, value) }
  }

  public static func number(_ value: some BinaryInteger) -> JSONValue { .number(String(value)) }

  /// A member of an object; nil if it is none or has none such.
  public subscript(name: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  public var text: String? { if case .text(let text) = self { text } else { nil } }
  public var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }
  public var items: [JSONValue]? { if case .array(let items) = self { items } else { nil } }
  public var members: [Member]? { if case .object(let members) = self { members } else { nil } }

  /// A whole number that fits; etcd writes 64-bit numbers as strings, which count too.
  public func integer<T: FixedWidthInteger>(_: T.Type = T.self) -> T? {
    switch self {
    case .number(let digits), .text(let digits): T(digits)
    case .null, .bool, .array, .object: nil
    }
  }
}

// MARK: - Writing

extension JSONValue {
  /// On one line, without spaces.
  public var compact: String {
    var out = ""
    write(into: &out, indent: nil)
    return out
  }

  /// For people: two spaces a level.
  public var pretty: String {
    var out = ""
    write(into: &out, indent: 0)
    return out
  }

  private func write(into out: inout String, indent: Int?) {
    switch self {
    case .null: out += "null"
    case .bool(let value): out += value ? "true" : "false"
    case .number(let digits): out += digits
    case .text(let text): Self.quote(text, into: &out)
    case .array(let items):
      Self.list("[", "]", items, into: &out, indent: indent) { item, out, indent in
        item.write(into: &out, indent: indent)
      }
    case .object(let members):
      Self.list("{", "}", members, into: &out, indent: indent) { member, out, indent in
        Self.quote(member.name, into: &out)
        out += indent == nil ? ":" : ": "
        member.value.write(into: &out, indent: indent)
      }
    }
  }

  private static func list<Item>(
    _ open: String, _ close: String, _ items: [Item], into out: inout String, indent: Int?,
    _ write: (Item, inout String, Int?) -> Void
  ) {
    out += open
    for (place, item) in items.enumerated() {
      if place > 0 { out += "," }
      if let indent { out += "\n" + String(repeating: "  ", count: indent + 1) }
      write(item, &out, indent.map { $0 + 1 })
    }
    if let indent, !items.isEmpty { out += "\n" + String(repeating: "  ", count: indent) }
    out += close
  }

  private static func quote(_ text: String, into out: inout String) {
    out += "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    out += "\""
  }
}

// MARK: - Reading

extension JSONValue {
  /// Reads one document; nil unless it is JSON to the letter, without a name twice in an object and at most 64 levels deep.
  public init?(parsing bytes: [UInt8]) {
    var parser = Parser(bytes: bytes)
    guard let value = parser.value(depth: 0) else { return nil }
    parser.skipSpace()
    guard parser.offset == bytes.count else { return nil }
    self = value
  }

  public init?(parsing text: String) { self.init(parsing: Array(text.utf8)) }

  private struct Parser {
    let bytes: [UInt8]
    var offset = 0

    var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    mutating func skipSpace() {
      while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { offset += 1 }
    }

    mutating func take(_ byte: UInt8) -> Bool {
      guard next == byte else { return false }
      offset += 1
      return true
    }

    mutating func take(word: StaticString) -> Bool {
      let word = Array(word.description.utf8)
      guard bytes[offset...].starts(with: word) else { return false }
      offset += word.count
      return true
    }

    mutating func value(depth: Int) -> JSONValue? {
      guard depth < 64 else { return nil }
      skipSpace()
      switch next {
      case UInt8(ascii: "{"): return object(depth: depth)
      case UInt8(ascii: "["): return array(depth: depth)
      case UInt8(ascii: "\""): return string().map(JSONValue.text)
      case UInt8(ascii: "t"): return take(word: "true") ? .bool(true) : nil
      case UInt8(ascii: "f"): return take(word: "false") ? .bool(false) : nil
      case UInt8(ascii: "n"): return take(word: "null") ? .null : nil
      default: return number()
      }
    }

    mutating func object(depth: Int) -> JSONValue? {
      offset += 1
      var members: [Member] = []
      var names: Set<String> = []
      skipSpace()
      if take(UInt8(ascii: "}")) { return .object([]) }
      repeat {
        skipSpace()
        guard next == UInt8(ascii: "\""), let name = string(), names.insert(name).inserted else { return nil }
        skipSpace()
        guard take(UInt8(ascii: ":")), let value = value(depth: depth + 1) else { return nil }
        members.append(Member(name, value))
        skipSpace()
      } while take(UInt8(ascii: ","))
      return take(UInt8(ascii: "}")) ? .object(members) : nil
    }

    mutating func array(depth: Int) -> JSONValue? {
      offset += 1
      var items: [JSONValue] = []
      skipSpace()
      if take(UInt8(ascii: "]")) { return .array([]) }
      repeat {
        guard let value = value(depth: depth + 1) else { return nil }
        items.append(value)
        skipSpace()
      } while take(UInt8(ascii: ","))
      return take(UInt8(ascii: "]")) ? .array(items) : nil
    }

    mutating func number() -> JSONValue? {
      let start = offset
      _ = take(UInt8(ascii: "-"))
      if !take(UInt8(ascii: "0")) { guard digits() else { return nil } }
      if take(UInt8(ascii: ".")) { guard digits() else { return nil } }
      if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
        offset += 1
        if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
        guard digits() else { return nil }
      }
      return .number(String(decoding: bytes[start..<offset], as: UTF8.self))
    }

    mutating func digits() -> Bool {
      let start = offset
      while let byte = next, (0x30...0x39).contains(byte) { offset += 1 }
      return offset > start
    }

    mutating func string() -> String? {
      offset += 1
      var text: [UInt8] = []
      while let byte = next {
        offset += 1
        switch byte {
        case UInt8(ascii: "\""): return String(validating: text, as: UTF8.self)
        case UInt8(ascii: "\\"): guard escape(into: &text) else { return nil }
        case 0..<0x20: return nil
        default: text.append(byte)
        }
      }
      return nil
    }

    mutating func escape(into text: inout [UInt8]) -> Bool {
      guard let byte = next else { return false }
      offset += 1
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
      case UInt8(ascii: "b"): text.append(8)
      case UInt8(ascii: "f"): text.append(12)
      case UInt8(ascii: "n"): text.append(10)
      case UInt8(ascii: "r"): text.append(13)
      case UInt8(ascii: "t"): text.append(9)
      case UInt8(ascii: "u"):
        guard var code = hex4() else { return false }
        if (0xD800..<0xDC00).contains(code) {
          guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")), let low = hex4(), (0xDC00..<0xE000).contains(low)
          else {
            return false
          }
          code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { return false }
        text += Array(String(Character(scalar)).utf8)
      default: return false
      }
      return true
    }

    mutating func hex4() -> UInt32? {
      guard offset + 4 <= bytes.count else { return nil }
      var value: UInt32 = 0
      for byte in bytes[offset..<(offset + 4)] {
        guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
        value = value << 4 | UInt32(digit)
      }
      offset += 4
      return value
    }
  }
}
