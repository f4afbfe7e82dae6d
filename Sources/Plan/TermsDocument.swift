internal import JSON
public import Octets
public import Proto

/// The body of `PATCH /v1/events/{event}`: other terms, in the caller's words.
public struct TermsDocument: Equatable, Sendable {
  /// A category's or an area's name, and its price from now on in minor units; nil: not for sale.
  public struct NamedPrice: Equatable, Sendable {
    public var name: Bytes
    public var price: Int64?
    public init(name: Bytes, price: Int64?) { (self.name, self.price) = (name, price) }
  }

  /// Without prices.
  public var change = TermsChange()
  public var prices: [NamedPrice] = []

  public init() {}

  /// The fields that a body may have.
  public static let fieldNames: [StaticString] = [
    "name", "venue", "starts_at", "on_sale_at", "hold_ttl", "payment_ttl", "max_per_order", "max_per_buyer", "prices",
    "paused", "waiting_room",
  ]
  private static let fields = JSONFields(fieldNames)

  /// Reads and checks a whole body. What is null is as if the event had been created without it.
  ///
  /// - Throws: what is wrong, with field, line and column.
  public static func parse(_ body: RawSpan) throws(PlanError) -> TermsDocument {
    do throws(JSONError) {
      var document = TermsDocument()
      try document.read(body)
      return document
    } catch {
      var problems = Problems()
      problems.end(with: error)
      throw PlanError(problems, in: body)
    }
  }

  private mutating func read(_ body: RawSpan) throws(JSONError) {
    var reader = JSONReader(body)
    var object = try reader.beginObject()
    while let field = try reader.nextField(Self.fields, &object) {
      let isNull = try reader.nullIfNext()
      switch field {
      case 0:
        if isNull { throw .refused("an event has a name", at: reader.valueStart) }
        change.name = try reader.text(min: 1, max: Names.titleBytesMax)
      case 1: change.venue = isNull ? .remove : .set(try reader.text(min: 1, max: Names.titleBytesMax))
      case 2: change.startsAt = isNull ? .remove : .set(try reader.time())
      case 3: change.onSaleAt = isNull ? .remove : .set(try reader.time())
      case 4: change.holdTTL = isNull ? Self.created.holdTTL : UInt32(try reader.integer(in: 1...86_400))
      case 5: change.paymentTTL = isNull ? Self.created.paymentTTL : UInt32(try reader.integer(in: 60...86_400))
      case 6: change.maxPerOrder = isNull ? .remove : .set(UInt32(try reader.integer(in: 1...Int64(UInt32.max))))
      case 7: change.maxPerBuyer = isNull ? .remove : .set(UInt32(try reader.integer(in: 1...Int64(UInt32.max))))
      case 8: if !isNull { try readPrices(&reader) }
      case 9: change.isPaused = try isNull ? false : reader.bool()
      default: change.waitingRoom = isNull ? .remove : .set(try WaitingRoomDocument.read(&reader))
      }
    }
    try reader.finish()
  }

  /// What an event gets that is created without these.
  private static let created = EventDefinition(id: "", name: "", categories: [], sections: [])

  private mutating func readPrices(_ reader: inout JSONReader) throws(JSONError) {
    var object = try reader.beginObject()
    while let name = try reader.nextKey(&object) {
      let price = try reader.nullIfNext() ? nil : try reader.integer(in: 0...maxPrice)
      prices.append(NamedPrice(name: Bytes(name), price: price))
    }
  }
}
