import Inventory
import Octets
import Proto
import TestKit
import Testing
import Time

/// A hall with a waiting room, and short words for its queue.
final class RoomBox {
  let box: Box
  static let key = Bytes([UInt8](repeating: 7, count: 32))
  static let secret = Bytes([UInt8](repeating: 9, count: 32))

  init(_ room: WaitingRoom = WaitingRoom(startsAt: 2_000_000), opens: Bool = true) {
    var definition = hall()
    definition.waitingRoom = room
    box = Box(definition)
    if opens { open() }
  }

  func open() { _ = queue(.open(secret: Self.secret, placeKey: Self.key)) }

  @discardableResult func queue(_ command: QueueCommand) -> Applied {
    box.inventory.apply(.onQueue(box.event, command))
  }

  func joined(_ buyer: Bytes) throws -> PlaceInfo {
    let outcome = queue(.join(buyer: buyer)).outcome
    guard case .place(let info) = outcome else { throw Unexpected(outcome: outcome) }
    return info
  }

  /// Time goes on, and the primary notes it.
  func note(at stamp: Stamp) {
    _ = box.advance(to: stamp)
    call([], next: 0)
  }

  func call(_ joins: [UInt32], over: [UInt32] = [], next: UInt32) {
    queue(.call(QueueCalls(nextPosition: next, called: joins, passedOver: over)))
  }

  func place(_ id: PlaceID) -> Answer { box.inventory.answer(.place(id)) }
  func state(_ id: PlaceID) -> PlaceState? {
    if case .place(let info) = place(id) { return info.state }
    return nil
  }
  func claim(_ id: PlaceID) -> Outcome { box.inventory.apply(.onPlace(id, .claim)).outcome }
  var info: QueueInfo? {
    guard case .queue(let info) = box.inventory.answer(.queue(id: "hall")) else { return nil }
    return info
  }

  func hold(_ pass: PlaceID?, _ seat: UInt32, buyer: Bytes) -> Outcome {
    box.secret += 1
    let hold = Command.Hold(event: box.event, secret: box.secret, buyer: buyer, seats: seats(seat))
    return box.inventory.apply(pass.map { .passHold($0, hold) } ?? .hold(hold)).outcome
  }
}

@Suite struct RoomTests {
  @Test func theSameBuyerGetsTheSamePlace() throws {
    let room = RoomBox()
    let ann = try room.joined("ann")
    let bob = try room.joined("bob")
    #expect(ann.place != bob.place && ann.place.secret != bob.place.secret)
    #expect((ann.state, ann.position) == (.waiting, nil))
    let again = room.queue(.join(buyer: "ann"))
    #expect(again.outcome == .place(try room.joined("ann")) && !again.mustLog)
    #expect(try room.joined("ann").place == ann.place)
    #expect(room.info?.waiting == 2)
    #expect(room.state(ann.place) == .waiting)
    // Given up, it is gone; a new one stands at the end.
    #expect(room.box.outcome(.onPlace(ann.place, .leave)) == .placeGivenUp)
    #expect(room.box.outcome(.onPlace(ann.place, .leave)) == .placeGivenUp)
    #expect(room.place(ann.place) == .refused(.placeLeft))
    #expect(room.claim(ann.place) == .refused(.placeLeft))
    #expect(try room.joined("ann").place.join == 2)
  }

  @Test func nobodyJoinsWhatIsNotOpenOrIsThere() throws {
    let room = RoomBox(WaitingRoom(opensAt: 5_000_000), opens: false)
    #expect(room.queue(.join(buyer: "ann")).outcome == .refused(.queueClosed(opensAt: 5_000_000)))
    #expect(room.info?.state == .closed && room.info?.commitment.isEmpty == true)
    room.open()
    let ann = try room.joined("ann").place
    #expect(room.queue(.control(QueueControl(action: .drain))).outcome == .queue(try #require(room.info)))
    #expect(room.queue(.join(buyer: "bob")).outcome == .refused(.queueClosed(opensAt: nil)))
    #expect(try room.joined("ann").place == ann)
    let box = Box()
    #expect(box.outcome(.onQueue(box.event, .join(buyer: "ann"))) == .refused(.noWaitingRoom))
    #expect(box.inventory.answer(.queue(id: "hall")) == .refused(.noWaitingRoom))
    #expect(box.inventory.answer(.queue(id: "other")) == .refused(.noSuchEvent))
  }

  @Test func anIDIsNotGuessed() throws {
    let room = RoomBox()
    let ann = try room.joined("ann").place
    var guess = ann
    guess.secret ^= 1
    #expect(room.place(guess) == .refused(.noSuchPlace))
    #expect(room.claim(guess) == .refused(.noSuchPlace))
    guess = ann
    guess.sequence += 1
    #expect(room.place(guess) == .refused(.noSuchPlace))
    guess.slot = 9
    #expect(room.place(guess) == .refused(.noSuchPlace))
    #expect(PlaceID(text: Bytes(ann.description).rawSpan) == ann)
  }

  @Test func theEarlyAreDrawnAndTheOthersStandBehind() throws {
    let room = RoomBox()
    let early = try (0..<50).map { try room.joined(Bytes("early\($0)")).place }
    #expect(room.info?.seed.isEmpty == true && room.info?.commitment.count == 32)
    room.note(at: 1_999_999)
    #expect(room.info?.state == .open)
    room.note(at: 2_000_000)
    #expect(room.info?.state == .running && room.info?.drawn == 50 && room.info?.seed.count == 32)
    let late = try (0..<5).map { try room.joined(Bytes("late\($0)")) }
    #expect(late.map(\.position) == [50, 51, 52, 53, 54])
    let positions = early.compactMap { id -> UInt32? in
      guard case .place(let info) = room.place(id) else { return nil }
      return info.position
    }
    #expect(positions.sorted() == Array(0..<50) && positions != Array(0..<50))
    // First come, first served needs no draw.
    let fifo = RoomBox(WaitingRoom(startsAt: 2_000_000, order: .fifo))
    #expect(try (0..<5).map { try fifo.joined(Bytes("\($0)")).position } == [0, 1, 2, 3, 4])
    fifo.note(at: 2_000_000)
    #expect(fifo.info?.drawn == 0 && fifo.info?.state == .running)
  }

  @Test func aHoldNeedsAPassOfItsBuyer() throws {
    let room = RoomBox(WaitingRoom(order: .fifo, passTTL: 60))
    let ann = try room.joined("ann").place
    let bob = try room.joined("bob").place
    room.call([0, 1], next: 2)
    #expect(room.hold(nil, 0, buyer: "ann") == .refused(.passRequired))
    #expect(room.hold(ann, 0, buyer: "ann") == .refused(.passExpired), "not claimed yet")
    guard case .place(let inside) = room.claim(ann) else { return #expect(Bool(false)) }
    #expect(inside.state == .inside && inside.until == room.box.inventory.now + 60_000)
    #expect(room.claim(ann) == .place(inside))
    #expect(room.hold(ann, 0, buyer: "bob") == .refused(.passForeign))
    #expect(room.hold(bob, 0, buyer: "bob") == .refused(.passExpired))
    var forged = ann
    forged.secret = 1
    #expect(room.hold(forged, 0, buyer: "ann") == .refused(.passForeign))
    guard case .held = room.hold(ann, 0, buyer: "ann") else { return #expect(Bool(false)) }
    #expect((room.info?.inside, room.info?.called, room.info?.admitted) == (1, 1, 1))
    _ = room.box.advance(to: room.box.inventory.now + 59_999)
    guard case .held = room.hold(ann, 1, buyer: "ann") else { return #expect(Bool(false)) }
    _ = room.box.advance(to: room.box.inventory.now + 1)
    #expect(room.hold(ann, 2, buyer: "ann") == .refused(.passExpired))
    #expect(room.place(ann) == .refused(.placeLeft))
    // Without its room the event is for everybody.
    var change = TermsChange()
    change.waitingRoom = .remove
    guard case .termsSet = room.box.outcome(.event(.set(room.box.event, change))) else {
      return #expect(Bool(false))
    }
    guard case .held = room.hold(nil, 2, buyer: "eve") else { return #expect(Bool(false)) }
    #expect(room.place(bob) == .refused(.noSuchPlace))
  }

  @Test func whoDoesNotTakeTheCallIsPassedOverAndCalledAgain() throws {
    let room = RoomBox(WaitingRoom(order: .fifo, claimTTL: 30))
    let ann = try room.joined("ann").place
    let bob = try room.joined("bob").place
    room.call([0], over: [1], next: 2)
    #expect((room.state(ann), room.state(bob)) == (.called, .passedOver))
    #expect((room.info?.waiting, room.info?.called) == (1, 1))
    let time = room.box.inventory.now
    room.note(at: time + 29_999)
    #expect(room.state(ann) == .called)
    _ = room.box.advance(to: time + 30_000)
    // Before any record says so.
    #expect(room.state(ann) == .passedOver)
    room.note(at: time + 30_000)
    #expect((room.state(ann), room.info?.called) == (.passedOver, 0))
    room.call([0, 1], next: 2)
    #expect((room.state(ann), room.state(bob)) == (.called, .called))
    guard case .place(let info) = room.claim(bob) else { return #expect(Bool(false)) }
    #expect(info.state == .inside)
  }

  @Test func aResetSendsEverybodyAway() throws {
    let room = RoomBox(WaitingRoom(order: .fifo))
    let ann = try room.joined("ann").place
    let before = room.info?.commitment
    room.call([0], next: 1)
    room.queue(.control(QueueControl(action: .reset)))
    #expect(room.info?.state == .closed && room.info?.joined == 0)
    #expect(room.place(ann) == .refused(.placeLeft))
    room.queue(.open(secret: Bytes([UInt8](repeating: 1, count: 32)), placeKey: RoomBox.key))
    #expect(room.info?.commitment != before)
    #expect(room.place(ann) == .refused(.placeLeft))
    #expect(try room.joined("ann").place.round == 1)
  }

  @Test func anOperatorChangesTheRate() throws {
    let room = RoomBox()
    let control = QueueControl(admitPerMinute: 30, maxInside: .some(5), message: "soon")
    guard case .queue(let info) = room.queue(.control(control)).outcome else { return #expect(Bool(false)) }
    #expect((info.room.admitPerMinute, info.room.maxInside, info.message) == (30, 5, "soon"))
    #expect(info.room.startsAt == 2_000_000)
    room.queue(.control(QueueControl(maxInside: .some(nil), message: "")))
    #expect((room.info?.room.maxInside, room.info?.message) == (nil, ""))
    #expect(room.info?.room.admitPerMinute == 30)
    let tooMuch = QueueControl(admitPerMinute: WaitingRoom.admitPerMinuteMax + 1)
    #expect(room.queue(.control(tooMuch)).outcome == .refused(.invalid(.terms)))
    room.queue(.control(QueueControl(action: .pause)))
    #expect(room.info?.state == .paused)
    room.queue(.control(QueueControl(action: .resume)))
    #expect(room.info?.state == .open)
  }

  @Test func whatTheRoomHasIsInTheSnapshotAndInTheDigest() throws {
    var random = SeededRandom(seed: 20_261_129)
    for round in 0..<20 {
      let room = RoomBox(WaitingRoom(startsAt: 1_003_000, order: round % 2 == 0 ? .shuffle : .fifo, claimTTL: 5))
      var places: [PlaceID] = []
      for step in 0..<120 {
        switch random.next() % 8 {
        case 0...3: places.append(try room.joined(Bytes("buyer \(random.next() % 90) of a long name")).place)
        case 4:
          let joined = UInt64(room.info?.joined ?? 0)
          let joins = (0..<3).map { _ in UInt32(random.next() % (joined + 1)) }
          room.call([joins[0], joins[1]], over: [joins[2]], next: UInt32(step / 4))
        case 5: if let place = places.randomElement(using: &random) { _ = room.claim(place) }
        case 6:
          if let place = places.randomElement(using: &random) { _ = room.box.outcome(.onPlace(place, .leave)) }
        default: room.note(at: room.box.inventory.now + Milliseconds(Int64(random.next() % 900)))
        }
        if step % 40 == 39 { room.queue(.control(QueueControl(message: Bytes("\(step)")))) }
      }
      let inventory = room.box.inventory
      let restored = try Inventory(snapshot: inventory.snapshot(), shard: shard)
      #expect(restored.digest == inventory.digest)
      #expect(restored.snapshot() == inventory.snapshot())
      #expect(restored.answer(.queue(id: "hall")) == inventory.answer(.queue(id: "hall")))
      for place in places { #expect(restored.answer(.place(place)) == inventory.answer(.place(place))) }
      // What is deleted leaves nothing in the digest but itself.
      var deleted = restored
      _ = deleted.apply(.event(.delete(id: "hall", isForced: true)))
      #expect(deleted.answer(.queue(id: "hall")) == .refused(.noSuchEvent))
    }
  }

  @Test func aPlaceTakesFortyBytes() throws {
    let room = RoomBox()
    let before = room.box.inventory.stats.bytes
    let count = 200_000
    for number in 0..<count { _ = room.queue(.join(buyer: Bytes("buyer-\(number)"))) }
    let bytes = Double(room.box.inventory.stats.bytes - before) / Double(count)
    #expect(bytes <= 40, "\(bytes)")
    // The start is one record, however many there are.
    room.note(at: 2_000_000)
    #expect(room.info?.drawn == UInt32(count))
  }
}
