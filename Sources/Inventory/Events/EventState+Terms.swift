import Octets
import Proto

/// A price as it was before it changed: what is held or ordered keeps its price.
struct FormerPrice: Equatable, Sendable {
  /// Holds whose sequence number is below this one, and not below that of an earlier entry of the same item, were made
  /// at this price.
  var until: UInt64
  /// A category's number, or an area's.
  var item: Item
  /// Minor units; 0 where there was none.
  var price: Int64

  enum Item: Equatable, Sendable {
    case category(UInt16)
    case area(UInt16)
  }

  /// Changes of prices that an event remembers, but for those that take a price away.
  static let countMax = 10_000
  /// Those included: between two removals of one price it is set once.
  static let storedMax = countMax + EventDefinition.Limit.categories + EventDefinition.Limit.areas

  /// Layout: `until: u64`, `isArea: u8`, `item: u16`, `price: i64`.
  func encode(into out: inout [UInt8]) {
    out.put(until)
    switch item {
    case .category(let number):
      out.append(0)
      out.put(number)
    case .area(let number):
      out.append(1)
      out.put(number)
    }
    out.put(price)
  }

  init(until: UInt64, item: Item, price: Int64) { (self.until, self.item, self.price) = (until, item, price) }

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    until = try reader.u64()
    let isArea = try reader.u8()
    let number = try reader.u16()
    guard isArea <= 1 else { throw .invalid(field: "former price") }
    item = isArea == 1 ? .area(number) : .category(number)
    price = try reader.i64()
    guard (0...maxPrice).contains(price) else { throw .invalid(field: "former price") }
  }
}

/// Terms that change while the event is on sale.
extension EventState {
  var terms: EventTerms { layout.terms ?? EventTerms(layout.definition) }

  /// Whether the seat was taken off sale by itself.
  func isBlocked(_ seat: UInt32) -> Bool { seats[Int(seat)] >> 30 == 3 && seats[Int(seat)] & 2 != 0 }

  /// What a hold of this sequence number was asked to pay, by category and by area; nil: the prices of now.
  func prices(before sequence: UInt64) -> (categories: [Int64], areas: [Int64])? {
    guard let last = formerPrices.last, sequence < last.until else { return nil }
    var (categories, areas) = (layout.prices, layout.areaPrices)
    // From the newest back: the oldest that is still ahead of the hold counts.
    for former in formerPrices.reversed() {
      if former.until <= sequence { break }
      switch former.item {
      case .category(let number): categories[Int(number)] = former.price
      case .area(let number): areas[Int(number)] = former.price
      }
    }
    return (categories, areas)
  }

  /// The former prices that these terms would leave, or nil: there would be too many.
  ///
  /// - Parameters:
  ///   - sequence: what the next hold's id gets.
  ///   - isForRemovals: no price is set, some are taken away: that is always possible.
  func formerPrices(
    after terms: EventTerms, before sequence: UInt64, isForRemovals: Bool
  ) -> [FormerPrice]? {
    var former = formerPrices
    func note(_ item: FormerPrice.Item, _ old: Int64, _ new: Int64) {
      // Nothing was held at a price that was changed again at once.
      let isKept = former.contains { $0.item == item && $0.until == sequence }
      if old != new, !isKept { former.append(FormerPrice(until: sequence, item: item, price: old)) }
    }
    for (place, price) in terms.categoryPrices.enumerated() {
      note(.category(UInt16(place)), layout.prices[place], price ?? 0)
    }
    for (place, price) in terms.areaPrices.enumerated() {
      note(.area(UInt16(place)), layout.areaPrices[place], price ?? 0)
    }
    return former.count > FormerPrice.countMax && !isForRemovals ? nil : former
  }

  /// Takes everything off the digest that changed since the creation, of an event of which nothing is held.
  mutating func forgetChanges(_ digest: inout UInt64) {
    set(version: 0, &digest)
    digest &-= termsTerm
    forgetBlocks(&digest)
  }

  /// Takes over other terms, which fit the event.
  ///
  /// - Parameter version: the event's, after this change.
  mutating func adopt(
    _ terms: EventTerms, _ formerPrices: [FormerPrice], version: UInt64, _ digest: inout UInt64
  ) {
    let before = layout
    layout = EventLayout(layout, terms)
    sale = layout.sale
    // A limit that was taken away may come back: counting goes on, which the one-seat path does not do.
    if countsBuyers { sale.isPlain = false }
    (termsVersion, self.formerPrices) = (version, formerPrices)
    for category in categories.indices where layout.isPriced[category] != before.isPriced[category] {
      reprice(category)
    }
    for area in areas.indices where (terms.areaPrices[area] == nil) != (before.definition.areas[area].price == nil) {
      reprice(area: area)
    }
    digest &-= termsTerm
    var encoded: [UInt8] = []
    encodeTerms(into: &encoded)
    termsTerm = term(.terms, UInt64(slot), stableHash(encoded.rawSpan, seed: incarnation))
    digest &+= termsTerm
  }

  /// The category got a price or lost it: its free seats follow, and so do those that lacked nothing but a price.
  private mutating func reprice(_ category: Int) {
    let isPriced = layout.isPriced[category]
    let (from, to) = isPriced ? (Seat.unpriced, Seat.free) : (Seat.free, Seat.unpriced)
    let (blockedFrom, blockedTo) =
      isPriced ? (Seat.unpriced | Seat.blocked, Seat.blocked) : (Seat.blocked, Seat.unpriced | Seat.blocked)
    for row in 0..<layout.rowCount {
      let isMixed = layout.rows[row].category == EventLayout.mixed
      guard isMixed || Int(layout.rows[row].category) == category else { continue }
      var moved: UInt32 = 0
      for seat in layout.seats(ofRow: row) {
        if isMixed, layout.category(of: UInt32(seat), row: row) != category { continue }
        let word = seats[seat]
        if word == from {
          seats[seat] = to
          moved += 1
        } else if word == blockedFrom {
          seats[seat] = blockedTo
        }
      }
      guard moved > 0 else { continue }
      let zone = layout.zone(of: category, row: row)
      if isPriced {
        rowFree[row] += moved
        zoneFree[zone] += moved
        categories[category].free += moved
        categories[category].notForSale -= moved
      } else {
        rowFree[row] -= moved
        zoneFree[zone] -= moved
        categories[category].free -= moved
        categories[category].notForSale += moved
      }
    }
    forgetSeats()
  }

  /// As above, of an area's places.
  private mutating func reprice(area: Int) {
    if layout.definition.areas[area].price == nil {
      areas[area].notForSale += areas[area].free
      areas[area].free = 0
    } else {
      let blocked = blockedPlaces(AreaIndex(UInt16(area)))
      areas[area].free = areas[area].notForSale - blocked
      areas[area].notForSale = blocked
    }
  }

  /// So many seats may have changed that nobody is told each: searches begin anew, and routers ask for the map again.
  private mutating func forgetSeats() {
    best = BestCache()
    askAgain()
  }

  /// Watchers must ask for the event again.
  mutating func askAgain() {
    changedSeats = []
    wasForgotten = watchers > 0
  }

  /// Takes a seat for a hold that a snapshot says. False: it is not free for it.
  mutating func putBack(_ seat: UInt32, for hold: UInt32, _ digest: inout UInt64) -> Bool {
    // A hold outlives its category's price.
    guard seats[Int(seat)] == Seat.unpriced else {
      guard seats[Int(seat)] == Seat.free else { return false }
      take(seat, for: hold, &digest)
      return true
    }
    let category = layout.category(of: seat, row: layout.row(of: seat))
    seats[Int(seat)] = Seat.held(hold)
    digest &+= seatTerm(seat, Seat.held(hold))
    categories[category].notForSale -= 1
    categories[category].held += 1
    return true
  }

  /// As above, of places that are held or sold.
  mutating func putBack(_ places: AreaCount, isSold: Bool, _ digest: inout UInt64) -> Bool {
    let index = Int(places.area.rawValue)
    let isPriced = layout.definition.areas[index].price != nil
    let vacant = isPriced ? areas[index].free : areas[index].notForSale - blockedPlaces(places.area)
    guard vacant >= places.count else { return false }
    move(places, from: isPriced ? .free : .notForSale, to: isSold ? .sold : .held, &digest)
    return true
  }

  func encodeTerms(into out: inout [UInt8]) {
    guard let terms = layout.terms else {
      out.append(0)
      return
    }
    out.append(1)
    out.put(termsVersion)
    terms.encode(into: &out)
    out.put(UInt32(formerPrices.count))
    for former in formerPrices { former.encode(into: &out) }
  }

  /// Reads what `encodeTerms` wrote, and takes it over if it fits the event.
  mutating func takeTerms(
    _ reader: inout ByteReader, nextSequence: UInt64, _ digest: inout UInt64
  ) throws(DecodeError) {
    guard try reader.u8() != 0 else { return }
    let version = try reader.u64()
    let terms = try EventTerms(decoding: &reader)
    var former: [FormerPrice] = []
    for _ in 0..<(try reader.count(limit: FormerPrice.storedMax, field: "former prices")) {
      former.append(try FormerPrice(decoding: &reader))
    }
    guard (1...self.version).contains(version), layout.definition.fits(terms) else {
      throw .invalid(field: "snapshot terms")
    }
    var last: UInt64 = 0
    for price in former {
      let exists =
        switch price.item {
        case .category(let number): Int(number) < categories.count
        case .area(let number): Int(number) < areas.count
        }
      guard exists, price.until >= last, price.until <= nextSequence else { throw .invalid(field: "former price") }
      last = price.until
    }
    adopt(terms, former, version: version, &digest)
    if terms.maxPerBuyer != nil { _ = beginCountingBuyers() }
  }
}
