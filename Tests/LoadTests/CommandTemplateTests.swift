import Load
import TestKit
import Testing

@Suite struct CommandTemplateTests {
  private func written(_ words: [String], seats: [Int] = [7], repeatsLastWord: Bool = false) -> String {
    var out: [UInt8] = []
    CommandTemplate(words).write(
      event: Array("arena".utf8), seats: seats, buyer: 1_234_567, repeatsLastWord: repeatsLastWord, into: &out)
    return String(decoding: out, as: UTF8.self)
  }

  @Test func placesAreFilledIn() {
    #expect(
      written(["EVALSHA", "seat:{seat}", "{buyer}", "{event}/{seat}", "600"])
        == "*5\r\n$7\r\nEVALSHA\r\n$6\r\nseat:7\r\n$8\r\nb1234567\r\n$7\r\narena/7\r\n$3\r\n600\r\n")
  }

  @Test func whatIsNoPlaceStaysAsItIs() {
    #expect(written(["{seats}", "{", "}{", ""]) == "*4\r\n$7\r\n{seats}\r\n$1\r\n{\r\n$2\r\n}{\r\n$0\r\n\r\n")
  }

  @Test func theLastWordIsRepeatedForEachSeat() {
    #expect(
      written(["HOLD", "#{seat}"], seats: [0, 10, 999_999], repeatsLastWord: true)
        == "*4\r\n$4\r\nHOLD\r\n$2\r\n#0\r\n$3\r\n#10\r\n$7\r\n#999999\r\n")
    #expect(written(["GET", "{seat}"], seats: [3, 4]) == "*2\r\n$3\r\nGET\r\n$1\r\n3\r\n")
  }
}
