import Octets
import RESP

/// Which pages may call the HTTP door from a browser, and what answers say of it (Fetch standard, "CORS protocol").
public struct CrossOrigin: Equatable, Sendable {
  enum Pages: Equatable, Sendable {
    case none
    case any
    case of([Bytes])
  }

  let pages: Pages

  /// No page may.
  public init() { pages = .none }

  /// Reads the flag: `*`, or origins such as `https://shop.example`, separated by commas; nil: it is neither.
  public init?(_ flag: String) {
    if flag == "*" {
      pages = .any
      return
    }
    let origins = flag.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard !origins.isEmpty, origins.allSatisfy(Self.isOrigin) else { return nil }
    pages = .of(origins.map { Bytes($0) })
  }

  /// Scheme, host and port as a browser sends them: without a path, a slash at the end or capital letters.
  private static func isOrigin(_ text: String) -> Bool {
    for scheme in ["https://", "http://"] where text.hasPrefix(scheme) {
      let host = text.dropFirst(scheme.count)
      return !host.isEmpty
        && host.utf8.allSatisfy {
          (0x21...0x7E).contains($0) && !(0x41...0x5A).contains($0) && !"/?#@,\"\\".utf8.contains($0)
        }
    }
    return false
  }

  func allows(_ origin: RawSpan) -> Bool {
    switch pages {
    case .none: false
    case .any: true
    case .of(let origins): origins.contains { origin.equals($0.rawSpan) }
    }
  }

  private static let exposed =
    "Access-Control-Expose-Headers: Age, ETag, Idempotent-Replayed, Location, Retry-After, X-Request-Id\r\n"

  /// The lines that every answer has, whoever asked: a cache in between must not give one page's answer to another.
  var commonLines: String {
    switch pages {
    case .none: ""
    case .any: "Access-Control-Allow-Origin: *\r\n" + Self.exposed
    case .of: "Vary: Origin\r\n"
    }
  }

  /// The lines for an allowed origin, if the common ones do not say it.
  func putLines(for origin: [UInt8], into out: inout [UInt8]) {
    guard case .of = pages else { return }
    out.putText("Access-Control-Allow-Origin: ")
    out.append(contentsOf: origin)
    out.putLineEnd()
    out.append(contentsOf: Self.exposed.utf8)
  }
}
