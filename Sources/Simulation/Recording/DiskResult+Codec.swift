import Inventory
import Journal
import Octets
import Proto
import Replication
import ShardCore

// The bytes of what a disk brought, in a recording. Memory that was loaded is written as a snapshot of it.

extension DiskResult {
  private enum Kind: UInt8 {
    case chainFound = 1
    case framesRead = 2
    case loaded = 3
    case replayed = 4
    case streamOpened = 5
    case streamRead = 6
    case chunkStored = 7
    case snapshotVerified = 8
    case storedPublished = 9
    case recordPrepared = 10
    case frameUnpacked = 11
    case snapshotEncoded = 12
    case snapshotPublished = 13
  }

  func encode(into out: inout [UInt8]) {
    func begin(_ kind: Kind, _ numbers: UInt64...) {
      out.append(kind.rawValue)
      for number in numbers { out.put(number) }
    }
    switch self {
    case .chainFound(let chain, let token):
      begin(.chainFound, token)
      out.putOptional(chain) { $0.put($1) }
    case .framesRead(let frames, let token):
      begin(.framesRead, token)
      out.putOptional(frames) { out, frames in
        out.put(UInt32(frames.count))
        for frame in frames { out.putLong(frame.bytes) }
      }
    case .loaded(let shard):
      begin(.loaded)
      out.putOptional(shard) { $1.encode(into: &$0) }
    case .replayed(let digest, let token):
      begin(.replayed, token)
      out.putOptional(digest) { $0.put($1) }
    case .streamOpened(let session, let header):
      begin(.streamOpened, session)
      out.putOptional(header) { $1.encode(into: &$0) }
    case .streamRead(let session, let epoch, let parts, let peer):
      begin(.streamRead, session, epoch)
      peer.encode(into: &out)
      out.putOptional(parts) { out, parts in
        out.put(UInt32(parts.count))
        for part in parts {
          out.put(part.offset)
          out.append(part.isLast ? 1 : 0)
          out.putLong(part.bytes)
        }
      }
    case .chunkStored(let session, let offset): begin(.chunkStored, session, offset)
    case .snapshotVerified(let stored):
      begin(.snapshotVerified)
      out.putOptional(stored) { out, stored in
        stored.header.encode(into: &out)
        stored.inventory.encodeWhole(into: &out)
      }
    case .storedPublished(let header):
      begin(.storedPublished)
      out.putOptional(header) { $1.encode(into: &$0) }
    // Made of the bytes that the machine itself gave for it: a replay makes it anew.
    case .recordPrepared(let record, let token):
      begin(.recordPrepared, token)
      out.append(record == nil ? 0 : 1)
    case .frameUnpacked(let frame, let token):
      begin(.frameUnpacked, token)
      out.append(frame == nil ? 0 : 1)
    case .snapshotEncoded(let header, let byteCount):
      begin(.snapshotEncoded)
      header.encode(into: &out)
      out.putOptional(byteCount) { $0.put(Int64($1)) }
    case .snapshotPublished(let header, let byteCount):
      begin(.snapshotPublished)
      header.encode(into: &out)
      out.putOptional(byteCount) { $0.put(Int64($1)) }
    }
  }

  /// - Parameter jobs: by token, the bytes that the machine asked to be prepared or unpacked.
  init(decoding reader: inout ByteReader, shard: ShardID, jobs: [UInt64: ArraySlice<UInt8>]) throws(DecodeError) {
    guard let kind = Kind(rawValue: try reader.u8()) else { throw .invalid(field: "disk result") }
    switch kind {
    case .chainFound:
      let token = try reader.u64()
      self = .chainFound(try reader.flag() ? try reader.u64() : nil, token: token)
    case .framesRead:
      let token = try reader.u64()
      self = .framesRead(try reader.flag() ? try Self.frames(&reader) : nil, token: token)
    case .loaded: self = .loaded(try reader.flag() ? try LoadedShard(decoding: &reader, shard: shard) : nil)
    case .replayed:
      let token = try reader.u64()
      self = .replayed(try reader.flag() ? try reader.u64() : nil, token: token)
    case .streamOpened:
      let session = try reader.u64()
      self = .streamOpened(
        session: session, try reader.flag() ? try SnapshotHeader(decoding: &reader, shard: shard) : nil)
    case .streamRead:
      let (session, epoch) = (try reader.u64(), try reader.u64())
      let peer = try ReplicaID(decoding: &reader)
      self = .streamRead(session: session, epoch: epoch, try reader.flag() ? try Self.parts(&reader) : nil, to: peer)
    case .chunkStored:
      let session = try reader.u64()
      self = .chunkStored(session: session, through: try reader.u64())
    case .snapshotVerified:
      guard try reader.flag() else {
        self = .snapshotVerified(nil)
        return
      }
      let header = try SnapshotHeader(decoding: &reader, shard: shard)
      self = .snapshotVerified((header, try Inventory.decodeWhole(&reader, shard: shard)))
    case .storedPublished:
      self = .storedPublished(try reader.flag() ? try SnapshotHeader(decoding: &reader, shard: shard) : nil)
    case .recordPrepared:
      let token = try reader.u64()
      guard try reader.flag() else {
        self = .recordPrepared(nil, token: token)
        return
      }
      guard let bytes = jobs[token], let record = LargeRecord(bytes) else { throw .invalid(field: "prepared record") }
      self = .recordPrepared(record, token: token)
    case .frameUnpacked:
      let token = try reader.u64()
      guard try reader.flag() else {
        self = .frameUnpacked(nil, token: token)
        return
      }
      guard let bytes = jobs[token], let frame = UnpackedFrame(bytes) else { throw .invalid(field: "unpacked frame") }
      self = .frameUnpacked(frame, token: token)
    case .snapshotEncoded:
      let header = try SnapshotHeader(decoding: &reader, shard: shard)
      self = .snapshotEncoded(header, byteCount: try reader.flag() ? try reader.size() : nil)
    case .snapshotPublished:
      let header = try SnapshotHeader(decoding: &reader, shard: shard)
      self = .snapshotPublished(header, byteCount: try reader.flag() ? try reader.size() : nil)
    }
  }

  private static func frames(_ reader: inout ByteReader) throws(DecodeError) -> [StreamFrame] {
    var frames: [StreamFrame] = []
    for _ in 0..<(try reader.count(limit: reader.bytesLeft, field: "frames")) {
      let bytes = try reader.longBytes(limit: Recording.bytesMax, field: "frame").array
      var header = ByteReader(bytes.rawSpan)
      frames.append(StreamFrame(header: try LogFrame(decoding: &header), bytes: bytes))
    }
    return frames
  }

  private static func parts(_ reader: inout ByteReader) throws(DecodeError) -> [StreamPart] {
    var parts: [StreamPart] = []
    for _ in 0..<(try reader.count(limit: reader.bytesLeft, field: "parts")) {
      let offset = try reader.u64()
      let isLast = try reader.flag()
      let bytes = try reader.longBytes(limit: Recording.bytesMax, field: "part").array
      parts.append(StreamPart(offset: offset, bytes: bytes, isLast: isLast))
    }
    return parts
  }
}

extension LoadedShard {
  func encode(into out: inout [UInt8]) {
    end.encode(into: &out)
    out.putEpochs(epochs)
    out.put(snapshotIndex)
    inventory.encodeWhole(into: &out)
  }

  init(decoding reader: inout ByteReader, shard: ShardID) throws(DecodeError) {
    let end = try LogEnd(decoding: &reader)
    let epochs = try reader.epochs()
    let snapshotIndex = try reader.u64()
    self.init(inventory: try Inventory.decodeWhole(&reader, shard: shard), end: end, epochs: epochs)
    self.snapshotIndex = snapshotIndex
  }
}

extension SnapshotHeader {
  func encode(into out: inout [UInt8]) {
    end.encode(into: &out)
    out.putEpochs(epochs)
    out.put(digest)
    out.put(replayPosition)
    out.append(isFromPeer ? 1 : 0)
  }

  fileprivate init(decoding reader: inout ByteReader, shard: ShardID) throws(DecodeError) {
    let end = try LogEnd(decoding: &reader)
    let epochs = try reader.epochs()
    let (digest, position) = (try reader.u64(), try reader.u64())
    self.init(
      shard: shard, end: end, epochs: epochs, digest: digest, replayPosition: position, isFromPeer: try reader.flag())
  }
}

extension Inventory {
  fileprivate func encodeWhole(into out: inout [UInt8]) {
    var bytes: [UInt8] = []
    encodeSnapshot { bytes += $0 }
    out.putLong(bytes)
  }

  fileprivate static func decodeWhole(_ reader: inout ByteReader, shard: ShardID) throws(DecodeError) -> Inventory {
    let byteCount = try reader.count(limit: Recording.bytesMax, field: "inventory")
    var decoder = Inventory.Decoder(shard: shard)
    try decoder.feed(try reader.bytes(byteCount))
    return try decoder.finish()
  }
}

extension [UInt8] {
  mutating func putLong(_ bytes: [UInt8]) {
    put(UInt32(bytes.count))
    append(contentsOf: bytes)
  }

  fileprivate mutating func putEpochs(_ epochs: [EpochStart]) {
    put(UInt32(epochs.count))
    for start in epochs { start.encode(into: &self) }
  }
}

extension ByteReader {
  fileprivate mutating func epochs() throws(DecodeError) -> [EpochStart] {
    var epochs: [EpochStart] = []
    for _ in 0..<(try count(limit: bytesLeft / EpochStart.encodedBytes, field: "epochs")) {
      epochs.append(try EpochStart(decoding: &self))
    }
    return epochs
  }
}
