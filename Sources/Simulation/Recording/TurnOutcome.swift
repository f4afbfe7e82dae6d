import Inventory
import Journal
import Octets
import Proto
import Replication
import ShardCore
import Time

/// What came of one turn, short enough to be kept for each.
struct TurnOutcome: Equatable, CustomStringConvertible {
  var actionCount: UInt32
  /// Of all that the actions say, in order.
  var hash: UInt64
  /// The inventory's.
  var digest: UInt64

  init(_ actions: [ShardAction], digest: UInt64) {
    actionCount = UInt32(actions.count)
    self.digest = digest
    hash = 0
    for action in actions {
      var bytes: [UInt8] = []
      action.encode(into: &bytes)
      hash = stableHash(bytes.rawSpan, seed: hash)
    }
  }

  func encode(into out: inout [UInt8]) {
    out.put(actionCount)
    out.put(hash)
    out.put(digest)
  }

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    actionCount = try reader.u32()
    hash = try reader.u64()
    digest = try reader.u64()
  }

  var description: String {
    "\(actionCount) actions with hash \(String(hash, radix: 16)), digest \(String(digest, radix: 16))"
  }
}

extension ShardAction {
  private enum Kind: UInt8 {
    case log = 1
    case send, reply, dropPeer, readMap, propose, noteEntry, disk, keep, roleChanged, note, clockLeapt
  }

  /// All that it says, for a hash: never read again. Memory is told by its digest.
  fileprivate func encode(into out: inout [UInt8]) {
    func begin(_ kind: Kind) { out.append(kind.rawValue) }
    switch self {
    case .log(let entries):
      begin(.log)
      for entry in entries { entry.encode(into: &out) }
    case .send(let message, let payload, let peer):
      begin(.send)
      peer.encode(into: &out)
      message.encode(shard: ShardID(0), into: &out) { $0.append(contentsOf: payload) }
    case .reply(let frame, let tail, let connection):
      begin(.reply)
      out.put(connection.rawValue)
      out.append(contentsOf: frame)
      out.append(contentsOf: tail)
    case .dropPeer(let peer):
      begin(.dropPeer)
      peer.encode(into: &out)
    case .readMap(let token):
      begin(.readMap)
      out.put(token)
    case .propose(let entry, let revision, let noted):
      begin(.propose)
      out.putText("\(entry) \(revision) \(noted)")
    case .noteEntry(let entry):
      begin(.noteEntry)
      out.putText("\(entry)")
    case .disk(let job):
      begin(.disk)
      job.encode(into: &out)
    case .keep(let index):
      begin(.keep)
      out.putOptional(index) { $0.put($1) }
    case .roleChanged: begin(.roleChanged)
    case .note(let note):
      begin(.note)
      out.putText("\(note)")
    case .clockLeapt(let milliseconds):
      begin(.clockLeapt)
      out.put(milliseconds.rawValue)
    }
  }

  /// In a word or two, for people.
  var name: String {
    switch self {
    case .log(let entries): "log \(entries.count)"
    case .send(let message, let payload, let peer): "send \(message) + \(payload.count) bytes to \(peer.node)"
    case .reply(let frame, let tail, let connection):
      "reply \(frame.count + tail.count) bytes to \(connection.rawValue)"
    case .dropPeer(let peer): "drop \(peer.node)"
    case .readMap(let token): "read the map, \(token)"
    case .propose(let entry, let revision, _): "propose \(entry) at \(revision)"
    case .noteEntry(let entry): "note \(entry)"
    case .disk(let job): job.name
    case .keep(let index): "keep from \(index.map { "\($0)" } ?? "the end")"
    case .roleChanged: "role changed"
    case .note(let note): "\(note)"
    case .clockLeapt(let milliseconds): "clock leapt \(milliseconds)"
    }
  }
}

extension LogEntry {
  fileprivate func encode(into out: inout [UInt8]) {
    switch self {
    case .frame(let frame): out.append(contentsOf: frame.bytes)
    case .cut(let shard, let keeping, let chain): out.putText("cut \(shard.rawValue) \(keeping) \(chain)")
    case .rebuilt(let header): header.encode(into: &out)
    }
  }
}

extension DiskJob {
  fileprivate func encode(into out: inout [UInt8]) {
    out.putText(name)
    switch self {
    case .storeChunk(_, _, let bytes): out.append(contentsOf: bytes)
    case .prepareRecord(_, let bytes), .unpackFrame(_, let bytes): out.append(contentsOf: bytes)
    case .encodeSnapshot(let header, let inventory):
      header.encode(into: &out)
      out.put(inventory.digest)
    case .openStream(_, let header), .publishSnapshot(let header), .abandonSnapshot(let header):
      header.encode(into: &out)
    case .lookUpChain, .readFrames, .load, .replay, .readStream, .closeStream, .verifyStored, .publishStored: break
    }
  }

  /// What is asked for, without its bytes.
  fileprivate var name: String {
    switch self {
    case .lookUpChain(let index, let token): "look up the chain at \(index), \(token)"
    case .readFrames(let token, let first, let bytes): "read \(bytes) bytes of frames from \(first) on, \(token)"
    case .load: "load"
    case .replay(let index, let token): "replay up to \(index), \(token)"
    case .openStream(let session, let header): "open the snapshot at \(header.end.index), session \(session)"
    case .readStream(let session, let epoch, let offset, let bytes, let peer):
      "read \(bytes) bytes from \(offset) on for \(peer.node), epoch \(epoch), session \(session)"
    case .closeStream(let session): "close session \(session)"
    case .storeChunk(let session, let offset, let bytes):
      "store \(bytes.count) bytes at \(offset), session \(session)"
    case .verifyStored: "verify what was stored"
    case .publishStored: "publish what was stored"
    case .prepareRecord(let token, let bytes): "prepare a record of \(bytes.count) bytes, \(token)"
    case .unpackFrame(let token, let bytes): "unpack a frame of \(bytes.count) bytes, \(token)"
    case .encodeSnapshot(let header, _): "encode a snapshot at \(header.end.index)"
    case .publishSnapshot(let header): "publish the snapshot at \(header.end.index)"
    case .abandonSnapshot(let header): "abandon the snapshot at \(header.end.index)"
    }
  }
}

extension [UInt8] {
  fileprivate mutating func putText(_ text: String) { append(contentsOf: text.utf8) }
}
