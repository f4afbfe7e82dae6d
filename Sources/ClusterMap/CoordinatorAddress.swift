/// Which coordinator a cluster uses, as the flag `--coordinator` names it.
public enum CoordinatorAddress: Equatable, Sendable, CustomStringConvertible {
  /// `file:DIR`: a directory that all processes on this machine share.
  case file(directory: String)
  /// `etcd:http://HOST:PORT[,http://HOST:PORT…]`: the members of one etcd cluster, `host:port` each.
  case etcd(endpoints: [String])

  /// nil: it is neither.
  public init?(_ text: String) {
    if text.hasPrefix("file:") {
      let directory = String(text.dropFirst(5))
      guard !directory.isEmpty else { return nil }
      self = .file(directory: directory)
    } else if text.hasPrefix("etcd:") {
      var endpoints: [String] = []
      for part in text.dropFirst(5).split(separator: ",", omittingEmptySubsequences: false) {
        var part = part
        if part.hasPrefix("http://") { part = part.dropFirst(7) }
        if part.hasSuffix("/") { part = part.dropLast() }
        guard let colon = part.lastIndex(of: ":"), colon > part.startIndex,
          UInt16(part[part.index(after: colon)...]) != nil,
          !part.contains("/")
        else { return nil }
        endpoints.append(String(part))
      }
      self = .etcd(endpoints: endpoints)
    } else {
      return nil
    }
  }

  public var description: String {
    switch self {
    case .file(let directory): "file:" + directory
    case .etcd(let endpoints): "etcd:" + endpoints.map { "http://" + $0 }.joined(separator: ",")
    }
  }
}
