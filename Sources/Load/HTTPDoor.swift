import HTTP
import Octets

/// The HTTP door.
struct HTTPDoor: LoadDoor {
  let events: EventSet
  let host: String
  private var parser = ResponseParser()

  init(events: EventSet, host: String) { (self.events, self.host) = (events, host) }

  mutating func write(_ action: Action, subject: [UInt8], into out: inout [UInt8]) {
    let id = String(decoding: subject, as: UTF8.self)
    switch action {
    case .createEvent(let index):
      post(
        "/v1/events",
        "{\"id\":\"\(events.name(index))\",\"name\":\"load\",\"sections\":[{\"name\":\"Main\",\"rows\":\(events.rows),"
          + "\"seats_per_row\":\(events.seatsPerRow),\"price\":4500}]}", &out)
    case .browse(let event): out.add("GET /v1/events/\(events.name(event))/seats HTTP/1.1\r\nHost: \(host)\r\n\r\n")
    case .hold(let event, let seats, let buyer):
      let labels = seats.map { "\"#\($0)\"" }.joined(separator: ",")
      post("/v1/reserve", "{\"event\":\"\(events.name(event))\",\"buyer\":\"b\(buyer)\",\"seats\":[\(labels)]}", &out)
    case .checkout: post("/v1/checkout", "{\"hold\":\"\(id)\"}", &out)
    case .confirm: post("/v1/orders/\(id)/confirm", "{}", &out)
    case .move: preconditionFailure("a move is a hold and a release at this door")
    case .release: out.add("DELETE /v1/holds/\(id) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
    }
  }

  private func post(_ path: String, _ body: String, _ out: inout [UInt8]) {
    out.add("POST \(path) HTTP/1.1\r\nHost: \(host)\r\nContent-Type: application/json\r\nContent-Length: ")
    out.add("\(body.utf8.count)\r\n\r\n")
    out.add(body)
  }

  mutating func read(_ input: RawSpan) throws -> (reply: LoadReply, byteCount: Int)? {
    guard let head = try parser.parse(input) else { return nil }
    guard let body = head.bodyInPlace(in: input) else {
      // The body is still on its way; the head is parsed again with it.
      guard case .length = head.framing else { throw DecodeError.invalid(field: "response framing") }
      return nil
    }
    let text = input.extracting(body)
    switch head.status {
    case 200..<300, 304:
      let order = text.quoted(after: "\"order\":\"")
      let subject = order.isEmpty ? text.quoted(after: "\"hold\":\"") : order
      var reply = LoadReply(kind: .ok, word: "", subject: subject)
      if events.keepsMaps {
        var at = 0
        while let row = text.quoted(after: "\"seats\":\"", from: &at) { reply.seatMap += row }
      }
      return (reply, body.upperBound)
    case 404, 409, 410, 422:
      let code = String(decoding: text.quoted(after: "\"code\":\""), as: UTF8.self)
      return (LoadReply(kind: .refused, word: code, subject: []), body.upperBound)
    default: return (LoadReply(kind: .error, word: "\(head.status)", subject: []), body.upperBound)
    }
  }
}
