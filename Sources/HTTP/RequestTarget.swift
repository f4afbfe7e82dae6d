/// A path's segments, one by one, still percent-encoded: splitting comes before decoding, so that `%2F` is no
/// separator.
public struct PathSegments: ~Escapable {
  private let message: RawSpan
  private var offset: Int
  private let end: Int

  /// - Parameter path: `RequestHead.path` of the parsed message.
  @_lifetime(copy message)
  public init(_ path: ByteRange, in message: RawSpan) {
    self.message = message
    (offset, end) = (Int(path.start), Int(path.end))
  }

  /// The next segment, which may be empty (`/v1//x`, `/v1/`); nil behind the last.
  public mutating func next() -> ByteRange? {
    guard offset < end, message.at(offset) == 0x2F else { return nil }
    let start = offset + 1
    offset = start
    while offset < end, message.at(offset) != 0x2F { offset += 1 }
    return ByteRange(start, offset)
  }
}

extension ByteRange {
  /// Appends the bytes with `%xx` decoded. NUL is refused, encoded or not.
  public func percentDecoded(in message: RawSpan, into out: inout [UInt8]) throws(HTTPError) {
    try Self.decode(bytes(in: message), plusIsSpace: false, error: .badPercentEncoding, into: &out)
  }

  fileprivate static func decode(
    _ bytes: RawSpan, plusIsSpace: Bool, error: HTTPError, into out: inout [UInt8]
  ) throws(HTTPError) {
    var offset = 0
    while offset < bytes.byteCount {
      var byte = bytes.at(offset)
      offset += 1
      if byte == 0x25 {
        guard offset + 2 <= bytes.byteCount else { throw error }
        let high = Characters.hexValue(bytes.at(offset))
        let low = Characters.hexValue(bytes.at(offset + 1))
        guard high < 16, low < 16 else { throw error }
        byte = high << 4 | low
        offset += 2
      } else if byte == 0x2B, plusIsSpace {
        byte = 0x20
      }
      guard byte != 0 else { throw error }
      out.append(byte)
    }
  }
}

/// A query's parameters, one by one, decoded (`+` is a space).
public struct QueryParameters: ~Escapable {
  private let message: RawSpan
  private var offset: Int
  private let end: Int

  /// - Parameter query: `RequestHead.query` of the parsed message.
  @_lifetime(copy message)
  public init(_ query: ByteRange, in message: RawSpan) {
    self.message = message
    (offset, end) = (Int(query.start), Int(query.end))
  }

  /// Replaces `name` and `value` by the next parameter's; false behind the last. A parameter without `=` has an empty
  /// value; empty ones (`a=1&&b=2`) are skipped.
  public mutating func next(name: inout [UInt8], value: inout [UInt8]) throws(HTTPError) -> Bool {
    while offset < end {
      let start = offset
      var equals = -1
      while offset < end, message.at(offset) != 0x26 {
        if message.at(offset) == 0x3D, equals < 0 { equals = offset }
        offset += 1
      }
      let stop = offset
      offset += 1
      if stop == start { continue }
      name.removeAll(keepingCapacity: true)
      value.removeAll(keepingCapacity: true)
      let nameEnd = equals < 0 ? stop : equals
      guard nameEnd > start else { throw .badQuery }
      try ByteRange.decode(message.extracting(start..<nameEnd), plusIsSpace: true, error: .badQuery, into: &name)
      if equals >= 0 {
        try ByteRange.decode(message.extracting((equals + 1)..<stop), plusIsSpace: true, error: .badQuery, into: &value)
      }
      return true
    }
    return false
  }
}
