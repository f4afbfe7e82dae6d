import JSON
import Octets
import Plan
import Proto
import RouterCore

/// The JSON bodies of the calls other than creating events, read strictly: an unknown field is refused with its name.
enum RequestBodies {
  static let reserveFields = JSONFields("event", "buyer", "seats", "areas", "best", "ttl", "pass")
  static let bestFields = JSONFields("count", "category")
  static let blockFields = JSONFields("seats", "areas", "blocked")
  static let extendFields = JSONFields("ttl")
  static let checkoutFields = JSONFields("hold", "reference")
  static let joinFields = JSONFields("buyer")
  static let controlFields = JSONFields("action", "admit_per_minute", "max_inside", "message")

  /// What is to be held, and the pass that came with it, which nobody has checked; empty: none.
  static func reservation(_ body: RawSpan) throws(Problem) -> (Reservation, token: Bytes) {
    let (reservation, token): (Reservation, Bytes)
    do throws(JSONError) {
      (reservation, token) = try readReservation(body)
    } catch {
      throw Problem(error, in: body, known: reserveFields)
    }
    guard Names.isEventID(reservation.event.rawSpan) else { throw Problem(.event, reservation.event) }
    return (reservation, token)
  }

  private static func readReservation(_ body: RawSpan) throws(JSONError) -> (Reservation, token: Bytes) {
    var event = Bytes()
    var buyer = Bytes()
    var seats: [Bytes]?
    var areas: [Reservation.NamedCount]?
    var best: (count: UInt32, category: Bytes?)?
    var bestAt = 0
    var ttl: UInt32 = 0
    var token = Bytes()
    var reader = JSONReader(body)
    var object = try reader.beginObject()
    while let field = try reader.nextField(reserveFields, &object) {
      switch field {
      case 0: event = Bytes(try reader.string())
      case 1:
        buyer = Bytes(try reader.string())
        guard Names.isName(buyer.rawSpan) else {
          throw .refused(
            "a buyer is 1 to 128 bytes of printable UTF-8", at: reader.valueStart, limit: Int64(Names.bytesMax))
        }
      case 2:
        if try reader.nullIfNext() { continue }
        seats = try readSeats(&reader)
      case 3:
        if try reader.nullIfNext() { continue }
        areas = try readAreas(&reader)
      case 4:
        if try reader.nullIfNext() { continue }
        bestAt = reader.valueStart
        best = try readBest(&reader)
      case 5:
        if try reader.nullIfNext() { continue }
        ttl = try reader.holdSeconds()
      default:
        if try reader.nullIfNext() { continue }
        token = Bytes(try reader.string())
      }
    }
    try reader.finish()
    try object.require(0, of: reserveFields)
    try object.require(1, of: reserveFields)
    let choice: Reservation.Choice
    if let best {
      // Generated clients write out lists that are empty.
      guard seats?.isEmpty ?? true, areas?.isEmpty ?? true else { throw .refused("best stands alone", at: bestAt) }
      choice = .best(count: best.count, category: best.category)
    } else {
      choice = .named(seats: seats ?? [], areas: areas ?? [])
    }
    return (Reservation(event: event, buyer: buyer, ttl: ttl, choice: choice), token)
  }

  private static func readSeats(_ reader: inout JSONReader) throws(JSONError) -> [Bytes] {
    var seats: [Bytes] = []
    var array = try reader.beginArray()
    while try reader.next(&array) { seats.append(Bytes(try reader.string())) }
    return seats
  }

  private static func readAreas(_ reader: inout JSONReader) throws(JSONError) -> [Reservation.NamedCount] {
    var areas: [Reservation.NamedCount] = []
    var object = try reader.beginObject()
    while let name = try reader.nextKey(&object) {
      let count = try reader.integer(in: 1...Int64(UInt32.max))
      areas.append(Reservation.NamedCount(area: Bytes(name), count: UInt32(count)))
    }
    return areas
  }

  private static func readBest(_ reader: inout JSONReader) throws(JSONError) -> (count: UInt32, category: Bytes?) {
    var count: UInt32 = 0
    var category: Bytes?
    var object = try reader.beginObject()
    while let field = try reader.nextField(bestFields, &object) {
      switch field {
      case 0: count = UInt32(try reader.integer(in: 1...Int64(HoldView.seatsMax)))
      default:
        if try reader.nullIfNext() { continue }
        category = Bytes(try reader.string())
      }
    }
    try object.require(0, of: bestFields)
    return (count, category)
  }

  static func terms(_ body: RawSpan) throws(Problem) -> TermsDocument {
    do throws(PlanError) {
      return try TermsDocument.parse(body)
    } catch {
      throw Problem(error)
    }
  }

  /// The seats and places of `blocks`, and whether they are to be taken off sale.
  static func blocks(
    _ body: RawSpan
  ) throws(Problem) -> (seats: [Bytes], areas: [Reservation.NamedCount], isBlocked: Bool) {
    do throws(JSONError) {
      var (seats, areas): ([Bytes], [Reservation.NamedCount]) = ([], [])
      var isBlocked = true
      var reader = JSONReader(body)
      var object = try reader.beginObject()
      while let field = try reader.nextField(blockFields, &object) {
        switch field {
        case 0: if try !reader.nullIfNext() { seats = try readSeats(&reader) }
        case 1: if try !reader.nullIfNext() { areas = try readAreas(&reader) }
        default: isBlocked = try reader.bool()
        }
      }
      try reader.finish()
      try object.require(2, of: blockFields)
      return (seats, areas, isBlocked)
    } catch {
      throw Problem(error, in: body, known: blockFields)
    }
  }

  /// The seconds of `extend`.
  static func extend(_ body: RawSpan) throws(Problem) -> UInt32 {
    do throws(JSONError) {
      var ttl: UInt32 = 0
      var reader = JSONReader(body)
      var object = try reader.beginObject()
      while try reader.nextField(extendFields, &object) != nil { ttl = try reader.holdSeconds() }
      try reader.finish()
      try object.require(0, of: extendFields)
      return ttl
    } catch {
      throw Problem(error, in: body, known: extendFields)
    }
  }

  /// The hold of `checkout` and the shop's reference, empty if there is none.
  static func checkout(_ body: RawSpan) throws(Problem) -> (hold: HoldID, reference: Bytes) {
    var hold = Bytes()
    var reference = Bytes()
    do throws(JSONError) {
      var reader = JSONReader(body)
      var object = try reader.beginObject()
      while let field = try reader.nextField(checkoutFields, &object) {
        if field == 0 {
          hold = Bytes(try reader.string())
        } else if try !reader.nullIfNext() {
          reference = Bytes(try reader.string())
          guard Names.isName(reference.rawSpan) else {
            throw .refused(
              "a reference is 1 to 128 bytes of printable UTF-8", at: reader.valueStart,
              limit: Int64(OrderInfo.referenceBytesMax))
          }
        }
      }
      try reader.finish()
      try object.require(0, of: checkoutFields)
    } catch {
      throw Problem(error, in: body, known: checkoutFields)
    }
    guard let id = HoldID(text: hold.rawSpan) else { throw Problem(.hold, hold) }
    return (id, reference)
  }

  /// The buyer of a join.
  static func join(_ body: RawSpan) throws(Problem) -> Bytes {
    do throws(JSONError) {
      var buyer = Bytes()
      var reader = JSONReader(body)
      var object = try reader.beginObject()
      while try reader.nextField(joinFields, &object) != nil {
        buyer = Bytes(try reader.string())
        guard Names.isName(buyer.rawSpan) else {
          throw .refused(
            "a buyer is 1 to 128 bytes of printable UTF-8", at: reader.valueStart, limit: Int64(Names.bytesMax))
        }
      }
      try reader.finish()
      try object.require(0, of: joinFields)
      return buyer
    } catch {
      throw Problem(error, in: body, known: joinFields)
    }
  }

  /// What an operator says to a queue.
  static func control(_ body: RawSpan) throws(Problem) -> QueueControl {
    do throws(JSONError) {
      var control = QueueControl()
      var reader = JSONReader(body)
      var object = try reader.beginObject()
      while let field = try reader.nextField(controlFields, &object) {
        let isNull = try reader.nullIfNext()
        switch field {
        case 0:
          if isNull { continue }
          let name = Bytes(try reader.string())
          control.action = QueueControl.Action.allCases.first { "\($0)".utf8.elementsEqual(name.array) }
          if control.action == nil {
            throw .refused("an action is pause, resume, drain or reset", at: reader.valueStart)
          }
        case 1:
          if isNull { continue }
          control.admitPerMinute = UInt32(try reader.integer(in: 0...Int64(WaitingRoom.admitPerMinuteMax)))
        case 2: control.maxInside = .some(isNull ? nil : UInt32(try reader.integer(in: 1...Int64(UInt32.max))))
        default: control.message = isNull ? "" : try reader.message()
        }
      }
      try reader.finish()
      return control
    } catch {
      throw Problem(error, in: body, known: controlFields)
    }
  }

  /// What clients send to a call that has no fields: nothing, `null`, or an empty object.
  static func none(_ body: RawSpan) throws(Problem) {
    guard body.byteCount > 0 else { return }
    do throws(JSONError) {
      var reader = JSONReader(body)
      if try reader.nullIfNext() { return try reader.finish() }
      var object = try reader.beginObject()
      _ = try reader.nextField(JSONFields(), &object)
      try reader.finish()
    } catch {
      if error.reason == .unknownField { throw Problem(error, in: body, known: nil) }
      throw .badRequest("This call has no fields: its body is empty, null or {}.")
    }
  }
}

extension JSONReader {
  /// At most 255 bytes for people.
  fileprivate mutating func message() throws(JSONError) -> Bytes {
    let text = Bytes(try string())
    guard text.count <= Names.titleBytesMax, Names.isPrintable(text.rawSpan) else {
      throw .refused(
        "a message has at most 255 bytes of printable UTF-8", at: valueStart, limit: Int64(Names.titleBytesMax))
    }
    return text
  }

  /// A hold's time in seconds. How long it may be is the event's to say: what no command can carry is as much too long
  /// as any other.
  mutating func holdSeconds() throws(JSONError) -> UInt32 { UInt32(clamping: try integer(in: 1...Int64.max)) }
}
