import HTTP
import Octets
import Testing

@Suite struct TargetTests {
  private func segments(_ path: String) -> [String]? {
    let bytes = [UInt8](text: path)
    var parts = PathSegments(ByteRange(0, bytes.count), in: bytes.rawSpan)
    var all: [String] = []
    while let part = parts.next() {
      var out: [UInt8] = []
      do { try part.percentDecoded(in: bytes.rawSpan, into: &out) } catch { return nil }
      all.append(out.text)
    }
    return all
  }

  @Test func segmentsAreSplitBeforeTheyAreDecoded() {
    #expect(segments("/v1/events") == ["v1", "events"])
    #expect(segments("/") == [""])
    #expect(segments("/v1//x/") == ["v1", "", "x", ""])
    #expect(segments("/a%2Fb/%c3%A9") == ["a/b", "\u{E9}"])
    #expect(segments("/a+b") == ["a+b"])
    #expect(segments("*") == [])
    for bad in ["/%", "/%1", "/%g0", "/%0g", "/%00", "/a%"] { #expect(segments(bad) == nil, "\(bad)") }
  }

  private func parameters(_ query: String) -> [[String]]? {
    let bytes = [UInt8](text: "?" + query)
    var parts = QueryParameters(ByteRange(1, bytes.count), in: bytes.rawSpan)
    var all: [[String]] = []
    var name: [UInt8] = []
    var value: [UInt8] = []
    do {
      while try parts.next(name: &name, value: &value) { all.append([name.text, value.text]) }
    } catch { return nil }
    return all
  }

  @Test func queries() {
    #expect(parameters("limit=10&cursor=a%26b") == [["limit", "10"], ["cursor", "a&b"]])
    #expect(parameters("a&b=&&c==d&e=f+g%2B") == [["a", ""], ["b", ""], ["c", "=d"], ["e", "f g+"]])
    #expect(parameters("") == [])
    for bad in ["=a", "a=%", "a=%zz", "%=a", "a=%00"] { #expect(parameters(bad) == nil, "\(bad)") }
  }

  @Test func percentEncodingComesBack() throws {
    let all = (1...255).map { UInt8($0) }
    var out: [UInt8] = [0x2F]
    out.putPercentEncoded(all.rawSpan)
    var parts = PathSegments(ByteRange(0, out.count), in: out.rawSpan)
    var back: [UInt8] = []
    try parts.next()?.percentDecoded(in: out.rawSpan, into: &back)
    #expect(back == all)
  }
}
