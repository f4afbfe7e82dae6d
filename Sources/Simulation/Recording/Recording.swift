import Journal
import Octets
import Proto
import Replication
import ShardCore

/// Everything that was told to one replica of one shard in one run, in order, so that a fresh machine can be told the
/// same: `Replay` does that.
///
/// Layout of the file, little-endian: `magic: u32 = 0x4345_5248` ("HREC"), `version: u8`, then entries: `kind: u8`,
/// `life: u16`, `bytes: u32`, `crc: u32` (CRC32C of the payload's CRC32C, kind, life and length), the payload. Each
/// process of the node has a life of its own, so that one that was replaced and still runs is told apart. The last
/// entry is `end`.
final class Recording {
  static let magic: UInt32 = 0x4345_5248
  static let version: UInt8 = 2
  static let entryHeadBytes = 11
  /// A longer recording ends early, and says so; a longer file is refused.
  static let bytesMax = 512 << 20

  enum Kind: UInt8 {
    /// A machine is made: see `MachineMaking`.
    case life = 1
    /// A `ShardInput`, after the time and the turn's allowance.
    case input = 2
    /// `ShardRequests` and `ShardMessage`, after the same.
    case requests = 3
    case message = 4
    /// What came of an input: a directive's answer.
    case answer = 5
    /// What came of a turn: `actions: u32`, `hash: u64` of them, `digest: u64` of the inventory.
    case turn = 6
    /// `entries: u64` before it.
    case end = 7
  }

  /// Which node's replica, by its place, and of which shard.
  let node: Int
  let shard: ShardID
  private var bytes: [UInt8] = []
  private var entryCount: UInt64 = 0
  private var lifeCount: UInt16 = 0
  /// It has become too long.
  private(set) var isFull = false
  var isEmpty: Bool { lifeCount == 0 }

  init(node: Int, shard: ShardID) {
    (self.node, self.shard) = (node, shard)
    bytes.put(Self.magic)
    bytes.append(Self.version)
  }

  /// For a machine that is about to be made on a node; nil: this recording is of another.
  func recorder(of shard: ShardID, on node: SimulatedNode, seed: UInt64) -> MachineRecorder? {
    guard node.index == self.node, shard == self.shard, lifeCount < .max else { return nil }
    lifeCount += 1
    let world = node.world
    let recorder = MachineRecorder(self, life: lifeCount)
    let making = MachineMaking(
      shard: shard, me: node.id, options: world.machineOptions, config: world.replicaConfig, seed: seed)
    add(.life, of: lifeCount) { making.encode(into: &$0) }
    return recorder
  }

  func add(_ kind: Kind, of life: UInt16, _ payload: (inout [UInt8]) -> Void) {
    guard !isFull else { return }
    let start = bytes.count
    bytes.append(kind.rawValue)
    bytes.put(life)
    bytes.put(UInt64(0))
    payload(&bytes)
    guard bytes.count < Self.bytesMax - Self.entryHeadBytes - 8 else {
      bytes.removeLast(bytes.count - start)
      isFull = true
      return
    }
    let byteCount = bytes.count - start - Self.entryHeadBytes
    bytes.patch(UInt32(byteCount), at: start + 3)
    bytes.patch(Self.checksum(bytes.rawSpan.extracting(start..<bytes.count)), at: start + 7)
    entryCount += 1
  }

  /// Of an entry whose own checksum is not looked at.
  static func checksum(_ entry: RawSpan) -> UInt32 {
    var head: [UInt8] = []
    head.put(crc32c(entry.extracting(entryHeadBytes...)))
    head.put(entry.extracting(0..<7))
    return crc32c(head.rawSpan)
  }

  /// The whole file.
  func finish() -> [UInt8] {
    let count = entryCount
    add(.end, of: 0) { $0.put(count) }
    return bytes
  }
}

/// Writes down what one machine is told, and what came of it.
final class MachineRecorder {
  private unowned let recording: Recording
  private let life: UInt16

  init(_ recording: Recording, life: UInt16) { (self.recording, self.life) = (recording, life) }

  private func add(
    _ kind: Recording.Kind, _ time: TurnTime, _ allowance: TurnAllowance, _ payload: (inout [UInt8]) -> Void
  ) {
    recording.add(kind, of: life) { out in
      time.encode(into: &out)
      allowance.state.encode(into: &out)
      payload(&out)
    }
  }

  func note(_ input: ShardInput, _ time: TurnTime, _ allowance: TurnAllowance) {
    add(.input, time, allowance) { input.encode(into: &$0) }
  }

  func note(_ requests: ShardRequests, _ time: TurnTime, _ allowance: TurnAllowance) {
    let (body, connection, room) = (requests.body, requests.connection, requests.room)
    add(.requests, time, allowance) { out in
      room.encode(into: &out)
      out.put(connection.rawValue)
      out.put(body)
    }
  }

  func note(_ message: ShardMessage, _ time: TurnTime, _ allowance: TurnAllowance) {
    let (what, payload, sender, room) = (message.message, message.payload, message.sender, message.room)
    let shard = recording.shard
    add(.message, time, allowance) { out in
      room.encode(into: &out)
      sender.encode(into: &out)
      what.encode(shard: shard, into: &out) { $0.put(payload) }
    }
  }

  func note(_ answer: DirectiveAnswer) { recording.add(.answer, of: life) { $0.append(answer.number) } }

  func note(_ actions: [ShardAction], _ digest: UInt64) {
    let outcome = TurnOutcome(actions, digest: digest)
    recording.add(.turn, of: life) { outcome.encode(into: &$0) }
  }
}
