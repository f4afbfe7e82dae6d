/// One command word of the RESP door, and everything that is known of it beside its operation's row.
struct RESPWord: Sendable {
  let command: RESPCommand
  /// In capitals, as people read it.
  let name: StaticString
  /// What may follow the name, for people and for `COMMAND DOCS` (see `RESPArgument`), `KEY k` left out.
  let arguments: StaticString
  /// One sentence; empty: its operation's row says it.
  let summary: StaticString
  let group: Group
  let words: Words
  /// Whether `KEY k` may end it.
  let mayHaveKey: Bool
  /// How much of a result its reply says.
  let reply: Reply
  let inTransaction: InTransaction
  /// The operation whose row it stands in; nil: it is about the connection.
  var operation: OperationName?

  /// Under which heading clients list it: `help @holdfast`.
  enum Group: Sendable {
    /// What this service is for. The others are Redis's own.
    case holdfast
    case connection, server, transactions, cluster

    var name: StaticString {
      switch self {
      case .holdfast: "holdfast"
      case .connection: "connection"
      case .server: "server"
      case .transactions: "transactions"
      case .cluster: "cluster"
      }
    }
  }

  /// How much of a hold, order or event a reply says.
  enum Reply: Sendable {
    /// `OK`: the client knows the rest.
    case ok
    /// What the client cannot know: of a new hold its id, deadline, total and version, of an order its id.
    case brief
    /// Every field; of best seats also which were found.
    case full
  }

  /// What becomes of it between MULTI and EXEC.
  enum InTransaction: Sendable {
    /// It waits for EXEC.
    case queues
    /// It is executed at once.
    case runs
    /// As `runs`; with a wrong number of words it ends the transaction.
    case ends
  }

  /// How many words it may have, the name included and `KEY k` left out.
  enum Words: Sendable {
    case exactly(Int)
    case atLeast(Int)
    case from(Int, to: Int)
    case either(Int, Int)

    var fewest: Int {
      switch self {
      case .exactly(let count), .atLeast(let count), .from(let count, _), .either(let count, _):
        count
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
    _ command: RESPCommand, _ name: StaticString, _ arguments: StaticString, _ words: Words,
    _ summary: StaticString = "",
    group: Group = .holdfast, mayHaveKey: Bool = false, reply: Reply = .full, inTransaction: InTransaction = .queues
  ) {
    (self.command, self.name, self.arguments, self.words) = (command, name, arguments, words)
    (self.summary, self.group) = (summary, group)
    (self.mayHaveKey, self.reply, self.inTransaction) = (mayHaveKey, reply, inTransaction)
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
