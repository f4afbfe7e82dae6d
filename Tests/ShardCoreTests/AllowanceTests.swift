import Inventory
import Octets
import Proto
import Replication
import ShardCore
import Synchronization
import TestKit
import Testing
import Time

/// Goal: whatever is asked of a shard, one turn does a bounded amount of work, bounded bytes of answers wait, and small
/// things do not wait for large ones.
@Suite struct AllowanceTests {
  private func seatMaps(_ event: Bytes, count: UInt32, from first: UInt32 = 1) -> [UInt8] {
    (0..<count).flatMap { batch(.seats(id: event), id: first + $0) }
  }

  /// Two hundred maps of a million seats in one frame: a few in each turn, and a hold that comes behind them is
  /// answered first.
  @Test func largeAnswersAreMadeAFewAtATime() throws {
    var shard = LoneShard()
    let event = try shard.createEvent(arena("e", rows: 1_000, seatsPerRow: 1_000))
    shard.send(seatMaps("e", count: 200), from: 1)
    shard.send(oneSeatHolds(event, seats: 0..<10), from: 2)
    // The holds are durable by the end of the first turn, and leave in the second.
    for _ in 0..<2 { shard.turn(endsAt: .max) }
    let first = shard.replies
    let bytes = first.reduce(0) { $0 + $1.frame.count }
    #expect(bytes < 8 << 20, "\(bytes) bytes in two turns")
    #expect(first.contains { $0.connection == ConnectionID(2) }, "the holds do not wait for the maps")
    let wantsTurn = shard.machine.backlog().wantsTurn
    #expect(wantsTurn)
    var most = 0
    var answered: [UInt32] = []
    // The last ones leave when the coordinator has said that this primary, which is alone, still is one.
    var idleTurns = 0
    for _ in 0..<400 {
      for (connection, frame) in shard.replies where connection == ConnectionID(1) {
        answered += LoneShard.decode(frame).map(\.id)
      }
      shard.replies.removeAll()
      if !shard.machine.backlog().wantsTurn { idleTurns += 1 }
      guard idleTurns < 3 else { break }
      shard.turn(endsAt: .max)
      most = max(most, shard.replies.reduce(0) { $0 + $1.frame.count })
    }
    #expect(answered == Array(1...200), "each once, in order")
    #expect(most < 4 << 20)
  }

  /// While answers wait, for the disk or for a router that does not read, no more are made.
  @Test func largeAnswersWaitUntilOthersHaveLeft() throws {
    var shard = LoneShard()
    let event = try shard.createEvent(arena("e", rows: 1_000, seatsPerRow: 1_000))
    shard.tools.allowance.answerBytesMax = 3 << 20
    shard.diskStandsStill = true
    shard.send(oneSeatHolds(event, seats: 0..<1), from: 2)
    shard.send(seatMaps("e", count: 20), from: 1)
    for _ in 0..<50 { shard.turn(endsAt: .max) }
    let waiting = shard.tools.allowance.replyBytes
    #expect(waiting > 1 << 20 && waiting < 4 << 20, "\(waiting) bytes wait")
    let wantsTurn = shard.machine.backlog().wantsTurn
    #expect(!wantsTurn, "no turn is asked for that could do nothing")
    shard.diskMovesOn()
    for _ in 0..<50 { shard.turn(endsAt: .max) }
    #expect(shard.takeReplies().count == 21)
    #expect(shard.tools.allowance.replyBytes == 0)
    // A router that does not read waits alone.
    shard.tools.allowance.crowded = [ConnectionID(1)]
    shard.send(seatMaps("e", count: 1), from: 1)
    shard.send(seatMaps("e", count: 1), from: 3)
    for _ in 0..<5 { shard.turn(endsAt: .max) }
    #expect(shard.replies.map(\.connection.rawValue) == [3])
  }

  /// When its time is over a turn ends in the middle of a frame; what is left, and all that comes behind it, keeps its
  /// order.
  @Test func aTurnEndsAndTheRestKeepsItsOrder() throws {
    var shard = LoneShard()
    let event = try shard.createEvent(arena("e", rows: 100, seatsPerRow: 1_000))
    let looks = Mutex(UInt64(0))
    let count: @Sendable () -> UInt64 = {
      looks.withLock { looks in
        looks += 1
        return looks
      }
    }
    shard.tools.allowance.clock = count
    shard.tools.allowance.begin(endsAt: 3)
    shard.send(oneSeatHolds(event, seats: 0..<5_000), from: 1)
    let isBehind = shard.machine.backlog().isBehind
    #expect(isBehind)
    // Another's, behind it: its first seat is the last of those.
    let others = (UInt32(4_999)..<5_001).map { seat in
      (Command.hold(.init(event: event, secret: 9, buyer: "other", seats: [SeatIndex(seat)])), Bytes("other-\(seat)"))
    }
    shard.send(batch(others), from: 2)
    for _ in 0..<2 { shard.turn(endsAt: 0) }
    let early = shard.takeReplies().count
    #expect(early > 0 && early < 1_000, "\(early) replies in a turn that was over")
    for _ in 0..<200 where shard.machine.backlog().isBehind { shard.turn(endsAt: 0) }
    shard.settle()
    let held = shard.replies.filter { $0.connection == ConnectionID(1) }.flatMap { LoneShard.decode($0.frame) }
    #expect(held.map(\.id) == Array(UInt32(early + 1)...5_000))
    #expect(held.allSatisfy { if case .outcome(.held) = $0.reply { true } else { false } })
    let theirs = shard.replies.filter { $0.connection == ConnectionID(2) }.flatMap { LoneShard.decode($0.frame) }
    guard case .outcome(.refused(.seatsTaken)) = theirs.first?.reply, case .outcome(.held) = theirs.last?.reply else {
      Issue.record("\(theirs)")
      return
    }
  }

  /// Replies that cannot leave make requests wait; requests that wait are bounded, and beyond that nothing happened.
  @Test func whatWaitsIsBounded() throws {
    var options = ShardMachine.Options()
    options.deferredBytesMax = 100_000
    var shard = LoneShard(options)
    let event = try shard.createEvent(arena("e", rows: 100, seatsPerRow: 1_000))
    shard.tools.allowance.replyBytesMax = 20_000
    shard.diskStandsStill = true
    for place in 0..<UInt32(40) { shard.send(oneSeatHolds(event, seats: (place * 100)..<(place * 100 + 100))) }
    shard.settle()
    #expect(shard.tools.allowance.replyBytes < 60_000)
    let refused = shard.takeReplies()
    #expect(refused.count > 500 && refused.count < 4_000)
    #expect(refused.allSatisfy { $0.reply == .failed(.overloaded) })
    shard.diskMovesOn()
    for _ in 0..<100 { shard.turn(endsAt: .max) }
    let answered = shard.takeReplies()
    #expect(answered.count + refused.count == 4_000)
    #expect(answered.allSatisfy { if case .outcome(.held) = $0.reply { true } else { false } })
  }

  /// A replica that may not answer any more says so to reads that wait, too; so does time.
  @Test func readsThatWaitEnd() throws {
    var options = ShardMachine.Options()
    options.requestDeadline = 300
    var shard = LoneShard(options)
    _ = try shard.createEvent(arena("e", rows: 1_000, seatsPerRow: 1_000))
    shard.tools.allowance.crowded = [ConnectionID(1)]
    shard.send(seatMaps("e", count: 3), from: 1)
    shard.pass(200)
    #expect(shard.replies.isEmpty)
    shard.pass(400)
    #expect(shard.takeReplies().map(\.reply) == Array(repeating: .failed(.overloaded), count: 3))
    shard.tools.allowance.crowded = [ConnectionID(1)]
    shard.send(batch(.subscribe(id: "e"), id: 7), from: 1)
    shard.turn(endsAt: .max)
    shard.tools.allowance.crowded = [ConnectionID(1)]
    shard.machine.take(.halt(.diskFailed), time: shard.time, tools: &shard.tools)
    shard.turn(endsAt: .max)
    #expect(shard.takeReplies().map(\.reply) == [.failed(.notPrimary)])
  }

  /// A subscription that has to wait its turn misses nothing: its copy is of the moment of the answer.
  @Test func aLateCopyIsWhole() throws {
    var shard = LoneShard()
    let event = try shard.createEvent(arena("e", rows: 1_000, seatsPerRow: 1_000))
    shard.tools.allowance.crowded = [ConnectionID(5)]
    shard.send(batch(.subscribe(id: "e"), id: 1), from: 5)
    shard.turn(endsAt: .max)
    shard.send(oneSeatHolds(event, seats: 0..<1), from: 6)
    shard.tools.allowance.crowded = [ConnectionID(5)]
    shard.turn(endsAt: .max)
    #expect(!shard.replies.contains { $0.connection == ConnectionID(5) })
    shard.tools.allowance.crowded = []
    shard.settle()
    let mine = shard.replies.filter { $0.connection == ConnectionID(5) }.flatMap { LoneShard.decode($0.frame) }
    guard case .answer(.subscribed(_, _, let states, _)) = mine.first?.reply else {
      Issue.record("no copy")
      return
    }
    #expect(states.array[0] == SeatState.held.rawValue)
    shard.replies.removeAll()
    shard.send(oneSeatHolds(event, seats: 1..<2), from: 6)
    shard.settle()
    let kinds = shard.replies.filter { $0.connection == ConnectionID(5) }
      .compactMap { try? WireFrame(header: $0.frame.rawSpan).kind }
    #expect(kinds == [.feed])
  }

  /// A thousand seats at a hundred a turn, while one is held in each: the answer is the seats as they are at its
  /// version, and what comes after it is told.
  @Test(arguments: [false, true]) func aMapIsCopiedOverSeveralTurns(isSubscription: Bool) throws {
    var options = ShardMachine.Options()
    options.seatsCopiedPerTurn = 100
    options.largeAnswerBytes = 1
    var shard = LoneShard(options)
    let event = try shard.createEvent(arena("e", rows: 10, seatsPerRow: 100))
    shard.send(batch(isSubscription ? .subscribe(id: "e") : .seats(id: "e"), id: 1), from: 5)
    var turns = 0
    while !shard.replies.contains(where: { $0.connection == ConnectionID(5) }), turns < 30 {
      // Behind what is copied and before it, by turns.
      let seat = UInt32(turns % 2 == 0 ? turns : 999 - turns)
      shard.send(oneSeatHolds(event, seats: seat..<(seat + 1)), from: 6)
      shard.turn(endsAt: .max)
      turns += 1
    }
    #expect(turns >= 10, "\(turns) turns")
    let reply = shard.replies.filter { $0.connection == ConnectionID(5) }.flatMap { LoneShard.decode($0.frame) }.first
    let (version, states): (UInt64, Bytes)
    switch reply?.reply {
    case .answer(.seats(_, let its, let copied)): (version, states) = (its, copied)
    case .answer(.subscribed(_, let its, let copied, _)): (version, states) = (its, copied)
    case let other:
      Issue.record("\(String(describing: other))")
      return
    }
    // An event is at version 1, and each hold is one more.
    let held = Set((0..<Int(version - 1)).map { $0 % 2 == 0 ? $0 : 999 - $0 })
    let expected = (0..<1_000).map { held.contains($0) ? SeatState.held.rawValue : SeatState.free.rawValue }
    #expect(states.array == expected)
    shard.settle()
    shard.replies.removeAll()
    shard.send(oneSeatHolds(event, seats: 500..<501), from: 6)
    shard.settle()
    let kinds = shard.replies.filter { $0.connection == ConnectionID(5) }
      .compactMap { try? WireFrame(header: $0.frame.rawSpan).kind }
    #expect(kinds == (isSubscription ? [.feed] : []))
  }

  /// A copy that is being made ends with its reader, with its time, and with the shard's role.
  @Test func aCopyInTheMakingEnds() throws {
    var options = ShardMachine.Options()
    (options.seatsCopiedPerTurn, options.largeAnswerBytes, options.requestDeadline) = (10, 1, 300)
    var shard = LoneShard(options)
    _ = try shard.createEvent(arena("e", rows: 10, seatsPerRow: 100))
    func begin(_ shard: inout LoneShard) {
      shard.send(seatMaps("e", count: 1), from: 5)
      for _ in 0..<3 { shard.turn(endsAt: .max) }
      let isUnanswered = shard.replies.isEmpty
      #expect(isUnanswered)
    }
    begin(&shard)
    let waiting = shard.tools.allowance.replyBytes
    #expect(waiting >= 1_000, "what it takes counts")
    shard.machine.take(.closed(ConnectionID(5)), time: shard.time, tools: &shard.tools)
    shard.settle()
    #expect(shard.replies.isEmpty)
    let left = shard.tools.allowance.replyBytes
    #expect(left == 0)
    begin(&shard)
    shard.time.now += 400
    shard.machine.take(.tick(.open), time: shard.time, tools: &shard.tools)
    shard.settle()
    #expect(shard.takeReplies().map(\.reply) == [.failed(.overloaded)])
    begin(&shard)
    shard.machine.take(.halt(.diskFailed), time: shard.time, tools: &shard.tools)
    shard.settle()
    #expect(shard.takeReplies().map(\.reply) == [.failed(.notPrimary)])
  }
}
