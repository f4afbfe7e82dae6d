/// A response's first line and headers, as places in the buffer that was parsed.
public struct ResponseHead: Equatable, Sendable {
  /// Bytes from the start of the buffer to the body.
  public internal(set) var byteCount = 0
  public internal(set) var status = 0
  public internal(set) var isVersion11 = true
  public internal(set) var keepsAlive = true
  public internal(set) var framing = BodyFraming.none
  public internal(set) var contentType = ByteRange.none
  /// All header lines, without the empty one.
  public internal(set) var headers = ByteRange.none

  init() {}

  /// An interim answer (100, 103): the real one follows.
  public var isInterim: Bool { status < 200 }

  /// The value of the first header with this name, given in lower case.
  public func value(of name: StaticString, in message: RawSpan) -> ByteRange {
    HeaderLines.value(of: name, lines: headers, in: message)
  }

  /// Where the whole body is, if it has a length and all of it is in `message`.
  @inlinable public func bodyInPlace(in message: RawSpan) -> Range<Int>? {
    switch framing {
    case .none: byteCount..<byteCount
    case .length(let length): message.byteCount &- byteCount >= length ? byteCount..<(byteCount + length) : nil
    case .chunked, .untilClose: nil
    }
  }
}

/// Finds response heads in a client connection's bytes as they arrive.
public struct ResponseParser: Sendable {
  public let limits: HTTPLimits
  private var seen = 0

  public init(limits: HTTPLimits = HTTPLimits()) {
    precondition(limits.headBytes <= UInt16.max, "places in a head are counted in two bytes")
    self.limits = limits
  }

  /// Parses the head that `input` begins with; nil: wait for more bytes. As `RequestParser.parse`.
  ///
  /// - Parameter toHead: the request was HEAD, so that no body follows whatever the headers say.
  public mutating func parse(_ input: RawSpan, toHead: Bool = false) throws(HTTPError) -> ResponseHead? {
    if seen > 0, input.byteCount < seen + 4_096, input.byteCount <= limits.headBytes,
      !input.hasLineFeed(from: seen)
    {
      return nil
    }
    if let head = try ResponseHead.parse(input, limits: limits, toHead: toHead) {
      seen = 0
      return head
    }
    seen = input.byteCount
    return nil
  }
}

extension ResponseHead {
  static func parse(_ input: RawSpan, limits: HTTPLimits, toHead: Bool) throws(HTTPError) -> ResponseHead? {
    let end = input.byteCount
    var head = ResponseHead()
    guard end >= 13 else { return nil }
    let version = input.word(0)
    guard version & 0x00FF_FFFF_FFFF_FFFF == 0x002E_312F_5054_5448 else { throw .badStatusLine }
    switch version >> 56 {
    case 0x31: head.isVersion11 = true
    case 0x30: head.isVersion11 = false
    default: throw .versionNotSupported
    }
    guard input.at(8) == 0x20 else { throw .badStatusLine }
    for place in 9..<12 {
      let digit = input.at(place) &- 0x30
      guard digit < 10 else { throw .badStatusLine }
      head.status = head.status * 10 + Int(digit)
    }
    guard (100...599).contains(head.status) else { throw .badStatusLine }
    // The reason phrase, and the space before it, may be missing.
    guard input.at(12) == 0x20 || input.at(12) == 0x0D else { throw .badStatusLine }
    let lineEnd = try HeaderScanner.endOfText(input, from: 12)
    guard lineEnd < limits.firstLineBytes else { throw .badStatusLine }
    guard lineEnd + 1 < end else { return nil }
    guard input.at(lineEnd) == 0x0D, input.at(lineEnd + 1) == 0x0A else { throw .bareLineEnd }

    var scanner = HeaderScanner(input, from: lineEnd + 2, limits: limits)
    var length: Int?
    var isChunked = false
    var close = false
    var keepAlive = false
    scan: while true {
      switch try scanner.next() {
      case .incomplete: return nil
      case .end: break scan
      case .header(let name, let value):
        let bytes = name.bytes(in: input)
        if bytes.equalsIgnoringCase("content-length") {
          guard length == nil else { throw .ambiguousLength }
          length = try contentLength(value, in: input)
        } else if bytes.equalsIgnoringCase("transfer-encoding") {
          guard !isChunked else { throw .ambiguousLength }
          guard value.bytes(in: input).equalsIgnoringCase("chunked") else { throw .badTransferEncoding }
          isChunked = true
        } else if bytes.equalsIgnoringCase("connection") {
          let list = value.bytes(in: input)
          var rest = 0
          while let item = list.nextListItem(&rest) {
            if item.bytes(in: list).equalsIgnoringCase("close") { close = true }
            if item.bytes(in: list).equalsIgnoringCase("keep-alive") { keepAlive = true }
          }
        } else if bytes.equalsIgnoringCase("content-type") {
          head.contentType = value
        }
      }
    }
    guard !isChunked || length == nil else { throw .ambiguousLength }
    head.byteCount = scanner.offset
    head.headers = ByteRange(lineEnd + 2, scanner.offset - 2)
    if toHead || head.status < 200 || head.status == 204 || head.status == 304 {
      head.framing = .none
    } else if isChunked {
      head.framing = .chunked
    } else if let length {
      head.framing = length == 0 ? .none : .length(length)
    } else {
      head.framing = .untilClose
    }
    head.keepsAlive = (head.isVersion11 ? !close : keepAlive && !close) && head.framing != .untilClose
    return head
  }
}
