import Journal
import Proto
import Replication
import ShardCore
import Testing

/// The rules of a loop's turns, which node and simulator share.
@Suite struct ShardTurnsTests {
  private let time = TurnTime(now: 5, wall: 7)

  /// Ends a turn in which each shard leaves what `backlogs` says, and returns who was flushed.
  private func end(
    _ turns: ShardTurns, _ backlogs: [Int: ShardMachine.Backlog] = [:],
    carryOut: (ShardAction, Int) -> Bool = { _, _ in true }
  ) -> (flushed: [Int], handed: Int, rest: ShardTurns.Rest) {
    var (flushed, handed) = ([Int](), 0)
    let rest = turns.end {
      time
    } flush: { place, _ in
      flushed.append(place)
      let backlog = backlogs[place] ?? ShardMachine.Backlog(wantsTurn: false, isBehind: false, pendingBytes: 0)
      return ([.roleChanged], backlog)
    } carryOut: {
      carryOut($0, $1)
    } handOver: {
      handed += $0.count
    }
    return (flushed, handed, rest)
  }

  @Test func aTurnFlushesEachShardOnce() {
    let turns = ShardTurns()
    #expect(turns.isBetweenTurns && turns.mustAskForEnd() && !turns.mustAskForEnd())
    var reads = 0
    for _ in 0..<3 {
      _ = turns.begin {
        reads += 1
        return time
      }
    }
    #expect(reads == 1, "a turn has one time")
    for place in [2, 0, 2, 2, 0] { turns.list(place) }
    turns.log([.cut(shard: ShardID(0), keeping: 0, chain: 0)])
    turns.log([.cut(shard: ShardID(2), keeping: 0, chain: 0)])
    let first = end(turns)
    #expect(first.flushed == [2, 0] && first.handed == 2)
    #expect(!first.rest.mustEndAgain && !first.rest.goesOn && first.rest.readsOn)
    #expect(turns.isBetweenTurns && turns.mustAskForEnd())
    #expect(end(turns).flushed.isEmpty)
  }

  /// What is carried out may list shards again: they are flushed in the same end, but not for ever.
  @Test func whatIsCarriedOutIsFlushedToo() {
    let turns = ShardTurns()
    turns.list(0)
    var left = 3
    let some = end(turns) { _, place in
      if left > 0 { turns.list(1 - place) }
      left -= 1
      return true
    }
    #expect(some.flushed == [0, 1, 0, 1] && !some.rest.mustEndAgain)
    turns.list(0)
    let endless = end(turns) { _, place in
      turns.list(place)
      return true
    }
    #expect(endless.flushed.count == 64 && endless.rest.mustEndAgain)
  }

  /// Shards that asked for another turn get one, each time another first.
  @Test func shardsGoOnInTheNextTurn() {
    let turns = ShardTurns()
    let wanting = ShardMachine.Backlog(wantsTurn: true, isBehind: false, pendingBytes: 0)
    let all = [0: wanting, 1: wanting, 2: wanting]
    for place in 0..<3 { turns.list(place) }
    #expect(end(turns, all).rest.goesOn)
    #expect(!end(turns, all).rest.goesOn, "it is asked for already")
    var firsts: Set<Int> = []
    for _ in 0..<3 {
      turns.goOn()
      let next = end(turns, all)
      #expect(next.flushed.count == 3 && next.rest.goesOn)
      firsts.insert(next.flushed[0])
    }
    #expect(firsts.count > 1)
  }

  @Test func nothingIsReadWhileAShardIsBehind() {
    let turns = ShardTurns()
    let behind = ShardMachine.Backlog(wantsTurn: false, isBehind: true, pendingBytes: 9)
    turns.note(behind, of: 1)
    #expect(turns.isBehind)
    turns.list(0)
    #expect(!end(turns).rest.readsOn, "another shard's turn changes nothing")
    turns.list(1)
    #expect(!end(turns, [1: behind]).rest.readsOn)
    turns.list(1)
    #expect(end(turns).rest.readsOn && !turns.isBehind)
  }

  @Test func aProcessThatEndsCarriesOutNothingMore() {
    let turns = ShardTurns()
    turns.list(0)
    turns.list(1)
    let ended = end(turns) { _, _ in false }
    #expect(ended.flushed == [0] && ended.handed == 0 && !ended.rest.readsOn && !ended.rest.goesOn)
  }
}
