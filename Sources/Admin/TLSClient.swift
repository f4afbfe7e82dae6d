internal import COpenSSL
internal import ClusterMap

/// How a router is spoken to.
enum Transport: Equatable, Sendable {
  case plain
  /// - Parameter ca: a PEM file with the certificates to trust; nil: the system's authorities.
  case tls(ca: String?)
  /// Encrypted, but with anybody: for questions that give nothing away.
  case tlsWithAnybody
}

/// What flags say of the routers' TLS: `--tls`, `--ca FILE`.
struct RouterTrust: Sendable {
  var usesTLS = false
  var ca: String?

  /// For a door that flags name. Routers do not encrypt what comes through a file: it has not left the machine.
  func transport(to door: String) -> Transport {
    (usesTLS || ca != nil) && !door.hasPrefix("unix:") ? .tls(ca: ca) : .plain
  }

  /// For a router that registered, which says how it speaks. Whether it is alive is asked of anybody, unless a flag
  /// says whom to trust.
  func asking(_ record: RouterRecord, at door: String) -> Transport {
    guard record.usesTLS, !door.hasPrefix("unix:") else { return .plain }
    return ca != nil || usesTLS ? transport(to: door) : .tlsWithAnybody
  }
}

/// TLS over a connected socket that may block, with the socket's time limits.
///
/// `unsafe` in this file: OpenSSL's objects are made in `init`, belong to this object, are used by one thread at a time
/// and are freed in `deinit`.
@safe final class TLSClient {
  private let context: OpaquePointer
  private let session: OpaquePointer

  /// Shakes hands; the socket stays the caller's.
  init(_ descriptor: Int32, host: String, _ transport: Transport, address: String) throws(AdminError) {
    ERR_clear_error()
    guard let context = unsafe SSL_CTX_new(TLS_client_method()) else { throw Self.failure(address, "no context") }
    unsafe self.context = context
    guard let session = unsafe SSL_new(context) else {
      unsafe SSL_CTX_free(context)
      throw Self.failure(address, "no session")
    }
    unsafe self.session = session
    _ = unsafe ctls_require_tls12(context)
    switch transport {
    case .plain, .tlsWithAnybody: break
    case .tls(let ca):
      if let ca {
        guard unsafe SSL_CTX_load_verify_locations(context, ca, nil) == 1 else {
          throw .usage("--ca: the certificates in \(ca) cannot be used")
        }
      } else {
        unsafe SSL_CTX_set_default_verify_paths(context)
      }
      // The session was made before: it takes its rules from the context's store, and its mode from here.
      unsafe SSL_set_verify(session, SSL_VERIFY_PEER, nil)
      // Safe: OpenSSL copies the name. An address is looked for among the certificate's addresses.
      if unsafe X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host) != 1 {
        unsafe SSL_set1_host(session, host)
        _ = unsafe ctls_set_server_name(session, host)
      }
    }
    ERR_clear_error()
    unsafe SSL_set_fd(session, descriptor)
    guard unsafe SSL_connect(session) == 1 else {
      let verdict = unsafe SSL_get_verify_result(session)
      if case .tls = transport, verdict != Int(X509_V_OK) {
        // Safe: the words are a static string.
        let why = unsafe String(cString: X509_verify_cert_error_string(verdict))
        throw .untrusted("\(address): its certificate is not trusted: \(why) (--ca FILE says whom to trust)")
      }
      throw Self.failure(address, "the TLS handshake failed")
    }
  }

  deinit {
    unsafe SSL_free(session)
    unsafe SSL_CTX_free(context)
  }

  /// How many bytes were sent; 0 or less: none, and the connection is of no use any more.
  func write(_ bytes: UnsafeRawBufferPointer) -> Int {
    ERR_clear_error()
    return Int(unsafe SSL_write(session, bytes.baseAddress, Int32(clamping: bytes.count)))
  }

  /// As `recv`: 0 at the end, less if it failed.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    ERR_clear_error()
    let count = unsafe SSL_read(session, buffer.baseAddress, Int32(clamping: buffer.count))
    if count > 0 { return Int(count) }
    return unsafe SSL_get_error(session, count) == SSL_ERROR_ZERO_RETURN ? 0 : -1
  }

  private static func failure(_ address: String, _ what: String) -> AdminError {
    let code = ERR_peek_last_error()
    ERR_clear_error()
    // Safe: the reason is a static string.
    let reason = unsafe ERR_reason_error_string(code).map { unsafe ": " + String(cString: $0) } ?? ""
    return .unreachable("\(address): \(what)\(reason)")
  }
}
