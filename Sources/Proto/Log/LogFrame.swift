public import Octets
public import Time

/// The header of one frame of a shard's log: some records that were applied at one stamp, as one LZ4 block. The bytes
/// on disk, on the wire to the follower and in a backup are the same.
///
/// Layout, little-endian, 84 bytes:
/// `magic: u32 = 0x474F4C48` ("HLOG"), `version: u8`, `kind: u8`, `shard: u16`, `epoch: u64`, `firstIndex: u64`,
/// `count: u32`, `rawBytes: u32`, `blockBytes: u32`, `recordsCRC: u32`, `stamp: i64`, `committed: u64`,
/// `previousChain: u64`, `chain: u64`, `reserved: u64 = 0`, `headerCRC: u32` (of the 80 bytes before it).
public struct LogFrame: Equatable, Sendable {
  public enum Kind: UInt8, Sendable, CaseIterable {
    /// Command records; on the wire and on disk.
    case records = 1
    /// Local, never sent: begins a group write. `firstIndex`: the group's number; `count`: its frames; `committed`:
    /// their bytes; `stamp`: this frame's own position in the log; `previousChain`: the disk's id (so nothing stale or
    /// foreign passes).
    case batch = 2
    /// Local, never sent: cuts this shard's log back to `firstIndex - 1`, whose frame has `epoch`, `stamp` and, as
    /// chain hash, `previousChain` (a rejoin); what it cuts and earlier snapshots above it are void.
    case cut = 3
    /// Local, never sent: the replica was rebuilt from a peer's snapshot that stands at `firstIndex - 1` with `epoch`,
    /// `stamp` and `previousChain`; all of the shard that came before is void.
    case rebuilt = 4
  }

  public static let magic: UInt32 = 0x474F_4C48
  public static let headerBytes = 84
  /// Uncompressed bytes of one frame's records: an event of the largest size must fit.
  public static let rawBytesMax = 56 << 20

  public var kind: Kind
  public var shard: ShardID
  public var epoch: UInt64
  /// The first record's index; a shard's first record ever has index 1.
  public var firstIndex: UInt64
  public var count: UInt32
  /// Bytes of the records before compression.
  public var rawBytes: UInt32
  /// Bytes of the LZ4 block behind this header.
  public var blockBytes: UInt32
  /// CRC32C of the uncompressed records.
  public var recordsCRC: UInt32
  /// When the primary applied the records.
  public var stamp: Stamp
  /// The shard's committed index, as the primary knew it.
  public var committed: UInt64
  /// The chain hash of the shard's frame before; 0 before the first.
  public var previousChain: UInt64
  /// This frame's own: see `chained`.
  public var chain: UInt64

  public init(
    kind: Kind, shard: ShardID, epoch: UInt64, firstIndex: UInt64, count: UInt32, rawBytes: UInt32, blockBytes: UInt32,
    recordsCRC: UInt32, stamp: Stamp, committed: UInt64, previousChain: UInt64
  ) {
    (self.kind, self.shard, self.epoch, self.firstIndex, self.count) = (kind, shard, epoch, firstIndex, count)
    (self.rawBytes, self.blockBytes, self.recordsCRC) = (rawBytes, blockBytes, recordsCRC)
    (self.stamp, self.committed, self.previousChain, chain) = (stamp, committed, previousChain, 0)
    chain = chained
  }

  public var lastIndex: UInt64 { firstIndex &+ UInt64(count) &- 1 }
  /// Bytes of the whole frame.
  public var frameBytes: Int { Self.headerBytes + Int(blockBytes) }
  /// The shard's end, once this frame is in its log.
  public var end: LogEnd { LogEnd(index: lastIndex, epoch: epoch, chain: chain, stamp: stamp) }

  /// What `chain` must be: everything that decides the state, chained to the frame before. `committed` and the block's
  /// form are left out: they decide nothing.
  public var chained: UInt64 {
    var hash = mix64(previousChain ^ UInt64(shard.rawValue) << 8 ^ UInt64(kind.rawValue))
    hash = mix64(hash ^ epoch)
    hash = mix64(hash ^ firstIndex)
    hash = mix64(hash ^ (UInt64(count) << 32 | UInt64(rawBytes)))
    hash = mix64(hash ^ UInt64(recordsCRC))
    return mix64(hash ^ UInt64(bitPattern: stamp.rawValue))
  }

  public func encode(into out: inout [UInt8]) {
    let start = out.count
    out.put(Self.magic)
    out.append(Format.version)
    out.append(kind.rawValue)
    out.put(shard.rawValue)
    out.put(epoch)
    out.put(firstIndex)
    out.put(count)
    out.put(rawBytes)
    out.put(blockBytes)
    out.put(recordsCRC)
    out.put(stamp)
    out.put(committed)
    out.put(previousChain)
    out.put(chain)
    out.put(UInt64(0))
    out.put(crc32c(out.rawSpan.extracting(start..<out.count)))
  }

  /// Reads and verifies a header: its checksum, its chain, its sizes.
  public init(decoding reader: inout ByteReader) throws(DecodeError) {
    var whole = reader
    let head = try whole.bytes(Self.headerBytes - 4)
    guard try reader.u32() == Self.magic else { throw .invalid(field: "log frame magic") }
    guard try whole.u32() == crc32c(head) else { throw .corrupt(field: "log frame header") }
    try DecodeError.check(version: try reader.u8())
    guard let kind = Kind(rawValue: try reader.u8()) else { throw .invalid(field: "log frame kind") }
    self.kind = kind
    shard = ShardID(try reader.u16())
    epoch = try reader.u64()
    firstIndex = try reader.u64()
    count = try reader.u32()
    rawBytes = UInt32(try reader.count(limit: Self.rawBytesMax, field: "log frame records"))
    blockBytes = UInt32(
      try reader.count(limit: Self.rawBytesMax + Self.rawBytesMax / 255 + 16, field: "log frame block"))
    recordsCRC = try reader.u32()
    stamp = try reader.stamp()
    committed = try reader.u64()
    previousChain = try reader.u64()
    chain = try reader.u64()
    guard try reader.u64() == 0 else { throw .invalid(field: "log frame padding") }
    _ = try reader.u32()
    guard chain == chained else { throw .corrupt(field: "log frame chain") }
    guard firstIndex > 0, !firstIndex.addingReportingOverflow(UInt64(count)).overflow else {
      throw .invalid(field: "log frame index")
    }
    switch kind {
    case .records:
      // A record has a header of 8 bytes, and LZ4 makes at most 255 bytes of one: so no small block claims a huge
      // buffer.
      guard count > 0, Int(rawBytes) >= Int(count) * CommandRecord.headerBytes, Int(rawBytes) <= Int(blockBytes) * 255
      else {
        throw .invalid(field: "log frame sizes")
      }
    case .batch, .cut, .rebuilt:
      guard rawBytes == 0, blockBytes == 0 else { throw .invalid(field: "log frame sizes") }
    }
  }
}
