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

  /// One of the things that are wrong.
  public struct Problem: Equatable, Sendable {
    /// The field, from the text's root: `plan.zones[0].rows[3].seats[2].seat_guid`.
    public var field: Bytes
    /// 1-based.
    public var line: Int
    /// 1-based, in bytes.
    public var column: Int
    public var detail: String
  }

  public var code: Code
  /// The first problems, in the order of the text; never empty.
  public var problems: [Problem]
  /// How many problems there are besides.
  public var more: Int
  /// The number that was exceeded, if one was, by the first.
  public var limit: Int64?
  /// Of `tooMany`: what there is too much of, as the API calls it.
  public var limitName: String

  /// Of the first problem.
  public var field: Bytes { problems[0].field }
  public var line: Int { problems[0].line }
  public var column: Int { problems[0].column }
  public var detail: String { problems[0].detail }

  /// All of it in one sentence, with places.
  public var sentence: String {
    func place(_ problem: Problem) -> String { "(line \(problem.line), column \(problem.column))" }
    if problems.count == 1 { return "\(detail) \(place(problems[0]))." }
    let list = problems.map { "\($0.field.isEmpty ? "" : "\($0.field): ")\($0.detail) \(place($0))" }
    return "\(problems.count + more) problems: \(list.joined(separator: "; "))"
      + (more > 0 ? "; and \(more) more." : ".")
  }

  /// - Parameter found: at least one.
  init(_ found: Problems, in text: RawSpan) {
    let ended = found.first[found.first.count - 1].error
    let wrong = ended.preferringSyntax(in: text)
    let isSyntax = wrong.isSyntax
    let first = (isSyntax ? [Problems.Problem(error: wrong)] : found.first).sorted { $0.error.offset < $1.error.offset }
    limit = first[0].error.limit
    limitName = first[0].error.limitName
    code = isSyntax ? .invalidJSON : limitName.isEmpty ? .invalidEvent : .tooMany
    more = isSyntax ? 0 : found.count - first.count
    // One pass over the text for all places, the others' too.
    var places: [Int: JSONPlace] = [:]
    var scan = JSONPlaceScan()
    for offset in first.flatMap({ [$0.error.offset] + ($0.other.map { [$0] } ?? []) }).sorted() {
      places[offset] = scan.place(of: offset, in: text)
    }
    problems = first.map { problem in
      let place = places[problem.error.offset] ?? JSONPlace(of: problem.error.offset, in: text)
      let other = problem.other.flatMap { places[$0] }
      return Problem(problem.error, at: place, other: other)
    }
    if isSyntax, let encoding = TextEncoding.utf16(text) {
      problems[0].detail = encoding
    }
  }
}

extension PlanError.Problem {
  fileprivate init(_ error: JSONError, at place: JSONPlace, other: JSONPlace?) {
    var path = place.path
    if error.reason == .missingField {
      if !path.isEmpty { path.append(0x2E) }
      path.append(contentsOf: error.field)
    }
    field = Bytes(path)
    (line, column) = (place.line, place.column)
    detail = error.detail
    if !error.field.isEmpty, error.message.isEmpty {
      detail += ": `\(String(decoding: error.field.prefix(128), as: UTF8.self))`"
    }
    if let other { detail += "; the other is \(Bytes(other.path)) (line \(other.line))" }
  }
}

/// Texts in other encodings than JSON's.
private enum TextEncoding {
  /// What to say about a text that is UTF-16 or UTF-32, with a byte order mark or without; nil: it is not.
  static func utf16(_ text: RawSpan) -> String? {
    guard text.byteCount >= 2 else { return nil }
    // Of a shorter text there is no third byte; none of UTF-16's is zero beside the first two of these.
    let (third, fourth) = text.byteCount >= 4 ? (text.planByte(2), text.planByte(3)) : (1, 1)
    let name: String
    switch (text.planByte(0), text.planByte(1), third, fourth) {
    case (0xFF, 0xFE, 0, 0): name = "UTF-32LE"
    case (0, 0, 0xFE, 0xFF): name = "UTF-32BE"
    // JSON begins with ASCII, of which UTF-16 makes a zero and the character, and UTF-32 three zeros and the character.
    case (0x01...0x7F, 0, 0, 0): name = "UTF-32LE"
    case (0, 0, 0, 0x01...0x7F): name = "UTF-32BE"
    case (0xFF, 0xFE, _, _): name = "UTF-16LE"
    case (0xFE, 0xFF, _, _): name = "UTF-16BE"
    case (0x01...0x7F, 0, _, _): name = "UTF-16LE"
    case (0, 0x01...0x7F, _, _): name = "UTF-16BE"
    case (_, _, _, _): return nil
    }
    return "the text is \(name), and JSON is UTF-8: save it as UTF-8, or convert it with iconv -f \(name) -t UTF-8"
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
