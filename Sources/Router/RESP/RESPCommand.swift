import Proto

/// The commands of the RESP door. `COMMAND` describes them, and metrics count by them.
enum RESPCommand: Int, CaseIterable, Sendable {
  case ping, echo, hello, auth, select, reset, quit, command, client, config, info
  case multi, exec, discard, watch, unwatch
  case eventCreate, eventInfo, hold, holdBest, holdArea, holdInfo, orderInfo, extend, release, confirm, cancel
  case checkout, seat, seats

  /// In capitals, as people read it.
  var name: StaticString {
    switch self {
    case .ping: "PING"
    case .echo: "ECHO"
    case .hello: "HELLO"
    case .auth: "AUTH"
    case .select: "SELECT"
    case .reset: "RESET"
    case .quit: "QUIT"
    case .command: "COMMAND"
    case .client: "CLIENT"
    case .config: "CONFIG"
    case .info: "INFO"
    case .multi: "MULTI"
    case .exec: "EXEC"
    case .discard: "DISCARD"
    case .watch: "WATCH"
    case .unwatch: "UNWATCH"
    case .eventCreate: "EVENT.CREATE"
    case .eventInfo: "EVENT.INFO"
    case .hold: "HOLD"
    case .holdBest: "HOLD.BEST"
    case .holdArea: "HOLD.AREA"
    case .holdInfo: "HOLD.INFO"
    case .orderInfo: "ORDER.INFO"
    case .extend: "EXTEND"
    case .release: "RELEASE"
    case .confirm: "CONFIRM"
    case .cancel: "CANCEL"
    case .checkout: "CHECKOUT"
    case .seat: "SEAT"
    case .seats: "SEATS"
    }
  }

  /// What may follow the name, for people and for `COMMAND DOCS`.
  var usage: StaticString {
    switch self {
    case .ping: "[message]"
    case .echo: "message"
    case .hello: "[2|3 [AUTH user password] [SETNAME name]]"
    case .auth: "[user] password"
    case .select: "0"
    case .reset, .quit, .multi, .exec, .discard, .unwatch: ""
    case .watch: "key [key …]"
    case .command: "[COUNT|DOCS|INFO|LIST [name …]]"
    case .client: "SETNAME|GETNAME|ID|INFO|SETINFO …"
    case .config: "GET pattern"
    case .info: "[section]"
    case .eventCreate: "id section rows seats-per-row price"
    case .eventInfo: "id"
    case .hold: "event buyer seconds seat [seat …] [KEY k]"
    case .holdBest: "event buyer seconds count [CATEGORY c] [KEY k]"
    case .holdArea: "event buyer seconds area count [KEY k]"
    case .holdInfo: "hold"
    case .orderInfo: "order"
    case .extend: "hold seconds [KEY k]"
    case .release: "hold [KEY k]"
    case .confirm, .cancel: "order [KEY k]"
    case .checkout: "hold [KEY k]"
    case .seat: "event seat"
    case .seats: "event"
    }
  }

  /// Words, the name included: exactly so many, or if negative at least so many. As in Redis.
  var arity: Int64 {
    switch self {
    case .reset, .quit, .multi, .exec, .discard, .unwatch: 1
    case .ping, .hello, .command, .info: -1
    case .echo, .select, .eventInfo, .holdInfo, .orderInfo, .seats: 2
    case .auth, .client, .config, .watch, .release, .confirm, .cancel, .checkout: -2
    case .seat: 3
    case .extend: -3
    case .hold, .holdBest: -5
    case .eventCreate: 6
    case .holdArea: -6
    }
  }

  var isWrite: Bool {
    switch self {
    case .eventCreate, .hold, .holdBest, .holdArea, .extend, .release, .confirm, .cancel, .checkout: true
    default: false
    }
  }

  /// Whether `KEY k` may end it.
  var mayHaveKey: Bool {
    switch self {
    case .hold, .holdBest, .holdArea, .extend, .release, .confirm, .cancel, .checkout: true
    default: false
    }
  }

  /// Whether it may have so many words, the name included and `KEY k` left out.
  func takes(words: Int) -> Bool {
    switch self {
    case .ping: (1...2).contains(words)
    case .auth: (2...3).contains(words)
    case .holdBest: words == 5 || words == 7
    case .extend: words == 3
    case .release, .confirm, .cancel, .checkout: words == 2
    case .holdArea: words == 6
    default: arity >= 0 ? Int64(words) == arity : Int64(words) >= -arity
    }
  }

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
    for command in Self.allCases where word.byteCount == command.name.utf8CodeUnitCount && word.isWord(command.name) {
      self = command
      return
    }
    return nil
  }
}
