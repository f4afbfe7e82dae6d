import Proto
import RESP

/// What the table of operations says of a command, found by its number.
extension RESPCommand {
  /// By raw value, made once; nil: neither the table nor `ofConnection` has its word.
  private static let found: [RESPWord?] = {
    var found = [RESPWord?](repeating: nil, count: allCases.count)
    for word in RESPWord.ofConnection { found[word.command.rawValue] = word }
    for name in OperationName.allCases {
      for var word in name.row.resp {
        word.operation = name
        found[word.command.rawValue] = word
      }
    }
    return found
  }()

  private static let words = zip(allCases, found).map { command, word in
    guard let word else { preconditionFailure("no row has the word of \(command): a test asks for each") }
    return word
  }

  static var withoutWord: [RESPCommand] { allCases.filter { found[$0.rawValue] == nil } }

  var word: RESPWord { Self.words[rawValue] }
  var name: StaticString { word.name }
  var usage: String { word.usage }
  var arity: Int64 { word.arity }
  var isWrite: Bool { word.operation?.row.writes ?? false }
  var mayHaveKey: Bool { word.mayHaveKey }

  /// Whether it may have so many words, the name included and `KEY k` left out.
  func takes(words count: Int) -> Bool { word.words.contains(count) }

  /// The command that this word names, in any case.
  init?(_ word: RawSpan) {
    // The hot ones first.
    if word.isWord("HOLD") {
      self = .hold
      return
    }
    if word.isWord("HOLD.AREA") {
      self = .holdArea
      return
    }
    for known in Self.words where word.byteCount == known.name.utf8CodeUnitCount && word.isWord(known.name) {
      self = known.command
      return
    }
    return nil
  }
}

extension RESPWord {
  /// The commands that ask for no operation, because they are about the connection.
  static let ofConnection: [RESPWord] = [
    RESPWord(.ping, "PING", "[message]", .from(1, to: 2)),
    RESPWord(.echo, "ECHO", "message", .exactly(2)),
    RESPWord(.hello, "HELLO", "[2|3 [AUTH user password] [SETNAME name]]", .atLeast(1)),
    RESPWord(.auth, "AUTH", "[user] password", .from(2, to: 3)),
    RESPWord(.select, "SELECT", "0", .exactly(2)),
    RESPWord(.reset, "RESET", "", .exactly(1), inTransaction: .runs),
    RESPWord(.quit, "QUIT", "", .exactly(1), inTransaction: .runs),
    RESPWord(.command, "COMMAND", "[COUNT|DOCS|INFO|LIST [name …]]", .atLeast(1)),
    RESPWord(.client, "CLIENT", "SETNAME|GETNAME|ID|INFO|SETINFO …", .atLeast(2)),
    RESPWord(.config, "CONFIG", "GET pattern", .atLeast(2)),
    RESPWord(.info, "INFO", "[section]", .atLeast(1)),
    RESPWord(.multi, "MULTI", "", .exactly(1), inTransaction: .runs),
    RESPWord(.exec, "EXEC", "", .exactly(1), inTransaction: .ends),
    RESPWord(.discard, "DISCARD", "", .exactly(1), inTransaction: .runs),
    RESPWord(.watch, "WATCH", "key [key …]", .atLeast(2), inTransaction: .runs),
    RESPWord(.unwatch, "UNWATCH", "", .exactly(1)),
  ]
}
