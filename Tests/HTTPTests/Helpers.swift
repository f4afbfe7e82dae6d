import HTTP
import Octets

extension [UInt8] {
  init(text: String) { self = Array(text.utf8) }
  var text: String { String(decoding: self, as: UTF8.self) }
}

/// What a server makes of some bytes.
struct Exchange: Equatable {
  var method: HTTPMethod
  var path: String
  var query: String?
  var keepsAlive: Bool
  var expectsContinue: Bool
  var body: [UInt8]
  var key: String?
}

/// A server's reading loop, as simple as can be: gets bytes in pieces, keeps what is not used yet.
struct Server {
  var parser = RequestParser()
  var buffer: [UInt8] = []
  var decoder: BodyDecoder?
  var body: [UInt8] = []
  var exchanges: [Exchange] = []
  var bodyBytesMax = 1 << 16
  /// Of the head being worked on.
  private var pending: Exchange?

  init() {}

  mutating func receive(_ bytes: some Sequence<UInt8>) throws(HTTPError) {
    buffer.append(contentsOf: bytes)
    while try step() {}
  }

  private mutating func step() throws(HTTPError) -> Bool {
    if var decoder {
      let bytes = buffer
      let used = try decoder.decode(bytes.rawSpan, into: &body)
      buffer.removeFirst(used)
      self.decoder = decoder
      guard decoder.isComplete else { return false }
      pending!.body = body
      exchanges.append(pending!)
      self.decoder = nil
      body = []
      return true
    }
    let bytes = buffer
    guard !bytes.isEmpty, let head = try parser.parse(bytes.rawSpan) else { return false }
    pending = Exchange(
      method: head.method, path: text(head.path), query: head.query.isAbsent ? nil : text(head.query),
      keepsAlive: head.keepsAlive, expectsContinue: head.expectsContinue, body: [],
      key: head.idempotencyKey.isAbsent ? nil : text(head.idempotencyKey))
    decoder = try BodyDecoder(head.framing, bytesMax: bodyBytesMax)
    buffer.removeFirst(head.byteCount)
    return true
  }

  private func text(_ range: ByteRange) -> String { String(decoding: buffer[range.range], as: UTF8.self) }
}

// `#expect` and `#require` cannot take a span apart: the same calls, over arrays.
extension RequestParser {
  mutating func parse(all bytes: [UInt8]) throws(HTTPError) -> RequestHead? { try parse(bytes.rawSpan) }
}

extension ResponseParser {
  mutating func parse(all bytes: [UInt8], toHead: Bool = false) throws(HTTPError) -> ResponseHead? {
    try parse(bytes.rawSpan, toHead: toHead)
  }
}

extension RequestHead {
  func body(in bytes: [UInt8]) -> Range<Int>? { bodyInPlace(in: bytes.rawSpan) }
  func header(_ name: StaticString, in bytes: [UInt8]) -> String? { value(of: name, in: bytes.rawSpan).text(in: bytes) }
}

extension ResponseHead {
  func body(in bytes: [UInt8]) -> Range<Int>? { bodyInPlace(in: bytes.rawSpan) }
  func header(_ name: StaticString, in bytes: [UInt8]) -> String? { value(of: name, in: bytes.rawSpan).text(in: bytes) }
}

extension ByteRange {
  func text(in bytes: [UInt8]) -> String? { isAbsent ? nil : String(decoding: bytes[range], as: UTF8.self) }
  func isType(_ type: StaticString, in bytes: [UInt8]) -> Bool { isMediaType(type, in: bytes.rawSpan) }
  func matches(tag: [UInt8], in bytes: [UInt8]) -> Bool { matches(entityTag: tag.rawSpan, in: bytes.rawSpan) }
}
