import RouterCore

/// One row of the table of operations: everything that doors, description, metrics and tests derive from. A new
/// operation is a new name and a new row; what is forgotten in it does not compile.
package struct OperationRow: Sendable {
  /// For people.
  let summary: String
  /// What the description says beside that; nil: HTTP has no such call.
  let teaching: OperationTeaching?
  /// How HTTP asks for it; nil: HTTP has no such call.
  let http: HTTPCall?
  /// How RESP asks for it; empty: RESP has no such command.
  let resp: [RESPWord]
  /// Whether the shard's state may change, so that a retry needs a key.
  let writes: Bool
  /// Who may ask; read by `OperationName.verdict` alone.
  let access: Access
  /// What it refuses beside what every call may answer, by HTTP status.
  let refusals: [(status: Int, text: String)]
  /// What HTTP answers when it says yes.
  let success: Success?

  /// Who may ask for an operation. Everybody may ask for everything today.
  enum Access: Sendable { case open }

  /// A method, a path with its parameter in braces, and what may come with it.
  struct HTTPCall: Sendable {
    let method: Method
    let path: StaticString
    /// Names of query parameters.
    var query: [String] = []
    /// Those of them whose names in `OpenAPI.parameters` are others.
    var describedAs: [String: String] = [:]
    /// The answer has an `ETag`, and `If-None-Match` is understood.
    var isTagged = false
    /// The body's schema in the description; nil: the call takes no body.
    var body: Body?
    /// Answered however many connections are open.
    var isForOperators = false

    init(
      _ method: Method, _ path: StaticString, query: [String] = [], describedAs: [String: String] = [:],
      isTagged: Bool = false,
      body: Body? = nil, isForOperators: Bool = false
    ) {
      (self.method, self.path, self.query, self.describedAs) = (method, path, query, describedAs)
      self.isTagged = isTagged
      (self.body, self.isForOperators) = (body, isForOperators)
    }

    enum Method: UInt8, Sendable, CaseIterable {
      case get, post, patch, delete
      var name: StaticString {
        switch self {
        case .get: "GET"
        case .post: "POST"
        case .patch: "PATCH"
        case .delete: "DELETE"
        }
      }
    }
  }

  /// A JSON body: its schema's name, its fields as their reader knows them, and its largest size.
  struct Body: Sendable {
    let schema: String
    /// nil: read by a parser that is held against the schema by a test of its own.
    let fields: [StaticString]?
    var bytesMax = 64 << 10
  }

  /// What HTTP answers when it says yes.
  struct Success: Sendable {
    let status: Int
    let meaning: String
    /// The body's schema; nil: no body.
    let schema: String?
    let type: String
    /// Names in `OpenAPI.headers`.
    let headers: [String]

    init(
      _ status: Int, _ meaning: String, _ schema: String? = nil, type: String = "application/json",
      headers: [String] = []
    ) {
      (self.status, self.meaning, self.schema, self.type, self.headers) = (
        status, meaning, schema, type, headers
      )
    }
  }

  init(
    _ summary: String, _ teaching: OperationTeaching?, _ http: HTTPCall?, resp: [RESPWord] = [], writes: Bool = false,
    access: Access = .open,
    refusals: [(status: Int, text: String)] = [], success: Success? = nil
  ) {
    (self.summary, self.teaching, self.http, self.resp, self.writes) = (summary, teaching, http, resp, writes)
    (self.access, self.refusals, self.success) = (access, refusals, success)
  }
}
