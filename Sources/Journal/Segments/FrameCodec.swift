package import Octets
package import Proto
import Threads
package import Time

/// Makes frames out of records. Keeps LZ4's state and buffers for the next frame: one for each thread.
package struct FrameEncoder: ~Copyable {
  private var compressor = LZ4Compressor()

  package init() {}

  /// `records`: `count` command records, one behind the other, at most `LogFrame.rawBytesMax` bytes. The first has
  /// `firstIndex`; `previousChain` is the chain hash of the shard's frame before, 0 if there is none.
  package mutating func encode(
    _ records: RawSpan, shard: ShardID, epoch: UInt64, firstIndex: UInt64, count: UInt32, stamp: Stamp,
    committed: UInt64, previousChain: UInt64
  ) -> EncodedFrame {
    precondition(count > 0 && records.byteCount <= LogFrame.rawBytesMax, "the primary splits its batches")
    let blockBytes = compressor.compress(records)
    let header = LogFrame(
      kind: .records, shard: shard, epoch: epoch, firstIndex: firstIndex, count: count,
      rawBytes: UInt32(records.byteCount), blockBytes: UInt32(blockBytes), recordsCRC: crc32c(records), stamp: stamp,
      committed: committed, previousChain: previousChain)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(LogFrame.headerBytes + blockBytes)
    header.encode(into: &bytes)
    compressor.append(to: &bytes)
    return EncodedFrame(header: header, bytes: bytes)
  }

  /// Compresses a record whose frame's header is not known yet.
  package mutating func prepare(_ record: RawSpan) -> PreparedBlock {
    precondition(record.byteCount <= LogFrame.rawBytesMax, "a record fits a frame")
    let blockBytes = compressor.compress(record)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(LogFrame.headerBytes + blockBytes)
    bytes.append(contentsOf: repeatElement(0, count: LogFrame.headerBytes))
    compressor.append(to: &bytes)
    return PreparedBlock(bytes: bytes, rawBytes: UInt32(record.byteCount), recordsCRC: crc32c(record))
  }
}

/// A record as a frame of its own has it, with room for the header: made by any thread, before the record is applied.
///
/// An object, so that there is one reference to the bytes: the header is written in their place.
package final class PreparedBlock: Sendable {
  private let bytes: Lock<[UInt8]>
  private let rawBytes: UInt32
  private let recordsCRC: UInt32

  fileprivate init(bytes: consuming sending [UInt8], rawBytes: UInt32, recordsCRC: UInt32) {
    self.bytes = Lock(bytes)
    (self.rawBytes, self.recordsCRC) = (rawBytes, recordsCRC)
  }

  /// The frame, with what `FrameEncoder.encode` is told of its place. Once.
  package func takeFrame(
    shard: ShardID, epoch: UInt64, index: UInt64, stamp: Stamp, committed: UInt64, previousChain: UInt64
  ) -> EncodedFrame {
    var bytes: [UInt8] = []
    self.bytes.withLock { swap(&$0, &bytes) }
    precondition(bytes.count > LogFrame.headerBytes, "a block becomes a frame once")
    let header = LogFrame(
      kind: .records, shard: shard, epoch: epoch, firstIndex: index, count: 1, rawBytes: rawBytes,
      blockBytes: UInt32(bytes.count - LogFrame.headerBytes), recordsCRC: recordsCRC, stamp: stamp,
      committed: committed, previousChain: previousChain)
    var head: [UInt8] = []
    header.encode(into: &head)
    bytes.replaceSubrange(0..<head.count, with: head)
    return EncodedFrame(header: header, bytes: bytes)
  }
}

/// Verifies frames and gives their records. Keeps a buffer for the next frame.
package struct FrameDecoder: ~Copyable {
  private var buffer: [UInt8] = []
  private var rawBytes = 0

  /// A buffer that one huge frame made larger than this is given back at the next.
  private static var keptBytesMax: Int { 4 << 20 }

  package init() {}

  /// The records of the frame that was decoded last, one behind the other.
  package var records: RawSpan {
    @_lifetime(borrow self)
    get { buffer.rawSpan.extracting(0..<rawBytes) }
  }

  /// Takes the next frame off the reader, verified: header, sizes before anything is allocated, checksum of the
  /// records.
  ///
  /// - Throws: `truncated` if the frame has not all arrived; anything else: it is not what was written. The reader has
  ///   not moved.
  package mutating func decode(_ reader: inout ByteReader) throws(DecodeError) -> LogFrame {
    rawBytes = 0
    var reading = reader
    let header = try LogFrame(decoding: &reading)
    let block = try reading.bytes(Int(header.blockBytes))
    if header.kind == .records { try decompress(block, header) }
    reader = reading
    return header
  }

  /// As `decode`, and keeps the bytes: what a follower got and appends. Frames that are local to a node are refused.
  package mutating func take(_ reader: inout ByteReader) throws(DecodeError) -> EncodedFrame {
    var whole = reader
    let header = try decode(&reader)
    guard header.kind == .records else { throw .invalid(field: "log frame kind") }
    return EncodedFrame(header: header, bytes: Bytes(try whole.bytes(header.frameBytes)).array)
  }

  private mutating func decompress(_ block: RawSpan, _ header: LogFrame) throws(DecodeError) {
    let count = Int(header.rawBytes)
    if buffer.count < count || (buffer.count > Self.keptBytesMax && count <= Self.keptBytesMax) {
      buffer = [UInt8](repeating: 0, count: max(count, 64 << 10))
    }
    guard decompressLZ4(block, into: &buffer, rawBytes: count) else { throw .corrupt(field: "log frame block") }
    guard crc32c(buffer.rawSpan.extracting(0..<count)) == header.recordsCRC else {
      throw .corrupt(field: "log frame records")
    }
    rawBytes = count
  }
}
