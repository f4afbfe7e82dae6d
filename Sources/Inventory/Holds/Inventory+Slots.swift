import Octets
import Proto
import Time

/// The life of a slot: allocated, filled, given back, freed; and what it adds to the digest.
extension Inventory {
  // MARK: Slots

  /// What `allocate` will give.
  @inline(__always) var nextSlot: UInt32 { holds.freeHead == HoldSlab.none ? UInt32(holds.count) : holds.freeHead }

  /// A slot for a new hold. The caller has seen that there is room.
  @inline(__always) mutating func allocate() -> UInt32 {
    let slot = holds.freeHead
    if slot == HoldSlab.none { return holds.grow() }
    holds.freeHead = holds[slot].detail
    digest &-= term(.free, UInt64(slot), UInt64(holds.freeHead))
    return slot
  }

  /// Puts a slot at the head of the free list. Its terms must be off the digest.
  mutating func free(_ slot: UInt32) {
    var record = HoldRecord()
    record.detail = holds.freeHead
    holds[slot] = record
    digest &+= term(.free, UInt64(slot), UInt64(holds.freeHead))
    holds.freeHead = slot
  }

  // MARK: The digest's terms

  /// What a slot's changing part adds, an order's own record included.
  @inline(__always) func stateTerm(_ slot: UInt32, _ record: HoldRecord) -> UInt64 {
    let head = UInt64(slot) | UInt64(record.status.rawValue) << 32
    if record.status.isOrder {
      return term(
        .hold, head, record.sequence, record.secret, UInt64(bitPattern: record.deadline.rawValue), 0,
        UInt64(record.event))
        &+ orderTerm(record.slack)
    }
    return term(
      .hold, head, record.sequence, record.secret, UInt64(bitPattern: record.deadline.rawValue), UInt64(record.slack),
      UInt64(record.event))
  }

  /// What buyer, seats and areas add: they never change while they are there.
  @inline(__always) func contentTerm(_ slot: UInt32, _ record: HoldRecord) -> UInt64 {
    var buyer = record.buyer.word
    if record.buyer.form == PackedText.chained {
      buyer = cells.hash(UInt32(truncatingIfNeeded: buyer), wordCount: CellStore.words(ofText:))
    }
    var detail = UInt64(record.detail)
    if !record.detailIsSeat { detail = cells.hash(record.detail, wordCount: Contents.words(header:)) }
    return term(.content, UInt64(slot), record.sequence, buyer, UInt64(record.buyer.form), detail, UInt64(record.event))
  }

  // MARK: Seats, areas, buyers

  /// The header of a chain of seats and areas: `seats: u16, areas: u8`. Then follow a word for each seat and two for
  /// each area.
  enum Contents {
    static func header(seats: Int, areas: Int) -> UInt32 { UInt32(seats) | UInt32(areas) << 16 }
    static func seats(_ header: UInt32) -> Int { Int(header & 0xFFFF) }
    static func areas(_ header: UInt32) -> Int { Int(header >> 16) }
    static func words(header: UInt32) -> Int { seats(header) + 2 * areas(header) }
  }

  func seatsAndAreas(_ record: HoldRecord) -> (seats: [SeatIndex], areas: [AreaCount]) {
    if record.detailIsSeat { return ([SeatIndex(record.detail)], []) }
    var (header, cursor) = cells.open(record.detail)
    var seats: [SeatIndex] = []
    seats.reserveCapacity(Contents.seats(header))
    for _ in 0..<Contents.seats(header) { seats.append(SeatIndex(cells.next(&cursor))) }
    var areas: [AreaCount] = []
    for _ in 0..<Contents.areas(header) {
      let area = AreaIndex(UInt16(truncatingIfNeeded: cells.next(&cursor)))
      areas.append(AreaCount(area: area, count: cells.next(&cursor)))
    }
    return (seats, areas)
  }

  /// Minor units. It did not overflow when the hold was made.
  func total(_ record: HoldRecord) -> Int64 {
    let layout = events[record.event].layout
    let (seats, areas) = seatsAndAreas(record)
    var total: Int64 = 0
    guard let former = events[record.event].prices(before: record.sequence) else {
      for seat in seats { total += layout.price(of: seat.rawValue) }
      for area in areas { total += layout.areaPrices[Int(area.area.rawValue)] * Int64(area.count) }
      return total
    }
    for seat in seats {
      total += former.categories[layout.category(of: seat.rawValue, row: layout.row(of: seat.rawValue))]
    }
    for area in areas { total += former.areas[Int(area.area.rawValue)] * Int64(area.count) }
    return total
  }

  /// Seats and places of a hold or order.
  func unitCount(_ record: HoldRecord) -> UInt32 {
    if record.detailIsSeat { return 1 }
    let (seats, areas) = seatsAndAreas(record)
    return areas.reduce(UInt32(seats.count)) { $0 + $1.count }
  }

  /// Puts a living hold's or order's seats and places on sale again and takes them off its buyer's count.
  mutating func giveBack(_ slot: UInt32, _ record: HoldRecord) {
    let isSold = record.status == .sold
    let event = record.event
    var count: UInt32 = 1
    if record.detailIsSeat {
      events[event].give(record.detail, of: slot, isSold: isSold, &digest)
    } else {
      var (header, cursor) = cells.open(record.detail)
      count = UInt32(Contents.seats(header))
      for _ in 0..<Contents.seats(header) {
        events[event].give(cells.next(&cursor), of: slot, isSold: isSold, &digest)
      }
      for _ in 0..<Contents.areas(header) {
        let area = AreaIndex(UInt16(truncatingIfNeeded: cells.next(&cursor)))
        let places = AreaCount(area: area, count: cells.next(&cursor))
        count += places.count
        events[event].give(places, isSold: isSold, &digest)
      }
    }
    if events[event].countsBuyers {
      let buyer = cells.unpack(record.buyer)
      buyers.subtract(count, event, buyer.rawSpan, &cells)
    }
  }

  /// Frees what a record keeps in the cells.
  mutating func forgetContent(_ record: HoldRecord) {
    cells.free(record.buyer)
    if !record.detailIsSeat { cells.free(record.detail) }
  }

  /// As `stepVersion`, of the hot event.
  @inline(__always) mutating func stepHotVersion() -> UInt64 {
    let (version, isWatched) = events.hot.step(&digest)
    if isWatched, events.hot.toldVersion == version - 1 { changedEvents.append(events.hotSlot) }
    return version
  }

  /// The event has changed: its version grows, and who watches it will hear.
  @discardableResult @inline(__always) mutating func stepVersion(_ event: UInt32) -> UInt64 {
    let (version, isWatched) = events[event].step(&digest)
    // What changed before is not told yet: then the event is on the list.
    if isWatched, events[event].toldVersion == version - 1 { changedEvents.append(event) }
    return version
  }
}
