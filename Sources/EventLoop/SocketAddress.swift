internal import CHoldfast

/// A numeric IPv4 or IPv6 address and port.
public struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
  public var isV6: Bool
  public var port: UInt16
  /// The address's bytes in network order, as they lie in memory; IPv4 uses four of `high`.
  var high: UInt64
  var low: UInt64
  var scope: UInt32

  init(_ raw: chf_address) {
    (isV6, port, high, low, scope) = (raw.is_v6 != 0, raw.port, raw.high, raw.low, raw.scope)
  }

  var raw: chf_address { chf_address(high: high, low: low, scope: scope, port: port, is_v6: isV6 ? 1 : 0) }

  /// A numeric address; nil for names.
  public init?(numeric host: String, port: UInt16) {
    var raw = chf_address()
    // Safe: the shim writes one address.
    guard unsafe chf_address_parse(host, port, &raw) == 0 else { return nil }
    self.init(raw)
  }

  /// The address without its port: `127.0.0.1`, `::1`.
  public var host: String {
    var text = [CChar](repeating: 0, count: 64)
    var raw = self.raw
    // Safe: the shim writes at most 64 bytes with a NUL at their end.
    return unsafe text.withUnsafeMutableBufferPointer { buffer in
      unsafe chf_address_text(&raw, buffer.baseAddress, buffer.count)
      return unsafe String(cString: buffer.baseAddress!)
    }
  }

  /// `127.0.0.1:8080`, `[::1]:8080`.
  public var description: String { isV6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// The addresses of a host, best first. Numeric addresses and `localhost` (IPv4, then IPv6) are answered at once;
  /// other names ask the resolver, which blocks for as long as it likes: not on a loop.
  public static func resolve(host: String, port: UInt16) throws(SocketError) -> [SocketAddress] {
    if let immediate = resolveImmediately(host: host, port: port) { return immediate }
    var found = [chf_address](repeating: chf_address(), count: 8)
    // Safe: the shim writes at most eight addresses.
    let count = unsafe found.withUnsafeMutableBufferPointer { unsafe chf_resolve(host, port, $0.baseAddress, 8) }
    guard count > 0 else {
      // Safe: the resolver's messages are static strings.
      let detail = unsafe count == 0 ? "no address" : String(cString: chf_resolve_error(count))
      throw .nameNotFound(host: host, detail: detail)
    }
    return found.prefix(Int(count)).map { SocketAddress($0) }
  }

  /// What needs no resolver; nil for other names.
  static func resolveImmediately(host: String, port: UInt16) -> [SocketAddress]? {
    if host == "localhost" {
      return [SocketAddress(numeric: "127.0.0.1", port: port)!, SocketAddress(numeric: "::1", port: port)!]
    }
    return SocketAddress(numeric: host, port: port).map { [$0] }
  }
}

/// A host, numeric or by name, and a port, as flags and the map spell it: `127.0.0.1:7501`, `[::1]:80`, `localhost:0`.
public struct HostPort: Hashable, Sendable, CustomStringConvertible {
  public var host: String
  public var port: UInt16

  public init(host: String, port: UInt16) { (self.host, self.port) = (host, port) }

  public init(_ text: String) throws(SocketError) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
      throw .malformedAddress(text)
    }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      throw .malformedAddress(text)
    }
    guard !host.isEmpty, host.utf8.count <= 255 else { throw .malformedAddress(text) }
    self.init(host: String(host), port: port)
  }

  /// Every address of a machine, which one can listen at and not connect to: `0.0.0.0`, `::`.
  public var isUnspecified: Bool {
    guard let address = SocketAddress(numeric: host, port: port) else { return host == "0" }
    return address.high == 0 && address.low == 0
  }

  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
