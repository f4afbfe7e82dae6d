import Flags
import RouterCore

/// The description of the HTTP door that the router serves: OpenAPI 3.1. A test holds it against the routes, and
/// against the fields that the code reads and writes.
public enum OpenAPI {
  /// The whole document, put together once.
  public static let document: String = {
    let version = #""openapi":"3.1.0""#
    let about =
      "Seat inventory for flash sales. Refusals are RFC 9457 problem documents with a stable `code`. "
      + "Unknown fields are refused. Every answer has an `X-Request-Id`. "
      + "A router has no access control: it must not face browsers. docs/api.md walks through a sale."
    let info =
      "\"info\":{\"title\":\"Holdfast\",\"version\":\"\(Version.current)\",\"description\":\(quoted(about))}"
    let components =
      "\"parameters\":\(parameters),\"headers\":\(headers),\"responses\":\(commonResponses),\"schemas\":{\n\(requestSchemas),\n\(answerSchemas),\n\(queueSchemas)}"
    // Where the document was read from.
    let servers = #""servers":[{"url":"/"}]"#
    return "{\(version),\(info),\(servers),\"paths\":{\(paths)},\"components\":{\(components)}}\n"
  }()

  /// Calls by path, in the order of `operations`.
  private static var paths: String {
    var order: [String] = []
    var items: [String: [String]] = [:]
    for operation in operations {
      let path = operation.path
      if items[path] == nil { order.append(path) }
      items[path, default: []].append(operation.item)
    }
    return order.map { "\(quoted($0)):{\(items[$0, default: []].joined(separator: ","))}" }.joined(
      separator: ",")
  }

  /// What every call may answer; `Operation.refusals` adds its own.
  static let common: KeyValuePairs<Int, (name: String, meaning: String)> = [
    400: ("BadRequest", "`invalid_json` or `bad_request`."),
    404: (
      "NotFound",
      "`no_such_event`, `no_such_hold`, `no_such_order`, `no_such_place`, `no_waiting_room` or `no_such_route`."
    ),
    405: ("MethodNotAllowed", "See `Allow`."),
    408: ("Timeout", "The request did not come in time."),
    411: ("LengthRequired", "The body needs a length."),
    413: ("TooLarge", "`too_large`: the body is over its limit; the connection is closed."),
    414: (
      "TargetTooLong", "`uri_too_long`: the request line is over 8 KiB; the connection is closed."
    ),
    415: ("UnsupportedMediaType", "The body is not application/json."),
    417: (
      "ExpectationFailed",
      "`expectation_failed`: the only expectation is 100-continue; the connection is closed."
    ),
    422: (
      "Invalid",
      "`invalid_…` with `field`, `too_many` with `field`, `limit` and `limit_name`, or `idempotency_key_reused`."
    ),
    431: ("HeadersTooLarge", "The header block is over its limit; the connection is closed."),
    503: (
      "Unavailable",
      "`unavailable`, `disk_full` or `too_many_connections`: nothing happened; see `Retry-After`."
    ),
    504: ("Unknown", "`unknown`: it may have happened; retry with the same key."),
    505: (
      "VersionNotSupported",
      "`version_not_supported`: HTTP/1.x is spoken here; the connection is closed."
    ),
  ]

  private static var commonResponses: String {
    let refusals = common.map { "\(quoted($0.value.name)):\(refusal($0.value.meaning))" }
    return
      "{\(refusals.joined(separator: ",")),\"NotModified\":{\"description\":\"The client's copy is current.\"}}"
  }

  /// A response whose body is a problem document.
  static func refusal(_ meaning: String) -> String {
    "{\"description\":\(quoted(meaning)),\"content\":{\"application/problem+json\":{\"schema\":\(reference("schemas", "Problem"))}}}"
  }

  static func reference(_ kind: String, _ name: String) -> String {
    "{\"$ref\":\"#/components/\(kind)/\(name)\"}"
  }

  /// A JSON string. Only for texts of this file and its neighbours, which have neither quotes nor control characters.
  static func quoted(_ text: String) -> String { "\"\(text)\"" }
}
