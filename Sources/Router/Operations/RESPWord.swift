/// One command word of the RESP door: its name, what may follow it, and how many words that may be.
struct RESPWord: Sendable {
  let command: RESPCommand
  /// In capitals, as people read it.
  let name: StaticString
  /// What may follow the name, for people and for `COMMAND DOCS`, `KEY k` left out.
  let arguments: StaticString
  let words: Words
  /// Whether `KEY k` may end it.
  let mayHaveKey: Bool

  /// How many words it may have, the name included and `KEY k` left out.
  enum Words: Sendable {
    case exactly(Int)
    case atLeast(Int)
    case from(Int, to: Int)
    case either(Int, Int)

    var fewest: Int {
      switch self {
      case .exactly(let count), .atLeast(let count), .from(let count, _), .either(let count, _): count
      }
    }

    func contains(_ count: Int) -> Bool {
      switch self {
      case .exactly(let only): count == only
      case .atLeast(let fewest): count >= fewest
      case .from(let fewest, let most): (fewest...most).contains(count)
      case .either(let one, let other): count == one || count == other
      }
    }
  }

  init(
    _ command: RESPCommand, _ name: StaticString, _ arguments: StaticString, _ words: Words, mayHaveKey: Bool = false
  ) {
    (self.command, self.name, self.arguments, self.words) = (command, name, arguments, words)
    self.mayHaveKey = mayHaveKey
  }

  /// Words, the name included: exactly so many, or if negative at least so many. As in Redis.
  var arity: Int64 {
    if case .exactly(let count) = words, !mayHaveKey { return Int64(count) }
    return -Int64(words.fewest)
  }

  /// What may follow the name, `KEY k` included.
  var usage: String {
    guard mayHaveKey else { return arguments.description }
    return arguments.description + " [KEY k]"
  }
}
