import Inventory
import Octets
import Proto
import TestKit
import Testing
import Time

/// A primary with a waiting room, as a value: the desk decides every 25 ms, buyers ask as their doors let them.
private final class Sale {
  let room: RoomBox
  var desk = QueueDesk()
  var clock = MonotonicTime(1_000)
  var places: [PlaceID] = []
  /// By join: when it was called.
  var calledAt: [UInt32: Stamp] = [:]
  /// Since somebody emptied it.
  var newlyCalled: [UInt32] = []

  init(_ terms: WaitingRoom, buyers: Int) throws {
    room = RoomBox(terms, opens: false)
    step(25)
    for number in 0..<buyers {
      let info = try room.joined(Bytes("buyer \(number)"))
      places.append(info.place)
      desk.saw(info.place, in: room.box.inventory, at: clock)
    }
  }

  /// Lets time go by, and logs what the desk decides.
  func step(_ milliseconds: Milliseconds) {
    clock = clock + milliseconds
    room.box.wait(milliseconds)
    for command in desk.decide(room.box.inventory, at: clock, secret: (1, 2, 3, 4)) {
      _ = room.box.inventory.apply(command)
      guard case .onQueue(_, .call(let calls)) = command else { continue }
      newlyCalled += calls.called
      for join in calls.called where calledAt[join] == nil { calledAt[join] = room.box.inventory.now }
    }
  }

  func see(_ place: PlaceID) { desk.saw(place, in: room.box.inventory, at: clock) }
  var called: Int { calledAt.count }
}

@Suite struct QueueDeskTests {
  @Test func aRoomOpensAndStartsByItself() throws {
    let sale = try Sale(WaitingRoom(startsAt: 1_005_000), buyers: 10)
    #expect(sale.room.info?.state == .open)
    for _ in 0..<190 { sale.step(25) }
    #expect(sale.room.info?.state == .open && sale.called == 0)
    for _ in 0..<40 { sale.step(25) }
    #expect(sale.room.info?.state == .running && sale.called > 0)
  }

  /// With half of the buyers gone, and a tenth who do not take their call, the rate stays within two percent of what
  /// was set, and smooth: in no second more than a call above it.
  @Test func theRateIsKeptWhoeverIsGone() throws {
    let rate: UInt32 = 600
    let sale = try Sale(WaitingRoom(admitPerMinute: rate, claimTTL: 20, leaveAfter: 10), buyers: 6_000)
    var random = SeededRandom(seed: 7)
    let isGone = sale.places.map { _ in random.next() % 2 == 0 }
    let sleeps = sale.places.map { _ in random.next() % 10 == 0 }
    // Who is gone was there for a while: the room begins when that is over.
    var claims = 0
    var claimsBefore = 0
    var seconds: [Int] = []
    for tick in 0..<(260 * 40) {
      sale.step(25)
      if tick % 120 == 0 {
        for (number, place) in sale.places.enumerated() where !isGone[number] {
          // Who fell asleep does not see the call, nor is seen any more.
          if !sleeps[number] || sale.calledAt[place.join] == nil { sale.see(place) }
        }
      }
      if tick % 8 == 0 {
        for join in sale.newlyCalled where !isGone[Int(join)] && !sleeps[Int(join)] {
          if case .place(let info) = sale.room.claim(sale.places[Int(join)]), info.state == .inside { claims += 1 }
        }
        sale.newlyCalled = []
      }
      if tick % 40 == 39 {
        seconds.append(claims - claimsBefore)
        claimsBefore = claims
      }
    }
    // The first minute has calls that nobody took yet: what is counted is the time from then on.
    let steady = seconds[60...]
    let perMinute = Double(steady.reduce(0, +)) * 60 / Double(steady.count)
    #expect(abs(perMinute - Double(rate)) / Double(rate) < 0.02, "\(perMinute) a minute")
    #expect(steady.allSatisfy { $0 <= Int(rate) / 60 + 6 }, "\(steady.max() ?? 0) in one second")
  }

  @Test func whoComesBackGetsTheNextCall() throws {
    let sale = try Sale(WaitingRoom(order: .fifo, admitPerMinute: 60, leaveAfter: 5), buyers: 40)
    for tick in 0..<(20 * 40) {
      sale.step(25)
      if tick % 40 == 0 { for place in sale.places[12...] { sale.see(place) } }
    }
    // The first few were called before they were missed, the rest of the twelve passed over.
    let missed = sale.places[..<12].filter { sale.room.state($0) == .passedOver && sale.calledAt[$0.join] == nil }
    let first = try #require(missed.first)
    let before = sale.called
    sale.see(first)
    while sale.called == before { sale.step(25) }
    #expect(sale.calledAt[first.join] != nil)
    #expect(sale.room.state(first) == .called)
  }

  @Test func nobodyIsCalledBeyondWhatIsInsideOrLeft() throws {
    let sale = try Sale(WaitingRoom(admitPerMinute: 60_000, maxInside: 7, claimTTL: 600), buyers: 30)
    for _ in 0..<200 { sale.step(25) }
    #expect(sale.called == 7)
    #expect((sale.room.info?.called, sale.room.info?.waiting) == (7, 23))
    // One goes, one comes.
    let place = sale.places[Int(try #require(sale.calledAt.keys.min()))]
    _ = sale.room.box.outcome(.onPlace(place, .leave))
    for _ in 0..<10 { sale.step(25) }
    #expect(sale.called == 8)
    // Nothing is left: forty seats are held.
    _ = sale.room.queue(.control(QueueControl(maxInside: .some(nil))))
    for number in 0..<40 {
      _ = sale.room.box.outcome(
        .event(.block(sale.room.box.event, SeatBlock(isBlocked: true, seats: seats(UInt32(number))))))
    }
    for _ in 0..<100 { sale.step(25) }
    #expect(sale.called == 8)
    _ = sale.room.box.outcome(.event(.block(sale.room.box.event, SeatBlock(isBlocked: false, seats: seats(3)))))
    for _ in 0..<10 { sale.step(25) }
    #expect(sale.called > 8)
  }

  @Test func aPauseStopsCallsAndNothingElse() throws {
    let sale = try Sale(WaitingRoom(admitPerMinute: 600), buyers: 100)
    for _ in 0..<40 { sale.step(25) }
    let before = sale.called
    #expect(before > 5)
    sale.room.queue(.control(QueueControl(action: .pause)))
    for _ in 0..<400 { sale.step(25) }
    #expect(sale.called == before)
    sale.room.queue(.control(QueueControl(action: .resume)))
    // What was not called meanwhile is not made up for.
    for _ in 0..<40 { sale.step(25) }
    #expect(sale.called - before <= 21)
  }

  /// Another replica takes over: it takes everybody for present, and nobody is called twice.
  @Test func afterAFailoverNobodyIsCalledTwiceAndNobodyIsForgotten() throws {
    let sale = try Sale(WaitingRoom(admitPerMinute: 6_000, claimTTL: 3_600), buyers: 300)
    var calls: [UInt32: Int] = [:]
    for tick in 0..<400 {
      if tick == 60 || tick == 120 { sale.desk = QueueDesk() }
      sale.clock = sale.clock + 25
      sale.room.box.wait(25)
      for command in sale.desk.decide(sale.room.box.inventory, at: sale.clock, secret: (5, 6, 7, 8)) {
        if case .onQueue(_, .call(let decided)) = command {
          for join in decided.called { calls[join, default: 0] += 1 }
        }
        _ = sale.room.box.inventory.apply(command)
      }
    }
    #expect(calls.count == 300 && calls.values.allSatisfy { $0 == 1 })
  }
}
