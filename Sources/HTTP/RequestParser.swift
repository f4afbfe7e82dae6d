/// Finds request heads in a connection's bytes as they arrive. Holds no bytes itself.
///
/// Strict on purpose: whatever two readers could take for different messages is refused (RFC 9112, section 11.2).
public struct RequestParser: Sendable {
  public let limits: HTTPLimits
  /// Bytes that were looked at without finding a whole head.
  private var seen = 0

  public init(limits: HTTPLimits = HTTPLimits()) {
    precondition(limits.headBytes <= UInt16.max, "places in a head are counted in two bytes")
    self.limits = limits
  }

  /// Parses the head that `input` begins with.
  ///
  /// - Parameter input: all unconsumed bytes of the connection. Until a head was returned, the next call's input must
  ///   begin with this call's.
  /// - Returns: nil: wait for more bytes. Otherwise the body begins at `byteCount`; when it is done, consume both and
  ///   call again for the next, pipelined, request.
  /// - Throws: answer with the error's status and close.
  public mutating func parse(_ input: RawSpan) throws(HTTPError) -> RequestHead? {
    // A head that drips in is not parsed again from the start for each byte: only if a line was completed, or much
    // came.
    if seen > 0, input.byteCount < seen + 4_096, input.byteCount <= limits.headBytes,
      !input.hasLineFeed(from: seen)
    {
      return nil
    }
    if let head = try RequestHead.parse(input, limits: limits) {
      seen = 0
      return head
    }
    seen = input.byteCount
    return nil
  }

  /// Bytes of an unfinished head have arrived.
  public var isInHead: Bool { seen > 0 }
}

extension RawSpan {
  func hasLineFeed(from start: Int) -> Bool {
    var place = start
    while place < byteCount {
      if fast(place) == 0x0A { return true }
      place &+= 1
    }
    return false
  }
}

extension RequestHead {
  static func parse(_ input: RawSpan, limits: HTTPLimits) throws(HTTPError) -> RequestHead? {
    var head = RequestHead()
    var lineStart = 0
    // Some clients send an empty line behind a body (RFC 9112, section 2.2).
    while lineStart < input.byteCount, lineStart < 8, input.fast(lineStart) == 0x0D {
      guard lineStart &+ 1 < input.byteCount else { return nil }
      guard input.fast(lineStart &+ 1) == 0x0A else { throw .bareLineEnd }
      lineStart &+= 2
    }
    guard let headersStart = try head.parseLine(input, from: lineStart, limits: limits) else { return nil }
    var scanner = HeaderScanner(input, from: headersStart, limits: limits)
    var fields = Fields()
    while true {
      switch try scanner.next() {
      case .incomplete: return nil
      case .header(let name, let value): try head.take(name, value, in: input, &fields)
      case .end:
        head.byteCount = scanner.offset
        head.headers = ByteRange(headersStart, scanner.offset &- 2)
        try head.settle(fields)
        return head
      }
    }
  }

  /// What is known of the message's framing while headers come in.
  private struct Fields {
    var length: Int?
    var isChunked = false
    var close = false
    var keepAlive = false
    var ifNoneMatchTwice = false
  }

  /// Reads `method target HTTP/1.x`. Returns where the headers begin, or nil if the line is not all there.
  private mutating func parseLine(
    _ input: RawSpan, from start: Int, limits: HTTPLimits
  ) throws(HTTPError) -> Int? {
    let end = input.byteCount
    let incomplete: Int? = nil
    var place = start
    while place < end, Characters.isToken(input.fast(place)) { place &+= 1 }
    guard place &- start <= 32 else { throw .badRequestLine }
    guard place < end else { return incomplete }
    guard input.fast(place) == 0x20, place > start else {
      throw input.fast(place) == 0x0A ? .bareLineEnd : .badRequestLine
    }
    methodName = ByteRange(start, place)
    method = HTTPMethod(start, place, in: input)
    let target = place &+ 1
    place = target
    var question = 0
    while place < end {
      let byte = input.fast(place)
      guard Characters.isTarget(byte) else { break }
      if byte == 0x3F, question == 0 { question = place }
      place &+= 1
    }
    guard place &- start <= limits.firstLineBytes else { throw .targetTooLong }
    guard place < end else { return incomplete }
    guard input.fast(place) == 0x20 else {
      switch input.fast(place) {
      case 0x0A: throw .bareLineEnd
      case 0x0D: throw .badRequestLine
      default: throw .badTarget
      }
    }
    let targetEnd = place
    place &+= 1
    guard place &+ 10 <= end else {
      try Self.checkVersionStart(input, from: place)
      return incomplete
    }
    // "HTTP/1." and the minor version.
    let version = input.word(place)
    guard version & 0x00FF_FFFF_FFFF_FFFF == 0x002E_312F_5054_5448 else {
      throw version & 0x0000_00FF_FFFF_FFFF == 0x0000_002F_5054_5448 ? .versionNotSupported : .badRequestLine
    }
    switch version >> 56 {
    case 0x31...0x39: isVersion11 = true
    case 0x30: isVersion11 = false
    default: throw .badRequestLine
    }
    guard input.fast(place &+ 8) == 0x0D else {
      throw input.fast(place &+ 8) == 0x0A ? .bareLineEnd : .badRequestLine
    }
    guard input.fast(place &+ 9) == 0x0A else { throw .bareLineEnd }
    guard place &+ 10 &- start <= limits.firstLineBytes else { throw .targetTooLong }
    try setTarget(target, targetEnd, question: question, in: input)
    return place &+ 10
  }

  /// Refuses a third word that can no longer become a version, so that garbage is answered at once.
  private static func checkVersionStart(_ input: RawSpan, from start: Int) throws(HTTPError) {
    let wanted: StaticString = "HTTP/"
    for place in start..<min(input.byteCount, start + 5) {
      // Safe: the offset into the literal is below five.
      guard unsafe input.at(place) == wanted.utf8Start[place - start] else { throw .badRequestLine }
    }
  }

  private mutating func setTarget(_ start: Int, _ end: Int, question: Int, in input: RawSpan) throws(HTTPError) {
    guard end > start else { throw .badRequestLine }
    var pathStart = start
    if input.fast(start) != 0x2F {
      if end == start + 1, input.fast(start) == 0x2A, method == .options {
        path = ByteRange(start, end)
        isServerWide = true
        return
      }
      pathStart = try skipAuthority(start, end, in: input)
      if pathStart == end || input.fast(pathStart) == 0x3F {
        // No path: the scheme's second slash stands for the one that is left out (RFC 9110, section 4.2.3).
        isServerWide = method == .options && pathStart == end
        let slash = ByteRange(schemeEnd(start, in: input) - 1, schemeEnd(start, in: input))
        (path, query) = (slash, pathStart == end ? .none : ByteRange(pathStart + 1, end))
        return
      }
    }
    guard question > 0 else {
      path = ByteRange(pathStart, end)
      return
    }
    path = ByteRange(pathStart, question)
    query = ByteRange(question &+ 1, end)
  }

  /// Behind `http://` or `https://`, the beginnings of an absolute form, as a proxy would send it.
  private func schemeEnd(_ start: Int, in input: RawSpan) -> Int {
    start + (input.fast(start + 4) == 0x3A ? 7 : 8)
  }

  /// Behind the scheme and the authority of an absolute form: both are skipped.
  private func skipAuthority(_ start: Int, _ end: Int, in input: RawSpan) throws(HTTPError) -> Int {
    func begins(_ prefix: StaticString) -> Bool {
      let count = prefix.utf8CodeUnitCount
      return end - start > count && input.extracting(start..<(start + count)).equalsIgnoringCase(prefix)
    }
    guard begins("http://") || begins("https://") else { throw .badTarget }
    let host = schemeEnd(start, in: input)
    var place = host
    while place < end, Characters.isHost(input.fast(place)) { place += 1 }
    guard place > host, place == end || input.fast(place) == 0x2F || input.fast(place) == 0x3F else {
      throw .badTarget
    }
    return place
  }

  /// Takes note of one header, if it is one that matters.
  @inline(__always) private mutating func take(
    _ name: ByteRange, _ value: ByteRange, in input: RawSpan, _ fields: inout Fields
  ) throws(HTTPError) {
    switch name.count {
    case 4:
      if input.lowerHalf(Int(name.start)) == 0x7473_6F68 { try setHost(value, in: input) }
    case 6:
      let (first, last) = (input.lowerHalf(Int(name.start)), input.lowerHalf(Int(name.end) &- 4))
      if first == 0x6563_6361, last == 0x7470_6563 {
        if accept.isAbsent { accept = value }
      } else if first == 0x6570_7865, last == 0x7463_6570 {
        guard value.bytes(in: input).equalsIgnoringCase("100-continue") else { throw .expectationFailed }
        expectsContinue = true
      } else if first == 0x6769_726F, last == 0x6E69_6769 {
        origin = value
      }
    case 10:
      if name.isNamed(0x6974_6365_6E6E_6F63, 0x6E6F_6974_6365_6E6E, in: input) {
        takeConnection(value.bytes(in: input), &fields)
      }
    case 12:
      if name.isNamed(0x2D74_6E65_746E_6F63, 0x6570_7974_2D74_6E65, in: input) {
        guard contentType.isAbsent else { throw .repeatedField }
        contentType = value
      } else if name.isNamed(0x7365_7571_6572_2D78, 0x6469_2D74_7365_7571, in: input) {
        if requestID.isAbsent { requestID = value }
      }
    case 13:
      if name.isNamed(0x2D65_6E6F_6E2D_6669, 0x6863_7461_6D2D_656E, in: input) {
        fields.ifNoneMatchTwice = !ifNoneMatch.isAbsent
        ifNoneMatch = value
      } else if name.isNamed(0x7A69_726F_6874_7561, 0x6E6F_6974_617A_6972, in: input) {
        guard authorization.isAbsent else { throw .repeatedField }
        authorization = value
      } else if name.bytes(in: input).equalsIgnoringCase("holdfast-pass") {
        guard pass.isAbsent else { throw .repeatedField }
        pass = value
      } else if name.isNamed(0x6576_652D_7473_616C, 0x6469_2D74_6E65_7665, in: input) {
        lastEventID = value
      }
    case 14:
      if name.isNamed(0x2D74_6E65_746E_6F63, 0x6874_676E_656C_2D74, in: input) {
        guard fields.length == nil else { throw .ambiguousLength }
        fields.length = try contentLength(value, in: input)
      }
    case 15:
      if name.isNamed(0x6574_6F70_6D65_6469, 0x7965_6B2D_7963_6E65, in: input) {
        guard idempotencyKey.isAbsent else { throw .repeatedField }
        idempotencyKey = value
      }
    case 16:
      if name.isNamed(0x2D74_6E65_746E_6F63, 0x676E_6964_6F63_6E65, in: input) { contentEncoding = value }
    case 17:
      if name.bytes(in: input).equalsIgnoringCase("transfer-encoding") {
        guard !fields.isChunked else { throw .ambiguousLength }
        guard value.bytes(in: input).equalsIgnoringCase("chunked") else { throw .badTransferEncoding }
        fields.isChunked = true
      }
    case 30:
      if name.bytes(in: input).equalsIgnoringCase("access-control-request-headers") { requestHeaders = value }
    case 29:
      if name.bytes(in: input).equalsIgnoringCase("access-control-request-method") { requestMethod = value }
    default: break
    }
  }

  private mutating func setHost(_ value: ByteRange, in input: RawSpan) throws(HTTPError) {
    guard host.isAbsent else { throw .badHost }
    for place in value.range where !Characters.isHost(input.fast(place)) { throw .badHost }
    host = value
  }

  /// Draws the conclusions that need all headers.
  private mutating func settle(_ fields: Fields) throws(HTTPError) {
    if isVersion11, host.isAbsent { throw .missingHost }
    if fields.isChunked {
      // An HTTP/1.0 reader on the way would not understand it.
      guard isVersion11 else { throw .badTransferEncoding }
      guard fields.length == nil else { throw .ambiguousLength }
      framing = .chunked
    } else if let length = fields.length {
      framing = length == 0 ? .none : .length(length)
    }
    hasLength = fields.isChunked || fields.length != nil
    if !isVersion11 { expectsContinue = false }
    keepsAlive = isVersion11 ? !fields.close : fields.keepAlive && !fields.close
    if fields.ifNoneMatchTwice { ifNoneMatch = .none }
  }

  /// Looks for `close` and `keep-alive` in a list.
  private func takeConnection(_ value: RawSpan, _ fields: inout Fields) {
    var rest = 0
    while let item = value.nextListItem(&rest) {
      let bytes = item.bytes(in: value)
      if bytes.equalsIgnoringCase("close") { fields.close = true }
      if bytes.equalsIgnoringCase("keep-alive") { fields.keepAlive = true }
    }
  }
}

/// A Content-Length: digits only, one number. One that does not fit is larger than any limit.
func contentLength(_ value: ByteRange, in input: RawSpan) throws(HTTPError) -> Int {
  guard value.count > 0 else { throw .badContentLength }
  guard value.count <= 18 else {
    for place in value.range where input.fast(place) &- 0x30 >= 10 { throw .badContentLength }
    if input.fast(value.range.lowerBound) == 0x30 { throw .badContentLength }
    throw .bodyTooLarge
  }
  var length = 0
  for place in value.range {
    let digit = input.fast(place) &- 0x30
    guard digit < 10 else { throw .badContentLength }
    length = length &* 10 &+ Int(digit)
  }
  return length
}

extension RawSpan {
  /// The next item of a comma-separated list from `offset` on, without the space around it; nil at the end.
  func nextListItem(_ offset: inout Int) -> ByteRange? {
    while offset < byteCount {
      let start = offset
      while offset < byteCount, fast(offset) != 0x2C { offset += 1 }
      let item = HeaderLines.trimmed(start, offset, in: self)
      offset += 1
      if !item.isEmpty { return item }
    }
    return nil
  }
}

extension HTTPMethod {
  init(_ start: Int, _ end: Int, in input: RawSpan) {
    let name = input.extracting(start..<end)
    self =
      switch end - start {
      case 3 where name.isExactly("GET"): .get
      case 3 where name.isExactly("PUT"): .put
      case 4 where name.isExactly("POST"): .post
      case 4 where name.isExactly("HEAD"): .head
      case 5 where name.isExactly("PATCH"): .patch
      case 5 where name.isExactly("TRACE"): .trace
      case 6 where name.isExactly("DELETE"): .delete
      case 7 where name.isExactly("OPTIONS"): .options
      case 7 where name.isExactly("CONNECT"): .connect
      default: .other
      }
  }
}
