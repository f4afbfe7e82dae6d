import Octets

/// What kind of entity a term of the digest belongs to, so that equal words of different kinds do not cancel out.
enum TermKind: UInt64 {
  case seat = 1
  case hold, content, free, key, event, area, order, terms, block, room, place
}

/// The term that an entity adds to the digest: each word times an odd number of its own, and the sum mixed. The
/// products do not wait for each other, which matters: several terms change with every command.
@inline(__always) func term(
  _ kind: TermKind, _ a: UInt64, _ b: UInt64 = 0, _ c: UInt64 = 0, _ d: UInt64 = 0, _ e: UInt64 = 0, _ f: UInt64 = 0
) -> UInt64 {
  var sum = kind.rawValue &* 0x9E37_79B9_7F4A_7C15
  sum &+= a &* 0xBF58_476D_1CE4_E5B9
  sum &+= b &* 0x94D0_49BB_1331_11EB
  sum &+= c &* 0xD6E8_FEB8_6659_FD93
  sum &+= d &* 0xA076_1D64_78BD_642F
  sum &+= e &* 0xE703_7ED1_A0B4_28DB
  sum &+= f &* 0x8EBC_6AF0_9C88_C6E3
  return mix64(sum)
}

/// What each issued sequence number adds to the digest.
let sequenceTerm: UInt64 = 0x5899_65CC_7537_4CC3

extension RawSpan {
  /// Eight bytes at `8 × index`, zeros behind the end.
  @inline(__always) func word(_ index: Int) -> UInt64 {
    let offset = index &* 8
    if offset &+ 8 <= byteCount {
      // Safe: eight bytes are there.
      return UInt64(littleEndian: unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
    }
    var word: UInt64 = 0
    var place = offset
    var shift: UInt64 = 0
    while place < byteCount {
      // Safe: `place` is below the count.
      word |= UInt64(unsafe unsafeLoad(fromUncheckedByteOffset: place, as: UInt8.self)) << shift
      place += 1
      shift += 8
    }
    return word
  }

  var wordCount: Int { (byteCount + 7) >> 3 }
}
