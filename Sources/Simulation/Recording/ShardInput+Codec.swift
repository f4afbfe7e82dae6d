import Inventory
import Journal
import Octets
import Proto
import Replication
import ShardCore
import Time

// The bytes of inputs in a recording.

extension TurnTime {
  func encode(into out: inout [UInt8]) {
    out.put(now.rawValue)
    out.put(wall)
  }

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    let now = MonotonicTime(try reader.i64())
    self.init(now: now, wall: try reader.stamp())
  }
}

extension TurnAllowance.State {
  func encode(into out: inout [UInt8]) {
    out.put(endsAt)
    for size in [replyBytes, outputBytes, largeCount, largeBytes] { out.put(Int64(size)) }
    out.put(UInt32(crowded.count))
    for connection in crowded.sorted(by: { $0.rawValue < $1.rawValue }) { out.put(connection.rawValue) }
  }

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    self.init()
    endsAt = try reader.u64()
    (replyBytes, outputBytes) = (try reader.size(), try reader.size())
    (largeCount, largeBytes) = (try reader.size(), try reader.size())
    for _ in 0..<(try reader.count(limit: 65_536, field: "crowded connections")) {
      crowded.insert(ConnectionID(try reader.u64()))
    }
  }
}

extension LogRoom {
  func encode(into out: inout [UInt8]) {
    switch self {
    case .open: out.append(0)
    case .full: out.append(1)
    case .busy: out.append(2)
    }
  }

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    switch try reader.u8() {
    case 0: self = .open
    case 1: self = .full
    case 2: self = .busy
    default: throw .invalid(field: "room")
    }
  }
}

extension DirectiveAnswer {
  var number: UInt8 {
    switch self {
    case .taken: 0
    case .nothingToDo: 1
    case .refused(let reason): 16 + reason.rawValue
    }
  }
}

extension ShardInput {
  private enum Kind: UInt8 {
    case start = 1
    case endBegins = 2
    case halt = 3
    case tick = 4
    case turnEnds = 5
    case mapRead = 6
    case mapUnreachable = 7
    case assignFirstRoles = 8
    case durable = 9
    case markerDurable = 10
    case diskFull = 11
    case disk = 12
    case takeSnapshot = 13
    case forgetRecent = 14
    case connected = 15
    case closed = 16
    case directive = 17
    case endCloses = 18
  }

  func encode(into out: inout [UInt8]) {
    func begin(_ kind: Kind) { out.append(kind.rawValue) }
    switch self {
    case .start(let start):
      begin(.start)
      start.encode(into: &out)
    case .endBegins: begin(.endBegins)
    case .endCloses: begin(.endCloses)
    case .halt(let reason):
      begin(.halt)
      out.append(reason.rawValue)
    case .tick(let room):
      begin(.tick)
      room.encode(into: &out)
    case .turnEnds: begin(.turnEnds)
    case .mapRead(let register, let token):
      begin(.mapRead)
      out.put(token)
      out.putOptional(register) { $1.encode(into: &$0) }
    case .mapUnreachable(let token):
      begin(.mapUnreachable)
      out.put(token)
    case .assignFirstRoles(let roles):
      begin(.assignFirstRoles)
      roles.primary.encode(into: &out)
      out.putOptional(roles.follower) { $1.encode(into: &$0) }
    case .durable(let index):
      begin(.durable)
      out.put(index)
    case .markerDurable(let kind):
      begin(.markerDurable)
      out.append(kind.rawValue)
    case .diskFull(let isFull):
      begin(.diskFull)
      out.append(isFull ? 1 : 0)
    case .disk(let result):
      begin(.disk)
      result.encode(into: &out)
    case .takeSnapshot(let again):
      begin(.takeSnapshot)
      out.append(again ? 1 : 0)
    case .forgetRecent: begin(.forgetRecent)
    case .connected(let peer):
      begin(.connected)
      peer.encode(into: &out)
    case .closed(let connection):
      begin(.closed)
      out.put(connection.rawValue)
    case .directive(let directive):
      begin(.directive)
      switch directive {
      case .drain: out.append(0)
      case .force: out.append(1)
      case .acceptLoss: out.append(2)
      case .declareDead(let node):
        out.append(3)
        out.putShort(node.bytes)
      }
    }
  }

  init(decoding reader: inout ByteReader, shard: ShardID, jobs: [UInt64: ArraySlice<UInt8>]) throws(DecodeError) {
    guard let kind = Kind(rawValue: try reader.u8()) else { throw .invalid(field: "input kind") }
    switch kind {
    case .start: self = .start(try ShardStart(decoding: &reader, shard: shard))
    case .endBegins: self = .endBegins
    case .endCloses: self = .endCloses
    case .halt:
      guard let reason = HaltReason(rawValue: try reader.u8()) else { throw .invalid(field: "halt reason") }
      self = .halt(reason)
    case .tick: self = .tick(try LogRoom(decoding: &reader))
    case .turnEnds: self = .turnEnds
    case .mapRead:
      let token = try reader.u64()
      self = .mapRead(try reader.flag() ? try MapRegister(decoding: &reader) : nil, token: token)
    case .mapUnreachable: self = .mapUnreachable(token: try reader.u64())
    case .assignFirstRoles:
      let primary = try ReplicaID(decoding: &reader)
      self = .assignFirstRoles(
        FirstRoles(primary: primary, follower: try reader.flag() ? try ReplicaID(decoding: &reader) : nil))
    case .durable: self = .durable(through: try reader.u64())
    case .markerDurable:
      guard let kind = LogFrame.Kind(rawValue: try reader.u8()) else { throw .invalid(field: "marker") }
      self = .markerDurable(kind)
    case .diskFull: self = .diskFull(try reader.flag())
    case .disk: self = .disk(try DiskResult(decoding: &reader, shard: shard, jobs: jobs))
    case .takeSnapshot: self = .takeSnapshot(again: try reader.flag())
    case .forgetRecent: self = .forgetRecent
    case .connected: self = .connected(try ReplicaID(decoding: &reader))
    case .closed: self = .closed(ConnectionID(try reader.u64()))
    case .directive:
      switch try reader.u8() {
      case 0: self = .directive(.drain)
      case 1: self = .directive(.force)
      case 2: self = .directive(.acceptLoss)
      case 3: self = .directive(.declareDead(try NodeName(decoding: &reader)))
      default: throw .invalid(field: "directive")
      }
    }
  }
}

extension ShardStart {
  fileprivate func encode(into out: inout [UInt8]) {
    loaded.encode(into: &out)
    out.append(suspicion.rawValue)
    out.put(committed)
    out.putOptional(noted) { $0.put($1) }
    out.putOptional(entered) {
      $0.put($1.epoch)
      $0.put($1.proposal)
    }
  }

  fileprivate init(decoding reader: inout ByteReader, shard: ShardID) throws(DecodeError) {
    let loaded = try LoadedShard(decoding: &reader, shard: shard)
    guard let suspicion = Suspicion(rawValue: try reader.u8()) else { throw .invalid(field: "suspicion") }
    self.init(loaded, suspicion: suspicion, committed: try reader.u64())
    noted = try reader.flag() ? try reader.u64() : nil
    if try reader.flag() {
      let epoch = try reader.u64()
      entered = EpochNote(epoch: epoch, proposal: try reader.u64())
    }
  }
}

extension MapRegister {
  fileprivate func encode(into out: inout [UInt8]) {
    out.put(revision)
    out.put(entry.epoch)
    out.put(entry.proposal)
    entry.primary.encode(into: &out)
    out.putOptional(entry.follower) { $1.encode(into: &$0) }
  }

  fileprivate init(decoding reader: inout ByteReader) throws(DecodeError) {
    let revision = try reader.u64()
    let (epoch, proposal) = (try reader.u64(), try reader.u64())
    let primary = try ReplicaID(decoding: &reader)
    let follower = try reader.flag() ? try ReplicaID(decoding: &reader) : nil
    self.init(
      revision: revision, entry: MapEntry(epoch: epoch, primary: primary, follower: follower, proposal: proposal))
  }
}

extension [UInt8] {
  mutating func putOptional<Value>(_ value: Value?, _ body: (inout [UInt8], Value) -> Void) {
    append(value == nil ? 0 : 1)
    if let value { body(&self, value) }
  }
}

extension ByteReader {
  mutating func flag() throws(DecodeError) -> Bool {
    switch try u8() {
    case 0: return false
    case 1: return true
    default: throw .invalid(field: "flag")
    }
  }
}
