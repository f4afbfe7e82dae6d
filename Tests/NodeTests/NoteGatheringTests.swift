import Node
import Proto
import Replication
import Testing
import Time

/// Goal: one incident is one line, however many shards it concerns. Method: the notes that replicas make in a failover,
/// a return, a full disk, at the times at which they make them.
@Suite struct NoteGatheringTests {
  private static let own = ReplicaID(node: NodeName("n2")!, disk: 0xB2)
  private static let peer = ReplicaID(node: NodeName("n1")!, disk: 0xA1)

  private struct Player {
    var gathering = NoteGathering()
    var now = MonotonicTime(1_000_000)

    mutating func note(_ note: Note, of shards: Range<UInt16>) {
      for shard in shards {
        gathering.take(note, of: ShardID(shard), now: now, wall: Stamp(1_700_000_000_000)) { "\($0)" }
      }
    }

    /// Each line as text.
    mutating func lines(after length: Milliseconds = 0, all: Bool = false) -> [String] {
      now += length
      return gathering.due(now: now, all: all).map { line in
        var text = "\(line.level.name) \(line.sentence)"
        for (name, value) in line.fields {
          switch value {
          case .number(let number): text += " \(name)=\(number)"
          case .text(let word): text += " \(name)=\(word)"
          }
        }
        return text
      }
    }

    /// Primary of the even half of sixteen, follower of the rest.
    mutating func settle() {
      note(.becamePrimary(epoch: 1, follower: NoteGatheringTests.peer), of: 0..<8)
      note(.epochOpened(1), of: 0..<8)
      note(.becameFollower(epoch: 1, primary: NoteGatheringTests.peer), of: 8..<16)
      #expect(lines(after: 300) == ["info roles changed took_over=8 follows=8 took_ms=0"])
    }
  }

  @Test func aDeadNodeIsOneLine() {
    var player = Player()
    player.settle()
    player.note(.peerSilent(Self.peer, milliseconds: 503), of: 0..<8)
    player.note(.proposed(MapEntry(epoch: 2, primary: Self.own, follower: nil, proposal: 1)), of: 0..<8)
    #expect(player.lines(after: 8) == [])
    player.note(.peerSilent(Self.peer, milliseconds: 511), of: 8..<16)
    player.note(.proposed(MapEntry(epoch: 2, primary: Self.own, follower: nil, proposal: 1)), of: 8..<16)
    // The coordinator takes its time: nothing is said before it is settled.
    #expect(player.lines(after: 900) == [])
    player.note(.becamePrimary(epoch: 2, follower: nil), of: 0..<16)
    player.note(.epochOpened(2), of: 0..<15)
    #expect(player.lines(after: 300) == [])
    player.note(.epochOpened(2), of: 15..<16)
    #expect(player.lines(after: 100) == [])
    #expect(
      player.lines(after: 100) == [
        "warning a node has been silent: its shards go on without it; look at that node "
          + "peer=n1 silent_ms=511 took_over=8 one_copy=16 took_ms=1208"
      ])
    #expect(player.lines(after: 60_000, all: true) == [])
  }

  @Test func aNodeThatIsBackIsOneLine() {
    var player = Player()
    player.note(.becamePrimary(epoch: 2, follower: nil), of: 0..<16)
    player.note(.epochOpened(2), of: 0..<16)
    #expect(player.lines(after: 300).count == 1)
    player.note(.proposed(MapEntry(epoch: 3, primary: Self.own, follower: Self.peer, proposal: 1)), of: 0..<16)
    player.note(.becamePrimary(epoch: 3, follower: Self.peer), of: 0..<16)
    player.note(.epochOpened(3), of: 0..<16)
    #expect(
      player.lines(after: 300) == [
        "info a node has caught up: its shards have two copies again peer=n1 two_copies=16 took_ms=0"
      ])
  }

  @Test func anIncidentThatDoesNotGetOnIsToldOnceAMinute() {
    var player = Player()
    player.settle()
    var told: [String] = []
    // A follower asks again and again while the coordinator is away.
    for _ in 0..<50 {
      player.note(.peerSilent(Self.peer, milliseconds: 700), of: 8..<16)
      player.note(.proposed(MapEntry(epoch: 2, primary: Self.own, follower: nil, proposal: 1)), of: 8..<16)
      told += player.lines(after: 1_000)
    }
    #expect(told.count == 1)
    #expect(told.first?.hasPrefix("warning a node is silent and roles cannot change") ?? false)
    #expect(told.first?.contains("unsettled=8") ?? false)
    player.note(.becamePrimary(epoch: 2, follower: nil), of: 8..<16)
    player.note(.epochOpened(2), of: 8..<16)
    let last = player.lines(after: 300)
    #expect(last.count == 1)
    #expect(last.first?.contains("took_over=8 one_copy=8") ?? false, "\(last)")
  }

  @Test func aFullDiskIsNotSlow() {
    var player = Player()
    player.settle()
    player.note(.ownDiskFull, of: 0..<8)
    player.note(.proposed(MapEntry(epoch: 2, primary: Self.peer, follower: nil, proposal: 1)), of: 0..<8)
    player.note(.joining(epoch: 2, primary: Self.peer), of: 0..<8)
    #expect(
      player.lines(after: 300) == [
        "warning shards are handed over because the disk is full handed_over=8 catches_up=8 took_ms=0"
      ])
  }

  @Test func whatManyShardsSayIsSaidOnce() {
    var player = Player()
    player.note(.suspectWaits(.stale), of: 0..<3)
    player.note(.tailCut(from: 9, to: 7), of: 5..<6)
    let lines = player.lines(after: 300)
    #expect(lines.count == 2)
    #expect(lines[0].contains("shards=3 which=0 1 2"))
    #expect(lines[1].contains("shard=5 from_index=9 to_index=7"))
  }

  @Test func whatWaitsIsWrittenAtTheEnd() {
    var player = Player()
    player.settle()
    player.note(.drainStarted, of: 0..<8)
    player.note(.becameFollower(epoch: 2, primary: Self.peer), of: 0..<8)
    #expect(
      player.lines(all: true) == ["info shards were handed over as planned handed_over=8 follows=8 took_ms=0"])
  }
}
