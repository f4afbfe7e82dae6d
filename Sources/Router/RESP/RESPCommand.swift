import Proto
import RESP

/// The commands of the RESP door. `COMMAND` describes them, and metrics count by them. Those that ask for an operation
/// stand in its row of `OperationRow`; the others are the connection's own, and stand here.
package enum RESPCommand: Int, CaseIterable, Sendable {
  case ping, echo, hello, auth, select, reset, quit, command, client, config, info
  case multi, exec, discard, watch, unwatch
  case eventCreate, eventSet, eventBlock, eventUnblock, eventDelete, eventInfo, hold, holdBest, holdArea, holdInfo,
    orderInfo,
    extend, release, confirm, cancel
  case checkout, seat, seats

  /// The operation that it asks for; nil: it is about the connection.
  var operation: OperationName? {
    switch self {
    case .ping, .echo, .hello, .auth, .select, .reset, .quit, .command, .client, .config, .info, .multi, .exec,
      .discard, .watch, .unwatch:
      nil
    case .eventCreate: .createEvent
    case .eventSet: .setEvent
    case .eventBlock, .eventUnblock: .blockSeats
    case .eventDelete: .deleteEvent
    case .eventInfo: .event
    case .hold, .holdBest, .holdArea: .reserve
    case .holdInfo: .hold
    case .orderInfo: .order
    case .extend: .extend
    case .release: .release
    case .confirm: .confirm
    case .cancel: .cancel
    case .checkout: .checkout
    case .seat: .seat
    case .seats: .seats
    }
  }

  private var ownWord: RESPWord? {
    switch self {
    case .ping: RESPWord(self, "PING", "[message]", .from(1, to: 2))
    case .echo: RESPWord(self, "ECHO", "message", .exactly(2))
    case .hello: RESPWord(self, "HELLO", "[2|3 [AUTH user password] [SETNAME name]]", .atLeast(1))
    case .auth: RESPWord(self, "AUTH", "[user] password", .from(2, to: 3))
    case .select: RESPWord(self, "SELECT", "0", .exactly(2))
    case .reset: RESPWord(self, "RESET", "", .exactly(1))
    case .quit: RESPWord(self, "QUIT", "", .exactly(1))
    case .command: RESPWord(self, "COMMAND", "[COUNT|DOCS|INFO|LIST [name …]]", .atLeast(1))
    case .client: RESPWord(self, "CLIENT", "SETNAME|GETNAME|ID|INFO|SETINFO …", .atLeast(2))
    case .config: RESPWord(self, "CONFIG", "GET pattern", .atLeast(2))
    case .info: RESPWord(self, "INFO", "[section]", .atLeast(1))
    case .multi: RESPWord(self, "MULTI", "", .exactly(1))
    case .exec: RESPWord(self, "EXEC", "", .exactly(1))
    case .discard: RESPWord(self, "DISCARD", "", .exactly(1))
    case .watch: RESPWord(self, "WATCH", "key [key …]", .atLeast(2))
    case .unwatch: RESPWord(self, "UNWATCH", "", .exactly(1))
    case .eventCreate, .eventSet, .eventBlock, .eventUnblock, .eventDelete, .eventInfo, .hold, .holdBest, .holdArea,
      .holdInfo,
      .orderInfo, .extend, .release,
      .confirm, .cancel, .checkout, .seat, .seats:
      nil
    }
  }

  /// By raw value, made once.
  private static let words = allCases.map { command in
    guard let word = command.ownWord ?? command.operation?.row.resp.first(where: { $0.command == command }) else {
      preconditionFailure("the row of \(command)'s operation has its word: a test asks for each")
    }
    return word
  }

  var word: RESPWord { Self.words[rawValue] }
  var name: StaticString { word.name }
  var usage: String { word.usage }
  var arity: Int64 { word.arity }
  var isWrite: Bool { operation?.row.writes ?? false }
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
