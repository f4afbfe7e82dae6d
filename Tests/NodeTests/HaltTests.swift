import ClusterMap
import Coordinators
import Foundation
import Node
import Octets
import Proto
import TestKit
import Testing
import Time

/// Goal: monitors hear of a node that can do nothing more. Method: another process takes the node's name, and the node,
/// whose process would end now, is asked.
@Suite struct HaltTests {
  private func get(_ path: String, port: UInt16) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["curl", "-si", "http://127.0.0.1:\(port)\(path)"]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }

  @Test func aHaltedNodeIsNotHealthy() async throws {
    let cluster = TestCluster()
    cluster.hasMetrics = true
    try await cluster.start("n1")
    let port = try #require(cluster.nodes["n1"]?.metricsPort)
    let healthy = try get("/healthz", port: port)
    #expect(healthy.hasPrefix("HTTP/1.1 200 OK\r\n") && healthy.contains(#"{"status":"ok","#), "\(healthy)")
    #expect(try get("/metrics", port: port).contains("\nholdfast_node_up 1\n"))

    let coordinator = try FileCoordinator(directory: cluster.root + "/coordinator")
    defer { coordinator.close() }
    var record = try #require(try await coordinator.nodes().first)
    (record.start, record.pid) = (record.start + 1, 1)
    #expect(try await coordinator.register(record))
    try await wait("the node sees that it was replaced") { !cluster.failures.all.isEmpty }

    let halted = try get("/healthz", port: port)
    #expect(halted.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"), "\(halted)")
    #expect(halted.contains(#"{"status":"halted","#), "\(halted)")
    let metrics = try get("/metrics", port: port)
    #expect(metrics.contains("\nholdfast_node_up 0\n"))
    #expect(metrics.contains("\nholdfast_node_replicas{role=\"halted\"} \(cluster.shards)\n"), "\(metrics)")
    await cluster.stopAll()
  }

  /// A node takes out the records of routers that have been silent for over ten minutes, and no others.
  @Test func silentRoutersAreForgotten() async throws {
    let cluster = TestCluster()
    let coordinator = try FileCoordinator(directory: cluster.root + "/coordinator")
    defer { coordinator.close() }
    let now = Stamp(Int64(Date().timeIntervalSince1970 * 1_000))
    func router(_ http: String, silentFor silence: Milliseconds) -> RouterRecord {
      RouterRecord(http: [http], tcp: [], host: "m1", pid: 1, startedAt: 1, seenAt: now - silence)
    }
    let (fresh, late, gone) = (
      router("127.0.0.1:1", silentFor: 0), router("127.0.0.1:2", silentFor: 300_000),
      router("127.0.0.1:3", silentFor: 600_500)
    )
    for each in [fresh, late, gone] { try await coordinator.register(each) }
    try await cluster.start("n1")
    try await wait("the silent one is forgotten") { try await coordinator.routers().count < 3 }
    #expect(try await coordinator.routers().map(\.http).sorted() == [fresh.http, late.http])
    await cluster.stopAll()
  }
}
