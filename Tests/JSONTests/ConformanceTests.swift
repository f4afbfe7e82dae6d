import JSON
import Octets
import TestKit
import Testing

/// A value read by the pull parser, for comparison.
indirect enum Tree: Equatable {
  case null, bool(Bool), int(Int64), double(Double), string([UInt8]), array([Tree]), object([Pair])
  struct Pair: Equatable {
    var key: [UInt8]
    var value: Tree
  }
}

func readTree(_ bytes: [UInt8]) throws(JSONError) -> Tree {
  var reader = JSONReader(bytes.rawSpan)
  let tree = try readTree(&reader)
  try reader.finish()
  return tree
}

private func readTree(_ reader: inout JSONReader) throws(JSONError) -> Tree {
  switch try reader.peek() {
  case .null:
    try reader.null()
    return .null
  case .bool: return .bool(try reader.bool())
  case .string: return .string(try reader.string())
  case .number:
    do {
      return .int(try reader.int64())
    } catch {
      guard error.reason == .notAnInteger || error.reason == .outOfRange else { throw error }
      reader.rewind()
      return .double(try reader.double())
    }
  case .array:
    var array = try reader.beginArray()
    var all: [Tree] = []
    while try reader.next(&array) { all.append(try readTree(&reader)) }
    return .array(all)
  case .object:
    var object = try reader.beginObject()
    var all: [Tree.Pair] = []
    while let key = try reader.nextKey(&object) { all.append(Tree.Pair(key: key, value: try readTree(&reader))) }
    return .object(all)
  }
}

func skips(_ bytes: [UInt8]) -> JSONError? {
  var reader = JSONReader(bytes.rawSpan)
  do throws(JSONError) {
    try reader.skip()
    try reader.finish()
    return nil
  } catch {
    return error
  }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite struct ConformanceTests {
  @Test(arguments: [
    ("null", Tree.null), ("true", .bool(true)), (" false ", .bool(false)), ("0", .int(0)), ("-0", .int(0)),
    ("123", .int(123)), ("-9223372036854775808", .int(.min)), ("9223372036854775807", .int(.max)),
    ("9223372036854775808", .double(9_223_372_036_854_775_808)), ("1.0", .int(1)), ("1e3", .int(1000)),
    ("1E+2", .int(100)), ("-1.5e-2", .double(-0.015)), ("0.1", .double(0.1)), ("0e5", .int(0)),
    ("1e400000", .null), ("\"\"", .string([])), ("\"a\"", .string(bytes("a"))),
    ("\"\\u0041\\n\\t\\r\\b\\f\\/\\\\\\\"\"", .string(bytes("A\n\t\r\u{8}\u{C}/\\\""))),
    ("\"\\ud83d\\ude00\"", .string(bytes("\u{1F600}"))),
    ("\"\u{E9}\u{4E2D}\u{1F600}\"", .string(bytes("\u{E9}\u{4E2D}\u{1F600}"))),
    ("\"\\u0000\"", .string([0])), ("\"\\uFFFF\"", .string([0xEF, 0xBF, 0xBF])), ("\"\u{7F}\"", .string([0x7F])),
    ("[]", .array([])), ("[ ]", .array([])), ("[1,2]", .array([.int(1), .int(2)])), ("[[]]", .array([.array([])])),
    ("\t\r\n [ 1 , null ] ", .array([.int(1), .null])), ("{}", .object([])), ("{ }", .object([])),
    ("{\"a\":1}", .object([Tree.Pair(key: bytes("a"), value: .int(1))])),
    ("{\"\" : {} }", .object([Tree.Pair(key: [], value: .object([]))])),
    (
      "{\"a\":1,\"\\u0062\":[2]}",
      .object([Tree.Pair(key: bytes("a"), value: .int(1)), Tree.Pair(key: bytes("b"), value: .array([.int(2)]))])
    ),
  ]) func accepts(_ text: String, _ tree: Tree) throws {
    if text == "1e400000" {
      // Read past, it is a number; read, it has no value here.
      #expect(skips(bytes(text)) == nil)
      #expect(throws: JSONError.self) { try readTree(bytes(text)) }
    } else {
      #expect(try readTree(bytes(text)) == tree)
      #expect(skips(bytes(text)) == nil)
    }
  }

  private static let bad: [(String, JSONError.Reason, Int)] = [
    ("", .unexpectedEnd, 0), (" ", .unexpectedEnd, 1), ("nul", .unexpectedEnd, 3), ("nulL", .badLiteral, 0),
    ("TRUE", .unexpectedByte, 0), ("tru", .unexpectedEnd, 3), ("truex", .trailingBytes, 4), ("1 2", .trailingBytes, 2),
    ("[1,]", .unexpectedByte, 3), ("[,1]", .unexpectedByte, 1), ("[1 2]", .unexpectedByte, 3),
    ("[1", .unexpectedEnd, 2), ("[", .unexpectedEnd, 1), ("[1,", .unexpectedEnd, 3), ("]", .unexpectedByte, 0),
    ("[1}", .unexpectedByte, 2), ("{\"a\":1]", .unexpectedByte, 6),
    ("{\"a\":1,}", .unexpectedByte, 7), ("{,}", .unexpectedByte, 1), ("{\"a\"}", .unexpectedByte, 4),
    ("{\"a\":}", .unexpectedByte, 5), ("{\"a\" 1}", .unexpectedByte, 5), ("{a:1}", .unexpectedByte, 1),
    ("{1:2}", .unexpectedByte, 1), ("{'a':1}", .unexpectedByte, 1), ("{\"a\":1 \"b\":2}", .unexpectedByte, 7),
    ("{\"a\":1", .unexpectedEnd, 6), ("{", .unexpectedEnd, 1), ("{\"a", .unexpectedEnd, 3),
    ("{\"a\":1,\"a\":2}", .duplicateKey, 7), ("{\"a\":1,\"\\u0061\":2}", .duplicateKey, 7),
    ("[{\"a\":{\"b\":1,\"b\":1}}]", .duplicateKey, 13), ("01", .badNumber, 0), ("-01", .badNumber, 0),
    ("00", .badNumber, 0), ("-", .unexpectedEnd, 1), ("+1", .unexpectedByte, 0), ("1.", .unexpectedEnd, 2),
    (".5", .unexpectedByte, 0), ("1.e1", .badNumber, 2), ("1e", .unexpectedEnd, 2), ("1e+", .unexpectedEnd, 3),
    ("1ex", .badNumber, 2), ("--1", .badNumber, 1), ("0x10", .trailingBytes, 1), ("1_000", .trailingBytes, 1),
    ("NaN", .unexpectedByte, 0), ("Infinity", .unexpectedByte, 0), ("-Infinity", .badNumber, 1),
    ("1a", .trailingBytes, 1),
    ("\"", .unexpectedEnd, 1), ("\"a", .unexpectedEnd, 2), ("\"\\", .unexpectedEnd, 2), ("\"\\\"", .unexpectedEnd, 3),
    ("\"\\x41\"", .badEscape, 1), ("\"\\u00g0\"", .badEscape, 1), ("\"\\u00\"", .badEscape, 1),
    ("\"\\u00", .unexpectedEnd, 5),
    ("\"\\ud83d\"", .loneSurrogate, 1), ("\"\\ude00\"", .loneSurrogate, 1), ("\"\\ud83dx\"", .loneSurrogate, 1),
    ("\"\\ud83d\\u0041\"", .loneSurrogate, 1), ("\"\\ud83d\\ud83d\"", .loneSurrogate, 1),
    ("\"a\nb\"", .controlCharacter, 2), ("\"a\tb\"", .controlCharacter, 2), ("\"\u{0}\"", .controlCharacter, 1),
    ("\"\u{1F}\"", .controlCharacter, 1), ("// c\n1", .unexpectedByte, 0), ("/* */1", .unexpectedByte, 0),
    ("[1]]", .trailingBytes, 3), ("\u{FEFF}\u{FEFF}1", .unexpectedByte, 3), ("\u{A0}1", .unexpectedByte, 0),
    ("'a'", .unexpectedByte, 0),
    ("[1;2]", .unexpectedByte, 2), ("{\"a\"=1}", .unexpectedByte, 4), ("\u{0C}1", .unexpectedByte, 0),
    ("1\u{0}", .trailingBytes, 1),
  ]

  @Test(arguments: bad) func refuses(_ text: String, _ reason: JSONError.Reason, _ offset: Int) {
    for error in [skips(bytes(text)), #expect(throws: JSONError.self) { try readTree(bytes(text)) }] {
      #expect(error?.reason == reason && error?.offset == offset, "\(text): \(String(describing: error))")
      #expect(error?.isSyntax == true)
    }
  }

  /// Not UTF-8: overlong forms, surrogates, too large, cut off, stray continuation.
  @Test(
    arguments: [
      [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF],
      [0xE2, 0x82],
      [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
      [0xF4, 0x90, 0x80, 0x80],
      [0xF5, 0x80, 0x80, 0x80], [0xF0, 0x9F, 0x98], [0xFE], [0xFF],
    ] as [[UInt8]]) func badUTF8(_ sequence: [UInt8])
  {
    for padding in 0..<9 {
      let text = [0x22] + [UInt8](repeating: 0x61, count: padding) + sequence + [0x22]
      #expect(skips(text)?.reason == .badUTF8 && skips(text)?.offset == 1 + padding)
      #expect(!isText(sequence) && !isText([UInt8](repeating: 0x61, count: padding) + sequence))
    }
  }

  private func isText(_ bytes: [UInt8]) -> Bool { isUTF8(bytes.rawSpan) }

  @Test func depthIsLimited() {
    func nested(_ depth: Int) -> [UInt8] {
      bytes(String(repeating: "[", count: depth) + String(repeating: "]", count: depth))
    }
    #expect(skips(nested(32)) == nil)
    #expect(skips(nested(33))?.reason == .tooDeep)
    #expect(skips(bytes(String(repeating: "[", count: 1_000_000)))?.reason == .tooDeep)
    #expect(skips(bytes(String(repeating: "{\"a\":", count: 1_000_000)))?.reason == .tooDeep)
  }

  @Test func manyKeysAndADuplicateAtTheEnd() {
    for count in [1, 2, 15, 16, 17, 18, 31, 32, 33, 1_000, 20_000] {
      let keys = (0..<count).map { "\"k\($0)\":0" }.joined(separator: ",")
      #expect(skips(bytes("{\(keys)}")) == nil, "\(count)")
      #expect(skips(bytes("{\(keys),\"k\(count / 2)\":1}"))?.reason == .duplicateKey, "\(count)")
    }
  }

  /// Every cut of a valid text is refused, and mutated ones never trap; skipping and reading agree.
  @Test func truncationsAndMutations() {
    var random = SeededRandom(seed: 3)
    let text = bytes(
      "{\"event\":\"arena\",\"buyer\":\"b\\u00e9\u{1F600}\\ud83d\\ude00\",\"seats\":[\"A-1\",\"A-2\"],\"areas\":{\"Floor\":2,\"x\":-1.5e3},\"t\":true,\"n\":null}"
    )
    for cut in 0..<text.count { #expect(skips(Array(text[..<cut])) != nil, "cut at \(cut)") }
    for _ in 0..<100_000 {
      var mutated = text
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let place = Int.random(in: 0..<mutated.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: mutated[place] = UInt8.random(in: 0...255, using: &random)
        case 1: mutated.remove(at: place)
        default: mutated.insert(Array("{}[],:\"\\0".utf8).randomElement(using: &random)!, at: place)
        }
      }
      let skipped = skips(mutated)
      var read: JSONError?
      do throws(JSONError) { _ = try readTree(mutated) } catch { read = error }
      #expect(skipped == read)
      let place = JSONPlace(of: Int.random(in: 0...mutated.count, using: &random), in: mutated)
      #expect(place.line >= 1)
    }
  }
}

extension JSONPlace {
  init(of offset: Int, in text: [UInt8]) { self.init(of: offset, in: text.rawSpan) }
}
