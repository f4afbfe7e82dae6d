import HTTP
import Testing

/// A request that must be refused, and how.
struct BadRequest: CustomTestStringConvertible, Sendable {
  var name: String
  var text: String
  var status: Int
  init(_ name: String, _ text: String, _ status: Int = 400) {
    (self.name, self.text, self.status) = (name, text, status)
  }
  var testDescription: String { name }

  /// A POST with these header lines and a body.
  static func post(_ name: String, _ lines: String, body: String = "hello", _ status: Int = 400) -> BadRequest {
    BadRequest(name, "POST /v1/reserve HTTP/1.1\r\nHost: a\r\n\(lines)\r\n\r\n\(body)", status)
  }

  /// A GET with one more header line.
  static func line(_ name: String, _ line: String, _ status: Int = 400) -> BadRequest {
    BadRequest(name, "GET / HTTP/1.1\r\nHost: a\r\n\(line)\r\n\r\n", status)
  }

  /// A chunked POST with this body.
  static func chunked(_ name: String, _ body: String, _ status: Int = 400) -> BadRequest {
    .post(name, "Transfer-Encoding: chunked", body: body, status)
  }
}

let badRequests: [BadRequest] = [
  // Two lengths.
  .post("CL and TE", "Content-Length: 5\r\nTransfer-Encoding: chunked"),
  .post("TE and CL", "Transfer-Encoding: chunked\r\nContent-Length: 5"),
  .post("CL 0 and TE", "Content-Length: 0\r\nTransfer-Encoding: chunked"),
  .post("CL twice, equal", "Content-Length: 5\r\nContent-Length: 5"),
  .post("CL twice, different", "Content-Length: 5\r\nContent-Length: 6"),
  .post("CL twice, other case", "Content-Length: 5\r\ncontent-length: 0"),
  .post("CL list, equal", "Content-Length: 5, 5"),
  .post("CL list, different", "Content-Length: 5, 6"),
  .post("CL list without space", "Content-Length: 5,5"),
  // What a length may be.
  .post("CL plus", "Content-Length: +5"),
  .post("CL minus", "Content-Length: -5"),
  .post("CL minus zero", "Content-Length: -0"),
  .post("CL hexadecimal", "Content-Length: 0x5"),
  .post("CL letters", "Content-Length: five"),
  .post("CL decimal point", "Content-Length: 5.0"),
  .post("CL exponent", "Content-Length: 5e0"),
  .post("CL empty", "Content-Length:"),
  .post("CL blank", "Content-Length:   "),
  .post("CL inner space", "Content-Length: 1 5"),
  .post("CL semicolon", "Content-Length: 5;"),
  .post("CL quoted", "Content-Length: \"5\""),
  .post("CL underscore", "Content-Length: 1_0"),
  .post("CL over Int64", "Content-Length: 9223372036854775808", 413),
  .post("CL over UInt64", "Content-Length: 18446744073709551621", 413),
  .post("CL of 40 digits", "Content-Length: 0000000000000000000000000000000000000005"),
  .post("CL wraps 32 bits and is too large", "Content-Length: 4294967301", 413),
  .post("CL over the limit", "Content-Length: 65537", 413),
  .post("CL full-width digit", "Content-Length: \u{FF15}"),
  .post("CL vertical tab", "Content-Length: \u{0B}5"),
  .post("CL form feed", "Content-Length: 5\u{0C}"),
  .post("CL no-break space", "Content-Length: \u{A0}5"),
  .post("CL space before colon", "Content-Length : 5"),
  .post("CL tab before colon", "Content-Length\t: 5"),
  .post("CL space before name", " Content-Length: 5"),
  .post("CL NUL", "Content-Length: 5\u{0}"),
  // Transfer codings.
  .post("TE gzip", "Transfer-Encoding: gzip"),
  .post("TE gzip, chunked", "Transfer-Encoding: gzip, chunked"),
  .post("TE chunked, gzip", "Transfer-Encoding: chunked, gzip"),
  .post("TE chunked, chunked", "Transfer-Encoding: chunked, chunked"),
  .post("TE identity", "Transfer-Encoding: identity"),
  .post("TE chunked, identity", "Transfer-Encoding: chunked, identity"),
  .post("TE empty", "Transfer-Encoding:"),
  .post("TE twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
  .post("TE twice, different", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x"),
  .post("TE quoted", "Transfer-Encoding: \"chunked\""),
  .post("TE single quote", "Transfer-Encoding: 'chunked'"),
  .post("TE with parameter", "Transfer-Encoding: chunked;q=1"),
  .post("TE leading comma", "Transfer-Encoding: ,chunked"),
  .post("TE xchunked", "Transfer-Encoding: xchunked"),
  .post("TE chunkedx", "Transfer-Encoding: chunkedx"),
  .post("TE vertical tab", "Transfer-Encoding: \u{0B}chunked"),
  .post("TE space before colon", "Transfer-Encoding : chunked"),
  .post("TE NUL in name", "Transfer-Encoding\u{0}: chunked"),
  .post("TE folded", "Transfer-Encoding:\r\n chunked"),
  .post("TE behind a bare CR", "X: y\rTransfer-Encoding: chunked"),
  BadRequest("TE on 1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
  // Lines.
  .line("folded with a space", "X: a\r\n b"),
  .line("folded with a tab", "X: a\r\n\tb"),
  .line("bare LF behind a value", "X: a\nY: b"),
  .line("bare CR in a value", "X: a\rb"),
  .line("CR CR LF", "X: a\r\r"),
  .line("LF CR", "X: a\n\r"),
  .line("NUL in a value", "X: a\u{0}b"),
  .line("SOH in a value", "X: a\u{1}b"),
  .line("ESC in a value", "X: \u{1B}[31m"),
  .line("DEL in a value", "X: \u{7F}"),
  .line("no colon", "X"),
  .line("only a colon", ":"),
  .line("empty name", ": a"),
  .line("space in the name", "X Y: a"),
  .line("parenthesis in the name", "X(Y): a"),
  .line("slash in the name", "X/Y: a"),
  .line("at in the name", "X@Y: a"),
  .line("quote in the name", "\"X\": a"),
  .line("umlaut in the name", "X\u{E4}: a"),
  .line("control in the name", "X\u{1}: a"),
  .line("DEL in the name", "X\u{7F}: a"),
  .line("key twice", "Idempotency-Key: a\r\nIdempotency-Key: b"),
  .line("content type twice", "Content-Type: a\r\nContent-Type: b"),
  .line("authorization twice", "Authorization: a\r\nAuthorization: b"),
  .line("expects something else", "Expect: 200-ok", 417),
  .line("expects twice", "Expect: 100-continue\r\nExpect: x", 417),
  // Host.
  BadRequest("no host", "GET / HTTP/1.1\r\n\r\n"),
  BadRequest("no host but others", "GET / HTTP/1.1\r\nX: a\r\n\r\n"),
  .line("host twice", "Host: a"),
  .line("host twice, other case", "HOST: b"),
  BadRequest("host list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"),
  BadRequest("host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
  BadRequest("host with a user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
  BadRequest("host with a space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
  BadRequest("host with a query", "GET / HTTP/1.1\r\nHost: a?b\r\n\r\n"),
  BadRequest("host twice on 1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"),
  // The first line.
  BadRequest("0.9", "GET /\r\n\r\n"),
  BadRequest("two spaces before target", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
  BadRequest("two spaces before version", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n"),
  BadRequest("space behind version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"),
  BadRequest("tab for a space", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"),
  BadRequest("vertical tab for a space", "GET /\u{0B}HTTP/1.1\r\nHost: a\r\n\r\n"),
  BadRequest("space before method", " GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
  BadRequest("LF before method", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
  BadRequest("bare LF behind the line", "GET / HTTP/1.1\nHost: a\r\n\r\n"),
  BadRequest("only LFs", "GET / HTTP/1.1\nHost: a\n\n"),
  BadRequest("no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n"),
  BadRequest("no method", "/ HTTP/1.1\r\nHost: a\r\n\r\n"),
  BadRequest("method with a bracket", "G[T / HTTP/1.1\r\nHost: a\r\n\r\n"),
  BadRequest("method of 40 letters", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMN / HTTP/1.1\r\nHost: a\r\n\r\n"),
  BadRequest("version 1.11", "GET / HTTP/1.11\r\nHost: a\r\n\r\n"),
  BadRequest("version 01.1", "GET / HTTP/01.1\r\nHost: a\r\n\r\n", 505),
  BadRequest("version 2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
  BadRequest("version without a digit", "GET / HTTP/1.x\r\nHost: a\r\n\r\n"),
  BadRequest("lower-case version", "GET / http/1.1\r\nHost: a\r\n\r\n"),
  BadRequest("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
  BadRequest("TLS hello", "\u{16}\u{3}\u{1}\u{0}\u{5}\u{1}\u{0}\u{0}\u{1}\r\n"),
  BadRequest("space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"),
  BadRequest("NUL in the target", "GET /a\u{0}b HTTP/1.1\r\nHost: a\r\n\r\n"),
  BadRequest("control in the target", "GET /a\u{1}b HTTP/1.1\r\nHost: a\r\n\r\n"),
  BadRequest("fragment in the target", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"),
  BadRequest("umlaut in the target", "GET /\u{E4} HTTP/1.1\r\nHost: a\r\n\r\n"),
  BadRequest("relative target", "GET v1/events HTTP/1.1\r\nHost: a\r\n\r\n"),
  BadRequest("asterisk for GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
  BadRequest("authority form", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"),
  BadRequest("absolute with another scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
  BadRequest("absolute without an authority", "GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n"),
  BadRequest("absolute with a user", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
  BadRequest("another scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
  // Chunks.
  .chunked("chunk size empty", "\r\nhello\r\n0\r\n\r\n"),
  .chunked("chunk size of letters", "xyz\r\nhello\r\n0\r\n\r\n"),
  .chunked("chunk size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"),
  .chunked("chunk size with a plus", "+5\r\nhello\r\n0\r\n\r\n"),
  .chunked("chunk size with a minus", "-5\r\nhello\r\n0\r\n\r\n"),
  .chunked("chunk size with a space in front", " 5\r\nhello\r\n0\r\n\r\n"),
  .chunked("chunk size with a space behind", "5 \r\nhello\r\n0\r\n\r\n"),
  .chunked("chunk size with a tab behind", "5\t\r\nhello\r\n0\r\n\r\n"),
  .chunked("chunk size over 64 bits", "10000000000000005\r\nhello\r\n0\r\n\r\n", 413),
  .chunked("chunk size of 15 digits", "fffffffffffffff\r\nhello\r\n0\r\n\r\n", 413),
  .chunked("chunk size over the limit", "10001\r\nhello", 413),
  .chunked("chunk size with many zeros", "0000000000000005\r\nhello\r\n0\r\n\r\n"),
  .chunked("chunk size with an underscore", "1_0\r\nhello\r\n0\r\n\r\n"),
  .chunked("chunk longer than it says", "4\r\nhello\r\n0\r\n\r\n"),
  .chunked("chunk shorter than it says", "6\r\nhello\r\n0\r\n\r\n"),
  .chunked("chunk line ends in LF", "5\nhello\r\n0\r\n\r\n"),
  .chunked("chunk data ends in LF", "5\r\nhello\n0\r\n\r\n"),
  .chunked("chunk line ends in CR X", "5\rXhello\r\n0\r\n\r\n"),
  .chunked("chunk extension with LF", "5;a\nhello\r\n0\r\n\r\n"),
  .chunked("chunk extension with NUL", "5;a\u{0}\r\nhello\r\n0\r\n\r\n"),
  .chunked("chunk extension too long", "5;" + String(repeating: "a", count: 300) + "\r\nhello\r\n0\r\n\r\n"),
  .chunked(
    "chunk extensions too long together",
    String(repeating: "1;" + String(repeating: "a", count: 200) + "\r\nx\r\n", count: 30)),
  .chunked("trailer without a colon", "0\r\nX\r\n\r\n"),
  .chunked("trailer folded", "0\r\nX: a\r\n b\r\n\r\n"),
  .chunked("trailer bare LF", "0\r\nX: a\n\r\n"),
  .chunked("trailer is a length", "0\r\nContent-Length: 5\r\n\r\n"),
  .chunked("trailer is a coding", "0\r\nTransfer-Encoding: chunked\r\n\r\n"),
  .chunked("trailer is a host", "0\r\nHost: b\r\n\r\n"),
  .chunked("trailers too long", "0\r\nX: " + String(repeating: "a", count: 9_000) + "\r\n\r\n", 431),
  // Limits.
  BadRequest("target too long", "GET /" + String(repeating: "a", count: 8_200) + " HTTP/1.1\r\nHost: a\r\n\r\n", 414),
  BadRequest("target that never ends", "GET /" + String(repeating: "a", count: 20_000), 414),
  .line("value too long", "X: " + String(repeating: "a", count: 17_000), 431),
  .line("name too long", String(repeating: "a", count: 17_000) + ": a", 431),
  BadRequest("value that never ends", "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "a", count: 24_600), 431),
  BadRequest("name that never ends", "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "a", count: 24_600), 431),
  .line("101 headers", (0..<100).map { "X\($0): a" }.joined(separator: "\r\n"), 431),
  .line(
    "many long headers", (0..<50).map { "X\($0): " + String(repeating: "a", count: 400) }.joined(separator: "\r\n"), 431
  ),
]

@Suite struct SmugglingTests {
  @Test func thereAreEnoughCases() { #expect(badRequests.count >= 100) }

  /// What is ambiguous is refused, whole or byte by byte, and nothing of it is taken for a request.
  @Test(arguments: badRequests) func isRefused(_ bad: BadRequest) {
    for step in [Int.max, 1, 2, 3, 7, 64, 1_000] {
      var server = Server()
      var status = 0
      var rest = [UInt8](text: bad.text)[...]
      do {
        while !rest.isEmpty {
          let part = rest.prefix(step)
          rest = rest.dropFirst(part.count)
          try server.receive(part)
        }
      } catch {
        status = error.status
      }
      #expect(status == bad.status, "in steps of \(step): \(server.exchanges)")
      #expect(server.exchanges.isEmpty)
    }
  }

  @Test func everyErrorHasAStatusAndASentence() {
    for error in HTTPError.allCases {
      #expect([400, 413, 414, 417, 431, 505].contains(error.status))
      #expect(error.detail.hasSuffix("."))
    }
  }
}
