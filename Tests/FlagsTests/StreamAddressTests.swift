import Flags
import Testing

@Suite struct StreamAddressTests {
  private let spec = CommandSpec(
    name: "tool", summary: "", flags: [CommandSpec.httpDoorFlag, CommandSpec.unixModeFlag])

  private func streams(_ words: String..., environment: [String: String] = [:]) throws -> [String] {
    try spec.parse(words, environment: { environment[$0] }).streams("http").map(\.description)
  }

  @Test func doorsMayBeGivenSeveralTimes() throws {
    #expect(try streams() == ["127.0.0.1:8080"])
    #expect(try streams("--http", "unix:/run/a.sock") == ["unix:/run/a.sock"])
    #expect(
      try streams("--http", "[::1]:80", "--http=unix:/run/a.sock", "--http", "h:0,h:0")
        == ["[::1]:80", "unix:/run/a.sock", "h:0", "h:0"])
    #expect(try streams(environment: ["HOLDFAST_HTTP": "a:1,unix:/b"]) == ["a:1", "unix:/b"])
    // A relative path begins at the working directory.
    let relative = try streams("--http", "unix:run/a.sock")[0]
    #expect(relative.hasPrefix("unix:/") && relative.hasSuffix("/run/a.sock"))
  }

  @Test(arguments: [
    ("unix:", "--http: \"unix:\" names no file; write unix:PATH"),
    ("/run/a.sock", "--http: \"/run/a.sock\" is no address of the form HOST:PORT or unix:PATH"),
    ("a:1,", "--http: \"\" is no address of the form HOST:PORT or unix:PATH"),
    ("a:1,a:1", "--http: a:1 is given twice"),
    ("a:99999", "--http: \"a:99999\" is no address of the form HOST:PORT or unix:PATH"),
  ])
  func mistakesAreNamed(value: String, message: String) {
    #expect(throws: UsageError(message)) { try streams("--http", value) }
  }

  @Test func aPathHasALimit() throws {
    let longest = "/" + String(repeating: "é", count: 53)
    #expect(longest.utf8.count == StreamAddress.pathBytesMax)
    #expect(try streams("--http", "unix:" + longest) == ["unix:" + longest])
    #expect(
      throws: UsageError(
        "--http: the path of a UNIX socket has at most 107 bytes, and \(longest)x has 108")
    ) { try streams("--http", "unix:\(longest)x") }
  }

  @Test func modesAreOctal() throws {
    func mode(_ text: String) throws -> UInt32? {
      try spec.parse(["--unix-mode", text], environment: { _ in nil }).fileMode("unix-mode")
    }
    #expect(try spec.parse([], environment: { _ in nil }).fileMode("unix-mode") == 0o660)
    #expect(try mode("0600") == 0o600)
    #expect(try mode("777") == 0o777)
    for text in ["", "0", "660x", "0868", "1777", "00660", "0066", "0060", "0x1ff", "-660", "rw-rw----"] {
      #expect(throws: UsageError.self, "\(text)") { try mode(text) }
    }
  }
}
