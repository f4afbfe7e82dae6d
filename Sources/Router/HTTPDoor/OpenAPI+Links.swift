import RouterCore

extension OpenAPI.Operation {
  /// `"links":{…}`: each call that takes what this one's success gives, in its path or in its body. Named by operation.
  /// nil: it gives nothing.
  var links: String? {
    guard let gift = row.teaching?.gives else { return nil }
    let found = OpenAPI.operations.compactMap { other in
      other.link(from: gift).map { "\(OpenAPI.quoted("\(other.name)")):\($0)" }
    }
    return "\"links\":{\(found.joined(separator: ","))}"
  }

  /// How this call is reached with what another one gave.
  private func link(from gift: OperationTeaching.Gift) -> String? {
    let value = OpenAPI.quoted("$response.body#\(gift.pointer)")
    let id = "\"operationId\":\(OpenAPI.quoted("\(name)"))"
    let names = path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
    if names.contains(gift.parameter) {
      var parameters = ["\(OpenAPI.quoted(gift.parameter)):\(value)"]
      for name in names where name != gift.parameter {
        guard let pointer = gift.also[name] else { return nil }
        parameters.append("\(OpenAPI.quoted(name)):\(OpenAPI.quoted("$response.body#\(pointer)"))")
      }
      return "{\(id),\"parameters\":{\(parameters.joined(separator: ","))}}"
    }
    // A body's example says how the id stands in it.
    guard let fields = call.body?.fields,
      fields.contains(where: { $0.description == gift.parameter }),
      let example = row.teaching?.examples.last?.body,
      let known = OperationName.exampleIDs.first(where: { $0.key == gift.parameter })?.value
    else { return nil }
    let body = example.replacing(
      "\"\(gift.parameter)\":\"\(known)\"", with: "\"\(gift.parameter)\":\(value)")
    return "{\(id),\"requestBody\":\(body)}"
  }

  /// `,"examples":{…}` of the body; empty: it has none.
  var examples: String {
    let all = (row.teaching?.examples ?? []).map { "\(OpenAPI.quoted($0.name)):{\"value\":\($0.body)}" }
    return all.isEmpty ? "" : ",\"examples\":{\(all.joined(separator: ","))}"
  }
}
