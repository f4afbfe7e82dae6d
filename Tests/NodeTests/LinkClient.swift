import Glibc
import Octets
import Proto

struct LinkError: Error, CustomStringConvertible {
  var description: String
  init(_ text: String) { description = text }
}

/// A router's side of the link to one loop of a node, over a blocking socket: for tests, one thread.
final class LinkClient {
  private let descriptor: Int32
  private var input: [UInt8] = []
  private var nextID: UInt32 = 1
  private(set) var hello: NodeHello?
  /// Replies that came while another was waited for.
  private var replies: [UInt32: Reply] = [:]
  private(set) var feeds: [(ShardID, FeedUpdate)] = []
  private(set) var freshCount = 0

  /// Connects without a hello.
  init(port: UInt16, timeout seconds: Int = 10) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else {
      let code = errno
      close(descriptor)
      throw LinkError("connect to \(port): errno \(code)")
    }
    var one: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
    var limit = timeval(tv_sec: seconds, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  convenience init(port: UInt16, cluster: UInt64, router: UInt64, connection: UInt64 = 1, loop: UInt16 = 0) throws {
    try self.init(port: port)
    var out: [UInt8] = []
    WireFrame.encode(.routerHello, into: &out) {
      RouterHello(cluster: cluster, router: router, connection: connection, loop: loop).encode(into: &$0)
    }
    try send(out)
    let (frame, body) = try readFrame()
    guard frame.kind == .nodeHello else { throw LinkError("no hello but \(frame.kind)") }
    var reader = ByteReader(body.rawSpan)
    hello = try NodeHello(decoding: &reader)
  }

  deinit { close(descriptor) }

  func send(_ bytes: [UInt8]) throws {
    var offset = 0
    while offset < bytes.count {
      let written = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress! + offset, bytes.count - offset, Int32(0x4000))
      }
      guard written > 0 else { throw LinkError("send: errno \(errno)") }
      offset += written
    }
  }

  func readFrame() throws -> (WireFrame, [UInt8]) {
    while true {
      if let (frame, body) = try Self.firstFrame(input) {
        input.removeFirst(WireFrame.headerBytes + frame.bodyBytes)
        return (frame, body)
      }
      var chunk = [UInt8](repeating: 0, count: 1 << 18)
      let count = recv(descriptor, &chunk, chunk.count, 0)
      if count == 0 { throw LinkError("closed by the node") }
      guard count > 0 else { throw LinkError("recv: errno \(errno)") }
      input.append(contentsOf: chunk[0..<count])
    }
  }

  /// The frame at the start of `input`; nil: it has not all arrived.
  private static func firstFrame(_ input: [UInt8]) throws -> (WireFrame, [UInt8])? {
    guard input.count >= WireFrame.headerBytes else { return nil }
    let frame = try WireFrame(header: input.rawSpan)
    guard input.count >= WireFrame.headerBytes + frame.bodyBytes else { return nil }
    return (frame, Bytes(try frame.body(of: input.rawSpan)).array)
  }

  /// Sends a batch of commands for one shard; returns their ids.
  func send(_ commands: [(Command, key: Bytes)], to shard: ShardID) throws -> [UInt32] {
    var out: [UInt8] = []
    var ids: [UInt32] = []
    WireFrame.encode(.requests, shard: shard, into: &out) { out in
      for (command, key) in commands {
        Request.encodeHeader(id: nextID, what: .command, into: &out)
        command.encode(key: key, keyIsFromRouter: false, into: &out)
        ids.append(nextID)
        nextID += 1
      }
    }
    try send(out)
    return ids
  }

  func send(_ query: Query, to shard: ShardID) throws -> UInt32 {
    var out: [UInt8] = []
    WireFrame.encode(.requests, shard: shard, into: &out) { out in
      Request.encodeHeader(id: nextID, what: .query, into: &out)
      query.encode(into: &out)
    }
    try send(out)
    nextID += 1
    return nextID - 1
  }

  /// Takes in one frame.
  func take() throws {
    let (frame, body) = try readFrame()
    var reader = ByteReader(body.rawSpan)
    switch frame.kind {
    case .replies:
      while reader.bytesLeft > 0 {
        let (id, reply) = try Reply.decode(&reader)
        replies[id] = reply
      }
    case .feed:
      while reader.bytesLeft > 0 { feeds.append((frame.shard, try FeedUpdate(decoding: &reader))) }
    case .feedFresh: freshCount += 1
    default: throw LinkError("unexpected \(frame.kind)")
    }
  }

  func reply(to id: UInt32) throws -> Reply {
    while true {
      if let reply = replies.removeValue(forKey: id) { return reply }
      try take()
    }
  }

  func call(_ command: Command, key: Bytes, to shard: ShardID) throws -> Reply {
    try reply(to: send([(command, key: key)], to: shard)[0])
  }

  func ask(_ query: Query, of shard: ShardID) throws -> Reply { try reply(to: send(query, to: shard)) }

  /// One admin request on a connection without a hello.
  func admin(_ request: AdminRequest) throws -> AdminReply {
    var out: [UInt8] = []
    WireFrame.encode(.adminRequest, into: &out) { request.encode(into: &$0) }
    try send(out)
    let (frame, body) = try readFrame()
    guard frame.kind == .adminReply else { throw LinkError("no admin reply but \(frame.kind)") }
    var reader = ByteReader(body.rawSpan)
    return try AdminReply(decoding: &reader)
  }
}
