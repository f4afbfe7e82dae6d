import Proto
import Replication
import Testing

/// Disks and coordinators that are older than what was answered.
@Suite struct OldCopyRuleTests {
  // MARK: A disk from yesterday

  @Test func aLogWithoutTheOpeningRecordOfItsEpochIsSuspect() {
    var primary = Player(1)
    primary.start(entry(3, id(1), id(2), proposal: 9), frames: frames([1, 2]), isProven: false)
    #expect(primary.replica.summary.suspicion == .unproven)
    primary.wait(5_000)
    #expect(primary.proposals.isEmpty, "however long its peer is silent")
    var follower = Player(2)
    follower.start(entry(3, id(1), id(2), proposal: 9), frames: frames([1, 2]), isProven: false)
    follower.wait(5_000)
    #expect(follower.replica.summary.suspicion == .unproven && follower.proposals.isEmpty)
  }

  @Test func whoProposedTheEpochItselfMayLackItsOpeningRecord() {
    var primary = Player(1)
    primary.start(entry(3, id(1), nil, proposal: 9), frames: frames([1, 2]), isProven: true)
    primary.wait(100)
    #expect(primary.replica.summary.suspicion == .none && primary.lastProposal?.entry.primary == id(1))
  }

  @Test func anOldDiskAloneWaitsForTheOperator() {
    var primary = Player(1)
    primary.start(entry(1, id(1), nil), frames: frames([1]), suspicion: .stale)
    primary.wait(5_000)
    #expect(primary.proposals.isEmpty && primary.effects.contains(.note(.suspectWaits(.stale))))
    #expect(primary.replica.carryOut(.acceptLoss, now: primary.now, into: &primary.effects) == .taken)
    primary.replica.reloaded(primary.log.state(), now: primary.now, into: &primary.effects)
    #expect(primary.lastProposal?.entry.primary == id(1))
  }

  @Test func theSoundPeerGoesOnHoweverFarAnOldDiskReaches() {
    for theirs in [frames([1]), frames([1, 1]), frames([1, 1, 1])] {
      var primary = Player(1)
      primary.start(entry(1, id(1), id(2)), frames: frames([1, 1]), suspicion: .stale)
      primary.wait(40)
      primary.hear(.ends(ReplicaEnd(epoch: 1, end: theirs.last!.end, suspicion: .none)), from: id(2))
      #expect(primary.lastProposal?.entry.primary == id(2), "their end \(theirs.count)")
    }
    var sound = Player(1)
    sound.start(entry(1, id(1), id(2)), frames: frames([1]))
    sound.wait(40)
    sound.hear(.ends(ReplicaEnd(epoch: 1, end: frames([1, 1]).last!.end, suspicion: .stale)), from: id(2))
    #expect(sound.lastProposal?.entry.primary == id(1))
  }

  @Test func twoOldDisksWaitForTheOperator() {
    var primary = Player(1)
    primary.start(entry(1, id(1), id(2)), frames: frames([1]), suspicion: .stale)
    primary.wait(40)
    primary.hear(.ends(ReplicaEnd(epoch: 1, end: frames([1, 1]).last!.end, suspicion: .unproven)), from: id(2))
    primary.wait(3_000)
    #expect(primary.proposals.isEmpty)
  }

  @Test func anOldFollowerIsNeverClearedByItsEndAlone() {
    var primary = openPrimary()
    primary.effects = []
    primary.hear(.compare(ReplicaEnd(epoch: 1, end: primary.log.end, suspicion: .stale)), from: id(2))
    #expect(!primary.sent { if case .cleared = $0 { true } else { false } })
    primary.wait(40)
    #expect(primary.lastProposal?.entry == entry(2, id(1), nil, proposal: primary.lastProposal?.entry.proposal ?? 0))
  }

  @Test func aJoinerGoesOnAloneWhenTheOperatorSaysSoAndNobodyElseIsThere() {
    var joiner = Player(2)
    joiner.start(entry(4, id(1), nil), revision: 7, frames: frames([1, 2]))
    #expect(joiner.replica.carryOut(.acceptLoss, now: joiner.now, into: &joiner.effects) == .refused(.primaryAnswers))
    joiner.wait(2_000)
    #expect(joiner.replica.carryOut(.acceptLoss, now: joiner.now, into: &joiner.effects) == .taken)
    joiner.replica.reloaded(joiner.log.state(), now: joiner.now, into: &joiner.effects)
    let proposed = joiner.lastProposal
    #expect(proposed?.entry.epoch == 5 && proposed?.entry.primary == id(2) && proposed?.entry.follower == nil)
    #expect(proposed?.revision == 7)
  }

  @Test func whoIsNamedFollowerWithoutHavingCaughtUpTakesNothingOver() {
    // Another process of this name, from another disk, did: this one stood still meanwhile.
    var follower = Player(2)
    follower.start(entry(1, id(1), id(2)), frames: frames([1]))
    follower.watch(entry(3, id(1), id(2), proposal: 9), revision: 9)
    #expect(follower.replica.role == .follower && follower.replica.summary.suspicion == .unproven)
    follower.wait(3_000)
    follower.readMap(entry(3, id(1), id(2), proposal: 9), revision: 9)
    #expect(follower.proposals.isEmpty)
    #expect(follower.sent { if case .compare = $0 { true } else { false } })
    var joiner = Player(2)
    joiner.start(entry(2, id(1), nil), frames: frames([1]))
    joiner.watch(entry(3, id(1), id(2), proposal: 9), revision: 9)
    #expect(joiner.replica.summary.suspicion == .unproven)
    var next = Player(2)
    next.start(entry(1, id(1), id(2)), frames: frames([1]))
    next.watch(entry(2, id(1), id(2), proposal: 9), revision: 9)
    #expect(next.replica.summary.suspicion == .none)
  }

  // MARK: A coordinator from yesterday

  @Test func aPrimaryWritesWhatWasTrueAgainAboveItsEpoch() {
    var primary = openPrimary()
    primary.effects = []
    primary.wait(1_200, hearing: { .acknowledgement(ack(of: $0)) }, from: id(2))
    primary.readMap(nil, revision: 0)
    let proposed = primary.lastProposal
    #expect(proposed?.revision == 0 && proposed?.entry.epoch == 2)
    #expect(proposed?.entry.primary == id(1) && proposed?.entry.follower == id(2))
    #expect(primary.effects.contains(.note(.mapIsOlder(found: nil, known: 1))))
    primary.win(revision: 1)
    #expect(primary.replica.role == .primary && primary.replica.epoch == 2)
  }

  @Test func aPrimaryAloneAnswersNothingUntilThatIsSettled() {
    var primary = openAlone()
    let epoch = primary.replica.epoch
    let tag = primary.replica.replyTag()
    primary.flush()
    primary.readMap(entry(epoch - 1, id(2), id(1), proposal: 55), revision: 3)
    #expect(!primary.answers(1, tag: tag))
    #expect(primary.lastProposal?.revision == 3 && primary.lastProposal?.entry.epoch == epoch + 1)
    primary.effects = []
    primary.flush()
    primary.readMap(entry(epoch - 1, id(2), id(1), proposal: 55), revision: 3)
    #expect(!primary.answers(1, tag: tag))
  }

  @Test func anotherEntryOfTheSameEpochIsNotTheSame() {
    var primary = openAlone()
    primary.wait(1_200)
    let epoch = primary.replica.epoch
    primary.readMap(entry(epoch, id(2), nil, proposal: 12_345), revision: 9)
    #expect(primary.lastProposal?.entry.epoch == epoch + 1 && primary.lastProposal?.revision == 9)
  }

  @Test func aTakeoverComparesTheRevisionThatTheCoordinatorHasNow() {
    var follower = Player(2)
    follower.start(entry(5, id(1), id(2)), revision: 100, frames: frames([1, 5]))
    follower.wait(800)
    follower.readMap(entry(2, id(2), id(1), proposal: 3), revision: 20)
    #expect(follower.lastProposal?.revision == 20 && follower.lastProposal?.entry.epoch == 6)
    #expect(follower.lastProposal?.entry.primary == id(2))
  }

  /// A coordinator that was put back and settled counts its writes anew: the register may hold what this replica knows,
  /// by another revision, and a proposal that compares the old one would never win.
  @Test func aProposalFollowsTheRevisionOfTheSameEntry() {
    var follower = Player(2)
    follower.start(entry(5, id(1), id(2)), revision: 100, frames: frames([1, 5]))
    follower.wait(800)
    follower.readMap(entry(5, id(1), id(2)), revision: 100)
    let proposed = follower.lastProposal
    #expect(proposed?.revision == 100 && proposed?.entry.epoch == 6)
    follower.wait(3_000)
    follower.readMap(entry(5, id(1), id(2)), revision: 7)
    #expect(follower.lastProposal?.revision == 7 && follower.lastProposal?.entry == proposed?.entry)
  }

  @Test func whoKnowsANewerEpochTellsItsPrimary() {
    var joiner = Player(2)
    joiner.start(entry(5, id(1), nil), revision: 100, frames: frames([1, 2]))
    joiner.wait(1_200)
    joiner.readMap(entry(4, id(1), nil, proposal: 3), revision: 20)
    #expect(joiner.sent { $0 == .map(MapRegister(revision: 100, entry: entry(5, id(1), nil))) })
    // The primary started while the coordinator was old: it leads what it is told of, and settles it above.
    var primary = Player(1)
    primary.start(entry(3, id(1), nil), revision: 19, frames: frames([1, 2]))
    primary.wait(40)
    primary.win(revision: 20)
    #expect(primary.replica.role == .primary && primary.replica.epoch == 4)
    primary.hear(.map(MapRegister(revision: 100, entry: entry(5, id(1), nil))), from: id(2))
    #expect(primary.replica.epoch == 5)
    primary.effects = []
    primary.wait(1_200)
    primary.readMap(entry(4, id(1), nil, proposal: 3), revision: 20)
    #expect(primary.lastProposal?.entry.epoch == 6 && primary.lastProposal?.revision == 20)
  }

  @Test func aReadThatIsOlderThanTheNewsIsNoRegress() {
    var primary = openAlone()
    let (epoch, old) = (primary.replica.epoch, primary.replica.register!.entry)
    primary.wait(1_200)
    primary.effects = primary.effects.filter { if case .readMap = $0 { true } else { false } }
    // The watch is quicker than the read, which began before.
    primary.watch(entry(epoch + 1, id(1), nil, proposal: 8), revision: 50)
    let token = primary.lastReadToken!
    primary.replica.mapRead(
      MapRegister(revision: 40, entry: old), token: token, now: primary.now, into: &primary.effects)
    #expect(primary.proposals.isEmpty)
  }

  @Test func aLogThatIsNewerThanTheMapRaisesIt() {
    var primary = Player(1)
    primary.start(entry(1, id(1), id(2)), revision: 4, frames: frames([1, 2, 3]))
    let proposed = primary.lastProposal
    #expect(proposed?.revision == 4 && proposed?.entry.epoch == 4)
    #expect(proposed?.entry.primary == id(1) && proposed?.entry.follower == id(2))
    primary.win(revision: 5)
    #expect(primary.replica.role == .comparing && primary.replica.summary.suspicion == .unproven)
    primary.wait(3_000)
    #expect(primary.proposals.count == 1, "alone it waits")
    primary.hear(.ends(ReplicaEnd(epoch: 4, end: frames([1, 2, 3, 3]).last!.end, suspicion: .unproven)), from: id(2))
    #expect(primary.lastProposal?.entry.primary == id(2), "the further goes on")
  }

  @Test func whomAnOldMapDoesNotNameIsNamedBesideItsPrimary() {
    var other = Player(2)
    other.start(entry(1, id(1), nil), revision: 4, frames: frames([1, 2]))
    #expect(other.lastProposal?.entry.primary == id(1) && other.lastProposal?.entry.follower == id(2))
    #expect(other.lastProposal?.entry.epoch == 3)
  }

  /// A coordinator that forgot gives an epoch's number out again.
  @Test func anEpochThatAnotherProposalWonIsNotTheOneThatTheDiskKnows() {
    var other = Player(2)
    other.start(
      entry(5, id(1), nil, proposal: 70), revision: 4, frames: frames([1, 5]),
      entered: EpochNote(epoch: 5, proposal: 60))
    #expect(other.lastProposal?.entry.epoch == 6 && other.lastProposal?.entry.follower == id(2))
    #expect(other.replica.summary.suspicion == .unproven)
    var same = Player(2)
    same.start(
      entry(5, id(1), id(2), proposal: 60), revision: 4, frames: frames([1, 5]),
      entered: EpochNote(epoch: 5, proposal: 60))
    #expect(same.proposals.isEmpty && same.replica.role == .follower)
  }

  @Test func aPrimaryWhoseEpochIsRaisedComparesBeforeItLeads() {
    var primary = openAlone()
    let epoch = primary.replica.epoch
    primary.watch(entry(epoch + 1, id(1), id(2), proposal: 99), revision: 50)
    #expect(primary.replica.role == .comparing)
    primary.wait(40)
    primary.hear(
      .ends(ReplicaEnd(epoch: epoch + 1, end: frames([1, 2, 3]).last!.end, suspicion: .unproven)), from: id(2))
    #expect(primary.lastProposal?.entry.primary == id(2))
  }

  @Test func nobodyGoesBackBehindAnEpoch() {
    var follower = Player(2)
    follower.start(entry(5, id(1), id(2)), revision: 100, frames: frames([1, 5]))
    follower.watch(entry(4, id(2), nil, proposal: 4), revision: 200)
    #expect(follower.replica.epoch == 5 && follower.replica.role == .follower)
  }
}

private func ack(of player: Player) -> Acknowledgement {
  Acknowledgement(
    epoch: player.replica.epoch, durable: player.log.end.index, number: max(1, player.lastNumber),
    end: player.log.end.index)
}
