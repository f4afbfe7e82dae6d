internal import JSON
import Octets
public import Proto

/// The body of `POST /v1/events`.
public enum EventDocument {
  /// Reads and checks a whole body.
  ///
  /// - Returns: the definition; its id is empty if the body gives none: the caller derives one.
  /// - Throws: what is wrong, with field, line and column: of a plan, of prices and of seats that are not for sale all
  ///   that is; of the rest the first.
  public static func parse(_ body: RawSpan) throws(PlanError) -> Parsed {
    var document = Reading()
    do throws(JSONError) {
      try document.read(body)
    } catch {
      document.problems.end(with: error)
    }
    guard document.problems.isEmpty else { throw PlanError(document.problems, in: body) }
    return Parsed(event: document.event, warnings: EventWarnings.all(document.event, document.plan))
  }

  /// An event as it will be created, and what its maker should know about it.
  public struct Parsed: Sendable {
    public var event: EventDefinition
    /// Sentences for people: nothing that keeps the event from being created.
    public var warnings: [String]
  }

  private struct Reading {
    var event = EventDefinition(id: "", name: "", categories: [], sections: [])
    var categoryNames = NameTable()
    var seatCount = 0
    var rowCount = 0
    var placeCount = 0
    var maxHoldTTLAt: Int?
    var problems = Problems()
    /// What is to be said about the plan; without its sections.
    var plan: PretixPlan?

    mutating func read(_ body: RawSpan) throws(JSONError) {
      var reader = JSONReader(body)
      // These two name categories and seats, which may come behind them: read last.
      var pricesAt: Int?
      var notForSaleAt: Int?
      var sectionsAt: Int?
      var planAt: Int?
      var object = try reader.beginObject()
      while let field = try reader.nextField(eventFields, &object) {
        // An absent field and a null one mean the same.
        if try reader.nullIfNext() {
          guard field != 1 else {
            throw JSONError(.wrongType, at: reader.valueStart, message: "the value must be a string, not null")
          }
          continue
        }
        switch field {
        case 0:
          event.id = Bytes(try reader.string())
          guard Names.isEventID(event.id.rawSpan) else {
            throw .refused(
              "an event id has 1 to 128 characters of A-Z a-z 0-9 . _ ~ -", at: reader.valueStart,
              limit: Int64(Names.bytesMax))
          }
        case 1: event.name = try reader.text(min: 1, max: Names.titleBytesMax)
        case 2: event.venue = try reader.text(min: 1, max: Names.titleBytesMax)
        case 3: event.startsAt = try reader.time()
        case 4: event.onSaleAt = try reader.time()
        case 5:
          event.currency = Bytes(try reader.string())
          guard Currencies.isCode(event.currency.rawSpan) else {
            throw .refused("a currency is a code of ISO 4217 in capital letters, such as EUR", at: reader.valueStart)
          }
        case 6: event.holdTTL = UInt32(try reader.integer(in: 1...86_400))
        case 7: event.paymentTTL = UInt32(try reader.integer(in: 60...86_400))
        case 8: event.maxPerOrder = UInt32(try reader.integer(in: 1...Int64(UInt32.max)))
        case 9: event.maxPerBuyer = UInt32(try reader.integer(in: 1...Int64(UInt32.max)))
        case 10:
          sectionsAt = reader.valueStart
          try reader.rejectTogether(planAt)
          try readSections(&reader)
        case 11: try readAreas(&reader)
        case 12:
          planAt = reader.valueStart
          try reader.rejectTogether(sectionsAt)
          try readPlan(&reader)
        case 13:
          pricesAt = reader.valueStart
          try reader.skip()
        case 14:
          event.maxHoldTTL = UInt32(try reader.integer(in: 1...86_400))
          maxHoldTTLAt = reader.valueStart
        case 16: event.waitingRoom = WaitingRoom().with(try WaitingRoomDocument.read(&reader))
        default:
          notForSaleAt = reader.valueStart
          try reader.skip()
        }
      }
      try reader.finish()
      try object.require(1, of: eventFields)
      try settleMaxHoldTTL()
      if let pricesAt, plan?.areCategoriesKnown ?? true {
        var prices = JSONReader(body, from: pricesAt)
        try readPrices(&prices)
      }
      // What a plan has that could not be read is not missing.
      guard plan?.problems.isEmpty ?? true else { return }
      guard seatCount + placeCount > 0 else {
        throw .refused("an event needs seats or places: give sections, plan or areas", at: object.start)
      }
      if let notForSaleAt {
        var seats = JSONReader(body, from: notForSaleAt)
        try readNotForSale(&seats)
      }
    }

    /// Last, because `hold_ttl` may stand behind it.
    private mutating func settleMaxHoldTTL() throws(JSONError) {
      guard let maxHoldTTLAt else { return event.maxHoldTTL = event.holdTTL }
      guard event.maxHoldTTL >= event.holdTTL else {
        throw .refused(
          "max_hold_ttl is at least hold_ttl, which is \(event.holdTTL)", at: maxHoldTTLAt, limit: Int64(event.holdTTL))
      }
    }

    // MARK: The short form

    private mutating func readSections(_ reader: inout JSONReader) throws(JSONError) {
      var names = NameTable()
      var array = try reader.beginArray()
      while try reader.next(&array) {
        guard event.sections.count < EventLimit.sections.value else { throw .tooMany(.sections, at: reader.offset) }
        try readSection(&reader, &names)
      }
    }

    private mutating func readSection(_ reader: inout JSONReader, _ names: inout NameTable) throws(JSONError) {
      var name = Bytes()
      var nameAt = 0
      var category: Bytes?
      var rows: Int64 = 0
      var seatsPerRow: Int64 = 0
      var price: Int64?
      var priceAt = 0
      var (rowsAt, seatsAt) = (0, 0)
      var object = try reader.beginObject()
      while let field = try reader.nextField(sectionFields, &object) {
        switch field {
        case 0:
          name = try reader.name()
          nameAt = reader.valueStart
          guard name.array[0] != 0x23 else {
            throw .refused("a section whose seats it names cannot begin with #", at: nameAt)
          }
          guard names.insert(name.rawSpan) == nil else { throw .refused("two sections have this name", at: nameAt) }
        case 1:
          if try reader.nullIfNext() { continue }
          category = try reader.name()
        case 2:
          rows = try reader.integer(in: 1...Int64.max)
          rowsAt = reader.valueStart
        case 3:
          seatsPerRow = try reader.integer(in: 1...Int64.max)
          seatsAt = reader.valueStart
        default:
          if try reader.nullIfNext() { continue }
          price = try reader.integer(in: 0...maxPrice)
          priceAt = reader.valueStart
        }
      }
      for field in [0, 2, 3] { try object.require(field, of: sectionFields) }
      guard rows <= Int64(EventLimit.rows.value - rowCount) else { throw .tooMany(.rows, at: rowsAt) }
      rowCount += Int(rows)
      let (seats, overflows) = rows.multipliedReportingOverflow(by: seatsPerRow)
      guard !overflows, seats <= Int64(EventLimit.seats.value - seatCount) else { throw .tooMany(.seats, at: seatsAt) }
      seatCount += Int(seats)
      let labelBytes =
        name.count + RowNames.length(Int(rows) - 1) + String(seatsPerRow).utf8.count + 2
      guard labelBytes <= Names.labelBytesMax else {
        throw .refused(
          "its last seat's label would have \(labelBytes) bytes, over \(Names.labelBytesMax)", at: nameAt,
          limit: Int64(Names.labelBytesMax))
      }
      let index = try addCategory(category ?? name, at: object.start)
      if let price {
        if let before = event.categories[Int(index.rawValue)].price, before != price {
          throw .refused("sections of one category have one price, and another has \(before)", at: priceAt)
        }
        event.categories[Int(index.rawValue)].price = price
      }
      event.sections.append(
        EventDefinition.Section(
          name: name,
          rows: .grid(rows: UInt32(rows), seatsPerRow: UInt32(seatsPerRow), category: index)))
    }

    private mutating func addCategory(_ name: Bytes, at offset: Int) throws(JSONError) -> CategoryIndex {
      if let known = categoryNames.insert(name.rawSpan) { return CategoryIndex(UInt16(known)) }
      guard event.categories.count < EventLimit.categories.value else { throw .tooMany(.categories, at: offset) }
      event.categories.append(EventDefinition.Category(name: name, price: nil))
      return CategoryIndex(UInt16(event.categories.count - 1))
    }

    // MARK: Areas, plan, prices, seats that are not for sale

    private mutating func readAreas(_ reader: inout JSONReader) throws(JSONError) {
      var names = NameTable()
      var array = try reader.beginArray()
      while try reader.next(&array) {
        guard event.areas.count < EventLimit.areas.value else { throw .tooMany(.areas, at: reader.offset) }
        var area = EventDefinition.Area(name: "", capacity: 0, price: 0)
        var object = try reader.beginObject()
        while let field = try reader.nextField(areaFields, &object) {
          switch field {
          case 0:
            area.name = try reader.name()
            guard names.insert(area.name.rawSpan) == nil else {
              throw .refused("two areas have this name", at: reader.valueStart)
            }
          case 1: area.capacity = UInt32(try reader.integer(in: 1...Int64(EventDefinition.Limit.seats)))
          default: area.price = try reader.nullIfNext() ? nil : try reader.integer(in: 0...maxPrice)
          }
        }
        for field in 0..<3 { try object.require(field, of: areaFields) }
        placeCount += Int(area.capacity)
        event.areas.append(area)
      }
    }

    private mutating func readPlan(_ reader: inout JSONReader) throws(JSONError) {
      var plan = PretixPlan()
      let mark = reader.mark
      do throws(JSONError) {
        try plan.read(&reader)
      } catch {
        try plan.problems.keep(error)
        try reader.skip(from: mark)
      }
      problems.add(plan.problems)
      seatCount = plan.seatCount
      event.sections = plan.sections
      event.categories = plan.categories
      event.size = plan.size
      for category in plan.categories { _ = categoryNames.insert(category.name.rawSpan) }
      plan.sections = []
      self.plan = plan
    }

    private mutating func readPrices(_ reader: inout JSONReader) throws(JSONError) {
      var object = try reader.beginObject()
      while let name = try reader.nextKey(&object) {
        let mark = reader.mark
        do throws(JSONError) {
          try readPrice(Bytes(name), at: object.keyStart, &reader)
        } catch {
          try problems.keep(error)
          try reader.skip(from: mark)
        }
      }
    }

    private mutating func readPrice(_ name: Bytes, at keyStart: Int, _ reader: inout JSONReader) throws(JSONError) {
      guard let index = categoryNames.find(name.rawSpan) else {
        let known = event.categories
        problems.add(.refused(CategoryNames.unknown(name, among: known.map(\.name)), at: keyStart))
        return try reader.skip()
      }
      if try reader.nullIfNext() { return }
      let price = try reader.integer(in: 0...maxPrice)
      if let before = event.categories[index].price, before != price {
        throw .refused("a section of this category has the price \(before)", at: reader.valueStart)
      }
      event.categories[index].price = price
    }

    private mutating func readNotForSale(_ reader: inout JSONReader) throws(JSONError) {
      let index = PlanIndex(event)
      var seats: [UInt32] = []
      var closed = Bitmap(count: seatCount)
      var count = 0
      var array = try reader.beginArray()
      while try reader.next(&array) {
        guard count < EventLimit.notForSale.value else { throw .tooMany(.notForSale, at: reader.offset) }
        count += 1
        let label = Bytes(try reader.string())
        let at = reader.valueStart
        guard let seat = index.seat(label.rawSpan) else {
          problems.add(.refused("there is no such seat", at: at))
          continue
        }
        guard closed.insert(Int(seat.rawValue)) else {
          problems.add(.refused("this seat stands twice", at: at))
          continue
        }
        seats.append(seat.rawValue)
      }
      seats.sort()
      event.notForSale = seats.map { SeatIndex($0) }
    }
  }
}

private let eventFields = JSONFields(
  "id", "name", "venue", "starts_at", "on_sale_at", "currency", "hold_ttl", "payment_ttl", "max_per_order",
  "max_per_buyer", "sections", "areas", "plan", "prices", "max_hold_ttl", "not_for_sale",
  "waiting_room")
private let sectionFields = JSONFields("name", "category", "rows", "seats_per_row", "price")
private let areaFields = JSONFields("name", "capacity", "price")

/// A set of small numbers.
private struct Bitmap {
  private var words: [UInt64]
  init(count: Int) { words = [UInt64](repeating: 0, count: (count + 63) / 64) }

  /// False if it was there.
  mutating func insert(_ number: Int) -> Bool {
    let bit: UInt64 = 1 << UInt64(number % 64)
    defer { words[number / 64] |= bit }
    return words[number / 64] & bit == 0
  }
}

extension JSONReader {
  fileprivate func rejectTogether(_ other: Int?) throws(JSONError) {
    guard other == nil else {
      throw .refused("sections and plan cannot stand together", at: valueStart)
    }
  }
}
