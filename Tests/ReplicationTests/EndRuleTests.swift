import Proto
import Replication
import Testing

/// Goal: a process that ends leaves its peer at once and loses nothing; two that end change nothing. Method: each rule
/// on one replica, by hand.
@Suite struct EndRuleTests {
  private let grace = ReplicaConfig().endGrace.rawValue

  // MARK: One ends, the other stays

  @Test func aPrimaryThatEndsHandsOverAndIsNotNamedAnyMore() {
    var primary = openPrimary()
    primary.beginEnd()
    #expect(primary.sent { $0 == .ending(epoch: 1, isAnswer: false) })
    #expect(primary.replica.acceptsCommands && primary.replica.isLeaving, "it serves meanwhile")
    primary.wait(Int(grace), hearing: { .acknowledgement(ack(of: $0)) }, from: id(2))
    #expect(!primary.replica.acceptsCommands)
    primary.flush()
    primary.acknowledge(1, from: id(2))
    primary.readMap(primary.replica.register!.entry, revision: 1)
    #expect(primary.lastProposal?.entry.primary == id(2))
    #expect(primary.lastProposal?.entry.follower == nil, "the new primary must not wait for one that ends")
    #expect(primary.replica.isLeaving && !primary.replica.mayEnd)
    primary.win(revision: 2)
    #expect(!primary.replica.isLeaving && primary.replica.mayEnd)
    primary.effects = []
    primary.wait(1_000)
    #expect(!primary.sent { if case .join = $0 { true } else { false } }, "it does not want to be taken in again")
  }

  @Test func aFollowerThatEndsAsksToBeLeftAndAcknowledgesUntilItIs() {
    var follower = follower()
    follower.beginEnd()
    #expect(follower.sent { $0 == .ending(epoch: 1, isAnswer: false) })
    follower.hear(.ending(epoch: 1, isAnswer: true), from: id(1))
    #expect(!follower.sent { $0 == .resign(epoch: 1) }, "the other may end too, and then nobody leaves")
    follower.wait(Int(grace))
    #expect(follower.sent { $0 == .resign(epoch: 1) })
    #expect(follower.replica.isLeaving)
    follower.hear(heartbeat(1, number: 9, previous: 3), from: id(1))
    follower.flush()
    #expect(follower.acknowledgements.last?.number == 9)
    follower.watch(entry(2, id(1), nil, proposal: 5), revision: 9)
    #expect(!follower.replica.isLeaving && follower.replica.mayEnd)
  }

  @Test func aPrimaryGoesAloneAtOnceWhenItsFollowerEnds() {
    var primary = openPrimary()
    primary.hear(.ending(epoch: 1, isAnswer: false), from: id(2))
    #expect(primary.sent { $0 == .ending(epoch: 1, isAnswer: true) })
    #expect(primary.proposals.count == 1, "its birth: the follower may still stay")
    primary.hear(.resign(epoch: 1), from: id(2))
    #expect(primary.lastProposal?.entry == entry(2, id(1), nil, proposal: primary.lastProposal!.entry.proposal))
    #expect(primary.effects.contains(.note(.peerEnded(id(2)))))
    // Until the register says so it is needed.
    let tag = primary.replica.replyTag()
    primary.write([7])
    primary.sync()
    primary.flush()
    #expect(!primary.answers(2, tag: tag))
    primary.acknowledge(2, from: id(2))
    #expect(primary.answers(2, tag: tag))
    // Said again, it changes nothing.
    let count = primary.proposals.count
    primary.hear(.resign(epoch: 1), from: id(2))
    #expect(primary.proposals.count == count)
  }

  @Test func aFollowerKnowsWhyItLeadsAlone() {
    var follower = follower()
    follower.hear(.ending(epoch: 1, isAnswer: false), from: id(1))
    #expect(follower.proposals.isEmpty)
    follower.watch(entry(2, id(2), nil, proposal: 5), revision: 9)
    #expect(follower.effects.contains(.note(.peerEnded(id(1)))))
  }

  @Test func whatIsSaidInAnOlderEpochMovesNobody() {
    var primary = openPrimary()
    primary.hear(.resign(epoch: 1), from: id(2))
    primary.watch(entry(2, id(1), id(2), proposal: 77), revision: 9)
    primary.effects = []
    primary.hear(.ending(epoch: 1, isAnswer: false), from: id(2))
    primary.hear(.resign(epoch: 1), from: id(2))
    primary.hear(.resign(epoch: 9), from: id(2))
    #expect(primary.proposals.isEmpty)
    #expect(!primary.effects.contains { if case .note = $0 { true } else { false } })
    var follower = follower()
    follower.hear(.resign(epoch: 0), from: id(1))
    #expect(follower.replica.epoch == 1 && follower.lastReadToken == nil)
  }

  // MARK: What could not be had in time

  @Test func theLastWordCountsAsSilenceAndNothingIsAcknowledgedAfterIt() {
    var follower = follower()
    follower.beginEnd()
    follower.end()
    #expect(follower.sent { $0 == .resign(epoch: 1) })
    follower.effects = []
    follower.hear(heartbeat(1, number: 9, previous: 3), from: id(1))
    follower.flush()
    follower.wait(1_000)
    #expect(follower.acknowledgements.isEmpty)

    var primary = openPrimary()
    primary.beginEnd()
    let tag = primary.replica.replyTag()
    primary.write([7])
    primary.sync()
    primary.flush()
    primary.end()
    #expect(primary.sent { $0 == .resign(epoch: 1) })
    primary.acknowledge(2, from: id(2))
    #expect(!primary.answers(2, tag: tag))

    var other = other()
    other.hear(.ending(epoch: 1, isAnswer: false), from: id(1))
    other.hear(.resign(epoch: 1), from: id(1))
    #expect(other.effects.contains(.note(.peerEnded(id(1)))))
    other.readMap(other.replica.register!.entry, revision: 1)
    #expect(other.lastProposal?.entry.primary == id(2) && other.lastProposal?.entry.follower == nil)
  }

  @Test func aReplicaThatIsClosedTakesNothingAndAnswersWhatItTook() {
    var primary = openPrimary()
    primary.beginEnd()
    let tag = primary.replica.replyTag()
    primary.write([7])
    primary.replica.close(into: &primary.effects)
    #expect(!primary.replica.acceptsCommands)
    primary.sync()
    primary.flush()
    primary.acknowledge(2, from: id(2))
    #expect(primary.answers(2, tag: tag))
  }

  @Test func withoutTheCoordinatorThePrimaryServesOnAndTriesAgain() {
    var primary = openPrimary()
    primary.beginEnd()
    primary.wait(Int(grace), hearing: { .acknowledgement(ack(of: $0)) }, from: id(2))
    primary.flush()
    primary.acknowledge(1, from: id(2))
    primary.replica.mapUnreachable(token: primary.lastReadToken!, now: primary.now, into: &primary.effects)
    #expect(primary.replica.acceptsCommands && primary.replica.isLeaving)
    primary.effects = []
    primary.wait(240, hearing: { .acknowledgement(ack(of: $0)) }, from: id(2))
    #expect(primary.effects.contains(.note(.drainStarted)))
  }

  // MARK: Both end

  @Test func whereBothEndNobodyLeaves() {
    var primary = openPrimary()
    primary.beginEnd()
    primary.hear(.ending(epoch: 1, isAnswer: false), from: id(2))
    #expect(primary.sent { $0 == .ending(epoch: 1, isAnswer: true) })
    #expect(!primary.replica.isLeaving && primary.replica.mayEnd, "at once")
    primary.effects = []
    primary.wait(3_000)
    primary.hear(.resign(epoch: 1), from: id(2))
    primary.wait(1_000)
    primary.end()
    #expect(primary.proposals.isEmpty)
    #expect(!primary.sent { $0 == .resign(epoch: 1) })

    var follower = follower()
    // It had heard so before it was told to end itself.
    follower.hear(.ending(epoch: 1, isAnswer: false), from: id(1))
    follower.beginEnd()
    #expect(follower.replica.isLeaving, "its primary did not say yet that it hands over to nobody who ends")
    follower.hear(.ending(epoch: 1, isAnswer: true), from: id(1))
    #expect(!follower.replica.isLeaving && follower.replica.mayEnd)
    follower.wait(3_000)
    follower.hear(.resign(epoch: 1), from: id(1))
    follower.wait(1_000)
    follower.end()
    #expect(follower.proposals.isEmpty)
    #expect(!follower.sent { $0 == .resign(epoch: 1) })
    follower = other()
    follower.beginEnd()
    follower.watch(entry(2, id(1), id(2), proposal: 5), revision: 9)
    #expect(!follower.replica.mayEnd, "it lacks the opening record")
  }

  @Test func nobodyHandsOverToOneThatEnds() {
    var primary = openPrimary()
    primary.hear(.ending(epoch: primary.replica.epoch, isAnswer: false), from: id(2))
    #expect(primary.carryOut(.drain) == .refused(.noFollower))
    // The next process says nothing of an end.
    for _ in 0..<7 {
      primary.wait(100)
      primary.hear(.acknowledgement(ack(of: primary)), from: id(2))
    }
    #expect(primary.carryOut(.drain) == .taken)
  }

  @Test func aHandOverThatIsProposedIsNotTakenBackByAnEnd() {
    var primary = openPrimary()
    #expect(primary.carryOut(.drain) == .taken)
    primary.hear(.acknowledgement(ack(of: primary)), from: id(2))
    primary.readMap(primary.replica.register!.entry, revision: 1)
    #expect(primary.lastProposal?.entry.primary == id(2))
    primary.effects = []
    primary.hear(.ending(epoch: primary.replica.epoch, isAnswer: false), from: id(2))
    #expect(!primary.sent { $0 == .ending(epoch: primary.replica.epoch, isAnswer: true) }, "the map comes instead")
    #expect(!primary.replica.mayEnd, "its own proposal is not settled")
  }

  // MARK: One that catches up

  @Test func anEndWaitsForOneThatKeepsPaceAndTakesItInAtOnce() {
    var config = ReplicaConfig()
    config.readmissionWait = 60_000
    var primary = openAlone(config: config)
    #expect(!primary.replica.isLeaving, "there is nobody to wait for")
    primary.hear(.join(JoinRequest(epoch: 1, table: [], wantsSnapshot: false)), from: id(2))
    #expect(!primary.replica.isLeaving, "nobody knows how long a copy takes")
    primary.acknowledge(0, number: 1, from: id(2))
    primary.beginEnd()
    #expect(primary.replica.isLeaving)
    primary.hear(.ending(epoch: 1, isAnswer: false), from: id(2))
    #expect(!primary.replica.isLeaving, "it ends too, and is not taken in any more")
    primary.wait(1_000)
    #expect(primary.proposals.count == 1)
  }

  private func other() -> Player { follower() }
}

extension Player {
  fileprivate mutating func beginEnd() { replica.beginEnd(now: now, into: &effects) }
  fileprivate mutating func end() { replica.halt(.ended, now: now, into: &effects) }
}

private func ack(of player: Player) -> Acknowledgement {
  Acknowledgement(
    epoch: player.replica.epoch, durable: player.log.end.index, number: max(1, player.lastNumber),
    end: player.log.end.index)
}
