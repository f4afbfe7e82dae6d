import ClusterMap
import Journal
import Proto
import ShardCore
import Testing

/// Which start a process is, and whether its directory may be older than what its node once had.
@Suite struct StartClaimTests {
  private func own(_ confirmed: UInt64, intended: UInt64? = nil, place: UInt64 = 5) -> StartRecord {
    StartRecord(cluster: 1, shardCount: 4, confirmed: confirmed, intended: intended ?? confirmed, place: place)
  }

  private func recorded(_ start: UInt64, disk: UInt64 = 7, isServing: Bool = true) -> NodeRecord {
    NodeRecord(
      name: NodeName("n1")!, disk: disk, address: "127.0.0.1:7501", loops: 1, pid: 1, startedAt: 0, start: start,
      isServing: isServing)
  }

  private func claim(_ own: StartRecord?, _ recorded: NodeRecord?, place: UInt64 = 5) -> StartClaim {
    StartClaim(own: own, place: place, disk: 7, recorded: recorded)
  }

  @Test func aNewDirectoryAndOneThatGoesOnAreBelieved() {
    #expect(claim(nil, nil).start == 1 && claim(nil, nil).staleness == nil)
    let next = claim(own(4), recorded(4))
    #expect(next.start == 5 && next.staleness == nil && !next.isCoordinatorBehind)
    #expect(claim(nil, recorded(9, disk: 8)).staleness == nil, "an empty disk in place of a lost one")
    #expect(claim(nil, recorded(0)).staleness == nil, "of a version that did not count starts")
  }

  @Test func aStartThatEndedBeforeItServedIsNoReasonToDoubt() {
    #expect(claim(own(4, intended: 5), recorded(4)).staleness == nil, "before it was taken")
    #expect(claim(own(4, intended: 5), recorded(5, isServing: false)).staleness == nil, "before it was confirmed")
    #expect(claim(own(4, intended: 5), recorded(5, isServing: true)).staleness == .behind(own: 4, recorded: 5))
  }

  @Test func aDirectoryOfYesterdayIsSeen() {
    #expect(claim(own(4), recorded(6)).staleness == .behind(own: 4, recorded: 6))
    #expect(claim(own(4), recorded(6)).start == 7)
    #expect(claim(own(4), recorded(4), place: 6).staleness == .copied)
    #expect(claim(own(4), recorded(9, disk: 8)).staleness == .otherDisk)
    #expect(claim(nil, recorded(3)).staleness == .behind(own: 0, recorded: 3))
  }

  @Test func aCopyOfTheSameStartIsKnownByItsSignOfLife() {
    var (own, recorded) = (own(4), recorded(4))
    (own.presence, recorded.presence) = (7, 7)
    #expect(claim(own, recorded).staleness == nil)
    own.presence = 8
    #expect(claim(own, recorded).staleness == nil, "noted in the directory, and not told yet")
    own.presence = 6
    #expect(claim(own, recorded).staleness == .outlived(own: 6, recorded: 7))
  }

  @Test func aCoordinatorOfYesterdayIsSeen() {
    #expect(claim(own(4), recorded(3)).isCoordinatorBehind && claim(own(4), recorded(3)).staleness == nil)
    #expect(claim(own(4), nil).isCoordinatorBehind)
    #expect(claim(own(4), nil).start == 5)
    #expect(!claim(nil, nil).isCoordinatorBehind)
  }
}
