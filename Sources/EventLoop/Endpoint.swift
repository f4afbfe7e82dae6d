/// Where a stream listens or is reached, as flags and records spell it: `127.0.0.1:8080`, or `unix:/run/holdfast.sock`,
/// which is a file of this machine.
public enum Endpoint: Hashable, Sendable, CustomStringConvertible {
  case internet(HostPort)
  case unix(path: String)

  /// 0 for a file.
  public var port: UInt16 {
    switch self {
    case .internet(let address): address.port
    case .unix: 0
    }
  }

  /// The file; nil for a host and port.
  public var path: String? {
    switch self {
    case .internet: nil
    case .unix(let path): path
    }
  }

  public var description: String {
    switch self {
    case .internet(let address): address.description
    case .unix(let path): "unix:\(path)"
    }
  }
}
