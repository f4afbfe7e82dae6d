import Proto
import Replication
import Testing
import Time

/// Vouching, rejoin, hand-over, orders, digests.
@Suite struct RejoinRuleTests {
  private func answers(_ player: Player) -> [JoinAnswer] {
    player.effects.compactMap { if case .send(.joinAnswer(let answer), _) = $0 { answer } else { nil } }
  }

  /// A primary alone in epoch 5 whose log holds these epochs.
  private func primary(_ epochs: [UInt64], config: ReplicaConfig = ReplicaConfig()) -> Player {
    var player = Player(1, config: config)
    player.start(entry(4, id(1), nil), revision: 4, frames: frames(epochs))
    player.wait(40)
    player.win(revision: 5)
    player.open()
    player.sync()
    player.effects = []
    return player
  }

  private func ask(
    _ player: inout Player, _ log: [SimulatedFrame], epoch: UInt64 = 5, from joiner: ReplicaID = id(2)
  ) {
    let table = SimulatedLog(frames: log).state().table
    player.hear(.join(JoinRequest(epoch: epoch, table: table, wantsSnapshot: false)), from: joiner)
  }

  // MARK: Rejoin

  @Test func theCutIsThePrimarysEndOfTheLastCommonEpochIfThatIsSmaller() {
    var primary = primary([1, 2, 2])
    ask(&primary, frames([1, 2, 2, 2, 2]))
    #expect(answers(primary).last?.way == .cut(primary.log.frames[2].end))
  }

  @Test func theCutIsTheJoinersEndIfThatIsSmallerVerifiedByHash() {
    for isSame in [true, false] {
      var primary = primary([1, 2, 2, 2])
      let log = frames([1, 2])
      ask(&primary, log)
      guard case .lookUpChain(index: 2, let token)? = primary.effects.last else {
        Issue.record("\(primary.effects)")
        return
      }
      primary.replica.chainFound(
        isSame ? log.last!.header.chain : nil, token: token, now: primary.now, into: &primary.effects)
      #expect(answers(primary).last?.way == (isSame ? .cut(log.last!.end) : .snapshot), "an absent hash is different")
    }
  }

  @Test func equalEndsWithDifferentHashesNeedASnapshot() {
    var primary = primary([1, 2, 2])
    ask(&primary, frames([1, 2, 2], salt: 50))
    #expect(answers(primary).last?.way == .snapshot)
    #expect(primary.effects.contains { if case .openSnapshot = $0 { true } else { false } })
  }

  @Test func noCommonEpochNeedsASnapshotAnEmptyLogDoesNot() {
    var primary = primary([1, 2, 2])
    ask(&primary, frames([3]))
    #expect(answers(primary).last?.way == .snapshot)
    var other = self.primary([1, 2, 2])
    ask(&other, [])
    #expect(answers(other).last?.way == .cut(.start))
  }

  /// A primary that was told of what had only come filled the joiner's queue faster than its disk emptied it, and a
  /// large shard never got its second copy back.
  @Test func theJoinerSaysWhatItsDiskHasTakenNotWhatCame() {
    var joiner = Player(2)
    joiner.start(entry(5, id(1), nil), revision: 5)
    joiner.wait(240)
    joiner.hear(.joinAnswer(JoinAnswer(epoch: 5, number: 7, way: .snapshot)), from: id(1))
    func progress(_ joiner: Player) -> [UInt64] {
      joiner.effects.compactMap { if case .send(.snapshotProgress(let said), _) = $0 { said.received } else { nil } }
    }
    joiner.effects = []
    for part in 0..<3 {
      let chunk = SnapshotChunk(epoch: 5, session: 7, offset: UInt64(part) * 100, byteCount: 100, isLast: false)
      joiner.hear(.snapshotChunk(chunk), from: id(1))
    }
    // Nor does it say the old number again, which would mean that the rest was lost.
    joiner.wait(240)
    #expect(progress(joiner) == [])
    for stored: UInt64 in [100, 300, 200, 400] {
      joiner.replica.chunkStored(session: 7, through: stored, now: joiner.now, into: &joiner.effects)
    }
    joiner.replica.chunkStored(session: 6, through: 300, now: joiner.now, into: &joiner.effects)
    #expect(progress(joiner) == [100, 300], "neither backwards nor beyond what came, nor of another session")
    joiner.effects = []
    joiner.wait(240)
    #expect(
      progress(joiner).allSatisfy { $0 == 300 } && !progress(joiner).isEmpty,
      "what was stored and lost on the way is said again")
  }

  @Test func aLogThatNoLongerReachesBackMakesItASnapshot() {
    var primary = primary([1, 2, 2])
    ask(&primary, [])
    primary.acknowledge(0, number: answers(primary).last!.number, from: id(2))
    guard case .readFrames(let token, 1, _)? = primary.effects.last else {
      Issue.record("\(primary.effects)")
      return
    }
    primary.replica.streamEnded(.gone, token: token, now: primary.now, into: &primary.effects)
    #expect(answers(primary).last?.way == .snapshot)
  }

  @Test func theJoinerCutsThrowsItsMemoryAwayAndOnlyThenAcknowledges() {
    var joiner = Player(2)
    let log = frames([1, 2, 2, 2])
    joiner.start(entry(5, id(1), nil), revision: 5, frames: log)
    joiner.wait(40)
    #expect(joiner.sent { if case .join(let request) = $0 { request.table.count == 2 } else { false } })
    let cut = log[2].end
    joiner.hear(.joinAnswer(JoinAnswer(epoch: 5, number: 30, way: .cut(cut))), from: id(1))
    guard case .lookUpChain(index: 3, let token)? = joiner.effects.last else {
      Issue.record("\(joiner.effects)")
      return
    }
    joiner.replica.chainFound(cut.chain, token: token, now: joiner.now, into: &joiner.effects)
    #expect(joiner.effects.last == .cut(to: cut))
    joiner.hear(heartbeat(5, number: 31, previous: 3), from: id(1))
    joiner.flush()
    #expect(joiner.acknowledgements.isEmpty)
    joiner.log.truncate(to: 3)
    joiner.replica.reloaded(joiner.log.state(), now: joiner.now, into: &joiner.effects)
    joiner.flush()
    #expect(joiner.acknowledgements.last == Acknowledgement(epoch: 5, durable: 3, number: 30, end: 3))
  }

  @Test func theJoinerVerifiesTheCutByItsOwnHash() {
    var joiner = Player(2)
    joiner.start(entry(5, id(1), nil), revision: 5, frames: frames([1, 2, 2, 2]))
    joiner.wait(40)
    let other = LogPosition(epoch: 2, index: 3, chain: 99)
    joiner.hear(.joinAnswer(JoinAnswer(epoch: 5, number: 30, way: .cut(other))), from: id(1))
    guard case .lookUpChain(index: 3, let token)? = joiner.effects.last else {
      Issue.record("\(joiner.effects)")
      return
    }
    joiner.replica.chainFound(joiner.log.frames[2].header.chain, token: token, now: joiner.now, into: &joiner.effects)
    joiner.wait(400)
    #expect(!joiner.effects.contains { if case .cut = $0 { true } else { false } })
    #expect(joiner.sent { if case .join(let request) = $0 { request.wantsSnapshot } else { false } })
  }

  @Test func aJoinersAcknowledgementsAreDemandedBeforeItIsProposed() {
    var primary = openAlone()
    ask(&primary, primary.log.frames, epoch: 1)
    let session = answers(primary).last!.number
    primary.acknowledge(1, number: session, from: id(2))
    primary.write([7])
    primary.sync()
    let tag = primary.replica.replyTag()
    #expect(!primary.answers(2, tag: tag))
    primary.confirm()
    #expect(primary.answers(2, tag: tag), "alone by the map")
    primary.acknowledge(1, end: 2, from: id(2))
    #expect(!primary.answers(2, tag: tag), "close enough: from here on its acknowledgements count")
    #expect(primary.proposals.count == 1, "its birth only: it lacks what was answered")
    primary.acknowledge(2, from: id(2))
    #expect(primary.answers(2, tag: tag) && primary.lastProposal?.entry.follower == id(2))
  }

  @Test func aJoinerThatFallsBehindAgainHoldsNobodyUp() {
    var primary = openAlone()
    ask(&primary, primary.log.frames, epoch: 1)
    primary.acknowledge(1, number: answers(primary).last!.number, from: id(2))
    primary.write([7])
    primary.sync()
    primary.flush()
    primary.acknowledge(1, end: 2, from: id(2))
    let tag = primary.replica.replyTag()
    #expect(!primary.answers(2, tag: tag))
    primary.wait(400)
    primary.confirm()
    #expect(primary.answers(2, tag: tag) && primary.proposals.count == 1)
  }

  @Test func eachReadmissionWaitsTwiceAsLong() {
    var waits: [Milliseconds] = []
    var primary = openAlone()
    var revision: UInt64 = 1
    for _ in 0..<9 {
      let began = primary.now
      primary.effects = []
      primary.hear(
        .join(JoinRequest(epoch: primary.replica.epoch, table: primary.log.state().table, wantsSnapshot: false)),
        from: id(2))
      var session: UInt64 = 0
      for case .send(.joinAnswer(let answer), _) in primary.effects { session = answer.number }
      primary.acknowledge(primary.log.end.index, number: session, from: id(2))
      while primary.lastProposal == nil, primary.now - began < 100_000 {
        primary.wait(20)
        primary.acknowledge(primary.log.end.index, number: max(primary.lastNumber, session), from: id(2))
      }
      waits.append(primary.now - began)
      revision += 1
      primary.win(revision: revision)
      primary.open()
      primary.sync()
      primary.acknowledge(primary.log.end.index, from: id(2))
      primary.effects = []
      primary.hear(.goAlone(epoch: primary.replica.epoch, reason: .damaged), from: id(2))
      primary.wait(40)
      revision += 1
      primary.win(revision: revision)
      primary.open()
      primary.sync()
    }
    let expected: [Milliseconds] = [0, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]
    for (wait, least) in zip(waits, expected) { #expect(wait >= least && wait < least + 400, "\(waits)") }
  }

  // MARK: Vouching

  @Test func anotherDiskIdMakesThePrimaryGoAloneAtOnce() {
    var primary = openPrimary()
    primary.hear(.join(JoinRequest(epoch: 1, table: [], wantsSnapshot: false)), from: id(2, disk: 99))
    primary.wait(40)
    #expect(primary.lastProposal.map { $0.entry.follower == nil && $0.entry.primary == id(1) } == true)
  }

  @Test func anEndBelowWhatWasAcknowledgedMakesThePrimaryGoAloneAtOnce() {
    var primary = openPrimary()
    primary.write([7])
    primary.sync()
    primary.acknowledge(2, from: id(2))
    primary.write([8])
    primary.acknowledge(1, from: id(2))
    primary.wait(40)
    #expect(primary.lastProposal.map { $0.entry.follower == nil && $0.entry.primary == id(1) } == true)
  }

  @Test func aSuspectFollowerIsClearedOnlyIfItHasWhatItAcknowledged() {
    for end in [UInt64(1), 2] {
      var primary = openPrimary()
      primary.write([7])
      primary.sync()
      primary.acknowledge(2, from: id(2))
      primary.effects = []
      let theirs = primary.log.frames[Int(end) - 1].end
      primary.hear(.compare(ReplicaEnd(epoch: 1, end: theirs, suspicion: .tear)), from: id(2))
      primary.wait(40)
      #expect(primary.sent { $0 == .cleared(epoch: 1) } == (end == 2))
      #expect((primary.lastProposal != nil) == (end == 1))
    }
  }

  @Test func whatASuspectFollowerAcknowledgedInAnEarlierLifeIsNotBelieved() {
    var primary = openPrimary()
    primary.write([7])
    primary.sync()
    let tag = primary.replica.replyTag()
    let number = primary.lastNumber
    primary.hear(.compare(ReplicaEnd(epoch: 1, end: primary.log.frames[0].end, suspicion: .tear)), from: id(2))
    primary.acknowledge(2, number: number, from: id(2))
    primary.flush()
    #expect(!primary.answers(2, tag: tag) && primary.replica.committed == 1)
  }

  @Test func aSuspectFollowerAcknowledgesNothingUntilItIsCleared() {
    var follower = Player(2)
    let log = frames([1, 1])
    follower.start(entry(1, id(1), id(2)), frames: log, suspicion: .damage)
    follower.wait(40)
    #expect(follower.sent { if case .compare(let end) = $0 { end.suspicion == .damage } else { false } })
    follower.hear(heartbeat(1, number: 3, previous: 2), from: id(1))
    follower.flush()
    #expect(follower.acknowledgements.isEmpty)
    follower.hear(.cleared(epoch: 1), from: id(1))
    #expect(follower.effects.last == .cut(to: log.last!.end))
    follower.replica.reloaded(follower.log.state(), now: follower.now, into: &follower.effects)
    follower.hear(heartbeat(1, number: 4, previous: 2), from: id(1))
    follower.flush()
    #expect(follower.acknowledgements.last?.durable == 2)
  }

  @Test func aNamedReplicaDiscardsNothing() {
    var follower = follower(3)
    follower.hear(.joinAnswer(JoinAnswer(epoch: 1, number: 9, way: .cut(frames([1]).last!.end))), from: id(1))
    follower.hear(.joinAnswer(JoinAnswer(epoch: 1, number: 10, way: .snapshot)), from: id(1))
    #expect(follower.effects.isEmpty && follower.replica.end.index == 3)
  }

  @Test func framesThatDoNotChainMakeAFollowerAskToBeLeftBehindThenRebuilt() {
    var follower = follower(2)
    follower.hear(heartbeat(1, number: 2, previous: 2), frames([1, 1, 1], salt: 9)[2], from: id(1))
    follower.wait(40)
    #expect(follower.replica.end.index == 2)
    #expect(follower.sent { $0 == .goAlone(epoch: 1, reason: .damaged) })
    follower.wait(3_000)
    #expect(follower.proposals.isEmpty, "a damaged one never takes over")
    follower.watch(entry(2, id(1), nil), revision: 2)
    follower.wait(40)
    #expect(follower.sent { if case .join(let request) = $0 { request.wantsSnapshot } else { false } })
  }

  // MARK: Digests

  private func differing() -> (Player, token: UInt64, mine: UInt64) {
    var follower = follower(2)
    let frame = frames([1, 1, 1])[2]
    follower.hear(
      .envelope(
        Envelope(
          epoch: 1, number: 2, stamp: 0, committed: 0, previous: 2, checkpoint: Checkpoint(index: 3, digest: 5))),
      frame, from: id(1))
    for case .replay(index: 3, let token) in follower.effects { return (follower, token, frame.digest) }
    Issue.record("no replay: \(follower.effects)")
    return (follower, 0, 0)
  }

  @Test func aDifferentDigestIsReplayedFirst() {
    var (follower, token, _) = differing()
    follower.replica.replayed(5, token: token, now: follower.now, into: &follower.effects)
    follower.wait(40)
    #expect(follower.sent { $0 == .goAlone(epoch: 1, reason: .digest) }, "the own memory was wrong")
  }

  @Test func ifTheReplayAgreesWithTheFollowerThePrimaryIsTheOneToLook() {
    var (follower, token, mine) = differing()
    follower.replica.replayed(mine, token: token, now: follower.now, into: &follower.effects)
    follower.wait(40)
    #expect(follower.sent { $0 == .dispute(epoch: 1, Checkpoint(index: 3, digest: mine)) })
    for isPrimaryWrong in [true, false] {
      var primary = openPrimary()
      primary.hear(.dispute(epoch: 1, Checkpoint(index: 1, digest: 5)), from: id(2))
      guard case .replay(index: 1, let token)? = primary.effects.last else {
        Issue.record("\(primary.effects)")
        return
      }
      primary.replica.replayed(isPrimaryWrong ? 5 : 6, token: token, now: primary.now, into: &primary.effects)
      primary.wait(40)
      #expect(primary.sent { $0 == .resign(epoch: 1) } == isPrimaryWrong)
      #expect((primary.lastProposal?.entry.epoch == 2) == !isPrimaryWrong, "a follower that is wrong is left behind")
      #expect((primary.replica.answerable == .nothing) == isPrimaryWrong)
    }
  }

  // MARK: Hand-over and orders

  @Test func aPlannedFailoverStopsWritesWaitsAndProposesTheSwap() {
    var primary = openPrimary()
    primary.write([7])
    #expect(primary.carryOut(.drain) == .taken)
    #expect(!primary.replica.acceptsCommands)
    primary.sync()
    let asked = primary.lastReadToken
    primary.acknowledge(2, from: id(2))
    #expect(
      primary.lastReadToken != asked && primary.lastProposal?.entry.epoch == 1, "it asks whether the map can be had")
    primary.readMap(primary.replica.register!.entry, revision: 1)
    #expect(primary.lastProposal?.entry.primary == id(2) && primary.lastProposal?.entry.follower == id(1))
    #expect(primary.replica.answerable == .nothing, "who proposed another answers nothing")
    primary.win(revision: 2)
    #expect(primary.replica.role == .follower)
    #expect(
      primary.sent { if case .map(let register) = $0 { register.revision == 2 } else { false } }, "it is told at once")
  }

  @Test func aDrainThatDoesNotEmptyIsGivenUp() {
    var primary = openPrimary()
    primary.write([7])
    primary.sync()
    _ = primary.carryOut(.drain)
    primary.wait(
      4_000,
      hearing: { player in .acknowledgement(Acknowledgement(epoch: 1, durable: 1, number: player.lastNumber, end: 1)) },
      from: id(2))
    #expect(primary.replica.acceptsCommands || primary.replica.hasProposal)
    #expect(!primary.proposals.contains { $0.primary == id(2) })
  }

  @Test func aDrainWithoutTheCoordinatorIsGivenUpBeforeItCanHurt() {
    var primary = openPrimary()
    _ = primary.carryOut(.drain)
    primary.acknowledge(1, from: id(2))
    primary.replica.mapUnreachable(token: primary.lastReadToken!, now: primary.now, into: &primary.effects)
    #expect(primary.replica.acceptsCommands && primary.proposals.allSatisfy { $0.primary == id(1) })
  }

  @Test func forcePromotesTheFollowerAtOnceAndOnlyIt() {
    var follower = follower()
    #expect(follower.replica.carryOut(.force, now: follower.now, into: &follower.effects) == .taken)
    follower.readMap(entry(1, id(1), id(2)), revision: 1)
    #expect(follower.lastProposal?.entry.primary == id(2))
    var primary = openPrimary()
    #expect(primary.replica.carryOut(.force, now: primary.now, into: &primary.effects) == .refused(.wrongRole))
    var joiner = Player(3)
    joiner.start(entry(1, id(1), nil))
    #expect(joiner.replica.carryOut(.force, now: joiner.now, into: &joiner.effects) == .refused(.noFollower))
  }

  @Test func aNodeDeclaredDeadLosesBothItsRoles() {
    var follower = follower()
    let dead = id(1).node
    #expect(follower.replica.carryOut(.declareDead(dead), now: follower.now, into: &follower.effects) == .taken)
    #expect(follower.lastReadToken != nil)
    var primary = openPrimary()
    #expect(primary.replica.carryOut(.declareDead(id(2).node), now: primary.now, into: &primary.effects) == .taken)
    primary.wait(40)
    #expect(primary.lastProposal?.entry.follower == nil)
    #expect(
      primary.replica.carryOut(.declareDead(id(3).node), now: primary.now, into: &primary.effects) == .nothingToDo)
  }

  @Test func acceptLossIsForSuspectOnesOnly() {
    var follower = follower()
    #expect(
      follower.replica.carryOut(.acceptLoss, now: follower.now, into: &follower.effects) == .refused(.notSuspect))
  }
}
