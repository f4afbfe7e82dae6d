/// The HTTP door's calls. The OpenAPI description is held against this table by a test.
enum Route: Int, CaseIterable, Sendable {
  case createEvent, listEvents, event, plan, seats, availability
  case reserve, hold, release, extend, checkout, order, confirm, cancel
  case healthz, readyz, metrics, openapi

  static let count = allCases.count

  enum Method: UInt8, Sendable, CaseIterable {
    case get, post, delete
    var name: StaticString {
      switch self {
      case .get: "GET"
      case .post: "POST"
      case .delete: "DELETE"
      }
    }
  }

  var method: Method {
    switch self {
    case .createEvent, .reserve, .extend, .checkout, .confirm, .cancel: .post
    case .release: .delete
    default: .get
    }
  }

  /// With its parameter in braces.
  var path: StaticString {
    switch self {
    case .createEvent, .listEvents: "/v1/events"
    case .event: "/v1/events/{event}"
    case .plan: "/v1/events/{event}/plan"
    case .seats: "/v1/events/{event}/seats"
    case .availability: "/v1/events/{event}/availability"
    case .reserve: "/v1/reserve"
    case .hold, .release: "/v1/holds/{hold}"
    case .extend: "/v1/holds/{hold}/extend"
    case .checkout: "/v1/checkout"
    case .order: "/v1/orders/{order}"
    case .confirm: "/v1/orders/{order}/confirm"
    case .cancel: "/v1/orders/{order}/cancel"
    case .healthz: "/healthz"
    case .readyz: "/readyz"
    case .metrics: "/metrics"
    case .openapi: "/openapi.json"
    }
  }

  /// Whether it is answered however many connections are open.
  var isForOperators: Bool { self == .healthz || self == .readyz || self == .metrics }

  /// Query parameters that the call understands.
  var parameters: [StaticString] {
    switch self {
    case .listEvents: ["limit", "cursor"]
    case .seats, .availability: ["read"]
    default: []
    }
  }

  /// Whether the call has a JSON body.
  var takesBody: Bool {
    switch self {
    case .createEvent, .reserve, .extend, .checkout: true
    default: false
    }
  }

  var bodyBytesMax: Int { self == .createEvent ? 32 << 20 : 64 << 10 }
}
