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
  public var loopCount: UInt16
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
    self.init(node: node, shardCount: shardCount, loopCount: try reader.u16())
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

  /// - Parameter leavesTail: whether an answer's `tail` is sent behind `out`.
  public func encode(id: UInt32, into out: inout [UInt8], leavesTail: Bool = false) {
    out.put(id)
    switch self {
    case .outcome(let outcome):
      out.append(0)
      outcome.encode(into: &out)
    case .answer(let answer):
      out.append(1)
      answer.encode(into: &out, leavesTail: leavesTail)
    case .failed(let failure):
      out.append(2)
      out.append(failure.rawValue)
    }
  }

  public static func decode(_ reader: inout ByteReader) throws(DecodeError) -> (id: UInt32, reply: Reply) {
    let id = try reader.u32()
    switch try reader.u8() {
    case 0: return (id, .outcome(try Outcome(decoding: &reader)))
    case 1: return (id, .answer(try Answer(decoding: &reader)))
    case 2:
      guard let failure = Failure(rawValue: try reader.u8()) else { throw .invalid(field: "failure") }
      return (id, .failed(failure))
    default: throw .invalid(field: "reply form")
    }
  }
}

extension ByteReader {
  /// The next entry of a `replies` frame if it is a yes to a hold, the most frequent reply by far: read with one look
  /// at the bounds, and without making a `Reply`, whose other cases are large. Otherwise nil, and nothing was read.
  @inlinable public mutating func heldReply() -> (id: UInt32, held: Outcome.Held)? {
    guard bytesLeft >= 50 else { return nil }
    // Safe: fifty bytes are left, and every bit pattern is an integer.
    @inline(__always) func load<T: FixedWidthInteger & BitwiseCopyable>(_ place: Int, _: T.Type) -> T {
      T(littleEndian: unsafe span.unsafeLoadUnaligned(fromUncheckedByteOffset: offset &+ place, as: T.self))
    }
    // The reply's form, and the outcome's.
    guard load(4, UInt8.self) == 0, load(5, UInt8.self) == Outcome.Tag.held.rawValue else { return nil }
    let sequence = UInt64(load(16, UInt16.self)) << 32 | UInt64(load(12, UInt32.self))
    let hold = HoldID(
      shard: ShardID(load(6, UInt16.self)), slot: load(8, UInt32.self), sequence: sequence,
      secret: load(18, UInt64.self))
    let held = Outcome.Held(
      id: hold, expiresAt: load(26, Int64.self), total: load(34, Int64.self), version: load(42, UInt64.self))
    let id = load(0, UInt32.self)
    offset &+= 50
    return (id, held)
  }
}
