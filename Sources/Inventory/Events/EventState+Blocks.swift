import Octets
import Proto

/// Seats and places that are taken off sale by themselves, and put back.
extension EventState {
  /// 422 for what the event does not have, 409 for what somebody has.
  func refusal(of block: SeatBlock) -> Refusal? {
    if block.seats.isEmpty && block.areas.isEmpty { return .invalid(.seats) }
    if block.seats.contains(where: { Int($0.rawValue) >= layout.seatCount }) { return .invalid(.seats) }
    if Set(block.seats).count < block.seats.count { return .invalid(.seats) }
    if block.areas.contains(where: { Int($0.area.rawValue) >= areas.count || $0.count == 0 }) {
      return .invalid(.areas)
    }
    if Set(block.areas.map(\.area.rawValue)).count < block.areas.count { return .invalid(.areas) }
    // What is not for sale is put back without a question of who has it: nobody has.
    guard block.isBlocked else {
      for area in block.areas where blockedPlaces(area.area) < area.count {
        return .limitExceeded(.blockedPlaces, limit: Int64(blockedPlaces(area.area)))
      }
      return nil
    }
    let taken = block.seats.indices.filter { isTaken(block.seats[$0]) }
    if !taken.isEmpty {
      return .seatsTaken(
        taken.map { place in
          let word = seats[Int(block.seats[place].rawValue)]
          return Refusal.LostSeat(UInt16(truncatingIfNeeded: place), Seat.state(word))
        })
    }
    for area in block.areas where vacantPlaces(area.area) < area.count { return .soldOut(.area(area.area)) }
    return nil
  }

  /// What of it is not so already.
  func changes(of block: SeatBlock) -> SeatBlock {
    var changes = block
    changes.seats.removeAll { isTaken($0) || isBlocked($0.rawValue) == block.isBlocked }
    return changes
  }

  /// Carries out changes that were found by `changes(of:)`.
  mutating func apply(_ block: SeatBlock, _ digest: inout UInt64) {
    for seat in block.seats { toggle(seat.rawValue, &digest) }
    for area in block.areas { move(area, isBlocked: block.isBlocked, &digest) }
  }

  private func isTaken(_ seat: SeatIndex) -> Bool { [1, 2].contains(seats[Int(seat.rawValue)] >> 30) }

  func blockedPlaces(_ area: AreaIndex) -> UInt32 {
    blockedAreas.isEmpty ? 0 : blockedAreas[Int(area.rawValue)]
  }

  /// Places that nobody has and that are not blocked, whether they have a price or not.
  private func vacantPlaces(_ area: AreaIndex) -> UInt32 {
    areas[Int(area.rawValue)].free + areas[Int(area.rawValue)].notForSale - blockedPlaces(area)
  }

  /// Blocks a seat that is vacant, or puts it back.
  private mutating func toggle(_ seat: UInt32, _ digest: inout UInt64) {
    let row = layout.row(of: seat)
    let category = layout.category(of: seat, row: row)
    let word = seats[Int(seat)]
    let wasFree = word == Seat.free
    seats[Int(seat)] =
      wasFree
      ? Seat.blocked
      : word == Seat.blocked ? Seat.free : word == Seat.unpriced ? Seat.unpriced | Seat.blocked : Seat.unpriced
    if wasFree != (seats[Int(seat)] == Seat.free) {
      let step: UInt32 = wasFree ? 0 &- 1 : 1
      rowFree[row] &+= step
      zoneFree[layout.zone(of: category, row: row)] &+= step
      categories[category].free &+= step
      categories[category].notForSale &-= step
    }
    // The digest knows what differs from the event's creation.
    let differs = isBlocked(seat) != isClosedAtFirst(seat)
    toggled = differs ? toggled + 1 : toggled - 1
    if differs { digest &+= blockTerm(seat) } else { digest &-= blockTerm(seat) }
    note(seat, row: row)
  }

  private func blockTerm(_ seat: UInt32) -> UInt64 { term(.block, UInt64(slot) << 32 | UInt64(seat)) }

  /// Whether the seat was created not for sale.
  private func isClosedAtFirst(_ seat: UInt32) -> Bool {
    let closed = layout.definition.notForSale
    var (low, high) = (0, closed.count)
    while low < high {
      let middle = (low + high) / 2
      if closed[middle].rawValue < seat { low = middle + 1 } else { high = middle }
    }
    return low < closed.count && closed[low].rawValue == seat
  }

  /// Blocks places that nobody has, or puts them back.
  private mutating func move(_ places: AreaCount, isBlocked: Bool, _ digest: inout UInt64) {
    let index = Int(places.area.rawValue)
    if blockedAreas.isEmpty { blockedAreas = Array(repeating: 0, count: areas.count) }
    digest &-= blockTerm(places.area)
    if isBlocked { blockedAreas[index] += places.count } else { blockedAreas[index] -= places.count }
    digest &+= blockTerm(places.area)
    // Without a price all vacant places are not for sale anyway.
    guard layout.definition.areas[index].price != nil else { return }
    if isBlocked {
      areas[index].free -= places.count
      areas[index].notForSale += places.count
    } else {
      areas[index].free += places.count
      areas[index].notForSale -= places.count
    }
  }

  private func blockTerm(_ area: AreaIndex) -> UInt64 {
    let count = blockedAreas[Int(area.rawValue)]
    return count == 0 ? 0 : term(.block, UInt64(slot) << 16 | UInt64(area.rawValue), UInt64(count))
  }

  /// Takes all blocks off the digest.
  func forgetBlocks(_ digest: inout UInt64) {
    if toggled > 0 {
      for seat in 0..<UInt32(layout.seatCount) where isBlocked(seat) != isClosedAtFirst(seat) {
        digest &-= blockTerm(seat)
      }
    }
    for area in blockedAreas.indices { digest &-= blockTerm(AreaIndex(UInt16(area))) }
  }

  // MARK: In snapshots

  /// Layout: the seats that are not as they were created (`u32` count, `u32` each, ascending), then for each area with
  /// blocked places `u16` and `u32`, behind a `u32` count.
  func encodeBlocks(into out: inout [UInt8]) {
    out.put(UInt32(toggled))
    if toggled > 0 {
      for seat in 0..<UInt32(layout.seatCount)
      where isBlocked(seat) != isClosedAtFirst(seat) {
        out.put(seat)
      }
    }
    let blocked = blockedAreas.indices.filter { blockedAreas[$0] > 0 }
    out.put(UInt32(blocked.count))
    for area in blocked {
      out.put(UInt16(area))
      out.put(blockedAreas[area])
    }
  }

  /// Reads what `encodeBlocks` wrote, of an event of which nothing is held yet.
  mutating func takeBlocks(_ reader: inout ByteReader, _ digest: inout UInt64) throws(DecodeError) {
    var last: UInt32?
    for _ in 0..<(try reader.count(limit: layout.seatCount, field: "blocked seats")) {
      let seat = try reader.u32()
      guard Int(seat) < layout.seatCount, last.map({ $0 < seat }) ?? true else { throw .invalid(field: "blocked seat") }
      last = seat
      toggle(seat, &digest)
    }
    for _ in 0..<(try reader.count(limit: areas.count, field: "blocked areas")) {
      let places = AreaCount(area: AreaIndex(try reader.u16()), count: try reader.u32())
      guard Int(places.area.rawValue) < areas.count, places.count > 0, blockedPlaces(places.area) == 0,
        vacantPlaces(places.area) >= places.count
      else { throw .invalid(field: "blocked area") }
      move(places, isBlocked: true, &digest)
    }
  }
}
