import Proto
import Replication
import Testing

/// Proposals, takeover, going alone, restart.
@Suite struct RoleRuleTests {
  // MARK: Proposals

  @Test func readingTheOldRevisionSettlesNothing() {
    var follower = follower()
    follower.wait(700)
    follower.readMap(entry(1, id(1), id(2)), revision: 1)
    let proposed = follower.lastProposal
    #expect(proposed?.entry.primary == id(2) && proposed?.revision == 1)
    follower.watch(entry(1, id(1), id(2)), revision: 1)
    #expect(follower.replica.hasProposal)
    follower.wait(600)
    #expect(follower.proposals.count >= 3)
    #expect(Set(follower.proposals.map(\.proposal)).count == 1, "the same one again")
  }

  @Test func aRevisionThatMovedOnSettles() {
    var follower = follower()
    follower.wait(700)
    follower.readMap(entry(1, id(1), id(2)), revision: 1)
    #expect(follower.replica.hasProposal)
    follower.watch(entry(2, id(1), nil, proposal: 9), revision: 2)
    #expect(!follower.replica.hasProposal && follower.replica.role == .joining)
  }

  @Test func whileAProposalIsUnsettledBothEntriesReplicasAreAsked() {
    var primary = openAlone()
    join(&primary, id(2), at: 1)
    #expect(primary.lastProposal?.entry.follower == id(2))
    let tag = primary.replica.replyTag()
    primary.write([7])
    primary.sync()
    #expect(!primary.answers(2, tag: tag), "the old entry alone is not enough any more")
    primary.acknowledge(2, from: id(2))
    #expect(primary.answers(2, tag: tag))
  }

  @Test func goingAloneNeedsTheFollowerUntilItIsWon() {
    var primary = openPrimary()
    let tag = primary.replica.replyTag()
    primary.write([7])
    primary.sync()
    primary.wait(700)
    #expect(primary.lastProposal?.entry.primary == id(1) && primary.lastProposal?.entry.follower == nil)
    #expect(!primary.answers(2, tag: tag))
    primary.acknowledge(2, from: id(2))
    #expect(primary.answers(2, tag: tag), "it came back in time")
    primary.win(revision: 2)
    #expect(!primary.answers(2, tag: tag), "the new epoch is not open")
    primary.open()
    primary.sync()
    primary.confirm()
    #expect(primary.answers(2, tag: tag))
  }

  @Test func withoutACoordinatorNobodyGoesAlone() {
    var primary = openPrimary()
    let tag = primary.replica.replyTag()
    primary.write([7])
    primary.sync()
    primary.wait(5_000)
    #expect(!primary.answers(2, tag: tag) && primary.replica.epoch == 1)
  }

  // MARK: Takeover

  @Test func aSilentPrimaryIsReplacedAfterAFreshRead() {
    var follower = follower()
    follower.wait(400)
    #expect(follower.lastReadToken == nil)
    follower.wait(300)
    #expect(follower.lastReadToken != nil && follower.proposals.isEmpty)
    follower.readMap(entry(1, id(1), id(2)), revision: 1)
    #expect(follower.lastProposal?.entry.primary == id(2) && follower.lastProposal?.entry.follower == nil)
    #expect(follower.lastProposal?.entry.epoch == 2)
  }

  @Test func withoutAnAnswerOfTheMapItDoesNothing() {
    var follower = follower()
    for _ in 0..<20 {
      follower.wait(200)
      if let token = follower.lastReadToken {
        follower.replica.mapUnreachable(token: token, now: follower.now, into: &follower.effects)
      }
    }
    #expect(follower.proposals.isEmpty)
  }

  @Test func aPrimaryThatIsHeardIsLeftAlone() {
    var follower = follower()
    var number: UInt64 = 1
    follower.wait(
      3_000,
      hearing: { _ in
        number += 1
        return heartbeat(1, number: number, previous: 3)
      }, from: id(1))
    let takesOver = follower.effects.contains { if case .note(.peerSilent) = $0 { true } else { false } }
    #expect(!takesOver && follower.proposals.isEmpty)
  }

  @Test func onlyTheNamedFollowerTakesOver() {
    var joiner = Player(3)
    joiner.start(entry(4, id(1), id(2)), frames: frames([1, 1]))
    joiner.wait(5_000)
    #expect(joiner.proposals.isEmpty)
  }

  @Test(arguments: [Suspicion.tear, .damage]) func aDamagedFollowerNeverTakesOver(suspicion: Suspicion) {
    var follower = Player(2)
    follower.start(entry(1, id(1), id(2)), frames: frames([1, 1]), suspicion: suspicion)
    follower.wait(5_000)
    #expect(follower.proposals.isEmpty)
  }

  @Test func aWonTakeoverKeepsTheWholeLog() {
    var follower = follower(3)
    follower.hear(heartbeat(1, number: 2, previous: 3), frames([1, 1, 1, 1])[3], from: id(1))
    follower.wait(700)
    follower.readMap(entry(1, id(1), id(2)), revision: 1)
    follower.win(revision: 2)
    #expect(follower.replica.role == .primary && follower.replica.end.index == 4)
    #expect(!follower.effects.contains { if case .cut = $0 { true } else { false } })
    follower.open()
    follower.sync()
    #expect(follower.replica.answerable.position == 5)
  }

  @Test func aLostTakeoverMayStillMakeItPrimary() {
    var follower = follower()
    follower.wait(700)
    follower.readMap(entry(1, id(1), id(2)), revision: 1)
    follower.watch(entry(2, id(2), id(1), proposal: 77), revision: 2)
    #expect(follower.replica.role == .primary && !follower.replica.hasProposal)
  }

  @Test func aResignationCountsAsSilence() {
    var follower = follower()
    follower.hear(.resign(epoch: 1), from: id(1))
    #expect(follower.lastReadToken != nil)
    var primary = openPrimary()
    primary.hear(.resign(epoch: 1), from: id(2))
    primary.wait(40)
    #expect(primary.lastProposal?.entry.follower == nil && primary.lastProposal != nil)
  }

  @Test func aHaltedReplicaResigns() {
    var primary = openPrimary()
    primary.replica.halt(.diskFailed, now: primary.now, into: &primary.effects)
    #expect(primary.sent { $0 == .resign(epoch: 1) } && primary.replica.role == .halted)
    #expect(primary.replica.answerable == .nothing && !primary.replica.acceptsCommands)
  }

  // MARK: Own disk

  @Test func aPrimaryWhoseOwnSyncIsLateHandsOver() {
    var primary = openPrimary()
    primary.write([7])
    primary.wait(
      700,
      hearing: { player in
        .acknowledgement(Acknowledgement(epoch: 1, durable: 2, number: player.lastNumber, end: 2))
      }, from: id(2))
    #expect(primary.lastProposal?.entry.primary == id(2) && primary.lastProposal?.entry.follower == nil)
    #expect(!primary.replica.acceptsCommands && primary.replica.answerable == .nothing)
  }

  @Test func aFullPrimaryHandsOverUnlessItsFollowerIsFullToo() {
    for followerIsFull in [false, true] {
      var primary = openPrimary()
      primary.replica.diskFull(true, now: primary.now, into: &primary.effects)
      primary.wait(
        400,
        hearing: { player in
          .acknowledgement(
            Acknowledgement(epoch: 1, durable: 1, number: player.lastNumber, end: 1, full: followerIsFull))
        }, from: id(2))
      #expect((primary.lastProposal?.entry.primary == id(2)) == !followerIsFull)
    }
  }

  @Test func aFullFollowerAsksThePrimaryToGoAlone() {
    var follower = follower(2)
    follower.replica.diskFull(true, now: follower.now, into: &follower.effects)
    follower.hear(heartbeat(1, number: 2, previous: 2), frames([1, 1, 1])[2], from: id(1))
    follower.wait(40)
    #expect(follower.replica.end.index == 2)
    #expect(follower.sent { $0 == .goAlone(epoch: 1, reason: .diskFull) })
    var primary = openPrimary()
    primary.hear(.goAlone(epoch: 1, reason: .diskFull), from: id(2))
    primary.wait(40)
    #expect(primary.lastProposal.map { $0.entry.follower == nil && $0.entry.primary == id(1) } == true)
  }

  // MARK: Restart

  @Test func noProcessResumesAsPrimaryOfItsOldEpoch() {
    var primary = Player(1)
    primary.start(entry(3, id(1), nil), revision: 3, frames: frames([1, 3]))
    #expect(primary.replica.role == .comparing && !primary.replica.acceptsCommands)
    primary.wait(40)
    #expect(primary.lastProposal?.entry.epoch == 4 && primary.lastProposal?.entry.primary == id(1))
    primary.win(revision: 4)
    #expect(primary.replica.role == .primary && primary.replica.epoch == 4)
  }

  @Test func anEarlierProcessesProposalThatLandsIsThisProcesssToo() {
    var primary = Player(1)
    primary.start(entry(3, id(1), nil), revision: 3, frames: frames([1, 3]), noted: 555)
    primary.watch(entry(4, id(1), nil, proposal: 555), revision: 4)
    #expect(primary.replica.role == .primary)
  }

  @Test func aRestartedFollowerGoesOnAsFollower() {
    var follower = Player(2)
    follower.start(entry(3, id(1), id(2)), revision: 3, frames: frames([1, 3]))
    #expect(follower.replica.role == .follower)
  }

  @Test(arguments: [(2, 3, 2), (3, 3, 1), (3, 2, 1)])
  func theFurtherEndIsProposedATieIsOnesOwn(mine: Int, theirs: Int, winner: Int) {
    var primary = Player(1)
    primary.start(entry(1, id(1), id(2)), frames: frames(Array(repeating: 1, count: mine)))
    primary.wait(40)
    #expect(primary.sent { if case .compare = $0 { true } else { false } } && primary.proposals.isEmpty)
    let end = frames(Array(repeating: 1, count: theirs)).last!.end
    primary.hear(.ends(ReplicaEnd(epoch: 1, end: end, suspicion: .none)), from: id(2))
    #expect(primary.lastProposal?.entry.primary == id(winner) && primary.lastProposal?.entry.follower == nil)
  }

  @Test func aFollowerShowsItsEnd() {
    var follower = follower(3)
    follower.hear(.compare(ReplicaEnd(epoch: 1, end: .start, suspicion: .none)), from: id(1))
    let end = follower.log.end
    #expect(follower.sent { $0 == .ends(ReplicaEnd(epoch: 1, end: end, suspicion: .none)) })
  }

  @Test func ifThePeerIsSilentTheSoundOneProposesItself() {
    var primary = Player(1)
    primary.start(entry(1, id(1), id(2)), frames: frames([1]))
    primary.wait(400)
    #expect(primary.proposals.isEmpty)
    primary.wait(300)
    #expect(primary.lastProposal?.entry.primary == id(1))
  }

  @Test(arguments: [Suspicion.tear, .damage]) func aSuspectOneWaitsForPeerOrOperator(suspicion: Suspicion) {
    var primary = Player(1)
    primary.start(entry(1, id(1), id(2)), frames: frames([1]), suspicion: suspicion)
    primary.wait(5_000)
    #expect(primary.proposals.isEmpty)
    #expect(primary.replica.carryOut(.acceptLoss, now: primary.now, into: &primary.effects) == .taken)
    #expect(primary.effects.contains(.cut(to: primary.log.end)) && primary.proposals.isEmpty)
    primary.replica.reloaded(primary.log.state(), now: primary.now, into: &primary.effects)
    #expect(primary.lastProposal?.entry.primary == id(1))
  }

  @Test func aTornEndWithoutAnotherCopyIsCutADamagedOneHalts() {
    var torn = Player(1)
    torn.start(entry(1, id(1), nil), frames: frames([1]), suspicion: .tear)
    torn.wait(100)
    #expect(torn.effects.contains(.cut(to: torn.log.end)))
    var damaged = Player(1)
    damaged.start(entry(1, id(1), nil), frames: frames([1]), suspicion: .damage)
    damaged.wait(3_000)
    #expect(damaged.proposals.isEmpty && !damaged.effects.contains { if case .cut = $0 { true } else { false } })
  }

  @Test func twoEndsOfWhichOneIsDamagedAndBothAreSuspectWait() {
    var primary = Player(1)
    primary.start(entry(1, id(1), id(2)), frames: frames([1]), suspicion: .damage)
    primary.wait(40)
    primary.hear(.ends(ReplicaEnd(epoch: 1, end: frames([1, 1]).last!.end, suspicion: .tear)), from: id(2))
    primary.wait(3_000)
    #expect(primary.proposals.isEmpty)
  }

  // MARK: Birth

  @Test func aShardIsBornWithBothOnlyIfBothAreKnown() {
    for follower in [id(2), nil] {
      var primary = Player(1)
      primary.start(nil)
      #expect(primary.replica.role == .unborn && primary.proposals.isEmpty)
      primary.replica.assignFirstRoles(
        FirstRoles(primary: id(1), follower: follower), now: primary.now, into: &primary.effects)
      #expect(primary.lastProposal?.revision == 0 && primary.lastProposal?.entry.epoch == 1)
      #expect(primary.lastProposal?.entry.follower == follower)
    }
    var other = Player(2)
    other.start(nil)
    other.replica.assignFirstRoles(FirstRoles(primary: id(1), follower: id(2)), now: other.now, into: &other.effects)
    #expect(other.proposals.isEmpty)
  }

  @Test func aLogWithoutAMapIsNotBornAgain() {
    var primary = Player(1)
    primary.start(nil, frames: frames([1]))
    primary.replica.assignFirstRoles(
      FirstRoles(primary: id(1), follower: nil), now: primary.now, into: &primary.effects)
    primary.wait(3_000)
    #expect(primary.replica.role == .unborn && primary.proposals.isEmpty)
    #expect(primary.replica.summary.suspicion == .unproven)
  }
}

/// Takes a joiner in that stands at `index`: it asks, is told where to cut, and says that it is there.
func join(_ primary: inout Player, _ joiner: ReplicaID, at index: UInt64) {
  let table = SimulatedLog(frames: Array(primary.log.frames[..<primary.log.count(through: index)])).state().table
  primary.hear(.join(JoinRequest(epoch: primary.replica.epoch, table: table, wantsSnapshot: false)), from: joiner)
  var session: UInt64 = 0
  for case .send(.joinAnswer(let answer), _) in primary.effects { session = answer.number }
  primary.acknowledge(index, number: session, from: joiner)
  primary.wait(120)
  primary.acknowledge(primary.log.end.index, from: joiner)
}
