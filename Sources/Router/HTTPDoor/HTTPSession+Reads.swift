import EventLoop
import HTTP
import JSON
import Plan
import Proto

/// Seat maps and availability: from the copy, unless it is too old or the caller wants the primary's own word.
extension HTTPSession {
  func read(_ head: RequestHead, _ match: RouteMatch, _ message: RawSpan) throws(Problem) {
    var isStrong = false
    if !head.query.isAbsent {
      let query = head.query.bytes(in: message)
      guard query.isExactly("read=strong") || query.isExactly("read=fresh") else {
        throw .badRequest("The only query parameter is read, strong or fresh.", field: "read")
      }
      isStrong = query.isExactly("read=strong")
    }
    let event = engine.findEvent(match.parameter.bytes(in: message))
    if !isStrong, let event {
      if serveFresh(match.route, event) { return }
    }
    engine.metrics.strongReads &+= 1
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
      guard Names.isEventID(decoded.rawSpan) else { throw Problem(.noSuchEvent) }
      id = Bytes(decoded)
    }
    engine.start(
      Call(
        match.route == .seats ? .seats(id) : .availability(id), owner: self, number: 0, deadline: engine.deadline,
        startedAt: request.startedAt))
  }

  /// Answers from the copy; false if it is not fresh enough (then it was asked for).
  private func serveFresh(_ route: Route, _ event: EventEntry) -> Bool {
    let served = engine.serveFresh(event, loops: context.loops) { copy in
      let age = max(0, engine.now - copy.freshAt)
      if hasTag(event.ref, copy.version) {
        putFreshHead(304, event.ref, copy.version, age)
        return 304
      }
      putFreshHead(200, event.ref, copy.version, age)
      if route == .seats {
        putSeats(event, &copy)
      } else {
        putAvailability(event, &copy)
      }
      return 200
    }
    guard let status = served else { return false }
    engine.metrics.freshReads &+= 1
    answered(status)
    return true
  }

  private func putFreshHead(_ status: Int, _ ref: EventRef, _ version: UInt64, _ age: Milliseconds) {
    connection.write { out in
      putHead(status, into: &out)
      out.putEntityTag(ref, version)
      out.putText("Age: ")
      out.putJSON(age / 1_000)
      out.putText(status == 304 ? "\r\n\r\n" : "\r\nContent-Type: application/json\r\n")
    }
  }

  private func putSeats(_ event: EventEntry, _ copy: inout SeatCopy.State) {
    connection.write { out in
      let mark = out.beginBody()
      out.putSeatMapHead(event.id, version: copy.version)
      out.append(contentsOf: copy.body.tail)
      out.endBody(mark, isHead: request.isHead)
    }
  }

  private func putAvailability(_ event: EventEntry, _ copy: inout SeatCopy.State) {
    if copy.availability.isEmpty || copy.availabilityVersion != copy.version {
      copy.availability.removeAll(keepingCapacity: true)
      AvailabilityDocument.write(
        event.definition, version: copy.version, availability: copy.counts, into: &copy.availability)
      copy.availabilityVersion = copy.version
    }
    connection.write { out in
      let mark = out.beginBody()
      out.append(contentsOf: copy.availability)
      out.endBody(mark, isHead: request.isHead)
    }
  }
}
