import HTTP
import Octets
import TestKit
import Testing

@Suite struct ResponseTests {
  private func response(_ status: Int, body: String, isHead: Bool = false) -> [UInt8] {
    var out: [UInt8] = []
    out.putStatus(status)
    out.putHeader("Content-Type", "application/json")
    out.putHeader("Age", 0)
    out.putHeader("X-Request-Id", bytes: [UInt8](text: "a\r\nb").rawSpan)
    let mark = out.beginBody()
    out.append(contentsOf: body.utf8)
    out.endBody(mark, isHead: isHead)
    return out
  }

  @Test func whatIsWrittenIsRead() throws {
    for body in ["", "x", "{\"a\":1}", String(repeating: "y", count: 12_345)] {
      let bytes = response(200, body: body)
      for cut in stride(from: 0, to: min(bytes.count, 200), by: 1) {
        var parser = ResponseParser()
        var head = try parser.parse(all: Array(bytes[..<cut]))
        if head == nil { head = try parser.parse(all: bytes) }
        let found = try #require(head)
        #expect(found.status == 200 && found.keepsAlive)
        let range = try #require(found.body(in: bytes))
        #expect(String(decoding: bytes[range], as: UTF8.self) == body)
        #expect(found.header("x-request-id", in: bytes) == "a__b")
      }
    }
    let head = response(200, body: "hello", isHead: true)
    var parser = ResponseParser()
    let found = try #require(try parser.parse(all: head, toHead: true))
    #expect(found.framing == .none && found.byteCount == head.count)
    #expect(found.header("content-length", in: head) == "5")
  }

  @Test func streamsAndChunks() throws {
    let chunked = [UInt8](
      text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nHTTP")
    let closed = [UInt8](text: "HTTP/1.0 200 OK\r\n\r\nabcde")
    for (bytes, left) in [(chunked, 4), (closed, 0)] {
      for cut in 0...bytes.count {
        var parser = ResponseParser()
        var decoder: BodyDecoder?
        var body: [UInt8] = []
        var buffer: [UInt8] = []
        for piece in [bytes[..<cut], bytes[cut...]] {
          buffer.append(contentsOf: piece)
          if decoder == nil, let head = try parser.parse(all: buffer) {
            buffer.removeFirst(head.byteCount)
            decoder = try BodyDecoder(head.framing, bytesMax: 100)
          }
          if var going = decoder {
            buffer.removeFirst(try going.decode(buffer.rawSpan, into: &body))
            decoder = going
          }
        }
        #expect(body.text == "abcde" && buffer.count == left, "cut at \(cut)")
        #expect(try #require(decoder).mayEndHere)
      }
    }
  }

  @Test(arguments: [
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n   ", "HTTP/1.1 2000 OK\r\n\r\n",
    "HTTP/1.1 999 OK\r\n\r\n", "HTTP/2 200 OK\r\n\r\n   ", "ICY 200 OK\r\n\r\n    ", "HTTP/1.1 200 OK\nA: b\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA b\r\n\r\n",
  ]) func badResponses(_ text: String) {
    var parser = ResponseParser()
    let bytes = [UInt8](text: text)
    #expect(throws: HTTPError.self) { try parser.parse(all: bytes) }
  }

  @Test func statusesWithoutBodies() throws {
    for status in [100, 204, 304] {
      var out: [UInt8] = []
      out.putStatus(status)
      out.putHeader("Content-Length", 7)
      out.endHeaders()
      var parser = ResponseParser()
      let head = try #require(try parser.parse(all: out))
      #expect(head.framing == .none && head.status == status && head.isInterim == (status == 100))
    }
  }

  @Test func serverSentEvents() {
    var out: [UInt8] = []
    out.putServerSentEvent(
      event: "seats", id: [UInt8](text: "1\n2").rawSpan, data: [UInt8](text: "a\nb\r\nc\rd").rawSpan)
    out.putServerSentComment()
    #expect(out.text == "event: seats\nid: 1_2\ndata: a\ndata: b\ndata: c\ndata: d\n\n:\n\n")
  }

  @Test func dates() {
    func date(_ seconds: Int64) -> String {
      var out: [UInt8] = []
      HTTPDate.write(unixSeconds: seconds, into: &out)
      return out.text
    }
    #expect(date(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
    #expect(date(0) == "Thu, 01 Jan 1970 00:00:00 GMT")
    #expect(date(951_782_400) == "Tue, 29 Feb 2000 00:00:00 GMT")
    #expect(date(-1) == "Wed, 31 Dec 1969 23:59:59 GMT")
    #expect(date(253_402_300_799) == "Fri, 31 Dec 9999 23:59:59 GMT")
    #expect(date(.max) == "Fri, 31 Dec 9999 23:59:59 GMT")
    #expect(date(.min) == "Sat, 01 Jan 0000 00:00:00 GMT")
    // Day by day against a calendar that only counts.
    let months = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    var day = 0
    for year in 1970..<2110 {
      let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
      for month in 0..<12 {
        for dayOfMonth in 1...(months[month] + (month == 1 && leap ? 1 : 0)) {
          let two = dayOfMonth < 10 ? "0\(dayOfMonth)" : "\(dayOfMonth)"
          #expect(
            date(Int64(day) * 86_400 + 3_661)
              == "\(weekdays[day % 7]), \(two) \(names[month]) \(year) 01:01:01 GMT")
          day += 1
        }
      }
    }
  }

  @Test func mutatedResponsesNeverTrap() {
    var random = SeededRandom(seed: 5)
    let base = response(200, body: "hello")
    for _ in 0..<50_000 {
      var bytes = base
      for _ in 0..<Int.random(in: 1...5, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
      var parser = ResponseParser()
      if let head = try? parser.parse(all: bytes) {
        #expect(head.byteCount <= bytes.count)
      }
    }
  }
}
