import EventLoop
import Octets
import Proto
import RESP
import RouterCore
import Time

/// One connection at the RESP door.
///
/// Replies leave in the order of the commands. Commands are taken from the connection as long as all unanswered ones
/// were submitted in the same turn, so that they leave in one frame for each shard (what the forwarder needs to keep
/// effects in order); then reading pauses until they are answered. So a pipeline of any length needs bounded memory.
///
/// Sendable without the compiler's check: everything in it is touched on its loop only.
final class RESPSession: ConnectionHandler, CallOwner, QuickHoldOwner, @unchecked Sendable {
  /// Commands without a reply.
  static let windowMax = 1_024
  /// Bytes that nodes are expected to answer to those.
  static let expectedBytesMax = 256 << 10

  let loop: RouterLoop
  let engine: Engine
  let connection: Connection
  let context: DoorContext
  var parser = RESPParser()
  private(set) var version = RESPVersion.two
  /// What it was for commands below a number, while some of those have no reply.
  private var olderVersions: [(below: UInt64, version: RESPVersion)] = []
  var name = Bytes()
  /// As CLIENT SETINFO said.
  var library = (name: Bytes(), version: Bytes())
  let id: UInt64
  let openedAt: MonotonicTime
  /// When bytes came last.
  private(set) var heardAt: MonotonicTime
  /// Between MULTI and EXEC.
  var transaction: RESPTransaction?
  /// Between EXEC and the last of its commands.
  var run: RESPRun?
  /// EXEC refuses.
  var watchWasRefused = false

  /// The next command's number, and the first one's without a written reply.
  private var nextNumber: UInt64 = 0
  private var headNumber: UInt64 = 0
  /// Replies that wait for those before them, at their number modulo the count, which is a power of two.
  private var waiting: [[UInt8]] = []
  /// Of those, large ones, which other connections are sent too.
  private var waitingBodies: [UInt64: SharedBody] = [:]
  /// The forwarder's turn in which the unanswered commands were submitted.
  private var submitTurn: UInt64 = 0
  /// What the unanswered commands' answers are expected to take.
  private var expectedBytes = 0
  /// A command waits for a definition, or its answer is made apart: nothing may pass it.
  private var isWaitingForEvent = false
  /// Bytes of queued commands that the input budget was told of.
  var queuedBytes = 0
  /// Ends once the commands of an EXEC have run.
  private var endsAfterRun = false
  /// Closes once all replies are written.
  private var isEnding = false
  /// `opened` came, which it does not after a failed TLS handshake.
  private var isCounted = false

  init(loop: RouterLoop, connection: Connection) {
    (self.loop, engine, self.connection, context) = (loop, loop.engine, connection, loop.context)
    openedAt = loop.engine.now
    heardAt = openedAt
    loop.metrics.respSessions &+= 1
    id = loop.metrics.respSessions << 8 | UInt64(engine.loopIndex)
  }

  // MARK: The connection

  func opened(_ connection: Connection) {
    isCounted = true
    loop.metrics.respConnections += 1
    loop.respSessions[id] = self
    startIdleTime()
  }

  private func startIdleTime() {
    if context.respIdleTimeout > 0 { connection.setDeadline(afterNanoseconds: context.respIdleTimeout) }
  }

  func received(_ bytes: RawSpan, on connection: Connection) -> Int {
    startIdleTime()
    heardAt = engine.now
    var consumed = 0
    while !isEnding {
      if mustWait() { return consumed }
      if let run {
        guard runQueued() else { return consumed }
        consumed += run.byteCount
        if endsAfterRun { endAfterReplies() }
        continue
      }
      let rest = bytes.extracting(consumed..<bytes.byteCount)
      do throws(RESPError) {
        guard let used = try parser.next(rest) else { return consumed }
        if parser.argumentCount > 0 {
          if parser.typed.isEmpty {
            execute(rest.extracting(0..<used))
          } else {
            let typed = parser.typed
            execute(typed.rawSpan)
          }
        }
        if run == nil { consumed += used } else { run?.byteCount = used }
      } catch {
        loop.noteBadInput(error, from: connection)
        reply(takeNumber()) { $0.putError(error) }
        endAfterReplies()
      }
    }
    return bytes.byteCount
  }

  /// Whether no command may begin now. What lets the next one begin shows the connection's bytes again.
  func mustWait() -> Bool {
    if isWindowFull {
      connection.pauseReading()
      return true
    }
    return connection.isOverOutputLimit
  }

  private var isWindowFull: Bool {
    guard nextNumber != headNumber else { return false }
    return isWaitingForEvent || nextNumber - headNumber >= Self.windowMax || submitTurn != engine.forwarder.turn
      || expectedBytes > Self.expectedBytesMax
  }

  func inputEnded(on connection: Connection) { endAfterReplies() }
  func shuttingDown(_ connection: Connection) {
    if run == nil { endAfterReplies() } else { endsAfterRun = true }
  }

  func deadlinePassed(on connection: Connection) {
    if nextNumber == headNumber {
      connection.close(reason: .deadline)
    } else {
      startIdleTime()
    }
  }

  func closed(_ connection: Connection, reason: CloseReason) {
    if isCounted {
      loop.metrics.respConnections -= 1
      loop.respSessions[id] = nil
    }
    isEnding = true
    waiting = []
    dropTransaction()
    waitingBodies = [:]
  }

  func endAfterReplies() {
    isEnding = true
    if nextNumber == headNumber { connection.close() }
  }

  /// Chooses the form of the replies to what follows.
  func speak(_ wanted: RESPVersion) {
    if wanted != version, nextNumber != headNumber { olderVersions.append((nextNumber, version)) }
    version = wanted
  }

  private func version(of number: UInt64) -> RESPVersion {
    olderVersions.first { number < $0.below }?.version ?? version
  }

  // MARK: Replies in order

  func takeNumber() -> UInt64 {
    if nextNumber == headNumber { submitTurn = engine.forwarder.turn }
    defer { nextNumber &+= 1 }
    return nextNumber
  }

  /// Writes the reply of one command, or keeps it until those before it are written.
  @inline(__always)
  func reply(_ number: UInt64, _ body: (inout [UInt8]) -> Void) {
    if number == headNumber {
      connection.write { body(&$0) }
      headNumber &+= 1
      if nextNumber != headNumber { writeWaiting() }
      if nextNumber == headNumber { allReplied() }
    } else {
      var bytes: [UInt8] = []
      body(&bytes)
      keep(bytes, number)
    }
  }

  private func keep(_ bytes: [UInt8], _ number: UInt64) {
    let needed = Int(nextNumber - headNumber)
    if waiting.count < needed { growWaiting(needed) }
    waiting[Int(number) & (waiting.count - 1)] = bytes
  }

  private func growWaiting(_ needed: Int) {
    var count = max(16, waiting.count)
    while count < needed { count *= 2 }
    var larger = [[UInt8]](repeating: [], count: count)
    if !waiting.isEmpty {
      for number in headNumber..<min(nextNumber, headNumber + UInt64(waiting.count)) {
        swap(&larger[Int(number) & (count - 1)], &waiting[Int(number) & (waiting.count - 1)])
      }
    }
    waiting = larger
  }

  /// As above, for a reply that other connections are sent too.
  private func reply(_ number: UInt64, shared body: SharedBody) {
    guard number == headNumber else {
      waitingBodies[number] = body
      return
    }
    connection.write(body.pieces)
    headNumber &+= 1
    if nextNumber != headNumber { writeWaiting() }
    if nextNumber == headNumber { allReplied() }
  }

  private func writeWaiting() {
    while headNumber != nextNumber {
      if !waitingBodies.isEmpty, let body = waitingBodies.removeValue(forKey: headNumber) {
        connection.write(body.pieces)
        headNumber &+= 1
        continue
      }
      if waiting.isEmpty { return }
      let place = Int(headNumber) & (waiting.count - 1)
      if waiting[place].isEmpty { return }
      var bytes: [UInt8] = []
      swap(&bytes, &waiting[place])
      connection.write(bytes)
      headNumber &+= 1
    }
  }

  private func allReplied() {
    startIdleTime()
    isWaitingForEvent = false
    if !olderVersions.isEmpty { olderVersions = [] }
    expectedBytes = 0
    if waiting.count > 64 { waiting = [] }
    if isEnding {
      connection.close()
    } else if connection.isReadingPaused {
      connection.resumeReading()
    }
  }

  // MARK: Calls

  /// Begins an operation under the next number.
  func start(_ command: RESPCommand, _ operation: Operation, key: Bytes = "") {
    let number = takeNumber()
    let call = Call(
      operation, key: key, owner: self, number: number, mark: UInt8(command.rawValue), deadline: engine.deadline,
      startedAt: engine.nowNanoseconds)
    call.seatForm = .resp
    if !engine.start(call) || call.isLargeRead { isWaitingForEvent = true }
    expectedBytes += call.expectedBytes
    // It may have ended at once.
    if nextNumber == headNumber { (isWaitingForEvent, expectedBytes) = (false, 0) }
  }

  /// No command is taken before all have their replies.
  func takeNothingUntilReplied() { isWaitingForEvent = nextNumber != headNumber }

  func ended(_ call: Call, with result: CallResult) {
    guard let command = RESPCommand(rawValue: Int(call.mark)) else { preconditionFailure("set by start") }
    let isError = if case .refused = result { true } else { false }
    loop.metrics.countRESP(command, isError: isError, since: call.startedAt, now: engine.nowNanoseconds)
    let version = version(of: call.number)
    if case .seats(_, _, _, let body) = result { return reply(call.number, shared: body) }
    if case .place(let info) = result {
      let pass = loop.passes.token(for: info, context.passKeys, at: wallClock())
      return reply(call.number) { $0.putPlace(info, pass, version) }
    }
    reply(call.number) { $0.putReply(result, command.word.reply, version) }
  }

  // MARK: The hot path

  package func ended(_ hold: borrowing QuickHold, held: Outcome.Held) {
    loop.metrics.countRESP(hold.respCommand, isError: false, since: hold.startedAt, now: engine.nowNanoseconds)
    reply(hold.number) { $0.putHeldReply(held) }
  }

  package func ended(_ hold: borrowing QuickHold, refused refusal: CallRefusal) {
    loop.metrics.countRESP(hold.respCommand, isError: true, since: hold.startedAt, now: engine.nowNanoseconds)
    reply(hold.number) { $0.putRefusal(refusal) }
  }

  /// The client asks again, by when the definition will have been read anew.
  package func isStale(_ hold: borrowing QuickHold) { ended(hold, refused: .unavailable) }
}

extension QuickHold {
  /// The command that it counts as, in the metrics.
  fileprivate var respCommand: RESPCommand {
    switch choice {
    case .seat: .hold
    case .area: .holdArea
    }
  }
}
