public import Octets
public import Time

/// What of an event may change after its creation. The plan, the areas and their sizes, and the currency never do.
public struct EventTerms: Equatable, Sendable {
  public var name: Bytes
  public var venue: Bytes?
  public var startsAt: Stamp?
  public var onSaleAt: Stamp?
  /// Seconds; limits as in `EventDefinition`.
  public var holdTTL: UInt32
  public var maxHoldTTL: UInt32
  public var paymentTTL: UInt32
  public var maxPerOrder: UInt32?
  public var maxPerBuyer: UInt32?
  /// Holds are refused with `not_on_sale`; everything else goes on.
  public var isPaused: Bool
  /// Minor units, in the definition's order; nil: not for sale.
  public var categoryPrices: [Int64?]
  public var areaPrices: [Int64?]
  /// nil: holds need no pass.
  public var waitingRoom: WaitingRoom?

  public init(_ definition: EventDefinition) {
    (name, venue, startsAt, onSaleAt) = (definition.name, definition.venue, definition.startsAt, definition.onSaleAt)
    (holdTTL, maxHoldTTL, paymentTTL) = (definition.holdTTL, definition.maxHoldTTL, definition.paymentTTL)
    (maxPerOrder, maxPerBuyer) = (definition.maxPerOrder, definition.maxPerBuyer)
    isPaused = false
    categoryPrices = definition.categories.map(\.price)
    areaPrices = definition.areas.map(\.price)
    waitingRoom = definition.waitingRoom
  }

  public func encode(into out: inout [UInt8]) {
    out.putShort(name)
    out.put(optional: venue) { $0.putShort($1) }
    out.put(optional: startsAt) { $0.put($1) }
    out.put(optional: onSaleAt) { $0.put($1) }
    out.put(holdTTL)
    out.put(maxHoldTTL)
    out.put(paymentTTL)
    out.put(optional: maxPerOrder) { $0.put($1) }
    out.put(optional: maxPerBuyer) { $0.put($1) }
    out.append((isPaused ? 1 : 0) | (waitingRoom == nil ? 0 : 2))
    for prices in [categoryPrices, areaPrices] {
      out.put(UInt32(prices.count))
      for price in prices { out.put(optional: price) { $0.put($1) } }
    }
    waitingRoom?.encode(into: &out)
  }

  public init(decoding reader: inout ByteReader) throws(DecodeError) {
    name = try reader.shortBytes()
    venue = try !reader.isPresent() ? nil : try reader.shortBytes()
    startsAt = try !reader.isPresent() ? nil : try reader.stamp()
    onSaleAt = try !reader.isPresent() ? nil : try reader.stamp()
    holdTTL = try reader.u32()
    maxHoldTTL = try reader.u32()
    paymentTTL = try reader.u32()
    maxPerOrder = try !reader.isPresent() ? nil : try reader.u32()
    maxPerBuyer = try !reader.isPresent() ? nil : try reader.u32()
    let flags = try reader.u8()
    guard flags <= 3 else { throw .invalid(field: "terms") }
    isPaused = flags & 1 != 0
    categoryPrices = try reader.prices(limit: EventDefinition.Limit.categories)
    areaPrices = try reader.prices(limit: EventDefinition.Limit.areas)
    waitingRoom = flags & 2 == 0 ? nil : try WaitingRoom(decoding: &reader)
    try EventTerms.check(holdTTL: holdTTL, maxHoldTTL: maxHoldTTL, paymentTTL: paymentTTL)
  }

  /// Refuses lengths that no event may have.
  static func check(holdTTL: UInt32, maxHoldTTL: UInt32, paymentTTL: UInt32) throws(DecodeError) {
    guard (1...86_400).contains(holdTTL) else { throw .invalid(field: "hold_ttl") }
    guard (holdTTL...86_400).contains(maxHoldTTL) else { throw .invalid(field: "max_hold_ttl") }
    guard (60...86_400).contains(paymentTTL) else { throw .invalid(field: "payment_ttl") }
  }
}

extension EventDefinition {
  /// The definition as it would be if it had been created with these terms. It cannot say that the event is paused.
  public func with(_ terms: EventTerms) -> EventDefinition {
    var changed = self
    (changed.name, changed.venue) = (terms.name, terms.venue)
    (changed.startsAt, changed.onSaleAt) = (terms.startsAt, terms.onSaleAt)
    (changed.holdTTL, changed.maxHoldTTL, changed.paymentTTL) = (terms.holdTTL, terms.maxHoldTTL, terms.paymentTTL)
    (changed.maxPerOrder, changed.maxPerBuyer) = (terms.maxPerOrder, terms.maxPerBuyer)
    changed.waitingRoom = terms.waitingRoom
    for (place, price) in terms.categoryPrices.enumerated() where place < categories.count {
      changed.categories[place].price = price
    }
    for (place, price) in terms.areaPrices.enumerated() where place < areas.count {
      changed.areas[place].price = price
    }
    return changed
  }

  /// Whether these are terms of an event with this plan.
  public func fits(_ terms: EventTerms) -> Bool {
    terms.categoryPrices.count == categories.count && terms.areaPrices.count == areas.count
  }
}

extension ByteReader {
  fileprivate mutating func prices(limit: Int) throws(DecodeError) -> [Int64?] {
    var prices: [Int64?] = []
    for _ in 0..<(try count(limit: limit, field: "prices")) { prices.append(try price()) }
    return prices
  }

  /// Minor units, or nothing.
  mutating func price() throws(DecodeError) -> Int64? {
    guard try isPresent() else { return nil }
    let price = try i64()
    guard (0...maxPrice).contains(price) else { throw .invalid(field: "price") }
    return price
  }
}
