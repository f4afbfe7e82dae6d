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

/// Three seats in two rows that stand as one line, the other way round, with a gap behind the first.
let linedDefinition: EventDefinition = {
  func seat(_ label: Bytes) -> EventDefinition.Seat {
    .init(label: label, number: "1", category: CategoryIndex(0), x: 1, y: 2)
  }
  var definition = sampleDefinition
  definition.sections = [
    .init(
      name: "S",
      rows: .listed([.init(name: "A", seats: [seat("a"), seat("b")]), .init(name: "A", seats: [seat("c")])]),
      lines: [SeatLine(number: 4, rows: [1, 0], order: [2, 0, 1], gaps: [1])])
  ]
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
  node: NodeName(Bytes("n1"))!, cluster: 6, disk: 1, pid: 2, state: .up,
  replicas: [
    ReplicaStatus(
      shard: ShardID(3), role: .follower, epoch: 1, durableIndex: 2, committedIndex: 3, appliedIndex: 4,
      digest: .init(index: 4, value: 5), isStalled: true, reason: "r")
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
let samplePlace = PlaceID(shard: ShardID(3), slot: 6, round: 1, join: 9, secret: 0x5152_5354_5556_5758)
let sampleRoom = WaitingRoom(
  opensAt: 1_600_000_000_000, startsAt: 1_700_000_000_000, order: .fifo, admitPerMinute: 300, maxInside: 50,
  passTTL: 60, claimTTL: 30, leaveAfter: 20)
let sampleQueue = QueueInfo(
  event: sampleEvent, eventID: "e", state: .running, waiting: 1, called: 2, inside: 3, admitted: 4, nextPosition: 5,
  joined: 6, drawn: 7, recentPositions: 8, recentTime: 9, room: sampleRoom, startsAt: 1_700_000_000_000,
  commitment: "c", secret: "s", seed: "d", message: "m")
let samplePlaceInfo = PlaceInfo(
  place: samplePlace, buyer: "ann", state: .inside, position: 4, calledAt: 1_700_000_001_000,
  until: 1_700_000_060_000, queue: sampleQueue)
let sampleHoldCommand = Command.Hold(
  event: sampleEvent, ttl: 60, secret: 0x1112_1314_1516_1718, buyer: "ann", seats: [SeatIndex(7), SeatIndex(9)],
  areas: [AreaCount(area: AreaIndex(1), count: 2)])
let sampleBestCommand = Command.HoldBest(
  event: sampleEvent, ttl: 60, secret: 0x1112_1314_1516_1718, buyer: "ann", count: 4, category: CategoryIndex(2))
let sampleCommands: [Command] = [
  .passHold(samplePlace, sampleHoldCommand), .passHoldBest(samplePlace, sampleBestCommand),
  .onQueue(sampleEvent, .join(buyer: "ann")), .onQueue(sampleEvent, .control(QueueControl(action: .drain))),
  .onPlace(samplePlace, .claim), .onPlace(samplePlace, .leave),
  .event(.create(sampleDefinition, incarnation: 1)), .event(.set(sampleEvent, TermsChange())),
  .event(.block(sampleEvent, SeatBlock(isBlocked: true, seats: [SeatIndex(7)]))),
  .event(.delete(id: "e", isForced: false)),
  .hold(.init(event: sampleEvent, secret: 1, buyer: "ann", seats: [SeatIndex(0)])),
  .holdBest(.init(event: sampleEvent, secret: 1, buyer: "ann", count: 2)),
  .onHold(sampleHold, .release), .onHold(sampleHold, .extend(ttl: 1)),
  .onHold(sampleHold, .checkout(secret: 2, reference: "r")),
  .onOrder(sampleOrder, .confirm), .onOrder(sampleOrder, .cancel), .tick, .openEpoch(1),
]
