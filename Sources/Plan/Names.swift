internal import JSON
internal import Proto

/// What people may call things.
public enum Names {
  /// Bytes of an event's id, a buyer, a section, an area or a category.
  public static let bytesMax = 128
  /// Bytes of an event's name and venue.
  public static let titleBytesMax = 255
  /// Bytes of a seat's label.
  public static let labelBytesMax = 64

  /// 1 to 128 bytes of printable UTF-8: a buyer, a section, an area, a category.
  public static func isName(_ text: RawSpan) -> Bool {
    text.byteCount >= 1 && text.byteCount <= bytesMax && isPrintable(text)
  }

  /// 1 to 128 bytes of `[A-Za-z0-9._~-]`. `.` and `..` are refused: they vanish from a URL's path.
  public static func isEventID(_ text: RawSpan) -> Bool {
    guard text.byteCount >= 1, text.byteCount <= bytesMax else { return false }
    var dots = 0
    for offset in 0..<text.byteCount {
      switch text.planByte(offset) {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x7E, 0x2D: break
      case 0x2E: dots += 1
      default: return false
      }
    }
    return dots < text.byteCount || dots > 2
  }

  /// 1 to 64 bytes of UTF-8 without control characters, not beginning with `#`.
  public static func isLabel(_ text: RawSpan) -> Bool {
    text.byteCount >= 1 && text.byteCount <= labelBytesMax && text.planByte(0) != 0x23 && isPrintable(text)
  }

  /// UTF-8 without control characters (C0, DEL, C1) and without line and paragraph separators.
  public static func isPrintable(_ text: RawSpan) -> Bool {
    guard isUTF8(text) else { return false }
    let count = text.byteCount
    for offset in 0..<count {
      let byte = text.planByte(offset)
      if byte < 0x20 || byte == 0x7F { return false }
      // C1: C2 80 … C2 9F. Separators: E2 80 A8 and E2 80 A9.
      if byte == 0xC2, text.planByte(offset + 1) < 0xA0 { return false }
      if byte == 0xE2, text.planByte(offset + 1) == 0x80, text.planByte(offset + 2) & 0xFE == 0xA8 { return false }
    }
    return true
  }
}

extension RawSpan {
  /// One byte, checked.
  @inline(__always) func planByte(_ offset: Int) -> UInt8 {
    precondition(offset >= 0 && offset < byteCount, "an offset outside of the text")
    // Safe: checked in the line above.
    return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
  }
}
