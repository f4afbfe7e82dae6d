import Octets
import Proto
import RouterCore
import TestKit
import Testing
import Time

/// Goal: whatever nodes, links and the map do, each request gets exactly one completion, and the effects of one
/// client's commands on one shard happen in the order in which they were submitted, each at most once. Method: the
/// forwarder against two pretended nodes, from a seed; the log of each shard is the judge.
@Suite struct ForwarderTests {
  @Test(arguments: [UInt64](1...60)) func keepsOrderAndCompletesOnce(seed: UInt64) throws {
    var world = ForwarderWorld(seed: seed)
    for _ in 0..<1_500 { try world.step() }
    try world.settle()
    #expect(world.problems.isEmpty, "seed \(seed): \(world.problems.prefix(3))")
    #expect(world.completed == world.submitted, "seed \(seed)")
    #expect(world.executedCount > 50, "seed \(seed): the world does something")
  }

  @Test func oneTurnIsOneFrameForEachShard() throws {
    var forwarder = Forwarder(router: 1, shardCount: 2)
    let node = try #require(NodeName("n1"))
    for shard in 0..<2 { forwarder.mapChanged(ShardID(UInt16(shard)), epoch: 1, primary: node, now: 0) }
    forwarder.linkUp(LinkID(1), node: node, loop: 0, loopCount: 1)
    for number in 0..<10 {
      let taken = forwarder.submit(
        .query, to: ShardID(UInt16(number % 2)), handle: RequestHandle(UInt64(number)), now: 0
      ) {
        Query.event(id: "e").encode(into: &$0)
      }
      #expect(taken)
    }
    var frames = 0
    forwarder.flush(now: 0) { link, bytes in
      frames += 1
      #expect(link == LinkID(1))
      #expect((try? WireFrame(header: bytes.rawSpan).body(of: bytes.rawSpan).byteCount) != nil)
    }
    #expect(frames == 2)
    forwarder.flush(now: 0) { _, _ in Issue.record("nothing is left to send") }
  }

  @Test func whatComesWhileFramesAreOnTheirWayLeavesTogether() throws {
    var forwarder = Forwarder(router: 1, shardCount: 1)
    forwarder.mapChanged(ShardID(0), epoch: 1, primary: try #require(NodeName("n1")), now: 0)
    forwarder.linkUp(LinkID(1), node: try #require(NodeName("n1")), loop: 0, loopCount: 1)
    var frames: [[UInt32]] = []
    for number in 0..<6 {
      let taken = forwarder.submit(.query, to: ShardID(0), handle: RequestHandle(UInt64(number)), now: 0) {
        Query.event(id: "e").encode(into: &$0)
      }
      #expect(taken)
      forwarder.flush(now: 0) { _, bytes in frames.append(Self.requestIDs(bytes)) }
    }
    #expect(frames.count == 2)
    // Four that wait are too many to send beside the one that is still on its way.
    for answered in 0..<2 {
      var replies: [UInt8] = []
      Reply.answer(.refused(.noSuchEvent)).encode(id: frames[answered][0], into: &replies)
      try forwarder.receive(replies: replies.rawSpan, from: LinkID(1), shard: ShardID(0), now: 1)
      forwarder.flush(now: 1) { _, bytes in frames.append(Self.requestIDs(bytes)) }
      #expect(frames.count == 2 + answered)
    }
    #expect(frames[2].count == 4)
    // A full frame waits for nobody, up to a number of them.
    for turn in 0..<20 {
      for number in 0..<forwarder.limits.fullFrameRequests {
        let taken = forwarder.submit(.query, to: ShardID(0), handle: RequestHandle(UInt64(number)), now: 0) {
          Query.event(id: "e").encode(into: &$0)
        }
        #expect(taken)
      }
      forwarder.flush(now: 1) { _, bytes in frames.append(Self.requestIDs(bytes)) }
      #expect(frames.count == min(4 + turn, 2 + forwarder.limits.fullFramesInFlightMax))
    }
  }

  /// A node that takes frames and says nothing must not keep back what comes after their deadlines.
  @Test func aSilentNodeKeepsNothingBackForEver() throws {
    var forwarder = Forwarder(router: 1, shardCount: 1)
    forwarder.mapChanged(ShardID(0), epoch: 1, primary: try #require(NodeName("n1")), now: 0)
    forwarder.linkUp(LinkID(1), node: try #require(NodeName("n1")), loop: 0, loopCount: 1)
    var frames: [[UInt32]] = []
    for number in 0..<4 {
      let taken = forwarder.submit(
        .query, to: ShardID(0), handle: RequestHandle(UInt64(number)), now: MonotonicTime(Int64(number))
      ) {
        Query.event(id: "e").encode(into: &$0)
      }
      #expect(taken)
      forwarder.flush(now: 0) { _, bytes in frames.append(Self.requestIDs(bytes)) }
    }
    #expect(frames.map(\.count) == [1, 1])
    forwarder.tick(now: 5_000)
    forwarder.flush(now: 5_000) { _, bytes in frames.append(Self.requestIDs(bytes)) }
    #expect(frames.map(\.count) == [1, 1, 2])
    // Late replies settle their frames as ever.
    for frame in frames {
      var replies: [UInt8] = []
      for id in frame { Reply.answer(.refused(.noSuchEvent)).encode(id: id, into: &replies) }
      try forwarder.receive(replies: replies.rawSpan, from: LinkID(1), shard: ShardID(0), now: 5_001)
    }
    #expect(forwarder.pendingCount == 0)
    for _ in 0..<2 {
      _ = forwarder.submit(.query, to: ShardID(0), handle: RequestHandle(9), now: 5_001) {
        Query.event(id: "e").encode(into: &$0)
      }
      forwarder.flush(now: 5_001) { _, bytes in frames.append(Self.requestIDs(bytes)) }
    }
    #expect(frames.count == 5)
  }

  @Test func aFrameWaitsForClientsThatWereJustAnswered() throws {
    var forwarder = Forwarder(router: 1, shardCount: 1)
    forwarder.mapChanged(ShardID(0), epoch: 1, primary: try #require(NodeName("n1")), now: 0)
    forwarder.linkUp(LinkID(1), node: try #require(NodeName("n1")), loop: 0, loopCount: 1)
    func submit(_ count: Int) {
      for number in 0..<count {
        let taken = forwarder.submit(.query, to: ShardID(0), handle: RequestHandle(UInt64(number)), now: 0) {
          Query.event(id: "e").encode(into: &$0)
        }
        #expect(taken)
      }
    }
    var frames: [[UInt32]] = []
    /// Held back, and sent.
    func flush(now: MonotonicTime, gathers: Bool) -> Int {
      forwarder.flush(now: now, gathers: gathers) { _, bytes in frames.append(Self.requestIDs(bytes)) }.count
    }
    func answer(now: MonotonicTime) throws {
      var replies: [UInt8] = []
      for id in frames.removeLast() { Reply.answer(.refused(.noSuchEvent)).encode(id: id, into: &replies) }
      try forwarder.receive(replies: replies.rawSpan, from: LinkID(1), shard: ShardID(0), now: now)
    }
    submit(20)
    #expect(flush(now: 0, gathers: true) == 0 && frames.count == 1)
    // One that was not among them waits for their answer, then for their next requests too, so that all travel
    // together.
    submit(1)
    #expect(flush(now: 0, gathers: true) == 0 && frames.count == 1)
    try answer(now: 1)
    submit(3)
    #expect(flush(now: 1, gathers: true) == 4 && frames.isEmpty)
    submit(16)
    #expect(flush(now: 1, gathers: true) == 20 && frames.isEmpty)
    submit(1)
    #expect(flush(now: 1, gathers: true) == 0 && frames.count == 1 && frames[0].count == 21)
    try answer(now: 1)
    // The caller's patience ends.
    submit(1)
    #expect(flush(now: 1, gathers: true) == 1 && frames.isEmpty)
    #expect(flush(now: 1, gathers: false) == 0 && frames.count == 1)
    // So the next two leave without waiting; the third waits, and nobody is expected any more after a while.
    for _ in 0..<2 {
      submit(19)
      try answer(now: 1)
      #expect(flush(now: 1, gathers: true) == 0 && frames.count == 1)
    }
    submit(19)
    try answer(now: 1)
    #expect(flush(now: 1, gathers: true) == 19 && frames.isEmpty)
    #expect(flush(now: 5, gathers: true) == 0 && frames.count == 1)
  }

  /// Clients that ask when they like, not when they are answered, are not waited for: one frame in 65 tries.
  @Test func whoDoesNotWaitForAnswersIsNotWaitedFor() throws {
    var forwarder = Forwarder(router: 1, shardCount: 1)
    forwarder.mapChanged(ShardID(0), epoch: 1, primary: try #require(NodeName("n1")), now: 0)
    forwarder.linkUp(LinkID(1), node: try #require(NodeName("n1")), loop: 0, loopCount: 1)
    var frame: [UInt32] = []
    var waited = 0
    for turn in 0..<1_000 {
      for number in 0..<10 {
        let taken = forwarder.submit(
          .query, to: ShardID(0), handle: RequestHandle(UInt64(number)), now: MonotonicTime(Int64(turn))
        ) {
          Query.event(id: "e").encode(into: &$0)
        }
        #expect(taken)
      }
      // Ten more wait by the time ten are answered, so twenty are expected and ten come.
      var replies: [UInt8] = []
      for id in frame { Reply.answer(.refused(.noSuchEvent)).encode(id: id, into: &replies) }
      frame = []
      try forwarder.receive(
        replies: replies.rawSpan, from: LinkID(1), shard: ShardID(0), now: MonotonicTime(Int64(turn)))
      if forwarder.flush(now: MonotonicTime(Int64(turn)), gathers: true, send: { frame = Self.requestIDs($1) }).count
        > 0
      {
        waited += 1
        forwarder.flush(now: MonotonicTime(Int64(turn))) { frame = Self.requestIDs($1) }
      }
      #expect(frame.count == 10)
    }
    #expect(waited > 5 && waited < 25, "\(waited) of 1,000 frames waited")
  }

  @Test func gatheringEndsWhenNothingMoreComes() {
    func held(_ count: Int, missing: Int = 1) -> HeldBack {
      var held = HeldBack()
      (held.count, held.missing) = (count, missing)
      return held
    }
    var gathering = Gathering()
    #expect(gathering.goesOn(at: 0) && gathering.until == nil)
    gathering.note(held(1), at: 1_000)
    #expect(gathering.until == 1_000 + Gathering.gap)
    // As many as before: nothing came.
    gathering.note(held(1), at: 2_000)
    #expect(gathering.until == 1_000 + Gathering.gap)
    gathering.note(held(2), at: 3_000)
    #expect(gathering.until == 3_000 + Gathering.gap && gathering.goesOn(at: 3_000))
    #expect(!gathering.goesOn(at: 3_000 + Gathering.gap))
    // However many come, the first does not wait for ever.
    var now: UInt64 = 3_000
    for count in 3..<1_000 where gathering.goesOn(at: now) {
      gathering.note(held(count), at: now)
      now += Gathering.gap / 2
    }
    #expect(now >= 1_000 + Gathering.longest && now < 1_000 + Gathering.longest + Gathering.gap)
    // A loop naps only while many are missing.
    gathering.note(held(1_000, missing: Gathering.missingToNap), at: now)
    #expect(gathering.nap == Gathering.napTime)
    gathering.note(held(1_001, missing: Gathering.missingToNap - 1), at: now)
    #expect(gathering.nap == 0)
    gathering.note(held(0, missing: 0), at: now)
    #expect(gathering.until == nil && gathering.nap == 0)
  }

  /// The numbers of a frame's requests.
  private static func requestIDs(_ frame: borrowing [UInt8]) -> [UInt32] {
    var ids: [UInt32] = []
    guard let header = try? WireFrame(header: frame.rawSpan), let body = try? header.body(of: frame.rawSpan) else {
      return ids
    }
    var reader = ByteReader(body)
    while reader.bytesLeft > 0, let request = try? Request(decoding: &reader),
      (try? Query(decoding: &reader)) != nil
    { ids.append(request.id) }
    return ids
  }

  @Test func whatNeverWasSentIsUnavailableAndWhatWasIsUnknown() throws {
    var forwarder = Forwarder(router: 1, shardCount: 1)
    let node = try #require(NodeName("n1"))
    func command(_ out: inout [UInt8]) { Command.tick.encode(key: "k", into: &out) }
    let first = forwarder.submit(.command, to: ShardID(0), handle: RequestHandle(1), now: 0, body: command)
    #expect(first)
    forwarder.flush(now: 0) { _, _ in Issue.record("there is no link") }
    forwarder.tick(now: 4_999)
    var results: [Completion] = []
    forwarder.takeCompletions(into: &results)
    #expect(results.isEmpty)
    forwarder.tick(now: 5_000)
    forwarder.takeCompletions(into: &results)
    #expect(results == [Completion(handle: RequestHandle(1), result: .unavailable)])
    #expect(forwarder.pendingCount == 0)

    forwarder.mapChanged(ShardID(0), epoch: 1, primary: node, now: 5_000)
    forwarder.linkUp(LinkID(1), node: node, loop: 0, loopCount: 1)
    _ = forwarder.submit(.command, to: ShardID(0), handle: RequestHandle(2), now: 5_000, body: command)
    _ = forwarder.submit(.query, to: ShardID(0), handle: RequestHandle(3), now: 5_000) {
      Query.event(id: "e").encode(into: &$0)
    }
    forwarder.flush(now: 5_000) { _, _ in }
    forwarder.linkDown(LinkID(1))
    forwarder.tick(now: 10_000)
    results = []
    forwarder.takeCompletions(into: &results)
    #expect(
      results == [
        Completion(handle: RequestHandle(2), result: .unknown),
        Completion(handle: RequestHandle(3), result: .unavailable),
      ])
    #expect(forwarder.pendingCount == 0)
  }

  /// A node that refuses says what it has not done, not what another may have done before.
  @Test func aRefusalAfterALostLinkIsUnknown() throws {
    for failure in [Reply.Failure.diskFull, .overloaded] {
      var forwarder = Forwarder(router: 1, shardCount: 1)
      let node = try #require(NodeName("n1"))
      forwarder.mapChanged(ShardID(0), epoch: 1, primary: node, now: 0)
      forwarder.linkUp(LinkID(1), node: node, loop: 0, loopCount: 1)
      var results: [Completion] = []
      for (handle, isLost) in [(UInt64(1), true), (2, false)] {
        let taken = forwarder.submit(.command, to: ShardID(0), handle: RequestHandle(handle), now: 0) {
          Command.tick.encode(key: "k", into: &$0)
        }
        #expect(taken)
        var sent: (link: LinkID, id: UInt32)?
        func note(_ link: LinkID, _ frame: borrowing [UInt8]) {
          guard let body = try? WireFrame(header: frame.rawSpan).body(of: frame.rawSpan) else { return }
          var reader = ByteReader(body)
          if let request = try? Request(decoding: &reader) { sent = (link, request.id) }
        }
        forwarder.flush(now: 0, send: note)
        if isLost {
          forwarder.linkDown(LinkID(1))
          forwarder.linkUp(LinkID(2), node: node, loop: 0, loopCount: 1)
          forwarder.flush(now: 10, send: note)
        }
        let (link, id) = try #require(sent)
        #expect(link == LinkID(2))
        try forwarder.receive(.failed(failure), to: id, from: link, shard: ShardID(0), now: 20)
        var taken2: [Completion] = []
        forwarder.takeCompletions(into: &taken2)
        results += taken2
      }
      #expect(results.map(\.result) == [.unknown, failure == .diskFull ? .diskFull : .overloaded])
    }
  }

  /// A router that stood still for longer than nodes keep its keys, and then finds its link gone, sends nothing again.
  @Test func whatIsTooLateIsNotSentAgain() throws {
    var forwarder = Forwarder(router: 1, shardCount: 1)
    let node = try #require(NodeName("n1"))
    forwarder.mapChanged(ShardID(0), epoch: 1, primary: node, now: 0)
    forwarder.linkUp(LinkID(1), node: node, loop: 0, loopCount: 1)
    _ = forwarder.submit(.command, to: ShardID(0), handle: RequestHandle(1), now: 0) {
      Command.tick.encode(key: "k", into: &$0)
    }
    forwarder.flush(now: 0) { _, _ in }
    forwarder.linkDown(LinkID(1))
    forwarder.linkUp(LinkID(2), node: node, loop: 0, loopCount: 1)
    forwarder.flush(now: 61_000) { _, _ in Issue.record("a command was sent after its key may be forgotten") }
    var results: [Completion] = []
    forwarder.takeCompletions(into: &results)
    #expect(results == [Completion(handle: RequestHandle(1), result: .unknown)])
    #expect(forwarder.pendingCount == 0)
  }

  @Test func isBounded() {
    var limits = ForwarderLimits()
    limits.pendingMax = 10
    var forwarder = Forwarder(router: 1, shardCount: 1, limits: limits)
    var taken = 0
    for number in 0..<20 {
      let isTaken = forwarder.submit(.command, to: ShardID(0), handle: RequestHandle(UInt64(number)), now: 0) {
        Command.tick.encode(into: &$0)
      }
      if isTaken { taken += 1 }
    }
    #expect(taken == 10)
  }

  @Test func aReplyThatWasNotAskedForEndsTheLink() throws {
    var forwarder = Forwarder(router: 1, shardCount: 1)
    let node = try #require(NodeName("n1"))
    forwarder.mapChanged(ShardID(0), epoch: 1, primary: node, now: 0)
    forwarder.linkUp(LinkID(1), node: node, loop: 0, loopCount: 1)
    var body: [UInt8] = []
    Reply.failed(.unknown).encode(id: 0, into: &body)
    for bad in [body, [1, 2, 3]] {
      #expect(throws: DecodeError.self) {
        try forwarder.receive(replies: bad.rawSpan, from: LinkID(1), shard: ShardID(0), now: 0)
      }
    }
  }
}
