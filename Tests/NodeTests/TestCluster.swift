import ClusterMap
import Coordinators
import Foundation
import Node
import Octets
import Proto
import Testing
import Time

/// Two or more nodes in this process, over real sockets and directories, with the file coordinator.
final class TestCluster {
  let root: String
  private(set) var nodes: [String: Node] = [:]
  private var coordinators: [String: FileCoordinator] = [:]
  var failures = Failures()
  var loops = 1
  var shards = 4
  var host = "127.0.0.1"
  var failureTimeout: Milliseconds = 800
  var snapshotBytes = 64 << 20
  /// Each node serves its metrics, at a free port.
  var hasMetrics = false

  let ports = Ports()

  /// Where the nodes listen, for threads that go on while nodes come and go.
  final class Ports: @unchecked Sendable {
    private let lock = NSLock()
    private var list: [String: UInt16] = [:]
    func set(_ name: String, _ port: UInt16?) { lock.withLock { list[name] = port } }
    var all: [UInt16] { lock.withLock { list.keys.sorted().map { list[$0]! } } }
  }

  /// What the nodes said they failed with.
  final class Failures: @unchecked Sendable {
    private let lock = NSLock()
    private var list: [String] = []
    func add(_ text: String) { lock.withLock { list.append(text) } }
    var all: [String] { lock.withLock { list } }
  }

  init() {
    root = NSTemporaryDirectory() + "holdfast-node-\(UUID().uuidString)"
    try? FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
  }

  func start(_ name: String, port: UInt16 = 0) async throws {
    let coordinator = try FileCoordinator(directory: root + "/coordinator")
    var configuration = NodeConfiguration(
      name: NodeName(Bytes(name))!, host: host, port: port, dataDirectory: root + "/" + name, shardCount: shards,
      loopCount: loops,
      failureTimeout: failureTimeout, segmentBytes: 4 << 20, snapshotBytes: snapshotBytes)
    configuration.birthWait = 20_000
    if hasMetrics { configuration.metrics = (host, 0) }
    let failures = failures
    nodes[name] = try await Node.start(configuration, coordinator: coordinator) { _ in
    } onFailure: {
      failures.add($0)
    }
    coordinators[name] = coordinator
    ports.set(name, nodes[name]!.port)
  }

  func startAll(_ names: [String] = ["n1", "n2"]) async throws {
    for name in names { try await start(name) }
    try await waitForRoles()
  }

  func stop(_ name: String) async {
    ports.set(name, nil)
    await nodes.removeValue(forKey: name)?.stop()
    coordinators.removeValue(forKey: name)?.close()
  }

  func kill(_ name: String) async {
    ports.set(name, nil)
    await nodes.removeValue(forKey: name)?.kill()
    coordinators.removeValue(forKey: name)?.close()
  }

  func stopAll() async {
    for name in nodes.keys.sorted() { await kill(name) }
    try? FileManager.default.removeItem(atPath: root)
  }

  /// The cluster's map as the nodes see it: by shard, who is primary and who follows.
  func roles() async -> [ShardID: (primary: [String], followers: [String])] {
    var roles: [ShardID: (primary: [String], followers: [String])] = [:]
    for (name, node) in nodes {
      for replica in await node.status().replicas {
        switch replica.role {
        case .primary: roles[replica.shard, default: ([], [])].primary.append(name)
        case .follower: roles[replica.shard, default: ([], [])].followers.append(name)
        default: break
        }
      }
    }
    return roles
  }

  func waitForRoles(followers: Int = 1, seconds: Double = 15) async throws {
    try await wait(seconds: seconds, "every shard has a primary and \(followers) followers") {
      let roles = await self.roles()
      return roles.count == self.shards
        && roles.values.allSatisfy { $0.primary.count == 1 && $0.followers.count == followers }
    }
  }

  /// The cluster's random id, by which nodes know their routers.
  var id: UInt64 { nodes.values.first?.cluster ?? 0 }

  func primary(of shard: ShardID) async -> String? { await roles()[shard]?.primary.first }

  func client(_ name: String, router: UInt64 = 1, connection: UInt64 = 1, loop: UInt16 = 0) throws -> LinkClient {
    guard let node = nodes[name] else { throw LinkError("\(name) does not run") }
    return try LinkClient(port: node.port, cluster: node.cluster, router: router, connection: connection, loop: loop)
  }

  /// The digests of all nodes at one index of a shard.
  func digests(of shard: ShardID) async throws -> [String: ReplicaStatus.Digest] {
    var index = UInt64.max
    for node in nodes.values {
      let status = await node.status()
      index = min(index, status.replicas[Int(shard.rawValue)].appliedIndex)
    }
    var digests: [String: ReplicaStatus.Digest] = [:]
    for (name, node) in nodes {
      let client = try LinkClient(port: node.port)
      guard case .status(let status) = try client.admin(.status(digests: [.init(shard: shard, index: index)])) else {
        throw LinkError("no status")
      }
      digests[name] = status.replicas[Int(shard.rawValue)].digest
    }
    return digests
  }
}

/// Waits for a condition; fails the test when it does not come true.
func wait(
  seconds: Double = 10, _ what: String, sourceLocation: SourceLocation = #_sourceLocation,
  _ condition: () async throws -> Bool
) async throws {
  let end = ContinuousClock.now + .seconds(seconds)
  while ContinuousClock.now < end {
    if try await condition() { return }
    try await Task.sleep(for: .milliseconds(10))
  }
  Issue.record("waited \(seconds) s in vain: \(what)", sourceLocation: sourceLocation)
  throw LinkError("waited in vain: \(what)")
}
