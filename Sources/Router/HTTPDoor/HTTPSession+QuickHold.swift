import EventLoop
import HTTP
import JSON
import Octets
import Plan
import Proto
import RouterCore

/// A reservation of one seat and nothing else, as places in its JSON: what most of `POST /v1/reserve` asks for, read
/// without a copy.
struct SmallReservation {
  var event: Range<Int>
  var buyer: Range<Int>
  var seat: Range<Int>
  /// Seconds; 0: the event's own.
  var ttl: UInt32 = 0

  /// nil: it asks for something else, or is spelled with escapes, or is wrong. `RequestBodies.reservation` reads it
  /// again and says what is wrong with it.
  init?(_ body: RawSpan) {
    do throws(JSONError) {
      var (event, buyer, seat): (Range<Int>?, Range<Int>?, Range<Int>?)
      var reader = JSONReader(body)
      let fields = RequestBodies.reserveFields
      var object = try reader.beginObject()
      while let field = try reader.nextField(fields, &object) {
        switch field {
        case 0: event = try reader.plainString()
        case 1: buyer = try reader.plainString()
        case 2:
          var seats = try reader.beginArray()
          guard try reader.next(&seats) else { return nil }
          seat = try reader.plainString()
          guard seat != nil, try !reader.next(&seats) else { return nil }
        case 5: ttl = try reader.holdSeconds()
        default: return nil
        }
        // What was not plain was not read.
        if field < 2, event == nil && field == 0 || buyer == nil && field == 1 { return nil }
      }
      try reader.finish()
      guard let event, let buyer, let seat else { return nil }
      (self.event, self.buyer, self.seat) = (event, buyer, seat)
    } catch {
      return nil
    }
  }
}

/// What the answer to a quick hold says again, and what it would take to ask anew: kept in the session, for its
/// storage.
struct QuickWords {
  var buyer: [UInt8] = []
  var key: [UInt8] = []
  var ttl: UInt32 = 0
}

extension HTTPSession: QuickHoldOwner {
  /// Takes the hot path if the reservation is one for it.
  func reserveQuickly(_ head: RequestHead, _ message: RawSpan, _ body: RawSpan) -> Bool {
    guard let small = SmallReservation(body) else { return false }
    let buyer = body.extracting(small.buyer)
    let label = body.extracting(small.seat)
    guard let plain = engine.plainHold(of: body.extracting(small.event), buyer: buyer, seat: label) else {
      return false
    }
    quick.buyer.removeAll(keepingCapacity: true)
    quick.buyer.put(buyer)
    quick.key.removeAll(keepingCapacity: true)
    quick.ttl = small.ttl
    if !head.idempotencyKey.isAbsent {
      let key = head.idempotencyKey.bytes(in: message)
      guard key.isIdempotencyKey else { return false }
      quick.key.put(key)
    }
    let hold = QuickHold(plain, owner: self, number: 0, startedAt: request.startedAt)
    let key = quick.key
    engine.start(hold, buyer: buyer, ttl: small.ttl, key: key.rawSpan)
    return true
  }

  package func ended(_ hold: borrowing QuickHold, held: Outcome.Held) {
    guard case .seat(let seat) = hold.choice else { preconditionFailure("this door's quick holds are of a seat") }
    let (event, buyer) = (hold.event, quick.buyer)
    request.isReplayed = hold.isReplayed
    respond(200) { $0.putHeld(event, held, buyer: buyer.rawSpan, seat: seat) }
  }

  package func ended(_ hold: borrowing QuickHold, refused refusal: CallRefusal) {
    request.isReplayed = hold.isReplayed
    respond(Problem(refusal, queueOf: hold.event.id))
  }

  /// The event is another one by now: the reservation begins anew, in words, and waits for the definition.
  package func isStale(_ hold: borrowing QuickHold) {
    let reservation = Reservation(
      event: hold.event.id, buyer: Bytes(quick.buyer), ttl: quick.ttl,
      choice: .named(seats: hold.spelledSeats, areas: []))
    start(.reserve(reservation), key: Bytes(quick.key))
  }
}
