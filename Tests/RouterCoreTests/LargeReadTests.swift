import Octets
import Proto
import RouterCore
import Testing
import Time

/// Goal: large answers are on their way a few at a time, keep nobody else's requests back, and a client's read sees
/// what the same client did before it.
@Suite struct LargeReadTests {
  @Test func aFewAtATime() throws {
    var limits = ForwarderLimits()
    limits.largeAnswerBytesMax = 3 << 20
    let side = Side(limits)
    for handle in 0..<10 { #expect(side.read(UInt64(handle))) }
    var sent = try side.flush()
    #expect(sent.count == 3 && sent.allSatisfy { $0.isRead && $0.ids.count == 1 })
    #expect(try side.flush().isEmpty)
    // Nobody else waits for them.
    #expect(side.command(100))
    let commands = try side.flush()
    #expect(commands.count == 1 && !commands[0].isRead)
    try side.answer(commands[0].ids, .outcome(.noted))
    #expect(side.results().map(\.handle.rawValue) == [100])
    var answered: [UInt64] = []
    for _ in 0..<10 {
      guard !sent.isEmpty else { break }
      try side.answer(sent.removeFirst().ids, .answer(.refused(.noSuchEvent)))
      answered += side.results().map(\.handle.rawValue)
      sent += try side.flush()
      #expect(sent.count <= 3)
    }
    #expect(answered == Array(0..<10))
    #expect(side.forwarder.pendingCount == 0 && !side.forwarder.hasLoneRequests)
    // One that is larger than the bound goes alone; while the doors have too much to write none does.
    #expect(side.read(1, bytes: 10 << 20))
    #expect(side.read(2, bytes: 1 << 20))
    side.forwarder.holdsLargeReads = true
    #expect(try side.flush().isEmpty)
    side.forwarder.holdsLargeReads = false
    #expect(try side.flush().count == 1)
  }

  @Test func aReadLeavesBehindWhatWasAskedBefore() throws {
    let side = Side()
    #expect(side.command(1))
    let first = try side.flush()
    #expect(side.command(2))
    #expect(side.read(3))
    #expect(side.command(4))
    let second = try side.flush()
    #expect(first.count == 1 && second.allSatisfy { !$0.isRead }, "not before the first two are answered")
    try side.answer(first[0].ids, .outcome(.noted))
    for frame in second { try side.answer(frame.ids, .failed(.notPrimary)) }
    // Taken back, the second command still stands before the read.
    #expect(try side.flush(now: 1).isEmpty)
    side.forwarder.tick(now: 200)
    let again = try side.flush(now: 200)
    #expect(again.count == 1 && !again[0].isRead)
    for frame in again { try side.answer(frame.ids, .outcome(.noted), now: 200) }
    let last = try side.flush(now: 200)
    #expect(last.contains { $0.isRead })
  }

  @Test func aReadIsAskedAgainElsewhereAndEndsInTime() throws {
    let side = Side()
    #expect(side.read(1))
    let sent = try side.flush()
    #expect(sent.count == 1)
    side.forwarder.linkDown(LinkID(1))
    #expect(try side.flush(now: 1).isEmpty)
    side.linkUp(2)
    #expect(try side.flush(now: 1).count == 1)
    #expect(side.results().isEmpty)
    side.forwarder.tick(now: 5_000)
    #expect(side.results().map(\.result) == [.unavailable])
    // Its number is in use until the answer comes.
    #expect(side.forwarder.pendingCount == 1)
    try side.answer(sent[0].ids, .answer(.refused(.noSuchEvent)), on: 2, now: 5_001)
    #expect(side.forwarder.pendingCount == 0)
    // One that never left.
    side.forwarder.holdsLargeReads = true
    #expect(side.read(2, now: 5_001))
    #expect(try side.flush(now: 5_001).isEmpty)
    side.forwarder.tick(now: 10_001)
    #expect(side.results().map(\.result) == [.unavailable])
    #expect(side.forwarder.pendingCount == 0 && !side.forwarder.hasLoneRequests)
  }

  /// A large command travels alone as well: what is held back for lack of room are reads.
  @Test func aLargeCommandLeavesAlone() throws {
    let side = Side()
    side.forwarder.holdsLargeReads = true
    #expect(side.command(1))
    #expect(try side.flush().count == 1)
    #expect(side.read(2))
    let body = (0..<1_000).map { UInt8(truncatingIfNeeded: $0) }
    #expect(side.largeCommand(3, body))
    #expect(side.command(4))
    // Behind what came before it, before no read.
    #expect(try side.flush().allSatisfy { !$0.ids.contains(2) && !$0.isLarge })
    try side.answer([0], .outcome(.noted))
    let sent = try side.flush()
    let large = try #require(sent.first { $0.isLarge })
    #expect(large.ids.count == 1 && side.lastBody == [0xAB] + body)
    // Its link is lost: it is sent again, as it was; then nobody knows what became of it.
    side.forwarder.linkDown(LinkID(1))
    side.linkUp(2)
    side.lastBody = []
    #expect(try side.flush(now: 1).contains { $0.isLarge })
    #expect(side.lastBody == [0xAB] + body)
    _ = side.results()
    side.forwarder.tick(now: 5_000)
    #expect(side.results().contains { $0.handle == RequestHandle(3) && $0.result == .unknown })
  }

  /// A frame with something in it that takes its time keeps others back for some milliseconds only.
  @Test func aSlowFrameKeepsNobodyBack() throws {
    let side = Side()
    #expect(side.command(1))
    #expect(try side.flush(now: 100).count == 1)
    for handle in UInt64(2)..<20 { #expect(side.command(handle, now: 100)) }
    #expect(try side.flush(now: 101).isEmpty)
    let late = MonotonicTime(100) + side.forwarder.limits.slowFrame
    #expect(side.forwarder.nextTick == late)
    side.forwarder.tick(now: late)
    #expect(try side.flush(now: late).count == 1)
  }
}

/// A forwarder with a link to the only node.
private final class Side {
  let node = NodeName("n1")!
  var forwarder: Forwarder
  /// Of the last large command that was sent.
  var lastBody: [UInt8] = []

  init(_ limits: ForwarderLimits = ForwarderLimits()) {
    forwarder = Forwarder(router: 1, shardCount: 1, limits: limits)
    forwarder.mapChanged(ShardID(0), epoch: 1, primary: node, now: 0)
    linkUp(1)
  }

  func linkUp(_ number: UInt32) { forwarder.linkUp(LinkID(number), node: node, loop: 0, loopCount: 1) }

  func read(_ handle: UInt64, bytes: Int = 1 << 20, now: MonotonicTime = 0) -> Bool {
    forwarder.submitLargeRead(
      .seats(id: "e"), to: ShardID(0), handle: RequestHandle(handle), now: now, deadline: now + 5_000,
      expectedBytes: bytes)
  }

  func command(_ handle: UInt64, now: MonotonicTime = 0) -> Bool {
    forwarder.submit(.command, to: ShardID(0), handle: RequestHandle(handle), now: now) {
      Command.tick.encode(key: "k", into: &$0)
    }
  }

  func largeCommand(_ handle: UInt64, _ body: [UInt8]) -> Bool {
    forwarder.submitLargeCommand(
      LargeCommand(body, keyBytes: 3, randomBytes: 1), to: ShardID(0), handle: RequestHandle(handle), now: 0,
      deadline: 5_000
    ) { out, bodyBytes in
      CommandRecord.encodeHead(
        .event(.create), key: Bytes("key").rawSpan, keyIsFromRouter: false, bodyBytes: bodyBytes, into: &out)
      out.append(0xAB)
    }
  }

  /// What a flush sends: for each frame, its requests' numbers, whether they are queries, and whether it is one of
  /// `largeCommand`.
  func flush(now: MonotonicTime = 0) throws -> [(ids: [UInt32], isRead: Bool, isLarge: Bool)] {
    var frames: [[UInt8]] = []
    forwarder.flush(now: now) { _, bytes in frames.append(copy bytes) }
    return try frames.map { frame in
      var reader = ByteReader(try WireFrame(header: frame.rawSpan).body(of: frame.rawSpan))
      var ids: [UInt32] = []
      var (isRead, isLarge) = (false, false)
      while reader.bytesLeft > 0 {
        let request = try Request(decoding: &reader)
        ids.append(request.id)
        switch request.what {
        case .command:
          let record = try CommandRecord(decoding: &reader)
          guard record.kind == .event(.create) else { break }
          isLarge = true
          lastBody = Bytes(record.body).array
        case .query:
          _ = try Query(decoding: &reader)
          isRead = true
        }
      }
      return (ids, isRead, isLarge)
    }
  }

  func answer(_ ids: [UInt32], _ reply: Reply, on link: UInt32 = 1, now: MonotonicTime = 0) throws {
    var replies: [UInt8] = []
    for id in ids { reply.encode(id: id, into: &replies) }
    try forwarder.receive(replies: replies.rawSpan, from: LinkID(link), shard: ShardID(0), now: now)
  }

  func results() -> [Completion] {
    var results: [Completion] = []
    forwarder.takeCompletions(into: &results)
    return results
  }
}
