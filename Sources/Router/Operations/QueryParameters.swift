/// The query parameters of each operation that has any, by their names in a URL. Rows name them and the HTTP
/// door reads them.
protocol QueryParameter: RawRepresentable<String>, CaseIterable, Hashable {}

enum DeleteParameter: String, QueryParameter { case force }
enum ReadParameter: String, QueryParameter { case read }
enum EventListParameter: String, QueryParameter { case limit, cursor }
enum OrderListParameter: String, QueryParameter { case buyer, status, reference, limit, cursor }
enum HoldListParameter: String, QueryParameter { case buyer, limit, cursor }

/// Of an operation that has none.
enum NoParameter: QueryParameter {
  init?(rawValue: String) { return nil }
  var rawValue: String {
    switch self {}
  }
}

extension QueryParameter {
  static var names: [String] { allCases.map(\.rawValue) }
}
