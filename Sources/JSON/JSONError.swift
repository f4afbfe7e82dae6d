/// Why some bytes are not the JSON that was wanted, and where. Where in words (line, column, path) is worked out only
/// when it is asked for: see `JSONPlace`.
public struct JSONError: Error, Equatable, Sendable {
  public enum Reason: UInt8, Sendable, CaseIterable {
    // Not JSON at all.
    case unexpectedEnd = 1
    case unexpectedByte
    case trailingBytes
    case tooDeep
    case badNumber
    case badLiteral
    case badEscape
    case loneSurrogate
    case controlCharacter
    case badUTF8
    // JSON, but not the wanted one.
    case duplicateKey
    case unknownField
    case missingField
    case wrongType
    case notAnInteger
    case outOfRange
    case badTime
    /// A rule of the caller's: see `message`.
    case refused
  }

  public var reason: Reason
  /// 0-based byte offset of what is wrong; of a value, where it begins.
  public var offset: Int
  /// The field that is missing, unknown or wrong, if that is known; the text is the sender's.
  public var field: [UInt8]
  /// What is wrong, if the reason does not say it all.
  public var message: String
  /// The number that was exceeded, if one was.
  public var limit: Int64?
  /// What there is too much of, if it is that; empty: it is not.
  public var limitName = ""

  public init(_ reason: Reason, at offset: Int, field: [UInt8] = [], message: String = "", limit: Int64? = nil) {
    (self.reason, self.offset, self.field) = (reason, offset, field)
    (self.message, self.limit) = (message, limit)
  }

  /// A rule of the caller's was broken by the value at `offset`.
  public static func refused(_ message: String, at offset: Int, limit: Int64? = nil) -> JSONError {
    JSONError(.refused, at: offset, message: message, limit: limit)
  }

  /// The bytes are not JSON (`invalid_json`), as against JSON that says something wrong.
  public var isSyntax: Bool { reason.rawValue <= Reason.duplicateKey.rawValue }

  /// What is wrong, for people.
  public var detail: String {
    if !message.isEmpty { return message }
    return switch reason {
    case .unexpectedEnd: "the text ends too early"
    case .unexpectedByte: "this character cannot stand here"
    case .trailingBytes: "something follows the end of the value"
    case .tooDeep: "too many values inside one another"
    case .badNumber: "this is not a JSON number"
    case .badLiteral: "only true, false and null are words"
    case .badEscape: "unknown escape in a string"
    case .loneSurrogate: "half of a surrogate pair in a string"
    case .controlCharacter: "a control character in a string must be escaped"
    case .badUTF8: "the text is not UTF-8"
    case .duplicateKey: "this key stands twice in its object"
    case .unknownField: "there is no such field"
    case .missingField: "a field is missing"
    case .wrongType: "the value has another type than wanted"
    case .notAnInteger: "the value must be an integer"
    case .outOfRange: "the number is out of range"
    case .badTime: "the value must be a time as in RFC 3339"
    case .refused: "the value is not allowed"
    }
  }
}
