import Octets
import Proto

let goldenQueues: [GoldenBytesTests.Golden] = [
  .init(
    "command passHold",
    "22000200410000006b3103000600000009000000010058575655545352510600000008070605040302013c000000181716151413121103010200616e6e0700000009000000010002000000"
  ) {
    Command.passHold(samplePlace, sampleHoldCommand).encode(key: "k1", into: &$0)
  },
  .init(
    "command passHoldBest",
    "23000200370000006b3103000600000009000000010058575655545352510600000008070605040302013c00000018171615141312110400000001020003616e6e"
  ) {
    Command.passHoldBest(samplePlace, sampleBestCommand).encode(key: "k1", into: &$0)
  },
  .init(
    "command joinQueue",
    "50000200100000006b3106000000080706050403020103616e6e"
  ) {
    Command.onQueue(sampleEvent, .join(buyer: "ann")).encode(key: "k1", into: &$0)
  },
  .init(
    "command controlQueue",
    "51000200170000006b3106000000080706050403020104012c010000010001016d"
  ) {
    let control = QueueControl(action: .reset, admitPerMinute: 300, maxInside: .some(nil), message: "m")
    Command.onQueue(sampleEvent, .control(control)).encode(key: "k1", into: &$0)
  },
  .init(
    "command openQueue",
    "520000004c00000006000000080706050403020101010101010101010101010101010101010101010101010101010101010101010202020202020202020202020202020202020202020202020202020202020202"
  ) {
    let (secret, key) = (Bytes([UInt8](repeating: 1, count: 32)), Bytes([UInt8](repeating: 2, count: 32)))
    Command.onQueue(sampleEvent, .open(secret: secret, placeKey: key)).encode(into: &$0)
  },
  .init(
    "command callQueue",
    "5300000024000000060000000807060504030201070000000200000005000000060000000100000004000000"
  ) {
    let calls = QueueCalls(nextPosition: 7, called: [5, 6], passedOver: [4])
    Command.onQueue(sampleEvent, .call(calls)).encode(into: &$0)
  },
  .init(
    "command claimPlace",
    "60000200140000006b310300060000000900000001005857565554535251"
  ) { Command.onPlace(samplePlace, .claim).encode(key: "k1", into: &$0) },
  .init(
    "command leavePlace",
    "61000200140000006b310300060000000900000001005857565554535251"
  ) { Command.onPlace(samplePlace, .leave).encode(key: "k1", into: &$0) },
  .init(
    "definition with a waiting room",
    "020165016e0000000345555278000000780000008403000000000100000001630164000000000000000000000000000000000100000001530001000000020000000000020100806e8774010000010068e5cf8b010000012c01000001320000003c0000001e00000014000000"
  ) {
    var definition = sampleDefinition
    definition.waitingRoom = sampleRoom
    definition.encode(into: &$0)
  },
  .init(
    "terms with a waiting room",
    "016e00000078000000780000008403000000000301000000016400000000000000000000000100806e8774010000010068e5cf8b010000012c01000001320000003c0000001e00000014000000"
  ) {
    var terms = EventTerms(sampleDefinition)
    (terms.waitingRoom, terms.isPaused) = (sampleRoom, true)
    terms.encode(into: &$0)
  },
  .init(
    "change of a waiting room",
    "1100000037000000060000000807060504030201000000000000000000000000000201020068e5cf8b0100000200022c010000023200000000000214000000"
  ) {
    var (change, room) = (TermsChange(), WaitingRoomChange())
    (room.opensAt, room.startsAt, room.order) = (.remove, .set(1_700_000_000_000), .shuffle)
    (room.admitPerMinute, room.maxInside, room.leaveAfter) = (300, .set(50), 20)
    change.waitingRoom = .set(room)
    Command.event(.set(sampleEvent, change)).encode(into: &$0)
  },
  .init(
    "outcome place",
    "0e030006000000090000000100585756555453525103616e6e02010400000001e86be5cf8b010000016052e6cf8b010000060000000807060504030201016502010000000200000003000000040000000500000006000000070000000800000009000000000000000100806e8774010000010068e5cf8b010000012c01000001320000003c0000001e00000014000000010068e5cf8b010000016301730164016d"
  ) { Outcome.place(samplePlaceInfo).encode(into: &$0) },
  .init(
    "outcome queue",
    "0f060000000807060504030201016502010000000200000003000000040000000500000006000000070000000800000009000000000000000100806e8774010000010068e5cf8b010000012c01000001320000003c0000001e00000014000000010068e5cf8b010000016301730164016d"
  ) { Outcome.queue(sampleQueue).encode(into: &$0) },
  .init(
    "outcome placeGivenUp",
    "10"
  ) { Outcome.placeGivenUp.encode(into: &$0) },
  .init(
    "refusal noWaitingRoom",
    "12"
  ) { Refusal.noWaitingRoom.encode(into: &$0) },
  .init(
    "refusal queueClosed",
    "13010068e5cf8b010000"
  ) { Refusal.queueClosed(opensAt: 1_700_000_000_000).encode(into: &$0) },
  .init(
    "refusal noSuchPlace",
    "14"
  ) { Refusal.noSuchPlace.encode(into: &$0) },
  .init(
    "refusal placeLeft",
    "15"
  ) { Refusal.placeLeft.encode(into: &$0) },
  .init(
    "refusal passRequired",
    "16"
  ) { Refusal.passRequired.encode(into: &$0) },
  .init(
    "refusal passExpired",
    "17"
  ) { Refusal.passExpired.encode(into: &$0) },
  .init(
    "refusal passForeign",
    "18"
  ) { Refusal.passForeign.encode(into: &$0) },
  .init(
    "query queue",
    "0d0165"
  ) { Query.queue(id: "e").encode(into: &$0) },
  .init(
    "query place",
    "0e0300060000000900000001005857565554535251"
  ) { Query.place(samplePlace).encode(into: &$0) },
  .init(
    "answer queue",
    "0f060000000807060504030201016502010000000200000003000000040000000500000006000000070000000800000009000000000000000100806e8774010000010068e5cf8b010000012c01000001320000003c0000001e00000014000000010068e5cf8b010000016301730164016d"
  ) { Answer.queue(sampleQueue).encode(into: &$0) },
  .init(
    "answer place",
    "10030006000000090000000100585756555453525103616e6e02010400000001e86be5cf8b010000016052e6cf8b010000060000000807060504030201016502010000000200000003000000040000000500000006000000070000000800000009000000000000000100806e8774010000010068e5cf8b010000012c01000001320000003c0000001e00000014000000010068e5cf8b010000016301730164016d"
  ) { Answer.place(samplePlaceInfo).encode(into: &$0) },
]
