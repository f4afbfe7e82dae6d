import ClusterMap
import Coordinators
import EventLoop
import Octets
import Proto
import Threads

/// Batches of one-seat holds, sent to a shard's primary over the router's own protocol: what a node can take when
/// nothing stands before it.
struct NativeRun {
  let plan: LoadPlan
  let coordinator: String

  func carryOut() throws -> Report {
    let place = try findPrimary()
    let loop = try EventLoop(name: "native")
    try loop.start()
    defer {
      loop.stop()
      loop.join()
    }
    let result = Monitor<Result<Report, LoadError>?>(nil)
    let link = NativeLink(plan: plan, cluster: place.cluster, shard: place.shard) { outcome in
      result.withLock { $0 = outcome }
      result.wakeAll()
    }
    var options = ConnectionOptions()
    options.inputLimit = WireFrame.bodyBytesMax + WireFrame.headerBytes
    loop.submit { [options] in loop.connect(to: place.address, options: options, handler: link) }
    var report = try result.wait { $0 }.get()
    (report.door, report.scenario) = ("router's protocol", "batches of \(plan.batch), \(plan.inFlight) under way")
    (report.connections, report.pipeline) = (1, plan.batch)
    return report
  }

  private func findPrimary() throws -> (cluster: UInt64, shard: ShardID, address: HostPort) {
    guard let address = CoordinatorAddress(coordinator) else {
      throw LoadError(description: "\"\(coordinator)\" is no coordinator: file:DIR or etcd:http://HOST:PORT")
    }
    let map = try address.open()
    defer { map.close() }
    let found = Monitor<Result<(UInt64, ShardID, HostPort), LoadError>?>(nil)
    let event = plan.events.prefix
    Task.detached {
      let outcome: Result<(UInt64, ShardID, HostPort), LoadError>
      do {
        guard let birth = try await map.birth() else { throw LoadError(description: "the cluster was never born") }
        let shard = ShardID.owning(event: Bytes(event).rawSpan, shardCount: birth.shardCount)
        guard let register = try await map.read(shard) else { throw LoadError(description: "the shard has no primary") }
        guard let node = try await map.nodes().first(where: { $0.name == register.entry.primary.node }) else {
          throw LoadError(description: "no address of node \(register.entry.primary.node)")
        }
        outcome = .success((birth.cluster, shard, try HostPort(node.address)))
      } catch {
        outcome = .failure(LoadError(description: "\(error)"))
      }
      found.withLock { $0 = outcome }
      found.wakeAll()
    }
    let (cluster, shard, host) = try found.wait { $0 }.get()
    return (cluster, shard, host)
  }
}

/// The connection: hello, the event's place, then batches.
///
/// Unchecked: touched on its loop's thread only.
private final class NativeLink: ConnectionHandler, @unchecked Sendable {
  private let plan: LoadPlan
  private let cluster: UInt64
  private let shard: ShardID
  private var finished: ((Result<Report, LoadError>) -> Void)?
  private var report = Report()
  private var event: EventRef?
  private var begin: UInt64 = 0
  private var sent = 0
  private var answered = 0
  private let buyer = Bytes("buyer001")
  /// About what a request of one hold takes.
  private static let holdBytes = 80
  /// When each batch under way was sent, and how many of its answers are missing; oldest first.
  private var batches: [(sentAt: UInt64, left: Int)] = []

  init(
    plan: LoadPlan, cluster: UInt64, shard: ShardID, finished: @escaping @Sendable (Result<Report, LoadError>) -> Void
  ) {
    (self.plan, self.cluster, self.shard, self.finished) = (plan, cluster, shard, finished)
  }

  func opened(_ connection: Connection) {
    connection.write { out in
      WireFrame.encode(.routerHello, into: &out) {
        RouterHello(cluster: cluster, router: monotonicNanoseconds() | 1, connection: 1, loop: shard.rawValue).encode(
          into: &$0)
      }
      WireFrame.encode(.requests, shard: shard, into: &out) { body in
        Request.encodeHeader(id: 1, what: .query, into: &body)
        Query.event(id: Bytes(plan.events.prefix)).encode(into: &body)
      }
    }
  }

  func received(_ bytes: RawSpan, on connection: Connection) -> Int {
    var offset = 0
    do throws(DecodeError) {
      while bytes.byteCount - offset >= WireFrame.headerBytes {
        let rest = bytes.extracting(offset..<bytes.byteCount)
        let frame = try WireFrame(header: rest)
        guard rest.byteCount >= WireFrame.headerBytes + frame.bodyBytes else { break }
        if frame.kind == .replies { try replies(frame.body(of: rest), connection) }
        offset += WireFrame.headerBytes + frame.bodyBytes
      }
    } catch {
      fail("the node's answer makes no sense: \(error)", connection)
      return bytes.byteCount
    }
    return offset
  }

  private func replies(_ body: RawSpan, _ connection: Connection) throws(DecodeError) {
    var reader = ByteReader(body)
    while reader.bytesLeft > 0 {
      // The tool shares the processors with what it measures: the answer that it expects costs it next to nothing.
      if event != nil, reader.skipHeldReply() {
        report.ok += 1
        answered(1)
        continue
      }
      let (_, reply) = try Proto.Reply.decode(&reader)
      guard event != nil else {
        guard case .answer(.event(let info)) = reply else { return fail("no event: \(reply)", connection) }
        event = info.ref
        begin = monotonicNanoseconds()
        return fill(connection)
      }
      switch reply {
      case .outcome(.held): report.ok += 1
      case .outcome(.refused): report.refused += 1
      case .outcome, .repeated, .answer, .failed: report.errors += 1
      }
      answered(1)
    }
    fill(connection)
    if answered == plan.holds { end(connection) }
  }

  private func answered(_ count: Int) {
    answered += count
    batches[0].left -= count
    if batches[0].left == 0 {
      report.latency.record(monotonicNanoseconds() &- batches[0].sentAt)
      batches.removeFirst()
    }
  }

  private func fill(_ connection: Connection) {
    guard let event else { return }
    while batches.count < plan.inFlight, sent < plan.holds {
      let count = min(plan.batch, plan.holds - sent)
      connection.write { out in
        WireFrame.encode(.requests, shard: shard, into: &out) { body in
          body.reserveCapacity(body.count + count * Self.holdBytes)
          for number in sent..<(sent + count) { hold(number, of: event, into: &body) }
        }
      }
      sent += count
      batches.append((monotonicNanoseconds(), count))
    }
  }

  private func hold(_ number: Int, of event: EventRef, into body: inout [UInt8]) {
    let (word, buyer) = (UInt64(number), buyer)
    Request.encodeHeader(id: UInt32(truncatingIfNeeded: number + 2), what: .command, into: &body)
    SmallHold(
      event: event, ttl: 0, secret: mix64(word), choice: .seat(SeatIndex(UInt32(truncatingIfNeeded: number)))
    ).encode(buyer: buyer.rawSpan, routerKey: (0x6C6F_6164, word | plan.seed << 40), into: &body)
  }

  private func end(_ connection: Connection) {
    report.seconds = Double(monotonicNanoseconds() &- begin) / 1e9
    finished?(.success(report))
    finished = nil
    connection.close()
  }

  private func fail(_ text: String, _ connection: Connection) {
    finished?(.failure(LoadError(description: text)))
    finished = nil
    connection.abort()
  }

  func closed(_ connection: Connection, reason: CloseReason) {
    finished?(.failure(LoadError(description: "no connection: \(reason)")))
    finished = nil
  }
}
