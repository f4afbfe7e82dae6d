public import Octets

/// A reply as a client reads it: for the CLI, the load tool and tests. Both forms of the protocol.
public indirect enum RESPReply: Equatable, Sendable {
  case simple(Bytes)
  case error(Bytes)
  case integer(Int64)
  case bulk(Bytes)
  case null
  case array([RESPReply])
  /// Keys and values in the order in which they came.
  case map([RESPReply])
  case push([RESPReply])

  /// Reads the reply that `input` begins with.
  ///
  /// - Returns: the reply and its length; nil: wait for more bytes.
  public static func parse(_ input: RawSpan) throws(DecodeError) -> (reply: RESPReply, byteCount: Int)? {
    var offset = 0
    guard let reply = try parse(input, &offset, depth: 0) else { return nil }
    return (reply, offset)
  }

  /// The length of the reply that `input` begins with, without making a value of it; nil: wait for more bytes.
  public static func length(_ input: RawSpan) throws(DecodeError) -> Int? {
    var offset = 0
    var left = 1
    while left > 0 {
      left -= 1
      guard let line = try line(input, &offset) else { return nil }
      switch line.kind {
      case 0x2B, 0x2D, 0x3A, 0x5F, 0x23, 0x2C, 0x28: break
      case 0x24, 0x3D:
        let count = try number(line, in: input, limit: 512 << 20)
        if count < 0 { break }
        guard offset + count + 2 <= input.byteCount else { return nil }
        offset += count + 2
      case 0x2A, 0x3E, 0x7E: left += max(0, try number(line, in: input, limit: 1 << 24))
      case 0x25: left += 2 * max(0, try number(line, in: input, limit: 1 << 23))
      default: throw .invalid(field: "reply kind")
      }
    }
    return offset
  }

  private struct Line {
    var kind: UInt8
    var start: Int
    var end: Int
  }

  private static func line(_ input: RawSpan, _ offset: inout Int) throws(DecodeError) -> Line? {
    guard offset < input.byteCount else { return nil }
    var end = offset + 1
    while end < input.byteCount, input.respByte(end) != 0x0D { end += 1 }
    guard end + 1 < input.byteCount else { return nil }
    guard input.respByte(end + 1) == 0x0A else { throw .invalid(field: "reply line") }
    let line = Line(kind: input.respByte(offset), start: offset + 1, end: end)
    offset = end + 2
    return line
  }

  private static func number(_ line: Line, in input: RawSpan, limit: Int) throws(DecodeError) -> Int {
    guard let value = input.extracting(line.start..<line.end).decimal, value >= -1 else {
      throw .invalid(field: "reply length")
    }
    guard value <= limit else { throw .oversize(field: "reply length", value: UInt64(value), limit: UInt64(limit)) }
    return Int(value)
  }

  private static func parse(_ input: RawSpan, _ offset: inout Int, depth: Int) throws(DecodeError) -> RESPReply? {
    guard depth < 16 else { throw .invalid(field: "reply depth") }
    guard let line = try line(input, &offset) else { return nil }
    let text = input.extracting(line.start..<line.end)
    switch line.kind {
    case 0x2B, 0x2C, 0x28: return .simple(Bytes(text))
    case 0x2D: return .error(Bytes(text))
    case 0x5F: return .null
    case 0x23: return .integer(text.isWord("T") ? 1 : 0)
    case 0x3A:
      guard let value = text.decimal else { throw .invalid(field: "reply integer") }
      return .integer(value)
    case 0x24, 0x3D:
      let count = try number(line, in: input, limit: 512 << 20)
      guard count >= 0 else { return .null }
      guard offset + count + 2 <= input.byteCount else { return nil }
      guard input.respByte(offset + count) == 0x0D, input.respByte(offset + count + 1) == 0x0A else {
        throw .invalid(field: "reply bulk")
      }
      let bulk = Bytes(input.extracting(offset..<(offset + count)))
      offset += count + 2
      return .bulk(bulk)
    case 0x2A, 0x3E, 0x7E, 0x25:
      let count = try number(line, in: input, limit: 1 << 23)
      guard count >= 0 else { return .null }
      var values: [RESPReply] = []
      for _ in 0..<(line.kind == 0x25 ? count * 2 : count) {
        guard let value = try parse(input, &offset, depth: depth + 1) else { return nil }
        values.append(value)
      }
      switch line.kind {
      case 0x25: return .map(values)
      case 0x3E: return .push(values)
      default: return .array(values)
      }
    default: throw .invalid(field: "reply kind")
    }
  }
}
