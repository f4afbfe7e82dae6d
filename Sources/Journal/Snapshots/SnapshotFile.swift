internal import Octets
internal import Proto

/// A snapshot's bytes.
///
/// Header, little-endian: `magic: u32 = 0x504E5348` ("HSNP"), `version: u8`, `flags: u8` (bit 0: from a peer), `shard:
/// u16`, `epochCount: u32`, the end, `digest: u64`, `replayPosition: u64`, the epochs, `crc: u32`. Chunk: `rawBytes:
/// u32` (1 to 65,536), `blockBytes: u32`, `crc: u32`: CRC32C of the raw bytes, continued from the chunk before (so that
/// none can be missing or change places), the LZ4 block. Trailer: `0xFFFFFFFF: u32`, `chunks: u64`, `crc: u32` of the
/// last chunk, `crc: u32` of the trailer so far and the header's.
enum SnapshotFile {
  static let directory = "snapshots"
  static let chunkBytesMax = 64 << 10
  static let chunkHeaderBytes = 12
  static let trailerBytes = 20
  static let trailerMark: UInt32 = 0xFFFF_FFFF
  /// Epochs that a table keeps: the newest.
  static let epochsMax = 4_096
  static let headerBytesMax = 64 + 32 + EpochStart.encodedBytes * epochsMax

  static func path(_ shard: ShardID, index: UInt64) -> String { stem(shard, index) + ".snap" }
  static func temporary(_ shard: ShardID, index: UInt64) -> String { stem(shard, index) + ".tmp" }

  private static func stem(_ shard: ShardID, _ index: UInt64) -> String {
    let digits = String(shard.rawValue)
    let padding = String(repeating: "0", count: max(0, 3 - digits.count))
    return "\(directory)/shard-\(padding)\(digits)-\(index)"
  }

  /// What a file's name says; nil if it is no snapshot's.
  static func parse(name: String) -> (shard: ShardID, index: UInt64)? {
    guard name.hasPrefix("shard-"), name.hasSuffix(".snap") else { return nil }
    let fields = name.dropFirst(6).dropLast(5).split(separator: "-")
    guard fields.count == 2, let shard = UInt16(fields[0]), let index = UInt64(fields[1]),
      path(ShardID(shard), index: index) == directory + "/" + name
    else { return nil }
    return (ShardID(shard), index)
  }
}

extension SnapshotHeader {
  func encoded() -> [UInt8] {
    var out: [UInt8] = []
    out.put(UInt32(0x504E_5348))
    out.append(Format.version)
    out.append(isFromPeer ? 1 : 0)
    out.put(shard.rawValue)
    out.put(UInt32(epochs.count))
    end.encode(into: &out)
    out.put(digest)
    out.put(replayPosition)
    for epoch in epochs { epoch.encode(into: &out) }
    out.put(crc32c(out.rawSpan))
    return out
  }

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    var whole = reader
    guard try reader.u32() == 0x504E_5348 else { throw .invalid(field: "snapshot magic") }
    let version = try reader.u8()
    guard version == Format.version else { throw .otherVersion(found: version) }
    let flags = try reader.u8()
    guard flags <= 1 else { throw .invalid(field: "snapshot flags") }
    let shard = ShardID(try reader.u16())
    let count = try reader.count(limit: SnapshotFile.epochsMax, field: "snapshot epochs")
    let end = try LogEnd(decoding: &reader)
    let digest = try reader.u64()
    let replayPosition = try reader.u64()
    var epochs: [EpochStart] = []
    for _ in 0..<count { epochs.append(try EpochStart(decoding: &reader)) }
    let coded = try whole.bytes(whole.bytesLeft - reader.bytesLeft)
    guard try reader.u32() == crc32c(coded) else { throw .corrupt(field: "snapshot header") }
    self.init(
      shard: shard, end: end, epochs: epochs, digest: digest, replayPosition: replayPosition, isFromPeer: flags == 1)
  }
}
