import Octets
import Proto
import RouterCore
import TestKit
import Time

/// Two nodes with two loops each, four shards, eight clients, one forwarder: everything random that may happen to them.
struct ForwarderWorld {
  struct Sent: Hashable {
    var client: Int
    var number: Int
  }
  struct Link {
    var node: Int
    var loop: Int
    /// Frames on their way to the node.
    var inbox: [[UInt8]] = []
    var isStopped = false
  }

  var random: SeededRandom
  var forwarder: Forwarder
  var now: MonotonicTime = 0
  var problems: [String] = []
  var submitted = 0
  var completed = 0

  private var links: [LinkID: Link] = [:]
  private var nextLink: UInt32 = 1
  private var primaries = [0, 1, 0, 1]
  private var epochs: [UInt64] = [1, 1, 1, 1]
  /// Shards whose map entry changed and that the router has not heard of.
  private var news: Set<Int> = []
  /// What each shard executed, in order.
  private var logs: [[Sent]] = [[], [], [], []]
  private var executed: [Set<Sent>] = [[], [], [], []]
  /// Per client: its commands without a completion, and its next number.
  private var outstanding: [Int: Set<Int>] = [:]
  private var nextNumber: [Int] = Array(repeating: 0, count: 8)
  private let nodes = [NodeName("n0")!, NodeName("n1")!]

  init(seed: UInt64) {
    random = SeededRandom(seed: seed)
    forwarder = Forwarder(router: seed, shardCount: 4)
    for shard in 0..<4 { announce(shard) }
    for node in 0..<2 { for loop in 0..<2 { connect(node, loop) } }
  }

  var executedCount: Int { logs.reduce(0) { $0 + $1.count } }

  private mutating func announce(_ shard: Int) {
    forwarder.mapChanged(ShardID(UInt16(shard)), epoch: epochs[shard], primary: nodes[primaries[shard]], now: now)
    closeLinks()
  }

  private mutating func closeLinks() {
    for link in forwarder.takeLinksToClose() {
      guard let lost = links.removeValue(forKey: link) else { continue }
      connect(lost.node, lost.loop)
    }
  }

  private mutating func connect(_ node: Int, _ loop: Int) {
    let id = LinkID(nextLink)
    nextLink += 1
    links[id] = Link(node: node, loop: loop)
    forwarder.linkUp(id, node: nodes[node], loop: loop, loopCount: 2)
  }

  private var linkIDs: [LinkID] { links.keys.sorted { $0.rawValue < $1.rawValue } }

  private mutating func someLink() -> LinkID? { linkIDs.randomElement(using: &random) }

  mutating func step() throws {
    now += Milliseconds(.random(in: 0...20, using: &random))
    if random.chance(1), let link = someLink() {
      // Lost: the node may still have read some of it.
      if random.chance(50) { try serve(link, count: .random(in: 0...3, using: &random), replies: false) }
      if let lost = links.removeValue(forKey: link) {
        forwarder.linkDown(link)
        connect(lost.node, lost.loop)
      }
    }
    if random.chance(2), let link = someLink() { links[link]!.isStopped.toggle() }
    if random.chance(1) {
      let shard = Int.random(in: 0..<4, using: &random)
      primaries[shard] = 1 - primaries[shard]
      epochs[shard] += 1
      news.insert(shard)
    }
    if let shard = news.min(), random.chance(20) {
      news.remove(shard)
      announce(shard)
    }
    submitSome()
    flush()
    if let link = someLink(), !links[link]!.isStopped { try serve(link, count: 2, replies: true) }
    forwarder.tick(now: now)
    collect()
  }

  private mutating func flush() {
    var frames: [(LinkID, [UInt8])] = []
    forwarder.flush(now: now) { frames.append(($0, copy $1)) }
    for (link, bytes) in frames { links[link]?.inbox.append(bytes) }
  }

  /// A client submits only when all it submitted before is answered: what the doors do.
  private mutating func submitSome() {
    for client in 0..<8 where outstanding[client, default: []].isEmpty && random.chance(30) {
      for _ in 0..<Int.random(in: 1...5, using: &random) {
        let shard = Int.random(in: 0..<4, using: &random)
        let number = nextNumber[client]
        let key = Bytes([UInt8(client), UInt8(number & 255), UInt8(number >> 8)])
        let handle = RequestHandle(UInt64(client) << 32 | UInt64(number))
        let isTaken = forwarder.submit(.command, to: ShardID(UInt16(shard)), handle: handle, now: now) {
          Command.tick.encode(key: key, into: &$0)
        }
        guard isTaken else { continue }
        nextNumber[client] += 1
        submitted += 1
        outstanding[client, default: []].insert(number)
      }
    }
  }

  private mutating func serve(_ id: LinkID, count: Int, replies: Bool, faults: Bool = true) throws {
    for _ in 0..<count {
      guard links[id]?.inbox.isEmpty == false else { return }
      let frame = links[id]!.inbox.removeFirst()
      let node = links[id]!.node
      let header = try WireFrame(header: frame.rawSpan)
      let shard = Int(header.shard.rawValue)
      var reader = ByteReader(try header.body(of: frame.rawSpan))
      var body: [UInt8] = []
      let executes = primaries[shard] == node && !(faults && random.chance(5))
      let granted = Outcome.Held(
        id: HoldID(shard: header.shard, slot: 1, sequence: 2, secret: 3), expiresAt: Stamp(now.rawValue), total: 4,
        version: 5)
      let says: Reply =
        !executes
        ? .failed(.notPrimary)
        : faults && random.chance(5) ? .failed(.unknown) : .outcome(random.chance(50) ? .held(granted) : .noted)
      while reader.bytesLeft > 0 {
        let request = try Request(decoding: &reader)
        let record = try CommandRecord(decoding: &reader)
        let key = Bytes(record.key).array
        if executes { execute(Sent(client: Int(key[0]), number: Int(key[1]) | Int(key[2]) << 8), shard) }
        says.encode(id: request.id, into: &body)
      }
      if replies { try forwarder.receive(replies: body.rawSpan, from: id, shard: header.shard, now: now) }
    }
  }

  private mutating func execute(_ command: Sent, _ shard: Int) {
    guard executed[shard].insert(command).inserted else { return }
    if let last = logs[shard].last(where: { $0.client == command.client }), last.number > command.number {
      problems.append("shard \(shard): client \(command.client): \(command.number) after \(last.number)")
    }
    logs[shard].append(command)
  }

  private mutating func collect() {
    var results: [Completion] = []
    forwarder.takeCompletions(into: &results)
    var held: [HeldCompletion] = []
    forwarder.takeHeld(into: &held)
    results += held.map { Completion(handle: $0.handle, result: .outcome(.held($0.held))) }
    for result in results {
      let client = Int(result.handle.rawValue >> 32)
      let number = Int(result.handle.rawValue & 0xFFFF_FFFF)
      if outstanding[client, default: []].remove(number) == nil { problems.append("two completions for \(result)") }
      completed += 1
      let happened = executed.contains { $0.contains(Sent(client: client, number: number)) }
      switch result.result {
      case .outcome: if !happened { problems.append("a yes for what did not happen") }
      case .unavailable: if happened { problems.append("unavailable, but it happened") }
      case .unknown: break
      default: problems.append("unexpected \(result)")
      }
    }
  }

  /// Without further faults everything must end.
  mutating func settle() throws {
    for id in linkIDs { links[id]!.isStopped = false }
    for shard in news.sorted() { announce(shard) }
    news = []
    for _ in 0..<100 {
      for id in linkIDs { try serve(id, count: 100, replies: true, faults: false) }
      now += 200
      forwarder.tick(now: now)
      flush()
      collect()
    }
    if forwarder.pendingCount != 0 { problems.append("\(forwarder.pendingCount) numbers never came back") }
  }
}
