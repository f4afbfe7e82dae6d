import Inventory
import Journal
import Octets
import Proto
import Replication
import ShardCore
import TestKit
import Testing
import Time

/// One shard's machine without threads or sockets: a primary that goes alone, whose log is durable as soon as it is
/// written.
struct LoneShard: ~Copyable {
  var machine: ShardMachine
  var tools = ShardTools()
  var time = TurnTime(now: 1_000, wall: 1_800_000_000_000)
  /// Frames written, oldest first.
  var frames: [EncodedFrame] = []
  /// Frames to routers' connections.
  var replies: [(connection: ConnectionID, frame: [UInt8])] = []
  /// What was said to other replicas.
  var sent: [(message: ReplicaMessage, payload: [UInt8])] = []
  var room = LogRoom.open
  /// Nothing is reported durable while this is set.
  var diskStandsStill = false
  /// Large records are not prepared while this is set; those that wait.
  var workersStandStill = false
  var records: [(token: UInt64, bytes: ArraySlice<UInt8>)] = []
  private var written: UInt64 = 0
  private var register: MapRegister?

  init(_ options: ShardMachine.Options = ShardMachine.Options()) {
    let me = ReplicaID(node: NodeName("n1")!, disk: 1)
    machine = ShardMachine(shard: ShardID(0), me: me, options: options, seed: 7)
    let empty = LoadedShard(inventory: Inventory(shard: ShardID(0)), end: LogEnd(), epochs: [])
    machine.take(.start(ShardStart(empty, suspicion: .none, committed: 0)), time: time, tools: &tools)
    settle()
    machine.take(.assignFirstRoles(FirstRoles(primary: me, follower: nil)), time: time, tools: &tools)
    settle()
  }

  mutating func pass(_ length: Milliseconds) {
    var left = length
    while left > 0 {
      let step = min(left, 20)
      left = left - step
      time.now += step
      machine.take(.tick(room), time: time, tools: &tools)
      settle()
    }
  }

  /// Ends the turn and carries out what is asked for, until nothing is.
  mutating func settle() {
    for _ in 0..<1_000 { if !turn(endsAt: .max) && !machine.backlog().wantsTurn { break } }
  }

  /// Ends one turn, and begins the next. False: there was nothing to do.
  @discardableResult
  mutating func turn(endsAt: UInt64) -> Bool {
    machine.take(.turnEnds, time: time, tools: &tools)
    tools.allowance.begin(endsAt: endsAt)
    let actions = machine.takeActions()
    for action in actions { carryOut(action) }
    return !actions.isEmpty
  }

  private mutating func carryOut(_ action: ShardAction) {
    switch action {
    case .log(let entries):
      for case .frame(let frame) in entries {
        frames.append(frame)
        written = frame.header.lastIndex
      }
      if !diskStandsStill { machine.take(.durable(through: written), time: time, tools: &tools) }
    case .disk(.prepareRecord(let token, let bytes)):
      records.append((token, bytes))
      if !workersStandStill { workersMoveOn() }
    case .reply(let frame, let tail, let connection): replies.append((connection, frame + tail))
    case .send(let message, let payload, _): sent.append((message, payload))
    case .readMap(let token): machine.take(.mapRead(register, token: token), time: time, tools: &tools)
    case .propose(let entry, let revision, _):
      if revision == register?.revision ?? 0 { register = MapRegister(revision: revision + 1, entry: entry) }
      machine.take(.mapRead(register, token: 0), time: time, tools: &tools)
    default: break
    }
  }

  /// Prepares the records that wait. Their results are told with the next turn.
  mutating func workersMoveOn() {
    let waiting = records
    records = []
    for (token, bytes) in waiting {
      machine.take(.disk(.recordPrepared(LargeRecord(bytes), token: token)), time: time, tools: &tools)
    }
  }

  mutating func diskMovesOn() {
    diskStandsStill = false
    machine.take(.durable(through: written), time: time, tools: &tools)
    settle()
  }

  mutating func send(_ body: [UInt8], from connection: UInt64 = 1) {
    try? machine.take(
      ShardRequests(body.rawSpan, from: ConnectionID(connection), room: room), time: time, tools: &tools)
  }

  mutating func takeReplies() -> [(id: UInt32, reply: Reply)] {
    var all: [(id: UInt32, reply: Reply)] = []
    for (_, bytes) in replies { all += Self.decode(bytes) }
    replies.removeAll()
    return all
  }

  static func decode(_ bytes: [UInt8]) -> [(id: UInt32, reply: Reply)] {
    var all: [(id: UInt32, reply: Reply)] = []
    guard let frame = try? WireFrame(header: bytes.rawSpan), frame.kind == .replies,
      let body = try? frame.body(of: bytes.rawSpan)
    else { return [] }
    var reader = ByteReader(body)
    while reader.bytesLeft > 0, let next = try? Reply.decode(&reader) { all.append(next) }
    return all
  }

  /// Creates an event and says how it is called.
  mutating func createEvent(_ definition: EventDefinition) throws -> EventRef {
    send(batch([(.createEvent(definition, incarnation: 5), "create")]))
    settle()
    let reply = takeReplies().last?.reply
    guard case .outcome(.created(let event, _)) = reply else {
      throw Refused(reply: String(describing: reply))
    }
    return event
  }
}

struct Refused: Error {
  var reply: String
}

/// The body of a `requests` frame.
func batch(_ commands: [(Command, Bytes)], from first: UInt32 = 1, keyIsFromRouter: Bool = false) -> [UInt8] {
  var out: [UInt8] = []
  for (place, (command, key)) in commands.enumerated() {
    Request.encodeHeader(id: first + UInt32(place), what: .command, into: &out)
    command.encode(key: key, keyIsFromRouter: keyIsFromRouter, into: &out)
  }
  return out
}

func batch(_ query: Query, id: UInt32 = 1) -> [UInt8] {
  var out: [UInt8] = []
  Request.encodeHeader(id: id, what: .query, into: &out)
  query.encode(into: &out)
  return out
}

func oneSeatHolds(_ event: EventRef, seats: Range<UInt32>) -> [UInt8] {
  batch(
    seats.map {
      (
        .hold(
          .init(
            event: event, secret: UInt64($0) &* 0x9E37_79B9_7F4A_7C15, buyer: Bytes("b\($0)"), seats: [SeatIndex($0)])),
        Bytes("key-of-12b-\($0)")
      )
    }, keyIsFromRouter: true)
}

@Suite struct MachineTests {
  /// However many holds are made at once, no instant in which they come due has more than a thousand of them.
  @Test func aThousandRecordsAtMostHaveOneStamp() throws {
    var shard = LoneShard()
    let event = try shard.createEvent(arena("arena", rows: 100, seatsPerRow: 100))
    let before = shard.frames.count
    for first in stride(from: UInt32(0), to: 8_000, by: 500) {
      shard.send(oneSeatHolds(event, seats: first..<(first + 500)))
    }
    shard.settle()
    let replies = shard.takeReplies()
    #expect(replies.count == 8_000)
    #expect(replies.allSatisfy { if case .outcome(.held) = $0.reply { true } else { false } })
    var atStamp: [Stamp: UInt32] = [:]
    for frame in shard.frames[before...] { atStamp[frame.header.stamp, default: 0] += frame.header.count }
    #expect(atStamp.values.max()! <= 1_000)
    #expect(atStamp.values.reduce(0, +) == 8_000)
    // The shard's time goes on from there, and each expires on its own time: a thousand at most for each tick.
    let ticksFrom = shard.frames.count
    shard.pass(700_000)
    let isAllOver = shard.machine.inventory.nextDeadline == nil
    #expect(isAllOver)
    #expect(shard.frames.count - ticksFrom >= 8)
    #expect(zip(shard.frames, shard.frames.dropFirst()).allSatisfy { $0.header.stamp <= $1.header.stamp })
  }

  @Test func aBatchBecomesOneFrameAndOneReply() throws {
    var shard = LoneShard()
    let event = try shard.createEvent(arena("e"))
    let before = shard.frames.count
    shard.send(oneSeatHolds(event, seats: 0..<100))
    shard.settle()
    #expect(shard.frames.count == before + 1)
    #expect(shard.frames.last?.header.count == 100)
    #expect(shard.replies.count == 1)
    let replies = shard.takeReplies()
    #expect(replies.map(\.id) == Array(1...100))
    #expect(replies.allSatisfy { if case .outcome(.held) = $0.reply { true } else { false } })
  }

  /// Nothing leaves before the disk has it: neither a yes, nor a refusal, nor a read that saw it.
  @Test func repliesWaitForTheDisk() throws {
    var shard = LoneShard()
    let event = try shard.createEvent(arena("e"))
    shard.diskStandsStill = true
    shard.send(oneSeatHolds(event, seats: 0..<1))
    shard.settle()
    shard.send(oneSeatHolds(event, seats: 0..<1), from: 2)
    shard.send(batch(.seat(id: "e", SeatIndex(0)), id: 9), from: 3)
    shard.settle()
    #expect(shard.replies.isEmpty)
    shard.diskMovesOn()
    #expect(shard.replies.map(\.connection.rawValue) == [1, 2, 3])
  }

  @Test func lateRepliesEndUnknown() throws {
    var options = ShardMachine.Options()
    options.requestDeadline = 300
    var shard = LoneShard(options)
    let event = try shard.createEvent(arena("e"))
    shard.diskStandsStill = true
    shard.send(oneSeatHolds(event, seats: 0..<2))
    shard.settle()
    shard.pass(200)
    #expect(shard.replies.isEmpty)
    shard.pass(400)
    #expect(shard.takeReplies().map(\.reply) == [.failed(.unknown), .failed(.unknown)])
  }

  /// A full disk is met before anything happened; reads go on.
  @Test func aFullDiskRefusesBeforeApplying() throws {
    var shard = LoneShard()
    let event = try shard.createEvent(arena("e"))
    shard.room = .full
    shard.send(oneSeatHolds(event, seats: 0..<1))
    shard.send(batch(.seat(id: "e", SeatIndex(0)), id: 2))
    shard.settle()
    var replies = shard.takeReplies()
    #expect(replies.first?.reply == .failed(.diskFull))
    guard case .answer(.seat(.free, _)) = replies.last?.reply else {
      Issue.record("\(replies)")
      return
    }
    shard.room = .open
    shard.send(oneSeatHolds(event, seats: 0..<1))
    shard.settle()
    replies = shard.takeReplies()
    guard case .outcome(.held) = replies.last?.reply else {
      Issue.record("\(replies)")
      return
    }
  }

  /// Expiry of many holds takes several ticks of at most about a thousand, and a strong read never sees what is past
  /// its deadline.
  @Test func timeIsCaughtUpWithInSteps() throws {
    var shard = LoneShard()
    let event = try shard.createEvent(arena("e", rows: 100, seatsPerRow: 100))
    for start in stride(from: UInt32(0), to: 5_000, by: 500) {
      shard.send(oneSeatHolds(event, seats: start..<(start + 500)))
      shard.settle()
      shard.pass(20)
    }
    _ = shard.takeReplies()
    let before = shard.frames.count
    // A pause: time goes on without a tick.
    shard.time.now += 700_000
    shard.send(batch(.seat(id: "e", SeatIndex(4_999)), id: 2))
    shard.settle()
    guard case .answer(.seat(.free, _)) = shard.takeReplies().last?.reply else {
      Issue.record("a hold is seen past its deadline")
      return
    }
    #expect(shard.frames.count >= before + 5)
  }

  /// A subscriber's copy: the answer first, then every change before the reply that tells of it.
  @Test func feedsComeBeforeReplies() throws {
    var shard = LoneShard()
    let event = try shard.createEvent(arena("e", rows: 1, seatsPerRow: 10))
    // The subscription and a change in one turn: the copy has the change or a later update has it, never neither.
    shard.send(batch(.subscribe(id: "e"), id: 1), from: 5)
    shard.send(oneSeatHolds(event, seats: 0..<1), from: 6)
    shard.settle()
    let first = shard.replies.filter { $0.connection.rawValue == 5 }.flatMap { LoneShard.decode($0.frame) }
    guard case .answer(.subscribed(_, let version, let states, _)) = first.last?.reply else {
      Issue.record("\(first)")
      return
    }
    #expect(states.array[0] == SeatState.held.rawValue)
    shard.replies.removeAll()
    shard.send(oneSeatHolds(event, seats: 1..<2), from: 5)
    shard.settle()
    let kinds = try shard.replies.filter { $0.connection.rawValue == 5 }.map {
      try WireFrame(header: $0.frame.rawSpan).kind
    }
    #expect(kinds == [.feed, .replies])
    let feed = shard.replies[0].frame
    var reader = ByteReader(try WireFrame(header: feed.rawSpan).body(of: feed.rawSpan))
    let update = try FeedUpdate(decoding: &reader)
    #expect(update.fromVersion == version)
    #expect(update.seats == [SeatChange(seat: SeatIndex(1), state: .held)])
    shard.replies.removeAll()
    shard.pass(200)
    let fresh = shard.replies.filter { (try? WireFrame(header: $0.frame.rawSpan))?.kind == .feedFresh }
    #expect(fresh.count >= 2)
  }

  /// A disk that stood still for longer than replies wait: what changed copies meanwhile still reaches them, before
  /// anything that tells of it.
  @Test func copiesMissNothingThatWasLate() throws {
    var options = ShardMachine.Options()
    options.requestDeadline = 300
    var shard = LoneShard(options)
    let event = try shard.createEvent(arena("e", rows: 1, seatsPerRow: 10))
    shard.send(batch(.subscribe(id: "e"), id: 1), from: 5)
    shard.settle()
    shard.replies.removeAll()
    shard.diskStandsStill = true
    shard.send(oneSeatHolds(event, seats: 3..<4), from: 6)
    shard.settle()
    shard.pass(600)
    #expect(shard.takeReplies().map(\.reply) == [.failed(.unknown)])
    shard.send(batch(.seat(id: "e", SeatIndex(3)), id: 9), from: 5)
    shard.settle()
    shard.diskMovesOn()
    let frames = shard.replies.filter { $0.connection.rawValue == 5 }.map(\.frame)
    let kinds = try frames.map { try WireFrame(header: $0.rawSpan).kind }
    let change = try #require(kinds.firstIndex(of: .feed), "the copy was never told")
    let answer = try #require(kinds.firstIndex(of: .replies))
    #expect(change < answer)
    let feed = frames[change]
    var reader = ByteReader(try WireFrame(header: feed.rawSpan).body(of: feed.rawSpan))
    #expect(try FeedUpdate(decoding: &reader).seats == [SeatChange(seat: SeatIndex(3), state: .held)])
  }

  /// A peer's snapshot that the disk could not give its name is asked for again: nobody has to help.
  @Test func aSnapshotThatCannotBeKeptIsAskedForAgain() throws {
    let me = ReplicaID(node: try #require(NodeName("n1")), disk: 1)
    let peer = ReplicaID(node: try #require(NodeName("n2")), disk: 2)
    var machine = ShardMachine(shard: ShardID(0), me: me, seed: 7)
    var tools = ShardTools()
    var time = TurnTime(now: 1_000, wall: 1_800_000_000_000)
    let nothing = LoadedShard(inventory: Inventory(shard: ShardID(0)), end: LogEnd(), epochs: [])
    machine.take(.start(ShardStart(nothing, suspicion: .none, committed: 0)), time: time, tools: &tools)
    let register = MapRegister(
      revision: 3, entry: MapEntry(epoch: 3, primary: peer, follower: nil, proposal: 9))
    let (empty, part) = ([UInt8](), [UInt8](repeating: 1, count: 4))
    var asked = 0
    /// Carries out what there is to do: answers the map, counts how often the machine asks to be taken in.
    func settle() {
      machine.take(.turnEnds, time: time, tools: &tools)
      for action in machine.takeActions() {
        switch action {
        case .readMap(let token): machine.take(.mapRead(register, token: token), time: time, tools: &tools)
        case .send(.join, payload: _, to: _): asked += 1
        case .log(let entries):
          for case .rebuilt in entries { machine.take(.markerDurable(.rebuilt), time: time, tools: &tools) }
        case .disk(.verifyStored):
          let header = SnapshotHeader(
            shard: ShardID(0), end: LogEnd(index: 7, epoch: 3, chain: 5, stamp: 9),
            epochs: [EpochStart(epoch: 3, firstIndex: 1, chainBefore: 0)], digest: 0)
          machine.take(.disk(.snapshotVerified((header, Inventory(shard: ShardID(0))))), time: time, tools: &tools)
        case .disk(.publishStored): machine.take(.disk(.storedPublished(nil)), time: time, tools: &tools)
        default: break
        }
      }
    }
    func pass() {
      for _ in 0..<40 {
        time.now += 20
        machine.take(.tick(.open), time: time, tools: &tools)
        for _ in 0..<4 { settle() }
      }
    }
    for _ in 0..<4 { settle() }
    pass()
    #expect(asked > 0)
    let answer = JoinAnswer(epoch: 3, number: 1, way: .snapshot)
    machine.take(
      ShardMessage(.joinAnswer(answer), payload: empty.rawSpan, from: peer, room: .open), time: time, tools: &tools)
    let chunk = SnapshotChunk(epoch: 3, session: 1, offset: 0, byteCount: 4, isLast: true)
    machine.take(
      ShardMessage(.snapshotChunk(chunk), payload: part.rawSpan, from: peer, room: .open), time: time, tools: &tools)
    asked = 0
    pass()
    #expect(machine.replica.role == .joining)
    #expect(asked > 0, "the snapshot is asked for again")
  }

  /// What a hold costs on the hot path, printed for people: a machine that is busy must not fail a test.
  @Test func costOfAHold() throws {
    var shard = LoneShard()
    let event = try shard.createEvent(arena("e", rows: 1_000, seatsPerRow: 1_000))
    let size: UInt32 = 8_000
    let batches = (0..<40).map { oneSeatHolds(event, seats: ($0 * size)..<(($0 + 1) * size)) }
    let clock = ContinuousClock()
    var total = Duration.zero
    for body in batches {
      total += clock.measure {
        shard.send(body)
        shard.settle()
      }
      shard.replies.removeAll(keepingCapacity: true)
    }
    let nanoseconds = Double(total.components.attoseconds) / 1e9 + Double(total.components.seconds) * 1e9
    let each = nanoseconds / Double(UInt32(batches.count) * size)
    print("decode + apply + encode + frame: \(Int(each)) ns a hold, \(batches[0].count / Int(size)) bytes each")
    #expect(shard.frames.count > batches.count)
  }
}
