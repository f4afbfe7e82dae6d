internal import ClusterMap
internal import Octets
internal import Plan
internal import Proto

/// An event with its plan put in as it is in the file: a plan may be large, and its numbers should not be rewritten.
func bodyWithPlan(_ event: [JSONValue.Member], _ plan: [UInt8]) -> [UInt8] {
  var body = Array(JSONValue.object(event).compact.utf8)
  body.removeLast()
  // A byte order mark may begin a text, and stand nowhere else.
  let hasMark = plan.starts(with: [0xEF, 0xBB, 0xBF])
  body += Array(",\"plan\":".utf8) + plan.dropFirst(hasMark ? 3 : 0) + Array("}".utf8)
  return body
}

/// Says the lines and the paths of what is wrong with a plan, and which names in `--price` no category of it has,
/// before anything is sent.
func checkPlan(_ text: [UInt8], _ file: String, prices: [String]) throws(AdminError) {
  let (plan, wrong) = PretixPlan.read(text.rawSpan)
  var lines: [String] = []
  var more = 0
  if let wrong {
    for problem in wrong.problems {
      let field = problem.field.isEmpty ? "" : " \(problem.field):"
      lines.append("\(file):\(problem.line):\(problem.column):\(field) \(problem.detail)")
    }
    more = wrong.more
    if more > 0 { lines.append("\(file): and \(more) more") }
  }
  if plan.areCategoriesKnown {
    let known = plan.categories.map(\.name)
    let taken = Set(known)
    // As many as were typed: nobody but their writer waits for them.
    for name in prices where !taken.contains(Bytes(name)) {
      lines.append("--price: \(CategoryNames.unknown(Bytes(name), among: known))")
    }
  }
  if lines.isEmpty { return }
  if lines.count == 1 { throw .refused(lines[0]) }
  throw .refused("\(lines.count + max(0, more - 1)) problems:\n" + lines.joined(separator: "\n"))
}
