/// A request's method. Names are case-sensitive.
public enum HTTPMethod: UInt8, Sendable, CaseIterable {
  case get = 1
  case head, post, put, delete, patch, options, connect, trace
  /// A well-formed method that none of the above is.
  case other

  /// As it stands in a request; `other` for one that none of these is.
  public var name: StaticString {
    switch self {
    case .get: "GET"
    case .head: "HEAD"
    case .post: "POST"
    case .put: "PUT"
    case .delete: "DELETE"
    case .patch: "PATCH"
    case .options: "OPTIONS"
    case .connect: "CONNECT"
    case .trace: "TRACE"
    case .other: "other"
    }
  }
}

/// How the end of a body is found.
public enum BodyFraming: Equatable, Sendable {
  case none
  case length(Int)
  case chunked
  /// A response without a length: the body ends with the connection.
  case untilClose
}

/// A request's first line and headers, as places in the buffer that was parsed: a plain value without allocations. Good
/// until those bytes are dropped.
public struct RequestHead: Equatable, Sendable {
  /// Bytes from the start of the buffer to the body.
  public internal(set) var byteCount = 0
  public internal(set) var method = HTTPMethod.other
  public internal(set) var methodName = ByteRange.none
  /// The path, still percent-encoded; begins with a slash.
  public internal(set) var path = ByteRange.none
  /// What follows the question mark; absent without one.
  public internal(set) var query = ByteRange.none
  /// `OPTIONS *`, or its absolute form: about the server, not a path. `path` is a slash or the asterisk.
  public internal(set) var isServerWide = false
  /// HTTP/1.1, or a later minor version, which is read as 1.1 (RFC 9110, section 2.5), rather than 1.0.
  public internal(set) var isVersion11 = true
  /// Whether the connection may go on after the answer.
  public internal(set) var keepsAlive = true
  /// The client waits for `100 Continue` before it sends the body.
  public internal(set) var expectsContinue = false
  public internal(set) var framing = BodyFraming.none
  /// The request says how long its body is, if only 0: without it a POST is answered with 411.
  public internal(set) var hasLength = false

  // The headers that the server looks at; absent if the request has none.
  public internal(set) var host = ByteRange.none
  public internal(set) var contentType = ByteRange.none
  public internal(set) var contentEncoding = ByteRange.none
  public internal(set) var accept = ByteRange.none
  public internal(set) var authorization = ByteRange.none
  public internal(set) var idempotencyKey = ByteRange.none
  /// `Holdfast-Pass`.
  public internal(set) var pass = ByteRange.none
  /// Absent, too, if it stands twice: a full answer is always right.
  public internal(set) var ifNoneMatch = ByteRange.none
  public internal(set) var requestID = ByteRange.none
  public internal(set) var origin = ByteRange.none
  public internal(set) var requestMethod = ByteRange.none
  public internal(set) var requestHeaders = ByteRange.none
  public internal(set) var lastEventID = ByteRange.none
  /// All header lines, without the empty one.
  public internal(set) var headers = ByteRange.none

  init() {}

  /// Where the whole body is, if it has a length (or is empty) and all of it is in `message`: the path without a copy.
  @inlinable public func bodyInPlace(in message: RawSpan) -> Range<Int>? {
    switch framing {
    case .none: byteCount..<byteCount
    case .length(let length): message.byteCount &- byteCount >= length ? byteCount..<(byteCount + length) : nil
    case .chunked, .untilClose: nil
    }
  }

  /// The value of the first header with this name (given in lower case); looks through all lines, for the headers that
  /// have no property.
  public func value(of name: StaticString, in message: RawSpan) -> ByteRange {
    HeaderLines.value(of: name, lines: headers, in: message)
  }
}

/// Walks over header lines that were checked before.
enum HeaderLines {
  static func value(of name: StaticString, lines: ByteRange, in message: RawSpan) -> ByteRange {
    var offset = Int(lines.start)
    let end = Int(lines.end)
    while offset < end {
      var colon = offset
      while colon < end, message.at(colon) != 0x3A { colon += 1 }
      var lineEnd = colon
      while lineEnd < end, message.at(lineEnd) != 0x0D { lineEnd += 1 }
      if colon < lineEnd, message.extracting(offset..<colon).equalsIgnoringCase(name) {
        return trimmed(colon + 1, lineEnd, in: message)
      }
      offset = lineEnd + 2
    }
    return .none
  }

  /// The bytes between `start` and `end` without spaces and tabs around them.
  @inline(__always) static func trimmed(_ start: Int, _ end: Int, in message: RawSpan) -> ByteRange {
    var (start, end) = (start, end)
    while start < end, message.fast(start) == 0x20 || message.fast(start) == 0x09 { start &+= 1 }
    while end > start, message.fast(end &- 1) == 0x20 || message.fast(end &- 1) == 0x09 { end &-= 1 }
    return ByteRange(start, end)
  }
}
