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
  var summary: String {
    word.summary.utf8CodeUnitCount > 0 ? word.summary.description : word.operation?.row.summary ?? ""
  }
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
    RESPWord(.ping, "PING", "[message]", .from(1, to: 2), "Answers PONG, or the message.", group: .connection),
    RESPWord(.echo, "ECHO", "message", .exactly(2), "Answers the message.", group: .connection),
    RESPWord(
      .hello, "HELLO", "[protover [AUTH username password] [SETNAME clientname]]", .atLeast(1),
      "Chooses the protocol's version, 2 or 3, and says who answers.", group: .connection),
    RESPWord(
      .auth, "AUTH", "[username] password", .from(2, to: 3), "Takes any password of the user default.",
      group: .connection),
    RESPWord(.select, "SELECT", "index", .exactly(2), "Takes 0, the only database.", group: .connection),
    RESPWord(
      .reset, "RESET", "", .exactly(1), "Makes the connection as it was when it came.", group: .connection,
      inTransaction: .runs),
    RESPWord(.quit, "QUIT", "", .exactly(1), "Closes the connection.", group: .connection, inTransaction: .runs),
    RESPWord(
      .command, "COMMAND",
      "[<COUNT | DOCS [command …] | INFO [command …] | LIST | GETKEYS command [argument …]>]", .atLeast(1),
      "Describes the commands.", group: .server),
    RESPWord(
      .client, "CLIENT",
      "<SETNAME name | GETNAME | ID | INFO | LIST | SETINFO attribute value | NO-EVICT state | NO-TOUCH state | TRACKING state | TRACKINGINFO | GETREDIR | REPLY state>",
      .atLeast(2), "Names this connection, and lists connections.", group: .connection),
    RESPWord(
      .config, "CONFIG", "GET pattern [pattern …]", .atLeast(2), "Says how the router was started.", group: .server),
    RESPWord(
      .info, "INFO", "[section …]", .atLeast(1), "Says what this router counted since it started.", group: .server),
    RESPWord(.cluster, "CLUSTER", "subcommand", .atLeast(2), "Refused: this is no Redis Cluster.", group: .cluster),
    RESPWord(.readonly, "READONLY", "", .exactly(1), "Refused: this is no Redis Cluster.", group: .cluster),
    RESPWord(.readwrite, "READWRITE", "", .exactly(1), "Refused: this is no Redis Cluster.", group: .cluster),
    RESPWord(
      .multi, "MULTI", "", .exactly(1), "Begins to queue commands.", group: .transactions, inTransaction: .runs),
    RESPWord(
      .exec, "EXEC", "", .exactly(1), "Executes the queued commands one after the other.", group: .transactions,
      inTransaction: .ends),
    RESPWord(
      .discard, "DISCARD", "", .exactly(1), "Forgets the queued commands.", group: .transactions,
      inTransaction: .runs),
    RESPWord(
      .watch, "WATCH", "key [key …]", .atLeast(2), "Refused: HOLD itself takes only what is free.",
      group: .transactions, inTransaction: .runs),
    RESPWord(.unwatch, "UNWATCH", "", .exactly(1), "Takes a refused WATCH back.", group: .transactions),
  ]
}
