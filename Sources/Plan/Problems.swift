internal import JSON

/// What is wrong with a text, as far as it could be read on: the first problems, and how many there are.
struct Problems {
  struct Problem {
    var error: JSONError
    /// Where the other one is, if two things cannot stand together.
    var other: Int?
  }

  private(set) var first: [Problem] = []
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  /// - Parameter error: made only if it is among those that are named.
  mutating func add(_ error: @autoclosure () -> JSONError, other: Int? = nil) {
    if first.count < ListOfSome.countMax { first.append(Problem(error: error(), other: other)) }
    count += 1
  }

  mutating func add(_ others: Problems) {
    first += others.first.prefix(ListOfSome.countMax - first.count)
    count += others.count
  }

  /// Adds an error behind whose value reading goes on.
  ///
  /// - Throws: `error` if nothing is to be read behind it.
  mutating func keep(_ error: JSONError) throws(JSONError) {
    if error.standsAlone { throw error }
    add(error)
  }

  /// Adds the error that ended the reading.
  mutating func end(with error: JSONError) {
    if error.standsAlone { self = Problems() }
    add(error)
  }
}

extension JSONError {
  /// The text is no JSON, or too much: then nothing else about it is worth a word.
  fileprivate var standsAlone: Bool { isSyntax || !limitName.isEmpty }
}

extension JSONReader {
  /// `nextField` that keeps unknown fields as problems and reads past them.
  mutating func nextField(
    _ fields: JSONFields, _ object: inout JSONObject, _ problems: inout Problems
  ) throws(JSONError) -> Int? {
    while true {
      do throws(JSONError) {
        return try nextField(fields, &object)
      } catch {
        guard error.reason == .unknownField else { throw error }
        problems.add(error)
        try skip()
      }
    }
  }

  /// `beginObject` that keeps another value as a problem and reads past it: nil.
  mutating func beginObject(_ problems: inout Problems) throws(JSONError) -> JSONObject? {
    let mark = mark
    do throws(JSONError) {
      return try beginObject()
    } catch {
      try problems.keep(error)
      try skip(from: mark)
      return nil
    }
  }
}

extension JSONObject {
  /// `require` that keeps the missing field as a problem.
  func require(_ field: Int, of fields: JSONFields, _ problems: inout Problems) {
    do throws(JSONError) { try require(field, of: fields) } catch { problems.add(error) }
  }
}
