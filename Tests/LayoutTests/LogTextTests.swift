import Foundation
import Testing

/// Goal: an operator finds every line of every log, and every metric, in docs/operations.md, and nothing there is of
/// the past. Method: the texts in the sources against the words of the document.
@Suite struct LogTextTests {
  private static let document =
    (try? String(contentsOf: SourceTree.root.appending(path: "docs/operations.md"), encoding: .utf8)) ?? ""

  /// The part of the document below a heading.
  private static func section(_ title: String) -> Substring {
    guard let begin = document.range(of: "\n## \(title)\n") else { return "" }
    let rest = document[begin.upperBound...]
    return rest[..<(rest.range(of: "\n## ")?.lowerBound ?? rest.endIndex)]
  }

  private static let logging = ["Node", "Router", "ShardCore", "Coordinators", "Logging", "EventLoop"]

  /// Every message, with the file that has it.
  private static func messages() -> [String: String] {
    var found: [String: String] = [:]
    for source in SourceTree.sources("Sources") where logging.contains(source.module) {
      let text = source.lines.joined(separator: "\n")
      let calls = text.matches(
        of:
          /(?:(?:debug|info|warning|error|warn|complain)\(|ThrottledWarning\(\s*[\w.]+,|(?:self\.init|NoteLine)\(\s*\.(?:debug|info|warning|error),)\s*"((?:[^"\\]|\\.)*)"/
      )
      for call in calls { found[String(call.1)] = source.path }
      // Bodies of answers have messages of their own.
      let isBody = source.path.contains("/Rendering/") || source.path.contains("/Operations/")
      if isBody { continue }
      for line in text.matches(of: /\\?"message\\?":\\?"([^"\\]+)\\?"/) { found[String(line.1)] = source.path }
    }
    return found
  }

  @Test func everyLineOfALogIsExplained() {
    let found = Self.messages()
    #expect(found.count > 60)
    let rows = Self.section("What a log line means").split(separator: "\n").filter { $0.hasPrefix("| `") }
    var explained: [String: Int] = [:]
    for row in rows {
      let first = row.dropFirst(2).split(separator: " | ", maxSplits: 1)[0]
      for message in first.matches(of: /`([^`]+)`/) { explained[String(message.1), default: 0] += 1 }
    }
    for (message, path) in found {
      #expect(
        explained[message] == 1, "\(path): docs/operations.md explains \"\(message)\" \(explained[message] ?? 0) times")
    }
    for message in explained.keys {
      #expect(found[message] != nil, "docs/operations.md explains \"\(message)\", which no process says")
    }
  }

  /// A message that is not a literal where it is logged would escape the test above.
  @Test func messagesAreLiterals() {
    let known: Set = ["text", "line.sentence", "line.level", "message"]
    for source in SourceTree.sources("Sources") where Self.logging.contains(source.module) {
      let text = source.lines.joined(separator: "\n")
      for call in text.matches(of: /(?:log|sink|node\.log|core\.log)\.(?:debug|info|warning|error|log)\(\s*([\w.]+)/) {
        #expect(known.contains(String(call.1)), "\(source.path): the message \(call.1) is no literal")
      }
    }
  }

  @Test func everyMetricIsNamed() {
    var found: Set<String> = []
    for path in ["Node", "Router"] {
      for source in SourceTree.sources("Sources/\(path)") {
        for name in source.lines.joined(separator: "\n").matches(of: /"(holdfast_(?:node|router)_[a-z_]*[a-z])["{]/) {
          found.insert(String(name.1))
        }
      }
    }
    #expect(found.count > 60)
    let rows = Self.section("Metrics").split(separator: "\n").filter { $0.hasPrefix("| `") }
    var named: Set<String> = []
    for row in rows {
      for name in row.dropFirst(2).split(separator: " | ", maxSplits: 1)[0].matches(of: /`(\w+)`/) {
        #expect(named.insert(String(name.1)).inserted, "\(name.1) stands there twice")
      }
    }
    #expect(found.subtracting(named).sorted() == [], "not in docs/operations.md")
    #expect(named.subtracting(found).sorted() == [], "in docs/operations.md, and no process has it")
  }
}
