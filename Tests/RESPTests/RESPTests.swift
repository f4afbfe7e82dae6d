import Octets
import RESP
import TestKit
import Testing

/// A server's reading loop over the parser.
struct CommandStream {
  var parser: RESPParser
  var buffer: [UInt8] = []
  var commands: [[String]] = []
  init(limits: RESPLimits = RESPLimits()) { parser = RESPParser(limits: limits) }

  mutating func receive(_ bytes: some Sequence<UInt8>) throws(RESPError) {
    buffer.append(contentsOf: bytes)
    var start = 0
    let all = buffer
    while let used = try parser.next(all.rawSpan.extracting(start..<all.count)) {
      if parser.argumentCount > 0 {
        let command = all.rawSpan.extracting(start..<all.count)
        let typed = parser.typed
        var arguments: [String] = []
        for index in 0..<parser.argumentCount {
          let argument = parser.argument(index, in: typed.isEmpty ? command : typed.rawSpan)
          arguments.append(Bytes(argument).description)
        }
        commands.append(arguments)
      }
      start += used
    }
    buffer.removeFirst(start)
  }
}

private func utf8(_ text: String) -> [UInt8] { Array(text.utf8) }

private func outcome(_ bytes: [UInt8], step: Int, limits: RESPLimits = RESPLimits()) -> ([[String]], RESPError?) {
  var stream = CommandStream(limits: limits)
  var rest = bytes[...]
  do throws(RESPError) {
    while !rest.isEmpty {
      let part = rest.prefix(step)
      rest = rest.dropFirst(part.count)
      try stream.receive(part)
    }
    return (stream.commands, nil)
  } catch {
    return (stream.commands, error)
  }
}

@Suite struct RESPTests {
  private static let pipeline = utf8(
    "*1\r\n$4\r\nPING\r\n*3\r\n$4\r\nHOLD\r\n$0\r\n\r\n$5\r\na\r\nb$\r\nPING\r\n  echo  \"two words\" 'x' \r\n\r\n*0\r\n*-1\r\nseat a\n*2\r\n$004\r\nECHO\r\n$2\r\n\u{E9}\r\n"
  )

  @Test func everySplitPoint() {
    let expected = [
      ["PING"], ["HOLD", "", "a\r\nb$"], ["PING"], ["echo", "two words", "x"], ["seat", "a"], ["ECHO", "\u{E9}"],
    ]
    #expect(outcome(Self.pipeline, step: .max).0 == expected)
    for cut in 0...Self.pipeline.count {
      var stream = CommandStream()
      #expect(throws: Never.self) {
        try stream.receive(Self.pipeline[..<cut])
        try stream.receive(Self.pipeline[cut...])
      }
      #expect(stream.commands == expected && stream.buffer.isEmpty, "cut at \(cut)")
    }
    #expect(outcome(Self.pipeline, step: 1).0 == expected)
  }

  @Test(
    arguments: [
      ("*x\r\n", .badArrayLength), ("*\r\n", .badArrayLength), ("*1x\r\n", .badArrayLength),
      ("* 1\r\n", .badArrayLength),
      ("*1000000\r\n", .badArrayLength), ("*99999999999999999999\r\n", .badArrayLength),
      ("*70000\r\n", .tooManyArguments),
      ("*1\n$4\r\n", .badArrayLength), ("*1\r$4\r\n", .badLineEnd), ("*--1\r\n", .badArrayLength),
      ("*+1\r\n", .badArrayLength),
      ("*1\r\n:4\r\n", .expectedBulk), ("*1\r\nPING\r\n", .expectedBulk), ("*1\r\n*1\r\n", .expectedBulk),
      ("*1\r\n$-1\r\n", .badBulkLength), ("*1\r\n$x\r\n", .badBulkLength), ("*1\r\n$\r\n", .badBulkLength),
      ("*1\r\n$65537\r\n", .badBulkLength), ("*1\r\n$9999999999\r\n", .badBulkLength),
      ("*1\r\n$4\r\nPINGX\r\n", .badLineEnd),
      ("*1\r\n$4\r\nPING\n\n", .badLineEnd), ("*1\r\n$4\rPING", .badLineEnd),
      ("\u{16}\u{3}\u{1}", .notText), ("PI\u{0}NG", .notText), ("\u{0}PING\r\n", .notText),
      ("PING\rPING\r\n", .notText),
      ("PING\u{7F}", .notText), ("\r\n\r\n\u{0}\r\nQUIT\n", .notText), ("AMQP\u{0}\u{0}\u{9}\u{1}", .notText),
      ("get \"a\r\n", .unbalancedQuotes),
      ("get 'a\r\n", .unbalancedQuotes), ("get \"a\"b\r\n", .unbalancedQuotes),
      ("get \"a\\\"\r\n", .unbalancedQuotes),
    ] as [(String, RESPError)]) func protocolErrors(_ text: String, _ error: RESPError)
  {
    for step in [Int.max, 1, 2, 3] {
      let (commands, found) = outcome(utf8(text), step: step)
      #expect(found == error && commands.isEmpty, "in steps of \(step)")
    }
  }

  /// What browsers and other programs say first: nothing that stands behind it is a command.
  @Test(arguments: [
    "POST / HTTP/1.1", "get /", "GET", "Put /x HTTP/1.0", "HEAD / HTTP/1.1", "DELETE /", "OPTIONS * HTTP/1.1",
    "PATCH /",
    "CONNECT a:1 HTTP/1.1", "TRACE /", "PRI * HTTP/2.0", "PROPFIND / HTTP/1.1", "HOLD / HTTP/1.1", "Host: a", "host:a",
    "Content-Length: 5", "X-A:", ":", "EHLO a", "helo a", "LHLO a", "PROXY TCP4 1.1.1.1 2.2.2.2 3 4",
    "SSH-2.0-OpenSSH_9",
    "REGISTER sip:a SIP/2.0", "SETUP rtsp://a RTSP/1.0", "{\"event\":\"a\"}", "<a>", "\u{E9} a", "'Host:' a",
  ]) func otherProtocols(_ line: String) {
    for step in [Int.max, 1] {
      let (commands, error) = outcome(utf8("PING\r\n\(line)\r\nHOLD a b 1 c\r\n"), step: step)
      #expect(commands == [["PING"]] && error == .otherProtocol, "in steps of \(step)")
    }
  }

  /// Redis's rules of quoting (`sdssplitargs`).
  @Test(arguments: [
    (#"a "b c" 'd e'"#, ["a", "b c", "d e"]), (#"a "" ''"#, ["a", "", ""]), (#"a "\x41\x6a\x6A""#, ["a", "Ajj"]),
    (#"a "\n\r\t\b\a""#, ["a", "\n\r\t\u{8}\u{7}"]), (#"a "\"\\\q""#, ["a", #""\q"#]),
    (#"a "\xZZ\x4""#, ["a", "xZZx4"]), (#"a 'it\'s \n \x'"#, ["a", #"it's \n \x"#]),
    (#"a pre"fix ed" b'x y'"#, ["a", "prefix ed", "bx y"]), (#"a b\nc "d""#, ["a", #"b\nc"#, "d"]),
    ("a \"'\" '\"' ", ["a", "'", "\""]), ("\t a\t\"b\t\"\t", ["a", "b\t"]), (#""a" b"#, ["a", "b"]),
    (#"ECHO "\x00\xc3\xa9""#, ["ECHO", "\0\u{E9}"]),
  ]) func quotes(_ line: String, _ words: [String]) {
    for step in [Int.max, 1, 3] {
      let (commands, error) = outcome(utf8(line + "\r\n" + line + "\nPING\r\n"), step: step)
      #expect(commands == [words, words, ["PING"]] && error == nil, "in steps of \(step)")
    }
    // As an array it is the same command: so it waits in a transaction.
    var parser = RESPParser()
    let bytes = utf8(line + "\n")
    #expect((try? parser.next(bytes.rawSpan)) == bytes.count)
    #expect(outcome(parser.typed, step: .max).0 == [words])
  }

  @Test(arguments: [
    #"a "b"#, "a 'b", #"a "b"c"#, "a 'b'c", #"a "b\""#, #"a 'b\'"#, #"a ""b"#, #"a b""c"#, "\"", #"a 'b\\'"#, #"a "\"#,
  ]) func unbalancedQuotes(_ line: String) {
    let (commands, error) = outcome(utf8(line + "\r\nPING\r\n"), step: .max)
    #expect(commands.isEmpty && error == .unbalancedQuotes)
  }

  @Test func limits() {
    var limits = RESPLimits()
    limits.commandBytes = 100
    limits.inlineBytes = 50
    limits.arguments = 3
    func error(_ text: String, _ step: Int = .max) -> RESPError? { outcome(utf8(text), step: step, limits: limits).1 }
    let wide = "*2\r\n$80\r\n\(String(repeating: "a", count: 80))\r\n$5\r\nabcde\r\n"
    #expect(error(wide) == .commandTooLong && error(wide, 1) == .commandTooLong)
    #expect(
      error("*4\r\n") == .tooManyArguments && error("a b c d\r\n") == .tooManyArguments && error("a b c\r\n") == nil)
    #expect(error(String(repeating: "a", count: 60)) == .lineTooLong)
    #expect(error(String(repeating: "a", count: 60), 1) == .lineTooLong)
    #expect(error("*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n") == nil)
    for case let error in RESPError.allCases { #expect(!error.message.description.isEmpty) }
  }

  /// The largest command: one byte at a time it must not cost the square of its size.
  @Test func manyArgumentsDripIn() {
    var bytes = utf8("*20000\r\n")
    for number in 0..<20_000 {
      let text = "#\(number)"
      bytes += utf8("$\(text.utf8.count)\r\n\(text)\r\n")
    }
    var parser = RESPParser()
    var found: Int?
    for length in 1...bytes.count {
      found = try? parser.next(bytes.rawSpan.extracting(0..<length))
      if length < bytes.count { #expect(found == nil) }
    }
    #expect(found == bytes.count && parser.argumentCount == 20_000)
  }

  /// The longest line too.
  @Test func aLongLineDripsIn() {
    let bytes = utf8("ECHO " + String(repeating: "a", count: 65_000) + "\r\n")
    var parser = RESPParser()
    var found: Int?
    for length in 1...bytes.count {
      found = try? parser.next(bytes.rawSpan.extracting(0..<length))
      if length < bytes.count { #expect(found == nil) }
    }
    #expect(found == bytes.count && parser.argumentCount == 2)
  }

  @Test func mutationsNeverTrap() {
    var random = SeededRandom(seed: 21)
    for round in 0..<50_000 {
      var bytes = Self.pipeline
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(utf8("*$\r\n0-9\"").randomElement(using: &random)!, at: place)
        default: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        }
      }
      // End what is unfinished, so that nothing waits.
      bytes += utf8("\r\n\r\n")
      let whole = outcome(bytes, step: .max)
      let pieces = outcome(bytes, step: Int.random(in: 1...9, using: &random))
      #expect(whole == pieces, "round \(round): \(Bytes(bytes).description.debugDescription)")
      _ = try? RESPReply.parse(bytes.rawSpan)
      _ = try? RESPReply.length(bytes.rawSpan)
    }
  }

  private func parse(_ bytes: [UInt8]) throws -> RESPReply {
    let (reply, count) = try #require(try RESPReply.parse(bytes.rawSpan))
    #expect(count == bytes.count)
    #expect(try RESPReply.length(bytes.rawSpan) == bytes.count)
    for length in 0..<bytes.count {
      #expect(try RESPReply.parse(bytes.rawSpan.extracting(0..<length)) == nil)
      #expect(try RESPReply.length(bytes.rawSpan.extracting(0..<length)) == nil)
    }
    return reply
  }

  @Test func repliesComeBack() throws {
    var out: [UInt8] = []
    out.putArray(9)
    out.putSimple("OK")
    out.putError("TAKEN", utf8("A-1\r\n+OK").rawSpan)
    out.putError("ERR")
    out.putError(RESPError.badBulkLength)
    out.putInteger(.min)
    out.putBulk(utf8("a\r\nb").rawSpan)
    out.putNull(.two)
    out.putNull(.three)
    out.putMap(1, .three)
    out.putBulk("k")
    out.putInteger(10)
    #expect(
      try parse(out)
        == .array([
          .simple("OK"), .error("TAKEN A-1  +OK"), .error("ERR"), .error("ERR Protocol error: invalid bulk length"),
          .integer(.min), .bulk("a\r\nb"), .null, .null, .map([.bulk("k"), .integer(10)]),
        ]))
    var flat: [UInt8] = []
    flat.putMap(1, .two)
    flat.putInteger(0)
    flat.putPush(1, .three)
    flat.putInteger(-1)
    #expect(try parse(flat) == .array([.integer(0), .push([.integer(-1)])]))
    #expect(throws: DecodeError.self) { try RESPReply.parse(utf8(String(repeating: "*1\r\n", count: 40)).rawSpan) }
  }

  @Test func decimals() {
    func decimal(_ text: String) -> Int64? { utf8(text).rawSpan.decimal }
    for value in [0, 1, -1, 10, .max, .min, .max - 1] as [Int64] { #expect(decimal("\(value)") == value) }
    for bad in [
      "", "-", "+1", "1.0", "1 ", " 1", "9223372036854775808", "-9223372036854775809", "99999999999999999999", "a",
      "0x1",
    ] {
      #expect(decimal(bad) == nil, "\(bad)")
    }
    #expect(decimal("-0") == 0 && decimal("007") == 7)
    #expect(
      utf8("hOlD").rawSpan.isWord("HOLD") && !utf8("HOLDX").rawSpan.isWord("HOLD")
        && !utf8("H\u{0F}LD").rawSpan.isWord("HOLD"))
  }
}
