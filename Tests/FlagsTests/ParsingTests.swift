import Flags
import Testing

private let spec = CommandSpec(
  name: "tool", summary: "Does things.", arguments: ["FILE", "[MORE…]"],
  flags: [
    FlagSpec("http", "HOST:PORT", default: "127.0.0.1:8080", "where"),
    FlagSpec("price", "C=N", repeats: true, "a price"),
    FlagSpec(switch: "json", "for scripts"),
    FlagSpec("limit", "N", "how many"),
  ])

private func parse(_ words: String..., environment: [String: String] = [:]) throws -> ParsedFlags {
  try spec.parse(words, environment: { environment[$0] })
}

@Test func valuesComeFromTheFlagThenTheEnvironmentThenTheDefault() throws {
  let environment = ["HOLDFAST_HTTP": "h:1", "HOLDFAST_LIMIT": "7", "HOLDFAST_JSON": "0"]
  #expect(try parse("f").text("http") == "127.0.0.1:8080")
  #expect(try parse("f", environment: environment).text("http") == "h:1")
  #expect(try parse("f", "--http", "x:2", environment: environment).text("http") == "x:2")
  #expect(try parse("f", "--http=x:2", environment: environment).text("http") == "x:2")
  #expect(try parse("f", environment: environment).number("limit", in: 0...10) == 7)
  #expect(try !parse("f", environment: environment).has("json"))
  #expect(try parse("f", environment: ["HOLDFAST_JSON": "1"]).has("json"))
}

@Test func repeatedFlagsKeepTheirOrder() throws {
  #expect(try parse("--price", "a=1", "f", "--price", "b=2").all("price") == ["a=1", "b=2"])
  #expect(try parse("f", "g", "h").arguments == ["f", "g", "h"])
  #expect(try parse("--", "--json").arguments == ["--json"])
}

@Test(arguments: [
  (["f", "--htpp", "x:1"], "unknown flag --htpp; did you mean --http?"),
  (["f", "--jsno"], "unknown flag --jsno; did you mean --json?"),
  (["f", "-x"], "unknown flag -x; did you mean --http?"),
  (["f", "--http"], "--http needs a value: --http HOST:PORT"),
  (["f", "--json=1"], "--json takes no value"),
  (["f", "--limit", "1", "--limit", "2"], "--limit is given twice"),
  ([], "FILE is missing"),
])
func whatDoesNotFitIsNamed(words: [String], message: String) {
  #expect(throws: UsageError(message)) { try spec.parse(words, environment: { _ in nil }) }
}

@Test func numbersAndAddressesAreChecked() throws {
  #expect(throws: UsageError("--limit: \"11\" is no number from 0 to 10")) {
    try parse("f", "--limit", "11").number("limit", in: 0...10)
  }
  #expect(throws: UsageError("--http: \"8080\" is no address of the form HOST:PORT")) {
    try parse("f", "--http", "8080").address("http")
  }
  #expect(splitAddress("[::1]:80")?.host == "::1")
  #expect(splitAddress("::1:80") == nil)
  #expect(splitAddress("h:65536") == nil)
  #expect(try parse("f").address("http")?.port == 8080)
}

@Test func helpShowsEveryFlag() throws {
  #expect(try parse("--help").wantsHelp)
  for command in [CommandSpec.node, .router, spec] {
    for flag in command.flags { #expect(command.help.contains("--" + flag.name)) }
    #expect(Set(command.flags.map(\.name)).count == command.flags.count)
  }
}
