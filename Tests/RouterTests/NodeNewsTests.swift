import Proto
import Router
import TestKit
import Testing
import Time

/// Goal: a router says once that a node was lost, with what became of its shards. Method: the links' and the map's
/// events in the orders in which they come.
@Suite struct NodeNewsTests {
  private static let first = NodeName("n1")!
  private static let second = NodeName("n2")!

  private func settled() -> (NodeNews, MonotonicTime) {
    var news = NodeNews()
    let now = MonotonicTime(5_000)
    for shard in UInt16(0)..<16 {
      news.mapChanged(ShardID(shard), primary: shard % 2 == 0 ? Self.first : Self.second, now: now)
    }
    #expect(news.due(now: now) == [])
    #expect(news.due(now: now + 300) == [.mapKnown(16)])
    return (news, now + 300)
  }

  @Test func aLostNodeIsOneLine() {
    var (news, now) = settled()
    for _ in 0..<4 { news.linkLost(Self.first, reason: "refused", now: now) }
    // Its shards have not moved yet.
    #expect(news.due(now: now + 500) == [])
    for shard in UInt16(0)..<16 { news.mapChanged(ShardID(shard), primary: Self.second, now: now + 560) }
    #expect(
      news.due(now: now + 860) == [.nodeLost(Self.first, reason: "refused", moved: 8, left: 0, took: 560)])
    for _ in 0..<4 { news.linkReady(Self.first, now: now + 9_000) }
    #expect(news.due(now: now + 9_300) == [.nodeBack(Self.first, away: 9_000)])
    #expect(news.due(now: now + 99_000) == [])
  }

  @Test func shardsThatStayAreCounted() {
    var (news, now) = settled()
    news.linkLost(Self.first, reason: "refused", now: now)
    #expect(news.due(now: now + 4_900) == [])
    #expect(news.due(now: now + 5_000) == [.nodeLost(Self.first, reason: "refused", moved: 0, left: 8, took: 0)])
  }

  @Test func aPlannedFailoverIsOneLine() {
    var (news, now) = settled()
    for shard in UInt16(0)..<16 { news.mapChanged(ShardID(shard), primary: Self.second, now: now + 10) }
    #expect(news.due(now: now + 310) == [.moved(8, to: [Self.second], took: 0)])
  }
}
