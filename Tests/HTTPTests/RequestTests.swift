import HTTP
import TestKit
import Testing

private let post =
  "POST /v1/reserve?x=1&y HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Type: application/json\r\nIdempotency-Key: k-1\r\n"
  + "Content-Length: 11\r\n\r\n{\"seat\":\"A\"}".dropLast()
private let valid: [String] = [
  "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
  post,
  "POST / HTTP/1.1\r\nhost:a\r\ntransfer-encoding:\tChunked \r\n\r\n5\r\nhello\r\nA;x=\"y\"\r\n0123456789\r\n000\r\nT: v\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\nabc",
  "HEAD /v1/events/arena/seats?read=strong HTTP/1.1\r\nHost: [::1]:80\r\nConnection: keep-alive, Close\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n",
  "GET http://example.org:8080/v1/events?limit=2 HTTP/1.1\r\nHost: a\r\n\r\n",
  "DELETE /v1/holds/h_x HTTP/1.0\r\n\r\n",
  "GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
  "PURGE /a?b?c HTTP/1.1\r\nHost: a\r\nX: \t a\u{E4}\tb \t\r\n\r\n",
  "\r\n\r\nGET /blank HTTP/1.1\r\nHost: a\r\n\r\n",
]

@Suite struct RequestTests {
  private func serve(_ pieces: [ArraySlice<UInt8>]) throws -> [Exchange] {
    var server = Server()
    for piece in pieces { try server.receive(piece) }
    #expect(server.buffer.isEmpty && server.decoder == nil)
    return server.exchanges
  }

  @Test func whatARequestSays() throws {
    let all = try serve([[UInt8](text: valid.joined())[...]])
    #expect(all.count == valid.count)
    #expect(all[1].method == .post && all[1].path == "/v1/reserve" && all[1].query == "x=1&y" && all[1].key == "k-1")
    #expect(all[1].body.text == "{\"seat\":\"A\"")
    #expect(all[2].body.text == "hello0123456789")
    #expect(all[3].expectsContinue && all[3].body.text == "abc")
    #expect(all[4].method == .head && !all[4].keepsAlive)
    #expect(all[5].method == .options && all[5].path == "*")
    #expect(all[6].path == "/v1/events" && all[6].query == "limit=2")
    #expect(all[7].method == .delete && !all[7].keepsAlive)
    #expect(all[8].keepsAlive)
    #expect(all[9].method == .other && all[9].path == "/a" && all[9].query == "b?c")
  }

  /// However the network cuts a request, the server reads the same.
  @Test(arguments: valid) func everySplitPoint(_ text: String) throws {
    let bytes = [UInt8](text: text + valid[0])
    let whole = try serve([bytes[...]])
    for cut in 0...bytes.count {
      #expect(try serve([bytes[..<cut], bytes[cut...]]) == whole, "cut at \(cut)")
    }
    #expect(try serve(bytes.indices.map { bytes[$0...$0] }) == whole)
  }

  @Test func aPipelineInRandomPieces() throws {
    var random = SeededRandom(seed: 7)
    let bytes = [UInt8](text: (0..<40).map { valid[$0 % valid.count] }.joined())
    let whole = try serve([bytes[...]])
    for _ in 0..<200 {
      var pieces: [ArraySlice<UInt8>] = []
      var start = 0
      while start < bytes.count {
        let end = min(bytes.count, start + Int.random(in: 1...80, using: &random))
        pieces.append(bytes[start..<end])
        start = end
      }
      #expect(try serve(pieces) == whole)
    }
  }

  @Test func theBodyIsFoundInPlace() throws {
    let bytes = [UInt8](text: post)
    var parser = RequestParser()
    let head = try #require(try parser.parse(all: bytes))
    let range = try #require(head.body(in: bytes))
    #expect(String(decoding: bytes[range], as: UTF8.self) == "{\"seat\":\"A\"")
    #expect(head.body(in: bytes.dropLast()) == nil)
    #expect(head.header("content-length", in: bytes) == "11")
    #expect(head.header("x-none", in: bytes) == nil)
    #expect(head.contentType.isType("application/json", in: bytes))
    #expect(head.hasLength)
  }

  @Test func headersAtTheirLimits() throws {
    var parser = RequestParser()
    let hundred = [UInt8](
      text: "GET / HTTP/1.1\r\nHost: a\r\n" + (0..<99).map { "X\($0): a\r\n" }.joined() + "\r\n")
    #expect(try parser.parse(all: hundred) != nil)
    let long = [UInt8](text: "GET /" + String(repeating: "a", count: 8_192 - 16) + " HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(try parser.parse(all: long) != nil)
    let block = 16_384 - "Host: a\r\nX: \r\n\r\n".utf8.count
    let wide = [UInt8](text: "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "a", count: block) + "\r\n\r\n")
    #expect(try parser.parse(all: wide) != nil)
  }

  @Test func mediaTypesAndEntityTags() {
    func range(_ text: String) -> ([UInt8], ByteRange) {
      let bytes = [UInt8](text: " " + text)
      return (bytes, ByteRange(1, bytes.count))
    }
    for (text, expected) in [
      ("application/json", true), ("Application/JSON; charset=utf-8", true), ("application/json ;x", true),
      ("application/jsonx", false), ("text/plain", false), ("", false),
    ] {
      let (bytes, value) = range(text)
      #expect(value.isType("application/json", in: bytes) == expected, "\(text)")
    }
    let tag = [UInt8](text: "\"ab-12\"")
    for (text, expected) in [
      ("\"ab-12\"", true), ("W/\"ab-12\"", true), ("\"x\", \"ab-12\"", true), ("*", true), ("\"ab-1\"", false),
      ("ab-12", false), ("\"x\",W/\"y\"", false),
    ] {
      let (bytes, value) = range(text)
      #expect(value.matches(tag: tag, in: bytes) == expected, "\(text)")
    }
    #expect(!ByteRange.none.matches(tag: tag, in: tag))
  }

  /// Mutated requests: whatever comes out, nothing traps, and pieces say the same as the whole.
  @Test func mutationsNeverTrap() {
    var random = SeededRandom(seed: 99)
    let corpus = valid.map { [UInt8](text: $0) } + badRequests.map { [UInt8](text: $0.text) }.filter { $0.count < 400 }
    for round in 0..<60_000 {
      var bytes = corpus.randomElement(using: &random)!
      for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: place)
        case 2: bytes.insert([0x0D, 0x0A, 0x20, 0x3A, 0x00].randomElement(using: &random)!, at: place)
        case 3: bytes.removeLast(bytes.count - place)
        default: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        }
      }
      // An unfinished line may be refused at once or when it ends: end it.
      bytes += [0x0D, 0x0A, 0x0D, 0x0A]
      func run(_ step: Int) -> ([Exchange], Int?) {
        var server = Server()
        var rest = bytes[...]
        do {
          while !rest.isEmpty {
            let part = rest.prefix(step)
            rest = rest.dropFirst(part.count)
            try server.receive(part)
          }
          return (server.exchanges, nil)
        } catch {
          return (server.exchanges, error.status)
        }
      }
      let whole = run(.max)
      let pieces = run(Int.random(in: 1...20, using: &random))
      #expect(whole.0 == pieces.0 && whole.1 == pieces.1, "round \(round): \(bytes.text.debugDescription)")
    }
  }
}
