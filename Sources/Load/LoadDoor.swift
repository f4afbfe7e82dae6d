import Proto

/// How actions are written and replies read at one of the doors.
protocol LoadDoor: Sendable {
  /// Appends the request for an action. `subject`: the id that checkout, confirm and release are about.
  mutating func write(_ action: Action, subject: [UInt8], into out: inout [UInt8])
  /// Reads the reply that `input` begins with; nil: wait for more bytes.
  mutating func read(_ input: RawSpan) throws -> (reply: LoadReply, byteCount: Int)?

  /// What a new connection begins with, and how many replies that gets.
  func greet(into out: inout [UInt8])
  static var greetingReplies: Int { get }
  /// Whether the service knows `move`; elsewhere it is a hold and a release.
  static var movesAtOnce: Bool { get }
}

extension LoadDoor {
  func greet(into out: inout [UInt8]) {}
  static var greetingReplies: Int { 0 }
  static var movesAtOnce: Bool { false }
}

/// The events that a run works on.
struct EventSet: Sendable {
  var prefix: String
  var count: Int
  var rows: Int
  var seatsPerRow: Int
  /// Whether replies to `browse` are read, not only their length.
  var keepsMaps = false
  func name(_ index: Int) -> String { count == 1 ? prefix : "\(prefix)-\(index)" }
}

extension [UInt8] {
  mutating func add(_ text: String) { append(contentsOf: text.utf8) }
}

extension RawSpan {
  /// The bytes after the first occurrence of `mark` up to the next quote.
  func quoted(after mark: StaticString) -> [UInt8] {
    var at = 0
    return quoted(after: mark, from: &at) ?? []
  }

  /// The same, from `at` on, which is left behind what was found; nil if there is none.
  func quoted(after mark: StaticString, from at: inout Int) -> [UInt8]? {
    let count = mark.utf8CodeUnitCount
    // Safe: a static string's bytes live for ever, and the count is its own.
    let pattern = unsafe UnsafeBufferPointer(start: mark.utf8Start, count: count)
    outer: while at + count <= byteCount {
      for offset in 0..<count {
        if byte(at + offset) != (unsafe pattern[offset]) {
          at += 1
          continue outer
        }
      }
      var out: [UInt8] = []
      var place = at + count
      while place < byteCount, byte(place) != UInt8(ascii: "\"") {
        out.append(byte(place))
        place += 1
      }
      at = place
      return out
    }
    return nil
  }

  func byte(_ offset: Int) -> UInt8 {
    precondition(offset < byteCount, "callers stay inside the span")
    // Safe: checked in the line above.
    return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
  }
}
