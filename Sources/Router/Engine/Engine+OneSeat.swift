import Plan
import Proto

/// A hold of one seat on the hot path, while its shard decides.
struct OneSeat {
  var session: RESPSession
  /// The session's number of the command.
  var number: UInt64
  var event: EventEntry
  var seat: SeatIndex
  /// Bytes of the caller's spelling if that was `#n`, leading zeros included; 0: it was the label.
  var numberSignBytes: UInt8
  var startedAt: UInt64
}

/// The hot path: a RESP client holds one seat of an event whose definition is known. No `Call`, no copies of the words: the
/// command record is written straight into its shard's frame, and the reply straight into the client's output.
extension Engine {
  func holdOneSeat(_ hold: OneSeat, buyer: RawSpan, ttl: UInt32, key: Bytes) {
    let (event, seat) = (hold.event, hold.seat)
    let secret = random.next()
    let ticket = makeTicket(.oneSeat(hold))
    let isTaken = submit(.hold, to: event.shard, key: key, ticket: ticket, deadline: deadline) { out in
      // `HoldView`'s layout.
      out.put(event.ref.slot.rawValue)
      out.put(event.ref.incarnation)
      out.put(ttl)
      out.put(secret)
      out.append(UInt8(truncatingIfNeeded: buyer.byteCount))
      out.append(0)
      out.put(UInt16(1))
      out.put(buyer)
      out.put(seat.rawValue)
    }
    if !isTaken { hold.session.notHeld(hold.number, .unavailable) }
  }

  func endOneSeat(_ hold: OneSeat, _ result: Completion.Result) {
    if case .outcome(.held(let held)) = result {
      metrics.countRESP(.hold, isError: false, since: hold.startedAt, now: nowNanoseconds)
      hold.session.held(hold.number, held)
      return
    }
    metrics.countRESP(.hold, isError: true, since: hold.startedAt, now: nowNanoseconds)
    hold.session.notHeld(hold.number, refusal(of: hold, result))
  }

  private func refusal(of hold: OneSeat, _ result: Completion.Result) -> CallRefusal {
    guard case .outcome(.refused(let refusal)) = result else { return self.refusal(of: result) }
    switch refusal {
    case .seatsTaken: return .seatsTaken([hold.spelled])
    case .staleEvent:
      // Nothing happened; the client asks again, by when the definition will have been read anew.
      forget(hold.event)
      return .unavailable
    default: return Translation.refusal(refusal, event: hold.event)
    }
  }
}

extension OneSeat {
  /// The seat as the caller spelled it.
  fileprivate var spelled: Bytes {
    guard numberSignBytes > 0 else { return event.index.label(seat) }
    var text = [UInt8](repeating: UInt8(ascii: "0"), count: Int(numberSignBytes))
    text[0] = UInt8(ascii: "#")
    var rest = seat.rawValue
    var place = text.count
    while rest > 0, place > 1 {
      place -= 1
      text[place] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    }
    return Bytes(text)
  }
}
