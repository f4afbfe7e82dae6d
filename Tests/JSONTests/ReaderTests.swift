import JSON
import Octets
import TestKit
import Testing

private let fields = JSONFields("event", "buyer", "seats", "row_number_position", "row_number_positiom", "a")

@Suite struct ReaderTests {
  private func fieldNumbers(_ text: String) throws(JSONError) -> [Int] {
    let text = bytes(text)
    var reader = JSONReader(text.rawSpan)
    var object = try reader.beginObject()
    var found: [Int] = []
    while let field = try reader.nextField(fields, &object) {
      found.append(field)
      try reader.skip()
    }
    try reader.finish()
    try object.require(0, of: fields)
    return found
  }

  private func failure(_ text: String) -> JSONError? {
    do throws(JSONError) {
      _ = try fieldNumbers(text)
      return nil
    } catch {
      return error
    }
  }

  @Test func fieldsAreMatchedExactly() throws {
    #expect(
      try fieldNumbers("{\"event\":1,\"seats\":[],\"row_number_positiom\":0,\"row_number_position\":0,\"a\":1}") == [
        0, 2, 4, 3, 5,
      ])
    #expect(try fieldNumbers("{\"\\u0065vent\":1}") == [0])
    #expect(failure("{\"event\":1,\"seat\":1}") == JSONError(.unknownField, at: 11, field: bytes("seat")))
    #expect(failure("{\"event\":1,\"eventx\":1}")?.reason == .unknownField)
    #expect(failure("{\"Event\":1}")?.reason == .unknownField)
    #expect(failure("{\"event\\u0000\":1}")?.reason == .unknownField)
    #expect(failure("{\"\":1}")?.reason == .unknownField)
    #expect(failure("{\"row_number_position_of_something_long\":1}")?.reason == .unknownField)
    #expect(failure("{\"event\":1,\"event\":1}") == JSONError(.duplicateKey, at: 11, field: bytes("event")))
    #expect(failure("{\"buyer\":1}") == JSONError(.missingField, at: 0, field: bytes("event")))
    #expect(failure("[]")?.reason == .wrongType)
    #expect(failure("3")?.reason == .wrongType)
  }

  @Test func integersAreExact() {
    func int(_ text: String) -> JSONError? {
      let text = bytes(text)
      var reader = JSONReader(text.rawSpan)
      do throws(JSONError) {
        _ = try reader.integer(in: 1...100)
        return nil
      } catch {
        return error
      }
    }
    #expect(int("1") == nil && int("100") == nil)
    #expect(int("0")?.limit == 1 && int("101")?.limit == 100 && int("-5")?.reason == .outOfRange)
    for text in ["1.0", "1e2", "1E0", "10e-1", "0.02e+3", "1.00", "100000000000000000000000e-22"] {
      #expect(int(text) == nil, "\(text)")
    }
    for text in ["5.5", "1e-1", "0.5e0", "1e-400000"] { #expect(int(text)?.reason == .notAnInteger, "\(text)") }
    for text in ["0.0", "0e999999999", "1e3", "-1.0", "9e99", "92233720368547758070e-1"] {
      #expect(int(text)?.reason == .outOfRange, "\(text)")
    }
    for text in ["\"1\"", "true", "null", "[1]", "{}"] { #expect(int(text)?.reason == .wrongType, "\(text)") }
    #expect(int("99999999999999999999")?.reason == .outOfRange)
    #expect(int("1.")?.reason == .unexpectedEnd)
  }

  /// Every form of a number against its value as a decimal fraction.
  @Test func integersInOtherWords() throws {
    var random = SeededRandom(seed: 5)
    for _ in 0..<20_000 {
      let value = Int64.random(in: .min ... .max, using: &random) >> Int64.random(in: 0...63, using: &random)
      let digits = "\(value.magnitude)"
      let point = Int.random(in: 0...digits.count, using: &random)
      let zeros = String(repeating: "0", count: Int.random(in: 0...3, using: &random))
      let whole = point == 0 ? "0" : String(digits.prefix(point))
      let text = "\(value < 0 ? "-" : "")\(whole).\(digits.dropFirst(point))\(zeros)0e\(digits.count - point)"
      let input = bytes(text)
      var reader = JSONReader(input.rawSpan)
      try #require(try reader.int64() == value, "\(text)")
      try reader.finish()
    }
  }

  @Test func aByteOrderMarkIsSkipped() throws {
    let input = [0xEF, 0xBB, 0xBF] + bytes("{\"event\":\"a\"}")
    var reader = JSONReader(input.rawSpan)
    var object = try reader.beginObject()
    #expect(try reader.nextKey(&object) == bytes("event"))
    #expect(try reader.string() == bytes("a"))
  }

  /// Against the standard library's own reading, which is exact.
  @Test func doublesAreNearest() throws {
    var random = SeededRandom(seed: 11)
    for round in 0..<20_000 {
      var text = random.chance(30) ? "-" : ""
      text += "\(UInt64.random(in: 0..<(1 << UInt64.random(in: 1...63, using: &random)), using: &random))"
      if random.chance(70) {
        text +=
          "."
          + (0..<Int.random(in: 1...25, using: &random)).map { _ in "\(Int.random(in: 0...9, using: &random))" }
          .joined()
      }
      if random.chance(50) { text += "e\(Int.random(in: -300...280, using: &random))" }
      let encoded = bytes(text)
      var reader = JSONReader(encoded.rawSpan)
      let value = try reader.double()
      #expect(value.bitPattern == Double(text)!.bitPattern, "round \(round): \(text)")
    }
  }

  @Test func placesInWords() {
    let text = bytes(
      "{\n  \"zones\": [\n    {\"rows\": []},\n    {\"rows\": [{\"seats\": [1, {\"a,]\\\"b\": 7}]}]}\n  ]\n}")
    func place(of wanted: String) -> JSONPlace {
      let wanted = bytes(wanted)
      let offset = (0..<text.count).first { Array(text[$0...].prefix(wanted.count)) == wanted }!
      return JSONPlace(of: offset, in: text)
    }
    let seven = place(of: "7}")
    #expect(String(decoding: seven.path, as: UTF8.self) == "zones[1].rows[0].seats[1].a,]\"b")
    #expect(seven.line == 4 && seven.column == 40)
    #expect(String(decoding: place(of: "{\"rows\": [{").path, as: UTF8.self) == "zones[1]")
    #expect(String(decoding: place(of: "\"seats\"").path, as: UTF8.self) == "zones[1].rows[0].seats")
    #expect(place(of: "{").path.isEmpty)
    #expect(JSONPlace(of: 10_000, in: text).line == 6)
    // One scan finds them all, also when it has to go back.
    var scan = JSONPlaceScan()
    for offset in Array(0...text.count) + [7, 30] {
      #expect(scan.place(of: offset, in: text.rawSpan) == JSONPlace(of: offset, in: text), "\(offset)")
    }
  }

  /// A value that turned out wrong after some of it was read is passed over as a whole.
  @Test func aReaderGoesBackAndOn() throws {
    let text = bytes("[{\"a\":[{\"b\":\"x\"}],\"c\":[[]]},7]")
    var reader = JSONReader(text.rawSpan)
    var array = try reader.beginArray()
    #expect(try reader.next(&array) == true)
    let mark = reader.mark
    var object = try reader.beginObject()
    #expect(try reader.nextKey(&object) == bytes("a"))
    _ = try reader.beginArray()
    _ = try reader.beginObject()
    try reader.skip(from: mark)
    #expect(try reader.next(&array) == true)
    #expect(try reader.integer(in: 0...9) == 7)
    #expect(try reader.next(&array) == false)
    try reader.finish()
  }

  @Test func stringsInPlace() throws {
    let text = bytes("[\"plain\",\"esc\\n\",\"\"]")
    var reader = JSONReader(text.rawSpan)
    var array = try reader.beginArray()
    var found: [String] = []
    while try reader.next(&array) {
      if let range = try reader.plainString() {
        found.append(String(decoding: text[range], as: UTF8.self))
      } else {
        found.append("!" + String(decoding: try reader.string(), as: UTF8.self))
      }
    }
    #expect(found == ["plain", "!esc\n", ""])
  }

  @Test func whatIsWrittenIsRead() throws {
    var random = SeededRandom(seed: 17)
    for _ in 0..<2_000 {
      let scalars = (0..<Int.random(in: 0...20, using: &random)).compactMap { _ in
        Unicode.Scalar(UInt32.random(in: 0..<(random.chance(50) ? 0x80 : 0x11_0000), using: &random))
      }
      var text = String.UnicodeScalarView()
      text.append(contentsOf: scalars)
      let original = Array(String(text).utf8)
      var out: [UInt8] = []
      out.putJSONString(original.rawSpan)
      #expect(try readTree(out) == .string(original))
    }
    // What is not UTF-8 becomes so.
    for _ in 0..<2_000 {
      let noise = (0..<20).map { _ in UInt8.random(in: 0...255, using: &random) }
      var out: [UInt8] = []
      out.putJSONString(noise.rawSpan)
      #expect(try readTree(out) == .string(Array(String(decoding: noise, as: UTF8.self).utf8)) || skips(out) == nil)
    }
    for value in [0, 1, -1, 9, 10, 99, 100, 12_345, .max, .min] as [Int64] {
      var out: [UInt8] = []
      out.putJSON(value)
      #expect(String(decoding: out, as: UTF8.self) == "\(value)")
    }
    for value in [0, 1.5, -0.1, 1e9, 123.25, .infinity, .nan, 1e-7] as [Float] {
      var out: [UInt8] = []
      out.putJSON(value)
      var reader = JSONReader(out.rawSpan)
      if value.isFinite { #expect(Float(try reader.double()) == value) } else { #expect(out == bytes("null")) }
    }
    var out: [UInt8] = []
    out.putJSON(UInt64.max)
    out.putJSON(true)
    out.putJSON(false)
    #expect(out == bytes("18446744073709551615truefalse"))
  }
}
