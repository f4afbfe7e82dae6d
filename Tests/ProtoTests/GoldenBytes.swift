import Octets
import Proto

let sampleEvent = EventRef(slot: EventSlot(6), incarnation: 0x0102_0304_0506_0708)
let sampleHold = HoldID(shard: ShardID(3), slot: 5, sequence: 0x0A_0000_0009, secret: 0x3132_3334_3536_3738)
let sampleOrder = OrderID(shard: ShardID(3), slot: 5, sequence: 0x0A_0000_0009, secret: 0x4142_4344_4546_4748)
let sampleHeld = Outcome.Held(id: sampleHold, expiresAt: 1_700_000_060_000, total: 4_200, version: 12)
let sampleCounts = Availability(
  categories: [Counts(free: 1, held: 2, sold: 3, notForSale: 4)], areas: [Counts(free: 5, held: 6, sold: 7)])
let sampleDefinition = EventDefinition(
  id: "e", name: "n", holdTTL: 120, categories: [.init(name: "c", price: 100)],
  sections: [.init(name: "S", rows: .grid(rows: 1, seatsPerRow: 2, category: CategoryIndex(0)))])
let fullDefinition: EventDefinition = {
  var definition = sampleDefinition
  definition.venue = "v"
  definition.startsAt = 1_700_000_000_000
  definition.onSaleAt = 1_600_000_000_000
  definition.currency = "EUR"
  definition.maxHoldTTL = 600
  definition.paymentTTL = 900
  definition.maxPerOrder = 6
  definition.maxPerBuyer = 8
  definition.areas = [.init(name: "Floor", capacity: 50, price: 2_000)]
  definition.notForSale = [SeatIndex(1)]
  return definition
}()
let heldInfo = HoldInfo(
  hold: sampleHold, event: sampleEvent, eventID: "e", buyer: "ann", seats: [SeatIndex(7)],
  areas: [AreaCount(area: AreaIndex(1), count: 2)], total: 4_200, expiresAt: 1_700_000_060_000, version: 12)
func orderInfo(_ state: OrderState) -> OrderInfo {
  OrderInfo(
    order: sampleOrder, state: state, createdAt: 1_700_000_001_000, payBy: 1_700_000_900_000, reference: "r-1",
    hold: heldInfo)
}
func sampleReplica(_ number: UInt64) -> ReplicaID { ReplicaID(node: NodeName(Bytes("n\(number)"))!, disk: number) }
let sampleEnd = ReplicaEnd(epoch: 1, end: LogPosition(epoch: 1, index: 4, chain: 5), suspicion: .stale)
func sampleFrame(_ kind: LogFrame.Kind) -> LogFrame {
  LogFrame(
    kind: kind, shard: ShardID(3), epoch: 1, firstIndex: 4, count: 2, rawBytes: 100, blockBytes: 60, recordsCRC: 7,
    stamp: 1_700_000_000_000, committed: 3, previousChain: 9)
}
let sampleStatus = NodeStatus(
  node: NodeName(Bytes("n1"))!, disk: 1, pid: 2, state: .up,
  replicas: [
    ReplicaStatus(
      shard: ShardID(3), role: .follower, epoch: 1, durableIndex: 2, committedIndex: 3, appliedIndex: 4,
      digest: .init(index: 4, value: 5), reason: "r")
  ])
let sampleChange: TermsChange = {
  var change = TermsChange()
  change.name = "n"
  change.venue = .set("v")
  change.startsAt = .remove
  change.onSaleAt = .set(1_600_000_000_000)
  change.holdTTL = 120
  change.paymentTTL = 900
  change.maxPerOrder = .set(6)
  change.maxPerBuyer = .remove
  change.isPaused = true
  change.prices = [.init(.category(CategoryIndex(1)), 4_500), .init(.area(AreaIndex(2)), nil)]
  return change
}()
let sampleCommands: [Command] = [
  .event(.create(sampleDefinition, incarnation: 1)), .event(.set(sampleEvent, TermsChange())),
  .event(.block(sampleEvent, SeatBlock(isBlocked: true, seats: [SeatIndex(7)]))),
  .event(.delete(id: "e", isForced: false)),
  .hold(.init(event: sampleEvent, secret: 1, buyer: "ann", seats: [SeatIndex(0)])),
  .holdBest(.init(event: sampleEvent, secret: 1, buyer: "ann", count: 2)),
  .onHold(sampleHold, .release), .onHold(sampleHold, .extend(ttl: 1)),
  .onHold(sampleHold, .checkout(secret: 2, reference: "r")),
  .onOrder(sampleOrder, .confirm), .onOrder(sampleOrder, .cancel), .tick, .openEpoch(1),
]

let goldens: [GoldenBytesTests.Golden] = [
  .init(
    "command createEvent",
    "100002004c0000006b310807060504030201020165016e000000034555527800000078000000840300000000010000000163016400000000000000000000000000000000010000000153000100000002000000000000"
  ) { Command.event(.create(sampleDefinition, incarnation: 0x0102_0304_0506_0708)).encode(key: "k1", into: &$0) },
  .init(
    "command hold",
    "200002002d0000006b310600000008070605040302013c000000181716151413121103010200616e6e0700000009000000010002000000"
  ) {
    Command.hold(
      .init(
        event: sampleEvent, ttl: 60, secret: 0x1112_1314_1516_1718, buyer: "ann", seats: [SeatIndex(7), SeatIndex(9)],
        areas: [AreaCount(area: AreaIndex(1), count: 2)])
    ).encode(key: "k1", into: &$0)
  },
  .init(
    "command holdBest",
    "21000200230000006b310600000008070605040302013c00000018171615141312110400000001020003616e6e"
  ) {
    Command.holdBest(
      .init(
        event: sampleEvent, ttl: 60, secret: 0x1112_1314_1516_1718, buyer: "ann", count: 4, category: CategoryIndex(2))
    ).encode(key: "k1", into: &$0)
  },
  .init(
    "command release",
    "30000200140000006b31030005000000090000000a003837363534333231"
  ) { Command.onHold(sampleHold, .release).encode(key: "k1", into: &$0) },
  .init(
    "command extend",
    "31000200180000006b31030005000000090000000a0038373635343332312c010000"
  ) { Command.onHold(sampleHold, .extend(ttl: 300)).encode(key: "k1", into: &$0) },
  .init(
    "command checkout",
    "32000200200000006b31030005000000090000000a003837363534333231282726252423222103722d31"
  ) {
    Command.onHold(sampleHold, .checkout(secret: 0x2122_2324_2526_2728, reference: "r-1")).encode(key: "k1", into: &$0)
  },
  .init(
    "command confirm",
    "40000200140000006b31030005000000090000000a004847464544434241"
  ) { Command.onOrder(sampleOrder, .confirm).encode(key: "k1", into: &$0) },
  .init(
    "command cancel",
    "41000200140000006b31030005000000090000000a004847464544434241"
  ) { Command.onOrder(sampleOrder, .cancel).encode(key: "k1", into: &$0) },
  .init(
    "command tick",
    "f0000200000000006b31"
  ) { Command.tick.encode(key: "k1", into: &$0) },
  .init(
    "command openEpoch",
    "f1000200080000006b310500000000000000"
  ) { Command.openEpoch(5).encode(key: "k1", into: &$0) },
  .init(
    "command release, by an actor, under a router's key",
    "300110071400000030313233343536373839616263646566737570706f7274030005000000090000000a003837363534333231"
  ) {
    Command.onHold(sampleHold, .release).encode(
      key: "0123456789abcdef", keyIsFromRouter: true, actor: "support", into: &$0)
  },
  .init(
    "definition, all fields",
    "020165016e010176010068e5cf8b0100000100806e87740100000345555278000000580200008403000001060000000108000000010000000163016400000000000000000100000005466c6f6f723200000001d0070000000000000100000001000000010000000153000100000002000000000000"
  ) { fullDefinition.encode(into: &$0) },
  .init(
    "outcome created",
    "010600000008070605040302010300000000000000"
  ) { Outcome.created(sampleEvent, version: 3).encode(into: &$0) },
  .init(
    "outcome held",
    "02030005000000090000000a0038373635343332316052e6cf8b01000068100000000000000c00000000000000"
  ) { Outcome.held(sampleHeld).encode(into: &$0) },
  .init(
    "outcome heldBest",
    "03030005000000090000000a0038373635343332316052e6cf8b01000068100000000000000c000000000000000100000007000000"
  ) { Outcome.heldBest(sampleHeld, seats: [SeatIndex(7)]).encode(into: &$0) },
  .init(
    "outcome released",
    "040400000000000000"
  ) { Outcome.released(version: 4).encode(into: &$0) },
  .init(
    "outcome extended",
    "05030005000000090000000a003837363534333231060000000807060504030201016503616e6e01000000070000000100000001000200000068100000000000006052e6cf8b0100000c00000000000000"
  ) { Outcome.extended(heldInfo).encode(into: &$0) },
  .init(
    "outcome checkedOut",
    "06030005000000090000000a00484746454443424101e86be5cf8b010000a023f3cf8b01000003722d31030005000000090000000a003837363534333231060000000807060504030201016503616e6e01000000070000000100000001000200000068100000000000006052e6cf8b0100000c00000000000000"
  ) { Outcome.checkedOut(orderInfo(.pendingPayment)).encode(into: &$0) },
  .init(
    "outcome confirm",
    "07030005000000090000000a00484746454443424102d06fe5cf8b010000e86be5cf8b010000a023f3cf8b01000003722d31030005000000090000000a003837363534333231060000000807060504030201016503616e6e01000000070000000100000001000200000068100000000000006052e6cf8b0100000c00000000000000"
  ) { Outcome.order(.confirm, orderInfo(.confirmed(at: 1_700_000_002_000))).encode(into: &$0) },
  .init(
    "outcome cancel",
    "08030005000000090000000a00484746454443424103b873e5cf8b01000001d06fe5cf8b010000e86be5cf8b010000a023f3cf8b01000003722d31030005000000090000000a003837363534333231060000000807060504030201016503616e6e01000000070000000100000001000200000068100000000000006052e6cf8b0100000c00000000000000"
  ) {
    Outcome.order(
      .cancel, orderInfo(.cancelled(at: 1_700_000_003_000, confirmedAt: 1_700_000_002_000))
    ).encode(into: &$0)
  },
  .init(
    "outcome noted",
    "09"
  ) { Outcome.noted.encode(into: &$0) },
  .init(
    "outcome refused",
    "0a01"
  ) { Outcome.refused(.noSuchEvent).encode(into: &$0) },
  .init(
    "refusal noSuchEvent",
    "01"
  ) { Refusal.noSuchEvent.encode(into: &$0) },
  .init(
    "refusal staleEvent",
    "02"
  ) { Refusal.staleEvent.encode(into: &$0) },
  .init(
    "refusal noSuchHold",
    "03"
  ) { Refusal.noSuchHold.encode(into: &$0) },
  .init(
    "refusal noSuchOrder",
    "04"
  ) { Refusal.noSuchOrder.encode(into: &$0) },
  .init(
    "refusal eventExists",
    "05"
  ) { Refusal.eventExists.encode(into: &$0) },
  .init(
    "refusal invalid",
    "0605"
  ) { Refusal.invalid(.ttl).encode(into: &$0) },
  .init(
    "command setEvent",
    "11000200420000006b3106000000080706050403020102016e020176010200806e87740100000278000000028403000002060000000102010200000000010001941100000000000001020000"
  ) { Command.event(.set(sampleEvent, sampleChange)).encode(key: "k1", into: &$0) },
  .init(
    "outcome termsSet",
    "0b0c00000000000000"
  ) { Outcome.termsSet(version: 12).encode(into: &$0) },
  .init(
    "command blockEvent",
    "120002001f0000006b3106000000080706050403020101010000000700000001000000010002000000"
  ) {
    let areas = [AreaCount(area: AreaIndex(1), count: 2)]
    Command.event(.block(sampleEvent, SeatBlock(isBlocked: true, seats: [SeatIndex(7)], areas: areas)))
      .encode(key: "k1", into: &$0)
  },
  .init(
    "outcome blocked",
    "0c0c0000000000000003000000"
  ) { Outcome.blocked(version: 12, changed: 3).encode(into: &$0) },
  .init(
    "command deleteEvent",
    "13000200030000006b31016501"
  ) { Command.event(.delete(id: "e", isForced: true)).encode(key: "k1", into: &$0) },
  .init(
    "outcome deleted",
    "0d"
  ) { Outcome.deleted.encode(into: &$0) },
  .init(
    "refusal eventInUse",
    "100200000003000000"
  ) { Refusal.eventInUse(holds: 2, orders: 3).encode(into: &$0) },
  .init(
    "refusal notOnSale",
    "07010068e5cf8b010000"
  ) { Refusal.notOnSale(at: 1_700_000_000_000).encode(into: &$0) },
  .init(
    "refusal notOnSale, paused",
    "0700"
  ) { Refusal.notOnSale(at: nil).encode(into: &$0) },
  .init(
    "refusal limitExceeded",
    "08020800000000000000"
  ) { Refusal.limitExceeded(.maxPerBuyer, limit: 8).encode(into: &$0) },
  .init(
    "refusal seatsTaken",
    "090200000000000200"
  ) { Refusal.seatsTaken([0, 2]).encode(into: &$0) },
  .init(
    "refusal soldOut",
    "0a010100"
  ) { Refusal.soldOut(.area(AreaIndex(1))).encode(into: &$0) },
  .init(
    "refusal holdExpired",
    "0b"
  ) { Refusal.holdExpired.encode(into: &$0) },
  .init(
    "refusal checkedOut",
    "0c030005000000090000000a004847464544434241"
  ) { Refusal.checkedOut(sampleOrder).encode(into: &$0) },
  .init(
    "refusal orderState",
    "0d03"
  ) { Refusal.orderState(.cancelled).encode(into: &$0) },
  .init(
    "refusal orderExpired",
    "0e"
  ) { Refusal.orderExpired.encode(into: &$0) },
  .init(
    "refusal keyReused",
    "0f"
  ) { Refusal.keyReused.encode(into: &$0) },
  .init(
    "refusal soldOut, a category",
    "0a020200"
  ) { Refusal.soldOut(.category(CategoryIndex(2))).encode(into: &$0) },
  .init(
    "refusal soldOut, the event",
    "0a000000"
  ) { Refusal.soldOut(.event).encode(into: &$0) },
  .init(
    "query event",
    "010165"
  ) { Query.event(id: "e").encode(into: &$0) },
  .init(
    "query seats",
    "020165"
  ) { Query.seats(id: "e").encode(into: &$0) },
  .init(
    "query seat",
    "03016507000000"
  ) { Query.seat(id: "e", SeatIndex(7)).encode(into: &$0) },
  .init(
    "query availability",
    "040165"
  ) { Query.availability(id: "e").encode(into: &$0) },
  .init(
    "query hold",
    "05030005000000090000000a003837363534333231"
  ) { Query.hold(sampleHold).encode(into: &$0) },
  .init(
    "query order",
    "06030005000000090000000a004847464544434241"
  ) { Query.order(sampleOrder).encode(into: &$0) },
  .init(
    "query terms",
    "0c0165"
  ) { Query.terms(id: "e").encode(into: &$0) },
  .init(
    "query events",
    "0701653200"
  ) { Query.events(after: "e", limit: 50).encode(into: &$0) },
  .init(
    "query subscribe",
    "080165"
  ) { Query.subscribe(id: "e").encode(into: &$0) },
  .init(
    "query unsubscribe",
    "090165"
  ) { Query.unsubscribe(id: "e").encode(into: &$0) },
  .init(
    "query orders",
    "0a01650103616e6e010200050000003200"
  ) {
    Query.orders(id: "e", OrderFilter(buyer: "ann", status: .confirmed, reference: nil), after: 5, limit: 50)
      .encode(into: &$0)
  },
  .init(
    "query holds",
    "0b016503616e6e050000003200"
  ) { Query.holds(id: "e", buyer: "ann", after: 5, limit: 50).encode(into: &$0) },
  .init(
    "answer orders",
    "0b01000000030005000000090000000a00484746454443424105b873e5cf8b010000d06fe5cf8b010000e86be5cf8b010000a023f3cf8b01000003722d31030005000000090000000a003837363534333231060000000807060504030201016503616e6e01000000070000000100000001000200000068100000000000006052e6cf8b0100000c000000000000000106000000"
  ) {
    Answer.orders(
      [orderInfo(.refunded(at: 1_700_000_003_000, confirmedAt: 1_700_000_002_000))], next: 6
    ).encode(into: &$0)
  },
  .init(
    "answer holds",
    "0c01000000030005000000090000000a003837363534333231060000000807060504030201016503616e6e01000000070000000100000001000200000068100000000000006052e6cf8b0100000c0000000000000000"
  ) { Answer.holds([heldInfo], next: nil).encode(into: &$0) },
  .init(
    "answer event",
    "01060000000807060504030201030000000000000000000000000000000001000000010000000200000003000000040000000100000005000000060000000700000000000000020165016e000000034555527800000078000000840300000000010000000163016400000000000000000000000000000000010000000153000100000002000000000000"
  ) {
    Answer.event(EventInfo(ref: sampleEvent, version: 3, definition: sampleDefinition, availability: sampleCounts))
      .encode(into: &$0)
  },
  .init(
    "answer seats",
    "020600000008070605040302010300000000000000040000002e687378"
  ) { Answer.seats(sampleEvent, version: 3, states: ".hsx").encode(into: &$0) },
  .init(
    "answer seat",
    "03730300000000000000"
  ) { Answer.seat(.sold, version: 3).encode(into: &$0) },
  .init(
    "answer availability",
    "040600000008070605040302010300000000000000000000000000000001000000010000000200000003000000040000000100000005000000060000000700000000000000"
  ) { Answer.availability(sampleEvent, version: 3, sampleCounts).encode(into: &$0) },
  .init(
    "answer hold",
    "05030005000000090000000a003837363534333231060000000807060504030201016503616e6e01000000070000000100000001000200000068100000000000006052e6cf8b0100000c00000000000000"
  ) { Answer.hold(heldInfo).encode(into: &$0) },
  .init(
    "answer order",
    "06030005000000090000000a00484746454443424104a023f3cf8b010000e86be5cf8b010000a023f3cf8b01000003722d31030005000000090000000a003837363534333231060000000807060504030201016503616e6e01000000070000000100000001000200000068100000000000006052e6cf8b0100000c00000000000000"
  ) { Answer.order(orderInfo(.expired(at: 1_700_000_900_000))).encode(into: &$0) },
  .init(
    "answer terms",
    "0d0600000008070605040302010300000000000000016e010176010068e5cf8b0100000100806e87740100007800000058020000840300000106000000010800000000010000000164000000000000000100000001d007000000000000"
  ) { Answer.terms(sampleEvent, version: 3, EventTerms(fullDefinition)).encode(into: &$0) },
  .init(
    "answer events",
    "07010000000165016e030000000000000001000000020000000300000004000000"
  ) {
    Answer.events([
      EventSummary(id: "e", name: "n", version: 3, counts: Counts(free: 1, held: 2, sold: 3, notForSale: 4))
    ]).encode(into: &$0)
  },
  .init(
    "answer subscribed",
    "080600000008070605040302010300000000000000000000000000000001000000010000000200000003000000040000000100000005000000060000000700000000000000020000002e68"
  ) { Answer.subscribed(sampleEvent, version: 3, states: ".h", sampleCounts).encode(into: &$0) },
  .init(
    "answer unsubscribed",
    "09"
  ) { Answer.unsubscribed.encode(into: &$0) },
  .init(
    "answer refused",
    "0a03"
  ) { Answer.refused(.noSuchHold).encode(into: &$0) },
  .init(
    "frame routerHello",
    "48460201030000000300000096bdf083010203"
  ) { WireFrame.encode(.routerHello, shard: ShardID(3), into: &$0) { $0.append(contentsOf: [1, 2, 3]) } },
  .init(
    "frame nodeHello",
    "484602020300000003000000c6c162d0010203"
  ) { WireFrame.encode(.nodeHello, shard: ShardID(3), into: &$0) { $0.append(contentsOf: [1, 2, 3]) } },
  .init(
    "frame requests",
    "484602030300000003000000f61513e1010203"
  ) { WireFrame.encode(.requests, shard: ShardID(3), into: &$0) { $0.append(contentsOf: [1, 2, 3]) } },
  .init(
    "frame replies",
    "48460204030000000300000066394677010203"
  ) { WireFrame.encode(.replies, shard: ShardID(3), into: &$0) { $0.append(contentsOf: [1, 2, 3]) } },
  .init(
    "frame feed",
    "48460205030000000300000056ed3746010203"
  ) { WireFrame.encode(.feed, shard: ShardID(3), into: &$0) { $0.append(contentsOf: [1, 2, 3]) } },
  .init(
    "frame peerHello",
    "4846020703000000030000003645d424010203"
  ) { WireFrame.encode(.peerHello, shard: ShardID(3), into: &$0) { $0.append(contentsOf: [1, 2, 3]) } },
  .init(
    "frame peerMessages",
    "484602080300000003000000d7bee33c010203"
  ) { WireFrame.encode(.peerMessages, shard: ShardID(3), into: &$0) { $0.append(contentsOf: [1, 2, 3]) } },
  .init(
    "frame adminRequest",
    "484602090300000003000000e76a920d010203"
  ) { WireFrame.encode(.adminRequest, shard: ShardID(3), into: &$0) { $0.append(contentsOf: [1, 2, 3]) } },
  .init(
    "frame adminReply",
    "4846020a0300000003000000b716005e010203"
  ) { WireFrame.encode(.adminReply, shard: ShardID(3), into: &$0) { $0.append(contentsOf: [1, 2, 3]) } },
  .init(
    "frame feedFresh",
    "484602060300000000000000203441b4"
  ) { WireFrame.encode(.feedFresh, shard: ShardID(3), into: &$0) { _ in } },
  .init(
    "router hello",
    "0100000000000000020000000000000003000000000000000400"
  ) { RouterHello(cluster: 1, router: 2, connection: 3, loop: 4).encode(into: &$0) },
  .init(
    "node hello",
    "026e3110000200"
  ) { NodeHello(node: "n1", shardCount: 16, loopCount: 2).encode(into: &$0) },
  .init(
    "request",
    "0700000001"
  ) { Request.encodeHeader(id: 7, what: .query, into: &$0) },
  .init(
    "reply, an outcome",
    "070000000009"
  ) { Reply.outcome(.noted).encode(id: 7, into: &$0) },
  .init(
    "reply, an answer",
    "070000000109"
  ) { Reply.answer(.unsubscribed).encode(id: 7, into: &$0) },
  .init(
    "reply, a failure",
    "070000000201"
  ) { Reply.failed(.notPrimary).encode(id: 7, into: &$0) },
  .init(
    "feed update",
    "06000000080706050403020103000000000000000400000000000000010000000700000068000000000000000001000000010000000200000003000000040000000100000005000000060000000700000000000000"
  ) {
    FeedUpdate(
      event: sampleEvent, fromVersion: 3, version: 4, seats: [SeatChange(seat: SeatIndex(7), state: .held)],
      availability: sampleCounts
    ).encode(into: &$0)
  },
  .init(
    "log frame records",
    "484c4f47020103000100000000000000040000000000000002000000640000003c000000070000000068e5cf8b01000003000000000000000900000000000000e78ab5b5a753032900000000000000002200928e"
  ) { sampleFrame(.records).encode(into: &$0) },
  .init(
    "log frame batch",
    "484c4f47020203000100000000000000040000000000000002000000640000003c000000070000000068e5cf8b010000030000000000000009000000000000005f6699722e491ca100000000000000000657ab15"
  ) { sampleFrame(.batch).encode(into: &$0) },
  .init(
    "log frame cut",
    "484c4f47020303000100000000000000040000000000000002000000640000003c000000070000000068e5cf8b01000003000000000000000900000000000000771d13727da631c400000000000000001b527119"
  ) { sampleFrame(.cut).encode(into: &$0) },
  .init(
    "log frame rebuilt",
    "484c4f47020403000100000000000000040000000000000002000000640000003c000000070000000068e5cf8b0100000300000000000000090000000000000011a73c05622b612a000000000000000023183b66"
  ) { sampleFrame(.rebuilt).encode(into: &$0) },
  .init(
    "message envelope",
    "0300010138000000000000000100000000000000020000000000000003000000000000000400000000000000050000000000000006000000000000000700000000000000"
  ) {
    ReplicaMessage.envelope(
      Envelope(epoch: 1, number: 2, stamp: 3, committed: 4, previous: 5, checkpoint: Checkpoint(index: 6, digest: 7))
    ).encode(shard: ShardID(3), into: &$0)
  },
  .init(
    "message acknowledgement",
    "0300020620000000000000000100000000000000020000000000000003000000000000000400000000000000"
  ) {
    ReplicaMessage.acknowledgement(Acknowledgement(epoch: 1, durable: 2, number: 3, end: 4, missing: true, full: true))
      .encode(shard: ShardID(3), into: &$0)
  },
  .init(
    "message map",
    "030003012e00000000000000090000000000000001000000000000000800000000000000026e310100000000000000026e320200000000000000"
  ) {
    ReplicaMessage.map(
      MapRegister(
        revision: 9, entry: MapEntry(epoch: 1, primary: sampleReplica(1), follower: sampleReplica(2), proposal: 8))
    ).encode(shard: ShardID(3), into: &$0)
  },
  .init(
    "message compare",
    "030004002100000000000000010000000000000001000000000000000400000000000000050000000000000004"
  ) { ReplicaMessage.compare(sampleEnd).encode(shard: ShardID(3), into: &$0) },
  .init(
    "message ends",
    "030005002100000000000000010000000000000001000000000000000400000000000000050000000000000004"
  ) { ReplicaMessage.ends(sampleEnd).encode(shard: ShardID(3), into: &$0) },
  .init(
    "message cleared",
    "0300060008000000000000000100000000000000"
  ) { ReplicaMessage.cleared(epoch: 1).encode(shard: ShardID(3), into: &$0) },
  .init(
    "message join",
    "030007002a00000000000000010000000000000001000100000000000000010000000000000004000000000000000500000000000000"
  ) {
    ReplicaMessage.join(
      JoinRequest(
        epoch: 1, table: [EpochEntry(epoch: 1, firstIndex: 1, lastIndex: 4, lastChain: 5)], wantsSnapshot: false)
    ).encode(shard: ShardID(3), into: &$0)
  },
  .init(
    "message joinAnswer",
    "03000800280000000000000001000000000000000200000000000000010000000000000004000000000000000500000000000000"
  ) {
    ReplicaMessage.joinAnswer(JoinAnswer(epoch: 1, number: 2, way: .cut(LogPosition(epoch: 1, index: 4, chain: 5))))
      .encode(shard: ShardID(3), into: &$0)
  },
  .init(
    "message goAlone",
    "0300090208000000000000000100000000000000"
  ) { ReplicaMessage.goAlone(epoch: 1, reason: .damaged).encode(shard: ShardID(3), into: &$0) },
  .init(
    "message resign",
    "03000a0008000000000000000100000000000000"
  ) { ReplicaMessage.resign(epoch: 1).encode(shard: ShardID(3), into: &$0) },
  .init(
    "message dispute",
    "03000b001800000000000000010000000000000006000000000000000700000000000000"
  ) { ReplicaMessage.dispute(epoch: 1, Checkpoint(index: 6, digest: 7)).encode(shard: ShardID(3), into: &$0) },
  .init(
    "message snapshotChunk",
    "03000c011c00000002000000010000000000000002000000000000000300000000000000020000000102"
  ) {
    ReplicaMessage.snapshotChunk(SnapshotChunk(epoch: 1, session: 2, offset: 3, byteCount: 2, isLast: true)).encode(
      shard: ShardID(3), into: &$0
    ) { $0.append(contentsOf: [1, 2]) }
  },
  .init(
    "message snapshotProgress",
    "03000d001800000000000000010000000000000002000000000000000300000000000000"
  ) {
    ReplicaMessage.snapshotProgress(SnapshotProgress(epoch: 1, session: 2, received: 3)).encode(
      shard: ShardID(3), into: &$0)
  },
  .init(
    "message ending",
    "03000e0108000000000000000100000000000000"
  ) { ReplicaMessage.ending(epoch: 1, isAnswer: true).encode(shard: ShardID(3), into: &$0) },
  .init(
    "admin request, status",
    "010100000003000400000000000000"
  ) { AdminRequest.status(digests: [.init(shard: ShardID(3), index: 4)]).encode(into: &$0) },
  .init(
    "admin request, drain",
    "0205000000010000000300"
  ) { AdminRequest.drain(shards: [ShardID(3)], deadline: 5).encode(into: &$0) },
  .init(
    "admin request, take over",
    "0305000000026e31010000000300"
  ) { AdminRequest.takeOver(dead: NodeName(Bytes("n1"))!, shards: [ShardID(3)], deadline: 5).encode(into: &$0) },
  .init(
    "admin request, accept loss",
    "0405000000010000000300"
  ) { AdminRequest.acceptLoss(shards: [ShardID(3)], deadline: 5).encode(into: &$0) },
  .init(
    "admin reply, status",
    "01026e31010000000000000002000000020001000000030003010000000000000002000000000000000300000000000000040000000000000001040000000000000005000000000000000172"
  ) { AdminReply.status(sampleStatus).encode(into: &$0) },
  .init(
    "admin reply, shards",
    "02010000000300030400000000000000026e6f"
  ) { AdminReply.shards([.init(shard: ShardID(3), result: .refused, epoch: 4, text: "no")]).encode(into: &$0) },
  .init(
    "admin reply, refused",
    "03026e6f"
  ) { AdminReply.refused("no").encode(into: &$0) },
]
