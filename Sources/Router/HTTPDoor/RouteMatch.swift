import HTTP
import Proto

/// Which call a method and a path mean.
struct RouteMatch {
  var route: Route
  /// The path's parameter: an event's id, a hold, an order.
  var parameter = ByteRange.none

  enum Result {
    case found(RouteMatch)
    /// The path exists, with these methods.
    case otherMethods([Route])
    case none
  }

  static func find(_ method: HTTPMethod, _ path: ByteRange, in message: RawSpan) -> Result {
    // The hot one first.
    if method == .post, path.bytes(in: message).isExactly("/v1/reserve") { return .found(RouteMatch(route: .reserve)) }
    guard let (routes, parameter) = routes(path, in: message) else { return .none }
    for route in routes {
      let fits =
        switch route.method {
        case .get: method == .get || method == .head
        case .post: method == .post
        case .delete: method == .delete
        }
      if fits { return .found(RouteMatch(route: route, parameter: parameter)) }
    }
    return .otherMethods(routes)
  }

  /// The routes of a path.
  private static func routes(_ path: ByteRange, in message: RawSpan) -> ([Route], ByteRange)? {
    let bytes = path.bytes(in: message)
    if bytes.isExactly("/v1/reserve") { return (reserve, .none) }
    if bytes.isExactly("/v1/events") { return (events, .none) }
    if bytes.isExactly("/v1/checkout") { return (checkout, .none) }
    if bytes.isExactly("/healthz") { return (healthz, .none) }
    if bytes.isExactly("/readyz") { return (readyz, .none) }
    if bytes.isExactly("/metrics") { return (metrics, .none) }
    if bytes.isExactly("/openapi.json") { return (openapi, .none) }
    var segments = PathSegments(path, in: message)
    guard segments.next()?.bytes(in: message).isExactly("v1") == true, let kind = segments.next(),
      let parameter = segments.next(), !parameter.isEmpty
    else { return nil }
    let verb = segments.next()
    guard segments.next() == nil else { return nil }
    let kindBytes = kind.bytes(in: message)
    guard let verb else {
      if kindBytes.isExactly("events") { return (event, parameter) }
      if kindBytes.isExactly("holds") { return (hold, parameter) }
      if kindBytes.isExactly("orders") { return (order, parameter) }
      return nil
    }
    let verbBytes = verb.bytes(in: message)
    if kindBytes.isExactly("events") {
      if verbBytes.isExactly("seats") { return (seats, parameter) }
      if verbBytes.isExactly("availability") { return (availability, parameter) }
      if verbBytes.isExactly("plan") { return (plan, parameter) }
    } else if kindBytes.isExactly("holds") {
      if verbBytes.isExactly("extend") { return (extend, parameter) }
    } else if kindBytes.isExactly("orders") {
      if verbBytes.isExactly("confirm") { return (confirm, parameter) }
      if verbBytes.isExactly("cancel") { return (cancel, parameter) }
    }
    return nil
  }

  // Kept, so that matching allocates nothing.
  private static let events: [Route] = [.createEvent, .listEvents]
  private static let event: [Route] = [.event]
  private static let plan: [Route] = [.plan]
  private static let seats: [Route] = [.seats]
  private static let availability: [Route] = [.availability]
  private static let reserve: [Route] = [.reserve]
  private static let hold: [Route] = [.hold, .release]
  private static let extend: [Route] = [.extend]
  private static let checkout: [Route] = [.checkout]
  private static let order: [Route] = [.order]
  private static let confirm: [Route] = [.confirm]
  private static let cancel: [Route] = [.cancel]
  private static let healthz: [Route] = [.healthz]
  private static let readyz: [Route] = [.readyz]
  private static let metrics: [Route] = [.metrics]
  private static let openapi: [Route] = [.openapi]
}

extension [UInt8] {
  /// `Allow: GET, HEAD, OPTIONS`.
  mutating func putAllow(_ routes: [Route]) {
    append(contentsOf: "Allow: ".utf8)
    putMethods(routes)
    append(contentsOf: "\r\n".utf8)
  }

  mutating func putMethods(_ routes: [Route]) {
    for route in routes {
      append(contentsOf: route.method.name.description.utf8)
      if route.method == .get { append(contentsOf: ", HEAD".utf8) }
      append(contentsOf: ", ".utf8)
    }
    append(contentsOf: "OPTIONS".utf8)
  }
}
