internal import Glibc

/// Where a process listens or is reached, as flags and records spell it: `HOST:PORT`, or `unix:PATH` for a socket that
/// is a file of this machine.
public enum StreamAddress: Equatable, Sendable, CustomStringConvertible {
  case port(host: String, port: UInt16)
  /// From the root on.
  case unix(path: String)

  /// What the kernel has room for, in bytes.
  public static let pathBytesMax = 107

  /// Reads one address. A relative path begins at the working directory.
  ///
  /// - Parameter flag: names the flag in what is thrown.
  public init(_ text: String, flag: String) throws(UsageError) {
    guard text.hasPrefix("unix:") else {
      guard let (host, port) = splitAddress(text) else {
        throw UsageError("\(flag): \"\(text)\" is no address of the form HOST:PORT or unix:PATH")
      }
      self = .port(host: host, port: port)
      return
    }
    var path = String(text.dropFirst(5))
    guard !path.isEmpty else { throw UsageError("\(flag): \"unix:\" names no file; write unix:PATH") }
    if !path.hasPrefix("/") {
      // Safe: the system makes the text, which is copied and freed.
      let directory = unsafe getcwd(nil, 0)
      defer { unsafe free(directory) }
      if let directory = unsafe directory { unsafe path = String(cString: directory) + "/" + path }
    }
    guard path.utf8.count <= Self.pathBytesMax, !path.utf8.contains(0) else {
      throw UsageError(
        "\(flag): the path of a UNIX socket has at most \(Self.pathBytesMax) bytes, and \(path) has \(path.utf8.count)")
    }
    self = .unix(path: path)
  }

  public var isUnix: Bool {
    switch self {
    case .port: false
    case .unix: true
    }
  }

  public var description: String {
    switch self {
    case .port(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }
}

extension ParsedFlags {
  /// The addresses of a flag that may be given several times, and of which each may name several, with commas between
  /// them; none if neither given nor defaulted.
  public func streams(_ name: String) throws(UsageError) -> [StreamAddress] {
    var found: [StreamAddress] = []
    for text in all(name).flatMap({ $0.split(separator: ",", omittingEmptySubsequences: false) }) {
      let address = try StreamAddress(String(text), flag: "--\(name)")
      guard !found.contains(address) || isAnyPort(address) else {
        throw UsageError("--\(name): \(address) is given twice")
      }
      found.append(address)
    }
    guard found.count <= 16 else { throw UsageError("--\(name): at most 16 addresses") }
    return found
  }

  private func isAnyPort(_ address: StreamAddress) -> Bool {
    switch address {
    case .port(_, let port): port == 0
    case .unix: false
    }
  }

  /// Permissions of a file, in octal: those of its owner among them, and no others than to read and write for owner,
  /// group and everybody; nil if neither given nor defaulted.
  public func fileMode(_ name: String) throws(UsageError) -> UInt32? {
    guard let text = text(name) else { return nil }
    guard (3...4).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x37).contains($0) }),
      let mode = UInt32(text, radix: 8), mode <= 0o777, mode & 0o600 == 0o600
    else {
      throw UsageError(
        "--\(name): \"\(text)\" is no mode such as 0660: three octal digits for owner, group and others, of which the "
          + "owner's has 6")
    }
    return mode
  }
}
