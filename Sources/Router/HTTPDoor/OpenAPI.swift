enum OpenAPI {
  static let document: StaticString = "{}"
}
