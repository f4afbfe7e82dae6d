/// Writes responses (and a client's requests) by appending to a byte array: nothing is copied, nothing else allocated.
///
/// ```swift
/// out.putStatus(200)
/// out.putHeader("Content-Type", "application/json")
/// let body = out.beginBody()      // ends the headers, leaves room for the length
/// …append the body…
/// out.endBody(body)               // fills the length in
/// ```
extension [UInt8] {
  /// `HTTP/1.1 200 OK`.
  public mutating func putStatus(_ status: Int) {
    switch status {
    case 200:
      add("HTTP/1.1 200 OK\r\n")
      return
    case 409:
      add("HTTP/1.1 409 Conflict\r\n")
      return
    default: break
    }
    add("HTTP/1.1 ")
    addDecimal(status)
    append(0x20)
    add(HTTPStatus.reason(status))
    add("\r\n")
  }

  public mutating func putHeader(_ name: StaticString, _ value: StaticString) {
    add(name)
    add(": ")
    add(value)
    add("\r\n")
  }

  public mutating func putHeader(_ name: StaticString, _ value: Int) {
    add(name)
    add(": ")
    addDecimal(value)
    add("\r\n")
  }

  /// A value that came from outside: control characters, which could end the header, are written as `_`.
  public mutating func putHeader(_ name: StaticString, bytes value: RawSpan) {
    add(name)
    add(": ")
    let start = count
    add(value)
    for place in start..<count where self[place] < 0x20 || self[place] == 0x7F { self[place] = 0x5F }
    add("\r\n")
  }

  /// Whole lines that are kept ready, such as the date's: see `HTTPDate`.
  public mutating func putLines(_ lines: [UInt8]) { append(contentsOf: lines) }

  /// Whole lines, each with its line end, as one literal: cheaper than one by one.
  public mutating func putLines(_ lines: StaticString) { add(lines) }

  /// `Content-Length` with room for its digits, and the end of the headers. What is appended from now on is the body.
  public mutating func beginBody() -> BodyMark {
    // The value is padded with spaces in front, which every reader skips.
    add("Content-Length:           \r\n\r\n")
    return BodyMark(lengthAt: count - 14, bodyAt: count)
  }

  /// Fills in the length of what was appended since `beginBody`.
  ///
  /// - Parameters:
  ///   - isHead: the request was HEAD: the length stays, the body is taken off again.
  ///   - following: bytes of the body that will be sent behind this array.
  public mutating func endBody(_ mark: BodyMark, isHead: Bool = false, following: Int = 0) {
    var rest = count - mark.bodyAt + following
    precondition(rest < 10_000_000_000, "a body of ten digits is far over every limit")
    var place = mark.lengthAt + 9
    repeat {
      self[place] = UInt8(truncatingIfNeeded: 0x30 + rest % 10)
      rest /= 10
      place -= 1
    } while rest > 0
    if isHead { removeLast(count - mark.bodyAt) }
  }

  /// Ends the headers of a response that has no body and no length (204, 304), or of a stream that ends with the
  /// connection.
  public mutating func endHeaders() { add("\r\n") }

  /// The interim answer to `Expect: 100-continue`.
  public mutating func putContinue() { add("HTTP/1.1 100 Continue\r\n\r\n") }

  /// One event of a stream (`text/event-stream`). Line breaks in `data` become several data lines.
  public mutating func putServerSentEvent(event: StaticString? = nil, id: RawSpan? = nil, data: RawSpan) {
    if let event {
      add("event: ")
      add(event)
      add("\n")
    }
    if let id {
      add("id: ")
      let start = count
      add(id)
      // A line break or NUL would end the field or void the id.
      for place in start..<count where self[place] < 0x20 { self[place] = 0x5F }
      add("\n")
    }
    add("data: ")
    for place in 0..<data.byteCount {
      let byte = data.at(place)
      if byte == 0x0D {
        if place + 1 < data.byteCount, data.at(place + 1) == 0x0A { continue }
        add("\ndata: ")
      } else if byte == 0x0A {
        add("\ndata: ")
      } else {
        append(byte)
      }
    }
    add("\n\n")
  }

  /// A comment, which keeps an idle stream's connection alive.
  public mutating func putServerSentComment() { add(":\n\n") }

  /// Appends `value` with everything but letters, digits and `-._~` as `%XX`: for one segment of a path or one query
  /// value.
  public mutating func putPercentEncoded(_ value: RawSpan) {
    for place in 0..<value.byteCount {
      let byte = value.at(place)
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: append(byte)
      default:
        append(0x25)
        append(Self.hexDigit(byte >> 4))
        append(Self.hexDigit(byte & 15))
      }
    }
  }

  private static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x37 + value }
}

/// Where a response's length and body begin in the array that it is written to.
public struct BodyMark: Sendable {
  let lengthAt: Int
  let bodyAt: Int
}

public enum HTTPStatus {
  /// The reason phrase; empty for a code that is never sent here.
  public static func reason(_ status: Int) -> StaticString {
    switch status {
    case 100: "Continue"
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 204: "No Content"
    case 304: "Not Modified"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 406: "Not Acceptable"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 410: "Gone"
    case 411: "Length Required"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 415: "Unsupported Media Type"
    case 417: "Expectation Failed"
    case 422: "Unprocessable Content"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 505: "HTTP Version Not Supported"
    default: ""
    }
  }
}
