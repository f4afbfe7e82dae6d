/// Which bytes may stand where (RFC 9110, RFC 3986).
enum Characters {
  /// Set for `!#$%&'*+-.^_`|~`, digits and letters: what methods and header names are made of.
  @inline(__always) static func isToken(_ byte: UInt8) -> Bool {
    byte < 128 && bit(byte, 0x03FF_6CFA_0000_0000, 0x57FF_FFFF_C7FF_FFFE)
  }

  /// Visible ASCII, without `#`, which no request target has.
  @inline(__always) static func isTarget(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7F && byte != 0x23 }

  /// What a Host may have: letters, digits, `-._~%!$&'()*+,;=:[]`.
  @inline(__always) static func isHost(_ byte: UInt8) -> Bool {
    byte < 128 && bit(byte, 0x2FFF_7FF2_0000_0000, 0x47FF_FFFE_AFFF_FFFE)
  }

  @inline(__always) private static func bit(_ byte: UInt8, _ low: UInt64, _ high: UInt64) -> Bool {
    ((byte < 64 ? low : high) >> UInt64(byte & 63)) & 1 != 0
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
