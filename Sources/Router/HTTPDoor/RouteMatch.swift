import HTTP
import Octets
import Proto

/// Which call a method and a path mean: found in the table of operations.
struct RouteMatch {
  var route: OperationName
  /// The path's parameter: an event's id, a hold, an order; of two the last.
  var parameter = ByteRange.none
  /// Of two parameters the first: the event's id.
  var outer = ByteRange.none

  enum Result {
    case found(RouteMatch)
    /// The path exists, with these calls.
    case otherMethods([OperationName])
    case none
  }

  static func find(_ method: HTTPMethod, _ path: ByteRange, in message: RawSpan) -> Result {
    // The hot one first.
    if method == .post, path.bytes(in: message).isExactly("/v1/reserve") { return .found(RouteMatch(route: .reserve)) }
    guard let (path, parameters) = RoutePath.find(path, in: message) else { return .none }
    for name in path.names where name.traits.method.fits(method) {
      return .found(RouteMatch(route: name, parameter: parameters.last, outer: parameters.outer))
    }
    return .otherMethods(path.names)
  }
}

/// A path of the table, and the operations that have it.
private struct RoutePath {
  /// Its segments; nil: the parameter.
  var segments: [[UInt8]?]
  var names: [OperationName] = []

  /// Made once, so that matching allocates nothing.
  static let all: [RoutePath] = {
    var paths: [RoutePath] = []
    for name in OperationName.allCases {
      guard let call = name.row.http else { continue }
      let segments = call.path.description.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map {
        $0.hasPrefix("{") ? nil : Array($0.utf8)
      }
      let place = paths.firstIndex { $0.segments == segments } ?? paths.count
      if place == paths.count { paths.append(RoutePath(segments: segments)) }
      paths[place].names.append(name)
    }
    return paths
  }()

  /// What stands in a path's braces; `none` where there are none.
  struct Parameters {
    var last = ByteRange.none
    var outer = ByteRange.none
  }

  static func find(_ path: ByteRange, in message: RawSpan) -> (RoutePath, parameters: Parameters)? {
    for known in all {
      if let parameters = known.match(path, in: message) { return (known, parameters) }
    }
    return nil
  }

  /// nil: it is another path.
  private func match(_ path: ByteRange, in message: RawSpan) -> Parameters? {
    var given = PathSegments(path, in: message)
    var parameters = Parameters()
    for segment in segments {
      guard let next = given.next() else { return nil }
      if let segment {
        guard next.bytes(in: message).equals(segment.rawSpan) else { return nil }
      } else {
        guard !next.isEmpty else { return nil }
        (parameters.outer, parameters.last) = (parameters.last, next)
      }
    }
    return given.next() == nil ? parameters : nil
  }
}

/// What is asked of a row for each request, without its texts.
struct RouteTraits: BitwiseCopyable, Sendable {
  var method = OperationRow.HTTPCall.Method.get
  var takesBody = false
  var bodyBytesMax = 64 << 10
  /// Whether it is answered however many connections are open.
  var isForOperators = false
}

extension OperationName {
  private static let allTraits = allCases.map { name in
    guard let call = name.row.http else { return RouteTraits() }
    return RouteTraits(
      method: call.method, takesBody: call.body != nil, bodyBytesMax: call.body?.bytesMax ?? 64 << 10,
      isForOperators: call.isForOperators)
  }

  var traits: RouteTraits { Self.allTraits[rawValue] }

  private static let allQueries = allCases.map { $0.row.http?.query ?? [] }

  /// The query parameters that the call knows.
  var queryNames: [String] { Self.allQueries[rawValue] }
}

extension OperationRow.HTTPCall.Method {
  /// Whether this call is meant by a request's method: HEAD asks for what GET asks for.
  func fits(_ method: HTTPMethod) -> Bool {
    switch self {
    case .get: method == .get || method == .head
    case .post: method == .post
    case .patch: method == .patch
    case .delete: method == .delete
    }
  }
}

extension [UInt8] {
  /// `Allow: GET, HEAD, OPTIONS`.
  mutating func putAllow(_ routes: [OperationName]) {
    append(contentsOf: "Allow: ".utf8)
    putMethods(routes)
    append(contentsOf: "\r\n".utf8)
  }

  mutating func putMethods(_ routes: [OperationName]) {
    for method in routes.compactMap({ $0.row.http?.method }) {
      append(contentsOf: method.name.description.utf8)
      if method == .get { append(contentsOf: ", HEAD".utf8) }
      append(contentsOf: ", ".utf8)
    }
    append(contentsOf: "OPTIONS".utf8)
  }
}
