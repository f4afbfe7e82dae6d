import Plan
import Proto

/// The hot path: a RESP client holds one seat of an event whose definition is known. No `Call`, no copies of the words: the
/// command record is written straight into its shard's frame, and the reply straight into the client's output.
extension Engine {
  func holdOneSeat(
    _ seat: SeatIndex, of event: EventEntry, buyer: RawSpan, ttl: UInt32, key: Bytes, for session: RESPSession,
    number: UInt64
  ) {
    let ticket = makeTicket(.oneSeat(session, number: number, event, seat, startedAt: nowNanoseconds))
    let secret = random.next()
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
    if !isTaken { session.notHeld(number, .unavailable) }
  }

  func endOneSeat(
    _ session: RESPSession, _ number: UInt64, _ event: EventEntry, _ seat: SeatIndex, _ startedAt: UInt64,
    _ result: Completion.Result
  ) {
    if case .outcome(.held(let held)) = result {
      metrics.countRESP(.hold, isError: false, since: startedAt, now: nowNanoseconds)
      session.held(number, held)
      return
    }
    metrics.countRESP(.hold, isError: true, since: startedAt, now: nowNanoseconds)
    session.notHeld(number, oneSeatRefusal(event, seat, result))
  }

  private func oneSeatRefusal(_ event: EventEntry, _ seat: SeatIndex, _ result: Completion.Result) -> CallRefusal {
    guard case .outcome(.refused(let refusal)) = result else { return self.refusal(of: result) }
    switch refusal {
    case .seatsTaken: return .seatsTaken([event.index.label(seat)])
    case .staleEvent:
      // Nothing happened; the client asks again, by when the definition will have been read anew.
      forget(event)
      return .unavailable
    default: return Translation.refusal(refusal, event: event)
    }
  }
}
