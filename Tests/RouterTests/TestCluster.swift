import ClusterMap
import Coordinators
import EventLoop
import Foundation
import Glibc
import Logging
import Octets
import Proto
import RESP
import Router
import Threads

/// A router with its doors open, before fake nodes and a real coordinator in a directory of its own.
final class TestCluster: Sendable {
  let world: FakeNode.World
  let nodes: [FakeNode]
  let coordinator: any Coordinator
  let router: Router
  let directory: String
  let shardCount: Int
  private let epochs = Lock<[UInt16: MapRegister]>([:])
  private let joining: Task<Void, any Error>

  /// - Parameters:
  ///   - nodeCount: all shards begin on the first one.
  ///   - isBorn: false: the router comes first, and `beBorn` makes the cluster.
  init(
    shards: Int = 4, nodeCount: Int = 1, isBorn: Bool = true, configure: (inout RouterConfiguration) -> Void = { _ in }
  ) async throws {
    shardCount = shards
    directory = NSTemporaryDirectory() + "holdfast-router-\(UInt64.random(in: 0 ... .max))"
    world = FakeNode.World(shardCount: shards)
    var nodes: [FakeNode] = []
    for number in 0..<nodeCount { nodes.append(try FakeNode("n\(number)", world: world, shardCount: shards)) }
    self.nodes = nodes
    let coordinator = try CoordinatorAddress.file(directory: directory).open()
    self.coordinator = coordinator
    if isBorn { try await Self.register(nodes, shards, coordinator) }
    var configuration = RouterConfiguration()
    configuration.http = [.internet(HostPort(host: "127.0.0.1", port: 0))]
    configuration.tcp = [.internet(HostPort(host: "127.0.0.1", port: 0))]
    configuration.loops = 2
    configure(&configuration)
    let router = try Router.open(configuration, coordinator: coordinator, log: .none)
    self.router = router
    joining = Task { try await router.join() }
    guard isBorn else { return }
    try await joining.value
    try await move(Array(0..<UInt16(shards)), to: 0)
  }

  private static func register(_ nodes: [FakeNode], _ shardCount: Int, _ coordinator: any Coordinator) async throws {
    _ = try await coordinator.birth(proposing: BirthRecord(cluster: 1, shardCount: shardCount))
    for node in nodes {
      try await coordinator.register(
        NodeRecord(name: node.name, disk: 1, address: node.address, loops: 2, pid: 1, startedAt: 0))
    }
  }

  /// The first node starts, and the router hears of it.
  func beBorn() async throws {
    try await Self.register(nodes, shardCount, coordinator)
    try await move(Array(0..<UInt16(shardCount)), to: 0)
    try await joining.value
  }

  /// Makes a node primary of some shards, with a new epoch.
  func move(_ shards: [UInt16], to number: Int) async throws {
    for (other, node) in nodes.enumerated() {
      if other == number {
        await node.sync { [shards] node in node.become(primaryOf: shards) }
      } else {
        await node.sync { [shards] node in node.resign(shards) }
      }
    }
    for shard in shards {
      let known = epochs.withLock { $0[shard] }
      let entry = MapEntry(
        epoch: (known?.entry.epoch ?? 0) + 1, primary: ReplicaID(node: nodes[number].name, disk: 1), follower: nil,
        proposal: .random(in: 1 ... .max))
      guard
        case .won(let register) = await coordinator.propose(entry, for: ShardID(shard), expecting: known?.revision ?? 0)
      else { throw TestError("the proposal was lost") }
      epochs.withLock { $0[shard] = register }
    }
  }

  func http() throws -> HTTPTestClient { try HTTPTestClient(port: router.httpAddresses[0].port) }
  func resp() throws -> RESPTestClient { try RESPTestClient(port: router.tcpAddresses[0].port) }

  func stop() async {
    joining.cancel()
    _ = try? await joining.value
    await router.stop(grace: .seconds(1))
    for node in nodes { node.stop() }
    coordinator.close()
    try? FileManager.default.removeItem(atPath: directory)
  }

  /// Starts a cluster for one test and stops it afterwards.
  static func with(
    shards: Int = 4, nodes: Int = 1, isBorn: Bool = true,
    configure: (inout RouterConfiguration) -> Void = { _ in }, _ body: (TestCluster) async throws -> Void
  ) async throws {
    let cluster = try await TestCluster(
      shards: shards, nodeCount: nodes, isBorn: isBorn, configure: configure)
    do {
      try await body(cluster)
      await cluster.stop()
    } catch {
      await cluster.stop()
      throw error
    }
  }
}

struct TestError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// A blocking socket to a port of this machine.
class TestSocket {
  let descriptor: Int32
  var buffer: [UInt8] = []

  init(port: UInt16) throws {
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
    guard result == 0 else { throw TestError("connect failed: \(errno)") }
    var timeout = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
  }

  /// To a UNIX socket.
  init(path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else { throw TestError("connect failed: \(errno)") }
  }

  deinit { close(descriptor) }

  func send(_ text: String) { send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) {
    var offset = 0
    while offset < bytes.count {
      let sent = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress! + offset, bytes.count - offset, Int32(MSG_NOSIGNAL))
      }
      if sent <= 0 { return }
      offset += sent
    }
  }

  func shutdownWrite() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Reads some more; false at the end of the connection.
  func readMore() throws -> Bool {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &chunk, chunk.count, 0)
    if count == 0 { return false }
    guard count > 0 else {
      if errno == ECONNRESET { return false }
      throw TestError("no answer within 20 s")
    }
    buffer.append(contentsOf: chunk[..<count])
    return true
  }

  /// Whether the other side has closed, once all it sent was read.
  func isAtEnd() throws -> Bool {
    while try readMore() {}
    return true
  }
}

struct TestResponse {
  var status: Int
  var headers: [String: String]
  var body: [UInt8]
  var text: String { String(decoding: body, as: UTF8.self) }
  var json: [String: Any] {
    (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any] ?? [:]
  }
  var code: String { json["code"] as? String ?? "" }
}

final class HTTPTestClient: TestSocket {
  func request(
    _ method: String, _ path: String, _ body: String? = nil, headers: [String: String] = [:]
  ) throws -> TestResponse {
    write(method, path, body, headers: headers)
    return try response(isHead: method == "HEAD")
  }

  func write(_ method: String, _ path: String, _ body: String? = nil, headers: [String: String] = [:]) {
    var text = "\(method) \(path) HTTP/1.1\r\nHost: test\r\n"
    if let body {
      text += "Content-Length: \(body.utf8.count)\r\n"
      if headers["Content-Type"] == nil { text += "Content-Type: application/json\r\n" }
    }
    for (name, value) in headers { text += "\(name): \(value)\r\n" }
    send(text + "\r\n" + (body ?? ""))
  }

  func response(isHead: Bool = false) throws -> TestResponse {
    let mark = Array("\r\n\r\n".utf8)
    var end: Int?
    while end == nil {
      end = buffer.indices.first { buffer[$0...].starts(with: mark) }
      if end == nil, try !readMore() { throw TestError("closed without an answer") }
    }
    let head = String(decoding: buffer[..<end!], as: UTF8.self).components(separatedBy: "\r\n")
    buffer.removeFirst(end! + 4)
    let status = Int(head[0].split(separator: " ")[1])!
    var headers: [String: String] = [:]
    for line in head.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
    }
    if status == 100 { return TestResponse(status: 100, headers: headers, body: []) }
    let length = isHead || status == 204 || status == 304 ? 0 : Int(headers["content-length"] ?? "0")!
    while buffer.count < length {
      if try !readMore() { throw TestError("closed in the middle of a body") }
    }
    let body = Array(buffer[..<length])
    buffer.removeFirst(length)
    return TestResponse(status: status, headers: headers, body: body)
  }
}

final class RESPTestClient: TestSocket {
  func call(_ words: String...) throws -> RESPReply {
    write(words)
    return try reply()
  }

  func write(_ words: [String]) {
    var out: [UInt8] = []
    out.putCommand(words.count)
    for word in words {
      let bytes = Array(word.utf8)
      out.putBulk(bytes.rawSpan)
    }
    send(out)
  }

  func reply() throws -> RESPReply {
    while true {
      if let (reply, used) = try RESPReply.parse(buffer.rawSpan) {
        buffer.removeFirst(used)
        return reply
      }
      if try !readMore() { throw TestError("closed without a reply") }
    }
  }
}
