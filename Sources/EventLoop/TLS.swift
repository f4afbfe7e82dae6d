internal import COpenSSL

/// Certificates, keys and rules for TLS connections; shared by many. TLS 1.2 or later.
///
/// `unsafe` in this file: OpenSSL's objects are made in `init`, belong to one object of ours, are used by one thread at
/// a time, and are freed in `deinit`.
///
/// Sendable without the compiler's check: OpenSSL's contexts may be shared by threads once they are set up, which
/// `init` does.
@safe public final class TLSContext: @unchecked Sendable {
  let raw: OpaquePointer

  private init(raw: OpaquePointer) { unsafe self.raw = raw }
  deinit { unsafe SSL_CTX_free(raw) }

  /// For servers: a PEM file with the certificate and its chain, and one with the private key.
  public static func server(certificateFile: String, keyFile: String) throws(SocketError) -> TLSContext {
    let context = unsafe try make(TLS_server_method())
    // Safe: the context is ours and not shared yet.
    guard unsafe SSL_CTX_use_certificate_chain_file(context.raw, certificateFile) == 1 else {
      throw failure("cannot use the certificate in \(certificateFile)")
    }
    guard unsafe SSL_CTX_use_PrivateKey_file(context.raw, keyFile, SSL_FILETYPE_PEM) == 1 else {
      throw failure("cannot use the private key in \(keyFile)")
    }
    guard unsafe SSL_CTX_check_private_key(context.raw) == 1 else {
      throw failure("the key in \(keyFile) does not belong to the certificate in \(certificateFile)")
    }
    return context
  }

  /// For clients: whom to trust.
  public enum Trust: Sendable {
    /// The system's authorities.
    case system
    /// The certificates in a PEM file.
    case file(String)
    /// Anybody: encrypted, but the peer may be a stranger. For tests and load tools.
    case anybody
  }

  public static func client(trust: Trust = .system) throws(SocketError) -> TLSContext {
    let context = unsafe try make(TLS_client_method())
    // Safe: the context is ours and not shared yet.
    switch trust {
    case .system:
      guard unsafe SSL_CTX_set_default_verify_paths(context.raw) == 1 else {
        throw failure("no authorities on this system")
      }
      unsafe SSL_CTX_set_verify(context.raw, SSL_VERIFY_PEER, nil)
    case .file(let path):
      guard unsafe SSL_CTX_load_verify_locations(context.raw, path, nil) == 1 else {
        throw failure("cannot use the certificates in \(path)")
      }
      unsafe SSL_CTX_set_verify(context.raw, SSL_VERIFY_PEER, nil)
    case .anybody:
      unsafe SSL_CTX_set_verify(context.raw, SSL_VERIFY_NONE, nil)
    }
    return context
  }

  private static func make(_ method: OpaquePointer?) throws(SocketError) -> TLSContext {
    ERR_clear_error()
    guard let raw = unsafe SSL_CTX_new(method) else { throw failure("cannot make a context") }
    let context = unsafe TLSContext(raw: raw)
    guard unsafe ctls_require_tls12(raw) == 1 else { throw failure("TLS 1.2 is not to be had") }
    unsafe ctls_set_modes(raw)
    return context
  }

  /// OpenSSL's own words for the thread's last error.
  static func failure(_ what: String) -> SocketError {
    let code = ERR_peek_last_error()
    ERR_clear_error()
    guard code != 0 else { return .tls(detail: what) }
    var text = [CChar](repeating: 0, count: 256)
    // Safe: OpenSSL writes at most the count given, NUL-terminated; the reason is a static string.
    let words = unsafe text.withUnsafeMutableBufferPointer { buffer in
      if let reason = unsafe ERR_reason_error_string(code) { return unsafe String(cString: reason) }
      unsafe ERR_error_string_n(code, buffer.baseAddress, buffer.count)
      return unsafe String(cString: buffer.baseAddress!)
    }
    return .tls(detail: "\(what): \(words)")
  }
}

/// One connection's TLS state, between two memory buffers: it makes no system call. Belongs to one loop at a time.
@safe final class TLSSession {
  private let ssl: OpaquePointer
  private let input: OpaquePointer
  private let outgoing: OpaquePointer
  private let context: TLSContext
  /// An idle connection's buffers keep no more than this, in bytes.
  private static let keptBytes = 1_024

  struct Decrypted {
    var byteCount = 0
    /// The buffer is full: there may be more.
    var filled = false
    /// The peer said that nothing follows.
    var ended = false
  }

  init(_ context: TLSContext, isServer: Bool, serverName: String?) throws(SocketError) {
    self.context = context
    ERR_clear_error()
    guard let ssl = unsafe SSL_new(context.raw) else { throw TLSContext.failure("cannot make a session") }
    guard let input = unsafe BIO_new(BIO_s_mem()), let outgoing = unsafe BIO_new(BIO_s_mem()) else {
      unsafe SSL_free(ssl)
      throw TLSContext.failure("cannot make a buffer")
    }
    unsafe (self.ssl, self.input, self.outgoing) = (ssl, input, outgoing)
    // Safe: all three were just made; the session owns the buffers from here on.
    unsafe ctls_bio_retry_when_empty(input)
    unsafe ctls_bio_retry_when_empty(outgoing)
    unsafe SSL_set_bio(ssl, input, outgoing)
    if isServer {
      unsafe SSL_set_accept_state(ssl)
    } else {
      unsafe SSL_set_connect_state(ssl)
      if let serverName { try nameServer(serverName) }
    }
  }

  deinit { unsafe SSL_free(ssl) }

  /// The name to ask for, and to find in the certificate where one is checked.
  private func nameServer(_ name: String) throws(SocketError) {
    // Safe: OpenSSL copies the name.
    if SocketAddress(numeric: name, port: 0) != nil {
      guard unsafe X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1 else {
        throw TLSContext.failure("cannot expect the address \(name)")
      }
    } else {
      guard unsafe ctls_set_server_name(ssl, name) == 1, unsafe SSL_set1_host(ssl, name) == 1 else {
        throw TLSContext.failure("cannot ask for the name \(name)")
      }
    }
  }

  /// Records from the socket.
  func putEncrypted(_ bytes: UnsafeRawBufferPointer) {
    // Safe: OpenSSL copies them. A memory buffer takes all or is out of memory.
    let taken = unsafe BIO_write(input, bytes.baseAddress, Int32(bytes.count))
    precondition(taken == Int32(bytes.count), "out of memory")
  }

  /// Goes on with the handshake; true once it is done.
  func handshake() throws(SocketError) -> Bool {
    ERR_clear_error()
    let result = unsafe SSL_do_handshake(ssl)
    if result == 1 { return true }
    switch unsafe SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return false
    default: throw TLSContext.failure("the handshake failed")
    }
  }

  /// Fills `buffer` with what can be decrypted.
  func decrypt(into buffer: UnsafeMutableRawBufferPointer) throws(SocketError) -> Decrypted {
    var result = Decrypted()
    ERR_clear_error()
    while result.byteCount < buffer.count {
      let room = Int32(clamping: buffer.count - result.byteCount)
      // Safe: `room` bytes are left behind `byteCount`.
      let count = unsafe SSL_read(ssl, buffer.baseAddress! + result.byteCount, room)
      if count > 0 {
        result.byteCount += Int(count)
        continue
      }
      switch unsafe SSL_get_error(ssl, count) {
      case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
        // Everything was taken; an unfinished record waits inside the session.
        if unsafe BIO_ctrl_pending(input) == 0 { unsafe ctls_bio_empty(input, Self.keptBytes) }
        return result
      case SSL_ERROR_ZERO_RETURN:
        result.ended = true
        return result
      default: throw TLSContext.failure("what came cannot be decrypted")
      }
    }
    result.filled = true
    return result
  }

  /// Encrypts all of `bytes` into the outgoing buffer.
  func encrypt(_ bytes: RawSpan) throws(SocketError) {
    ERR_clear_error()
    var offset = 0
    while offset < bytes.byteCount {
      // Safe: OpenSSL reads the part's own bytes, inside the call.
      let count = unsafe bytes.extracting(offset...).withUnsafeBytes { part in
        unsafe SSL_write(ssl, part.baseAddress, Int32(clamping: part.count))
      }
      guard count > 0 else { throw TLSContext.failure("cannot encrypt") }
      offset += Int(count)
    }
  }

  func sendClose() {
    ERR_clear_error()
    _ = unsafe SSL_shutdown(ssl)
    ERR_clear_error()
  }

  var encryptedByteCount: Int { Int(unsafe BIO_ctrl_pending(outgoing)) }
  var hasEncrypted: Bool { encryptedByteCount > 0 }

  /// Moves the records that were made to the end of `queue`.
  func takeEncrypted(into queue: inout OutputQueue) {
    guard hasEncrypted else { return }
    var start: UnsafeMutablePointer<CChar>?
    let count = unsafe ctls_bio_data(outgoing, &start)
    guard count > 0, let start = unsafe start else { return }
    // Safe: the buffer holds `count` bytes until it is reset.
    queue.append(unsafe RawSpan(_unsafeStart: start, byteCount: count))
    unsafe ctls_bio_empty(outgoing, Self.keptBytes)
  }
}
