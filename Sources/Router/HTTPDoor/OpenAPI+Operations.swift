import RouterCore

extension OpenAPI {
  /// Calls in the order of their names.
  static let operations = OperationName.allCases.compactMap { name in
    name.row.http.map { Operation(name: name, row: name.row, call: $0) }
  }

  /// One call of the HTTP door, as its row says it.
  struct Operation {
    let name: OperationName
    let row: OperationRow
    let call: OperationRow.HTTPCall

    var path: String { call.path.description }

    /// Names in `OpenAPI.parameters`: the path's, the query's, then headers.
    private var parameters: [String] {
      var names = path.split(separator: "/").filter { $0.hasPrefix("{") }.map {
        String($0.dropFirst().dropLast())
      }
      names += call.query.map { call.describedAs[$0] ?? $0 }
      if row.writes { names.append("key") }
      if call.isTagged { names.append("tag") }
      return names
    }

    /// `"get":{…}`, a member of the path's item.
    var item: String {
      var members = ["\"operationId\":\(quoted("\(name)"))", "\"summary\":\(quoted(row.summary))"]
      members.append("\"description\":\(quoted(row.teaching?.about ?? ""))")
      if !parameters.isEmpty {
        let references = parameters.map { reference("parameters", $0) }
        members.append("\"parameters\":[\(references.joined(separator: ","))]")
      }
      if let body = call.body {
        members.append(
          "\"requestBody\":{\"required\":true,\"content\":\(content("application/json", body.schema, examples))}"
        )
      }
      members.append("\"responses\":{\(responses.joined(separator: ","))}")
      return
        "\(quoted(call.method.name.description.lowercased())):{\(members.joined(separator: ","))}"
    }

    private var responses: [String] {
      var all = row.success.map { [($0.status, response($0))] } ?? []
      all += row.refusals.map { ($0.status, refusal($0.text)) }
      all += common.map { ($0.key, reference("responses", $0.value.name)) }
      if call.isTagged { all.append((304, reference("responses", "NotModified"))) }
      return all.sorted { $0.0 < $1.0 }.map { "\"\($0.0)\":\($0.1)" }
    }

    private func response(_ success: OperationRow.Success) -> String {
      var members = ["\"description\":\(quoted(success.meaning))"]
      if let schema = success.schema {
        members.append("\"content\":\(content(success.type, schema))")
      }
      // A command under a key may be answered again.
      let headers = success.headers + (row.writes ? ["Idempotent-Replayed"] : [])
      if !headers.isEmpty {
        let references = headers.map { "\(quoted($0)):\(reference("headers", $0))" }
        members.append("\"headers\":{\(references.joined(separator: ","))}")
      }
      if let links { members.append(links) }
      return "{\(members.joined(separator: ","))}"
    }
  }

  private static func content(_ type: String, _ schema: String, _ examples: String = "") -> String {
    "{\(quoted(type)):{\"schema\":\(reference("schemas", schema))\(examples)}}"
  }
}
