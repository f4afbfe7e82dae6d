internal import CHoldfast

/// CRC32C (Castagnoli), as in iSCSI and ext4: finds every burst up to 32 bits.
public func crc32c(_ span: RawSpan, from crc: UInt32 = 0) -> UInt32 {
  // Safe: the pointer is used only inside the call, with the span's own length.
  unsafe span.withUnsafeBytes { unsafe chf_crc32c(crc, $0.baseAddress, $0.count) }
}

/// A 64-bit mixer (the finaliser of SplitMix64; Steele, Lea, Flood 2014): a bijection in which each input bit
/// changes about half of the output's.
@inlinable public func mix64(_ value: UInt64) -> UInt64 {
  var z = value &+ 0x9E37_79B9_7F4A_7C15
  z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
  z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
  return z ^ (z >> 31)
}

/// The part of a long span that four lanes can take, which do not wait for each other: a plan of many megabytes. Where
/// the rest begins.
@usableFromInline func stableHashOfMany(_ span: RawSpan, _ start: UInt64) -> (hash: UInt64, offset: Int) {
  var (a, b, c, d) = (mix64(start ^ 1), mix64(start ^ 2), mix64(start ^ 3), mix64(start ^ 4))
  var offset = 0
  while offset &+ 32 <= span.byteCount {
    // Safe: thirty-two bytes are left.
    a = mix64(
      a ^ UInt64(littleEndian: unsafe span.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)))
    b = mix64(
      b ^ UInt64(littleEndian: unsafe span.unsafeLoadUnaligned(fromUncheckedByteOffset: offset &+ 8, as: UInt64.self)))
    c = mix64(
      c ^ UInt64(littleEndian: unsafe span.unsafeLoadUnaligned(fromUncheckedByteOffset: offset &+ 16, as: UInt64.self)))
    d = mix64(
      d ^ UInt64(littleEndian: unsafe span.unsafeLoadUnaligned(fromUncheckedByteOffset: offset &+ 24, as: UInt64.self)))
    offset &+= 32
  }
  return (mix64(mix64(mix64(mix64(a) ^ b) ^ c) ^ d), offset)
}

/// A stable 64-bit hash of some bytes: the same in every process and on every machine, unlike `Hasher`. Not for
/// adversaries who choose both inputs.
@inlinable public func stableHash(_ span: RawSpan, seed: UInt64 = 0) -> UInt64 {
  var hash = mix64(seed ^ UInt64(truncatingIfNeeded: span.byteCount))
  var offset = 0
  let count = span.byteCount
  if count >= 64 << 10 { (hash, offset) = stableHashOfMany(span, hash) }
  while offset &+ 8 <= count {
    // Safe: eight bytes are left.
    let word = unsafe span.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
    hash = mix64(hash ^ UInt64(littleEndian: word))
    offset &+= 8
  }
  var tail: UInt64 = 0
  var shift: UInt64 = 0
  while offset < count {
    // Safe: `offset` is below the count.
    tail |= UInt64(unsafe span.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)) << shift
    shift &+= 8
    offset &+= 1
  }
  return mix64(hash ^ tail)
}
