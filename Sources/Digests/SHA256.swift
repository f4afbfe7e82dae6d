internal import COpenSSL

/// A SHA-256 digest (FIPS 180-4), of libcrypto: 32 bytes as four words, so that it is a plain value.
public struct Digest256: Hashable, Sendable, BitwiseCopyable {
  /// As they lie in memory, the first byte in the lowest byte of `a`.
  public var a: UInt64
  public var b: UInt64
  public var c: UInt64
  public var d: UInt64

  @inlinable public init(a: UInt64, b: UInt64, c: UInt64, d: UInt64) { (self.a, self.b, self.c, self.d) = (a, b, c, d) }

  public static let zero = Digest256(a: 0, b: 0, c: 0, d: 0)
  public static let byteCount = 32

  /// The first 32 of `bytes`; nil: there are fewer.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count >= Self.byteCount else { return nil }
    func word(_ index: Int) -> UInt64 {
      (0..<8).reduce(0) { $0 | UInt64(bytes[index * 8 + $1]) << UInt64(8 * $1) }
    }
    self.init(a: word(0), b: word(1), c: word(2), d: word(3))
  }

  public var bytes: [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(Self.byteCount)
    for word in [a, b, c, d] { for place in 0..<8 { out.append(UInt8(truncatingIfNeeded: word >> UInt64(8 * place))) } }
    return out
  }
}

/// The digest of some bytes.
public func sha256(_ bytes: RawSpan) -> Digest256 {
  var digest = Digest256.zero
  // Safe: both pointers are used only inside the call; the digest has the 32 bytes that are written.
  unsafe bytes.withUnsafeBytes { source in
    unsafe withUnsafeMutableBytes(of: &digest) { target in
      unsafe cdig_sha256(source.baseAddress, source.count, target.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
  }
  return digest
}

/// The digest of values that lie one behind the other in memory, such as a tuple of integers.
@inline(__always) public func sha256<Value: BitwiseCopyable>(of value: Value) -> Digest256 {
  var (value, digest) = (value, Digest256.zero)
  // Safe: as above; every bit of `Value` is initialised because it is made of integers without gaps, as callers see to.
  unsafe withUnsafeBytes(of: &value) { source in
    unsafe withUnsafeMutableBytes(of: &digest) { target in
      unsafe cdig_sha256(source.baseAddress, source.count, target.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
  }
  return digest
}

/// HMAC-SHA256 (RFC 2104).
public func hmacSHA256(key: Digest256, _ message: Digest256) -> Digest256 {
  var (key, message, digest) = (key, message, Digest256.zero)
  // Safe: as above.
  let isDone = unsafe withUnsafeBytes(of: &key) { key in
    unsafe withUnsafeBytes(of: &message) { message in
      unsafe withUnsafeMutableBytes(of: &digest) { target in
        unsafe cdig_hmac_sha256(
          key.baseAddress, Int32(key.count), message.baseAddress, message.count,
          target.baseAddress?.assumingMemoryBound(to: UInt8.self))
      }
    }
  }
  precondition(isDone == 1, "libcrypto has HMAC with SHA-256, and memory for it")
  return digest
}
