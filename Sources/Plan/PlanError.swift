internal import JSON
public import Octets

/// What is wrong with an event or a seating plan that someone sent, and where.
public struct PlanError: Error, Equatable, Sendable {
  public enum Code: Sendable {
    /// The text is not JSON, or has a key twice (400).
    case invalidJSON
    /// It is JSON and says something that is not allowed (422).
    case invalidEvent
    /// It says something of which there may not be so much (422).
    case tooMany

    /// As the API writes it.
    public var name: StaticName {
      switch self {
      case .invalidJSON: "invalid_json"
      case .invalidEvent: "invalid_event"
      case .tooMany: "too_many"
      }
    }
  }

  public var code: Code
  /// The field, from the text's root: `plan.zones[0].rows[3].seats[2].seat_guid`.
  public var field: Bytes
  /// 1-based.
  public var line: Int
  /// 1-based, in bytes.
  public var column: Int
  public var detail: String
  /// The number that was exceeded, if one was.
  public var limit: Int64?
  /// Of `tooMany`: what there is too much of, as the API calls it.
  public var limitName: String

  init(_ wrong: JSONError, in text: RawSpan) {
    let error = wrong.preferringSyntax(in: text)
    let place = JSONPlace(of: error.offset, in: text)
    limitName = error.limitName
    code = error.isSyntax ? .invalidJSON : limitName.isEmpty ? .invalidEvent : .tooMany
    var path = place.path
    if error.reason == .missingField {
      if !path.isEmpty { path.append(0x2E) }
      path.append(contentsOf: error.field)
    }
    field = Bytes(path)
    (line, column, limit) = (place.line, place.column, error.limit)
    detail = error.detail
    if !error.field.isEmpty, error.message.isEmpty {
      detail += ": `\(String(decoding: error.field.prefix(128), as: UTF8.self))`"
    }
  }
}

extension JSONError {
  /// More than an event may have.
  static func tooMany(_ limit: EventLimit, at offset: Int) -> JSONError {
    var error = JSONError.refused(limit.detail, at: offset, limit: Int64(limit.value))
    error.limitName = limit.name.description
    return error
  }
}
