internal import JSON

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
  /// Reads one document; nil unless it is JSON to the letter, without a name twice in an object and at most 64 levels
  /// deep.
  public init?(parsing bytes: [UInt8]) {
    // Safe: every byte of an array of bytes is initialised, and the span is used in this function only.
    var reader = JSONReader(unsafe bytes.span.bytes, depthMax: 64)
    do throws(JSONError) {
      self = try JSONValue(reading: &reader)
      try reader.finish()
    } catch {
      return nil
    }
  }

  public init?(parsing text: String) { self.init(parsing: Array(text.utf8)) }

  private init(reading reader: inout JSONReader) throws(JSONError) {
    switch try reader.peek() {
    case .object:
      var members: [Member] = []
      var object = try reader.beginObject()
      while let name = try reader.nextKey(&object) {
        members.append(Member(String(decoding: name, as: UTF8.self), try JSONValue(reading: &reader)))
      }
      self = .object(members)
    case .array:
      var items: [JSONValue] = []
      var array = try reader.beginArray()
      while try reader.next(&array) { items.append(try JSONValue(reading: &reader)) }
      self = .array(items)
    case .string: self = .text(String(decoding: try reader.string(), as: UTF8.self))
    case .number:
      try reader.skip()
      // Safe: the pointer is used only inside the closure, while the text lives.
      self = .number(
        unsafe reader.bytes(reader.valueStart..<reader.offset).withUnsafeBytes {
          unsafe String(decoding: $0, as: UTF8.self)
        })
    case .bool: self = .bool(try reader.bool())
    case .null:
      try reader.null()
      self = .null
    }
  }
}
