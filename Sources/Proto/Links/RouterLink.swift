public import Octets

/// The first message of a router's connection to one event loop of a node.
///
/// Layout: `cluster: u64`, `router: u64`, `connection: u64`, `loop: u16`.
public struct RouterHello: Equatable, Sendable {
  /// The cluster's random id: whoever has not read it from the coordinator is no router of this cluster.
  public var cluster: UInt64
  /// Random, drawn when the router's process started.
  public var router: UInt64
  /// Grows with each connection of this router to this loop of this node: the node reads nothing more from an older one
  /// once it met a newer, so that a command resent on the newer cannot be overtaken by itself.
  public var connection: UInt64
  /// Which of the node's loops the connection should live on, modulo their number.
  public var loop: UInt16
  public init(cluster: UInt64, router: UInt64, connection: UInt64, loop: UInt16) {
    (self.cluster, self.router, self.connection, self.loop) = (cluster, router, connection, loop)
  }

  public func encode(into out: inout [UInt8]) {
    out.put(cluster)
    out.put(router)
    out.put(connection)
    out.put(loop)
  }

  public init(decoding reader: inout ByteReader) throws(DecodeError) {
    let cluster = try reader.u64()
    let router = try reader.u64()
    let connection = try reader.u64()
    self.init(cluster: cluster, router: router, connection: connection, loop: try reader.u16())
    try reader.finish()
  }
}

/// A node's answer to a router's hello.
public struct NodeHello: Equatable, Sendable {
  public var node: Bytes
  public var shardCount: UInt16
  /// 1 to `loopsMax`: a router opens a link to each.
  public var loopCount: UInt16
  public static let loopsMax: UInt16 = 256
  public init(node: Bytes, shardCount: UInt16, loopCount: UInt16) {
    (self.node, self.shardCount, self.loopCount) = (node, shardCount, loopCount)
  }

  public func encode(into out: inout [UInt8]) {
    out.putShort(node)
    out.put(shardCount)
    out.put(loopCount)
  }

  public init(decoding reader: inout ByteReader) throws(DecodeError) {
    let node = try reader.shortBytes()
    let shardCount = try reader.u16()
    let loopCount = try reader.u16()
    guard (1...Self.loopsMax).contains(loopCount) else { throw .invalid(field: "loop count") }
    self.init(node: node, shardCount: shardCount, loopCount: loopCount)
    try reader.finish()
  }
}

/// One entry of a `requests` frame.
///
/// Layout: `id: u32`, `what: u8` (0 command, 1 query), then the command record or the query. `id` is the router's own
/// number, unique among the connection's unanswered ones.
public struct Request: Sendable {
  public enum What: UInt8, Sendable {
    case command = 0
    case query = 1
  }
  public static let headerBytes = 5
  public let id: UInt32
  public let what: What

  /// Reads number and kind; the reader then stands at the command record or the query.
  @inlinable public init(decoding reader: inout ByteReader) throws(DecodeError) {
    id = try reader.u32()
    guard let what = What(rawValue: try reader.u8()) else { throw .invalid(field: "request") }
    self.what = what
  }

  @inlinable public static func encodeHeader(id: UInt32, what: What, into out: inout [UInt8]) {
    out.putPiece(bytesMax: headerBytes) {
      $0.put(id)
      $0.put(what.rawValue)
    }
  }
}

/// One entry of a `replies` frame: `id: u32`, `form: u8`, then what the form says.
public enum Reply: Equatable, Sendable {
  case outcome(Outcome)
  /// What the command's key, a client's, got before.
  case repeated(Outcome)
  case answer(Answer)
  case failed(Failure)

  /// What a node says that is no shard's decision.
  public enum Failure: UInt8, Error, Sendable, CaseIterable {
    /// Never was in a frame of the log: send it to the primary.
    case notPrimary = 1
    /// May be in the log or not: only a retry with the same key tells.
    case unknown = 2
    /// Nothing happened: the disk has no room.
    case diskFull = 3
    /// Nothing happened: too much is waiting.
    case overloaded = 4
    /// Nothing happened: the request could not be read.
    case malformed = 5
  }

  /// What follows the number.
  @usableFromInline enum Form: UInt8 {
    case outcome = 0
    case answer = 1
    case failed = 2
    case repeated = 3
  }

  /// - Parameter leavesTail: whether an answer's `tail` is sent behind `out`.
  public func encode(id: UInt32, into out: inout [UInt8], leavesTail: Bool = false) {
    out.put(id)
    switch self {
    case .outcome(let outcome):
      out.append(Form.outcome.rawValue)
      outcome.encode(into: &out)
    case .repeated(let outcome):
      out.append(Form.repeated.rawValue)
      outcome.encode(into: &out)
    case .answer(let answer):
      out.append(Form.answer.rawValue)
      answer.encode(into: &out, leavesTail: leavesTail)
    case .failed(let failure):
      out.append(Form.failed.rawValue)
      out.append(failure.rawValue)
    }
  }

  public static func decode(_ reader: inout ByteReader) throws(DecodeError) -> (id: UInt32, reply: Reply) {
    let id = try reader.u32()
    guard let form = Form(rawValue: try reader.u8()) else { throw .invalid(field: "reply form") }
    switch form {
    case .outcome: return (id, .outcome(try Outcome(decoding: &reader)))
    case .repeated: return (id, .repeated(try Outcome(decoding: &reader)))
    case .answer: return (id, .answer(try Answer(decoding: &reader)))
    case .failed:
      guard let failure = Failure(rawValue: try reader.u8()) else { throw .invalid(field: "failure") }
      return (id, .failed(failure))
    }
  }
}
