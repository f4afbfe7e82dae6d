/// What is wrong with a command line: one sentence for the person who typed it. The program ends with status 2.
public struct UsageError: Error, Equatable, Sendable, CustomStringConvertible {
  public var description: String
  public init(_ description: String) { self.description = description }
}

/// A command line that fits its `CommandSpec`.
public struct ParsedFlags: Sendable {
  /// What stood without a flag, in order.
  public fileprivate(set) var arguments: [String] = []
  /// `--help` or `-h` was there; nothing else was checked.
  public fileprivate(set) var wantsHelp = false
  /// `--version` was there; nothing else was checked.
  public fileprivate(set) var wantsVersion = false
  fileprivate var values: [String: [String]] = [:]
  /// Named on the command line or in the environment: all others have their default, or none.
  public fileprivate(set) var given: Set<String> = []

  /// Takes what was kept from an earlier command line, for the flags that this one does not give.
  public mutating func fill(with kept: [String: String]) {
    for (name, value) in kept where !given.contains(name) { values[name] = [value] }
  }

  /// Whether a switch was given (by environment: anything but empty, `0`, `no` and `false`).
  public func has(_ name: String) -> Bool { values[name] != nil }

  /// The value; nil if neither given nor defaulted. Of a repeated flag the last one.
  public func text(_ name: String) -> String? { values[name]?.last }

  /// All values of a flag that repeats.
  public func all(_ name: String) -> [String] { values[name] ?? [] }

  /// The value as a number within `range`; nil if neither given nor defaulted.
  public func number(_ name: String, in range: ClosedRange<Int>) throws(UsageError) -> Int? {
    guard let text = text(name) else { return nil }
    guard let number = Int(text), range.contains(number) else {
      throw UsageError("--\(name): \"\(text)\" is no number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// The value as `host:port` (`[::1]:7501` for IPv6); nil if neither given nor defaulted. Port 0 means any free one.
  public func address(_ name: String) throws(UsageError) -> (host: String, port: UInt16)? {
    guard let text = text(name) else { return nil }
    guard let address = splitAddress(text) else {
      throw UsageError("--\(name): \"\(text)\" is no address of the form HOST:PORT")
    }
    return address
  }
}

/// `host:port` in two; nil if it is not that. The brackets around an IPv6 address are taken off.
public func splitAddress(_ text: String) -> (host: String, port: UInt16)? {
  guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { return nil }
  var host = text[..<colon]
  if host.hasPrefix("["), host.hasSuffix("]") {
    host = host.dropFirst().dropLast()
  } else if host.contains(":") {
    return nil
  }
  return host.isEmpty ? nil : (String(host), port)
}

extension CommandSpec {
  /// Reads a command line (without the program's name). A flag's value is the next word or stands after `=`; `--` ends
  /// the flags.
  ///
  /// - Parameter environment: Looks a variable up; nil and empty count as not set.
  /// - Throws: `UsageError` for an unknown flag (with the nearest known one), a missing or unwanted value, a flag given
  ///   twice, a missing or superfluous argument.
  public func parse(_ words: [String], environment: (String) -> String?) throws(UsageError) -> ParsedFlags {
    var parsed = ParsedFlags()
    if words.prefix(while: { $0 != "--" }).contains(where: { $0 == "--help" || $0 == "-h" }) {
      parsed.wantsHelp = true
      return parsed
    }
    if words.first == "--version" {
      parsed.wantsVersion = true
      return parsed
    }
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--" {
        parsed.arguments += rest
        break
      }
      guard word.hasPrefix("--") else {
        guard !word.hasPrefix("-") || word == "-" else { throw unknown(word) }
        parsed.arguments.append(word)
        continue
      }
      let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      guard let flag = flags.first(where: { $0.name == name }) else { throw unknown("--" + name) }
      guard flag.repeats || parsed.values[name] == nil else { throw UsageError("--\(name) is given twice") }
      if let placeholder = flag.placeholder {
        guard let value = parts.count > 1 ? String(parts[1]) : rest.popFirst() else {
          throw UsageError("--\(name) needs a value: --\(name) \(placeholder)")
        }
        parsed.values[name, default: []].append(value)
      } else {
        guard parts.count == 1 else { throw UsageError("--\(name) takes no value") }
        parsed.values[name] = [""]
      }
      parsed.given.insert(name)
    }
    try fill(&parsed, environment)
    try check(parsed.arguments)
    return parsed
  }

  /// Environment, then defaults, for what the command line left open.
  private func fill(_ parsed: inout ParsedFlags, _ environment: (String) -> String?) throws(UsageError) {
    for flag in flags where parsed.values[flag.name] == nil {
      if let value = environment(flag.environmentName), !value.isEmpty {
        parsed.given.insert(flag.name)
        if flag.placeholder == nil {
          if !["0", "no", "false"].contains(value.lowercased()) { parsed.values[flag.name] = [""] }
        } else {
          parsed.values[flag.name] = flag.repeats ? value.split(separator: ",").map(String.init) : [value]
        }
      } else if let value = flag.defaultValue {
        parsed.values[flag.name] = [value]
      }
    }
  }

  private func check(_ given: [String]) throws(UsageError) {
    let needed = arguments.filter { !$0.hasPrefix("[") }
    if given.count < needed.count { throw UsageError("\(needed[given.count]) is missing") }
    let unlimited = arguments.last.map { $0.contains("…") } ?? false
    if !unlimited, given.count > arguments.count {
      throw UsageError("\"\(given[arguments.count])\" is one argument too many")
    }
  }

  private func unknown(_ word: String) -> UsageError {
    let near = nearest(to: word, among: flags.map { "--" + $0.name } + ["--help"])
    return UsageError("unknown flag \(word)" + (near.map { "; did you mean \($0)?" } ?? ""))
  }
}

/// The known word with the fewest changed, added, left out or swapped characters, for a `did you mean`; nil if all are
/// far off and there is none that the typed word begins.
public func nearest(to word: String, among known: [String]) -> String? {
  let scored = known.map { (distance(word, $0), $0) }
  guard let best = scored.min(by: { $0.0 < $1.0 }) else { return nil }
  if best.0 <= max(2, word.count / 3) { return best.1 }
  return word.count > 2 ? known.first { $0.hasPrefix(word) } ?? best.1 : best.1
}

/// Edit distance with swaps of neighbours.
private func distance(_ a: String, _ b: String) -> Int {
  let (a, b) = (Array(a.utf8), Array(b.utf8))
  var rows = [Array(0...b.count)]
  for i in 0..<a.count {
    var row = [i + 1]
    for j in 0..<b.count {
      var cost = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, rows[i - 1][j - 1] + 1) }
      row.append(cost)
    }
    rows.append(row)
  }
  return rows[a.count][b.count]
}
