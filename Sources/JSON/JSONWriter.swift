/// Appends JSON to a byte array. Braces, brackets, commas and keys are literals that the caller appends: what is
/// written on the hot path is mostly constant text.
///
/// ```swift
/// out.putJSON("{\"event\":")
/// out.putJSONString(event)
/// out.putJSON(",\"version\":")
/// out.putJSON(version)
/// out.putJSON("}")
/// ```
extension [UInt8] {
  /// Literal JSON text.
  public mutating func putJSON(_ text: StaticString) { add(text) }

  /// A string, quoted and escaped. The bytes should be UTF-8; what is not is written as U+FFFD, so that the result is.
  public mutating func putJSONString(_ text: RawSpan) {
    append(0x22)
    putJSONText(text)
    append(0x22)
  }

  public mutating func putJSONString(_ text: String) {
    let bytes = [UInt8](text.utf8)
    putJSONString(bytes.span8)
  }

  /// A string's escaped inside without quotes, to put strings together.
  public mutating func putJSONText(_ text: RawSpan) {
    var done = 0
    var place = 0
    let end = text.byteCount
    while place < end {
      let byte = text.fast(place)
      if byte >= 0x20 && byte < 0x80 && byte != 0x22 && byte != 0x5C {
        place &+= 1
        continue
      }
      if byte >= 0x80 {
        let length = text.utf8Sequence(at: place)
        if length > 0 {
          place &+= length
          continue
        }
      }
      add(text.extracting(done..<place))
      place &+= 1
      done = place
      switch byte {
      case 0x22: add("\\\"")
      case 0x5C: add("\\\\")
      case 0x08: add("\\b")
      case 0x09: add("\\t")
      case 0x0A: add("\\n")
      case 0x0C: add("\\f")
      case 0x0D: add("\\r")
      case 0x80...0xFF: add("\u{FFFD}")
      default:
        add("\\u00")
        append(byte >> 4 < 10 ? 0x30 + byte >> 4 : 0x57 + byte >> 4)
        append(byte & 15 < 10 ? 0x30 + byte & 15 : 0x57 + byte & 15)
      }
    }
    add(text.extracting(done..<end))
  }

  public mutating func putJSON(_ value: Int64) {
    if value < 0 { append(0x2D) }
    putDigits(value.magnitude)
  }

  public mutating func putJSON(_ value: UInt64) { putDigits(value) }
  public mutating func putJSON(_ value: Int) { putJSON(Int64(value)) }
  public mutating func putJSON(_ value: UInt32) { putDigits(UInt64(value)) }

  public mutating func putJSON(_ value: Bool) {
    if value { add("true") } else { add("false") }
  }

  /// The shortest number that reads back as the same; what is not finite is null.
  public mutating func putJSON(_ value: Float) {
    guard value.isFinite else {
      add("null")
      return
    }
    if let whole = Int64(exactly: value), whole.magnitude < 1 << 53 {
      putJSON(whole)
    } else {
      append(contentsOf: value.description.utf8)
    }
  }

  private mutating func putDigits(_ value: UInt64) {
    if value < 10 {
      append(0x30 &+ UInt8(truncatingIfNeeded: value))
      return
    }
    let start = count
    var rest = value
    while rest > 0 {
      append(0x30 &+ UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
    }
    var low = start
    var high = count &- 1
    while low < high {
      swapAt(low, high)
      low &+= 1
      high &-= 1
    }
  }
}
