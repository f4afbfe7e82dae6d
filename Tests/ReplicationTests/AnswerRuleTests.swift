import Proto
import Replication
import Testing
import Time

/// What a reply promises, and when an epoch may answer at all.
@Suite struct AnswerRuleTests {
  @Test func aYesWaitsForBothDisks() {
    var primary = openPrimary()
    let tag = primary.replica.replyTag()
    primary.write([7])
    #expect(!primary.answers(2, tag: tag))
    primary.sync()
    #expect(!primary.answers(2, tag: tag), "durable here only")
    primary.acknowledge(1, end: 2, from: id(2))
    #expect(!primary.answers(2, tag: tag), "there, but not durable there")
    primary.acknowledge(2, from: id(2))
    #expect(primary.answers(2, tag: tag))
  }

  @Test func theOwnDiskCountsToo() {
    var primary = openPrimary()
    let tag = primary.replica.replyTag()
    primary.write([7])
    primary.acknowledge(2, from: id(2))
    #expect(!primary.answers(2, tag: tag), "durable there only")
    primary.sync()
    #expect(primary.answers(2, tag: tag))
  }

  @Test func aReadWaitsForASendNumberFirstUsedAfterIt() {
    var primary = openPrimary()
    let before = primary.lastNumber
    let tag = primary.replica.replyTag()
    #expect(!primary.answers(1, tag: tag), "nothing was sent after the request was read")
    primary.acknowledge(1, number: before, from: id(2))
    #expect(!primary.answers(1, tag: tag))
    primary.flush()
    #expect(primary.lastNumber >= tag && primary.lastNumber > before, "an empty envelope with a new number")
    primary.acknowledge(1, from: id(2))
    #expect(primary.answers(1, tag: tag))
  }

  @Test func oneEnvelopeServesTheWholeTurn() {
    var primary = openPrimary()
    let tags = [primary.replica.replyTag(), primary.replica.replyTag()]
    primary.effects = []
    primary.write([7])
    primary.flush()
    #expect(primary.envelopes.count == 1)
    #expect(tags.allSatisfy { $0 == primary.lastNumber })
  }

  @Test func aloneByTheMapTheCoordinatorIsAskedAfterTheRequestWasRead() {
    var primary = openAlone()
    let tag = primary.replica.replyTag()
    primary.write([7])
    primary.sync()
    #expect(!primary.answers(2, tag: tag), "durable, but another may have been named meanwhile")
    primary.effects = []
    primary.flush()
    guard let confirmation = primary.lastReadToken, let register = primary.replica.register else {
      Issue.record("the register is not read")
      return
    }
    primary.replica.mapRead(register, token: 0, now: primary.now, into: &primary.effects)
    #expect(!primary.answers(2, tag: tag), "what a watch says is of any time")
    primary.replica.mapRead(register, token: confirmation, now: primary.now, into: &primary.effects)
    #expect(primary.answers(2, tag: tag))
    let later = primary.replica.replyTag()
    #expect(!primary.answers(2, tag: later), "asked before this request was read")
  }

  @Test func aloneAndDeposedNothingIsAnswered() {
    var primary = openAlone()
    let tag = primary.replica.replyTag()
    primary.write([7])
    primary.sync()
    primary.flush()
    let epoch = primary.replica.epoch
    primary.readMap(entry(epoch + 1, id(2), nil, proposal: 77), revision: 50)
    #expect(!primary.answers(2, tag: tag) && primary.replica.role != .primary)
  }

  @Test func anEpochOpensWhenItsRecordIsDurableOnAllThatItNames() {
    var primary = Player(1)
    primary.start(nil)
    primary.replica.assignFirstRoles(
      FirstRoles(primary: id(1), follower: id(2)), now: primary.now, into: &primary.effects)
    primary.win(revision: 1)
    #expect(primary.effects.contains(.openEpoch(1)))
    #expect(!primary.replica.acceptsCommands)
    primary.open()
    #expect(primary.replica.acceptsCommands)
    primary.sync()
    #expect(!primary.replica.summary.isOpen && primary.replica.answerable == .nothing)
    primary.acknowledge(1, from: id(2))
    #expect(primary.replica.summary.isOpen && primary.replica.answerable.position == 1)
  }

  @Test func theEpochsRecordIsAskedForAgainUntilThereIsRoomForIt() {
    var primary = Player(1)
    primary.start(nil)
    primary.replica.assignFirstRoles(
      FirstRoles(primary: id(1), follower: nil), now: primary.now, into: &primary.effects)
    primary.win(revision: 1)
    primary.effects = []
    primary.wait(300)
    #expect(primary.effects.contains(.openEpoch(1)))
  }

  @Test func anEchoOfAnEarlierEpochIsNone() {
    var primary = openPrimary()
    let tag = primary.replica.replyTag()
    primary.flush()
    primary.acknowledge(1, number: primary.lastNumber, epoch: 0, from: id(2))
    #expect(!primary.answers(1, tag: tag))
  }

  @Test func anAcknowledgementOfSomebodyElseIsNone() {
    var primary = openPrimary()
    let tag = primary.replica.replyTag()
    primary.write([7])
    primary.sync()
    primary.acknowledge(2, from: id(3))
    #expect(!primary.answers(2, tag: tag))
  }

  @Test func nothingIsAcknowledgedBeforeTheMapIsRead() {
    var follower = Player(2)
    let logged = frames([1, 1])
    follower.replica.start(
      log: SimulatedLog(frames: logged, durableCount: 2).state(), now: follower.now, into: &follower.effects)
    follower.hear(heartbeat(1, number: 5), from: id(1))
    follower.flush()
    #expect(follower.acknowledgements.isEmpty)
    follower.log.frames = logged
    follower.readMap(entry(1, id(1), id(2)), revision: 4)
    follower.hear(heartbeat(1, number: 6, previous: 2), from: id(1))
    follower.flush()
    #expect(follower.acknowledgements.last == Acknowledgement(epoch: 1, durable: 2, number: 6, end: 2))
  }

  @Test func aFrameIsAcknowledgedWhenItIsDurable() {
    var follower = follower(2)
    let next = frames([1, 1, 1])[2]
    follower.hear(heartbeat(1, number: 2, previous: 2), next, from: id(1))
    follower.flush()
    #expect(follower.replica.end.index == 3)
    #expect(!follower.acknowledgements.contains { $0.durable == 3 })
    follower.sync()
    follower.flush()
    #expect(follower.acknowledgements.last == Acknowledgement(epoch: 1, durable: 3, number: 2, end: 3))
  }

  @Test func whatWasMissedIsSentAgainUnderANewNumber() {
    var follower = follower(2)
    follower.hear(heartbeat(1, number: 2, previous: 4), from: id(1))
    follower.flush()
    #expect(follower.acknowledgements.last?.missing == true && follower.acknowledgements.last?.end == 2)

    var primary = openPrimary()
    primary.write([7])
    primary.write([8])
    primary.effects = primary.effects.filter { if case .sendFrame = $0 { true } else { false } }
    let last = primary.lastNumber
    primary.acknowledge(1, end: 1, missing: true, from: id(2))
    guard case .readFrames(let token, 2, _)? = primary.effects.last else {
      Issue.record("no read: \(primary.effects)")
      return
    }
    for frame in primary.log.frames[1...] {
      primary.replica.streamed(frame.header, token: token, now: primary.now, into: &primary.effects)
    }
    primary.replica.streamEnded(.done, token: token, now: primary.now, into: &primary.effects)
    #expect(primary.envelopes.suffix(2).map(\.number) == [last + 1, last + 2])
    #expect(primary.envelopes.suffix(2).map(\.previous) == [1, 2])
  }

  @Test func anOldEpochIsRefusedAndItsSpeakerTold() {
    var follower = follower(2)
    follower.watch(entry(2, id(2), nil), revision: 2)
    follower.effects = []
    follower.hear(heartbeat(1, number: 9), frames([1, 1, 1])[2], from: id(1))
    follower.flush()
    #expect(follower.acknowledgements.isEmpty && follower.replica.end.index == 2)
    #expect(follower.sent { if case .map(let register) = $0 { register.revision == 2 } else { false } })
  }

  @Test func aHigherEpochMakesItReadTheMapFirst() {
    var follower = follower(2)
    follower.hear(heartbeat(5, number: 9), from: id(1))
    follower.flush()
    #expect(follower.acknowledgements.isEmpty && follower.lastReadToken != nil)
  }

  @Test func aPausedPrimaryThatWakesUpAnswersNothing() {
    var primary = openPrimary()
    let tag = primary.replica.replyTag()
    primary.flush()
    primary.now += 60_000
    primary.replica.tick(now: primary.now, into: &primary.effects)
    #expect(!primary.answers(1, tag: tag))
    primary.hear(.map(MapRegister(revision: 2, entry: entry(2, id(2), nil))), from: id(2))
    #expect(primary.replica.role == .joining && primary.replica.answerable == .nothing)
    #expect(!primary.replica.acceptsCommands)
  }
}
