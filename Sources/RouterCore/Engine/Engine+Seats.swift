import Octets
import Plan
import RESP
import Proto

/// Strong reads of one event's seats on one loop: those that came before the primary was asked share its answer, and
/// those that came later share the next one. So a large map is on its way at most once, however many ask for it.
struct SeatReads {
  package let event: EventEntry
  var asked: [Call]
  var later: [Call] = []
}

/// A seat map as a primary said it, which is to be put into words.
package struct SeatRendering: Sendable {
  package let event: EventEntry
  let version: UInt64
  let states: Bytes
  let forms: Set<SeatForm>

  /// Takes long for a large event.
  package func bodies() -> [SeatForm: SharedBody] {
    var bodies: [SeatForm: SharedBody] = [:]
    for form in forms { bodies[form] = body(form) }
    return bodies
  }

  private func body(_ form: SeatForm) -> SharedBody {
    switch form {
    case .numbers: return SharedBody()
    case .json: return SeatMapBody(event.definition, seatCount: event.seatCount, states: states.rawSpan).json
    case .resp:
      var body = SharedBody()
      var text: [UInt8] = []
      text.putArray(SeatMapDocument.rowCount(event.definition))
      SeatMapDocument.forEachRow(event.definition) { section, row, seats in
        body.addIfWhole(&text)
        text.putArray(3)
        text.putBulk(section)
        text.putBulk(row)
        text.putBulkHeader(byteCount: seats.count)
        var next = seats.lowerBound
        while next < seats.upperBound {
          let end = min(seats.upperBound, next + SharedBody.pieceBytes)
          text.put(states.rawSpan.extracting(next..<end))
          body.addIfWhole(&text)
          next = end
        }
        text.putLineEnd()
      }
      body.add(text)
      return body
    }
  }
}

extension Engine {
  /// What one such read takes while it is on its way: the answer, and what is made of it.
  private static func byteCount(_ event: EventEntry) -> Int { event.seatCount + event.mapBytes }

  func askSeats(_ event: EventEntry, _ call: Call) {
    let answerBytes = event.answerBytes(seats: event.seatCount)
    call.expect(bytes: answerBytes)
    if seatReads[event.id]?.event === event {
      seatReads[event.id]?.later.append(call)
      return
    }
    // Of another life of the event, which will be found stale: on its own.
    guard seatReads[event.id] == nil else {
      return ask(.seats(id: event.id), of: event.shard, call, expectedBytes: answerBytes)
    }
    begin(SeatReads(event: event, asked: [call]))
  }

  private func begin(_ reads: SeatReads) {
    let event = reads.event
    let latest = reads.asked.map(\.deadline).min() ?? deadline
    if directory.reserve(Self.byteCount(event), now: now) {
      let isTaken = submit(
        .seats(id: event.id), to: event.shard, .seats(event), deadline: latest,
        expectedBytes: event.answerBytes(seats: event.seatCount))
      if isTaken {
        seatReads[event.id] = reads
        return
      }
      directory.release(Self.byteCount(event))
    } else {
      copyRefusals &+= 1
    }
    for call in reads.asked { end(call, .refused(.unavailable)) }
  }

  func seatsRead(_ event: EventEntry, _ result: Completion.Result) {
    guard let reads = seatReads[event.id] else { return }
    guard case .answer(.seats(let ref, let version, let states)) = result, ref == event.ref,
      states.count == event.seatCount
    else {
      let asked = finish(event)
      for call in asked { advance(call, result) }
      return goOn(event)
    }
    let forms = Set(reads.asked.map(\.seatForm))
    let rendering = SeatRendering(event: event, version: version, states: states, forms: forms)
    if event.mapBytes < largeMapBytes || forms == [.numbers] {
      rendered(rendering, rendering.bodies())
    } else if host?.render(rendering) != true {
      for call in finish(event) { end(call, .refused(.unavailable)) }
      goOn(event)
    }
  }

  package func rendered(_ rendering: SeatRendering, _ bodies: [SeatForm: SharedBody]) {
    let event = rendering.event
    for call in finish(event) {
      end(
        call,
        .seats(
          event, version: rendering.version, states: rendering.states, bodies[call.seatForm] ?? SharedBody()))
    }
    goOn(event)
  }

  private func finish(_ event: EventEntry) -> [Call] {
    directory.release(Self.byteCount(event))
    let asked = seatReads[event.id]?.asked ?? []
    seatReads[event.id]?.asked = []
    return asked
  }

  private func goOn(_ event: EventEntry) {
    guard let reads = seatReads.removeValue(forKey: event.id), !reads.later.isEmpty else { return }
    begin(SeatReads(event: event, asked: reads.later))
  }

  // MARK: Plan bodies

  /// The call ends with `.plan` once the body is there: made once, however many wait.
  func awaitPlan(of event: EventEntry, _ call: Call) {
    if event.planBodyIfMade != nil { return end(call, .plan(event)) }
    if planWaits[event.id]?.first?.event === event {
      planWaits[event.id]?.append(call)
      return
    }
    guard planWaits[event.id] == nil, directory.reservePlan(event, now: now) else {
      copyRefusals &+= 1
      return end(call, .refused(.unavailable))
    }
    if event.planBytes < largeMapBytes { return end(call, .plan(event)) }
    planWaits[event.id] = [call]
    if host?.renderPlan(of: event) != true {
      directory.cancelPlan(event)
      planWaits[event.id] = nil
      end(call, .refused(.unavailable))
    }
  }

  package func planMade(_ event: EventEntry) {
    for call in planWaits.removeValue(forKey: event.id) ?? [] { end(call, .plan(event)) }
    if event.isDropped { directory.cancelPlan(event) }
  }
}

/// How a door says a seat map.
package enum SeatForm: Hashable, Sendable {
  /// As numbers only.
  case numbers
  case json
  case resp
}
