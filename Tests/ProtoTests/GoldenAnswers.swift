import Octets
import Proto

let goldenAnswers: [GoldenBytesTests.Golden] = [
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
    "0e020000000165016e010176010068e5cf8b0100000300000000000000010000000200000003000000040000000166000000030000000000000000000000000000000000000000000000"
  ) {
    Answer.events([
      EventSummary(
        id: "e", name: "n", venue: "v", startsAt: 1_700_000_000_000, version: 3,
        counts: Counts(free: 1, held: 2, sold: 3, notForSale: 4)),
      EventSummary(id: "f", name: "", version: 3, counts: Counts()),
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
]
