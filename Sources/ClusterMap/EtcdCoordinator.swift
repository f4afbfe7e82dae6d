internal import EventLoop
public import Proto

/// The coordinator of a cluster on several machines: etcd's JSON gateway, version 3.
///
/// A register is a key, its revision the key's `mod_revision`, a proposal a transaction that compares it. One loop of its own carries all
/// connections. Nothing here needs a lease: who is alive is for the replicas to find out.
public final class EtcdCoordinator: Coordinator {
  private let loop: EventLoop
  private let client: EtcdClient
  private let state: LoopState
  private let keys: EtcdKeys

  /// Sendable without the compiler's check: touched on the loop's thread only.
  private final class LoopState: @unchecked Sendable {
    var watches: [EtcdWatch] = []
    var isClosed = false
  }

  /// - Parameters:
  ///   - endpoints: The members of one etcd cluster, `host:port` each; at least one.
  ///   - timeout: For one try at one endpoint. A proposal without an answer by then is unsettled.
  ///   - root: What all keys begin with; another one for another cluster in the same etcd.
  public init(
    endpoints: [String], timeout: Duration = .seconds(2), root: String = "holdfast/"
  ) throws(CoordinatorError) {
    keys = EtcdKeys(root: root)
    do throws(SocketError) {
      var addresses: [HostPort] = []
      for endpoint in endpoints { addresses.append(try HostPort(endpoint)) }
      loop = try EventLoop(name: "etcd")
      client = EtcdClient(loop: loop, endpoints: addresses, timeout: timeout)
      state = LoopState()
      try loop.start()
    } catch {
      throw .unreachable(error.description)
    }
  }

  deinit { close() }

  public func close() {
    let (loop, client, state) = (loop, client, state)
    loop.submit {
      guard !state.isClosed else { return }
      state.isClosed = true
      for watch in state.watches { watch.end() }
      client.close()
      loop.stop()
    }
  }

  private func call(_ path: String, _ body: JSONValue) async throws(CoordinatorError) -> JSONValue {
    let answer: EtcdClient.Answer = await handedOver { handOver in
      let (client, state) = (client, state)
      loop.submit {
        guard !state.isClosed else { return handOver(.failure(.closed)) }
        client.call(path, body, handOver)
      }
    }
    return try answer.get()
  }

  private func range(_ key: String, isPrefix: Bool = false) async throws(CoordinatorError) -> [EtcdValue] {
    // Linearizable unless asked otherwise: the answer is from a leader that a majority confirmed.
    let answer = try await call("/v3/kv/range", EtcdMessage.range(key, isPrefix: isPrefix))
    guard EtcdMessage.revision(answer) != nil else { throw .broken("etcd's answer has no revision") }
    return EtcdMessage.values(answer)
  }

  // MARK: Birth

  public func birth() async throws(CoordinatorError) -> BirthRecord? {
    guard let value = try await range(keys.birth).first else { return nil }
    guard let record = BirthRecord(text: value.value) else { throw .broken("the birth record cannot be understood") }
    return record
  }

  public func birth(proposing record: BirthRecord) async throws(CoordinatorError) -> BirthRecord {
    let body = EtcdMessage.compareAndSet(keys.birth, record.text, expecting: 0)
    guard let answer = EtcdMessage.compareAndSetAnswer(try await call("/v3/kv/txn", body)) else {
      throw .broken("etcd's answer to a transaction cannot be understood")
    }
    if answer.wonAt != nil { return record }
    guard let winner = answer.current.flatMap({ BirthRecord(text: $0.value) }) else {
      throw .broken("the birth record cannot be understood")
    }
    return winner
  }

  // MARK: Registers

  public func read(_ shard: ShardID) async throws(CoordinatorError) -> MapRegister? {
    guard let value = try await range(keys.register(shard)).first else { return nil }
    guard let (_, register) = keys.register(value) else {
      throw .broken("shard \(shard.rawValue)'s register cannot be understood")
    }
    return register
  }

  public func readAll() async throws(CoordinatorError) -> [ShardID: MapRegister] {
    var all: [ShardID: MapRegister] = [:]
    for value in try await range(keys.map, isPrefix: true) {
      guard let (shard, register) = keys.register(value) else { throw .broken("\(value.key) cannot be understood") }
      all[shard] = register
    }
    return all
  }

  public func propose(_ entry: MapEntry, for shard: ShardID, expecting revision: UInt64) async -> ProposalResult {
    do throws(CoordinatorError) {
      let body = EtcdMessage.compareAndSet(keys.register(shard), entry.text, expecting: revision)
      guard let answer = EtcdMessage.compareAndSetAnswer(try await call("/v3/kv/txn", body)) else {
        return .unsettled(.broken("etcd's answer to a transaction cannot be understood"))
      }
      if let won = answer.wonAt { return .won(MapRegister(revision: won, entry: entry)) }
      guard let current = answer.current else { return .lost(current: nil) }
      guard let (_, register) = keys.register(current) else {
        return .unsettled(.broken("\(current.key) cannot be understood"))
      }
      // Ours: it had won before, and the answer was lost.
      return register.entry.proposal == entry.proposal ? .won(register) : .lost(current: register)
    } catch {
      return .unsettled(error)
    }
  }

  public func watch(after revisions: [ShardID: UInt64], _ onChange: @escaping @Sendable (MapChange) -> Void) -> MapWatch
  {
    let cancelled = Flag()
    let (loop, client, state, keys) = (loop, client, state, keys)
    loop.submit {
      guard !state.isClosed, !cancelled.isRaised else { return }
      let watch = EtcdWatch(client: client, keys: keys, told: revisions, cancelled: cancelled, onChange: onChange) {
        ended in
        state.watches.removeAll { $0 === ended }
      }
      state.watches.append(watch)
      watch.begin()
    }
    return MapWatch {
      cancelled.raise()
      loop.submit { for watch in state.watches where watch.isCancelled { watch.end() } }
    }
  }

  // MARK: Nodes, routers

  public func register(_ node: NodeRecord) async throws(CoordinatorError) {
    _ = try await call("/v3/kv/put", EtcdMessage.put(keys.nodes + node.name.description, node.text))
  }

  public func nodes() async throws(CoordinatorError) -> [NodeRecord] {
    try await range(keys.nodes, isPrefix: true).compactMap { NodeRecord(text: $0.value) }
  }

  public func register(_ router: RouterRecord) async throws(CoordinatorError) {
    _ = try await call("/v3/kv/put", EtcdMessage.put(keys.routers + router.http, router.text))
  }

  public func unregister(router http: String) async throws(CoordinatorError) {
    _ = try await call("/v3/kv/deleterange", EtcdMessage.delete(keys.routers + http))
  }

  public func routers() async throws(CoordinatorError) -> [RouterRecord] {
    try await range(keys.routers, isPrefix: true).compactMap { RouterRecord(text: $0.value) }
  }
}
