import Proto

/// What holding named seats and places asks of the plan alone.
extension EventLayout {
  /// 422 for empty, unknown or repeated seats and areas.
  @inline(__always) func checkSeats(_ hold: borrowing HoldView) -> Refusal? {
    if hold.seatCount + hold.areaCount == 0 { return .invalid(.seats) }
    let seatCount = seatCount
    for place in 0..<hold.seatCount where Int(hold.seat(place).rawValue) >= seatCount { return .invalid(.seats) }
    if hold.seatCount > 1, Self.repeatsSeat(hold) { return .invalid(.seats) }
    if hold.areaCount > 0, Self.hasBadArea(hold, areaCount: definition.areas.count) { return .invalid(.areas) }
    return nil
  }

  private static func repeatsSeat(_ hold: borrowing HoldView) -> Bool {
    if hold.seatCount > 32 {
      var sorted: [UInt32] = []
      sorted.reserveCapacity(hold.seatCount)
      for place in 0..<hold.seatCount { sorted.append(hold.seat(place).rawValue) }
      sorted.sort()
      for place in 1..<sorted.count where sorted[place] == sorted[place - 1] { return true }
      return false
    }
    for place in 1..<hold.seatCount {
      for other in 0..<place where hold.seat(place) == hold.seat(other) { return true }
    }
    return false
  }

  private static func hasBadArea(_ hold: borrowing HoldView, areaCount: Int) -> Bool {
    for place in 0..<hold.areaCount {
      let area = hold.area(place)
      if Int(area.area.rawValue) >= areaCount || area.count == 0 { return true }
      for other in 0..<place where hold.area(other).area == area.area { return true }
    }
    return false
  }

  /// Minor units; nil: more than an Int64 can say.
  @inline(__always) func total(_ hold: borrowing HoldView) -> Int64? {
    // 65,535 seats at the highest price fit.
    var total: Int64 = 0
    for place in 0..<hold.seatCount { total += price(of: hold.seat(place).rawValue) }
    for place in 0..<hold.areaCount {
      let area = hold.area(place)
      let price = areaPrices[Int(area.area.rawValue)]
      let (product, isTooLarge) = price.multipliedReportingOverflow(by: Int64(area.count))
      let (sum, isTooMuch) = total.addingReportingOverflow(product)
      if isTooLarge || isTooMuch { return nil }
      total = sum
    }
    return total
  }
}

extension EventState {
  /// Takes all that is asked for and steps the version, or nothing: then it says every seat that is not free, else the
  /// first area that has too few places.
  ///
  /// One call changes all that the hot path changes of an event: each access from outside checks anew whether pages are
  /// shared.
  @inline(__always) mutating func take(
    _ hold: borrowing HoldView, for slot: UInt32, _ digest: inout UInt64
  ) -> Refusal? {
    var lostCount = 0
    for place in 0..<hold.seatCount where seats[Int(hold.seat(place).rawValue)] != Seat.free { lostCount += 1 }
    if lostCount > 0 { return .seatsTaken(lost(hold, count: lostCount)) }
    for place in 0..<hold.areaCount {
      let area = hold.area(place)
      if areas[Int(area.area.rawValue)].free < area.count { return .soldOut(.area(area.area)) }
    }
    for place in 0..<hold.seatCount { take(hold.seat(place).rawValue, for: slot, &digest) }
    for place in 0..<hold.areaCount { move(hold.area(place), from: .free, to: .held, &digest) }
    return nil
  }

  private mutating func lost(_ hold: borrowing HoldView, count: Int) -> [Refusal.LostSeat] {
    var lost: [Refusal.LostSeat] = []
    lost.reserveCapacity(count)
    for place in 0..<hold.seatCount {
      let word = seats[Int(hold.seat(place).rawValue)]
      if word != Seat.free { lost.append(Refusal.LostSeat(UInt16(place), Seat.state(word))) }
    }
    return lost
  }
}

extension CellStore {
  /// The chain of places in one area.
  mutating func store(_ places: AreaCount) -> Reference {
    var chain = begin(header: Inventory.Contents.header(seats: 0, areas: 1))
    put(UInt32(places.area.rawValue), to: &chain)
    put(places.count, to: &chain)
    return chain.first
  }

  /// The chain of a hold's seats and areas.
  mutating func store(_ hold: borrowing HoldView) -> Reference {
    var chain = begin(header: Inventory.Contents.header(seats: hold.seatCount, areas: hold.areaCount))
    for place in 0..<hold.seatCount { put(hold.seat(place).rawValue, to: &chain) }
    for place in 0..<hold.areaCount {
      put(UInt32(hold.area(place).area.rawValue), to: &chain)
      put(hold.area(place).count, to: &chain)
    }
    return chain.first
  }
}
