/// Which bytes may stand where (RFC 9110, RFC 3986).
enum Characters {
  /// One character for each byte: `@` plus 1 for what methods and header names are made of (``!#$%&'*+-.^_`|~``,
  /// digits, letters), 2 for what a request target may have (visible ASCII without `#`), 4 for what a Host may have
  /// (letters, digits, ``-._~%!$&'()*+,;=:[]``). A literal, because a look-up in one costs no initialisation check.
  private static var classes: StaticString {
    """
    @@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@GBAGGGGFFGGFGGBGGGGGGGGGGFFBFBB\
    BGGGGGGGGGGGGGGGGGGGGGGGGGGFBFCGCGGGGGGGGGGGGGGGGGGGGGGGGGGBCBG@\
    @@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\
    @@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
    """
  }

  @inline(__always) static func isToken(_ byte: UInt8) -> Bool { classOf(byte) & 1 != 0 }
  @inline(__always) static func isTarget(_ byte: UInt8) -> Bool { classOf(byte) & 2 != 0 }
  @inline(__always) static func isHost(_ byte: UInt8) -> Bool { classOf(byte) & 4 != 0 }

  @inline(__always) private static func classOf(_ byte: UInt8) -> UInt8 {
    // Safe: the literal has 256 characters, one for each byte.
    unsafe classes.utf8Start[Int(byte)]
  }

  /// 0…15, or 255.
  @inline(__always) static func hexValue(_ byte: UInt8) -> UInt8 {
    switch byte {
    case 0x30...0x39: byte &- 0x30
    case 0x41...0x46: byte &- 0x37
    case 0x61...0x66: byte &- 0x57
    default: 255
    }
  }
}
