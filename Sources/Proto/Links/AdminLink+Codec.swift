public import Octets

/// Bytes of the admin messages.
///
/// Lists begin with a `u32` count, at most 65,536 (as many as there can be shards); texts are `u8` length and bytes,
/// and are cut at 255 when they are written.
private let listMax = 65_536

extension AdminRequest {
  public func encode(into out: inout [UInt8]) {
    switch self {
    case .status(let digests):
      out.append(1)
      out.put(UInt32(digests.count))
      for query in digests {
        out.put(query.shard.rawValue)
        out.put(query.index)
      }
    case .drain(let shards, let deadline):
      out.append(2)
      out.put(deadline)
      out.put(shards)
    case .takeOver(let dead, let shards, let deadline):
      out.append(3)
      out.put(deadline)
      out.putShort(dead.bytes)
      out.put(shards)
    case .acceptLoss(let shards, let deadline):
      out.append(4)
      out.put(deadline)
      out.put(shards)
    }
  }

  /// Reads a frame's whole body.
  public init(decoding reader: inout ByteReader) throws(DecodeError) {
    switch try reader.u8() {
    case 1:
      let count = try reader.count(limit: listMax, field: "digest queries")
      var digests: [DigestQuery] = []
      for _ in 0..<count { digests.append(DigestQuery(shard: ShardID(try reader.u16()), index: try reader.u64())) }
      self = .status(digests: digests)
    case 2:
      let deadline = try reader.u32()
      self = .drain(shards: try reader.shards(), deadline: deadline)
    case 3:
      let deadline = try reader.u32()
      let dead = try NodeName(decoding: &reader)
      self = .takeOver(dead: dead, shards: try reader.shards(), deadline: deadline)
    case 4:
      let deadline = try reader.u32()
      self = .acceptLoss(shards: try reader.shards(), deadline: deadline)
    default: throw .invalid(field: "admin request")
    }
    try reader.finish()
  }
}

extension AdminReply {
  public func encode(into out: inout [UInt8]) {
    switch self {
    case .status(let status):
      out.append(1)
      status.encode(into: &out)
    case .shards(let results):
      out.append(2)
      out.put(UInt32(results.count))
      for result in results {
        out.put(result.shard.rawValue)
        out.append(result.result.rawValue)
        out.put(result.epoch)
        out.putText(result.text)
      }
    case .refused(let text):
      out.append(3)
      out.putText(text)
    }
  }

  /// Reads a frame's whole body.
  public init(decoding reader: inout ByteReader) throws(DecodeError) {
    switch try reader.u8() {
    case 1: self = .status(try NodeStatus(decoding: &reader))
    case 2:
      let count = try reader.count(limit: listMax, field: "shard results")
      var results: [ShardResult] = []
      for _ in 0..<count {
        let shard = ShardID(try reader.u16())
        guard let result = ShardResult.Result(rawValue: try reader.u8()) else { throw .invalid(field: "shard result") }
        let epoch = try reader.u64()
        results.append(ShardResult(shard: shard, result: result, epoch: epoch, text: try reader.shortBytes()))
      }
      self = .shards(results)
    case 3: self = .refused(try reader.shortBytes())
    default: throw .invalid(field: "admin reply")
    }
    try reader.finish()
  }
}

extension NodeStatus {
  func encode(into out: inout [UInt8]) {
    out.putShort(node.bytes)
    out.put(cluster)
    out.put(disk)
    out.put(pid)
    out.append(state.rawValue)
    out.putText(reason)
    out.put(UInt32(replicas.count))
    for replica in replicas { replica.encode(into: &out) }
  }

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    let node = try NodeName(decoding: &reader)
    let cluster = try reader.u64()
    let disk = try reader.u64()
    let pid = try reader.u32()
    guard let state = State(rawValue: try reader.u8()) else { throw .invalid(field: "node state") }
    let reason = try reader.shortBytes()
    let count = try reader.count(limit: listMax, field: "replicas")
    var replicas: [ReplicaStatus] = []
    for _ in 0..<count { replicas.append(try ReplicaStatus(decoding: &reader)) }
    self.init(
      node: node, cluster: cluster, disk: disk, pid: pid, state: state, reason: reason, replicas: replicas)
  }
}

extension ReplicaStatus {
  func encode(into out: inout [UInt8]) {
    out.put(shard.rawValue)
    out.append(role.rawValue)
    out.put(epoch)
    out.put(durableIndex)
    out.put(committedIndex)
    out.put(appliedIndex)
    out.append(digest == nil ? 0 : 1)
    if let digest {
      out.put(digest.index)
      out.put(digest.value)
    }
    out.append(isStalled ? 1 : 0)
    out.putText(reason)
  }

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    let shard = ShardID(try reader.u16())
    guard let role = Role(rawValue: try reader.u8()) else { throw .invalid(field: "role") }
    let epoch = try reader.u64()
    let durable = try reader.u64()
    let committed = try reader.u64()
    let applied = try reader.u64()
    var digest: Digest?
    switch try reader.u8() {
    case 0: break
    case 1: digest = Digest(index: try reader.u64(), value: try reader.u64())
    default: throw .invalid(field: "digest")
    }
    let stalled = try reader.u8()
    guard stalled <= 1 else { throw .invalid(field: "stalled") }
    self.init(
      shard: shard, role: role, epoch: epoch, durableIndex: durable, committedIndex: committed, appliedIndex: applied,
      digest: digest, isStalled: stalled == 1, reason: try reader.shortBytes())
  }
}

extension [UInt8] {
  fileprivate mutating func put(_ shards: [ShardID]) {
    put(UInt32(shards.count))
    for shard in shards { put(shard.rawValue) }
  }

  fileprivate mutating func putText(_ text: Bytes) {
    putShort(text.count <= 255 ? text : Bytes(Array(text.array.prefix(255))))
  }
}

extension ByteReader {
  fileprivate mutating func shards() throws(DecodeError) -> [ShardID] {
    let count = try count(limit: listMax, field: "shards")
    var shards: [ShardID] = []
    for _ in 0..<count { shards.append(ShardID(try u16())) }
    return shards
  }
}
