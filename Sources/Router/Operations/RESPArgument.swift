/// One argument of a command, as `COMMAND DOCS` tells it. It is read from the text that its `RESPWord` has for people,
/// so that nothing is written twice: `[x]` may be left out, `x [x …]` may be repeated, `<x | y>` is one of several,
/// capitals stand as they are.
struct RESPArgument: Equatable {
  enum Kind: Equatable {
    case string, integer
    /// A word in capitals and nothing else.
    case pureToken
    case oneOf([RESPArgument])
    case block([RESPArgument])
  }

  var name: String
  /// The word in capitals that stands before it, or that it is.
  var token: String?
  var kind: Kind
  var isOptional = false
  var isMultiple = false

  /// Names of arguments that are numbers.
  private static let integers: Set<String> = [
    "seconds", "rows", "seats-per-row", "price", "count", "index", "protover",
  ]

  private init(_ name: String, token: String? = nil, _ kind: Kind) {
    (self.name, self.token, self.kind) = (name, token, kind)
  }

  private init(word: String, token: String? = nil) {
    self.init(word, token: token, Self.integers.contains(word) ? .integer : .string)
  }

  /// The arguments that a text names.
  static func all(in usage: String) -> [RESPArgument] {
    var spaced = usage
    for mark in ["[", "]", "<", ">", "|"] { spaced = spaced.replacing(mark, with: " \(mark) ") }
    var words = spaced.split(separator: " ").map(String.init)[...]
    let all = sequence(&words).arguments
    precondition(words.isEmpty, "brackets in \(usage) that open nothing")
    return all
  }

  /// Up to what closes it, or the text's end.
  private static func sequence(_ words: inout ArraySlice<String>) -> (arguments: [RESPArgument], goesOn: Bool) {
    var found: [RESPArgument] = []
    var goesOn = false
    while let word = words.first, !["]", ">", "|"].contains(word) {
      words.removeFirst()
      switch word {
      case "…": goesOn = true
      case "[":
        let inner = sequence(&words)
        close("]", &words)
        addOptional(inner.arguments, goesOn: inner.goesOn, to: &found)
      case "<":
        var choices = [one(sequence(&words).arguments)]
        while words.first == "|" {
          words.removeFirst()
          choices.append(one(sequence(&words).arguments))
        }
        close(">", &words)
        found.append(RESPArgument(choices.map(\.name).joined(separator: "-or-"), .oneOf(choices)))
      case _ where isToken(word): found.append(afterToken(word, &words))
      default: found.append(RESPArgument(word: word))
      }
    }
    return (found, goesOn)
  }

  private static func close(_ mark: String, _ words: inout ArraySlice<String>) {
    precondition(words.popFirst() == mark, "a usage text lacks \(mark)")
  }

  private static func isToken(_ word: String) -> Bool {
    word.utf8.allSatisfy { (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
  }

  /// What stands behind a word in capitals belongs to it.
  private static func afterToken(_ token: String, _ words: inout ArraySlice<String>) -> RESPArgument {
    var belonging: [String] = []
    while let word = words.first, !["[", "]", "<", ">", "|", "…"].contains(word), !isToken(word) {
      belonging.append(words.removeFirst())
    }
    let name = token.lowercased()
    switch belonging.count {
    case 0: return RESPArgument(name, token: token, .pureToken)
    case 1: return RESPArgument(word: belonging[0], token: token)
    default: return RESPArgument(name, token: token, .block(belonging.map { RESPArgument(word: $0) }))
    }
  }

  private static func addOptional(_ inner: [RESPArgument], goesOn: Bool, to found: inout [RESPArgument]) {
    // `field value [field value …]`: what stands before it may be repeated.
    if goesOn, found.suffix(inner.count).map(\.name) == inner.map(\.name) {
      var repeated = one(Array(found.suffix(inner.count)))
      repeated.isMultiple = true
      found.removeLast(inner.count)
      found.append(repeated)
    } else {
      var optional = one(inner)
      (optional.isOptional, optional.isMultiple) = (true, goesOn)
      found.append(optional)
    }
  }

  private static func one(_ arguments: [RESPArgument]) -> RESPArgument {
    if arguments.count == 1 { return arguments[0] }
    return RESPArgument(arguments.map(\.name).joined(separator: "-"), .block(arguments))
  }
}
