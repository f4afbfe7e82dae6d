internal import Glibc

/// What went wrong with a socket, with the address it was about, so that a message names it.
public enum SocketError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Another process listens there.
  case addressInUse(address: String)
  /// This machine has no such address.
  case addressNotAvailable(address: String)
  /// A port below 1024, or a rule of the system.
  case permissionDenied(address: String)
  /// Nobody listens there.
  case connectionRefused(address: String)
  case connectTimedOut(address: String)
  /// The resolver does not know the name.
  case nameNotFound(host: String, detail: String)
  /// Another process listens on this socket file; 0: the system does not say which.
  case socketInUse(address: String, process: Int)
  /// A file of another kind has the name.
  case notASocket(address: String)
  /// The kernel has room for so many bytes only.
  case pathTooLong(address: String, limit: Int)
  /// The directory that the socket is to lie in is not there.
  case noDirectory(address: String, directory: String)
  /// A text that is no `host:port`.
  case malformedAddress(String)
  /// The handshake failed, or a certificate or key cannot be used.
  case tls(detail: String)
  /// Anything else, with the system's own words.
  case system(call: String, errno: Int32, address: String)

  init(call: String, errno code: Int32, address: String) {
    switch code {
    case EADDRINUSE: self = .addressInUse(address: address)
    case EADDRNOTAVAIL: self = .addressNotAvailable(address: address)
    case EACCES, EPERM: self = .permissionDenied(address: address)
    case ECONNREFUSED: self = .connectionRefused(address: address)
    case ETIMEDOUT: self = .connectTimedOut(address: address)
    default: self = .system(call: call, errno: code, address: address)
    }
  }

  public var description: String {
    switch self {
    case .addressInUse(let address): "\(address) is already in use"
    case .addressNotAvailable(let address): "this machine has no address \(address)"
    case .permissionDenied(let address): "no permission to use \(address)"
    case .connectionRefused(let address): "nobody listens at \(address)"
    case .connectTimedOut(let address): "\(address) did not answer in time"
    case .nameNotFound(let host, let detail): "cannot resolve \(host): \(detail)"
    case .socketInUse(let address, let process):
      "\(process > 0 ? "process \(process)" : "another process") listens at \(address): end it, or choose another path"
    case .notASocket(let address): "\(address): a file that is no socket has this name; it was left alone"
    case .pathTooLong(let address, let limit): "\(address): the path of a UNIX socket has at most \(limit) bytes"
    case .noDirectory(let address, let directory): "\(address): there is no directory \(directory); make it first"
    case .malformedAddress(let text): "\(text) is not an address of the form host:port"
    case .tls(let detail): "TLS: \(detail)"
    case .system(let call, let code, let address):
      "\(call)\(address.isEmpty ? "" : " \(address)"): \(errorText(code))"
    }
  }
}

/// The system's words for an errno, with its number.
public func errorText(_ code: Int32) -> String {
  var buffer = [CChar](repeating: 0, count: 256)
  // Safe: the POSIX form writes at most the count given, NUL-terminated.
  let text = unsafe buffer.withUnsafeMutableBufferPointer { text in
    _ = unsafe strerror_r(code, text.baseAddress!, text.count)
    return unsafe String(cString: text.baseAddress!)
  }
  return "\(text) (errno \(code))"
}
