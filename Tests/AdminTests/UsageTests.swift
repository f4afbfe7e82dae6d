import Admin
import Flags
import Foundation
import Testing

/// A command line and what it ends with.
private struct Line: Sendable, CustomTestStringConvertible {
  var words: [String]
  var code: Int32
  init(_ words: [String], _ code: Int32) { (self.words, self.code) = (words, code) }
  var testDescription: String { words.joined(separator: " ") }
}

private let lines: [Line] = [
  Line([], 2),
  Line(["help"], 0),
  Line(["--help"], 0),
  Line(["-h"], 0),
  Line(["help", "status"], 0),
  Line(["status", "--help"], 0),
  Line(["event", "import", "--help"], 0),
  Line(["help", "event", "import"], 0),
  Line(["event", "--help"], 0),
  Line(["event"], 2),
  Line(["nonsense"], 2),
  Line(["help", "nonsense"], 2),
  Line(["event", "nonsense"], 2),
  Line(["status", "--jsno"], 2),
  Line(["status", "extra"], 2),
  Line(["status", "--coordinator", "nonsense"], 2),
  Line(["failover"], 2),
  Line(["failover", "--node", "n1", "--shard", "1"], 2),
  Line(["failover", "--shard", "-1"], 2),
  Line(["failover", "--node", "n1", "--force", "--accept-loss"], 2),
  Line(["event", "create"], 2),
  Line(["event", "create", "x", "--section", "A"], 2),
  Line(["event", "create", "x", "--area", "A=1"], 2),
  Line(["event", "import", "/nonexistent"], 2),
  Line(["event", "import", "/nonexistent", "--id", "x"], 1),
  Line(["event", "create", "--file", "/nonexistent"], 1),
  Line(["hold", "arena"], 2),
  Line(["hold", "arena", "--category", "VIP"], 2),
  Line(["hold", "arena", "A-1", "--ttl", "0"], 2),
  Line(["release"], 2),
  Line(["status", "--data", "/nonexistent"], 3),
  Line(["event", "shard", "x", "--data", "/nonexistent"], 3),
  Line(["failover", "--shard", "1", "--data", "/nonexistent"], 3),
  Line(["event", "list", "--http", "127.0.0.1:1"], 3),
  Line(["hold", "arena", "A-1", "--http", "127.0.0.1:1"], 3),
  Line(["release", "h_x", "--http", "127.0.0.1:1"], 3),
  Line(["event", "list", "--http", "nonsense"], 2),
  Line(["up", "--nodes", ""], 2),
  Line(["up", "--shards", "0"], 2),
  Line(["up", "--coordinator", "x"], 2),
]

/// Nothing runs and nothing is there: what each command line ends with.
@Test(arguments: lines) private func exitCodes(line: Line) async {
  let (words, code) = (line.words, line.code)
  let ran = await holdfast(words)
  #expect(ran.code == code, "\(words): \(ran.error)")
  // Who did not get what they asked for is told why; help goes to where it can be piped.
  let said = code == 0 ? ran.out : ran.error + ran.out
  #expect(!said.isEmpty)
}

@Test func unknownWordsComeWithTheNearestKnownOne() async {
  #expect(await holdfast("statsu").error.contains("did you mean status?"))
  #expect(await holdfast("event", "improt").error.contains("did you mean event import?"))
  #expect(await holdfast("status", "--coordinatr", "x").error.contains("did you mean --coordinator?"))
}

@Test(arguments: [["--version"], ["version"], ["status", "--version"]]) func saysItsVersion(words: [String]) async {
  let ran = await holdfast(words)
  #expect(ran.code == 0 && ran.out == "holdfast \(Version.current)\n", "\(ran.out)\(ran.error)")
}

@Test func everyCommandHasHelp() async {
  let overview = await holdfast("help").out
  for command in [
    "up", "down", "status", "failover", "event create", "event import", "event list", "event show", "event shard",
    "hold",
    "release", "log verify", "log dump",
  ] {
    #expect(overview.contains("  \(command) "), "\(command) is missing in the overview")
    let help = await holdfast(["help"] + command.split(separator: " ").map(String.init))
    #expect(help.code == 0 && help.out.hasPrefix("usage: holdfast \(command)"))
  }
}

/// `cluster/up --help` works before anything is built, from a file.
@Test func theScriptsHelpIsTheProgramsOwn() async throws {
  let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  let file = root.deletingLastPathComponent().appending(path: "cluster/up.txt")
  let help = await holdfast("up", "--help").out
  #expect(
    try String(contentsOf: file, encoding: .utf8) == help,
    "cluster/holdfast up --help > cluster/up.txt brings it up to date")
}
