public import ClusterMap
internal import EventLoop
public import Proto
import Threads

/// The coordinator of a cluster on several machines: etcd's JSON gateway, version 3.
///
/// A register is a key, its revision the key's `mod_revision`, a proposal a transaction that compares it. One loop of
/// its own carries all connections. Nothing here needs a lease: who is alive is for the replicas to find out.
public final class EtcdCoordinator: Coordinator {
  private let loop: EventLoop
  private let client: EtcdClient
  private let state: LoopState
  private let keys: EtcdKeys
  /// The only cluster that registers are read and written for.
  private let boundTo = Lock<BirthRecord?>(nil)

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

  public func bind(to birth: BirthRecord) { boundTo.withLock { $0 = birth } }

  /// Reads registers, and whether they are the cluster's to which this is bound.
  private func registers(_ key: String, isPrefix: Bool) async throws(CoordinatorError) -> [EtcdValue] {
    guard let bound = boundTo.withLock({ $0 }) else { return try await range(key, isPrefix: isPrefix) }
    let answer = try await call("/v3/kv/txn", EtcdMessage.read(key, isPrefix: isPrefix, with: keys.birth))
    let reads = EtcdMessage.reads(answer)
    guard reads.count == 2 else { throw .broken("etcd's answer to a transaction cannot be understood") }
    let found = reads[1].first.flatMap { BirthRecord(text: $0.value) }
    guard found?.cluster == bound.cluster else { throw .otherCluster(found: found) }
    return reads[0]
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
    guard let value = try await registers(keys.register(shard), isPrefix: false).first else { return nil }
    guard let (_, register) = keys.register(value) else {
      throw .broken("shard \(shard.rawValue)'s register cannot be understood")
    }
    return register
  }

  public func read(_ shards: [ShardID]) async throws(CoordinatorError) -> [ShardID: MapRegister] {
    if shards.count == 1 { return try await read(shards[0]).map { [shards[0]: $0] } ?? [:] }
    return try await readAll()
  }

  public func readAll() async throws(CoordinatorError) -> [ShardID: MapRegister] {
    var all: [ShardID: MapRegister] = [:]
    for value in try await registers(keys.map, isPrefix: true) {
      guard let (shard, register) = keys.register(value) else { throw .broken("\(value.key) cannot be understood") }
      all[shard] = register
    }
    return all
  }

  public func propose(_ entry: MapEntry, for shard: ShardID, expecting revision: UInt64) async -> ProposalResult {
    do throws(CoordinatorError) {
      let bound = boundTo.withLock { $0 }
      let body = EtcdMessage.compareAndSet(
        keys.register(shard), entry.text, expecting: revision,
        if: bound.map { EtcdMessage.Condition(key: keys.birth, text: $0.text) })
      let json = try await call("/v3/kv/txn", body)
      guard let answer = EtcdMessage.compareAndSetAnswer(json) else {
        return .unsettled(.broken("etcd's answer to a transaction cannot be understood"))
      }
      if let bound, answer.wonAt == nil {
        let found = EtcdMessage.reads(json).last?.first.flatMap { BirthRecord(text: $0.value) }
        guard found?.cluster == bound.cluster else { return .unsettled(.otherCluster(found: found)) }
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

  public func claim(_ node: NodeRecord, after current: NodeRecord?) async throws(CoordinatorError) -> ClaimResult {
    let key = keys.nodes + node.name.description
    let value = try await range(key).first
    let newest = value.flatMap { NodeRecord(text: $0.value) }
    guard newest == current, node.start > newest?.start ?? 0 else { return .lost(newest) }
    let body = EtcdMessage.compareAndSet(key, node.text, expecting: value?.revision ?? 0)
    guard let answer = EtcdMessage.compareAndSetAnswer(try await call("/v3/kv/txn", body)) else {
      throw .broken("etcd's answer to a transaction cannot be understood")
    }
    if answer.wonAt != nil { return .taken }
    let winner = answer.current.flatMap { NodeRecord(text: $0.value) }
    // Ours: it was taken before, and the answer was lost.
    return winner == node ? .taken : .lost(winner)
  }

  @discardableResult
  public func register(_ node: NodeRecord) async throws(CoordinatorError) -> Bool {
    let key = keys.nodes + node.name.description
    for _ in 0..<8 {
      let value = try await range(key).first
      if let newest = value.flatMap({ NodeRecord(text: $0.value) }), newest.start > node.start { return false }
      let body = EtcdMessage.compareAndSet(key, node.text, expecting: value?.revision ?? 0)
      if EtcdMessage.compareAndSetAnswer(try await call("/v3/kv/txn", body))?.wonAt != nil { return true }
    }
    throw .unreachable("the record of \(node.name) is written by others all the time")
  }

  public func nodes() async throws(CoordinatorError) -> [NodeRecord] {
    try await range(keys.nodes, isPrefix: true).compactMap { NodeRecord(text: $0.value) }
  }

  public func register(_ router: RouterRecord) async throws(CoordinatorError) {
    _ = try await call("/v3/kv/put", EtcdMessage.put(keys.routers + router.key, router.text))
    try await removeFormer(of: router)
  }

  public func unregister(_ router: RouterRecord) async throws(CoordinatorError) {
    _ = try await call("/v3/kv/deleterange", EtcdMessage.delete(keys.routers + router.key))
    try await removeFormer(of: router)
  }

  /// Removes what a former version wrote of the same router.
  private func removeFormer(of router: RouterRecord) async throws(CoordinatorError) {
    guard let key = router.formerKey.map({ keys.routers + $0 }),
      let found = try await range(key).first.flatMap({ RouterRecord(text: $0.value) }), found.isFormer(of: router)
    else { return }
    _ = try await call("/v3/kv/deleterange", EtcdMessage.delete(key))
  }

  public func add(_ key: PassKeyRecord) async throws(CoordinatorError) {
    _ = try await call("/v3/kv/put", EtcdMessage.put(keys.passKeys + key.id, key.text))
  }

  public func removePassKey(_ id: String) async throws(CoordinatorError) {
    _ = try await call("/v3/kv/deleterange", EtcdMessage.delete(keys.passKeys + id))
  }

  public func passKeys() async throws(CoordinatorError) -> [PassKeyRecord] {
    try await range(keys.passKeys, isPrefix: true).compactMap { PassKeyRecord(text: $0.value) }
  }

  public func routers() async throws(CoordinatorError) -> [RouterRecord] {
    try await range(keys.routers, isPrefix: true).compactMap { RouterRecord(text: $0.value) }
  }
}
