/// Base 64 with the alphabet that URLs like, without padding (RFC 4648, section 5).
func base64URL(_ bytes: some Sequence<UInt8>) -> String {
  let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
  var out: [UInt8] = []
  var (bits, count) = (UInt32(0), 0)
  for byte in bytes {
    (bits, count) = (bits << 8 | UInt32(byte), count + 8)
    while count >= 6 {
      count -= 6
      out.append(alphabet[Int(bits >> UInt32(count) & 63)])
    }
  }
  if count > 0 { out.append(alphabet[Int(bits << UInt32(6 - count) & 63)]) }
  return String(decoding: out, as: UTF8.self)
}

/// nil: another byte stands in it, or bits are left over.
func fromBase64URL(_ text: ArraySlice<UInt8>) -> [UInt8]? {
  var out: [UInt8] = []
  out.reserveCapacity(text.count * 3 / 4)
  var (bits, count) = (UInt32(0), 0)
  for byte in text {
    let digit: UInt8
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = byte - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = byte - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0") + 52
    case UInt8(ascii: "-"): digit = 62
    case UInt8(ascii: "_"): digit = 63
    default: return nil
    }
    (bits, count) = (bits << 6 | UInt32(digit), count + 6)
    if count >= 8 {
      count -= 8
      out.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      bits &= 1 << UInt32(count) - 1
    }
  }
  return count < 6 && bits == 0 ? out : nil
}
