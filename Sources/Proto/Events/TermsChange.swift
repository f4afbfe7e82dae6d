public import Octets
public import Time

/// Other terms for an event: what is not named stays as it is.
public struct TermsChange: Equatable, Sendable {
  /// What becomes of a term that may be absent.
  public enum Edit<Value: Equatable & Sendable>: Equatable, Sendable {
    case keep
    case remove
    case set(Value)
  }

  /// Another price, or none.
  public struct Price: Equatable, Sendable {
    public enum Item: Equatable, Sendable {
      case category(CategoryIndex)
      case area(AreaIndex)
    }
    public var item: Item
    /// Minor units; nil: not for sale.
    public var price: Int64?
    public init(_ item: Item, _ price: Int64?) { (self.item, self.price) = (item, price) }
  }

  public var name: Bytes?
  public var venue = Edit<Bytes>.keep
  public var startsAt = Edit<Stamp>.keep
  public var onSaleAt = Edit<Stamp>.keep
  /// Seconds, 1 to 86,400; a longer one than the longest that callers may ask for raises that, too.
  public var holdTTL: UInt32?
  /// Seconds, 60 to 86,400.
  public var paymentTTL: UInt32?
  public var maxPerOrder = Edit<UInt32>.keep
  public var maxPerBuyer = Edit<UInt32>.keep
  public var isPaused: Bool?
  /// At most as many as the event has categories and areas.
  public var prices: [Price] = []
  /// What of the room is not named stays as it is, or gets its default.
  public var waitingRoom = Edit<WaitingRoomChange>.keep

  public init() {}

  private static let pricesMax = EventDefinition.Limit.categories + EventDefinition.Limit.areas

  /// Layout: for each term in the order of declaration a byte, 0 (keep), 1 (remove) or 2 and the value; then the
  /// prices: their count as `u32`, and for each `isArea: u8`, `item: u16` and the price behind a presence byte;
  /// then, unless it is kept, the waiting room: 1 (removed), or 2 and its change.
  func encode(into out: inout [UInt8]) {
    out.put(Edit(name)) { $0.putShort($1) }
    out.put(venue) { $0.putShort($1) }
    out.put(startsAt) { $0.put($1) }
    out.put(onSaleAt) { $0.put($1) }
    out.put(Edit(holdTTL)) { $0.put($1) }
    out.put(Edit(paymentTTL)) { $0.put($1) }
    out.put(maxPerOrder) { $0.put($1) }
    out.put(maxPerBuyer) { $0.put($1) }
    out.put(Edit(isPaused)) { $0.append($1 ? 1 : 0) }
    out.put(UInt32(prices.count))
    for price in prices {
      switch price.item {
      case .category(let category):
        out.append(0)
        out.put(category.rawValue)
      case .area(let area):
        out.append(1)
        out.put(area.rawValue)
      }
      out.put(optional: price.price) { $0.put($1) }
    }
    // What was not known to earlier builds is not written unless it is there.
    if waitingRoom != .keep { out.put(waitingRoom) { $1.encode(into: &$0) } }
  }

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    if try reader.isSet(mayBeRemoved: false) != .keep { name = try reader.shortBytes() }
    venue = try reader.text()
    startsAt = try reader.time()
    onSaleAt = try reader.time()
    if try reader.isSet(mayBeRemoved: false) != .keep { holdTTL = try reader.u32() }
    if try reader.isSet(mayBeRemoved: false) != .keep { paymentTTL = try reader.u32() }
    maxPerOrder = try reader.number()
    maxPerBuyer = try reader.number()
    if try reader.isSet(mayBeRemoved: false) != .keep { isPaused = try reader.isPresent() }
    for _ in 0..<(try reader.count(limit: Self.pricesMax, field: "prices")) {
      let isArea = try reader.isPresent()
      let number = try reader.u16()
      prices.append(
        Price(isArea ? .area(AreaIndex(number)) : .category(CategoryIndex(number)), try reader.price()))
    }
    guard reader.bytesLeft > 0 else { return }
    switch try reader.isSet() {
    case .keep: throw .invalid(field: "change of a term")
    case .remove: waitingRoom = .remove
    case .set: waitingRoom = .set(try WaitingRoomChange(decoding: &reader))
    }
  }
}

extension EventTerms {
  /// These terms with the change; nil: it names what the event does not have, or a length that no event may have.
  public func with(_ change: TermsChange) -> EventTerms? {
    var terms = self
    if let name = change.name { terms.name = name }
    change.venue.apply(to: &terms.venue)
    change.startsAt.apply(to: &terms.startsAt)
    change.onSaleAt.apply(to: &terms.onSaleAt)
    if let holdTTL = change.holdTTL { terms.holdTTL = holdTTL }
    terms.maxHoldTTL = max(terms.maxHoldTTL, terms.holdTTL)
    if let paymentTTL = change.paymentTTL { terms.paymentTTL = paymentTTL }
    change.maxPerOrder.apply(to: &terms.maxPerOrder)
    change.maxPerBuyer.apply(to: &terms.maxPerBuyer)
    if let isPaused = change.isPaused { terms.isPaused = isPaused }
    switch change.waitingRoom {
    case .keep: break
    case .remove: terms.waitingRoom = nil
    case .set(let change): terms.waitingRoom = (terms.waitingRoom ?? WaitingRoom()).with(change)
    }
    if let room = terms.waitingRoom, !room.isPossible { return nil }
    for price in change.prices {
      switch price.item {
      case .category(let category):
        guard Int(category.rawValue) < categoryPrices.count else { return nil }
        terms.categoryPrices[Int(category.rawValue)] = price.price
      case .area(let area):
        guard Int(area.rawValue) < areaPrices.count else { return nil }
        terms.areaPrices[Int(area.rawValue)] = price.price
      }
    }
    do throws(DecodeError) {
      try Self.check(holdTTL: terms.holdTTL, maxHoldTTL: terms.maxHoldTTL, paymentTTL: terms.paymentTTL)
    } catch {
      return nil
    }
    return terms
  }
}

extension TermsChange.Edit {
  /// Of a term that is always there.
  init(_ value: Value?) { if let value { self = .set(value) } else { self = .keep } }

  func apply(to term: inout Value?) {
    switch self {
    case .keep: break
    case .remove: term = nil
    case .set(let value): term = value
    }
  }
}

extension [UInt8] {
  mutating func put<Value>(_ edit: TermsChange.Edit<Value>, _ write: (inout [UInt8], Value) -> Void) {
    switch edit {
    case .keep: append(0)
    case .remove: append(1)
    case .set(let value):
      append(2)
      write(&self, value)
    }
  }
}

extension ByteReader {
  enum EditKind: UInt8 {
    case keep = 0
    case remove = 1
    case set = 2
  }

  mutating func isSet(mayBeRemoved: Bool = true) throws(DecodeError) -> EditKind {
    guard let kind = EditKind(rawValue: try u8()), mayBeRemoved || kind != .remove else {
      throw .invalid(field: "change of a term")
    }
    return kind
  }

  fileprivate mutating func text() throws(DecodeError) -> TermsChange.Edit<Bytes> {
    switch try isSet() {
    case .keep: .keep
    case .remove: .remove
    case .set: .set(try shortBytes())
    }
  }

  mutating func time() throws(DecodeError) -> TermsChange.Edit<Stamp> {
    switch try isSet() {
    case .keep: .keep
    case .remove: .remove
    case .set: .set(try stamp())
    }
  }

  mutating func number() throws(DecodeError) -> TermsChange.Edit<UInt32> {
    switch try isSet() {
    case .keep: .keep
    case .remove: .remove
    case .set: .set(try u32())
    }
  }
}
