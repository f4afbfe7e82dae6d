import Budgets
import EventLoop
import HTTP
import JSON
import Octets
import Plan
import Proto
import RESP
import RouterCore
import Time

/// Seat maps and availability: from the copy, unless it is too old or the caller wants the primary's own word.
extension HTTPSession {
  func read(_ head: RequestHead, _ match: RouteMatch, _ message: RawSpan) throws(Problem) {
    var isStrong = false
    if !head.query.isAbsent {
      try parameters(head, message) { (parameter: ReadParameter, value) throws(Problem) in
        switch parameter {
        case .read:
          isStrong = value == "strong"
          guard isStrong || value == "fresh" else { throw .badRequest("read is strong or fresh.", field: "read") }
        }
      }
    }
    let event = engine.findEvent(match.parameter.bytes(in: message))
    if !isStrong, let event {
      if serveFresh(match.route, event) { return }
    }
    let id: Bytes
    if let event {
      id = event.id
    } else {
      var decoded: [UInt8] = []
      do throws(HTTPError) {
        try match.parameter.percentDecoded(in: message, into: &decoded)
      } catch {
        throw .badRequest(Bytes(error.detail))
      }
      guard Names.isEventID(decoded.rawSpan) else { throw Problem(.event, Bytes(decoded)) }
      id = Bytes(decoded)
    }
    let operation: Operation
    if match.route == .availability {
      operation = .availability(id)
    } else {
      // A map that is not fresh yet is waited for, by all who want it together.
      operation = isStrong ? .seats(id) : .copy(id)
    }
    if isStrong || match.route == .availability { loop.metrics.strongReads &+= 1 }
    let call = Call(operation, owner: self, number: 0, deadline: engine.deadline, startedAt: request.startedAt)
    call.seatForm = .json
    engine.start(call)
  }

  /// Answers from the copy; false if it is not fresh enough (then it was asked for).
  func serveFresh(_ route: OperationName, _ event: EventEntry) -> Bool {
    let served = engine.serveFresh(event) { copy, map -> Int? in
      // The counts are said with prices, which may be older.
      if route == .availability, copy.counts.terms > event.termsVersion { return nil }
      let age = max(0, engine.now - copy.freshAt)
      if hasTag(event.ref, copy.version) {
        putFreshHead(304, event.ref, copy.version, age)
        return 304
      }
      putFreshHead(200, event.ref, copy.version, age)
      if route == .seats {
        putBody(map.json.pieces, map.json.byteCount) {
          SeatMapDocument.writeHead(event.id, version: copy.version, into: &$0)
        }
      } else {
        let body = copy.availabilityBody(event.current.definition, context.outputBudget)
        putBody([body], body.bytes.count) { _ in }
      }
      return 200
    }
    guard let status = served ?? nil else { return false }
    loop.metrics.freshReads &+= 1
    answered(status)
    return true
  }

  private func putFreshHead(_ status: Int, _ ref: EventRef, _ version: UInt64, _ age: Milliseconds) {
    connection.write { out in
      putHead(status, into: &out)
      out.putEntityTag(ref, version)
      out.putText("Age: ")
      out.putJSON(age.seconds)
      out.putText(status == 304 ? "\r\n\r\n" : "\r\nContent-Type: application/json\r\n")
    }
  }

  /// A body that other connections are sent too, and what stands before it.
  private func putBody(_ shared: [SharedBytes], _ byteCount: Int, _ prefix: (inout [UInt8]) -> Void) {
    connection.write { out in
      let mark = out.beginBody()
      prefix(&out)
      out.endBody(mark, isHead: request.isHead, following: byteCount)
    }
    if !request.isHead { connection.write(shared) }
  }
}
