import Octets
import Proto
import Testing

private let goldens = goldenCommands + goldenOutcomes + goldenAnswers + goldenLinks + goldenQueues

/// The bytes of every kind of frame, record, outcome, answer and message, in hexadecimal, beside the value. A test that
/// fails here says that a disk or a peer of the same `Format.version` would be misread.
@Suite struct GoldenBytesTests {
  struct Golden: Sendable {
    var name: String
    var hex: String
    var encode: @Sendable (inout [UInt8]) -> Void
    init(_ name: String, _ hex: String, _ encode: @escaping @Sendable (inout [UInt8]) -> Void) {
      (self.name, self.hex, self.encode) = (name, hex, encode)
    }
  }

  @Test(arguments: goldens.map(\.name)) func bytesAreFrozen(name: String) throws {
    let golden = try #require(goldens.first { $0.name == name })
    var bytes: [UInt8] = []
    golden.encode(&bytes)
    #expect(hexadecimal(bytes) == golden.hex, "\(name)")
  }

  @Test func everyKindHasItsBytesHere() {
    let names = goldens.map(\.name)
    #expect(Set(names).count == names.count)
    for kind in CommandKind.all { #expect(names.contains("command \(kind)"), "\(kind)") }
    for kind in WireFrame.Kind.allCases { #expect(names.contains("frame \(kind)"), "\(kind)") }
    for kind in LogFrame.Kind.allCases { #expect(names.contains("log frame \(kind)"), "\(kind)") }
    for kind in PeerItem.kindNames { #expect(names.contains("message \(kind)"), "\(kind)") }
    for kind in Outcome.kinds { #expect(names.contains("outcome \(kind.name)"), "\(kind.name)") }
    for tag in Refusal.kindNames { #expect(names.contains("refusal \(tag)"), "\(tag)") }
    for tag in Query.kindNames { #expect(names.contains("query \(tag)"), "\(tag)") }
    for tag in Answer.kindNames { #expect(names.contains("answer \(tag)"), "\(tag)") }
  }

  /// Numbers that stand inside other bytes. A retired one is listed, and never used again.
  @Test func numbersAreFrozen() {
    func numbers<T: CaseIterable & RawRepresentable<UInt8>>(_: T.Type) -> String {
      T.allCases.map { "\($0)=\($0.rawValue)" }.joined(separator: " ")
    }
    #expect(numbers(OrderStatus.self) == "pendingPayment=1 confirmed=2 cancelled=3 expired=4 refunded=5")
    #expect(numbers(Refusal.Argument.self) == "seats=1 areas=2 count=3 category=4 ttl=5 buyer=6 definition=7 terms=8")
    #expect(
      numbers(Refusal.LimitName.self)
        == "maxPerOrder=1 maxPerBuyer=2 holdLength=3 shardCapacity=4 maxHoldTTL=5 priceChanges=6 blockedPlaces=7")
    #expect(numbers(PlaceState.self) == "waiting=0 called=1 inside=2 passedOver=3 left=4")
    #expect(numbers(QueueState.self) == "closed=0 open=1 running=2 paused=3 drained=4")
    #expect(numbers(WaitingRoom.Order.self) == "shuffle=0 fifo=1")
    #expect(numbers(QueueControl.Action.self) == "pause=1 resume=2 drain=3 reset=4")
    #expect(numbers(Reply.Failure.self) == "notPrimary=1 unknown=2 diskFull=3 overloaded=4 malformed=5")
    #expect(numbers(Suspicion.self) == "none=0 tear=1 damage=2 unproven=3 stale=4")
    #expect(numbers(ReplicaMessage.AloneReason.self) == "diskFull=1 damaged=2 digest=3")
    #expect(numbers(SeatState.self) == "free=46 held=104 sold=115 notForSale=120")
    #expect(numbers(NodeStatus.State.self) == "recovering=1 up=2 halted=3")
    #expect(numbers(ReplicaStatus.Role.self) == "none=1 primary=2 follower=3 joining=4 halted=5")
    #expect(numbers(AdminReply.ShardResult.Result.self) == "done=1 unchanged=2 refused=3 unknown=4")
    #expect(Set(Outcome.kinds.map(\.number)).count == Outcome.kinds.count, "two outcomes have one number")
    #expect(CommandKind.all.allSatisfy { !CommandKind.retired.contains($0.rawValue) })
    #expect(
      CommandKind.all.map { "\($0)" }.joined(separator: " ")
        == "createEvent setEvent blockEvent deleteEvent hold holdBest passHold passHoldBest release extend checkout confirm "
        + "cancel joinQueue controlQueue openQueue callQueue claimPlace leavePlace tick openEpoch"
    )
    #expect(
      CommandKind.all.map(\.rawValue) == [
        0x10, 0x11, 0x12, 0x13, 0x20, 0x21, 0x22, 0x23, 0x30, 0x31, 0x32, 0x40, 0x41, 0x50, 0x51, 0x52, 0x53, 0x60,
        0x61,
        0xF0, 0xF1,
      ])
  }

  /// An actor may stand in every record but a plain hold's.
  @Test func commandsCarryWhoAsked() throws {
    for command in sampleCommands where command.kind != .hold {
      var bytes: [UInt8] = []
      command.encode(key: "k", actor: "support:anna", into: &bytes)
      var reader = ByteReader(bytes.rawSpan)
      let record = try CommandRecord(decoding: &reader)
      #expect(Bytes(record.actor) == "support:anna" && Bytes(record.key) == "k")
      #expect(try Command(decoding: record) == command)
      var plain: [UInt8] = []
      command.encode(key: "k", into: &plain)
      var again = ByteReader(plain.rawSpan)
      #expect(try CommandRecord(decoding: &again).argumentsHash == record.argumentsHash, "who retries does not matter")
      var tooLong = bytes
      tooLong[3] = 65
      var long = ByteReader(tooLong.rawSpan)
      #expect(throws: DecodeError.self) { _ = try CommandRecord(decoding: &long) }
    }
    var hold: [UInt8] = []
    Command.hold(.init(event: sampleEvent, secret: 1, buyer: "b", seats: [SeatIndex(0)])).encode(key: "k", into: &hold)
    hold[3] = 1
    hold.insert(0x61, at: 9)
    var reader = ByteReader(hold.rawSpan)
    #expect(throws: DecodeError.invalid(field: "command actor")) { _ = try CommandRecord(decoding: &reader) }
  }
}

func hexadecimal(_ bytes: [UInt8]) -> String {
  let digits = Array("0123456789abcdef")
  return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}
