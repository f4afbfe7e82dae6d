import ClusterMap
import Proto
import TestKit
import Testing
import Time

/// The coordinator's texts: what other processes, and those of a later build, read. A change here is a change of what
/// lies in etcd and in files.
@Suite struct RecordTextTests {
  private let primary = ReplicaID(node: NodeName("n1")!, disk: 0xDEAD_BEEF)
  private let follower = ReplicaID(node: NodeName("n2")!, disk: 1)

  @Test func entriesAreWrittenToTheLetter() {
    let alone = MapEntry(epoch: 3, primary: primary, follower: nil, proposal: 0x0123_4567_89AB_CDEF)
    #expect(
      alone.text
        == #"{"epoch":3,"primary":{"node":"n1","disk":"00000000deadbeef"},"follower":null,"proposal":"0123456789abcdef"}"#
    )
    #expect(MapEntry(text: alone.text.utf8) == alone)
    let pair = MapEntry(epoch: .max, primary: primary, follower: follower, proposal: .max)
    #expect(MapEntry(text: pair.text.utf8) == pair)
  }

  @Test func recordsAreReadAsTheyWereWritten() {
    let birth = BirthRecord(cluster: 7, shardCount: 1_024)
    #expect(birth.text == #"{"cluster":"0000000000000007","shards":1024}"#)
    #expect(BirthRecord(text: birth.text.utf8) == birth)
    let node = NodeRecord(
      name: NodeName("n1")!, disk: 5, address: "10.0.0.1:7501", loops: 2, pid: 99, startedAt: Stamp(1_700_000_000_000),
      start: 4, isServing: false, presence: 8)
    #expect(NodeRecord(text: node.text.utf8) == node)
    let router = RouterRecord(
      http: ["[::1]:8080", "unix:/run/é \"x\".sock"], tcp: ["127.0.0.1:6379"], host: "m1", pid: 3, startedAt: Stamp(12))
    #expect(RouterRecord(text: router.text.utf8) == router)
  }

  /// A router gives a sign of life every minute, and is forgotten after ten without one, to the millisecond. A clock
  /// that went back makes none gone.
  @Test func whenARouterIsGone() {
    let router = RouterRecord(http: ["h:1"], tcp: [], host: "m1", pid: 1, startedAt: 5, seenAt: 1_000_000)
    #expect(!router.isGone(at: 1_000_000))
    #expect(!router.isGone(at: 1_540_000))
    #expect(!router.isGone(at: 1_600_000))
    #expect(router.isGone(at: 1_600_001))
    #expect(router.isGone(at: Stamp(.max)))
    #expect(!router.isGone(at: 0))
    // A record of before there were signs counts from its start.
    #expect(RouterRecord(http: ["h:1"], tcp: [], host: "m1", pid: 1, startedAt: 5).isGone(at: 600_006))
  }

  /// Nodes of an older build wrote neither start nor state.
  @Test func anOlderNodesRecordIsUnderstood() throws {
    let text =
      #"{"node":"n1","disk":"0000000000000005","address":"127.0.0.1:7501","loops":1,"pid":2,"started_at":3}"#
    let node = try #require(NodeRecord(text: text.utf8))
    #expect(node.start == 0 && node.isServing && node.presence == 0)
  }

  /// Whoever wrote it: what is not a record is none, and no half of one.
  @Test(arguments: [
    "", "{", "null", "[]", #"{"epoch":3}"#,
    #"{"epoch":-1,"primary":{"node":"n1","disk":"00000000deadbeef"},"follower":null,"proposal":"0123456789abcdef"}"#,
    #"{"epoch":3,"primary":{"node":"n1","disk":"deadbeef"},"follower":null,"proposal":"0123456789abcdef"}"#,
    #"{"epoch":3,"primary":{"node":"","disk":"00000000deadbeef"},"follower":null,"proposal":"0123456789abcdef"}"#,
    #"{"epoch":3,"primary":{"node":"n1","disk":"00000000deadbeef"},"proposal":"0123456789abcdef"}"#,
    #"{"epoch":3,"primary":{"node":"n1","disk":"00000000deadbeef"},"follower":{"node":"n2"},"proposal":"0123456789abcdef"}"#,
    #"{"epoch":3,"primary":{"node":"n1","disk":"00000000deadbeef"},"follower":null,"proposal":"0123456789ABCDEF"}"#,
  ]) func rubbishIsNoEntry(text: String) {
    #expect(MapEntry(text: text.utf8) == nil)
  }

  @Test(arguments: [0, 1_025, -1]) func aClusterHasOneToAThousandShards(count: Int) {
    #expect(BirthRecord(text: #"{"cluster":"0000000000000007","shards":\#(count)}"#.utf8) == nil)
  }
}
