import Octets
import Proto

let goldenCommands: [GoldenBytesTests.Golden] = [
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
    "definition with lines",
    "020165016e00000003455552780000007800000084030000000001000000016301640000000000000000000000000000000001000000015302020000000141020000000161013100000000803f000000400162013100000000803f00000040014101000000"
      + "0163013100000000803f00000040010000000400000002000000010000000000000001020000000000000001000000010000000100000000"
  ) { linedDefinition.encode(into: &$0) },
  .init(
    "command setEvent",
    "11000200420000006b3106000000080706050403020102016e020176010200806e87740100000278000000028403000002060000000102010200000000010001941100000000000001020000"
  ) { Command.event(.set(sampleEvent, sampleChange)).encode(key: "k1", into: &$0) },
  .init(
    "command blockEvent",
    "120002001f0000006b3106000000080706050403020101010000000700000001000000010002000000"
  ) {
    let areas = [AreaCount(area: AreaIndex(1), count: 2)]
    Command.event(.block(sampleEvent, SeatBlock(isBlocked: true, seats: [SeatIndex(7)], areas: areas)))
      .encode(key: "k1", into: &$0)
  },
  .init(
    "command deleteEvent",
    "13000200030000006b31016501"
  ) { Command.event(.delete(id: "e", isForced: true)).encode(key: "k1", into: &$0) },
]
