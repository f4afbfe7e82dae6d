import JSON

/// What the HTTP door understands, for the test that holds `OpenAPI.document` against it.
public enum RouteTable {
  public struct Row: Sendable {
    public var method: String
    public var path: String
    public var parameters: [String]
    public var takesBody: Bool
  }

  public static var all: [Row] {
    Route.allCases.map {
      Row(
        method: $0.method.name.description, path: $0.path.description, parameters: $0.parameters.map(\.description),
        takesBody: $0.takesBody)
    }
  }

  /// Fields that each body's reader knows, by the name of the body's schema.
  public static var bodyFields: [(schema: String, fields: [String])] {
    [
      ("Reserve", names(RequestBodies.reserveFields, 6)), ("Extend", names(RequestBodies.extendFields, 1)),
      ("Checkout", names(RequestBodies.checkoutFields, 1)),
    ]
  }

  private static func names(_ fields: JSONFields, _ count: Int) -> [String] {
    (0..<count).map { String(decoding: fields.name($0), as: UTF8.self) }
  }
}
