extension ByteRange {
  /// Whether an `If-None-Match` value names this entity tag (given with its quotes), by weak comparison, or is `*`.
  public func matches(entityTag: RawSpan, in message: RawSpan) -> Bool {
    guard !isAbsent else { return false }
    let list = bytes(in: message)
    var rest = 0
    while let item = list.nextListItem(&rest) {
      let tag = item.bytes(in: list)
      if tag.byteCount == 1, tag.at(0) == 0x2A { return true }
      let isWeak = tag.byteCount > 2 && tag.at(0) == 0x57 && tag.at(1) == 0x2F
      let opaque = isWeak ? tag.extracting(2..<tag.byteCount) : tag
      if opaque.byteCount == entityTag.byteCount,
        (0..<opaque.byteCount).allSatisfy({ opaque.at($0) == entityTag.at($0) })
      {
        return true
      }
    }
    return false
  }

  /// Whether a `Content-Type` value is this media type (given in lower case), whatever its parameters.
  public func isMediaType(_ type: StaticString, in message: RawSpan) -> Bool {
    guard !isAbsent else { return false }
    let value = bytes(in: message)
    var end = 0
    while end < value.byteCount, value.at(end) != 0x3B { end += 1 }
    return HeaderLines.trimmed(0, end, in: value).bytes(in: value).equalsIgnoringCase(type)
  }
}
