import EventLoop
import Flags
import Logging
import Node
import Testing

/// Goal: a node registers an address that others can connect to. Method: its flags, and a node at an IPv6 address.
@Suite struct NodeAddressTests {
  private func configuration(_ words: String...) throws -> NodeConfiguration {
    let flags = try CommandSpec.node.parse(words) { _ in nil }
    return try NodeConfiguration(flags) { _, _ in LogSink.none }
  }

  @Test(arguments: ["0.0.0.0:7501", "[::]:7501"]) func everyAddressIsNone(listen: String) throws {
    let error = #expect(throws: UsageError.self) { try configuration("--listen", listen) }
    #expect(error?.description.contains("--advertise HOST:PORT") ?? false)
    #expect(throws: UsageError.self) { try configuration("--advertise", listen) }
    let advertised = try configuration("--listen", listen, "--advertise", "n1.example:7600").advertised
    #expect(advertised?.host == "n1.example" && advertised?.port == 7_600)
  }

  @Test(.enabled("this machine has no IPv6") { (try? Listener.bind(host: "::1", port: 0)) != nil })
  func anIPv6AddressHasItsBrackets() async throws {
    let cluster = TestCluster()
    cluster.host = "::1"
    try await cluster.start("n1")
    let node = try #require(cluster.nodes["n1"])
    #expect(node.address == "[::1]:\(node.port)")
    #expect(try HostPort(node.address).port == node.port)
    await node.stop(handOver: 0)
  }
}
