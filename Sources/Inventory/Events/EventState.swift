import Octets
import Proto
import Time

/// An event as far as it changes.
struct EventState: Sendable {
  /// A seat's word: its state in the top two bits, the slot of its hold in the others; 0: free.
  enum Seat {
    static let free: UInt32 = 0
    static func held(_ slot: UInt32) -> UInt32 { 1 << 30 | slot }
    static func sold(_ slot: UInt32) -> UInt32 { 2 << 30 | slot }
    /// Not for sale, because its category has no price, because it was taken off sale by itself, or both.
    static let unpriced: UInt32 = 3 << 30 | 1
    static let blocked: UInt32 = 3 << 30 | 2
    /// The characters of the four states, that of `free` in the lowest byte.
    static let characters: UInt32 =
      UInt32(SeatState.notForSale.rawValue) << 24 | UInt32(SeatState.sold.rawValue) << 16
      | UInt32(SeatState.held.rawValue) << 8 | UInt32(SeatState.free.rawValue)
    @inline(__always) static func state(_ word: UInt32) -> SeatState {
      switch word >> 30 {
      case 0: .free
      case 1: .held
      case 2: .sold
      default: .notForSale
      }
    }
  }

  /// Whether the event is there.
  enum Life: UInt8, Sendable {
    /// The slot is nobody's.
    case free = 0
    case living = 1
    /// Nobody can find it; what is left of it is being cleared away.
    case deleted = 2
  }

  // What every hold looks at stands first.
  var layout: EventLayout
  var sale: SaleTerms
  let slot: UInt32
  /// Holds that are not checked out.
  var holdCount: UInt32 = 0
  let incarnation: UInt64
  /// Odd: what one step of the version adds to the digest.
  let versionTerm: UInt64
  var version: UInt64 = 0
  var seats: PagedArray<UInt32>
  /// Free seats by row, and by the layout's zones.
  var rowFree: PagedArray<UInt32>
  var zoneFree: [UInt32]
  var categories: [Counts]
  var areas: [Counts]
  /// The numbers of its orders, in the order of their checkouts. Follows from the orders: neither in the digest nor in
  /// snapshots.
  var orders = PagedArray<UInt32>()

  /// Not replicated: buyers' seats and places are counted, because there is a limit for them or was one.
  private(set) var countsBuyers: Bool

  /// Not replicated: what the next search for best seats may build on.
  var best = BestCache()
  /// Not replicated: how many watch, what they were told last, and what changed since.
  var watchers = 0
  var toldVersion: UInt64 = 0
  var changedSeats: [UInt32] = []
  /// Not replicated: watchers must ask for all seats again, because too many changed at once.
  var wasForgotten = false

  private(set) var life = Life.living
  /// What its creation added to the digest.
  var creation: UInt64 = 0
  /// When it was deleted; 0: it was not.
  private(set) var deletedAt: Stamp = .zero
  /// Keys of its slot that are older are an earlier event's.
  var createdAt: Stamp = .zero
  /// Orders that are pending or confirmed.
  var orderCount: UInt32 = 0
  /// The version when the terms changed last; 0: they never did.
  var termsVersion: UInt64 = 0
  /// Seats whose being blocked differs from the event's creation.
  var toggled = 0
  /// Places of each area that are off sale by themselves; empty: none ever was.
  var blockedAreas: [UInt32] = []
  /// Prices that were asked for before, oldest first.
  var formerPrices: [FormerPrice] = []
  /// What terms that changed and former prices add to the digest.
  var termsTerm: UInt64 = 0

  var ref: EventRef { EventRef(slot: EventSlot(slot), incarnation: incarnation) }
  var id: Bytes { layout.definition.id }

  /// A new event: all that is for sale is free. Its version is 0 until it is stepped.
  init(_ layout: EventLayout, slot: UInt32, incarnation: UInt64) {
    self.layout = layout
    sale = layout.sale
    countsBuyers = layout.maxPerBuyer != nil
    self.slot = slot
    self.incarnation = incarnation
    versionTerm = mix64(incarnation ^ UInt64(slot)) | 1
    seats = PagedArray(repeating: Seat.free, count: layout.seatCount)
    rowFree = PagedArray(repeating: 0, count: layout.rowCount)
    zoneFree = Array(repeating: 0, count: layout.zones.count)
    categories = Array(repeating: Counts(), count: layout.definition.categories.count)
    areas = layout.definition.areas.map {
      $0.price == nil ? Counts(notForSale: $0.capacity) : Counts(free: $0.capacity)
    }
    for section in layout.sections { open(section) }
    for seat in layout.definition.notForSale { close(seat.rawValue) }
  }

  /// The same new event in another slot.
  init(_ other: EventState, slot: UInt32) {
    (layout, sale, incarnation, self.slot) = (other.layout, other.sale, other.incarnation, slot)
    countsBuyers = other.countsBuyers
    versionTerm = mix64(incarnation ^ UInt64(slot)) | 1
    (seats, rowFree, zoneFree) = (other.seats, other.rowFree, other.zoneFree)
    (categories, areas) = (other.categories, other.areas)
  }

  /// False: they are counted already.
  mutating func beginCountingBuyers() -> Bool {
    defer { (countsBuyers, sale.isPlain) = (true, false) }
    return !countsBuyers
  }

  /// A grid at once: a million rows of one seat each are not looked at one by one.
  private mutating func open(_ section: EventLayout.Section) {
    guard section.gridLength > 0, let first = section.rows.first else {
      for row in section.rows { open(row) }
      return
    }
    let category = Int(layout.rows[first].category)
    let total = UInt32(section.rows.count * section.gridLength)
    guard layout.definition.categories[category].price != nil else {
      let last = section.rows.upperBound - 1
      seats.fill(
        layout.seats(ofRow: first).lowerBound..<layout.seats(ofRow: last).upperBound, with: Seat.unpriced)
      categories[category].notForSale += total
      return
    }
    rowFree.fill(section.rows, with: UInt32(section.gridLength))
    zoneFree[Int(layout.rows[first].zone)] += total
    categories[category].free += total
  }

  private mutating func open(_ row: Int) {
    let range = layout.seats(ofRow: row)
    if layout.rows[row].category != EventLayout.mixed {
      let category = Int(layout.rows[row].category)
      if layout.definition.categories[category].price != nil {
        rowFree[row] = UInt32(range.count)
        zoneFree[Int(layout.rows[row].zone)] += UInt32(range.count)
        categories[category].free += UInt32(range.count)
        return
      }
    }
    for seat in range {
      let category = layout.category(of: UInt32(seat), row: row)
      if layout.definition.categories[category].price == nil {
        seats[seat] = Seat.unpriced
        categories[category].notForSale += 1
      } else {
        rowFree[row] += 1
        zoneFree[layout.zone(of: category, row: row)] += 1
        categories[category].free += 1
      }
    }
  }

  private mutating func close(_ seat: UInt32) {
    guard seats[Int(seat)] == Seat.free else {
      seats[Int(seat)] |= Seat.blocked
      return
    }
    let row = layout.row(of: seat)
    let category = layout.category(of: seat, row: row)
    seats[Int(seat)] = Seat.blocked
    rowFree[row] -= 1
    zoneFree[layout.zone(of: category, row: row)] -= 1
    categories[category].free -= 1
    categories[category].notForSale += 1
  }

  /// Stands where an event is not.
  static let placeholder = EventState(
    EventLayout(.empty), slot: .max, incarnation: 0)

  // MARK: Changing

  @inline(__always) func seatTerm(_ seat: UInt32, _ word: UInt32) -> UInt64 {
    word == Seat.free ? 0 : term(.seat, UInt64(slot) << 32 | UInt64(seat), UInt64(word))
  }

  /// Takes a seat for a hold if it is free and its row is of one category; its price, or nil: nothing has changed. The
  /// hot path: each thing is looked up once.
  @inline(__always) mutating func takeIfFree(_ seat: UInt32, for hold: UInt32, _ digest: inout UInt64) -> Int64? {
    guard let (row, zone, category, price) = layout.simpleSeat(seat) else { return nil }
    let word = Seat.held(hold)
    guard seats.exchange(Seat.free, for: word, at: Int(seat)) else { return nil }
    digest &+= seatTerm(seat, word)
    rowFree[row] -= 1
    zoneFree[zone] -= 1
    categories[category].take()
    note(seat, row: row)
    return price
  }

  /// Takes places of an area if so many are free; their price, or nil: nothing has changed.
  @inline(__always) mutating func takeIfFree(_ places: AreaCount, _ digest: inout UInt64) -> Int64? {
    let index = Int(places.area.rawValue)
    guard index < areas.count, places.count > 0, areas[index].free >= places.count else { return nil }
    let (total, isTooLarge) = layout.areaPrices[index].multipliedReportingOverflow(by: Int64(places.count))
    if isTooLarge { return nil }
    move(places, from: .free, to: .held, &digest)
    return total
  }

  /// Takes a free seat for a hold.
  @inline(__always) mutating func take(_ seat: UInt32, for hold: UInt32, _ digest: inout UInt64) {
    precondition(seats[Int(seat)] == Seat.free, "who takes a seat has seen that it is free")
    let word = Seat.held(hold)
    seats[Int(seat)] = word
    digest &+= seatTerm(seat, word)
    let row = layout.row(of: seat)
    let category = layout.category(of: seat, row: row)
    rowFree[row] -= 1
    zoneFree[layout.zone(of: category, row: row)] -= 1
    categories[category].take()
    note(seat, row: row)
  }

  /// Sells a seat that this hold has.
  mutating func sell(_ seat: UInt32, of hold: UInt32, _ digest: inout UInt64) {
    precondition(seats[Int(seat)] == Seat.held(hold), "a hold's seats are its own")
    digest &-= seatTerm(seat, Seat.held(hold))
    seats[Int(seat)] = Seat.sold(hold)
    digest &+= seatTerm(seat, Seat.sold(hold))
    let category = layout.category(of: seat, row: layout.row(of: seat))
    categories[category].held -= 1
    categories[category].sold += 1
    if watchers > 0 { changedSeats.append(seat) }
  }

  /// Frees a seat that this hold has, or, if `isSold`, has bought.
  mutating func give(_ seat: UInt32, of hold: UInt32, isSold: Bool, _ digest: inout UInt64) {
    let word = isSold ? Seat.sold(hold) : Seat.held(hold)
    precondition(seats[Int(seat)] == word, "a hold's seats are its own")
    digest &-= seatTerm(seat, word)
    let row = layout.row(of: seat)
    let category = layout.category(of: seat, row: row)
    if layout.isPriced[category] {
      seats[Int(seat)] = Seat.free
      rowFree[row] += 1
      zoneFree[layout.zone(of: category, row: row)] += 1
      categories[category].free += 1
    } else {
      seats[Int(seat)] = Seat.unpriced
      categories[category].notForSale += 1
    }
    if isSold { categories[category].sold -= 1 } else { categories[category].held -= 1 }
    note(seat, row: row)
  }

  @inline(__always) mutating func note(_ seat: UInt32, row: Int) {
    if best.isInUse { best.note(layout.line(ofRow: row)) }
    if watchers > 0 { changedSeats.append(seat) }
  }

  private func areaTerm(_ area: AreaIndex, _ counts: Counts) -> UInt64 {
    term(.area, UInt64(slot) << 16 | UInt64(area.rawValue), UInt64(counts.held), UInt64(counts.sold))
  }

  /// Frees places of an area that were held or sold.
  mutating func give(_ places: AreaCount, isSold: Bool, _ digest: inout UInt64) {
    let isPriced = layout.definition.areas[Int(places.area.rawValue)].price != nil
    move(places, from: isSold ? .sold : .held, to: isPriced ? .free : .notForSale, &digest)
  }

  /// Moves places between an area's counts: free → held (`take`), held → sold, held or sold → free.
  mutating func move(
    _ places: AreaCount, from: SeatState, to: SeatState, _ digest: inout UInt64
  ) {
    let index = Int(places.area.rawValue)
    digest &-= areaTerm(places.area, areas[index])
    areas[index].change(from, by: 0 &- places.count)
    areas[index].change(to, by: places.count)
    digest &+= areaTerm(places.area, areas[index])
  }

  /// Every change of the event is one step of its version.
  @inline(__always) mutating func step(_ digest: inout UInt64) -> (version: UInt64, isWatched: Bool) {
    version += 1
    digest &+= versionTerm
    return (version, watchers > 0)
  }

  /// Sets the version that a snapshot says.
  mutating func set(version: UInt64, _ digest: inout UInt64) {
    digest &+= versionTerm &* (version &- self.version)
    self.version = version
  }

  /// From now on nobody finds it.
  mutating func delete(at stamp: Stamp) {
    (life, deletedAt, sale.isPlain) = (.deleted, stamp, false)
    orders = PagedArray()
  }

  /// What a slot holds that is nobody's.
  static func cleared(_ slot: UInt32) -> EventState {
    var event = EventState(placeholder, slot: slot)
    event.life = .free
    event.sale.isPlain = false
    return event
  }

  /// What its being deleted adds to the digest.
  var deletionTerm: UInt64 {
    life == .deleted ? term(.event, UInt64(slot), UInt64(bitPattern: deletedAt.rawValue), 1) : 0
  }

  /// What the event adds to the digest before anything of it changed. `version` counts apart.
  var creationTerm: UInt64 {
    let definition = layout.definition
    var hash = stableHash(definition.id.rawSpan, seed: incarnation)
    hash = mix64(hash ^ UInt64(layout.seatCount) << 32 ^ UInt64(layout.rowCount))
    for category in definition.categories { hash = mix64(hash ^ UInt64(bitPattern: category.price ?? -1)) }
    for area in definition.areas {
      hash = mix64(hash ^ UInt64(area.capacity) ^ UInt64(bitPattern: area.price ?? -1) << 20)
    }
    for seat in definition.notForSale { hash = mix64(hash ^ UInt64(seat.rawValue)) }
    return areas.indices.reduce(term(.event, UInt64(slot), hash)) {
      $0 &+ areaTerm(AreaIndex(UInt16($1)), Counts())
    }
  }

  /// Seats and places; at most what a count can say.
  var total: Counts {
    var sum = Counts()
    for counts in [categories, areas].joined() {
      sum.free = sum.free.addingSaturated(counts.free)
      sum.held = sum.held.addingSaturated(counts.held)
      sum.sold = sum.sold.addingSaturated(counts.sold)
      sum.notForSale = sum.notForSale.addingSaturated(counts.notForSale)
    }
    return sum
  }

  var availability: Availability { Availability(categories: categories, areas: areas, terms: termsVersion) }

  /// One byte a seat.
  var states: Bytes {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(layout.seatCount)
    appendStates(0..<layout.seatCount, to: &bytes)
    return Bytes(bytes)
  }

  /// Appends those of some seats.
  func appendStates(_ range: Range<Int>, to bytes: inout [UInt8]) {
    seats.forEachPage(of: range) { words in
      // Branches would cost more than all the rest: the four states are four bytes of one word.
      bytes.append(contentsOf: words.map { UInt8(truncatingIfNeeded: Seat.characters >> ($0 >> 30 &* 8)) })
    }
  }
}

extension Counts {
  @inline(__always) fileprivate mutating func take() {
    free -= 1
    held += 1
  }

  /// Adds to one of the counts, around the clock: what is subtracted was there.
  fileprivate mutating func change(_ state: SeatState, by count: UInt32) {
    switch state {
    case .free: free &+= count
    case .held: held &+= count
    case .sold: sold &+= count
    case .notForSale: notForSale &+= count
    }
  }
}

extension UInt32 {
  fileprivate func addingSaturated(_ other: UInt32) -> UInt32 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
