import Octets
import Proto

let goldenOutcomes: [GoldenBytesTests.Golden] = [
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
    "outcome termsSet",
    "0b0c00000000000000"
  ) { Outcome.termsSet(version: 12).encode(into: &$0) },
  .init(
    "outcome blocked",
    "0c0c0000000000000003000000"
  ) { Outcome.blocked(version: 12, changed: 3).encode(into: &$0) },
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
  ) { Refusal.seatsTaken([.init(0, nil), .init(2, nil)]).encode(into: &$0) },
  .init(
    "refusal seatsTakenWithStates",
    "1102000000000068020078"
  ) { Refusal.seatsTaken([.init(0, .held), .init(2, .notForSale)]).encode(into: &$0) },
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
]
