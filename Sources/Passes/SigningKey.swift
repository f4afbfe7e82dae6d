internal import COpenSSL

/// An RSA key pair of libcrypto that signs by RS256 (RSASSA-PKCS1-v1_5 with SHA-256, RFC 7518): of the signatures of
/// web tokens the one that is checked fastest, and each pass is checked by every router.
///
/// Sendable without the compiler's check: a key is never changed once it is made, and libcrypto lets any number of
/// threads use such a key.
@safe public final class SigningKey: @unchecked Sendable {
  private let key: OpaquePointer

  public static let bits = 2_048
  private static let pemBytesMax = 8_192
  private static let signatureBytesMax = 1_024

  // Safe: the key is this object's alone, and is freed with it.
  private init(owning key: OpaquePointer) { unsafe self.key = key }

  /// Another one; nil: libcrypto cannot. Takes some tenths of a second.
  public static func generate() -> SigningKey? {
    guard let key = unsafe csig_generate(bits) else { return nil }
    return unsafe SigningKey(owning: key)
  }

  /// As `pem` wrote it; nil: it is none.
  public init?(pem: String) {
    var pem = pem
    // Safe: the text is read within the call, by its own length.
    let read = pem.withUTF8 { bytes in
      unsafe bytes.withMemoryRebound(to: CChar.self) { unsafe csig_read($0.baseAddress, Int32(clamping: $0.count)) }
    }
    guard let read = unsafe read else { return nil }
    unsafe key = read
  }

  // Safe: nobody else has it.
  deinit { unsafe EVP_PKEY_free(key) }

  /// With the private key.
  public var pem: String {
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.pemBytesMax) { buffer, count in
      // Safe: as many bytes as the buffer has at most are written, and counted.
      count = unsafe buffer.withMemoryRebound(to: CChar.self) { unsafe csig_write(key, $0.baseAddress, $0.count) }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The signature of a message; empty: libcrypto cannot.
  func sign(_ message: [UInt8]) -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: Self.signatureBytesMax) { buffer, count in
      // Safe: as above; the message is read within the call.
      count = unsafe message.withUnsafeBytes { message in
        unsafe csig_sign(key, message.baseAddress, message.count, buffer.baseAddress, buffer.count)
      }
    }
  }

  func isSignature(_ signature: [UInt8], of message: ArraySlice<UInt8>) -> Bool {
    // Safe: both are read within the call.
    unsafe message.withUnsafeBytes { message in
      unsafe signature.withUnsafeBufferPointer { signature in
        unsafe csig_verify(key, message.baseAddress, message.count, signature.baseAddress, signature.count) == 1
      }
    }
  }

  /// A number of the public key, big-endian: `n` or `e`.
  private func number(_ name: String) -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: Self.signatureBytesMax) { buffer, count in
      // Safe: as above.
      count = unsafe name.withCString { unsafe csig_number(key, $0, buffer.baseAddress, buffer.count) }
    }
  }

  /// The public key as RFC 7517 has it: a member of `keys` of a key set.
  func jwk(_ id: String) -> String {
    "{\"kty\":\"RSA\",\"use\":\"sig\",\"alg\":\"RS256\",\"kid\":\"\(id)\",\"n\":\"\(base64URL(number("n")))\""
      + ",\"e\":\"\(base64URL(number("e")))\"}"
  }
}
