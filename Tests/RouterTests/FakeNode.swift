import EventLoop
import Inventory
import Octets
import Proto
import Threads
import Time

/// A node without log and follower: real inventories behind the router's protocol, and knobs for what may go wrong.
final class FakeNode: @unchecked Sendable {
  // Sendable: all but the lets is touched on `loop` only.
  let name: NodeName
  let shardCount: Int
  let loopCount: Int
  let loop: EventLoop
  private let listener: Listener
  fileprivate var world: World
  fileprivate var links: [ObjectIdentifier: Link] = [:]
  /// Shards that this node is primary of.
  fileprivate var primaryOf: Set<UInt16> = []
  /// Requests are read and not answered.
  fileprivate var isSilent = false
  /// Says `unknown` to all commands, after applying them.
  fileprivate var saysUnknown = false
  fileprivate var failure: Reply.Failure?
  /// What becomes of hellos, replies and feeds before they are framed.
  fileprivate var mangle: ((inout [UInt8]) -> Void)?
  /// What arrived, for the tests.
  fileprivate var frameCount = 0
  fileprivate var requestCount = 0
  fileprivate var keys: [Bytes] = []

  /// The shards' state, which two fake nodes share: replication without a replica.
  final class World: @unchecked Sendable {
    let state: Lock<[Inventory]>
    init(shardCount: Int) { state = Lock((0..<shardCount).map { Inventory(shard: ShardID(UInt16($0))) }) }
    var now: Stamp { wallClock() }

    /// As after a restore from an empty backup.
    func forget() {
      state.withLock { state in
        for shard in state.indices { state[shard] = Inventory(shard: ShardID(UInt16(shard))) }
      }
    }
  }

  init(_ name: String, world: World, shardCount: Int, loopCount: Int = 2) throws {
    (self.name, self.world, self.shardCount, self.loopCount) = (NodeName(Bytes(name))!, world, shardCount, loopCount)
    loop = try EventLoop(name: name)
    try loop.start()
    listener = try Listener.bind(host: "127.0.0.1", port: 0)
    var options = ConnectionOptions()
    options.inputLimit = 80 << 20
    listener.start(on: loop, options: options) { [unowned self] connection in Link(node: self, connection: connection) }
    loop.submit { [self] in feedFresh() }
  }

  var address: String { listener.address.description }

  /// Runs `body` on the node's loop and waits for it.
  func sync<R: Sendable>(_ body: @escaping @Sendable (FakeNode) -> R) async -> R {
    await loop.perform { [self] in body(self) }
  }

  /// On the loop.
  func become(primaryOf shards: [UInt16]) { primaryOf.formUnion(shards) }
  func resign(_ shards: [UInt16]) { primaryOf.subtract(shards) }
  func setSilent(_ value: Bool) async { await sync { $0.isSilent = value } }
  func setSaysUnknown(_ value: Bool) async { await sync { $0.saysUnknown = value } }
  func setFailure(_ value: Reply.Failure?) async { await sync { $0.failure = value } }
  func setMangle(_ value: (@Sendable (inout [UInt8]) -> Void)?) async { await sync { $0.mangle = value } }
  func frames() async -> (frames: Int, requests: Int) { await sync { ($0.frameCount, $0.requestCount) } }
  func dropLinks() async { await sync { node in for link in node.links.values { link.connection.abort() } } }
  func stop() {
    listener.stop()
    loop.stop()
    loop.join()
  }

  private func feedFresh() {
    for link in links.values {
      for shard in Set(link.watched.map(\.shard)) {
        var frame: [UInt8] = []
        WireFrame.encode(.feedFresh, shard: shard, into: &frame) { _ in }
        link.connection.write(frame)
      }
    }
    loop.schedule(after: .milliseconds(50)) { [unowned self] in feedFresh() }
  }

  struct Watched: Hashable {
    var shard: ShardID
    var event: Bytes
  }

  final class Link: ConnectionHandler {
    let node: FakeNode
    let connection: Connection
    var watched: Set<Watched> = []
    var hello: RouterHello?

    init(node: FakeNode, connection: Connection) { (self.node, self.connection) = (node, connection) }

    func opened(_ connection: Connection) { node.links[ObjectIdentifier(self)] = self }
    func closed(_ connection: Connection, reason: CloseReason) { node.links[ObjectIdentifier(self)] = nil }

    func received(_ bytes: RawSpan, on connection: Connection) -> Int {
      var consumed = 0
      while bytes.byteCount - consumed >= WireFrame.headerBytes {
        let rest = bytes.extracting(consumed..<bytes.byteCount)
        guard let frame = try? WireFrame(header: rest), rest.byteCount >= WireFrame.headerBytes + frame.bodyBytes
        else { break }
        do { try take(frame, try frame.body(of: rest)) } catch { connection.abort() }
        consumed += WireFrame.headerBytes + frame.bodyBytes
      }
      return consumed
    }

    private func take(_ frame: WireFrame, _ body: RawSpan) throws {
      var reader = ByteReader(body)
      if frame.kind == .routerHello {
        hello = try RouterHello(decoding: &reader)
        var out: [UInt8] = []
        WireFrame.encode(.nodeHello, into: &out) {
          var hello: [UInt8] = []
          NodeHello(node: node.name.bytes, shardCount: UInt16(node.shardCount), loopCount: UInt16(node.loopCount))
            .encode(into: &hello)
          node.mangle?(&hello)
          $0.append(contentsOf: hello)
        }
        connection.write(out)
        return
      }
      guard frame.kind == .requests else { return }
      // A node that lies about its loops is asked where it said.
      let isRight = Int(hello!.loop) == Int(frame.shard.rawValue) % node.loopCount
      precondition(isRight || node.mangle != nil, "a shard's requests go to its loop")
      node.frameCount += 1
      var replies: [UInt8] = []
      var updates: [FeedUpdate] = []
      let shard = Int(frame.shard.rawValue)
      try node.world.state.withLock { world in
        _ = world[shard].advance(to: node.world.now)
        while reader.bytesLeft > 0 {
          let request = try Request(decoding: &reader)
          node.requestCount += 1
          answer(request, &reader, &world[shard], &replies, frame.shard)
        }
        updates = world[shard].takeFeedUpdates()
      }
      guard !node.isSilent else { return }
      for link in node.links.values {
        var out: [UInt8] = []
        WireFrame.encode(.feed, shard: frame.shard, into: &out) { out in
          var body: [UInt8] = []
          for update in updates { update.encode(into: &body) }
          node.mangle?(&body)
          out.append(contentsOf: body)
        }
        if !updates.isEmpty, link.watched.contains(where: { $0.shard == frame.shard }) { link.connection.write(out) }
      }
      node.mangle?(&replies)
      var out: [UInt8] = []
      WireFrame.encode(.replies, shard: frame.shard, into: &out) { $0.append(contentsOf: replies) }
      connection.write(out)
    }

    /// As a primary does when an event gets a waiting room.
    private func openRooms(_ inventory: inout Inventory) {
      guard inventory.hasUnopenedQueues else { return }
      var desk = QueueDesk()
      for command in desk.decide(inventory, at: MonotonicTime(1_000), secret: (1, 2, 3, 4)) {
        var bytes: [UInt8] = []
        command.encode(into: &bytes)
        var reader = ByteReader(bytes.rawSpan)
        if let record = try? CommandRecord(decoding: &reader) { _ = inventory.apply(record) }
      }
    }

    private func answer(
      _ request: Request, _ reader: inout ByteReader, _ inventory: inout Inventory, _ out: inout [UInt8],
      _ shard: ShardID
    ) {
      do {
        switch request.what {
        case .command:
          let record = try CommandRecord(decoding: &reader)
          guard node.primaryOf.contains(shard.rawValue) else {
            return Reply.failed(.notPrimary).encode(id: request.id, into: &out)
          }
          if let failure = node.failure { return Reply.failed(failure).encode(id: request.id, into: &out) }
          node.keys.append(Bytes(record.key))
          let applied = inventory.apply(record)
          openRooms(&inventory)
          let isRepeat = applied.isRepeat && !record.keyIsFromRouter
          let reply: Reply =
            node.saysUnknown
            ? .failed(.unknown) : isRepeat ? .repeated(applied.outcome) : .outcome(applied.outcome)
          reply.encode(id: request.id, into: &out)
        case .query:
          let query = try Query(decoding: &reader)
          guard node.primaryOf.contains(shard.rawValue) else {
            return Reply.failed(.notPrimary).encode(id: request.id, into: &out)
          }
          let answer = inventory.answer(query)
          if case .subscribe(let id) = query, case .subscribed = answer {
            if watched.insert(Watched(shard: shard, event: id)).inserted { inventory.watch(id) }
          }
          if case .unsubscribe(let id) = query, watched.remove(Watched(shard: shard, event: id)) != nil {
            if case .terms(let ref, _, _) = inventory.answer(.terms(id: id)) { inventory.unwatch(ref) }
          }
          Reply.answer(answer).encode(id: request.id, into: &out)
        }
      } catch {
        connection.abort()
      }
    }
  }
}
