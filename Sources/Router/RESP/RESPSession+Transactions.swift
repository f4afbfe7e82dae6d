import EventLoop
import Octets
import RESP

/// What stands between MULTI and EXEC: commands as they came, parsed again when they run.
///
/// A transaction here keeps its commands together on their connection and begins all of them or none: whatever cannot
/// be a command is found while it is queued. It is not atomic: commands go to their events' shards in order, other
/// clients' come between.
struct RESPTransaction {
  static let commandsMax = 16_384
  static let bytesMax = 1 << 20

  private(set) var commands: [UInt8] = []
  private(set) var count = 0
  /// EXEC will refuse.
  private(set) var isBroken = false

  mutating func add(_ command: RawSpan) {
    commands.put(command)
    count += 1
  }

  mutating func breakOff() {
    commands = []
    isBroken = true
  }
}

/// The commands of an EXEC while they run. EXEC itself stays the first of the connection's bytes until the last has
/// begun, so that whatever makes a pipeline go on makes these go on.
struct RESPRun {
  var commands: [UInt8]
  var next = 0
  /// Of EXEC.
  var byteCount = 0
}

extension RESPSession {
  /// Takes a command that comes between MULTI and EXEC.
  ///
  /// - Returns: false if it is one of those that run at once.
  func queue(_ command: RESPCommand?, _ input: RawSpan) -> Bool {
    guard let command else {
      breakTransaction()
      unknown(input)
      return true
    }
    switch command.word.inTransaction {
    case .runs:
      if command.takes(words: parser.argumentCount) { return false }
    case .ends:
      if command.takes(words: parser.argumentCount) { return false }
      dropTransaction()
      reply(takeNumber()) {
        $0.putError(
          "EXECABORT", "Transaction discarded because of: wrong number of arguments for 'exec' command")
      }
      return true
    case .queues:
      if command.takes(words: wordsWithoutKey(command, input)) {
        add(input)
        return true
      }
    }
    breakTransaction()
    wrongCount(command)
    return true
  }

  private func wordsWithoutKey(_ command: RESPCommand, _ input: RawSpan) -> Int {
    let count = parser.argumentCount
    guard command.mayHaveKey, count >= 4, parser.argument(count - 2, in: input).isWord("KEY") else { return count }
    return count - 2
  }

  private func add(_ input: RawSpan) {
    guard var open = transaction else { return }
    if !open.isBroken {
      guard open.count < RESPTransaction.commandsMax,
        open.commands.count + input.byteCount <= RESPTransaction.bytesMax
      else {
        breakTransaction()
        return fail("the transaction is too large: at most 16384 commands and 1048576 bytes are queued")
      }
      transaction = nil  // so that the array is not copied
      open.add(input)
      transaction = open
      chargeQueued()
    }
    reply(takeNumber()) { $0.putSimple("QUEUED") }
  }

  private func breakTransaction() {
    transaction?.breakOff()
    chargeQueued()
  }

  /// What is queued is input that was not worked off yet, and counts as such with all connections': over the bound, the
  /// oldest go.
  private func chargeQueued() {
    let byteCount = (transaction?.commands.capacity ?? 0) + (run?.commands.capacity ?? 0)
    if byteCount == queuedBytes { return }
    queuedBytes = byteCount
    connection.setHeldInput(byteCount: byteCount)
  }

  /// Forgets the open transaction and what is left of one that runs.
  func dropTransaction() {
    (transaction, run) = (nil, nil)
    chargeQueued()
  }

  // MARK: The commands

  func multi() {
    if transaction != nil { return fail("MULTI calls can not be nested") }
    transaction = RESPTransaction()
    reply(takeNumber()) { $0.putSimple("OK") }
  }

  func discard() {
    if transaction == nil { return fail("DISCARD without MULTI") }
    dropTransaction()
    watchWasRefused = false
    reply(takeNumber()) { $0.putSimple("OK") }
  }

  func watch() {
    if transaction != nil { return fail("WATCH inside MULTI is not allowed") }
    // Who wanted a transaction that depends on it must not get one that does not.
    watchWasRefused = true
    fail("WATCH is not supported, EXEC will refuse: HOLD itself takes only what is free, and KEY makes a retry safe")
  }

  func unwatch() {
    watchWasRefused = false
    reply(takeNumber()) { $0.putSimple("OK") }
  }

  func exec() {
    guard let open = transaction else { return fail("EXEC without MULTI") }
    guard !open.isBroken, !watchWasRefused else {
      dropTransaction()
      let wasWatch = watchWasRefused
      watchWasRefused = false
      return reply(takeNumber()) {
        $0.putError(
          "EXECABORT",
          wasWatch
            ? "Transaction discarded because WATCH was refused." : "Transaction discarded because of previous errors.")
      }
    }
    transaction = nil
    let count = open.count
    reply(takeNumber()) { $0.putArray(count) }
    if count > 0 { run = RESPRun(commands: open.commands) }
  }

  /// Begins the commands of an EXEC, as far as the window allows.
  ///
  /// - Returns: whether all have begun.
  func runQueued() -> Bool {
    guard let commands = run?.commands else { return true }
    while let next = run?.next, next < commands.count {
      if mustWait() { return false }
      let rest = commands.rawSpan.extracting(next..<commands.count)
      guard let used = try? parser.next(rest) else { preconditionFailure("what was queued was a whole command") }
      run?.next += used
      execute(rest.extracting(0..<used))
    }
    dropTransaction()
    return true
  }
}
