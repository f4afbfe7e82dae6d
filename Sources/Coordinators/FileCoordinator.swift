public import ClusterMap
internal import Glibc
public import Proto
internal import Synchronization
import Threads

/// The coordinator of a cluster on one machine: a directory that all its processes share. See `FileMap` for what lies
/// in it.
///
/// One thread does all file work and tells the watches; inotify wakes it, so a change is told within a millisecond or
/// so.
public final class FileCoordinator: Coordinator {
  private let worker: FileWorker

  /// - Parameter create: Whether the directory is made if it is not there; otherwise that is `unreachable`.
  public init(directory: String, create: Bool = true) throws(CoordinatorError) {
    worker = try FileWorker(map: FileMap(root: directory, create: create))
  }

  deinit { worker.stop() }

  public func close() { worker.stop() }

  /// Runs file work on the coordinator's thread.
  private func run<T: Sendable>(
    _ work: @escaping @Sendable (inout FileMap) throws(CoordinatorError) -> T
  ) async throws(CoordinatorError) -> T {
    let result: Result<T, CoordinatorError> = await handedOver { handOver in
      worker.submit { map in
        guard map != nil else { return handOver(.failure(.closed)) }
        do throws(CoordinatorError) {
          handOver(.success(try work(&map!)))
        } catch {
          handOver(.failure(error))
        }
      }
    }
    return try result.get()
  }

  public func birth() async throws(CoordinatorError) -> BirthRecord? {
    try await run { map throws(CoordinatorError) in try map.birth() }
  }

  public func birth(proposing record: BirthRecord) async throws(CoordinatorError) -> BirthRecord {
    try await run { map throws(CoordinatorError) in try map.birth(proposing: record) }
  }

  public func bind(to birth: BirthRecord) {
    worker.submit { $0?.bind(to: birth) }
  }

  public func read(_ shard: ShardID) async throws(CoordinatorError) -> MapRegister? {
    try await run { map throws(CoordinatorError) in
      try map.checkCluster()
      return try map.latest(shard)
    }
  }

  public func read(_ shards: [ShardID]) async throws(CoordinatorError) -> [ShardID: MapRegister] {
    try await run { map throws(CoordinatorError) in
      try map.checkCluster()
      var found: [ShardID: MapRegister] = [:]
      for shard in shards { found[shard] = try map.latest(shard) }
      return found
    }
  }

  public func readAll() async throws(CoordinatorError) -> [ShardID: MapRegister] {
    try await run { map throws(CoordinatorError) in
      try map.checkCluster()
      guard let birth = try map.birth() else { return [:] }
      var all: [ShardID: MapRegister] = [:]
      for shard in 0..<birth.shardCount { all[ShardID(UInt16(shard))] = try map.latest(ShardID(UInt16(shard))) }
      return all
    }
  }

  public func propose(_ entry: MapEntry, for shard: ShardID, expecting revision: UInt64) async -> ProposalResult {
    do throws(CoordinatorError) {
      return try await run { map throws(CoordinatorError) in
        try map.checkCluster()
        return map.propose(entry, for: shard, expecting: revision)
      }
    } catch {
      return .unsettled(error)
    }
  }

  public func watch(after revisions: [ShardID: UInt64], _ onChange: @escaping @Sendable (MapChange) -> Void) -> MapWatch
  {
    let cancelled = Flag()
    worker.add(FileWatch(told: revisions, cancelled: cancelled, onChange: onChange))
    return MapWatch { cancelled.raise() }
  }

  public func claim(_ node: NodeRecord, after current: NodeRecord?) async throws(CoordinatorError) -> ClaimResult {
    try await run { map throws(CoordinatorError) in try map.claim(node, after: current) }
  }

  @discardableResult
  public func register(_ node: NodeRecord) async throws(CoordinatorError) -> Bool {
    try await run { map throws(CoordinatorError) in try map.register(node) }
  }

  public func nodes() async throws(CoordinatorError) -> [NodeRecord] {
    try await run { map throws(CoordinatorError) in try map.nodes() }
  }

  public func register(_ router: RouterRecord) async throws(CoordinatorError) {
    try await run { map throws(CoordinatorError) in
      try map.put(router.text, as: fileName(router.key), in: "routers")
      try map.removeFormer(of: router, as: formerFileNames(router))
    }
  }

  public func unregister(_ router: RouterRecord) async throws(CoordinatorError) {
    try await run { map throws(CoordinatorError) in
      try map.remove(fileName(router.key), in: "routers")
      try map.removeFormer(of: router, as: formerFileNames(router))
    }
  }

  public func add(_ key: PassKeyRecord) async throws(CoordinatorError) {
    try await run { map throws(CoordinatorError) in
      try map.put(key.text, as: fileName(key.id), in: FileMap.passKeys, isSecret: true)
    }
  }

  public func removePassKey(_ id: String) async throws(CoordinatorError) {
    try await run { map throws(CoordinatorError) in try map.remove(fileName(id), in: FileMap.passKeys) }
  }

  public func passKeys() async throws(CoordinatorError) -> [PassKeyRecord] {
    try await run { map throws(CoordinatorError) in
      try map.texts(in: FileMap.passKeys).compactMap(PassKeyRecord.init(text:))
    }
  }

  public func routers() async throws(CoordinatorError) -> [RouterRecord] {
    try await run { map throws(CoordinatorError) in try map.texts(in: "routers").compactMap(RouterRecord.init(text:)) }
  }
}

/// A router's key as a file name: nothing that a file system may not like, not too long, and another for each key.
private func fileName(_ key: String) -> String { fileName(key, keeping: ".") }

/// Under which versions before this one wrote the router's record.
private func formerFileNames(_ router: RouterRecord) -> [String] {
  [router.formerKey, router.key].compactMap { $0 }.map { fileName($0, keeping: ".:") }.filter {
    $0 != fileName(router.key)
  }
}

private func fileName(_ address: String, keeping: String) -> String {
  let kept = String(
    address.map { $0.isASCII && ($0.isLetter || $0.isNumber || keeping.contains($0)) ? $0 : "_" }.prefix(100))
  guard kept != address else { return "at_" + kept }
  // FNV-1a: what was left out counts too.
  let hash = address.utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  return "at_" + kept + "_" + String(hash, radix: 16)
}

/// Goes up once and stays.
final class Flag: Sendable {
  private let raised = Atomic(false)
  func raise() { raised.store(true, ordering: .releasing) }
  var isRaised: Bool { raised.load(ordering: .acquiring) }
}
