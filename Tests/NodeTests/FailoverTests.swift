import Foundation
import Node
import Octets
import Proto
import TestKit
import Testing

@Suite(.serialized) struct FailoverTests {
  /// A cluster with one event on sale, and where that event lives.
  struct Sale {
    var cluster: TestCluster
    var shard: ShardID
    var event: EventRef
    var primary: String
    var follower: String { primary == "n1" ? "n2" : "n1" }
  }

  static func sale(_ change: (TestCluster) -> Void = { _ in }) async throws -> Sale {
    let cluster = TestCluster()
    change(cluster)
    try await cluster.startAll()
    let shard = ShardID.owning(event: Bytes("arena").rawSpan, shardCount: cluster.shards)
    // On a slow machine the roles may still move: `notPrimary` says that nothing happened.
    var made: (event: EventRef, primary: String)?
    var connection: UInt64 = 0
    try await wait("the event is made") {
      guard let primary = await cluster.primary(of: shard) else { return false }
      connection += 1
      let client = try cluster.client(primary, router: 9, connection: connection)
      let created = try client.call(
        .createEvent(arena("arena", rows: 100, seatsPerRow: 1_000), incarnation: 7), key: "create", to: shard)
      if case .failed(.notPrimary) = created { return false }
      guard case .outcome(.created(let event, _)) = created else { throw LinkError("\(created)") }
      made = (event, primary)
      return true
    }
    let (event, primary) = try #require(made)
    return Sale(cluster: cluster, shard: shard, event: event, primary: primary)
  }

  /// Asks the primary, whoever that is by now.
  final class SteadyClient {
    private let sale: Sale
    private var client: LinkClient?
    private var connection: UInt64 = 1
    init(_ sale: Sale) { self.sale = sale }

    func call(_ body: (LinkClient) throws -> Reply) async throws -> Reply {
      let end = ContinuousClock.now + .seconds(10)
      while true {
        do {
          if client == nil, let primary = await sale.cluster.primary(of: sale.shard) {
            connection += 1
            client = try sale.cluster.client(primary, router: 11, connection: connection)
          }
          if let client {
            let reply = try body(client)
            guard case .failed = reply, ContinuousClock.now < end else { return reply }
          }
        } catch {
          if ContinuousClock.now > end { throw error }
        }
        client = nil
        try await Task.sleep(for: .milliseconds(20))
      }
    }
  }

  static func ports(_ cluster: TestCluster) -> @Sendable () -> [UInt16] {
    // The tests change the cluster while the seller reads it: a port list that lags is what a real client has too.
    let ports = cluster.ports
    return { ports.all }
  }

  /// Everything that was acknowledged is there, under the key too; both replicas agree.
  static func check(_ seller: Seller, _ sale: Sale, replicas: Int = 2) async throws {
    let acknowledged = seller.acknowledged
    #expect(acknowledged.count > 0)
    let client = SteadyClient(sale)
    var owners: [HoldID: UInt32] = [:]
    for (seat, held) in acknowledged {
      #expect(owners.updateValue(seat, forKey: held.id) == nil)
      let answer = try await client.call { try $0.ask(.hold(held.id), of: sale.shard) }
      guard case .answer(.hold(let info)) = answer else {
        Issue.record("the hold of seat \(seat): \(answer)")
        continue
      }
      #expect(info.seats == [SeatIndex(seat)])
      let (command, key) = Seller.hold(seat, sale.event)
      let again = try await client.call { try $0.call(command, key: key, to: sale.shard) }
      #expect(again == .repeated(.held(held)), "seat \(seat)")
    }
    guard replicas == 2 else { return }
    try await wait("both replicas agree") {
      let digests = try await sale.cluster.digests(of: sale.shard)
      return digests["n1"] != nil && digests["n1"] == digests["n2"]
    }
  }

  /// `kill -9` of a primary under load: the follower takes over by itself, and the killed one comes back.
  @Test(.timeLimit(.minutes(1))) func automaticFailoverAndRejoin() async throws {
    let sale = try await Self.sale()
    let cluster = sale.cluster
    let seller = Seller(sale.event, of: cluster.id, on: sale.shard, seats: 0..<100_000, ports: Self.ports(cluster))
    seller.start()
    try await wait("some holds") { seller.acknowledged.count > 200 }
    await cluster.kill(sale.primary)
    let before = seller.acknowledged.count
    try await wait("sales go on") { seller.acknowledged.count > before + 200 }
    try await cluster.start(sale.primary)
    try await cluster.waitForRoles()
    let after = seller.acknowledged.count
    try await wait("sales still go on") { seller.acknowledged.count > after + 100 }
    await seller.stop()
    #expect(await cluster.primary(of: sale.shard) == sale.follower)
    try await Self.check(seller, sale)
    await cluster.stopAll()
  }

  /// A drain that names shards of another primary is refused for those, and they notice nothing: same epoch, every
  /// command taken. Without names it means the shards that the node leads, and speaks of no other.
  @Test(.timeLimit(.minutes(1))) func aDrainLeavesOtherPrimariesAlone() async throws {
    let sale = try await Self.sale()
    let cluster = sale.cluster
    func epochs(_ name: String) async throws -> [ShardID: UInt64] {
      let status = await cluster.nodes[name]!.status()
      return Dictionary(
        uniqueKeysWithValues: status.replicas.filter { $0.role == .primary }.map { ($0.shard, $0.epoch) })
    }
    let theirs = try await epochs(sale.primary)
    #expect(theirs.count == 2)
    let mine = try await epochs(sale.follower)
    let seller = Seller(sale.event, of: cluster.id, on: sale.shard, seats: 0..<100_000) {
      [port = cluster.nodes[sale.primary]!.port] in
      [port]
    }
    seller.start()
    try await wait("some holds") { seller.acknowledged.count > 50 }
    let admin = try LinkClient(port: cluster.nodes[sale.follower]!.port)
    let all = (0..<4).map { ShardID($0) }
    guard case .shards(let results) = try admin.admin(.drain(shards: all, deadline: 5_000)) else {
      throw LinkError("no results")
    }
    #expect(results.map(\.shard) == all)
    for result in results {
      #expect(result.result == (mine[result.shard] == nil ? .refused : .done), "\(result)")
      if mine[result.shard] == nil { #expect(result.text == "this node is not the primary") }
    }
    let before = seller.acknowledged.count
    try await wait("sales go on") { seller.acknowledged.count > before + 100 }
    await seller.stop()
    #expect(seller.failures == 0)
    for (shard, epoch) in try await epochs(sale.primary) where theirs[shard] != nil { #expect(theirs[shard] == epoch) }
    #expect(try await epochs(sale.primary).count == 4)
    try await cluster.waitForRoles()
    // The one that leads nothing has nothing to drain.
    #expect(try admin.admin(.drain(shards: [], deadline: 5_000)) == .shards([]))
    let other = try LinkClient(port: cluster.nodes[sale.primary]!.port)
    guard case .shards(let drained) = try other.admin(.drain(shards: [], deadline: 5_000)) else {
      throw LinkError("no results")
    }
    #expect(drained.map(\.shard) == all && drained.allSatisfy { $0.result == .done }, "\(drained)")
    await cluster.stopAll()
  }

  /// A drain under load: clients see latency and no error.
  @Test(.timeLimit(.minutes(1))) func plannedFailover() async throws {
    let sale = try await Self.sale()
    let cluster = sale.cluster
    let seller = Seller(sale.event, of: cluster.id, on: sale.shard, seats: 0..<100_000, ports: Self.ports(cluster))
    seller.start()
    try await wait("some holds") { seller.acknowledged.count > 100 }
    var primary = sale.primary
    for _ in 0..<3 {
      let admin = try LinkClient(port: cluster.nodes[primary]!.port)
      let reply = try admin.admin(.drain(shards: [sale.shard], deadline: 5_000))
      guard case .shards(let results) = reply, results.count == 1 else { throw LinkError("\(reply)") }
      #expect(results[0].result == .done, "\(results[0])")
      primary = primary == "n1" ? "n2" : "n1"
      #expect(await cluster.primary(of: sale.shard) == primary)
      let before = seller.acknowledged.count
      try await wait("sales go on") { seller.acknowledged.count > before + 100 }
    }
    await seller.stop()
    #expect(seller.failures == 0)
    try await Self.check(seller, sale)
    await cluster.stopAll()
  }

  /// The operator declares a dead primary dead, faster than the time-out would.
  @Test(.timeLimit(.minutes(1))) func forcedFailover() async throws {
    let sale = try await Self.sale { $0.failureTimeout = 60_000 }
    let cluster = sale.cluster
    let seller = Seller(sale.event, of: cluster.id, on: sale.shard, seats: 0..<100_000, ports: Self.ports(cluster))
    seller.start()
    try await wait("some holds") { seller.acknowledged.count > 100 }
    await cluster.kill(sale.primary)
    let admin = try LinkClient(port: cluster.nodes[sale.follower]!.port)
    let dead = NodeName(Bytes(sale.primary))!
    let reply = try admin.admin(.takeOver(dead: dead, shards: [], deadline: 5_000))
    guard case .shards(let results) = reply else { throw LinkError("\(reply)") }
    #expect(results.count == cluster.shards)
    #expect(results.allSatisfy { $0.result == .done }, "\(results)")
    let before = seller.acknowledged.count
    try await wait("sales go on") { seller.acknowledged.count > before + 100 }
    await seller.stop()
    try await Self.check(seller, sale, replicas: 1)
    await cluster.stopAll()
  }

  /// Everything is still there after both nodes were stopped and started.
  @Test(.timeLimit(.minutes(1)), arguments: [false, true]) func restartKeepsAll(killed: Bool) async throws {
    let sale = try await Self.sale()
    let cluster = sale.cluster
    let seller = Seller(sale.event, of: cluster.id, on: sale.shard, seats: 0..<500, ports: Self.ports(cluster))
    seller.start()
    try await wait("all holds") { seller.acknowledged.count == 500 }
    await seller.stop()
    for name in ["n1", "n2"] {
      if killed { await cluster.kill(name) } else { await cluster.stop(name) }
    }
    for name in ["n1", "n2"] { try await cluster.start(name) }
    try await cluster.waitForRoles()
    try await Self.check(seller, sale)
    await cluster.stopAll()
  }

  /// A follower that comes back with an empty disk is brought up by snapshot and stream while the primary sells.
  @Test(.timeLimit(.minutes(1))) func emptyFollowerIsBroughtUp() async throws {
    let sale = try await Self.sale { $0.snapshotBytes = 64 << 10 }
    let cluster = sale.cluster
    let seller = Seller(sale.event, of: cluster.id, on: sale.shard, seats: 0..<100_000, ports: Self.ports(cluster))
    seller.start()
    try await wait("many holds") { seller.acknowledged.count > 2_000 }
    await cluster.kill(sale.follower)
    try FileManager.default.removeItem(atPath: cluster.root + "/" + sale.follower)
    try await cluster.start(sale.follower)
    try await cluster.waitForRoles(seconds: 30)
    let before = seller.acknowledged.count
    try await wait("sales go on") { seller.acknowledged.count > before + 100 || seller.acknowledged.count == 100_000 }
    await seller.stop()
    try await Self.check(seller, sale)
    await cluster.stopAll()
  }
}
