public import Octets

/// The header of every message between processes (router to node, node to node).
///
/// Layout, little-endian, 16 bytes: `magic: u16 = 0x4648` ("HF"), `version: u8`, `kind: u8`, `shard: u16`, `0: u16`,
/// `bodyBytes: u32`, `crc: u32`: CRC32C of the twelve bytes before it and the body.
public struct WireFrame: Equatable, Sendable {
  public enum Kind: UInt8, Sendable, CaseIterable {
    /// Router to node, first on a connection: `RouterHello`. The node answers with `nodeHello`.
    case routerHello = 1
    case nodeHello = 2
    /// Router to node: a batch of `Request`s for one shard. Node to router: a batch of `Reply`s.
    case requests = 3
    case replies = 4
    /// Node to router: `FeedUpdate`s of one shard.
    case feed = 5
    /// Node to router: the shard's copies are as new as this frame (nothing changed since the last).
    case feedFresh = 6
    /// Node to node, first on a connection; then replication messages of many shards.
    case peerHello = 7
    case peerMessages = 8
    /// CLI to node and back.
    case adminRequest = 9
    case adminReply = 10

    /// What a body of this kind may have: who speaks for the first time, or says little, is given little memory.
    public var bodyBytesMax: Int {
      switch self {
      case .routerHello, .nodeHello, .peerHello: 4 << 10
      case .feedFresh: 0
      case .adminRequest: 64 << 10
      case .requests: WireFrame.requestBytesMax
      case .replies, .feed, .peerMessages, .adminReply: WireFrame.bodyBytesMax
      }
    }
  }

  public static let headerBytes = 16
  public static let bodyBytesMax = 64 << 20
  /// Of a batch of requests: what a router lets wait for one shard, and behind it the largest command, a new event.
  public static let requestBytesMax = (8 << 20) + EventDefinition.Limit.encodedBytes + (1 << 10)

  public var kind: Kind
  public var shard: ShardID
  public var bodyBytes: Int
  var crc: UInt32

  /// Reads the header at the start of `input`.
  ///
  /// - Throws: `truncated` if it has not all arrived: read more and try again. Anything else: close the connection.
  public init(header input: RawSpan) throws(DecodeError) {
    var reader = ByteReader(input)
    guard reader.bytesLeft >= Self.headerBytes else {
      throw .truncated(bytesNeeded: Self.headerBytes, bytesAvailable: reader.bytesLeft)
    }
    guard try reader.u16() == 0x4648 else { throw .invalid(field: "frame magic") }
    try DecodeError.check(version: try reader.u8())
    guard let kind = Kind(rawValue: try reader.u8()) else { throw .invalid(field: "frame kind") }
    self.kind = kind
    shard = ShardID(try reader.u16())
    guard try reader.u16() == 0 else { throw .invalid(field: "frame padding") }
    bodyBytes = try reader.count(limit: kind.bodyBytesMax, field: "frame body")
    crc = try reader.u32()
  }

  /// The body of the frame that starts `input`, once it is all there and its checksum is right.
  ///
  /// - Throws: `truncated` if it has not all arrived; `corrupt` if it is not what was sent.
  @_lifetime(copy input)
  public func body(of input: RawSpan) throws(DecodeError) -> RawSpan {
    var reader = ByteReader(input)
    let head = try reader.bytes(12)
    _ = try reader.u32()
    let body = try reader.bytes(bodyBytes)
    guard crc32c(body, from: crc32c(head)) == crc else { throw .corrupt(field: "frame checksum") }
    return body
  }

  /// Appends a frame: the header, what `body` writes, then length and checksum.
  @inlinable public static func encode(
    _ kind: Kind, shard: ShardID = ShardID(0), into out: inout [UInt8], body: (inout [UInt8]) -> Void
  ) {
    let start = begin(kind, shard: shard, into: &out)
    body(&out)
    end(start, in: &out)
  }

  /// Appends a header whose length and checksum `end` fills in. Returns where it starts.
  public static func begin(_ kind: Kind, shard: ShardID, into out: inout [UInt8]) -> Int {
    let start = out.count
    out.put(UInt16(0x4648))
    out.append(Format.version)
    out.append(kind.rawValue)
    out.put(shard.rawValue)
    out.put(UInt16(0))
    out.put(UInt64(0))
    return start
  }

  /// - Parameter tail: the end of the body, if it stands in another array and is sent behind `out`.
  public static func end(_ start: Int, in out: inout [UInt8], tail: RawSpan = RawSpan()) {
    let bodyBytes = out.count - start - headerBytes + tail.byteCount
    precondition(bodyBytes <= bodyBytesMax, "senders split what is larger")
    out.patch(UInt32(bodyBytes), at: start + 8)
    let head = crc32c(out.rawSpan.extracting(start..<(start + 12)))
    let crc = crc32c(out.rawSpan.extracting((start + headerBytes)..<out.count), from: head)
    out.patch(tail.byteCount == 0 ? crc : crc32c(tail, from: crc), at: start + 12)
  }
}
