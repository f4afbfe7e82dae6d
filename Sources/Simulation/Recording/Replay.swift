import Inventory
import Journal
package import Octets
import Proto
import Replication
import ShardCore

/// What a replay found, if the machines did again what they had done.
package struct ReplayResult: Equatable, Sendable {
  /// Machines: one for each process of the node.
  package var lives = 0
  package var inputs = 0
  package var turns = 0
  package var actions = 0
  /// The inventory's after the last turn.
  package var digest: UInt64 = 0
}

/// Why a replay ended early.
package enum ReplayError: Error, Equatable, CustomStringConvertible {
  /// The entry at this offset of the file cannot be read.
  case unreadable(offset: Int, DecodeError)
  /// A machine did something else: what came of the input before this offset.
  case differs(offset: Int, input: Int, String)

  package var description: String {
    switch self {
    case .unreadable(let offset, let error): "the recording cannot be read at byte \(offset): \(error)"
    case .differs(let offset, let input, let text):
      "the replay differs at byte \(offset), after \(input) inputs: \(text)"
    }
  }
}

/// Tells fresh machines what a recording has, and compares what comes of it.
struct Replay {
  private var machines: [UInt16: ReplayedMachine] = [:]
  private var entries: UInt64 = 0
  private(set) var result = ReplayResult()
  /// Is told each input, and what came of each turn.
  private let trace: ((String) -> Void)?

  private init(_ trace: ((String) -> Void)?) { self.trace = trace }

  static func run(_ file: [UInt8], trace: ((String) -> Void)? = nil) throws(ReplayError) -> ReplayResult {
    var replay = Replay(trace)
    var reader = ByteReader(file.rawSpan)
    try at(0) { () throws(DecodeError) in
      guard file.count <= Recording.bytesMax else {
        throw .oversize(field: "recording", value: UInt64(file.count), limit: UInt64(Recording.bytesMax))
      }
      guard try reader.u32() == Recording.magic else { throw .invalid(field: "recording magic") }
      let version = try reader.u8()
      guard version == Recording.version else { throw .otherVersion(found: version) }
    }
    while true {
      let offset = reader.offset
      guard try replay.takeEntry(&reader, offset) else { break }
    }
    try at(reader.offset) { () throws(DecodeError) in try reader.finish() }
    return replay.result
  }

  private static func at<Result>(
    _ offset: Int, _ body: () throws(DecodeError) -> Result
  ) throws(ReplayError) -> Result {
    do throws(DecodeError) { return try body() } catch { throw .unreadable(offset: offset, error) }
  }

  /// False: it was the last.
  private mutating func takeEntry(_ reader: inout ByteReader, _ offset: Int) throws(ReplayError) -> Bool {
    var outcome: String?
    var goesOn = true
    do throws(DecodeError) {
      var whole = reader
      let number = try reader.u8()
      let life = try reader.u16()
      let byteCount = try reader.count(limit: Recording.bytesMax, field: "entry")
      let checksum = try reader.u32()
      var payload = ByteReader(try reader.bytes(byteCount))
      guard Recording.checksum(try whole.bytes(Recording.entryHeadBytes + byteCount)) == checksum else {
        throw .corrupt(field: "entry")
      }
      guard let kind = Recording.Kind(rawValue: number) else { throw .invalid(field: "entry kind") }
      outcome = try take(kind, life, &payload)
      try payload.finish()
      goesOn = kind != .end
      entries += 1
    } catch {
      throw .unreadable(offset: offset, error)
    }
    if let outcome { throw .differs(offset: offset, input: result.inputs, outcome) }
    return goesOn
  }

  /// Returns what differs; nil: nothing.
  private mutating func take(
    _ kind: Recording.Kind, _ life: UInt16, _ payload: inout ByteReader
  ) throws(DecodeError) -> String? {
    switch kind {
    case .life:
      guard machines[life] == nil else { throw .invalid(field: "life") }
      let making = try MachineMaking(decoding: &payload)
      machines[life] = ReplayedMachine(making)
      result.lives += 1
      trace?("life \(life): \(making.me.node), shard \(making.shard.rawValue)")
      return nil
    case .end:
      guard try payload.u64() == entries else { throw .invalid(field: "count of entries") }
      return nil
    case .input, .requests, .message, .answer, .turn: break
    }
    guard let machine = machines[life] else { throw .invalid(field: "life") }
    switch kind {
    case .input:
      let time = try machine.begin(&payload)
      let input = try ShardInput(decoding: &payload, shard: machine.shard, jobs: machine.jobs)
      trace?("\(time.now) life \(life): \(input.name)")
      machine.take(input, time)
      result.inputs += 1
    case .requests:
      let time = try machine.begin(&payload)
      let room = try LogRoom(decoding: &payload)
      let connection = ConnectionID(try payload.u64())
      let body = try payload.bytes(payload.bytesLeft)
      trace?("\(time.now) life \(life): \(body.byteCount) bytes of requests on \(connection.rawValue), \(room)")
      try machine.take(ShardRequests(body, from: connection, room: room), time)
      result.inputs += 1
    case .message:
      let time = try machine.begin(&payload)
      let room = try LogRoom(decoding: &payload)
      let sender = try ReplicaID(decoding: &payload)
      let item = try PeerItem(decoding: &payload)
      trace?("\(time.now) life \(life): \(item.message) + \(item.payload.byteCount) bytes, \(room)")
      machine.take(ShardMessage(item.message, payload: item.payload, from: sender, room: room), time)
      result.inputs += 1
    case .answer:
      let expected = try payload.u8()
      let answer = machine.takeAnswer()
      if answer?.number != expected { return "a directive's answer is \(answer.map { "\($0)" } ?? "missing")" }
    case .turn:
      let expected = try TurnOutcome(decoding: &payload)
      let (actions, found) = machine.endTurn()
      for action in actions { trace?("  life \(life): \(action.name)") }
      result.turns += 1
      result.actions += actions.count
      result.digest = found.digest
      if found != expected { return "a turn gave \(found), and had given \(expected)" }
    case .life, .end: preconditionFailure("taken above")
    }
    return nil
  }
}

/// A machine that is told again what another was told.
private final class ReplayedMachine {
  let shard: ShardID
  private var machine: ShardMachine
  private var tools = ShardTools()
  private var answer: DirectiveAnswer?
  /// By token, what it asked to be prepared or unpacked.
  private(set) var jobs: [UInt64: ArraySlice<UInt8>] = [:]

  init(_ making: MachineMaking) {
    shard = making.shard
    machine = making.machine()
  }

  /// Takes over what an input found.
  func begin(_ payload: inout ByteReader) throws(DecodeError) -> TurnTime {
    let time = try TurnTime(decoding: &payload)
    tools.allowance.state = try TurnAllowance.State(decoding: &payload)
    return time
  }

  func take(_ input: ShardInput, _ time: TurnTime) { answer = machine.take(input, time: time, tools: &tools) }

  func take(_ requests: ShardRequests, _ time: TurnTime) throws(DecodeError) {
    try machine.take(requests, time: time, tools: &tools)
  }

  func take(_ message: ShardMessage, _ time: TurnTime) { machine.take(message, time: time, tools: &tools) }

  func takeAnswer() -> DirectiveAnswer? { answer.take() }

  func endTurn() -> (actions: [ShardAction], outcome: TurnOutcome) {
    let actions = machine.takeActions()
    for action in actions {
      switch action {
      case .disk(.prepareRecord(let token, let bytes)), .disk(.unpackFrame(let token, let bytes)): jobs[token] = bytes
      case .log, .send, .reply, .dropPeer, .readMap, .propose, .noteEntry, .disk, .keep, .roleChanged, .note,
        .clockLeapt:
        break
      }
    }
    // A listener would have taken them.
    _ = machine.takeChanges()
    return (actions, TurnOutcome(actions, digest: machine.inventory.digest))
  }
}

extension ShardInput {
  /// In a word or two, for people.
  fileprivate var name: String {
    switch self {
    case .start(let start): "start at \(start.loaded.end), suspicion \(start.suspicion)"
    case .endBegins: "the end begins"
    case .endCloses: "no more commands"
    case .halt(let reason): "halt: \(reason)"
    case .tick(let room): "tick, \(room)"
    case .turnEnds: "turn ends"
    case .mapRead(let register, let token): "map read: \(register.map { "\($0)" } ?? "absent"), \(token)"
    case .mapUnreachable(let token): "map unreachable, \(token)"
    case .assignFirstRoles(let roles): "\(roles)"
    case .durable(let index): "durable through \(index)"
    case .markerDurable(let kind): "marker durable: \(kind)"
    case .diskFull(let isFull): isFull ? "disk full" : "room again"
    case .disk(let result): result.name
    case .takeSnapshot(let again): again ? "take a snapshot again" : "take a snapshot"
    case .forgetRecent: "forget the newest frames"
    case .connected(let peer): "connected to \(peer.node)"
    case .closed(let connection): "connection \(connection.rawValue) is closed"
    case .directive(let directive): "\(directive)"
    }
  }
}

extension DiskResult {
  fileprivate var name: String {
    switch self {
    case .chainFound(let chain, let token): "chain \(chain.map { "\($0)" } ?? "unknown"), \(token)"
    case .framesRead(let frames, let token): "\(frames?.count ?? 0) frames read, \(token)"
    case .loaded(let shard): "loaded \(shard.map { "\($0.end)" } ?? "nothing")"
    case .replayed(let digest, let token): "replayed to digest \(digest ?? 0), \(token)"
    case .streamOpened(let session, let header): "session \(session) \(header == nil ? "failed" : "opened")"
    case .streamRead(let session, _, let parts, _): "\(parts?.count ?? 0) parts read, session \(session)"
    case .chunkStored(let session, let offset): "stored through \(offset), session \(session)"
    case .snapshotVerified(let stored): stored == nil ? "a peer's snapshot is not whole" : "a peer's snapshot is whole"
    case .storedPublished(let header): header == nil ? "it has no name" : "it has its name"
    case .recordPrepared(_, let token): "record prepared, \(token)"
    case .frameUnpacked(_, let token): "frame unpacked, \(token)"
    case .snapshotEncoded(let header, let byteCount): "snapshot at \(header.end.index): \(byteCount ?? 0) bytes encoded"
    case .snapshotPublished(let header, let byteCount):
      "snapshot at \(header.end.index): \(byteCount ?? 0) bytes published"
    }
  }
}
