public import Octets

/// Categories as people type them.
public enum CategoryNames {
  /// Says that there is no such category, which one may be meant, and which there are.
  ///
  /// - Parameter kind: what `known` are, for people.
  public static func unknown(_ name: Bytes, among known: [Bytes], kind: String = "category") -> String {
    let typed = Names.isName(name.rawSpan) ? "no \(kind) '\(name)'" : "no \(kind) of this name"
    guard !known.isEmpty else { return typed + "; there is none at all" }
    var list = ListOfSome()
    for category in known { list.add { category.description } }
    guard let near = nearest(to: name, among: known) else { return "\(typed); there are: \(list.text)" }
    return "\(typed); did you mean '\(near)'? There are: \(list.text)"
  }

  /// More names, and longer ones, are not compared: the time for a wrong body is bounded.
  private static let comparedMax = 2_000
  private static let charactersMax = 64

  /// The known name with the fewest changed, added, left out or swapped characters, whatever their case; nil if all are
  /// far away.
  static func nearest(to name: Bytes, among known: [Bytes]) -> Bytes? {
    let typed = characters(name)
    guard typed.count <= charactersMax else { return nil }
    var best: Bytes?
    var least = (typed.count < 2 ? 0 : min(3, max(1, typed.count / 3))) + 1
    for candidate in known.prefix(comparedMax) {
      let other = characters(candidate)
      guard other.count <= charactersMax, abs(other.count - typed.count) < least else { continue }
      let distance = distance(typed, other, below: least)
      if distance < least { (best, least) = (candidate, distance) }
    }
    return best
  }

  private static func characters(_ name: Bytes) -> [Unicode.Scalar] {
    Array(name.description.lowercased().unicodeScalars)
  }

  /// Edit distance with swaps of neighbours; `limit` if it is not below. Only the cells that can be below are computed.
  private static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar], below limit: Int) -> Int {
    var rows = [[Int]](repeating: [Int](repeating: limit, count: b.count + 1), count: 3)
    for column in 0...b.count { rows[0][column] = min(column, limit) }
    for row in 0..<a.count {
      var line = [Int](repeating: limit, count: b.count + 1)
      line[0] = min(row + 1, limit)
      let first = max(0, row - limit)
      let last = min(b.count, row + limit + 1)
      if first < last {
        for column in first..<last {
          var cost = min(rows[0][column + 1] + 1, line[column] + 1)
          cost = min(cost, rows[0][column] + (a[row] == b[column] ? 0 : 1))
          if row > 0, column > 0, a[row] == b[column - 1], a[row - 1] == b[column] {
            cost = min(cost, rows[1][column - 1] + 1)
          }
          line[column + 1] = min(cost, limit)
        }
      }
      rows = [line, rows[0], rows[1]]
    }
    return rows[0][b.count]
  }
}
