import Inventory
import Journal
import Octets
import Proto
import Replication
import ShardCore
import TestKit
import Testing

/// Goal: what takes long because it is large is made beside the loop; its shard alone waits, in order, and nothing else
/// comes of it than without that.
@Suite struct LargeRecordTests {
  private static var options: ShardMachine.Options {
    var options = ShardMachine.Options()
    options.largeRecordBytes = 64
    return options
  }

  private func creation(_ id: Bytes, key: Bytes = "create", number: UInt32 = 1) -> [UInt8] {
    batch([(.createEvent(arena(id), incarnation: 5), key)], from: number)
  }

  @Test func itsShardWaitsAndNothingElse() throws {
    var shard = LoneShard(Self.options)
    shard.workersStandStill = true
    shard.send(batch(.availability(id: "e"), id: 7) + creation("e", number: 8) + batch(.availability(id: "e"), id: 9))
    shard.settle()
    // What stood before it is answered; what stands behind it, and what comes later, waits for it.
    var early = shard.takeReplies()
    #expect(early.map(\.id) == [7] && early[0].reply == .answer(.refused(.noSuchEvent)))
    shard.send(batch(.availability(id: "e"), id: 1), from: 2)
    shard.settle()
    shard.pass(100)
    early = shard.takeReplies()
    let backlog = shard.machine.backlog()
    #expect(early.isEmpty && !backlog.isBehind && !backlog.wantsTurn, "the loop's other shards go on")
    #expect(shard.records.count == 1 && shard.frames.count == 1)

    shard.workersMoveOn()
    shard.settle()
    let late = shard.takeReplies()
    #expect(late.map(\.id) == [8, 9, 1])
    guard case .outcome(.created) = late[0].reply, case .answer(.availability) = late[1].reply,
      case .answer(.availability) = late[2].reply
    else {
      Issue.record("\(late)")
      return
    }
    #expect(shard.frames.count == 2 && shard.frames[1].header.count == 1, "a frame of its own")
  }

  /// The same frames and the same memory as without it; and a repetition repeats.
  @Test func itChangesNothing() throws {
    var small = LoneShard()
    var large = LoneShard(Self.options)
    func run(_ shard: inout LoneShard) throws -> [(id: UInt32, reply: Reply)] {
      for (number, id) in ["a", "b", "a"].enumerated() {
        shard.send(creation(Bytes(id), key: Bytes("key \(number)")))
        shard.settle()
      }
      shard.send(creation("b", key: "key 1"))
      shard.settle()
      shard.send(batch([(.createEvent(arena(""), incarnation: 5), "none")]))
      shard.settle()
      return shard.takeReplies()
    }
    let (expected, found) = (try run(&small), try run(&large))
    #expect(expected.map(\.reply) == found.map(\.reply))
    #expect(expected.count == 5)
    let (one, other) = (small.machine.inventory.digest, large.machine.inventory.digest)
    #expect(one == other)
    #expect(small.frames.map(\.bytes) == large.frames.map(\.bytes))
  }

  /// Two in one batch are prepared one after the other; what nobody could prepare is done by the loop.
  @Test func oneAfterTheOther() throws {
    var shard = LoneShard(Self.options)
    shard.workersStandStill = true
    shard.send(creation("a", key: "1", number: 1) + creation("b", key: "2", number: 2))
    shard.settle()
    #expect(shard.records.count == 1)
    // Of another request: it changes nothing.
    shard.machine.take(
      .disk(.recordPrepared(nil, token: shard.records[0].token + 1)), time: shard.time, tools: &shard.tools)
    shard.settle()
    #expect(shard.takeReplies().isEmpty)
    shard.workersMoveOn()
    shard.settle()
    #expect(shard.takeReplies().map(\.id) == [1])
    #expect(shard.records.count == 1)
    shard.machine.take(
      .disk(.recordPrepared(nil, token: shard.records[0].token)), time: shard.time, tools: &shard.tools)
    shard.settle()
    #expect(shard.takeReplies().map(\.id) == [2])
  }

  @Test func itIsRefusedWithTheRole() throws {
    var shard = LoneShard(Self.options)
    shard.workersStandStill = true
    shard.send(creation("a"))
    shard.settle()
    shard.machine.take(.halt(.diskFailed), time: shard.time, tools: &shard.tools)
    shard.settle()
    #expect(shard.takeReplies().map(\.reply) == [.failed(.notPrimary)])
    shard.workersMoveOn()
    shard.settle()
    #expect(shard.takeReplies().isEmpty)
    let events = shard.machine.inventory.answer(.events(after: "", limit: 10))
    #expect(events == .events([]))
  }

  /// Whatever bytes a peer sends: they are unpacked as they were written, or not at all.
  @Test func aDamagedFrameIsNotUnpacked() throws {
    var shard = LoneShard(Self.options)
    shard.send(creation("a"))
    shard.settle()
    let frame = try #require(shard.frames.last).bytes
    #expect(UnpackedFrame(frame[...]) != nil)
    for place in frame.indices {
      var damaged = frame
      damaged[place] ^= 0x10
      // The block's form decides nothing: what it says does.
      if let unpacked = UnpackedFrame(damaged[...]) { #expect(place >= LogFrame.headerBytes, "\(unpacked)") }
    }
    #expect(UnpackedFrame(frame[..<(frame.count - 1)]) == nil)
    #expect(LargeRecord(frame[...]) == nil)
  }
}
